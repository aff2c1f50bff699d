//! Folds entries into rows.
//!
//! One function, pure: the same entries give the same rows for ever, which `rebuild` checks. It
//! needs no personal value, so it works after the vault is gone.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::account::AccountState;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::Payload;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LedgerRow;
use crate::domain::rows::LinkRow;
use crate::domain::rows::Mark;
use crate::domain::rows::OperatorRow;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::OrphanWord;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::ReadRow;
use crate::domain::rows::Said;
use crate::domain::rows::SourceRow;
use crate::domain::rows::StatedRow;
use crate::domain::source::ReadMemory;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::trust;

mod acts;
mod alert;
mod hold;
mod ledger;
mod lost;
mod notice;
mod people;
mod successor;
mod task;

pub use crate::domain::fold::alert::RUNS;

/// Gives the rows as they stand before an entry.
pub trait ReadRows {
    /// Why a row could not be read.
    type Error;
    /// The body of one row, if there is one.
    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, Self::Error>;
}

/// One row as it stands after an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// Its whole new body; `None` takes it away.
    pub body: Option<Value>,
}

/// The key of a source's row.
pub fn source_key(kind: SourceKind, name: &str) -> String {
    match kind {
        SourceKind::Directory => format!("directory/{name}"),
        SourceKind::Tenant => format!("tenant/{name}"),
    }
}

/// The key of a step's row; sorts by number.
pub fn step_key(plan: &str, number: u64) -> String {
    format!("{plan}/{number:06}")
}

/// The key of a link's or notice's row: the account, then the directory or policy.
pub fn pair_key(account: &Subject, other: &str) -> String {
    format!("{account}/{other}")
}

/// Reads a row as its type; a row that is not of this type reads as absent.
pub fn row<T: DeserializeOwned, R: ReadRows>(
    rows: &R,
    kind: Kind,
    key: &str,
) -> Result<Option<T>, R::Error> {
    Ok(rows
        .get(kind, key)?
        .and_then(|body| serde_json::from_value(body).ok()))
}

fn set<T: Serialize>(kind: Kind, key: impl Into<String>, body: &T) -> Change {
    Change {
        kind,
        key: key.into(),
        body: serde_json::to_value(body).ok(),
    }
}

