//! What the tenant holds: its users, its login history, its audit trail, its settings.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sandbox::population::{Part, Population, Prng};

/// Strings that stand in every login and audit event and must never reach a ledger or a log.
///
/// In order: the start of every address, the city, the browser, the platform.
pub const PERSONAL_MARKERS: [&str; 4] = ["203.0.113.", "Sandboxville", "SandboxFox", "SandboxOS"];

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The owner of the tenant.
    Owner,
    /// A DocSpace administrator.
    Admin,
    /// A room administrator.
    RoomAdmin,
    /// A user ("collaborator").
    User,
    /// A guest ("visitor").
    Guest,
}

/// The status of a user, with the service's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 1: may sign in.
    Active,
    /// 2: disabled.
    Terminated,
    /// 4: invited.
    Pending,
}

impl Status {
    /// Returns the service's number.
    pub fn number(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Terminated => 2,
            Self::Pending => 4,
        }
    }
}

/// One user of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, never used again.
    pub id: Uuid,
    /// The given name; empty for an invitation.
    #[serde(default)]
    pub first_name: String,
    /// The family name; empty for an invitation.
    #[serde(default)]
    pub last_name: String,
    /// The mail address.
    pub email: String,
    /// The role.
    #[serde(default = "default_kind")]
    pub kind: Kind,
    /// The status.
    #[serde(default = "default_status")]
    pub status: Status,
    /// Managed by the tenant's own LDAP synchronisation.
    #[serde(default)]
    pub ldap: bool,
    /// Signs in through single sign-on.
    #[serde(default)]
    pub sso: bool,
    /// When the account was made.
    pub registered: DateTime<Utc>,
    /// Removed for good: answered as not found, but known to the sandbox.
    #[serde(default)]
    pub removed: bool,
}

fn default_kind() -> Kind {
    Kind::User
}

fn default_status() -> Status {
    Status::Active
}

impl User {
    /// Makes an active user with a role.
    pub fn new(
        id: Uuid,
        first: &str,
        last: &str,
        email: &str,
        kind: Kind,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            email: email.to_owned(),
            kind,
            status: Status::Active,
            ldap: false,
            sso: false,
            registered: at,
            removed: false,
        }
    }

    /// Returns the name as shown, without the service's HTML encoding.
    pub fn display_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        let name = name.trim();
        if name.is_empty() {
            self.email.clone()
        } else {
            name.to_owned()
        }
    }
}

/// One line of the login history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginEvent {
    /// The id, growing with each event that is written.
    pub id: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The user.
    pub user: Uuid,
    /// The service's action code; 1000 and others are logins, 1002 and others are failures.
    pub action: u16,
}

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The id, growing with each event that is written.
    pub id: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub user: Uuid,
    /// The service's action code; 4020 is a changed status.
    pub action: u16,
    /// To what it was done.
    pub target: Vec<String>,
}

/// How the reset header of the rate limit is meant; the service documents both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetForm {
    /// Unix seconds.
    Epoch,
    /// Seconds that are left.
    SecondsLeft,
}

/// Limits of the number of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests in one window.
    pub requests: usize,
    /// The window in real milliseconds; the service's is a minute.
    pub window_ms: u64,
    /// GET requests at the same time.
    pub concurrent_get: usize,
    /// Other requests at the same time.
    pub concurrent_other: usize,
    /// What `X-RateLimit-Reset` holds.
    pub reset: ResetForm,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests: 1500,
            window_ms: 60_000,
            concurrent_get: 50,
            concurrent_other: 15,
            reset: ResetForm::Epoch,
        }
    }
}

/// What the tenant's administrator and its tariff have set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Minutes of the tenant's zone east of UTC.
    pub zone_minutes: i32,
    /// False: the tariff lacks the audit, and both histories answer with their last 20 events.
    pub audit_tariff: bool,
    /// Days the login history is kept.
    pub login_history_days: u32,
    /// Days the audit trail is kept.
    pub audit_trail_days: u32,
    /// Seconds of the sandbox's clock until an audit event can be read.
    pub audit_delay_seconds: u32,
    /// Minutes a session lasts.
    pub cookie_minutes: u32,
    /// Whether the life of sessions is limited at all.
    pub cookie_enabled: bool,
    /// Active users other than guests that the tariff allows; none: no limit.
    pub seats: Option<usize>,
    /// None: the limiter is off.
    pub rate_limit: Option<RateLimit>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone_minutes: 60,
            audit_tariff: true,
            login_history_days: 180,
            audit_trail_days: 180,
            audit_delay_seconds: 0,
            // What the service answers for a tenant that never set it.
            cookie_minutes: 1440,
            cookie_enabled: false,
            seats: None,
            rate_limit: None,
        }
    }
}

/// Why a batch was refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// One of the accounts may not be touched.
    AccessDenied,
    /// No paid seat is free.
    NoSeat,
}

