//! A small fixed company, in a DocSpace tenant and in a directory, for the demo and its tests.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{DocSpace, DocSpaceHandle, DocSpaceOptions, Kind, Settings, Status, User},
    ldap::{Ldap, LdapHandle, LdapOptions, NewPerson},
    population::Population,
};

const DAY: i64 = 86_400;

/// What somebody is there to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Owns the tenant; last signed in 120 days ago and is protected.
    Owner,
    /// A service's account, as which the API key acts; never signs in, not in the directory.
    KeyUser,
    /// Administers the tenant and signs in every day.
    Admin,
    /// Signs in every day.
    Active,
    /// Signs in every day too.
    AlsoActive,
    /// Was disabled in the directory before Exeunt came; still active in the tenant, where the
    /// last login was 12 days ago.
    AlreadyDisabled,
    /// Signs in every day until the story lets them leave.
    Leaver,
    /// Last signed in 200 days ago, which the login history no longer holds.
    Idle,
    /// Last signed in 200 days ago; since then somebody fails to sign in every third day.
    FailedOnly,
    /// Signed in once, 60 days ago; more than 100 newer events of others hide it.
    Hidden,
    /// Managed by the tenant's own LDAP synchronisation; last signed in 150 days ago.
    LdapManaged,
    /// Was invited yesterday and has not come yet.
    Pending,
    /// A guest from outside, who signed in 20 days ago; not in the directory.
    Guest,
    /// Only in the directory; a known entry that every read must see.
    Canary,
}

/// One of the cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// What they are there to show.
    pub role: Role,
    /// The given name.
    pub first_name: &'static str,
    /// The family name.
    pub last_name: &'static str,
    /// The mail address, the same in the tenant and in the directory.
    pub email: &'static str,
    /// The login name in the directory; none: not in the directory.
    pub uid: Option<&'static str>,
    /// The id of the account in the tenant; none: no account.
    pub account: Option<Uuid>,
    /// The `entryUUID` in the directory, meaningless without a `uid`.
    pub entry_uuid: Uuid,
}

const fn member(
    role: Role,
    names: (&'static str, &'static str),
    email: &'static str,
    uid: Option<&'static str>,
) -> Member {
    let number = role as u128;
    let account = Uuid::from_u128(0x5a9d_b0c5_0000_4000_8000_0000_0000_0100 + number);
    Member {
        role,
        first_name: names.0,
        last_name: names.1,
        email,
        uid,
        account: if matches!(role, Role::Canary) {
            None
        } else {
            Some(account)
        },
        entry_uuid: Uuid::from_u128(0xd1ec_7041_0000_4000_8000_0000_0000_0200 + number),
    }
}

/// Everybody of the story.
pub const CAST: [Member; 14] = [
    member(
        Role::Owner,
        ("Olivia", "Marchetti"),
        "olivia.marchetti@example.com",
        Some("olivia.marchetti"),
    ),
    member(
        Role::KeyUser,
        ("Exeunt", "Service"),
        "exeunt.service@example.com",
        None,
    ),
    member(
        Role::Admin,
        ("Anton", "Berger"),
        "anton.berger@example.com",
        Some("anton.berger"),
    ),
    member(
        Role::Active,
        ("Ada", "Lindqvist"),
        "ada.lindqvist@example.com",
        Some("ada.lindqvist"),
    ),
    member(
        Role::AlsoActive,
        ("Farida", "Haddad"),
        "farida.haddad@example.com",
        Some("farida.haddad"),
    ),
    member(
        Role::AlreadyDisabled,
        ("Bob", "Tanner"),
        "bob.tanner@example.com",
        Some("bob.tanner"),
    ),
    member(
        Role::Leaver,
        ("Carol", "Jensen"),
        "carol.jensen@example.com",
        Some("carol.jensen"),
    ),
    member(
        Role::Idle,
        ("Dieter", "Vogel"),
        "dieter.vogel@example.com",
        Some("dieter.vogel"),
    ),
    member(
        Role::FailedOnly,
        ("Erika", "Novak"),
        "erika.novak@example.com",
        Some("erika.novak"),
    ),
    member(
        Role::Hidden,
        ("Henrik", "Dahl"),
        "henrik.dahl@example.com",
        Some("henrik.dahl"),
    ),
    member(
        Role::LdapManaged,
        ("Lara", "Petrov"),
        "lara.petrov@example.com",
        Some("lara.petrov"),
    ),
    member(
        Role::Pending,
        ("Paula", "Rossi"),
        "paula.rossi@example.com",
        Some("paula.rossi"),
    ),
    member(
        Role::Guest,
        ("Gustavo", "Lima"),
        "gustavo.lima@partner.example.test",
        None,
    ),
    member(
        Role::Canary,
        ("Yuki", "Tanaka"),
        "yuki.tanaka@example.com",
        Some("yuki.tanaka"),
    ),
];

