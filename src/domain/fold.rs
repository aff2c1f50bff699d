//! Folds entries into rows.
//!
//! One function, pure: the same entries give the same rows for ever, which `rebuild` checks. It
//! needs no personal value, so it works after the vault is gone.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::account::AccountState;
use crate::domain::departure::departure;
use crate::domain::departure::marked;
use crate::domain::event;
use crate::domain::event::CommandResult;
use crate::domain::event::Entry;
use crate::domain::event::Payload;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::ApprovalRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::ContactRow;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::FellAway;
use crate::domain::rows::HaltRow;
use crate::domain::rows::KeptMark;
use crate::domain::rows::KeptRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LedgerRow;
use crate::domain::rows::LinkRow;
use crate::domain::rows::Mark;
use crate::domain::rows::Missed;
use crate::domain::rows::NoticeMark;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::OperatorRow;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::OrphanWord;
use crate::domain::rows::PersonRow;
use crate::domain::rows::PlanRow;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::ReadRow;
use crate::domain::rows::ReleaseRow;
use crate::domain::rows::Said;
use crate::domain::rows::SourceRow;
use crate::domain::rows::Stated;
use crate::domain::rows::StatedRow;
use crate::domain::rows::StepRow;
use crate::domain::source::ReadMemory;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::trust;

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
        event::LedgerOpened::TYPE => Ok(ledger_opened(entry)),
        event::ActorTookOver::TYPE => actor_took_over(entry, rows),
        event::SourceRead::TYPE => source_read(entry, rows),
        event::ReadReleased::TYPE => read_released(entry, rows),
        event::PersonObserved::TYPE => person_observed(entry, rows),
        event::PersonMissed::TYPE => person_missed(entry, rows),
        event::PersonAbsent::TYPE => person_absent(entry, rows),
        event::DepartureWithdrawn::TYPE => departure_withdrawn(entry, rows),
        event::LeaveStated::TYPE | event::LeaveWithdrawn::TYPE => leave(entry, rows),
        event::AccountObserved::TYPE => account_observed(entry, rows),
        event::AccountGone::TYPE => account_gone(entry, rows),
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
        event::PlanListed::TYPE => plan_listed(entry, rows),
        event::PlanCreated::TYPE => plan_created(entry, rows),
        event::PlanApproved::TYPE | event::PlanRejected::TYPE => plan_judged(entry, rows),
        event::StepWithheld::TYPE => step_withheld(entry, rows),
        event::StepKept::TYPE => step_kept(entry, rows),
        event::KeepLifted::TYPE => Ok(keep_lifted(entry)),
        event::NoticeSent::TYPE => notice_sent(entry, rows),
        event::CommandIntended::TYPE => command_intended(entry, rows),
        event::CommandOutcome::TYPE
        | event::CommandSettled::TYPE
        | event::CommandConfirmed::TYPE => command_went_on(entry, rows),
        event::BreakerReleased::TYPE => Ok(breaker_released(entry)),
        event::HaltSet::TYPE | event::HaltLifted::TYPE => Ok(halt(entry)),
        event::OperatorNamed::TYPE => Ok(operator(entry)),
        _ => Ok(Vec::new()),
    }
}

fn ledger_opened(entry: &Entry) -> Vec<Change> {
    let Some(opened) = entry.payload::<event::LedgerOpened>() else {
        return Vec::new();
    };
    let body = LedgerRow {
        origin: opened.origin,
        vault: event::VaultMark {
            id: opened.vault,
            mark: 0,
        },
        sandbox: opened.sandbox,
        epoch: None,
    };
    vec![set(Kind::Ledger, "ledger", &body)]
}

