//! What accounts were like just before they were changed: kept with each intent, in the vault.

use crate::domain::account::Do;
use crate::domain::event::CommandResult;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::command::BEFORE;
use crate::ledger::vault::Profile;

/// One account as it was before one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The position of the intent.
    pub seq: Seq,
    /// When it was intended (our clock).
    pub at: Time,
    /// The tenant.
    pub tenant: SourceName,
    /// The tenant's id of the account.
    pub account: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// What was wanted.
    pub does: Do,
    /// The request in the provider's terms.
    pub call: String,
    /// What came of it: `done`, `already`, `refused`, `failed`, `unknown`.
    pub result: &'static str,
    /// The account as JSON.
    pub text: String,
}

impl Image {
    /// The name of its file: the position and the tenant's configured name, nothing from outside.
    pub fn file(&self) -> String {
        format!("{}/{:012}.json", self.tenant, self.seq)
    }
}

impl Engine {
    /// The images that are kept, in the order of their intents; erased ones are not there any more.
    pub fn before_images(
        &self,
        tenants: &[String],
        from: Option<Time>,
        to: Option<Time>,
    ) -> Result<Vec<Image>, EngineError> {
        let vault = self.ledger.vault()?;
        let mut images = Vec::new();
        for (_, command) in self.ledger.view()?.rows::<CommandRow>(Kind::Command)? {
            let meant = (tenants.is_empty()
                || tenants.iter().any(|t| t == command.tenant.as_str()))
                && from.is_none_or(|from| command.at >= from)
                && to.is_none_or(|to| command.at < to);
            if !meant {
                continue;
            }
            let Some(opening) = vault.opening(&command.intent, BEFORE)? else {
                continue;
            };
            let profile = self.profile(&command.account)?;
            images.push(Image {
                seq: command.seq,
                at: command.at,
                tenant: command.tenant.clone(),
                account: profile.first(Profile::KEY).map(str::to_owned),
                email: profile.first(Profile::MAIL).map(str::to_owned),
                does: command.does,
                call: command.call.clone(),
                result: result(&command),
                text: String::from_utf8_lossy(&opening.value).into_owned(),
            });
        }
        images.sort_by_key(|image| image.seq);
        Ok(images)
    }
}

fn result(command: &CommandRow) -> &'static str {
    match (&command.settled, &command.outcome) {
        (Some((_, true)), _) => "done",
        (Some((_, false)), _) => "failed",
        (None, Some((_, result, _))) => match result {
            CommandResult::Done => "done",
            CommandResult::Already => "already",
            CommandResult::Refused => "refused",
            CommandResult::Failed => "failed",
            CommandResult::Unknown => "unknown",
        },
        (None, None) => "unknown",
    }
}