/// Says which rows an entry changes, and how; entries of types it does not know change nothing.
pub fn fold<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    match entry.kind.as_str() {
        event::LedgerOpened::TYPE => Ok(ledger::opened(entry)),
        event::ActorTookOver::TYPE => ledger::took_over(entry, rows),
        event::RunStarted::TYPE => alert::run_started(entry, rows),
        event::RunFinished::TYPE => alert::run_finished(entry, rows),
        event::AlertSent::TYPE => alert::alert_sent(entry, rows),
        event::SummarySent::TYPE => alert::summary_sent(entry, rows),
        event::LedgerReopened::TYPE => ledger::reopened(entry, rows),
        event::SubjectsLost::TYPE => lost::lost(entry, rows),
        event::SourceRead::TYPE => source_read(entry, rows),
        event::ReadReleased::TYPE => read_released(entry, rows),
        event::PersonObserved::TYPE => people::person_observed(entry, rows),
        event::PersonMissed::TYPE => people::person_missed(entry, rows),
        event::PersonAbsent::TYPE => people::person_absent(entry, rows),
        event::DepartureWithdrawn::TYPE => people::departure_withdrawn(entry, rows),
        event::LeaveStated::TYPE | event::LeaveWithdrawn::TYPE => people::leave(entry, rows),
        event::AccountObserved::TYPE => account_observed(entry, rows),
        event::AccountGone::TYPE => account_gone(entry, rows),
        event::AttemptsCleared::TYPE => attempts_cleared(entry, rows),
        event::LoginObserved::TYPE => login_observed(entry, rows),
        event::LinkMade::TYPE | event::LinkWithheld::TYPE | event::LinkCut::TYPE => {
            Ok(link(entry).into_iter().collect())
        }
        event::LinkStated::TYPE | event::LinkDenied::TYPE | event::LinkForgotten::TYPE => {
            stated(entry, rows)
        }
        event::OrphanClaimed::TYPE | event::OrphanAccepted::TYPE | event::OrphanReleased::TYPE => {
            Ok(orphan(entry).into_iter().collect())
        }
        event::PolicyProposed::TYPE | event::PolicyAdopted::TYPE => Ok(policy(entry)),
        event::DecisionMade::TYPE => Ok(decision(entry)),
        event::PlanListed::TYPE => acts::plan_listed(entry, rows),
        event::PlanCreated::TYPE => acts::plan_created(entry, rows),
        event::PlanApproved::TYPE | event::PlanRejected::TYPE => acts::plan_judged(entry, rows),
        event::StepWithheld::TYPE => acts::step_withheld(entry, rows),
        event::StepKept::TYPE => acts::step_kept(entry, rows),
        event::KeepLifted::TYPE => Ok(acts::keep_lifted(entry)),
        event::HoldPlaced::TYPE => Ok(hold::placed(entry)),
        event::HoldLifted::TYPE => hold::lifted(entry, rows),
        event::NoticeSent::TYPE => notice::sent(entry, rows),
        event::NoticeBounced::TYPE => notice::bounced(entry, rows),
        event::NoticeDelivered::TYPE => notice::delivered(entry, rows),
        event::NoticeProceeded::TYPE => notice::proceeded(entry, rows),
        event::TaskOpened::TYPE => Ok(task::opened(entry)),
        event::TaskTaken::TYPE | event::TaskReleased::TYPE | event::TaskClosed::TYPE => {
            task::went_on(entry, rows)
        }
        event::SuccessorNamed::TYPE => Ok(successor::named(entry)),
        event::SuccessorWithdrawn::TYPE => Ok(successor::withdrawn(entry)),
        event::CommandIntended::TYPE => acts::command_intended(entry, rows),
        event::CommandOutcome::TYPE
        | event::CommandSettled::TYPE
        | event::CommandConfirmed::TYPE => acts::command_went_on(entry, rows),
        event::BreakerReleased::TYPE => Ok(acts::breaker_released(entry)),
        event::HaltSet::TYPE | event::HaltLifted::TYPE => Ok(halt(entry)),
        event::OperatorNamed::TYPE => Ok(operator(entry)),
        event::BackupMade::TYPE => ledger::backup_made(entry, rows),
        _ => Ok(Vec::new()),
    }
}

fn source_read<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(read) = entry.payload::<event::SourceRead>() else {
        return Ok(Vec::new());
    };
    let key = source_key(read.kind, read.source.as_str());
    let this = ReadRow {
        seq: entry.seq,
        id: entry.id.clone(),
        rec: entry.rec,
        verdict: read.verdict,
        because: read.because,
        proof: read.proof,
        missing: read.missing,
    };
    let mut body = row::<SourceRow, R>(rows, Kind::Source, &key)?.unwrap_or(SourceRow {
        source: read.source,
        kind: read.kind,
        last: this.clone(),
        complete: None,
        first_complete: None,
        activity: Vec::new(),
        released: Vec::new(),
        memory: ReadMemory::default(),
    });
    trust::remember(&mut body.memory, &this);
    if read.verdict == Verdict::Complete {
        // a release is spent once a read is complete without it
        if !this.because.iter().any(|c| c.as_str() == trust::BY_RELEASE) {
            body.released.clear();
        }
        body.complete = Some(this.clone());
        body.first_complete = body.first_complete.or(Some(entry.seq));
    }
    body.last = this;
    if !read.activity.is_empty() {
        body.activity = read.activity;
    }
    let mut changes = vec![set(Kind::Source, key, &body)];
    if let Some(mut ledger) = row::<LedgerRow, R>(rows, Kind::Ledger, "ledger")?
        // whoever still had the vault open from before it was replaced has read with that one
        && ledger.vault.id == read.vault.id
    {
        ledger.vault = read.vault;
        changes.push(set(Kind::Ledger, "ledger", &ledger));
    }
    Ok(changes)
}

fn read_released<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(released) = entry.payload::<event::ReadReleased>() else {
        return Ok(Vec::new());
    };
    for kind in [SourceKind::Directory, SourceKind::Tenant] {
        let key = source_key(kind, released.source.as_str());
        if let Some(mut body) = row::<SourceRow, R>(rows, Kind::Source, &key)? {
            body.released.push(released.digest);
            return Ok(vec![set(Kind::Source, key, &body)]);
        }
    }
    Ok(Vec::new())
}

