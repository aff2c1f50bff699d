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
        let ids: Vec<Uuid> = (0..population.accounts)
            .map(|number| population.identity(number).account_id)
            .collect();
        let id_of = |number: usize| ids.get(number).copied().unwrap_or_default();
        let failed = u64::from(population.failed_percent);
        let logins = population.draw(random, now, population.events);
        for (index, event) in logins.into_iter().enumerate() {
            let action = match event.roll {
                roll if roll < failed => [1002, 1005].get(index % 2).copied().unwrap_or(1002),
                roll if !population.is_login(roll) => 1006,
                _ if population.part(event.number) == Part::Sso => 1015,
                _ => [1000, 1029, 1029].get(index % 3).copied().unwrap_or(1000),
            };
            let id = self.next_id();
            self.logins.push(LoginEvent {
                id,
                at: event.at,
                user: id_of(event.number),
                action,
            });
        }
        let changes = population.draw(random, now, population.audit_events);
        for (index, event) in changes.into_iter().enumerate() {
            let id = self.next_id();
            let target = vec![format!("document-{index}.docx")];
            self.audits.push(AuditEvent {
                id,
                at: event.at,
                user: id_of(event.number),
                action: 5000 + (event.roll % 3) as u16,
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
