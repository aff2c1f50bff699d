//! One change: what is read before it, the request, what came of it.

use reqwest::Method;
use serde_json::json;

use crate::domain::account::AccountRecord;
use crate::domain::account::Do;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::ProviderError;
use crate::provider::Settled;
use crate::provider::Target;
use crate::provider::answer;
use crate::provider::http::Request;
use crate::provider::scim::Scim;
use crate::provider::scim::change;
use crate::provider::scim::change::MEDIA;
use crate::provider::scim::form::Dislike;
use crate::provider::scim::people;

impl Scim {
    /// Reads the user again and makes the request, in the form that is to be tried.
    pub(super) async fn next_request(
        &self,
        target: &Target,
        wanted: Do,
    ) -> Result<Next, ProviderError> {
        let features = self.features().await?;
        let Some((user, version)) = self.user(&target.id).await? else {
            return Ok(Next::Withhold("block.identity-changed"));
        };
        let record = people::record(&user, &self.reading, self.own().await?.as_deref());
        let record = record.map_err(|f| self.fault(f))?;
        if let Some(code) = untouchable(target, &record, wanted) {
            return Ok(Next::Withhold(code));
        }
        let path = Self::path(&target.id);
        let (call, request) = match wanted {
            Do::Remove => ("delete-user", Request::new(Method::DELETE, path)),
            Do::Disable | Do::Restore => {
                let active = wanted == Do::Restore;
                let mut trials = self.trials();
                let form = trials.next(&target.id, active, features.patch);
                let call = if active { "activate" } else { "deactivate" };
                (
                    call,
                    change::request(&path, &user, active, form, trials.plain),
                )
            }
            Do::Transfer | Do::Revoke => {
                return Ok(Next::Withhold("block.step-impossible"));
            }
        };
        let bound = features.etag || self.trials().versioned;
        let request = match version.filter(|_| bound) {
            Some(version) => request.header("if-match", version),
            None => request,
        };
        let request = request.header("accept", MEDIA);
        let mut order = Order::new(wanted, call, "/Users/{id}", request);
        order.image = Some(json!({ "user": change::shown(&user) }).to_string());
        Ok(Next::Send(Box::new(order)))
    }

    /// Sends the one request; remembers in which form it was or was not understood.
    pub(super) async fn send(&self, order: &Order) -> Answer {
        let sent = self.client.send_once(&order.request).await;
        let mut dislike = None;
        let mut answer = answer::judge(sent, |status, payload| match order.does {
            Do::Remove => {
                dislike = (status == 428).then_some(Dislike::Version);
                change::judge_delete(status, payload)
            }
            _ => {
                dislike = change::dislike(status, payload);
                change::judge_active(status, payload, order.does == Do::Restore)
            }
        });
        let patch = self.known().features.unwrap_or_default().patch;
        match dislike {
            Some(dislike) if !self.trials().failed(dislike, patch) => {
                // there is no other form: so the server means the change itself
                answer.verdict = AnswerVerdict::Refused;
                answer.code = match dislike {
                    Dislike::Patch => "call.not-possible",
                    _ => "call.refused",
                };
            }
            None if answer.code == "call.done" && order.does != Do::Remove => {
                self.trials().worked();
            }
            _ => {}
        }
        answer
    }

    /// Reads a user back whose change has no known outcome. A server that does not show `active`
    /// shows nothing: doing it again does no harm.
    pub(super) async fn find_out(
        &self,
        target: &Target,
        does: Do,
    ) -> Result<Settled, ProviderError> {
        let gone = match does {
            Do::Restore => Settled::DidNot,
            _ => Settled::TookEffect,
        };
        let Some((user, _)) = self.user(&target.id).await? else {
            return Ok(gone);
        };
        let wanted = match does {
            Do::Disable => false,
            Do::Restore => true,
            Do::Remove | Do::Transfer | Do::Revoke => return Ok(Settled::DidNot),
        };
        Ok(match people::active(&user).map_err(|f| self.fault(f))? {
            None => Settled::Repeatable,
            Some(active) if active == wanted => Settled::TookEffect,
            Some(_) => {
                let patch = self.features().await?.patch;
                self.trials().without_effect(&target.id, wanted, patch);
                Settled::DidNot
            }
        })
    }
}

/// Why an account as just read is not to be touched.
fn untouchable(target: &Target, now: &AccountRecord, wanted: Do) -> Option<&'static str> {
    let then = target.facts.as_ref().and_then(|facts| facts.created_at);
    if let (Some(then), Some(now)) = (then, now.facts.created_at)
        && then.to_seconds_text() != now.to_seconds_text()
    {
        return Some("block.identity-changed");
    }
    let forbidden = target.forbidden_by(&now.facts.protected, wanted);
    forbidden
        .filter(|_| wanted != Do::Restore)
        .map(|p| p.code())
}