fn attempts_cleared<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    let Some(mut body) = row::<AccountRow, R>(rows, Kind::Account, sub.as_str())? else {
        return Ok(Vec::new());
    };
    body.cleared = Some(entry.seq);
    Ok(vec![set(Kind::Account, sub.as_str(), &body)])
}

fn account_observed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(seen), Some(sub)) = (entry.payload::<event::AccountObserved>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let before = row::<AccountRow, R>(rows, Kind::Account, sub.as_str())?;
    let disabled = (seen.facts.state == AccountState::Disabled).then(|| {
        let earlier = before.as_ref().and_then(|a| a.disabled.clone());
        earlier.unwrap_or(Mark {
            seq: entry.seq,
            since: entry.rec,
        })
    });
    let now = Mark {
        seq: entry.seq,
        since: entry.rec,
    };
    let was_gone = before.as_ref().is_some_and(|a| a.gone.is_some());
    let reappeared = before.as_ref().and_then(|a| a.reappeared.clone());
    let usable = seen.facts.state == AccountState::Active;
    let was_disabled = before.as_ref().is_some_and(|a| a.disabled.is_some());
    let enabled_again = before.as_ref().and_then(|a| a.enabled_again.clone());
    let body = AccountRow {
        reappeared: if was_gone {
            Some(now.clone())
        } else {
            reappeared
        },
        enabled_again: if was_disabled && usable {
            Some(now)
        } else {
            enabled_again
        },
        subject: sub.clone(),
        tenant: seen.tenant,
        first: before.as_ref().map_or(entry.seq, |a| a.first),
        first_seen: before.as_ref().map_or(entry.rec, |a| a.first_seen),
        seq: entry.seq,
        facts: seen.facts,
        disabled,
        cleared: before.as_ref().and_then(|a| a.cleared),
        named: before.and_then(|a| a.named),
        gone: None,
    };
    Ok(vec![set(Kind::Account, sub.as_str(), &body)])
}

fn account_gone<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    let Some(mut account) = row::<AccountRow, R>(rows, Kind::Account, sub.as_str())? else {
        return Ok(Vec::new());
    };
    account.gone = Some(Mark {
        seq: entry.seq,
        since: entry.rec,
    });
    account.seq = entry.seq;
    Ok(vec![set(Kind::Account, sub.as_str(), &account)])
}

fn login_observed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(seen), Some(sub)) = (entry.payload::<event::LoginObserved>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let mut body =
        row::<ActivityRow, R>(rows, Kind::Activity, sub.as_str())?.unwrap_or_else(|| ActivityRow {
            subject: sub.clone(),
            newest: Default::default(),
        });
    let newer = body
        .newest
        .get(&seen.signal)
        .is_none_or(|mark| mark.since < seen.newest);
    if newer {
        body.newest.insert(
            seen.signal,
            Mark {
                seq: entry.seq,
                since: seen.newest,
            },
        );
    }
    Ok(vec![set(Kind::Activity, sub.as_str(), &body)])
}

fn link(entry: &Entry) -> Option<Change> {
    let account = entry.sub.clone()?;
    let mut body = LinkRow {
        account: account.clone(),
        directory: crate::domain::id::SourceName::new(""),
        seq: entry.seq,
        person: None,
        rule: None,
        because: None,
        candidates: Vec::new(),
    };
    if let Some(made) = entry.payload::<event::LinkMade>() {
        body.directory = made.directory;
        body.person = Some(made.person);
        body.rule = Some(made.rule);
    } else if let Some(withheld) = entry.payload::<event::LinkWithheld>() {
        body.directory = withheld.directory;
        body.because = Some(withheld.because);
        body.candidates = withheld.candidates;
    } else {
        body.directory = entry.payload::<event::LinkCut>()?.directory;
    }
    let key = pair_key(&account, body.directory.as_str());
    Some(set(Kind::Link, key, &body))
}