fn actor_took_over<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(mut body) = row::<LedgerRow, R>(rows, Kind::Ledger, "ledger")? else {
        return Ok(Vec::new());
    };
    body.epoch = Some(entry.seq);
    Ok(vec![set(Kind::Ledger, "ledger", &body)])
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
    if let Some(mut ledger) = row::<LedgerRow, R>(rows, Kind::Ledger, "ledger")? {
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

fn person_observed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(seen), Some(sub)) = (entry.payload::<event::PersonObserved>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let before = row::<PersonRow, R>(rows, Kind::Person, sub.as_str())?;
    let disabled = seen.facts.disabled_by.as_ref().map(|_| {
        let earlier = before.as_ref().and_then(|p| p.disabled.clone());
        let new = Mark {
            seq: entry.seq,
            since: seen.facts.disabled_at.unwrap_or(entry.rec),
        };
        earlier.unwrap_or(new)
    });
    let mut body = PersonRow {
        subject: sub.clone(),
        directory: seen.directory,
        first: before.as_ref().map_or(entry.seq, |p| p.first),
        first_seen: before.as_ref().map_or(entry.rec, |p| p.first_seen),
        seq: entry.seq,
        signs: marked(&seen.facts, before.as_ref(), entry.seq, entry.rec),
        named: before.as_ref().and_then(|p| p.named.clone()),
        fell_away: None,
        withdrawn: before.as_ref().and_then(|p| p.withdrawn.clone()),
        facts: seen.facts,
        disabled,
        missed: None,
        absent: None,
    };
    body.fell_away = before.and_then(|before| fell_away(entry, before, &body));
    Ok(vec![set(Kind::Person, sub.as_str(), &body)])
}

/// What an entry takes away of a departure, if it leaves nothing of it.
fn fell_away(entry: &Entry, before: PersonRow, after: &PersonRow) -> Option<FellAway> {
    if departure(after, true, entry.rec).is_some() {
        return None;
    }
    let Some(left) = departure(&before, true, entry.rec) else {
        return before.fell_away;
    };
    Some(FellAway {
        seq: entry.seq,
        facts: left.facts.iter().map(|fact| fact.strength).collect(),
    })
}

fn departure_withdrawn<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    with_person(entry, rows, |person| {
        person.fell_away = None;
        person.withdrawn = Some(Mark {
            seq: entry.seq,
            since: entry.rec,
        });
    })
}

/// What a named person says about a person, or about an account.
fn leave<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let stated = entry.payload::<event::LeaveStated>().map(|said| Stated {
        seq: entry.seq,
        at: said.at,
        said: entry.rec,
    });
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    if let Some(mut account) = row::<AccountRow, R>(rows, Kind::Account, sub.as_str())? {
        account.named = stated;
        return Ok(vec![set(Kind::Account, sub.as_str(), &account)]);
    }
    with_person(entry, rows, |person| {
        if stated.is_none() {
            person.withdrawn = Some(Mark {
                seq: entry.seq,
                since: entry.rec,
            });
        }
        person.named = stated;
    })
}

fn person_missed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let missed = entry.payload::<event::PersonMissed>();
    let anew = missed.is_some_and(|missed| missed.anew);
    with_person(entry, rows, |person| {
        person.missed = Some(match person.missed.take().filter(|_| !anew) {
            Some(missed) => Missed {
                reads: missed.reads + 1,
                ..missed
            },
            None => Missed {
                seq: entry.seq,
                since: entry.rec,
                reads: 1,
            },
        });
    })
}

fn person_absent<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    with_person(entry, rows, |person| {
        let since = person
            .missed
            .as_ref()
            .map_or(entry.rec, |missed| missed.since);
        person.absent = Some(Mark {
            seq: entry.seq,
            since,
        });
    })
}

fn with_person<R: ReadRows>(
    entry: &Entry,
    rows: &R,
    change: impl FnOnce(&mut PersonRow),
) -> Result<Vec<Change>, R::Error> {
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    let Some(mut person) = row::<PersonRow, R>(rows, Kind::Person, sub.as_str())? else {
        return Ok(Vec::new());
    };
    change(&mut person);
    person.seq = entry.seq;
    Ok(vec![set(Kind::Person, sub.as_str(), &person)])
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

fn plan_listed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(listed) = entry.payload::<event::PlanListed>() else {
        return Ok(Vec::new());
    };
    let mut changes = Vec::new();
    for (number, step) in (listed.from..).zip(listed.steps) {
        let key = step_key(listed.plan.as_str(), number);
        // Steps are immutable: a second listing of the same number changes nothing.
        if rows.get(Kind::Step, &key)?.is_some() {
            continue;
        }
        let body = StepRow {
            plan: listed.plan.clone(),
            number,
            step,
            withheld: None,
            intent: None,
            ended: None,
        };
        changes.push(set(Kind::Step, key, &body));
    }
    Ok(changes)
}

