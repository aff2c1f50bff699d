//! Tasks by hand: opened where no step may touch a leaver, shown with what to do, closed by a read.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::account::AccountKind;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::leaver;
use crate::domain::event::Draft;
use crate::domain::event::TaskClosed;
use crate::domain::event::TaskOpened;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::TaskRow;
use crate::domain::source::Verdict;
use crate::domain::task;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::Judged;
use crate::engine::decide::adopted;
use crate::engine::decide::judged;
use crate::engine::facts::Rows;
use crate::engine::replay::Moment;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::vault::Profile;

mod instruct;
mod release;

pub use crate::engine::tasks::release::Released;
pub use crate::engine::tasks::release::ReleasedItem;

/// One task, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskItem {
    /// Its number: the position of the entry that opened it; absent before there is one.
    pub id: Option<Seq>,
    /// The account's tenant.
    pub tenant: SourceName,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// Why no step may touch it, the gravest first.
    pub because: Vec<Code>,
    /// Since when they have left.
    pub since: Option<Time>,
    /// When the account should be out.
    pub due: Option<Time>,
    /// The clock.
    pub clock: Option<LeaverClock>,
    /// How it stands.
    pub state: TaskState,
    /// When the entry that opened it was recorded.
    pub opened_at: Option<Time>,
    /// Who sees to it.
    pub taken: Option<TakenItem>,
    /// Whether two approvers can let a step touch it.
    pub releasable: bool,
    /// Who has signed that.
    pub releases: Vec<ReleasedItem>,
    /// What to do, in order.
    pub steps: Vec<String>,
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// Nobody sees to it yet.
    Open,
    /// Somebody sees to it.
    Taken,
    /// Two approvers have released it, so that the next plan has the step.
    Released,
    /// The account seems to be out, and the complete read that confirms it has not come.
    Unconfirmed,
}

/// Who sees to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenItem {
    /// The name; absent after an erasure.
    pub by: Option<String>,
    /// What they have said.
    pub note: Option<String>,
    /// When.
    pub at: Time,
    /// The entry.
    pub seq: Seq,
}

/// What became of tasks in one command.
#[derive(Debug, Default)]
pub struct Followed {
    /// The accounts about which one was opened.
    pub opened: Vec<Subject>,
    /// The accounts about which one was closed, with how.
    pub closed: Vec<(Subject, Code)>,
}

/// One entry that is to be appended, if the task is still as it was.
struct Move {
    account: Subject,
    /// The task that is open; none where one is to be opened.
    task: Option<Seq>,
    how: Option<Code>,
    draft: Draft,
}

impl Engine {
    /// Opens and closes tasks after a read: about the accounts that can come into question.
    pub fn follow_tasks(&self, run: &Run) -> Result<Followed, EngineError> {
        let view = self.ledger.view()?;
        let Some(ruling) = adopted(&view)? else {
            return Ok(Followed::default());
        };
        let doubtful = doubtful(&view)?;
        let gatherer = self.gatherer(&view, None)?;
        let mut all = Vec::new();
        for account in view.under::<AccountRow>(Kind::Account, "")? {
            let sub = &account.subject;
            let special = !account.facts.protected.is_empty()
                || account.facts.managed_by.is_some()
                || account.facts.kind == AccountKind::Service;
            if special || doubtful.contains(sub) || gatherer.has_task_or_hold(sub) {
                all.extend(gatherer.facts(account)?);
            }
        }
        self.follow_tasks_of(run, &judged(all, &ruling, run.now))
    }

    /// Opens and closes the tasks about accounts that have just been judged.
    pub fn follow_tasks_of(&self, run: &Run, judged: &[Judged]) -> Result<Followed, EngineError> {
        let view = self.ledger.view()?;
        let Some((_, set)) = adopted(&view)? else {
            return Ok(Followed::default());
        };
        let mut moves = Vec::new();
        for one in judged {
            moves.extend(self.next_move(&view, one, &set, run.now)?);
        }
        let mut followed = Followed::default();
        for chunk in moves.chunks(crate::ledger::BATCH) {
            let mut done: Vec<&Move> = Vec::new();
            self.ledger.commit::<LedgerError>(&run.by, |view| {
                done.clear();
                for one in chunk {
                    let row = view.row::<TaskRow>(Kind::Task, one.account.as_str())?;
                    let open = row.filter(|row| row.closed.is_none()).map(|row| row.seq);
                    if open == one.task {
                        done.push(one);
                    }
                }
                Ok(done.iter().map(|one| one.draft.clone()).collect())
            })?;
            for one in done {
                match &one.how {
                    Some(how) => followed.closed.push((one.account.clone(), how.clone())),
                    None => followed.opened.push(one.account.clone()),
                }
            }
        }
        Ok(followed)
    }

