//! What comes next on the way to what is wanted, with everything read again just before.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::ProviderError;
use crate::provider::Target;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::people;
use crate::provider::docspace::read::Seen;
use crate::provider::docspace::reassign::Holding;
use crate::provider::docspace::reassign::Progress;
use crate::provider::http::Request;
use crate::provider::http::segment;

/// How often a reassignment is begun within a day whose task the server then knows nothing of.
const MOST_STARTS: usize = 2;

/// What becomes of what an account owns.
enum Handover {
    /// It must be begun.
    Begin,
    /// Nothing is left to hand over.
    Settled,
    /// The tenant is at it.
    Running(Option<u64>),
    /// It did not come to its end, or left something behind.
    Failed,
}

impl DocSpace {
    /// The next request, or why there is none.
    pub(super) async fn next(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        let Some(seen) = self.seen(&target.id).await? else {
            return Ok(Next::Withhold("block.unknown-account"));
        };
        if let Some(code) = untouchable(target, &seen.record, wanted) {
            return Ok(Next::Withhold(code));
        }
        let state = seen.record.facts.state;
        match wanted {
            Do::Disable => Ok(send(status(&target.id, Do::Disable), &seen, None)),
            Do::Restore if state != AccountState::Disabled => {
                Ok(Next::Withhold("block.not-disabled"))
            }
            Do::Restore => Ok(send(status(&target.id, Do::Restore), &seen, None)),
            // only who is disabled can hand over or be deleted
            Do::Remove if state != AccountState::Disabled => {
                Ok(send(status(&target.id, Do::Disable), &seen, None))
            }
            Do::Remove => self.removal(target, &seen).await,
            Do::Transfer | Do::Revoke => Ok(Next::Withhold("block.step-impossible")),
        }
    }

    /// What comes next for an account that is disabled already and to be removed.
    async fn removal(&self, target: &Target, seen: &Seen) -> Result<Next, ProviderError> {
        let starts = target.done.iter().filter(|d| **d == Do::Transfer).count();
        match self.handover(&target.id, starts).await? {
            Handover::Running(percent) => Ok(Next::Wait(percent)),
            Handover::Failed => Ok(Next::Withhold("block.transfer-failed")),
            Handover::Begin => match self.reassignment(target).await? {
                Ok(order) => Ok(send(order, seen, Some(true))),
                Err(code) => Ok(Next::Withhold(code)),
            },
            Handover::Settled => {
                let path = format!("/api/2.0/people/{}", segment(&target.id));
                let request = Request::new(Method::DELETE, path);
                let mut order = Order::new(Do::Remove, "delete", "/api/2.0/people/{id}", request);
                order.checked.push("checked.ownerships");
                if starts > 0 {
                    order.checked.push("checked.transferred");
                }
                Ok(send(order, seen, Some(false)))
            }
        }
    }

    /// Whether what an account owns is, must be or is being handed over; `starts` is how often we
    /// have begun it for the present successor.
    ///
    /// Whatever was not handed over would go to the user of our key, so nothing but a "no" of the
    /// server, or a reassignment of ours that came to its end and left no room, is taken for done.
    /// A failure from before we began is no reason not to begin.
    async fn handover(&self, id: &str, starts: usize) -> Result<Handover, ProviderError> {
        let progress = self.progress(id).await?;
        let (holding, again) = match progress {
            Progress::Running(percent) => return Ok(Handover::Running(percent)),
            Progress::Failed if starts > 0 => return Ok(Handover::Failed),
            Progress::Completed if starts > 0 => (Holding::Rooms, false),
            Progress::Unknown if starts >= MOST_STARTS => (Holding::Rooms, false),
            _ => (Holding::RoomsAndShares, true),
        };
        Ok(match (self.necessary(id, holding).await?, again) {
            (false, _) => Handover::Settled,
            (true, true) => Handover::Begin,
            (true, false) => Handover::Failed,
        })
    }

    /// The request that hands everything to the successor, or why it cannot be sent.
    async fn reassignment(
        &self,
        target: &Target,
    ) -> Result<Result<Order, &'static str>, ProviderError> {
        let Some(successor) = &target.successor else {
            return Ok(Err("block.no-successor"));
        };
        if !people::valid_id(&successor.id) {
            return Ok(Err("block.successor-unknown"));
        }
        if successor.id.eq_ignore_ascii_case(&target.id) {
            return Ok(Err("block.successor-unfit"));
        }
        let Some(heir) = self.seen(&successor.id).await? else {
            return Ok(Err("block.successor-unknown"));
        };
        let active = heir.record.facts.state == AccountState::Active;
        if !active || !people::can_take_over(&heir.raw) {
            return Ok(Err("block.successor-unfit"));
        }
        // never with deleteProfile: it deletes for good, and no answer would show the one apart
        // from the other
        let body = json!({
            "fromUserId": target.id, "toUserId": successor.id, "deleteProfile": false,
        });
        let path = "/api/2.0/people/reassign/start";
        let request = Request::new(Method::POST, path).json(&body);
        let mut order = Order::new(Do::Transfer, "reassign", path, request);
        order.checked.push("checked.ownerships");
        order.checked.push("checked.successor");
        Ok(Ok(order))
    }
}

/// The request that sets one profile to disabled or active.
fn status(id: &str, does: Do) -> Order {
    let (call, path) = match does {
        Do::Restore => ("restore", "/api/2.0/people/status/1"),
        _ => ("disable", "/api/2.0/people/status/2"),
    };
    // one user a call: the server checks all of a batch before it changes anybody
    let body = json!({ "userIds": [id], "resendAll": false });
    Order::new(
        does,
        call,
        path,
        Request::new(Method::PUT, path).json(&body),
    )
}

/// Sends an order, with the profile as it is now.
fn send(mut order: Order, seen: &Seen, necessary: Option<bool>) -> Next {
    let mut image = json!({ "person": seen.raw });
    if let (Some(necessary), Value::Object(image)) = (necessary, &mut image) {
        image.insert("reassignNecessary".to_owned(), Value::Bool(necessary));
    }
    order.image = Some(image.to_string());
    Next::Send(Box::new(order))
}

/// Why an account must not be touched, whatever was decided before it was read again.
fn untouchable(target: &Target, now: &AccountRecord, wanted: Do) -> Option<&'static str> {
    let meant = target.facts.as_ref();
    if meant.is_some_and(|meant| meant.created_at != now.facts.created_at) {
        return Some("block.identity-changed");
    }
    if now.facts.managed_by.is_some() {
        return Some("block.provider-managed");
    }
    if wanted == Do::Restore {
        // somebody asked for it by name
        return None;
    }
    let forbidden = target.forbidden_by(&now.facts.protected, wanted);
    forbidden.map(|why| why.code())
}
