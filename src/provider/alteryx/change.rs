//! What comes next on the way to what is wanted, with everything read again just before.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::ProviderError;
use crate::provider::Target;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::paths::number;
use crate::provider::alteryx::people;
use crate::provider::http::Request;

/// Parts of names of fields that may hold a secret.
const SECRET: &[&str] = &[
    "secret",
    "password",
    "token",
    "apikey",
    "accesskey",
    "awsconfig",
];

impl Alteryx {
    /// The next request, or why there is none.
    pub(super) async fn next(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        if !people::valid_id(&target.id) {
            return Ok(Next::Withhold("block.unknown-account"));
        }
        let Some(seen) = self.seen(&target.id).await? else {
            return Ok(Next::Withhold("block.unknown-account"));
        };
        // giving back takes nothing from anybody, whatever they have become meanwhile
        let blocked = untouchable(target, &seen.record, wanted);
        let blocked = blocked.filter(|_| wanted != Do::Restore);
        if let Some(code) = blocked {
            return Ok(Next::Withhold(code));
        }
        let order = match wanted {
            Do::Disable => self.switch(target, wanted, "suspend"),
            Do::Restore => self.switch(target, wanted, "unsuspend"),
            Do::Remove if target.done.contains(&Do::Transfer) => self.removal(target),
            Do::Remove => match self.transfer(target).await? {
                Ok(order) => order,
                Err(code) => return Ok(Next::Withhold(code)),
            },
            Do::Transfer | Do::Revoke => {
                return Ok(Next::Withhold("block.step-impossible"));
            }
        };
        let image = image(&self.workspace, seen.raw);
        let mut checked = vec!["checked.account", "checked.workspace"];
        checked.extend(order.checked.iter().filter(|c| **c != "checked.account"));
        Ok(Next::Send(Box::new(Order {
            image: Some(image),
            checked,
            ..order
        })))
    }

    fn switch(&self, target: &Target, does: Do, call: &'static str) -> Order {
        let request = self.paths.switch(call, &target.id);
        Order::new(does, call, &self.paths.shown(call), request)
    }

    /// The membership ends; only after everything was handed over, since nothing gives it back but
    /// the vendor's support.
    fn removal(&self, target: &Target) -> Order {
        let path = self.paths.about("remove", &target.id);
        let request = Request::new(Method::DELETE, path);
        let template = self.paths.shown("remove");
        let mut order = Order::new(Do::Remove, "remove-from-workspace", &template, request);
        order.checked.push("checked.transferred");
        order
    }

    /// Everything goes to the successor. What a person owns cannot be listed, so that it is always
    /// taken to be something.
    async fn transfer(
        &self,
        target: &Target,
    ) -> Result<Result<Order, &'static str>, ProviderError> {
        let Some(successor) = &target.successor else {
            return Ok(Err("block.no-successor"));
        };
        if successor.id == target.id {
            return Ok(Err("block.successor-leaving"));
        }
        if !people::valid_id(&successor.id) {
            return Ok(Err("block.successor-unknown"));
        }
        let Some(heir) = self.seen(&successor.id).await? else {
            return Ok(Err("block.successor-unknown"));
        };
        let facts = &heir.record.facts;
        if facts.state != AccountState::Active || facts.kind != AccountKind::Human {
            return Ok(Err("block.successor-unfit"));
        }
        let body = json!({
            "fromPersonId": number(&target.id), "toPersonId": number(&successor.id),
        });
        let path = self.paths.plain("transfer");
        let request = Request::new(Method::PATCH, path).json(&body);
        let template = self.paths.shown("transfer");
        let mut order = Order::new(Do::Transfer, "transfer-assets", &template, request);
        order.checked.push("checked.successor");
        Ok(Ok(order))
    }
}

/// Why an account must not be touched, whatever was decided before it was read again.
fn untouchable(target: &Target, now: &AccountRecord, wanted: Do) -> Option<&'static str> {
    let forbidden = target.forbidden_by(&now.facts.protected, wanted);
    forbidden.map(|why| why.code())
}

fn image(workspace: &str, mut raw: Value) -> String {
    strip(&mut raw);
    let parts = [("workspace".to_owned(), number(workspace))];
    let mut parts: BTreeMap<_, _> = parts.into_iter().collect();
    if let Value::Object(map) = raw {
        parts.extend(map);
    }
    json!(parts).to_string()
}

/// Takes out whatever may be a secret, flags excepted.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| {
                let key = key.to_ascii_lowercase().replace(['_', '-'], "");
                let secret = SECRET.iter().any(|part| key.contains(part));
                !secret || value.is_boolean() || value.is_null()
            });
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
