//! Gives the warnings that are due, each recorded when it counts.

use crate::domain::event::Draft;
use crate::domain::event::NoticeSent;
use crate::domain::rows::Kind;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::Ruling;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::Judged;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;
use crate::notify::Delivery;
use crate::notify::Notice;

/// How many warnings were given, and how many could not be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Warned {
    /// Given; each has an entry.
    pub given: u64,
    /// Not given: no address, or the channel failed. They do not count.
    pub failed: u64,
}

impl Engine {
    /// Gives every warning that is due. One that cannot be given does not count, and the account
    /// stays as it is.
    pub async fn warn(&self, run: &Run, judged: &[Judged]) -> Result<Warned, EngineError> {
        let mut warned = Warned::default();
        for one in judged.iter().filter(|j| j.decision.verdict == Ruling::Warn) {
            if self.warn_one(run, one).await? {
                warned.given += 1;
            } else {
                warned.failed += 1;
            }
        }
        if warned.given > 0 {
            self.ledger.sync()?;
        }
        Ok(warned)
    }

    async fn warn_one(&self, run: &Run, one: &Judged) -> Result<bool, EngineError> {
        let account = &one.facts.account;
        let (decision, rules) = (&one.decision, self.adopted_policy()?);
        let policy = decision.policy.as_deref().unwrap_or_default();
        let rule = rules.as_ref().and_then(|(_, set)| set.policy(policy));
        let (Some(rule), Some(tenant), Some(does)) =
            (rule, self.tenant(&account.tenant), decision.does)
        else {
            return Ok(false);
        };
        let profile = self.profile(&account.subject)?;
        let Some(to) = profile.first(Profile::MAIL) else {
            return Ok(false);
        };
        let Some(acts_at) = decision.due else {
            return Ok(false);
        };
        let days = rule.warning_days(acts_at, run.now);
        let kind = tenant.adapter.kind();
        let effect = kind
            .steps
            .iter()
            .find(|s| s.does == does)
            .map_or("", |s| s.effect);
        let notice = Notice {
            key: format!("{}-{policy}-{days}-{}", account.subject, acts_at.day()),
            to: to.to_owned(),
            name: profile.first(Profile::NAME).map(str::to_owned),
            tenant: account.tenant.to_string(),
            product: kind.title.to_owned(),
            does,
            effect: effect.to_owned(),
            acts_at,
            since: decision.since.unwrap_or(acts_at),
        };
        let state = match self.notifier.send(&notice).await {
            Ok(Delivery::Written) => "written",
            Ok(Delivery::Accepted) => "accepted",
            Err(error) => {
                self.report.note(&error.to_string());
                return Ok(false);
            }
        };
        let sent = NoticeSent {
            tenant: account.tenant.clone(),
            policy: policy.to_owned(),
            days,
            channel: self.notifier.channel().to_owned(),
            state: state.to_owned(),
            acts_at,
        };
        let mut draft = Draft::new(self.ledger.entry_id()?, &sent).about(&account.subject);
        let mut batch = self.ledger.vault()?.batch()?;
        batch.conceal(&mut draft, "to", &account.subject, to.as_bytes())?;
        batch.commit()?;
        let key = crate::domain::fold::pair_key(&account.subject, policy);
        self.ledger.commit::<LedgerError>(&run.by, |view| {
            let row = view.row::<NoticeRow>(Kind::Notice, &key)?;
            let told = row.is_some_and(|row| {
                row.sent
                    .iter()
                    .any(|n| n.days == days && n.acts_at == acts_at)
            });
            Ok(if told {
                Vec::new()
            } else {
                vec![draft.clone()]
            })
        })?;
        Ok(true)
    }
}
