//! Who sees to a task, and the release of a protected leaver by two approvers.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::json;

use crate::domain::account::Do;
use crate::domain::canonical;
use crate::domain::code;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::event::Draft;
use crate::domain::event::Payload;
use crate::domain::event::TaskReleased;
use crate::domain::event::TaskTaken;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::policy::PolicySet;
use crate::domain::rows::Kind;
use crate::domain::rows::Step;
use crate::domain::rows::TaskRow;
use crate::domain::task;
use crate::domain::task::APPROVERS;
use crate::domain::task::Bound;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::engine::said::Words;
use crate::ledger::LedgerError;

/// The class of an approver who may release.
const CLASS: &str = "release";

/// One signature under a release, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleasedItem {
    /// Who signed.
    pub by: Option<String>,
    /// When.
    pub at: Time,
    /// The entry.
    pub seq: Seq,
    /// Whether what was signed still holds: the rights, the departure, and no step since.
    pub holds: bool,
}

/// What came of a release.
#[derive(Debug)]
pub struct Released {
    /// What is released, by whom it is seen.
    pub bound: Bound,
    /// What was signed.
    pub digest: String,
    /// How many approvers have signed that.
    pub have: usize,
    /// What else stands in the way of the step.
    pub blocked: Vec<Code>,
}

impl Engine {
    /// Notes that somebody sees to a task.
    pub fn take_task(
        &self,
        signer: &Signer,
        account: &Subject,
        words: &[(&str, &str)],
    ) -> Result<Seq, EngineError> {
        let task = self.task_row(account)?.ok_or_else(no_task)?;
        let run = self.start("tasks take", signer.by.clone(), None)?;
        let taken = TaskTaken {
            task: task.task.clone(),
        };
        let seq = self.say_of_task(&run, account, &task.task, &taken, words)?;
        self.finish(&run, 0)?;
        Ok(seq)
    }

    /// One approver's release of the disabling of a protected account whose person has left.
    pub fn release_task(
        &self,
        signer: &Signer,
        account: &Subject,
        words: Words<'_>,
    ) -> Result<Released, EngineError> {
        self.two_may_release()?;
        self.may(signer, CLASS)?;
        let now = self.clock.now();
        let task = self.task_row(account)?.ok_or_else(no_task)?;
        let (Some(facts), Some((version, set))) = (self.facts(account)?, self.adopted_policy()?)
        else {
            return Err(no_task());
        };
        let bound = releasable(&facts, &set, version, now)?;
        let digest = digest_of(account, &bound, &task.task)?;
        let standing = task::standing(&facts, &set, now);
        let same = standing.iter().filter(|r| r.digest == digest);
        let mut by: BTreeSet<Subject> = same.map(|r| r.by.clone()).collect();
        let own = signer.by.actor.sub.clone().ok_or_else(no_task)?;
        if !by.insert(own) {
            return Err(EngineError::refused(
                "task.released-already",
                "you have released this already, and it takes another approver",
                "another approver signs with their own key: exeunt tasks release",
            ));
        }
        let run = self.start("tasks release", signer.by.clone(), None)?;
        let released = TaskReleased {
            task: task.task.clone(),
            bound: bound.clone(),
            digest: digest.clone(),
            proof: signer.proof.to_owned(),
            signature: signer.sign(&format!("release {digest}")),
        };
        self.say_of_task(&run, account, &task.task, &released, &words.fields())?;
        self.finish(&run, 0)?;
        let blocked = match self.facts(account)? {
            Some(facts) => decide(&facts, &set, now).blocked,
            None => Vec::new(),
        };
        Ok(Released {
            bound,
            digest,
            have: by.len(),
            blocked,
        })
    }

