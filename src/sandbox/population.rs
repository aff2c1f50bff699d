//! Invented people in any number: the same seed gives the same people on every machine.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const FIRST_NAMES: [&str; 24] = [
    "Amara", "Bjarne", "Chiara", "Dmitri", "Elin", "Farid", "Greta", "Hassan", "Ines", "Jonas",
    "Katya", "Liam", "Mirjam", "Nils", "Olga", "Pavel", "Quentin", "Rosa", "Sven", "Tamar", "Ulla",
    "Viktor", "Wanda", "Yusuf",
];
const LAST_NAMES: [&str; 28] = [
    "Abbott",
    "Bergström",
    "Costa",
    "Dahl",
    "Eriksen",
    "Fischer",
    "Grant",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novak",
    "O'Hara",
    "Petrov",
    "Quist",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Weiss",
    "Xu",
    "Yilmaz",
    "Zimmer",
    "Ødegård",
    "Árnason",
];

/// A small seeded generator (SplitMix64); not for secrets.
#[derive(Clone, Debug)]
pub struct Prng(u64);

impl Prng {
    /// Starts the sequence that belongs to the seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below the bound; 0 if the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Returns a version 4 UUID.
    pub fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.next_u64(), self.next_u64());
        uuid::Builder::from_u128((u128::from(high) << 64) | u128::from(low))
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }
}

/// One invented person, the same in a tenant and in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The place in the population, from 0.
    pub number: usize,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The login name, unique in the population, ASCII.
    pub uid: String,
    /// The mail address, unique in the population, at least 10 characters.
    pub mail: String,
    /// The number in the staff register.
    pub employee_number: String,
    /// The id of the account in a tenant.
    pub account_id: Uuid,
    /// The `entryUUID` in the directory.
    pub entry_uuid: Uuid,
}

/// Returns person `number` of the population that belongs to the seed.
pub fn identity(seed: u64, number: usize, domain: &str) -> Identity {
    let mut random = Prng::new(seed ^ (number as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let first_name = pick(&mut random, &FIRST_NAMES).to_owned();
    let last_name = pick(&mut random, &LAST_NAMES).to_owned();
    let uid = format!("{}.{}.{number}", ascii(&first_name), ascii(&last_name));
    Identity {
        number,
        mail: format!("{uid}@{domain}"),
        uid,
        employee_number: format!("E{:06}", number + 1),
        account_id: random.uuid(),
        entry_uuid: random.uuid(),
        first_name,
        last_name,
    }
}

/// What an account of a generated tenant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The owner of the tenant; number 0.
    Owner,
    /// The user who made the API key; number 1.
    KeyUser,
    /// An administrator.
    Admin,
    /// A guest.
    Guest,
    /// An account that the tenant's own LDAP synchronisation manages.
    LdapManaged,
    /// An account that signs in through single sign-on.
    Sso,
    /// An invitation that nobody has accepted.
    Pending,
    /// An account that is disabled already.
    Terminated,
    /// Anybody else.
    Member,
}

/// How many accounts and events of which sort a generated tenant has.
///
/// Parts are given out by number in the order owner, key user, admins, guests, LDAP-managed, SSO,
/// pending, terminated; the rest are members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Population {
    /// The seed of everything.
    pub seed: u64,
    /// The domain of the mail addresses.
    pub domain: String,
    /// All accounts, the owner and the key's user included.
    pub accounts: usize,
    /// Administrators besides the owner and the key's user.
    pub admins: usize,
    /// Guests.
    pub guests: usize,
    /// Accounts managed by the tenant's own LDAP synchronisation.
    pub ldap_managed: usize,
    /// Accounts with single sign-on.
    pub sso: usize,
    /// Open invitations.
    pub pending: usize,
    /// Accounts disabled already.
    pub terminated: usize,
    /// Login history events: successes, failures and logouts.
    pub events: usize,
    /// Audit trail events of users (files made and changed).
    pub audit_events: usize,
    /// The days before the start over which the events are spread.
    pub days: u32,
    /// Of 100 events, those that are failed logins.
    pub failed_percent: u8,
    /// Of 100 events, those that are logouts.
    pub logout_percent: u8,
    /// Of 100 accounts, those without any event.
    pub idle_percent: u8,
}

impl Default for Population {
    fn default() -> Self {
        Self {
            seed: 42,
            domain: "example.com".to_owned(),
            accounts: 2,
            admins: 0,
            guests: 0,
            ldap_managed: 0,
            sso: 0,
            pending: 0,
            terminated: 0,
            events: 0,
            audit_events: 0,
            days: 170,
            failed_percent: 8,
            logout_percent: 12,
            idle_percent: 5,
        }
    }
}

impl Population {
    /// Makes a plain population of so many accounts and login events.
    pub fn of(accounts: usize, events: usize) -> Self {
        Self {
            accounts,
            events,
            ..Self::default()
        }
    }

    /// Makes a population in which every part occurs, in proportion to the size.
    pub fn mixed(accounts: usize, events: usize) -> Self {
        Self {
            accounts,
            events,
            audit_events: events / 10,
            admins: accounts / 200,
            guests: accounts / 50,
            ldap_managed: accounts / 50,
            sso: accounts / 20,
            pending: accounts / 100,
            terminated: accounts / 50,
            ..Self::default()
        }
    }

