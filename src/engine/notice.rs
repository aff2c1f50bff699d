//! Gives the warnings that are due: one person, one mail; each recorded by itself.

use crate::config::notices::language;
use crate::domain::event::Draft;
use crate::domain::event::NoticeBounced;
use crate::domain::event::NoticeSent;
use crate::domain::fold::pair_key;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::Ruling;
use crate::domain::time::Time;
use crate::domain::warnings::Braked;
use crate::domain::warnings::Warning;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::Judged;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;
use crate::notify::Notice;
use crate::notify::NoticeAccount;
use crate::notify::NotifyError;
use crate::notify::Reason;
use crate::notify::text::Language;

/// How many warnings were given, and how many could not be.
#[derive(Debug, Default)]
pub struct Warned {
    /// Given; each has an entry.
    pub given: u64,
    /// Not given: no address, or the channel failed. They do not count.
    pub failed: u64,
    /// Refused by the relay for good: they block the account until somebody says how it goes on.
    pub bounced: u64,
    /// Waiting for a later run, since no more may be given at once; and the limit that they met.
    pub waiting: u64,
    /// That limit.
    pub limit: u64,
    /// What keeps every warning from leaving, if something does.
    pub trouble: Option<NotifyError>,
}

/// One warning that is due.
#[derive(Debug, Clone)]
struct Due {
    account: Subject,
    tenant: SourceName,
    policy: String,
    days: u64,
    acts_at: Time,
    to: String,
    name: Option<String>,
    language: Language,
    says: NoticeAccount,
}

impl Engine {
    /// Gives every warning that is due, as far as the brake on warnings lets it; `by_name` if a
    /// person has just said how many they are, so that the brake has nothing to ask. One that cannot
    /// be given does not count, and the account stays as it is.
    pub async fn warn(
        &self,
        run: &Run,
        judged: &[Judged],
        by_name: bool,
    ) -> Result<Warned, EngineError> {
        let mut warned = Warned::default();
        let mut due = Vec::new();
        for one in judged.iter().filter(|j| j.decision.verdict == Ruling::Warn) {
            match self.due(run, one)? {
                Some(one) => due.push(one),
                None => warned.failed += 1,
            }
        }
        let mut groups = bundles(due);
        if !by_name {
            groups = self.within_limits(run, groups, &mut warned)?;
        }
        for group in groups {
            match warned.trouble {
                Some(_) => warned.failed += group.len() as u64,
                None => self.give(run, &group, &mut warned).await?,
            }
        }
        if warned.given + warned.bounced > 0 {
            self.ledger.sync()?;
        }
        Ok(warned)
    }

    /// Leaves out whom the brake on warnings holds back; nobody's mail is cut in two.
    fn within_limits(
        &self,
        run: &Run,
        groups: Vec<Vec<Due>>,
        warned: &mut Warned,
    ) -> Result<Vec<Vec<Due>>, EngineError> {
        let given = self.given_before()?;
        let bases = self.bases()?;
        let limits = self.limits()?.breakers;
        let braked = Braked {
            given: &given,
            bases: &bases,
            limits: &limits,
        };
        let wanted = groups.iter().flatten();
        let wanted: Vec<_> = wanted.map(|d| warning(&d.account, &d.tenant)).collect();
        let held = braked.held_back(&wanted, run.now);
        warned.limit = held.values().copied().max().unwrap_or(0);
        let mut next = 0_usize;
        let mut kept = Vec::new();
        for group in groups {
            let from = next;
            next = next.saturating_add(group.len());
            if (from..next).any(|position| held.contains_key(&position)) {
                warned.waiting += group.len() as u64;
            } else {
                kept.push(group);
            }
        }
        Ok(kept)
    }

    /// Every warning that was given or refused, and when.
    fn given_before(&self) -> Result<Vec<(Warning, Time)>, EngineError> {
        let view = self.ledger.view()?;
        let mut given = Vec::new();
        for (_, row) in view.rows::<NoticeRow>(Kind::Notice)? {
            let account = view.row::<AccountRow>(Kind::Account, row.account.as_str())?;
            let Some(account) = account else { continue };
            let about = warning(&row.account, &account.tenant);
            given.extend(row.sent.iter().map(|mark| (about.clone(), mark.at)));
        }
        Ok(given)
    }

