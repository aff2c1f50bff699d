//! Fills a tenant with a generated population.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::{
    population::{Part, Population, Prng},
    scim::model::{User, World},
};

/// Adds the population; each user's id is the account's, and the staff number is in `externalId`
/// as well as in the enterprise extension.
pub(crate) fn populate(world: &mut World, population: &Population, now: DateTime<Utc>) {
    // The draws are the same, in the same order, as those of a tenant that keeps every login: who
    // is silent in one is silent in the other.
    let mut random = Prng::new(population.seed);
    let mut users = Vec::new();
    for number in 0..population.accounts {
        let age = TimeDelta::days(200 + i64::try_from(random.below(900)).unwrap_or(0));
        users.push(user(population, number, now, age));
    }
    let logins = population.last_logins(&mut random, now);
    for (mut user, login) in users.into_iter().zip(logins) {
        user.last_login = login;
        world.put(user, false);
    }
}

fn user(population: &Population, number: usize, now: DateTime<Utc>, age: TimeDelta) -> User {
    let identity = population.identity(number);
    let mut user = User::new(&identity.mail, now - age);
    user.id = identity.account_id.to_string();
    user.external_id = Some(identity.employee_number.clone());
    user.given_name = identity.first_name;
    user.family_name = identity.last_name;
    user.email = Some(identity.mail);
    user.user_type = Some("Employee".to_owned());
    user.employee_number = Some(identity.employee_number);
    let boss = population.identity(number / 10).account_id.to_string();
    user.manager = (number > 0).then_some(boss);
    match population.part(number) {
        Part::Owner | Part::KeyUser | Part::Admin => user.admin = true,
        Part::Guest => {
            // Nobody from the staff register.
            user.user_type = Some("Guest".to_owned());
            (user.external_id, user.employee_number, user.manager) = (None, None, None);
        }
        Part::Pending => (user.created, user.modified) = (now - TimeDelta::hours(30), now),
        Part::Terminated => user.active = false,
        Part::LdapManaged | Part::Sso | Part::Member => {}
    }
    user
}
