//! Fills a tenant with invented people and their past.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        holdings::Holdings,
        model::{AuditEvent, Kind, LoginEvent, Status, User},
        world::World,
    },
    population::{Part, Population, Prng},
};

impl World {
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
            if kind == Kind::Guest {
                self.guests_of
                    .insert((population.identity(1).account_id, user.id));
            } else {
                let held = holdings(population.seed, number, kind);
                self.holdings.insert(user.id, held);
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
}

/// Invents what a user owns; from a sequence of its own, so that nothing else depends on it.
fn holdings(seed: u64, number: usize, kind: Kind) -> Holdings {
    let mut random = Prng::new(seed ^ 0x0DD5_0F0F ^ (number as u64).wrapping_mul(0x9E37_79B9));
    let rooms = if kind == Kind::User {
        0
    } else {
        random.below(3) + 1
    };
    Holdings {
        rooms: (1..=rooms)
            .map(|room| format!("Room {number}-{room}"))
            .collect(),
        shared_files: random.below(40),
        my_documents: random.below(200),
    }
}