    fn next_move(
        &self,
        view: &View<'_>,
        one: &Judged,
        set: &PolicySet,
        now: Time,
    ) -> Result<Option<Move>, EngineError> {
        let facts = &one.facts;
        let open = facts.task.as_ref().filter(|task| task.closed.is_none());
        match open {
            Some(open) => self.closing(view, one, open, set, now),
            None => self.opening(one, set, now),
        }
    }

    fn opening(
        &self,
        one: &Judged,
        set: &PolicySet,
        now: Time,
    ) -> Result<Option<Move>, EngineError> {
        let because = task::wanted(&one.facts, set, &one.decision, now);
        let Some(leaver) = leaver(&one.facts, now).filter(|_| !because.is_empty()) else {
            return Ok(None);
        };
        let account = &one.facts.account;
        let opened = TaskOpened {
            tenant: account.tenant.clone(),
            because,
            persons: leaver.persons,
            since: leaver.departure.since,
        };
        let draft = Draft::new(self.ledger.entry_id()?, &opened).about(&account.subject);
        Ok(Some(Move {
            account: account.subject.clone(),
            task: None,
            how: None,
            draft,
        }))
    }

    fn closing(
        &self,
        view: &View<'_>,
        one: &Judged,
        open: &TaskRow,
        set: &PolicySet,
        now: Time,
    ) -> Result<Option<Move>, EngineError> {
        let facts = &one.facts;
        let Some(end) = task::ended(facts, set, &one.decision, &open.because, now) else {
            return Ok(None);
        };
        let read = match end.needs_read() {
            true => confirming_read(view, facts, open.seq)?,
            false => None,
        };
        if end.needs_read() && read.is_none() {
            return Ok(None);
        }
        let links = facts.links.iter();
        let mut evidence: Vec<Seq> = links.flat_map(|link| link.evidence()).collect();
        evidence.push(facts.account.seq);
        evidence.extend(read);
        evidence.sort_unstable();
        evidence.dedup();
        let how = Code::new(end.code());
        let closed = TaskClosed {
            task: open.task.clone(),
            because: how.clone(),
            read,
            evidence,
        };
        let account = &facts.account.subject;
        Ok(Some(Move {
            account: account.clone(),
            task: Some(open.seq),
            how: Some(how),
            draft: Draft::new(self.ledger.entry_id()?, &closed).about(account),
        }))
    }

    /// The tasks at a moment, those that are due first in front.
    pub fn tasks(
        &self,
        moment: &Moment<'_>,
        judged: &[Judged],
    ) -> Result<Vec<TaskItem>, EngineError> {
        let set = self.policy_at(moment)?;
        let clocks = self.clocks(moment)?;
        let mut items = Vec::new();
        for one in judged {
            let open = one.facts.task.as_ref().filter(|t| t.closed.is_none());
            let wanted = task::wanted(&one.facts, &set, &one.decision, moment.now);
            if open.is_none() && wanted.is_empty() {
                continue;
            }
            let clocked = clocks.of(&one.facts, Some(&one.decision))?;
            let clock = clocked.map(|clocked| clocked.clock);
            items.push(self.task_item(moment, one, wanted, clock, &set)?);
        }
        items.sort_by_key(|item| {
            let clock = item.clock.as_ref().map(|clock| (clock.state, clock.due));
            (clock.is_none(), clock, item.id)
        });
        Ok(items)
    }

