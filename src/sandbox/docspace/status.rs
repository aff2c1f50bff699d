//! The change of a status, for a whole batch or for nobody.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        model::{Kind, Status, User},
        people::{full, ids, is_admin},
        wire,
        world::World,
    },
    tenant::Answer,
};

/// Why a batch was refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// One of the accounts may not be touched.
    AccessDenied,
    /// No paid seat is free.
    NoSeat,
}

/// Answers `PUT people/status/{status}`.
pub(crate) fn put_status(
    world: &mut World,
    href: &str,
    status: &str,
    body: Option<&Value>,
    now: DateTime<Utc>,
) -> Answer {
    let wanted = match status.to_lowercase().as_str() {
        "1" | "active" => Status::Active,
        "2" | "terminated" => Status::Terminated,
        _ => return wire::error(400, "Incorrect status"),
    };
    let Some(ids) = ids(body) else {
        return wire::invalid("userIds", "The UserIds field is required.");
    };
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    match world.change_status(&ids, wanted, now) {
        Ok(()) => {
            let zone = world.settings.zone_minutes;
            let users: Vec<Value> = ids
                .iter()
                .filter_map(|id| world.present(*id))
                .map(|u| full(u, zone))
                .collect();
            // The service streams this list and counts it as one, however long it is.
            wire::success(href, Value::Array(users), 1, None)
        }
        Err(Refusal::AccessDenied) => wire::error(403, "Access denied"),
        Err(Refusal::NoSeat) => wire::error(
            402,
            "The number of users exceeds the limit of the tariff plan",
        ),
    }
}

impl World {
    /// Changes the status of a batch, all or nothing, and writes the audit events.
    pub(crate) fn change_status(
        &mut self,
        ids: &[Uuid],
        wanted: Status,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        for id in ids {
            *self.status_puts.entry(*id).or_default() += 1;
        }
        let by_owner = self
            .caller()
            .is_some_and(|caller| caller.kind == Kind::Owner);
        let allowed = |user: &User| {
            !user.ldap
                && user.id != self.key_user
                && user.kind != Kind::Owner
                && (by_owner || user.kind != Kind::Admin)
        };
        if !ids.iter().all(|id| self.present(*id).is_some_and(allowed)) {
            return Err(Refusal::AccessDenied);
        }
        if wanted == Status::Active && !self.has_seats_for(ids) {
            return Err(Refusal::NoSeat);
        }
        for id in ids {
            let Some(mut user) = self.present(*id).cloned() else {
                continue;
            };
            let nameless = user.first_name.is_empty() && user.last_name.is_empty();
            // An invitation that never got a name comes back as an invitation.
            let next = if wanted == Status::Active && nameless {
                Status::Pending
            } else {
                wanted
            };
            if user.status != next {
                *self.status_changes.entry(*id).or_default() += 1;
                user.status = next;
            }
            let name = user.display_name();
            self.put_user(user);
            self.add_audit(self.key_user, now, 4020, vec![name, id.to_string()]);
        }
        Ok(())
    }

    fn has_seats_for(&self, ids: &[Uuid]) -> bool {
        let Some(seats) = self.settings.seats else {
            return true;
        };
        let takes_seat = |user: &User| user.kind != Kind::Guest;
        let taken = self
            .users
            .iter()
            .filter(|user| !user.removed && user.status == Status::Active && takes_seat(user))
            .count();
        let wanted = ids
            .iter()
            .filter_map(|id| self.present(*id))
            .filter(|user| user.status != Status::Active && takes_seat(user))
            .count();
        wanted == 0 || taken + wanted <= seats
    }
}
