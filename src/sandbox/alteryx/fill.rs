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
    for (number, at) in population
        .last_logins(&mut random, now)
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