/// Returns whoever plays a role.
pub const fn cast(role: Role) -> &'static Member {
    // Borrowed from a static copy, so that the answer outlives the call.
    static MEMBERS: [Member; 14] = CAST;
    let [
        owner,
        key,
        admin,
        active,
        also,
        disabled,
        leaver,
        idle,
        failed,
        hidden,
        ldap,
        rest @ ..,
    ] = &MEMBERS;
    let [pending, guest, canary] = rest;
    match role {
        Role::Owner => owner,
        Role::KeyUser => key,
        Role::Admin => admin,
        Role::Active => active,
        Role::AlsoActive => also,
        Role::AlreadyDisabled => disabled,
        Role::Leaver => leaver,
        Role::Idle => idle,
        Role::FailedOnly => failed,
        Role::Hidden => hidden,
        Role::LdapManaged => ldap,
        Role::Pending => pending,
        Role::Guest => guest,
        Role::Canary => canary,
    }
}

/// How somebody leaves the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The entry is disabled.
    Disabled,
    /// The entry is removed.
    Removed,
}

/// Where the story's servers listen, and when it begins.
#[derive(Clone, Debug)]
pub struct StoryOptions {
    /// A loopback address for the tenant; port 0 takes a free one.
    pub docspace: SocketAddr,
    /// A loopback address for the directory; port 0 takes a free one.
    pub ldap: SocketAddr,
    /// A loopback address for the directory's controls; port 0 takes a free one.
    pub ldap_control: SocketAddr,
    /// The present at the start; none is the real one.
    pub now: Option<DateTime<Utc>>,
}

impl Default for StoryOptions {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            docspace: loopback,
            ldap: loopback,
            ldap_control: loopback,
            now: None,
        }
    }
}

/// The running story; both servers stop when this is dropped.
#[derive(Debug)]
pub struct Story {
    docspace: DocSpaceHandle,
    ldap: LdapHandle,
}

impl Story {
    /// Starts the tenant and the directory with the cast.
    ///
    /// # Errors
    /// An address is not loopback or in use, or no thread could be made.
    pub fn start(options: &StoryOptions) -> io::Result<Self> {
        let docspace = DocSpace::start(DocSpaceOptions {
            bind: options.docspace,
            population: Population {
                accounts: 0,
                ..Population::default()
            },
            settings: Settings {
                cookie_enabled: true,
                ..Settings::default()
            },
            now: options.now,
        })?;
        let ldap = Ldap::start(LdapOptions {
            bind: options.ldap,
            control: options.ldap_control,
            now: options.now,
            ..LdapOptions::default()
        })?;
        let story = Self { docspace, ldap };
        let now = story.docspace.control().now();
        let mut logins = Vec::new();
        for member in &CAST {
            logins.extend(story.enter(member, now));
        }
        // Ids grow with time, as in the real log.
        logins.sort();
        for (at, id, action) in logins {
            story.docspace.control().add_login(id, at, action);
        }
        Ok(story)
    }

    /// Returns the tenant.
    pub fn docspace(&self) -> &DocSpaceHandle {
        &self.docspace
    }

    /// Returns the directory.
    pub fn ldap(&self) -> &LdapHandle {
        &self.ldap
    }

    /// Returns the name of the entry that every read of the directory must see.
    pub fn canary(&self) -> String {
        format!(
            "uid={},ou=people,{}",
            cast(Role::Canary).uid.unwrap_or(""),
            self.ldap.base()
        )
    }

