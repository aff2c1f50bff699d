//! Fills the tenant with the people of a population.

use chrono::{DateTime, Utc};

use crate::sandbox::{
    population::{Part, Population, Prng},
    projectplace::model::{Book, Role, Sort, User},
};

/// The robot as whom the credentials act; it is nobody of the population.
pub const ROBOT: u64 = 900;

/// The id of person 0 of the population; the others follow.
pub const FIRST_USER: u64 = 1001;

/// Returns the id of person `number` of the population.
pub fn user_id(number: usize) -> u64 {
    FIRST_USER.saturating_add(number as u64)
}

/// Makes the people, their logins up to `now`, and what some of them are head administrator of.
pub(crate) fn book(population: &Population, now: DateTime<Utc>) -> Book {
    let mut book = Book::default();
    // A population has one owner and one co-owner, so that nobody is refused here or below.
    let robot = User::new(ROBOT, "Exeunt robot", "robot@sandbox.invalid", Role::Robot);
    let _ = book.put(robot);
    for number in 0..population.accounts {
        let identity = population.identity(number);
        let name = format!("{} {}", identity.first_name, identity.last_name);
        let role = role(population.part(number));
        let name = if role == Role::Unregistered {
            identity.mail.as_str()
        } else {
            name.as_str()
        };
        let _ = book.put(User::new(user_id(number), name, &identity.mail, role));
        add_artifacts(&mut book, number, role);
    }
    add_logins(&mut book, population, now);
    book
}

fn role(part: Part) -> Role {
    match part {
        Part::Owner => Role::Owner,
        // Robots are made by the owner and co-owners alone.
        Part::KeyUser => Role::CoOwner,
        Part::Admin => Role::Admin,
        Part::Guest => Role::External,
        Part::Pending => Role::Pending,
        // There is no disabled user here.
        Part::Terminated => Role::Unregistered,
        Part::LdapManaged | Part::Sso | Part::Member => Role::Member,
    }
}

/// Makes one in ten head of a workspace, and some of them of something else besides.
fn add_artifacts(book: &mut Book, number: usize, role: Role) {
    if !role.can_head() || number % 10 != 3 {
        return;
    }
    let head = user_id(number);
    for (sort, each) in [
        (Sort::Workspace, 10),
        (Sort::Team, 20),
        (Sort::Portfolio, 40),
        (Sort::Template, 50),
    ] {
        if number % each == 3 {
            let _ = book.add_artifact(sort, &format!("{sort:?} {number}"), head);
        }
    }
}

/// Spreads the population's events over its days and keeps each one's newest login, drawing in the
/// same order as the other tenants, so that the same people are silent in all of them.
fn add_logins(book: &mut Book, population: &Population, now: DateTime<Utc>) {
    let mut random = Prng::new(population.seed);
    for _ in 0..population.accounts {
        // The age of the account, which this service does not tell.
        random.below(900);
    }
    for (number, at) in (0..).zip(population.last_logins(&mut random, now)) {
        let id = user_id(number);
        let signed_up = |user: &User| user.role != Role::Unregistered;
        if at.is_some() && book.user(id).is_some_and(signed_up) {
            book.set_login(id, at);
        }
    }
}
