//! The one change: taking an account out of the domain.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountFacts;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::Owned;
use crate::provider::ProviderError;
use crate::provider::Target;
use crate::provider::http::Request;
use crate::provider::http::redact;
use crate::provider::huwise::Huwise;
use crate::provider::huwise::keys::Keys;
use crate::provider::huwise::people;
use crate::provider::huwise::read::user_path;
use crate::provider::huwise::read::user_template;
use crate::provider::json;

/// Fields that can hold a secret, whatever object they stand in.
const SECRET_FIELDS: &[&str] = &["key", "apikey", "api_key", "token", "secret", "password"];

impl Huwise {
    /// The removal of an account, if it is still the one that was meant and nothing protects it.
    ///
    /// Who administers and who holds keys is read first, the account itself last.
    pub(super) async fn removal(&self, target: &Target) -> Result<Next, ProviderError> {
        let guards = self.guards().await?;
        let Some(user) = self.meant(&target.id).await? else {
            let detail = "the account went away, or its name was given to somebody else";
            return Err(self.not_whole("read.moved", detail));
        };
        let record = self.record(&user, &guards)?;
        if let Some(code) = block(&record.facts.protected) {
            return Ok(Next::Withhold(code));
        }
        if target
            .facts
            .as_ref()
            .is_some_and(|f| differs(f, &record.facts))
        {
            let detail = "the account changed between two looks at it";
            return Err(self.not_whole("read.moved", detail));
        }
        let username = people::username(&user).map_err(|f| self.fault(f))?;
        let request = Request::new(Method::DELETE, user_path(&username));
        let mut order = Order::new(Do::Remove, "remove-from-domain", &user_template(), request);
        let image = image(user, &guards.keys, &username);
        order.image = Some(redact(image, &self.secret));
        order.checked.push("checked.ownerships");
        Ok(Next::Send(Box::new(order)))
    }

    /// The API keys of an account that work, as far as they are shown; nothing else that it owns
    /// can be asked for.
    pub(super) async fn keys_of(&self, id: &str) -> Result<Vec<Owned>, ProviderError> {
        let name = self.name(id)?;
        let guards = self.recent_guards().await?;
        let working = guards.keys.held_by(name).filter(|k| !k.revoked);
        let owned = working.filter_map(|key| {
            Some(Owned {
                kind: "api key".to_owned(),
                id: json::id(&key.kept, "uid")?,
                name: json::text(&key.kept, "label").ok()?.map(str::to_owned),
            })
        });
        Ok(owned.collect())
    }
}

/// Whether an account is not any more what the decision was about.
fn differs(before: &AccountFacts, now: &AccountFacts) -> bool {
    before.state != now.state || before.created_at != now.created_at
}

/// Why an account must be left alone, the gravest first.
fn block(protected: &BTreeSet<Protection>) -> Option<&'static str> {
    let gravest = [
        Protection::OwnCredential,
        Protection::LastAdmin,
        Protection::Admin,
        Protection::Staff,
        Protection::KeyOwner,
        Protection::UnclearIdentity,
        Protection::UnknownRole,
    ];
    let named = gravest.iter().find(|p| protected.contains(p));
    // whatever else there is protects as well
    named.or(protected.first()).map(|p| p.code())
}

/// The account as the domain has it, its groups and its keys, without anything secret.
fn image(mut user: Value, keys: &Keys, username: &str) -> String {
    without_secrets(&mut user);
    let keys: Vec<_> = keys.held_by(username).map(|key| &key.kept).collect();
    json!({ "user": user, "api_keys": keys }).to_string()
}

fn without_secrets(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let secret = |name: &str| SECRET_FIELDS.iter().any(|s| name.eq_ignore_ascii_case(s));
            map.retain(|name, _| !secret(name));
            map.values_mut().for_each(without_secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(without_secrets),
        _ => {}
    }
}