    /// Returns person `number`.
    pub fn identity(&self, number: usize) -> Identity {
        identity(self.seed, number, &self.domain)
    }

    /// Tells what account `number` is.
    pub fn part(&self, number: usize) -> Part {
        let parts = [
            (1, Part::Owner),
            (1, Part::KeyUser),
            (self.admins, Part::Admin),
            (self.guests, Part::Guest),
            (self.ldap_managed, Part::LdapManaged),
            (self.sso, Part::Sso),
            (self.pending, Part::Pending),
            (self.terminated, Part::Terminated),
        ];
        let mut end = 0usize;
        for (size, part) in parts {
            end = end.saturating_add(size);
            if number < end {
                return part;
            }
        }
        Part::Member
    }

    /// Tells whether account `number` has no event at all.
    pub fn is_idle(&self, number: usize) -> bool {
        // 37 and 100 share no factor, so that the idle ones are spread over all the parts.
        self.part(number) == Part::Pending
            || (number.wrapping_mul(37) % 100) < usize::from(self.idle_percent)
    }
}

/// One event of a generated history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
    /// The number of the account that it is about.
    pub(crate) number: usize,
    /// 0 to 99: decides what kind of event it is.
    pub(crate) roll: u64,
}

/// The events of a history are drawn in the same way, from the same sequence, in every tenant: who
/// is silent in one is silent in the others.
impl Population {
    /// Spreads `of` events over the population's days before `now`, oldest first; none if nobody is
    /// active.
    pub(crate) fn draw(&self, random: &mut Prng, now: DateTime<Utc>, of: usize) -> Vec<Drawn> {
        let busy: Vec<usize> = (0..self.accounts).filter(|n| !self.is_idle(*n)).collect();
        let span = i64::from(self.days) * 86_400_000;
        // One event in each slice of the span: in order without sorting.
        let events = i64::try_from(of).unwrap_or(i64::MAX);
        let slice = span.checked_div(events).unwrap_or(0).max(1);
        let begin = now - TimeDelta::milliseconds(span);
        let mut drawn = Vec::new();
        for index in 0..events {
            let start = index.saturating_mul(slice);
            let jitter = i64::try_from(random.below(slice.unsigned_abs())).unwrap_or(0);
            let who = usize::try_from(random.below(busy.len() as u64)).unwrap_or(0);
            let Some(number) = busy.get(who) else { break };
            drawn.push(Drawn {
                at: begin + TimeDelta::milliseconds(start + jitter),
                number: *number,
                roll: random.below(100),
            });
        }
        drawn
    }

    /// Tells whether an event of the login history is a login: a failed one and a logout are none.
    pub(crate) fn is_login(&self, roll: u64) -> bool {
        roll >= u64::from(self.failed_percent) + u64::from(self.logout_percent)
    }

    /// Returns each account's last login; none for those who have none.
    pub(crate) fn last_logins(
        &self,
        random: &mut Prng,
        now: DateTime<Utc>,
    ) -> Vec<Option<DateTime<Utc>>> {
        let mut last = vec![None; self.accounts];
        for event in self.draw(random, now, self.events) {
            if self.is_login(event.roll)
                && let Some(last) = last.get_mut(event.number)
            {
                *last = Some(event.at);
            }
        }
        last
    }
}

fn pick<'a>(random: &mut Prng, names: &[&'a str]) -> &'a str {
    let index = usize::try_from(random.below(names.len() as u64)).unwrap_or(0);
    names.get(index).copied().unwrap_or("Nobody")
}

fn ascii(name: &str) -> String {
    name.chars()
        .filter_map(|c| match c {
            'ö' | 'Ø' | 'ø' => Some('o'),
            'å' | 'Á' | 'á' => Some('a'),
            c if c.is_ascii_alphabetic() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Part, Population};

    #[test]
    fn a_seed_gives_the_same_people_and_no_two_share_an_address_or_id() {
        let population = Population::mixed(3_000, 0);
        let people: Vec<_> = (0..3_000).map(|n| population.identity(n)).collect();
        assert_eq!(
            people,
            (0..3_000)
                .map(|n| population.identity(n))
                .collect::<Vec<_>>()
        );
        assert_eq!(
            people
                .iter()
                .map(|p| &p.mail)
                .collect::<BTreeSet<_>>()
                .len(),
            3_000
        );
        assert_eq!(
            people
                .iter()
                .map(|p| p.account_id)
                .collect::<BTreeSet<_>>()
                .len(),
            3_000
        );
        assert!(
            people
                .iter()
                .all(|p| p.mail.len() >= 10 && p.mail.is_ascii())
        );
        let other = Population {
            seed: 43,
            ..population.clone()
        };
        assert_ne!(people.first(), Some(&other.identity(0)));
    }

    #[test]
    fn parts_are_given_out_in_the_documented_numbers() {
        let population = Population::mixed(1_000, 0);
        let count = |part| (0..1_000).filter(|n| population.part(*n) == part).count();
        assert_eq!(count(Part::Owner), 1);
        assert_eq!(count(Part::KeyUser), 1);
        assert_eq!(count(Part::Admin), 5);
        assert_eq!(count(Part::Pending), 10);
        assert_eq!(count(Part::Terminated), 20);
        let idle = (0..1_000).filter(|n| population.is_idle(*n)).count();
        assert!((50..=60).contains(&idle), "{idle}");
    }
}