/// The whole state of a tenant behind its lock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) key_user: Uuid,
    users: Vec<User>,
    by_id: BTreeMap<Uuid, usize>,
    by_mail: BTreeMap<String, usize>,
    /// Sorted listings by their query; emptied whenever a user changes.
    pub(crate) listings: BTreeMap<String, Arc<Vec<usize>>>,
    logins: Vec<LoginEvent>,
    audits: Vec<AuditEvent>,
    next_event: u64,
    pub(crate) status_changes: BTreeMap<Uuid, u64>,
    pub(crate) status_puts: BTreeMap<Uuid, u64>,
    /// When the requests inside the limiter's window came.
    pub(crate) recent: VecDeque<Instant>,
}

impl World {
    /// Makes an empty tenant.
    pub(crate) fn new(settings: Settings, key_user: Uuid) -> Self {
        Self {
            settings,
            key_user,
            users: Vec::new(),
            by_id: BTreeMap::new(),
            by_mail: BTreeMap::new(),
            listings: BTreeMap::new(),
            logins: Vec::new(),
            audits: Vec::new(),
            next_event: 1,
            status_changes: BTreeMap::new(),
            status_puts: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// Fills the tenant with a generated population whose events end at `now`.
    pub(crate) fn populate(&mut self, population: &Population, now: DateTime<Utc>) {
        let mut random = Prng::new(population.seed);
        for number in 0..population.accounts {
            let identity = population.identity(number);
            let part = population.part(number);
            let kind = match part {
                Part::Owner => Kind::Owner,
                Part::KeyUser | Part::Admin => Kind::Admin,
                Part::Guest => Kind::Guest,
                _ if number.is_multiple_of(10) => Kind::RoomAdmin,
                _ => Kind::User,
            };
            let age = TimeDelta::days(200 + i64::try_from(random.below(900)).unwrap_or(0));
            let (first, last) = (&identity.first_name, &identity.last_name);
            let mut user = User::new(
                identity.account_id,
                first,
                last,
                &identity.mail,
                kind,
                now - age,
            );
            user.ldap = part == Part::LdapManaged;
            user.sso = part == Part::Sso;
            match part {
                Part::Pending => {
                    user.status = Status::Pending;
                    user.registered = now - TimeDelta::hours(30);
                    (user.first_name, user.last_name) = (String::new(), String::new());
                }
                Part::Terminated => user.status = Status::Terminated,
                _ => {}
            }
            if part == Part::KeyUser || (part == Part::Owner && population.accounts == 1) {
                self.key_user = user.id;
            }
            self.put_user(user);
        }
        self.populate_events(population, &mut random, now);
    }

    fn populate_events(&mut self, population: &Population, random: &mut Prng, now: DateTime<Utc>) {
        let busy: Vec<(Uuid, Part)> = (0..population.accounts)
            .filter(|number| !population.is_idle(*number))
            .map(|number| {
                (
                    population.identity(number).account_id,
                    population.part(number),
                )
            })
            .collect();
        let span = i64::from(population.days) * 86_400_000;
        let mut draw = |index: usize, of: usize| {
            // One event in each slice of the span: in order without sorting.
            let slice = span
                .checked_div(i64::try_from(of).unwrap_or(1))
                .unwrap_or(0)
                .max(1);
            let start = i64::try_from(index).unwrap_or(0).saturating_mul(slice);
            let jitter = i64::try_from(random.below(slice.unsigned_abs())).unwrap_or(0);
            let who = usize::try_from(random.below(busy.len() as u64)).unwrap_or(0);
            let at = now - TimeDelta::milliseconds(span) + TimeDelta::milliseconds(start + jitter);
            busy.get(who)
                .map(|(user, part)| (at, *user, *part, random.below(100)))
        };
        let failed = u64::from(population.failed_percent);
        let left = failed + u64::from(population.logout_percent);
        for index in 0..population.events {
            let Some((at, user, part, roll)) = draw(index, population.events) else {
                break;
            };
            let action = match roll {
                roll if roll < failed => [1002, 1005].get(index % 2).copied().unwrap_or(1002),
                roll if roll < left => 1006,
                _ if part == Part::Sso => 1015,
                _ => [1000, 1029, 1029].get(index % 3).copied().unwrap_or(1000),
            };
            let id = self.next_id();
            self.logins.push(LoginEvent {
                id,
                at,
                user,
                action,
            });
        }
        for index in 0..population.audit_events {
            let Some((at, user, _, roll)) = draw(index, population.audit_events) else {
                break;
            };
            let id = self.next_id();
            let target = vec![format!("document-{index}.docx")];
            self.audits.push(AuditEvent {
                id,
                at,
                user,
                action: 5000 + (roll % 3) as u16,
                target,
            });
        }
    }

    fn next_id(&mut self) -> u64 {
        let id = self.next_event;
        self.next_event += 1;
        id
    }

    /// Adds a user or takes the place of the one with the same id.
    pub(crate) fn put_user(&mut self, user: User) {
        self.listings.clear();
        let index = self
            .by_id
            .get(&user.id)
            .copied()
            .unwrap_or(self.users.len());
        self.by_id.insert(user.id, index);
        if let Some(old) = self.users.get_mut(index) {
            self.by_mail.remove(&old.email.to_lowercase());
            self.by_mail.insert(user.email.to_lowercase(), index);
            *old = user;
        } else {
            self.by_mail.insert(user.email.to_lowercase(), index);
            self.users.push(user);
        }
    }

    /// Returns every user, the removed ones too, in the order of their making.
    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }

    /// Returns a user, also a removed one.
    pub(crate) fn user(&self, id: Uuid) -> Option<&User> {
        self.by_id.get(&id).and_then(|index| self.users.get(*index))
    }

    /// Returns a user that is there.
    pub(crate) fn present(&self, id: Uuid) -> Option<&User> {
        self.user(id).filter(|user| !user.removed)
    }

    /// Returns the user with an address, without regard to case.
    pub(crate) fn by_mail(&self, mail: &str) -> Option<&User> {
        let index = self.by_mail.get(&mail.to_lowercase())?;
        self.users.get(*index).filter(|user| !user.removed)
    }

    /// Returns the key's own user while the key works: its user must be there and active.
    pub(crate) fn caller(&self) -> Option<&User> {
        self.present(self.key_user)
            .filter(|user| user.status == Status::Active)
    }

    /// Writes a login event where its time belongs, under the next id.
    pub(crate) fn add_login(&mut self, user: Uuid, at: DateTime<Utc>, action: u16) -> u64 {
        let id = self.next_id();
        let place = self.logins.partition_point(|event| event.at <= at);
        self.logins.insert(
            place,
            LoginEvent {
                id,
                at,
                user,
                action,
            },
        );
        id
    }

    /// Writes an audit event where its time belongs, under the next id.
    pub(crate) fn add_audit(
        &mut self,
        user: Uuid,
        at: DateTime<Utc>,
        action: u16,
        target: Vec<String>,
    ) -> u64 {
        let id = self.next_id();
        let place = self.audits.partition_point(|event| event.at <= at);
        self.audits.insert(
            place,
            AuditEvent {
                id,
                at,
                user,
                action,
                target,
            },
        );
        id
    }

    /// Returns the login history, oldest first, after throwing away what is past its retention.
    pub(crate) fn logins(&mut self, now: DateTime<Utc>) -> &[LoginEvent] {
        let floor = now - TimeDelta::days(i64::from(self.settings.login_history_days));
        let gone = self.logins.partition_point(|event| event.at < floor);
        self.logins.drain(..gone);
        &self.logins
    }

    /// Returns the audit trail that can be read by now, oldest first.
    pub(crate) fn audits(&mut self, now: DateTime<Utc>) -> &[AuditEvent] {
        let floor = now - TimeDelta::days(i64::from(self.settings.audit_trail_days));
        let gone = self.audits.partition_point(|event| event.at < floor);
        self.audits.drain(..gone);
        let delay = TimeDelta::seconds(i64::from(self.settings.audit_delay_seconds));
        let written = self.audits.partition_point(|event| event.at + delay <= now);
        self.audits.get(..written).unwrap_or_default()
    }

    /// Changes the status of a batch, all or nothing, and writes the audit events.
    pub(crate) fn change_status(
        &mut self,
        ids: &[Uuid],
        wanted: Status,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        for id in ids {
            *self.status_puts.entry(*id).or_default() += 1;
        }
        let by_owner = self
            .caller()
            .is_some_and(|caller| caller.kind == Kind::Owner);
        let allowed = |user: &User| {
            !user.ldap
                && user.id != self.key_user
                && user.kind != Kind::Owner
                && (by_owner || user.kind != Kind::Admin)
        };
        if !ids.iter().all(|id| self.present(*id).is_some_and(allowed)) {
            return Err(Refusal::AccessDenied);
        }
        if wanted == Status::Active && !self.has_seats_for(ids) {
            return Err(Refusal::NoSeat);
        }
        for id in ids {
            let Some(mut user) = self.present(*id).cloned() else {
                continue;
            };
            let nameless = user.first_name.is_empty() && user.last_name.is_empty();
            // An invitation that never got a name comes back as an invitation.
            let next = if wanted == Status::Active && nameless {
                Status::Pending
            } else {
                wanted
            };
            if user.status != next {
                *self.status_changes.entry(*id).or_default() += 1;
                user.status = next;
            }
            let name = user.display_name();
            self.put_user(user);
            self.add_audit(self.key_user, now, 4020, vec![name, id.to_string()]);
        }
        Ok(())
    }

    fn has_seats_for(&self, ids: &[Uuid]) -> bool {
        let Some(seats) = self.settings.seats else {
            return true;
        };
        let takes_seat = |user: &User| user.kind != Kind::Guest;
        let taken = self
            .users
            .iter()
            .filter(|user| !user.removed && user.status == Status::Active && takes_seat(user))
            .count();
        let wanted = ids
            .iter()
            .filter_map(|id| self.present(*id))
            .filter(|user| user.status != Status::Active && takes_seat(user))
            .count();
        wanted == 0 || taken + wanted <= seats
    }
}
