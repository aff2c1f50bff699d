//! The one change: deleting a member, or taking out an external member, with everything read
//! again that it must not go wrong on.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::ProviderError;
use crate::provider::Successor;
use crate::provider::Target;
use crate::provider::http::Request;
use crate::provider::http::segment;
use crate::provider::projectplace::ProjectPlace;
use crate::provider::projectplace::list::PEOPLE;
use crate::provider::projectplace::owned::Holdings;
use crate::provider::projectplace::people::Everybody;
use crate::provider::projectplace::people::Person;
use crate::provider::projectplace::people::Role;

const TEMPLATE: &str = "/1/account/people/{id}";

/// What is sent to whom, by the role that the person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// A member's user is deleted.
    Delete,
    /// An external member is taken out; the user stays.
    RemoveExternal,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Call::Delete => "delete-account",
            Call::RemoveExternal => "remove-external",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Call::Delete => "delete_account_user",
            Call::RemoveExternal => "remove_account_user",
        }
    }
}

impl ProjectPlace {
    /// Reads everything again and says what is sent, or why nothing is.
    pub(super) async fn prepare_removal(
        &self,
        target: &Target,
        wanted: Do,
    ) -> Result<Next, ProviderError> {
        if wanted != Do::Remove {
            return Ok(Next::Withhold("block.step-impossible"));
        }
        let everybody = self.everybody(&|_| {}).await?.everybody;
        let Some(person) = everybody.get(&target.id) else {
            return Ok(Next::Withhold("block.unknown-account"));
        };
        let fresh = person.record(&target.id).facts;
        if target
            .facts
            .as_ref()
            .is_some_and(|old| differs(old, &fresh))
        {
            let detail = "the account changed just before the call";
            return Err(self.not_whole("read.moved", detail));
        }
        let call = match may_be_removed(person, &fresh.protected) {
            Ok(call) => call,
            Err(code) => return Ok(Next::Withhold(code)),
        };
        let holdings = self.holdings(&target.id).await?;
        if call == Call::RemoveExternal && !holdings.owned.is_empty() {
            // nothing of an external member can be handed over, and they are said to have nothing
            return Ok(Next::Withhold("block.protected-unknown-role"));
        }
        let successor = match holdings.owned.is_empty() {
            true => None,
            false => match takes_over(&everybody, target) {
                Ok(id) => Some(id),
                Err(code) => return Ok(Next::Withhold(code)),
            },
        };
        let order = order(target, call, person, &holdings, successor);
        Ok(Next::Send(Box::new(order)))
    }
}

/// Whether somebody is something else by now than what was decided about.
fn differs(old: &AccountFacts, new: &AccountFacts) -> bool {
    old.kind != new.kind || old.state != new.state || old.created_at != new.created_at
}

/// What can be done to somebody; why nothing, where they are protected.
fn may_be_removed(person: &Person, protected: &BTreeSet<Protection>) -> Result<Call, &'static str> {
    if let Some(protection) = protected.first() {
        return Err(protection.code());
    }
    match person.role() {
        Role::Member => Ok(Call::Delete),
        Role::External => Ok(Call::RemoveExternal),
        _ => Err("block.protected-unknown-role"),
    }
}

/// The successor's id in the type in which the list of members gave it; why they cannot take over,
/// if they cannot.
fn takes_over(everybody: &Everybody, target: &Target) -> Result<Value, &'static str> {
    let Some(Successor { id, .. }) = &target.successor else {
        return Err("block.no-successor");
    };
    if *id == target.id {
        return Err("block.successor-leaving");
    }
    let person = everybody.get(id).ok_or("block.successor-unknown")?;
    let member = person.member.as_ref().ok_or("block.successor-unfit")?;
    let active = person.record(id).facts.state == AccountState::Active;
    match person.role().can_take_over() && active {
        true => Ok(member.sent_id.clone()),
        false => Err("block.successor-unfit"),
    }
}

fn order(
    target: &Target,
    call: Call,
    person: &Person,
    holdings: &Holdings,
    successor: Option<Value>,
) -> Order {
    let hands_over = successor.is_some();
    // without things there is nobody to hand them to
    let maps = holdings.handed_to(&successor.unwrap_or(Value::Null));
    let params: Map<_, _> = [(target.id.clone(), maps)].into_iter().collect();
    let body = json!({ "action": call.action(), "params": [params] });
    let path = format!("{PEOPLE}/{}", segment(&target.id));
    let request = Request::new(Method::POST, path).json(&body);
    let image = json!({ "account": person.raw(), "owned": holdings.raw });
    let mut checked = vec!["checked.account", "checked.ownerships"];
    if hands_over {
        checked.push("checked.successor");
    }
    Order {
        image: Some(image.to_string()),
        owned: holdings.counts(),
        checked,
        ..Order::new(Do::Remove, call.name(), TEMPLATE, request)
    }
}
