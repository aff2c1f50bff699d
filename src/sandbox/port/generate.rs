//! Fills an organisation: the population's people, what they own, what they did.
//!
//! Ages and logins are drawn as in the other tenants, so that the same seed gives the same people
//! the same last login.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::sandbox::{
    population::{Part, Population, Prng},
    port::{
        auth::{Credentials, Holder},
        model::{AuditEvent, Entity, OtherOrg, Relation, Role, SERVICE_DOMAIN, Status, User},
        world::World,
    },
};

/// Makes the credentials of a kind and, for a service account, its user.
pub(crate) fn credentials(
    world: &mut World,
    holder: Holder,
    people: &Population,
    now: DateTime<Utc>,
) {
    let mut random = Prng::new(people.seed ^ 0x5EC2_E701);
    let client = random.uuid().simple().to_string();
    let secret = format!("{}{}", random.uuid().simple(), random.uuid().simple());
    let person = people
        .accounts
        .checked_sub(1)
        .map(|last| people.identity(last.min(1)).mail);
    let (client_id, user) = match (holder, person) {
        (Holder::Personal, Some(mail)) => (mail.clone(), Some(mail)),
        (Holder::ServiceAccount, _) => {
            let mail = format!("cleanup@{SERVICE_DOMAIN}");
            let mut user = User::new(&mail, "cleanup", "", now - TimeDelta::days(300));
            user.id = format!("{client}@clients");
            (user.service_account, user.role) = (true, Role::Admin);
            user.providers.clear();
            world.put_user(user);
            (client, Some(mail))
        }
        _ => (client, None),
    };
    world.token = None;
    world.credentials = Credentials {
        holder,
        client_id,
        secret,
        user,
    };
}

/// Adds the people, the catalogue and the audit log of a population.
pub(crate) fn populate(world: &mut World, people: &Population, now: DateTime<Utc>) {
    let mut random = Prng::new(people.seed);
    let mut users: Vec<User> = (0..people.accounts)
        .map(|number| {
            let age = TimeDelta::days(200 + i64::try_from(random.below(900)).unwrap_or(0));
            person(world, people, number, (now, now - age))
        })
        .collect();
    events(world, &mut users, people, &mut random, now);
    let ids: Vec<(String, String)> = users
        .iter()
        .map(|u| (u.id.clone(), u.email.clone()))
        .collect();
    for user in users {
        world.put_user(user);
    }
    declare(world);
    catalogue(world, people, &ids, now);
}

fn person(
    world: &World,
    people: &Population,
    number: usize,
    (now, created): (DateTime<Utc>, DateTime<Utc>),
) -> User {
    let identity = people.identity(number);
    let part = people.part(number);
    let mut user = User::new(
        &identity.mail,
        &identity.first_name,
        &identity.last_name,
        created,
    );
    let id = identity.account_id.simple().to_string();
    user.id = format!("auth0|{}", id.get(..24).unwrap_or_default());
    match part {
        Part::Owner | Part::KeyUser | Part::Admin => user.role = Role::Admin,
        Part::LdapManaged => user.managed_by_scim = true,
        Part::Sso => user.providers = vec!["sso".to_owned()],
        Part::Terminated => user.status = Status::Disabled,
        Part::Pending => {
            user.status = Status::Invited;
            (user.first_name, user.last_name) = (String::new(), String::new());
            (user.created, user.updated) = (now - TimeDelta::hours(30), now - TimeDelta::hours(30));
        }
        Part::Guest | Part::Member => {
            if people.is_idle(number) && number.is_multiple_of(2) {
                user.invited = false;
                user.status = uninvited(world);
            } else if number.is_multiple_of(10) {
                user.role = Role::Moderator;
                user.moderated_blueprints = vec!["service".to_owned()];
            }
        }
    }
    if number % 7 == 3 {
        // Somebody who works in another organisation every day, whatever they do in this one.
        user.other_orgs.push(OtherOrg {
            org_id: "org_another0000001".to_owned(),
            status: Status::Active,
            last_login: Some(now - TimeDelta::hours(3)),
        });
    }
    user
}

/// Returns the status of a user who was never invited.
pub(crate) fn uninvited(world: &World) -> Status {
    if world.settings.old_organization {
        Status::Disabled
    } else {
        Status::Staged
    }
}

/// Spreads the population's events over the span; logins leave only the last one, the others
/// stand in the audit log.
fn events(
    world: &mut World,
    users: &mut [User],
    people: &Population,
    random: &mut Prng,
    now: DateTime<Utc>,
) {
    for event in people.draw(random, now, people.events) {
        if people.is_login(event.roll)
            && let Some(user) = users.get_mut(event.number)
        {
            user.last_login = user.last_login.max(Some(event.at));
        }
    }
    let changes = people.draw(random, now, people.audit_events);
    for (index, event) in changes.into_iter().enumerate() {
        let by = users.get(event.number).map(|user| user.id.clone());
        world.add_audit(change(event.at, index, event.roll, by.unwrap_or_default()));
    }
}

fn change(at: DateTime<Utc>, index: usize, roll: u64, user_id: String) -> AuditEvent {
    let actions = ["CREATE", "UPDATE", "DELETE"];
    let action = actions.get(usize::try_from(roll % 3).unwrap_or(0));
    AuditEvent {
        identifier: String::new(),
        at,
        action: action.copied().unwrap_or("UPDATE").to_owned(),
        user_id,
        origin: "UI".to_owned(),
        blueprint: "service".to_owned(),
        entity: format!("service-{index}"),
        diff: Value::Null,
    }
}

fn declare(world: &mut World) {
    let relations = [
        ("service", "owner", "_user", false, false),
        ("service", "maintainers", "_user", false, true),
        ("runbook", "author", "_user", true, false),
        ("deployment", "service", "service", true, false),
        ("deployment", "deployed_by", "_user", false, false),
    ];
    for (blueprint, name, target, required, many) in relations {
        let target = target.to_owned();
        world.set_relation(
            blueprint,
            name,
            Relation {
                target,
                required,
                many,
            },
        );
    }
}

/// Adds a service for every fourth person, and a runbook and a deployment for every eighth.
fn catalogue(world: &mut World, people: &Population, ids: &[(String, String)], now: DateTime<Utc>) {
    let mut random = Prng::new(people.seed ^ 0xCA7A_1060);
    let made = now - TimeDelta::days(190);
    for number in 0..people.accounts / 4 {
        let mut somebody = || {
            let index = usize::try_from(random.below(ids.len() as u64)).unwrap_or(0);
            ids.get(index).cloned().unwrap_or_default()
        };
        let ((id, owner), (_, maintainer)) = (somebody(), somebody());
        let name = format!("service-{number}");
        let mut service = Entity::new("service", &name, &id, made)
            .pointing("owner", &owner)
            .pointing("maintainers", &maintainer);
        service.properties = BTreeMap::from([("tier".to_owned(), json!(number % 3))])
            .into_iter()
            .collect();
        world.put_entity(service);
        if number.is_multiple_of(2) {
            let (id, author) = somebody();
            let runbook = Entity::new("runbook", &format!("runbook-{number}"), &id, made);
            world.put_entity(runbook.pointing("author", &author));
            let (id, deployer) = somebody();
            let deployment = Entity::new("deployment", &format!("deploy/{name}@1+x"), &id, made);
            world.put_entity(
                deployment
                    .pointing("service", &name)
                    .pointing("deployed_by", &deployer),
            );
        }
    }
}
