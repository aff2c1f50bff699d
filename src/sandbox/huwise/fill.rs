//! Fills a domain with a generated population.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::{
    huwise::model::{ADMIN, AccountType, ApiKey, Group, User, World},
    population::{Part, Population, Prng},
};

/// The group whose members inherit the administration of the domain.
pub const ADMINS: &str = "portal-team";
/// A group whose members write pages.
pub const DESIGNERS: &str = "content_designers";
/// A group that grants nothing of weight.
pub const READERS: &str = "readers";

/// Returns the username that person `number` of a population has: mostly the login name, which is
/// not the address; of each 25 one is the address and one has blanks in it.
pub fn username(population: &Population, number: usize) -> String {
    let identity = population.identity(number);
    match number % 25 {
        7 => format!("{} {} {number}", identity.first_name, identity.last_name),
        17 => identity.mail,
        _ => identity.uid,
    }
}

/// Adds the population and returns the key of its number 1, or of 0 if there is no other.
pub(crate) fn populate(world: &mut World, population: &Population, now: DateTime<Utc>) -> String {
    let groups: [(&str, &str, &[&str]); 3] = [
        (ADMINS, "Portal team", &[ADMIN]),
        (
            DESIGNERS,
            "Content designers",
            &["create_page", "edit_page"],
        ),
        (READERS, "Readers", &["explore_restricted_dataset"]),
    ];
    let maker = username(population, 0);
    for (uid, title, permissions) in groups {
        world.put_group(Group {
            uid: uid.to_owned(),
            title: title.to_owned(),
            permissions: permissions.iter().map(|p| (*p).to_owned()).collect(),
            created_by: maker.clone(),
        });
    }
    // The draws are the same, in the same order, as those of a tenant that keeps every login: who
    // is silent in one is silent in the other.
    let mut random = Prng::new(population.seed);
    let mut users = Vec::new();
    for number in 0..population.accounts {
        let age = TimeDelta::days(200 + i64::try_from(random.below(900)).unwrap_or(0));
        users.push(user(population, number, now, age));
    }
    let logins = population.last_logins(&mut random, now);
    for (number, (mut user, login)) in users.into_iter().zip(logins).enumerate() {
        user.last_login = login;
        // A session goes on after its login; every tenth is kept open for eleven days.
        let stay = TimeDelta::days(if number % 10 == 9 { 11 } else { 0 })
            + TimeDelta::microseconds(754_034_407);
        user.last_seen = login.map(|at| (at + stay).min(now));
        furnish(world, population.part(number), number, &user, now);
        world.put(user);
    }
    let number = usize::from(population.accounts > 1);
    let key = key_of(&username(population, number), "exeunt", now);
    world.put_key(key).key
}

fn user(population: &Population, number: usize, now: DateTime<Utc>, age: TimeDelta) -> User {
    let identity = population.identity(number);
    let name = username(population, number);
    let mut user = User::new(&name, &identity.mail, now - age);
    (user.first_name, user.last_name) = (identity.first_name, identity.last_name);
    let mut linked = |provider: &str| {
        user.account_type = AccountType::Linked;
        user.providers.insert(provider.to_owned());
    };
    match population.part(number) {
        Part::Owner | Part::KeyUser => drop(user.permissions.insert(ADMIN.to_owned())),
        Part::Guest => user.account_type = AccountType::Local,
        Part::LdapManaged => linked("corporate-ldap"),
        Part::Sso => linked("corporate-sso"),
        Part::Pending => {
            user.joined = now - TimeDelta::hours(30);
            (user.first_name, user.last_name) = (String::new(), String::new());
        }
        Part::Terminated => user.active = false,
        Part::Admin | Part::Member => {
            let dataset = "explore_restricted_dataset";
            user.permissions.insert(dataset.to_owned());
        }
    }
    user
}

/// Puts a user into groups and gives some of them API keys, a few of those revoked.
fn furnish(world: &mut World, part: Part, number: usize, user: &User, now: DateTime<Utc>) {
    let name = &user.username;
    match part {
        Part::Admin => drop(world.join(ADMINS, name)),
        Part::Pending => return,
        _ if number % 10 == 4 => drop(world.join(DESIGNERS, name)),
        _ if number.is_multiple_of(3) => drop(world.join(READERS, name)),
        _ => {}
    }
    if number % 40 == 21 {
        world.put_key(key_of(name, "harvester", now));
    }
    if number % 30 == 11 {
        let mut key = key_of(name, "old", now);
        key.revoked = Some((now - TimeDelta::days(90), "rotated".to_owned()));
        world.put_key(key);
    }
}

fn key_of(owner: &str, label: &str, now: DateTime<Utc>) -> ApiKey {
    ApiKey {
        uid: String::new(),
        label: label.to_owned(),
        key: String::new(),
        owner: owner.to_owned(),
        permissions: None,
        created: now - TimeDelta::days(150),
        revoked: None,
    }
}