    fn task_item(
        &self,
        moment: &Moment<'_>,
        one: &Judged,
        wanted: Vec<Code>,
        clock: Option<LeaverClock>,
        set: &PolicySet,
    ) -> Result<TaskItem, EngineError> {
        let (facts, now) = (&one.facts, moment.now);
        let account = &facts.account;
        let open = facts.task.as_ref().filter(|task| task.closed.is_none());
        let unconfirmed = wanted.is_empty();
        let because = match open.filter(|_| unconfirmed) {
            Some(open) => open.because.clone(),
            None => wanted,
        };
        let released = !task::released_for(facts, set, now).is_empty();
        let taken = open.and_then(|task| task.taken.as_ref());
        let state = match (unconfirmed, released, taken) {
            (true, _, _) => TaskState::Unconfirmed,
            (_, true, _) => TaskState::Released,
            (_, _, Some(_)) => TaskState::Taken,
            _ => TaskState::Open,
        };
        let taken = match taken {
            Some(taken) => Some(TakenItem {
                by: self.words_if_open(taken.seq, "by")?,
                note: self.words_if_open(taken.seq, "note")?,
                at: taken.at,
                seq: taken.seq,
            }),
            None => None,
        };
        let profile = self.profile(&account.subject)?;
        Ok(TaskItem {
            id: open.map(|task| task.seq),
            tenant: account.tenant.clone(),
            account: profile.first(Profile::KEY).map(str::to_owned),
            subject: account.subject.clone(),
            email: profile.first(Profile::MAIL).map(str::to_owned),
            erased_by: None,
            since: one.decision.since.or(clock.as_ref().map(|c| c.effective)),
            due: clock.as_ref().map(|clock| clock.due),
            clock,
            state,
            opened_at: open.map(|task| task.at),
            taken,
            releasable: !unconfirmed && self.is_releasable(facts, set, now),
            releases: self.releases_of(facts, set, now)?,
            steps: self.instruction(facts, &because, unconfirmed)?,
            because,
        })
    }

    /// What stands behind a commitment; nothing without the vault.
    fn words_if_open(&self, seq: Seq, field: &str) -> Result<Option<String>, EngineError> {
        match self.ledger.vault() {
            Ok(_) => self.words_of(seq, field),
            Err(_) => Ok(None),
        }
    }

    /// The open task about somebody who is named, or with a number.
    pub fn tasks_named(
        &self,
        who: &str,
        tenant: Option<&str>,
        items: Vec<TaskItem>,
    ) -> Result<Vec<TaskItem>, EngineError> {
        let number = who.trim_start_matches('#').parse::<Seq>().ok();
        let by_number = |item: &TaskItem| number.is_some() && item.id == number;
        let mut found: Vec<_> = items.iter().filter(|i| by_number(i)).cloned().collect();
        if found.is_empty() && number.is_none() {
            let meant = self.find(who)?.accounts;
            found = items;
            found.retain(|item| meant.contains(&item.subject));
        }
        found.retain(|item| tenant.is_none_or(|name| name == item.tenant.as_str()));
        if found.is_empty() {
            return Err(EngineError::unknown(
                format!("there is no open task `{who}`"),
                "`exeunt tasks` lists those that are open; `exeunt why WHO` tells of those that are over",
            ));
        }
        Ok(found)
    }

    /// The facts of every account by subject that has one of some tasks.
    pub(super) fn task_row(&self, account: &Subject) -> Result<Option<TaskRow>, EngineError> {
        let row: Option<TaskRow> = self.ledger.view()?.row(Kind::Task, account.as_str())?;
        Ok(row.filter(|row| row.closed.is_none()))
    }
}

/// The accounts of which it is not certain whose they are.
fn doubtful(view: &View<'_>) -> Result<BTreeSet<Subject>, EngineError> {
    let links: BTreeMap<String, LinkRow> = view.rows::<LinkRow>(Kind::Link)?.into_iter().collect();
    let doubt = links.into_values().filter(|link| link.because.is_some());
    Ok(doubt.map(|link| link.account).collect())
}

/// The newest read of the tenant, if it is complete, younger than an entry, and shows the account as
/// it stands: nothing was read of it alone since.
fn confirming_read(view: &View<'_>, facts: &Facts, entry: Seq) -> Result<Option<Seq>, EngineError> {
    let last = &facts.tenant.last;
    if last.verdict != Verdict::Complete || last.seq <= entry {
        return Ok(None);
    }
    let seen = facts.account.seq;
    let shown = match seen < last.seq {
        true => true,
        false => view.entry(seen)?.and_then(|e| e.cause) == Some(last.id.clone()),
    };
    Ok(shown.then_some(last.seq))
}
