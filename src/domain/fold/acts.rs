//! What is planned, approved, sent and let through, as rows.

use crate::domain::account::Do;
use crate::domain::event;
use crate::domain::event::CommandResult;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::fold::step_key;
use crate::domain::rows::ApprovalRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::ContactRow;
use crate::domain::rows::KeptMark;
use crate::domain::rows::KeptRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::ReleaseRow;
use crate::domain::rows::StepRow;

pub(super) fn plan_listed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
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

pub(super) fn plan_created<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
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

pub(super) fn plan_judged<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
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

pub(super) fn step_withheld<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
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

pub(super) fn step_kept<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
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

pub(super) fn keep_lifted(entry: &Entry) -> Vec<Change> {
    let gone = entry.sub.as_ref().map(|sub| Change {
        kind: Kind::Kept,
        key: sub.as_str().to_owned(),
        body: None,
    });
    gone.into_iter().collect()
}

pub(super) fn command_intended<R: ReadRows>(
    entry: &Entry,
    rows: &R,
) -> Result<Vec<Change>, R::Error> {
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
        lost: None,
    };
    changes.push(set(Kind::Command, entry.id.as_str(), &body));
    Ok(changes)
}

pub(super) fn command_went_on<R: ReadRows>(
    entry: &Entry,
    rows: &R,
) -> Result<Vec<Change>, R::Error> {
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
    // a key that cannot be taken away does not save the account
    let refused =
        body.does != Do::Revoke && matches!(body.outcome, Some((_, CommandResult::Refused, _)));
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

pub(super) fn breaker_released(entry: &Entry) -> Vec<Change> {
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