fn plan_created<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(made) = entry.payload::<event::PlanCreated>() else {
        return Ok(Vec::new());
    };
    let mut changes = Vec::new();
    if let Some(parent) = &made.parent
        && let Some(mut row) = row::<PlanRow, R>(rows, Kind::Plan, parent.as_str())?
    {
        row.replaced_by = Some(made.plan.clone());
        changes.push(set(Kind::Plan, parent.as_str(), &row));
    }
    let key = made.plan.as_str().to_owned();
    let body = PlanRow {
        plan: made.plan,
        parent: made.parent,
        seq: entry.seq,
        digest: made.digest,
        root: made.root,
        count: made.count,
        now: made.now,
        expires_at: made.expires_at,
        policy: made.policy,
        breakers: made.breakers,
        approvals: Vec::new(),
        rejected: None,
        replaced_by: None,
    };
    changes.push(set(Kind::Plan, key, &body));
    Ok(changes)
}

fn plan_judged<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let approved = entry.payload::<event::PlanApproved>();
    let rejected = entry.payload::<event::PlanRejected>();
    let named = approved.as_ref().map(|a| (&a.plan, &a.digest));
    let Some((plan, digest)) = named.or(rejected.as_ref().map(|r| (&r.plan, &r.digest))) else {
        return Ok(Vec::new());
    };
    let Some(mut body) = row::<PlanRow, R>(rows, Kind::Plan, plan.as_str())? else {
        return Ok(Vec::new());
    };
    // An approval is of a digest; one of another digest is no approval of this plan.
    if body.digest != *digest {
        return Ok(Vec::new());
    }
    match &approved {
        Some(approval) => body.approvals.push(ApprovalRow {
            seq: entry.seq,
            by: entry.actor.sub.clone(),
            self_approved: approval.self_approved,
            proof: approval.proof.clone(),
        }),
        None => body.rejected = Some(entry.seq),
    }
    Ok(vec![set(Kind::Plan, plan.as_str(), &body)])
}

fn step_withheld<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(withheld) = entry.payload::<event::StepWithheld>() else {
        return Ok(Vec::new());
    };
    let key = step_key(withheld.plan.as_str(), withheld.step);
    let Some(mut body) = row::<StepRow, R>(rows, Kind::Step, &key)? else {
        return Ok(Vec::new());
    };
    body.withheld = Some((entry.seq, withheld.because));
    Ok(vec![set(Kind::Step, key, &body)])
}

fn step_kept<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(kept), Some(sub)) = (entry.payload::<event::StepKept>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let mut body = row::<KeptRow, R>(rows, Kind::Kept, sub.as_str())?.unwrap_or(KeptRow {
        account: sub.clone(),
        kept: Vec::new(),
    });
    body.kept
        .retain(|mark| (mark.when, mark.class) != (kept.when, kept.class));
    body.kept.push(KeptMark {
        seq: entry.seq,
        at: entry.rec,
        by: entry.actor.sub.clone(),
        plan: kept.plan,
        step: kept.step,
        does: kept.does,
        when: kept.when,
        class: kept.class,
        until: kept.until,
    });
    Ok(vec![set(Kind::Kept, sub.as_str(), &body)])
}

fn keep_lifted(entry: &Entry) -> Vec<Change> {
    let gone = entry.sub.as_ref().map(|sub| Change {
        kind: Kind::Kept,
        key: sub.as_str().to_owned(),
        body: None,
    });
    gone.into_iter().collect()
}