    /// Appends what a person says about a task, if it is still open then; the words are kept with
    /// the account.
    fn say_of_task<P: Payload>(
        &self,
        run: &Run,
        account: &Subject,
        task: &EntryId,
        payload: &P,
        words: &[(&str, &str)],
    ) -> Result<Seq, EngineError> {
        let mut draft = Draft::new(self.ledger.entry_id()?, payload).about(account);
        let mut batch = self.ledger.vault()?.batch()?;
        for (field, word) in words {
            batch.conceal(&mut draft, field, account, word.as_bytes())?;
        }
        batch.commit()?;
        let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
            let row = view.row::<TaskRow>(Kind::Task, account.as_str())?;
            let still = row.is_some_and(|row| row.task == *task && row.closed.is_none());
            Ok(if still {
                vec![draft.clone()]
            } else {
                Vec::new()
            })
        })?;
        // it is reported as done: no restored copy may have forgotten it
        self.ledger.sync()?;
        match appended.count {
            0 => Err(no_task()),
            _ => Ok(appended.first),
        }
    }

    /// Refuses a release where the roster has not two who could sign it: one person's word is none.
    fn two_may_release(&self) -> Result<(), EngineError> {
        let may = |a: &&crate::config::ApproverConfig| a.may(CLASS) && a.key.is_some();
        let approvers = self.config.approver.iter().filter(may);
        let names: BTreeSet<_> = approvers.map(|a| &a.name).collect();
        if names.len() >= APPROVERS {
            return Ok(());
        }
        Err(EngineError::refused(
            "task.needs-two",
            format!(
                "a release needs two approvers, and exeunt.toml names {} with a key who may `release`",
                names.len()
            ),
            "do by hand what `exeunt tasks` says, or name a second [[approver]] with the class `release`",
        ))
    }

    /// Whether two approvers could let a step touch an account.
    pub(super) fn is_releasable(&self, facts: &Facts, set: &PolicySet, now: Time) -> bool {
        releasable(facts, set, 0, now).is_ok()
    }

    /// The signatures under releases of an account's task.
    pub(super) fn releases_of(
        &self,
        facts: &Facts,
        set: &PolicySet,
        now: Time,
    ) -> Result<Vec<ReleasedItem>, EngineError> {
        let standing = task::standing(facts, set, now);
        let holds: BTreeSet<Seq> = standing.iter().map(|release| release.seq).collect();
        let mut items = Vec::new();
        let open = facts.task.iter().filter(|task| task.closed.is_none());
        for release in open.flat_map(|task| &task.releases) {
            items.push(ReleasedItem {
                by: self.who_said(Some(&release.by))?,
                at: release.at,
                seq: release.seq,
                holds: holds.contains(&release.seq),
            });
        }
        Ok(items)
    }

    /// What was released for a step, as everything stands just before its request.
    pub(in crate::engine) fn released_for(
        &self,
        run: &Run,
        step: &Step,
    ) -> Result<BTreeSet<crate::domain::account::Protection>, EngineError> {
        let departed = step.class.is_departed();
        let (Some(facts), Some((_, set))) = (self.facts(&step.account)?, self.adopted_policy()?)
        else {
            return Ok(BTreeSet::new());
        };
        Ok(match departed && step.does == Do::Disable {
            true => task::released_for(&facts, &set, run.now),
            false => BTreeSet::new(),
        })
    }
}

/// What a release would be bound to; why there can be none, if there can be none.
fn releasable(
    facts: &Facts,
    set: &PolicySet,
    version: Seq,
    now: Time,
) -> Result<Bound, EngineError> {
    let Some(bound) = task::bound(facts, set, version, now) else {
        return Err(no_task());
    };
    let never = |what: String| {
        EngineError::refused(
            "task.never-released",
            what,
            "do by hand what `exeunt tasks` says; a complete read closes the task",
        )
    };
    if let Some(first) = task::never_released(&bound).first() {
        let says = code::says(first.code());
        return Err(never(format!("this cannot be released. {says}")));
    }
    if facts.account.facts.managed_by.is_some() {
        let says = code::says("block.provider-managed");
        return Err(never(format!("this cannot be released. {says}")));
    }
    if bound.protected.is_empty() {
        return Err(no_task());
    }
    let decision = decide(facts, set, now);
    if decision.does != Some(Do::Disable) {
        return Err(never(format!(
            "only a disabling can be released, and no policy has one next for this account in {}",
            facts.account.tenant
        )));
    }
    Ok(bound)
}

/// What approvers sign: SHA-256 over the canonical JSON of the account, what the release is bound to,
/// and the task, in hexadecimal.
fn digest_of(account: &Subject, bound: &Bound, task: &EntryId) -> Result<String, EngineError> {
    let signed = json!({ "account": account, "bound": bound, "task": task });
    let text = canonical::to_string(&signed).map_err(|e| EngineError::File {
        what: format!("a release cannot be written: {e}"),
    })?;
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    Ok(hex::encode(hash))
}

fn no_task() -> EngineError {
    EngineError::refused(
        "task.over",
        "there is no open task about this account that could be released or taken",
        "`exeunt tasks` lists those that are open; `exeunt plan` shows the steps that are due",
    )
}
