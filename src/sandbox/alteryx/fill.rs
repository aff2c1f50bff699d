//! Fills a workspace with a generated population.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::{
    alteryx::model::{Person, World},
    population::{Part, Population, Prng},
};

/// The id of person 0; everybody else's follows.
const FIRST_ID: u64 = 1001;

/// Returns the id that person `number` of a population has.
pub fn person_id(number: usize) -> u64 {
    FIRST_ID.saturating_add(number as u64)
}

/// Adds the population; the tokens stand for its number 1, or for 0 if there is no other.
pub(crate) fn populate(world: &mut World, population: &Population, now: DateTime<Utc>) {
    // The draws are the same, in the same order, as those of a tenant that keeps every login: who
    // is silent in one is silent in the other.
    let mut random = Prng::new(population.seed);
    for number in 0..population.accounts {
        let age = TimeDelta::days(200 + i64::try_from(random.below(900)).unwrap_or(0));
        let person = person(population, number, now, age);
        let id = world.put(person);
        match population.part(number) {
            Part::KeyUser => world.caller = id,
            Part::Owner if population.accounts == 1 => world.caller = id,
            Part::Pending => continue,
            _ => {}
        }
        furnish(world, id, number, now - age);
    }
    for (number, at) in last_logins(population, &mut random, now)
        .into_iter()
        .enumerate()
    {
        let person = world.person(person_id(number)).cloned();
        if let (Some(mut person), Some(at)) = (person, at) {
            person.last_login = Some(at);
            world.put(person);
        }
    }
}

fn person(population: &Population, number: usize, now: DateTime<Utc>, age: TimeDelta) -> Person {
    let identity = population.identity(number);
    let name = format!("{} {}", identity.first_name, identity.last_name);
    let mut person = Person::new(&name, &identity.mail, now - age);
    person.id = person_id(number);
    match population.part(number) {
        Part::Owner | Part::KeyUser | Part::Admin => person.admin = true,
        Part::Pending => {
            person.invited = true;
            person.name = String::new();
            person.created = now - TimeDelta::hours(30);
        }
        Part::Terminated => person.suspended = true,
        _ => {}
    }
    person
}

/// Gives a person some assets: 0 to 3 flows, every second a plan, every sixth a schedule that runs
/// each hour, every seventh a flow that is shared.
fn furnish(world: &mut World, id: u64, number: usize, since: DateTime<Utc>) {
    for _ in 0..number % 4 {
        world.add_asset(id, "flow", false);
    }
    if number.is_multiple_of(2) {
        world.add_asset(id, "plan", false);
    }
    if number.is_multiple_of(6) {
        world.add_schedule(id, 3600, since);
    }
    if number.is_multiple_of(7) {
        world.add_asset(id, "flow", true);
    }
}

/// Returns each person's last login; none for those who have none.
fn last_logins(
    population: &Population,
    random: &mut Prng,
    now: DateTime<Utc>,
) -> Vec<Option<DateTime<Utc>>> {
    let mut last = vec![None; population.accounts];
    let busy: Vec<usize> = (0..population.accounts)
        .filter(|number| !population.is_idle(*number))
        .collect();
    let span = i64::from(population.days) * 86_400_000;
    let events = i64::try_from(population.events).unwrap_or(i64::MAX);
    let slice = span.checked_div(events).unwrap_or(0).max(1);
    let missed = u64::from(population.failed_percent) + u64::from(population.logout_percent);
    for index in 0..population.events {
        let start = i64::try_from(index).unwrap_or(0).saturating_mul(slice);
        let jitter = i64::try_from(random.below(slice.unsigned_abs())).unwrap_or(0);
        let who = usize::try_from(random.below(busy.len() as u64)).unwrap_or(0);
        let Some(number) = busy.get(who) else { break };
        let at = now - TimeDelta::milliseconds(span) + TimeDelta::milliseconds(start + jitter);
        // A failed login and a logout are no login.
        if random.below(100) >= missed
            && let Some(last) = last.get_mut(*number)
        {
            *last = Some(at);
        }
    }
    last
}