fn notice_sent<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(sent), Some(sub)) = (entry.payload::<event::NoticeSent>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let key = pair_key(sub, &sent.policy);
    let mut body = row::<NoticeRow, R>(rows, Kind::Notice, &key)?.unwrap_or(NoticeRow {
        account: sub.clone(),
        policy: sent.policy,
        sent: Vec::new(),
    });
    body.sent.push(NoticeMark {
        seq: entry.seq,
        at: entry.rec,
        days: sent.days,
        acts_at: sent.acts_at,
        state: sent.state,
    });
    Ok(vec![set(Kind::Notice, key, &body)])
}

fn command_intended<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(intent), Some(sub)) = (entry.payload::<event::CommandIntended>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let mut changes = Vec::new();
    let key = step_key(intent.plan.as_str(), intent.step);
    let mut aim = None;
    if let Some(mut step) = row::<StepRow, R>(rows, Kind::Step, &key)? {
        aim = Some(step.step.does).filter(|aim| *aim != intent.does);
        step.intent = Some(entry.id.clone());
        changes.push(set(Kind::Step, key, &step));
    }
    let body = CommandRow {
        intent: entry.id.clone(),
        seq: entry.seq,
        account: sub.clone(),
        tenant: intent.tenant,
        does: intent.does,
        aim,
        class: intent.class,
        directories: intent.directories,
        plan: intent.plan,
        step: intent.step,
        attempt: intent.attempt,
        call: intent.call,
        successor: intent.successor,
        at: entry.rec,
        deadline: intent.deadline,
        outcome: None,
        settled: None,
        confirmed: None,
    };
    changes.push(set(Kind::Command, entry.id.as_str(), &body));
    Ok(changes)
}

fn command_went_on<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(cause) = &entry.cause else {
        return Ok(Vec::new());
    };
    let Some(mut body) = row::<CommandRow, R>(rows, Kind::Command, cause.as_str())? else {
        return Ok(Vec::new());
    };
    // Each intent has at most one outcome and one settlement; what comes later does not undo them.
    if let Some(outcome) = entry.payload::<event::CommandOutcome>() {
        body.outcome
            .get_or_insert((entry.seq, outcome.result, outcome.because));
    } else if let Some(settled) = entry.payload::<event::CommandSettled>() {
        body.settled.get_or_insert((entry.seq, settled.done));
    } else {
        body.confirmed.get_or_insert(entry.seq);
    }
    let mut changes = vec![set(Kind::Command, cause.as_str(), &body)];
    let refused = matches!(body.outcome, Some((_, CommandResult::Refused, _)));
    if body.took_effect() || refused {
        let key = step_key(body.plan.as_str(), body.step);
        if let Some(mut step) = row::<StepRow, R>(rows, Kind::Step, &key)?
            && step.ended.is_none()
            // a step of several requests (hand over, then remove) ends with the one it is for
            && (refused || step.step.does == body.does)
        {
            step.ended = Some(entry.seq);
            changes.push(set(Kind::Step, key, &step));
        }
    }
    Ok(changes)
}

fn breaker_released(entry: &Entry) -> Vec<Change> {
    let Some(released) = entry.payload::<event::BreakerReleased>() else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    let named = released.named.iter().flat_map(|n| &n.accounts);
    let mut accounts: Vec<_> = named.chain(&released.accounts).cloned().collect();
    accounts.sort();
    accounts.dedup();
    for scope in released.first_contact {
        let body = ContactRow {
            scope: scope.clone(),
            seq: entry.seq,
            at: entry.rec,
            accounts: accounts.clone(),
            named: released.named.clone(),
            ramp_per_day: released.ramp_per_day,
        };
        changes.push(set(Kind::Contact, scope, &body));
    }
    let body = ReleaseRow {
        plan: released.plan.clone(),
        digest: released.digest,
        seq: entry.seq,
        at: entry.rec,
        windows: released.windows,
    };
    changes.push(set(Kind::Release, released.plan.as_str(), &body));
    changes
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