fn stated<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(account) = &entry.sub else {
        return Ok(Vec::new());
    };
    let to = entry.payload::<event::LinkStated>();
    let not = entry.payload::<event::LinkDenied>();
    let named = to.as_ref().map(|s| (&s.directory, &s.person, &s.proof));
    let named = named.or(not.as_ref().map(|d| (&d.directory, &d.person, &d.proof)));
    let Some((directory, person, proof)) = named else {
        let forgotten = entry.payload::<event::LinkForgotten>().map(|f| Change {
            kind: Kind::Stated,
            key: pair_key(account, f.directory.as_str()),
            body: None,
        });
        return Ok(forgotten.into_iter().collect());
    };
    let key = pair_key(account, directory.as_str());
    let mut body = row::<StatedRow, R>(rows, Kind::Stated, &key)?.unwrap_or(StatedRow {
        account: account.clone(),
        directory: directory.clone(),
        to: None,
        not: Vec::new(),
    });
    let said = Said {
        person: person.clone(),
        seq: entry.seq,
        at: entry.rec,
        by: entry.actor.sub.clone(),
        proof: proof.clone(),
    };
    // the later word about a person takes the place of the earlier one
    body.not.retain(|n| n.person != said.person);
    if to.is_some() {
        body.to = Some(said);
    } else {
        body.to = body.to.filter(|t| t.person != said.person);
        body.not.push(said);
    }
    Ok(vec![set(Kind::Stated, key, &body)])
}

fn orphan(entry: &Entry) -> Option<Change> {
    let account = entry.sub.clone()?;
    let key = account.to_string();
    let claimed = entry.payload::<event::OrphanClaimed>();
    let claimed = claimed.map(|c| (OrphanWord::Claimed, c.tenant, c.until, c.proof));
    let accepted = || {
        let accepted = entry.payload::<event::OrphanAccepted>()?;
        let (tenant, until) = (accepted.tenant, accepted.until);
        Some((OrphanWord::Accepted, tenant, until, accepted.proof))
    };
    let Some((word, tenant, until, proof)) = claimed.or_else(accepted) else {
        return Some(Change {
            kind: Kind::Orphan,
            key,
            body: None,
        });
    };
    let body = OrphanRow {
        account,
        tenant,
        word,
        seq: entry.seq,
        at: entry.rec,
        until,
        by: entry.actor.sub.clone(),
        proof,
    };
    Some(set(Kind::Orphan, key, &body))
}

fn policy(entry: &Entry) -> Vec<Change> {
    if let Some(adopted) = entry.payload::<event::PolicyAdopted>() {
        let body = PolicyRow {
            seq: entry.seq,
            policy: adopted.policy,
            loosens: Vec::new(),
        };
        // What was proposed is either this or has been overtaken by it.
        let proposed = Change {
            kind: Kind::Policy,
            key: "proposed".to_owned(),
            body: None,
        };
        return vec![set(Kind::Policy, "adopted", &body), proposed];
    }
    let Some(proposed) = entry.payload::<event::PolicyProposed>() else {
        return Vec::new();
    };
    let body = PolicyRow {
        seq: entry.seq,
        policy: proposed.policy,
        loosens: proposed.loosens,
    };
    vec![set(Kind::Policy, "proposed", &body)]
}

fn decision(entry: &Entry) -> Vec<Change> {
    let (Some(made), Some(sub)) = (entry.payload::<event::DecisionMade>(), &entry.sub) else {
        return Vec::new();
    };
    let body = DecisionRow {
        account: sub.clone(),
        tenant: made.tenant,
        seq: entry.seq,
        id: entry.id.clone(),
        run: made.run,
        decision: made.decision,
    };
    vec![set(Kind::Decision, sub.as_str(), &body)]
}

fn halt(entry: &Entry) -> Vec<Change> {
    let key = |tenant: &Option<crate::domain::id::SourceName>| match tenant {
        Some(name) => format!("tenant:{name}"),
        None => "all".to_owned(),
    };
    if let Some(set_by) = entry.payload::<event::HaltSet>() {
        let body = HaltRow {
            seq: entry.seq,
            at: entry.rec,
            until: set_by.until,
        };
        return vec![set(Kind::Halt, key(&set_by.tenant), &body)];
    }
    let Some(lifted) = entry.payload::<event::HaltLifted>() else {
        return Vec::new();
    };
    vec![Change {
        kind: Kind::Halt,
        key: key(&lifted.tenant),
        body: None,
    }]
}

fn operator(entry: &Entry) -> Vec<Change> {
    let Some(sub) = &entry.sub else {
        return Vec::new();
    };
    let body = OperatorRow {
        subject: sub.clone(),
        seq: entry.seq,
    };
    vec![set(Kind::Operator, sub.as_str(), &body)]
}