    /// Lets days pass on both servers; those who sign in daily do so on each of them, as long as
    /// the tenant lets them in.
    pub fn pass_days(&self, days: u32) {
        let control = self.docspace.control();
        for day in 1..=days {
            control.advance(DAY);
            self.ldap.control().advance(DAY);
            // Whoever comes later in the cast signs in earlier.
            for member in CAST.iter().rev() {
                let Some(id) = member.account else { continue };
                let active = control
                    .user(id)
                    .is_some_and(|user| user.status == Status::Active && !user.removed);
                let at = control.now() - offset(member);
                match member.role {
                    role if signs_in_daily(role) && active => {
                        control.add_login(id, at, 1029);
                    }
                    Role::FailedOnly if day % 3 == 0 => {
                        control.add_login(id, at, 1005);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Lets somebody leave the directory; false if they are not in it.
    pub fn leave(&self, role: Role, how: Leaving) -> bool {
        let Some(uid) = cast(role).uid else {
            return false;
        };
        match how {
            Leaving::Disabled => self.ldap.control().disable(uid),
            Leaving::Removed => self.ldap.control().remove(uid),
        }
    }

    /// Lets somebody sign in to the tenant now; false if they have no active account.
    pub fn sign_in(&self, role: Role) -> bool {
        let control = self.docspace.control();
        let user = cast(role).account.and_then(|id| control.user(id));
        let Some(user) = user.filter(|u| u.status == Status::Active && !u.removed) else {
            return false;
        };
        control.add_login(user.id, control.now(), 1029);
        true
    }

    /// Ends both servers.
    pub fn stop(self) {
        self.docspace.stop();
        self.ldap.stop();
    }

    /// Enters a member in both places; returns their logins before the start.
    fn enter(&self, member: &Member, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, Uuid, u16)> {
        if let Some(uid) = member.uid {
            let directory = self.ldap.control();
            directory.add_person(NewPerson {
                uid: uid.to_owned(),
                first_name: member.first_name.to_owned(),
                last_name: member.last_name.to_owned(),
                mail: vec![member.email.to_owned(), format!("{uid}@example.test")],
                employee_number: format!("E{:04}", 1000 + member.role as u32),
                entry_uuid: Some(member.entry_uuid),
                container: None,
            });
            if member.role == Role::AlreadyDisabled {
                directory.disable(uid);
            }
        }
        let Some(id) = member.account else {
            return Vec::new();
        };
        let tenant = self.docspace.control();
        let kind = match member.role {
            Role::Owner => Kind::Owner,
            Role::KeyUser | Role::Admin => Kind::Admin,
            Role::Guest => Kind::Guest,
            Role::Active => Kind::RoomAdmin,
            _ => Kind::User,
        };
        let made = now - TimeDelta::days(420 + member.role as i64);
        let mut user = User::new(
            id,
            member.first_name,
            member.last_name,
            member.email,
            kind,
            made,
        );
        user.ldap = member.role == Role::LdapManaged;
        if member.role == Role::Pending {
            user.status = Status::Pending;
            user.registered = now - TimeDelta::days(1);
            (user.first_name, user.last_name) = (String::new(), String::new());
        }
        tenant.add_user(user);
        if member.role == Role::KeyUser {
            tenant.set_key_user(id);
        }
        let events = history(member.role).into_iter();
        events
            .map(|(day, action)| (now - TimeDelta::days(day) - offset(member), id, action))
            .collect()
    }
}

fn signs_in_daily(role: Role) -> bool {
    matches!(
        role,
        Role::Admin | Role::Active | Role::AlsoActive | Role::Leaver
    )
}

/// Nobody signs in at the same time as another.
fn offset(member: &Member) -> TimeDelta {
    TimeDelta::minutes(60 + 7 * member.role as i64)
}

/// Returns the events before the start: days ago and the action's code.
fn history(role: Role) -> Vec<(i64, u16)> {
    match role {
        role if signs_in_daily(role) => (0..175).rev().map(|day| (day, 1029)).collect(),
        Role::Owner => vec![(120, 1029)],
        Role::AlreadyDisabled => (12..100).rev().map(|day| (day, 1029)).collect(),
        Role::Idle => vec![(200, 1029)],
        Role::FailedOnly => {
            let failures = (1..180).rev().step_by(3).map(|day| (day, 1005));
            std::iter::once((200, 1029)).chain(failures).collect()
        }
        Role::Hidden => vec![(60, 1029)],
        Role::LdapManaged => vec![(150, 1029)],
        Role::Guest => vec![(20, 1029)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use chrono::TimeDelta;

    use super::{CAST, Leaving, Role, Story, StoryOptions, cast};
    use crate::sandbox::docspace::Status;

    #[test]
    fn everybody_is_where_their_role_says() {
        let story = Story::start(&StoryOptions::default()).unwrap();
        let (tenant, directory) = (story.docspace().control(), story.ldap().control());
        assert_eq!((tenant.users().len(), directory.people().len()), (13, 12));
        for member in &CAST {
            assert_eq!(cast(member.role), member);
            assert!(member.email.len() >= 10);
            let account = member.account.and_then(|id| tenant.user(id));
            assert_eq!(
                account.map(|user| user.email),
                member.account.map(|_| member.email.into())
            );
            if let Some(uid) = member.uid {
                let entry = directory.entry(uid).unwrap();
                assert_eq!(entry.first("mail"), Some(member.email));
                assert_eq!(
                    entry.first("entryUUID"),
                    Some(&*member.entry_uuid.to_string())
                );
                let disabled = entry.first("pwdAccountLockedTime").is_some();
                assert_eq!(disabled, member.role == Role::AlreadyDisabled);
            }
        }
        assert_eq!(tenant.key_user(), cast(Role::KeyUser).account.unwrap());
        assert!(tenant.settings().cookie_enabled);
        assert!(directory.entry(&story.canary()).is_some());
    }

    #[test]
    fn the_history_shows_what_the_roles_are_about() {
        let story = Story::start(&StoryOptions::default()).unwrap();
        let logins = story.docspace().control().logins();
        let of = |role: Role| {
            let id = cast(role).account.unwrap();
            logins
                .iter()
                .enumerate()
                .filter(move |(_, event)| event.user == id)
        };
        assert_eq!(
            of(Role::Idle).count(),
            0,
            "200 days ago is past the retention"
        );
        assert!(of(Role::FailedOnly).count() > 50);
        assert!(of(Role::FailedOnly).all(|(_, event)| event.action == 1005));
        assert_eq!(
            (of(Role::KeyUser).count(), of(Role::Pending).count()),
            (0, 0)
        );
        let hidden: Vec<_> = of(Role::Hidden).map(|(place, _)| place).collect();
        assert_eq!(hidden.len(), 1);
        assert!(
            hidden.iter().all(|place| logins.len() - place > 200),
            "far from the newest 100"
        );
        story.pass_days(3);
        let later = story.docspace().control().logins();
        let newest = |role: Role| {
            let id = cast(role).account.unwrap();
            later
                .iter()
                .rev()
                .find(|event| event.user == id)
                .unwrap()
                .at
        };
        let now = story.docspace().control().now();
        assert!(now - newest(Role::Active) < TimeDelta::days(1));
        assert!(now - newest(Role::AlreadyDisabled) > TimeDelta::days(14));
    }

    #[test]
    fn time_passes_on_both_and_people_leave() {
        let story = Story::start(&StoryOptions::default()).unwrap();
        let (tenant, directory) = (story.docspace().control(), story.ldap().control());
        let before = tenant.now();
        story.pass_days(30);
        assert!((tenant.now() - before - TimeDelta::days(30)).num_seconds() < 5);
        assert!((directory.now() - tenant.now()).num_seconds().abs() < 5);
        assert!(story.leave(Role::Leaver, Leaving::Disabled));
        let leaver = cast(Role::Leaver).uid.unwrap();
        let locked = directory.entry(leaver).unwrap();
        assert_eq!(locked.first("pwdAccountLockedTime"), Some("000001010000Z"));
        assert!(story.leave(Role::Leaver, Leaving::Removed));
        assert!(directory.entry(leaver).is_none());
        assert!(!story.leave(Role::Guest, Leaving::Removed));
        assert!(story.sign_in(Role::Idle));
        tenant.set_status(cast(Role::Idle).account.unwrap(), Status::Terminated);
        assert!(!story.sign_in(Role::Idle));
    }
}
