//! API keys: what lets a caller in, the list, and the revocation.

use serde_json::{Value, json};

use crate::sandbox::{
    huwise::{
        model::{ADMIN, ApiKey, World},
        settings::{ForeignKeys, Settings},
        wire::{self, Window, date, not_found, refusal},
    },
    tenant::{Answer, Call},
};

/// Returns the username of whom a request's key stands for; none if it stands for nobody.
pub(crate) fn caller(world: &World, settings: &Settings, call: &Call<'_>) -> Option<ApiKey> {
    let params = call.params();
    let header = call.header("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        let known = if settings.any_case_scheme {
            scheme.eq_ignore_ascii_case("apikey")
        } else {
            scheme == "apikey"
        };
        known.then(|| key.to_owned())
    });
    let query = || {
        let found = params.iter().find(|(name, _)| name == "apikey");
        found.map(|(_, key)| key.clone())
    };
    let secret = header.or_else(query)?;
    let key = world.keys().find(|key| key.key == secret)?;
    let user = world.user(&key.owner)?;
    let works = key.revoked.is_none() && user.active && user.expires.is_none_or(|at| at > call.now);
    works.then(|| key.clone())
}

/// Tells whether a key may administer users and groups.
pub(crate) fn administers(world: &World, key: &ApiKey) -> bool {
    let subset = key.permissions.as_ref();
    let owner = world.user(&key.owner);
    subset.is_none_or(|subset| subset.contains(ADMIN))
        && owner.is_some_and(|owner| world.holds(owner, ADMIN))
}

/// Answers what is asked below `/apikeys/`.
pub(crate) fn answer(
    world: &mut World,
    settings: &Settings,
    call: &Call<'_>,
    caller: &str,
    rest: &[&str],
) -> Answer {
    match (call.method, rest) {
        ("GET", []) => list(world, settings, call, caller),
        ("POST", [uid, "revoke"]) => revoke(world, settings, call, caller, uid),
        _ => not_found(),
    }
}

fn list(world: &World, settings: &Settings, call: &Call<'_>, caller: &str) -> Answer {
    let window = match Window::read(settings, &call.params()) {
        Ok(window) => window,
        Err(answer) => return answer,
    };
    let all = match settings.foreign_keys {
        ForeignKeys::Own => false,
        ForeignKeys::Visible => true,
        ForeignKeys::Forbidden => {
            let why = "You do not have permission to perform this action.";
            return wire::refused(403, settings.forbidden_shape, why);
        }
    };
    let keys: Vec<&ApiKey> = world
        .keys()
        .filter(|key| all || key.owner == caller)
        .collect();
    window.answer(settings, call, &keys, |key| Some(row(settings, key)))
}

fn revoke(
    world: &mut World,
    settings: &Settings,
    call: &Call<'_>,
    caller: &str,
    uid: &str,
) -> Answer {
    let Some(owner) = world.key(uid).map(|key| key.owner.clone()) else {
        return not_found();
    };
    if owner != caller && !settings.revoke_foreign {
        return refusal(403, "The key belongs to somebody else.");
    }
    let body = call.json();
    let reason = body.as_ref().and_then(|body| body.get("reason")?.as_str());
    world.revoke(uid, reason.unwrap_or_default(), call.now);
    let key = world.key(uid).map(|key| row(settings, key));
    key.map_or_else(not_found, |key| Answer::json(200, key))
}

fn row(settings: &Settings, key: &ApiKey) -> Value {
    let status = key.revoked.as_ref().map(
        |(at, reason)| json!({ "revoked_at": date(settings, *at, 6), "revocation_reason": reason }),
    );
    json!({
        "uid": key.uid,
        "label": key.label,
        "key": key.key,
        "permissions": key.permissions,
        "created_at": date(settings, key.created, 6),
        "user": { "username": key.owner },
        "revocation_status": status,
        "is_revoked": key.revoked.is_some(),
    })
}