    /// What a decision to warn comes to; `None` if there is nobody to write to.
    fn due(&self, run: &Run, one: &Judged) -> Result<Option<Due>, EngineError> {
        let account = &one.facts.account;
        let (decision, rules) = (&one.decision, self.adopted_policy()?);
        let policy = decision.policy.as_deref().unwrap_or_default();
        let rule = rules.as_ref().and_then(|(_, set)| set.policy(policy));
        let (Some(rule), Some(tenant), Some(does), Some(acts_at)) = (
            rule,
            self.tenant(&account.tenant),
            decision.does,
            decision.due,
        ) else {
            return Ok(None);
        };
        let profile = self.profile(&account.subject)?;
        let Some(to) = profile.first(Profile::MAIL) else {
            return Ok(None);
        };
        let days = rule.warning_days(acts_at, run.now);
        let kind = tenant.adapter.kind();
        let step = kind.steps.iter().find(|s| s.does == does);
        let says = NoticeAccount {
            key: format!("{}-{policy}-{days}-{}", account.subject, acts_at.day()),
            tenant: account.tenant.to_string(),
            provider: kind.name,
            product: kind.title.to_owned(),
            when: rule.when,
            does,
            effect: step.map_or("", |s| s.effect).to_owned(),
            acts_at,
            since: decision.since.unwrap_or(acts_at),
        };
        Ok(Some(Due {
            account: account.subject.clone(),
            tenant: account.tenant.clone(),
            policy: policy.to_owned(),
            days,
            acts_at,
            to: to.to_owned(),
            name: profile.first(Profile::NAME).map(str::to_owned),
            language: language(&self.config, &account.tenant),
            says,
        }))
    }

    /// Gives one person the warnings about all their accounts.
    async fn give(&self, run: &Run, group: &[Due], warned: &mut Warned) -> Result<(), EngineError> {
        let Some(first) = group.first() else {
            return Ok(());
        };
        let notice = Notice {
            to: first.to.clone(),
            name: group.iter().find_map(|due| due.name.clone()),
            language: first.language,
            at: run.now,
            accounts: group.iter().map(|due| due.says.clone()).collect(),
        };
        let count = group.len() as u64;
        let mail = notice.id();
        match self.notifier.send(&notice).await {
            Ok(delivery) => {
                let drafts = self.sent(group, delivery.as_str(), &mail)?;
                self.record(run, group, drafts)?;
                warned.given += count;
            }
            Err(error) => {
                self.report.note(&error.to_string());
                if let Some(reason) = error.bounce() {
                    let drafts = self.refused_at_once(group, reason, &mail)?;
                    self.record(run, group, drafts)?;
                    warned.bounced += count;
                } else {
                    warned.failed += count;
                    warned.trouble = Some(error).filter(NotifyError::is_of_channel);
                }
            }
        }
        Ok(())
    }

    fn sent(&self, group: &[Due], state: &str, mail: &str) -> Result<Vec<Draft>, EngineError> {
        self.drafts(group, |due| {
            let sent = NoticeSent {
                tenant: due.tenant.clone(),
                policy: due.policy.clone(),
                days: due.days,
                channel: self.notifier.channel().to_owned(),
                state: state.to_owned(),
                acts_at: due.acts_at,
                message: Some(mail.to_owned()),
            };
            Ok(Draft::new(self.ledger.entry_id()?, &sent))
        })
    }

    fn refused_at_once(
        &self,
        group: &[Due],
        reason: Reason,
        mail: &str,
    ) -> Result<Vec<Draft>, EngineError> {
        self.drafts(group, |due| {
            let bounced = NoticeBounced {
                tenant: due.tenant.clone(),
                policy: due.policy.clone(),
                days: due.days,
                acts_at: due.acts_at,
                message: mail.to_owned(),
                reason: reason.as_str().to_owned(),
                said_by: "relay".to_owned(),
            };
            Ok(Draft::new(self.ledger.entry_id()?, &bounced))
        })
    }

    /// Makes an entry about each account, with the address as a commitment.
    fn drafts(
        &self,
        group: &[Due],
        make: impl Fn(&Due) -> Result<Draft, EngineError>,
    ) -> Result<Vec<Draft>, EngineError> {
        let mut batch = self.ledger.vault()?.batch()?;
        let mut drafts = Vec::new();
        for due in group {
            let mut draft = make(due)?.about(&due.account);
            batch.conceal(&mut draft, "to", &due.account, due.to.as_bytes())?;
            drafts.push(draft);
        }
        batch.commit()?;
        Ok(drafts)
    }

    /// Appends the entries about warnings that no other process has recorded meanwhile.
    fn record(&self, run: &Run, group: &[Due], drafts: Vec<Draft>) -> Result<(), EngineError> {
        self.ledger.commit::<LedgerError>(&run.by, |view| {
            let mut new = Vec::new();
            for (due, draft) in group.iter().zip(&drafts) {
                let key = pair_key(&due.account, &due.policy);
                let row = view.row::<NoticeRow>(Kind::Notice, &key)?;
                let same = |n: &crate::domain::rows::NoticeMark| {
                    n.days == due.days && n.acts_at == due.acts_at
                };
                if !row.is_some_and(|row| row.sent.iter().any(same)) {
                    new.push(draft.clone());
                }
            }
            Ok(new)
        })?;
        Ok(())
    }
}

fn warning(account: &Subject, tenant: &SourceName) -> Warning {
    Warning {
        account: account.clone(),
        tenant: tenant.clone(),
    }
}

/// The warnings of each address together, in the order of its first one.
fn bundles(due: Vec<Due>) -> Vec<Vec<Due>> {
    let mut groups: Vec<Vec<Due>> = Vec::new();
    for one in due {
        let same = |group: &&mut Vec<Due>| {
            group
                .first()
                .is_some_and(|first| first.to.eq_ignore_ascii_case(&one.to))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}
