//! The order that entries of some types keep: epochs, intents and what came of them, plans.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::canonical;
use crate::domain::event::ActorTookOver;
use crate::domain::event::CommandIntended;
use crate::domain::event::CommandOutcome;
use crate::domain::event::CommandResult;
use crate::domain::event::CommandSettled;
use crate::domain::event::Entry;
use crate::domain::event::LedgerReopened;
use crate::domain::event::Payload;
use crate::domain::event::PlanCreated;
use crate::domain::event::PlanListed;
use crate::domain::event::SubjectsLost;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::evidence::merkle;
use crate::evidence::merkle::Tree;
use crate::ledger::verify::Bad;
use crate::ledger::verify::Reopened;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    epoch: Option<Seq>,
    intents: BTreeMap<EntryId, Intent>,
    plans: BTreeMap<EntryId, Tree>,
    reopened: Vec<Reopened>,
    losing: Option<Losing>,
}

/// Those who were lost with a vault, while they are being named.
#[derive(Debug)]
struct Losing {
    seq: Seq,
    left: u64,
    digest: String,
    named: String,
}

#[derive(Debug)]
struct Intent {
    sub: Option<Subject>,
    deadline: Time,
    outcome: Option<CommandResult>,
    settled: bool,
}

impl Grammar {
    /// Takes the next entry; an error if it may not stand where it stands.
    pub(super) fn next(&mut self, entry: &Entry) -> Result<(), Bad> {
        if entry.kind != SubjectsLost::TYPE {
            self.all_named()?;
        }
        let judged = match entry.kind.as_str() {
            ActorTookOver::TYPE => self.took_over(entry),
            LedgerReopened::TYPE => self.went_on(entry),
            SubjectsLost::TYPE => self.lost(entry),
            CommandIntended::TYPE => self.intended(entry),
            CommandOutcome::TYPE => self.outcome(entry),
            CommandSettled::TYPE => self.settled(entry),
            PlanListed::TYPE => self.listed(entry),
            PlanCreated::TYPE => self.created(entry),
            _ => Ok(()),
        };
        judged.map_err(|what| Bad::at(entry.seq, what))
    }

    fn took_over(&mut self, entry: &Entry) -> Result<(), String> {
        let taken: ActorTookOver = facts(entry)?;
        if taken.previous != self.epoch {
            return Err("it names another epoch before it than there was".to_owned());
        }
        self.epoch = Some(entry.seq);
        Ok(())
    }

    fn went_on(&mut self, entry: &Entry) -> Result<(), String> {
        let reopened: LedgerReopened = facts(entry)?;
        if reopened.kept > entry.seq {
            return Err("it says that more was kept than stands before it".to_owned());
        }
        self.reopened.push(Reopened {
            seq: entry.seq,
            kept: reopened.kept,
            entries_lost: reopened.lost_entries(),
            known: reopened.known.as_ref().map(|known| known.entries),
            values_lost: reopened.vault.as_ref().map(|vault| vault.lost),
        });
        self.losing = reopened.vault.map(|vault| Losing {
            seq: entry.seq,
            left: vault.lost,
            digest: vault.digest,
            named: String::new(),
        });
        Ok(())
    }

    fn lost(&mut self, entry: &Entry) -> Result<(), String> {
        let lost: SubjectsLost = facts(entry)?;
        let Some(losing) = &mut self.losing else {
            return Err("no entry before it says that they were lost".to_owned());
        };
        let count = lost.subjects.len() as u64;
        losing.left = losing
            .left
            .checked_sub(count)
            .ok_or_else(|| "it names more than were lost".to_owned())?;
        for sub in &lost.subjects {
            losing.named.push_str(sub.as_str());
            losing.named.push('\n');
        }
        Ok(())
    }

    /// Whether everybody who was lost with a vault has been named, once the naming is over.
    pub(super) fn all_named(&mut self) -> Result<(), Bad> {
        let Some(losing) = self.losing.take() else {
            return Ok(());
        };
        let digest = hex::encode(merkle::sha256(losing.named.as_bytes()));
        match losing.left == 0 && digest == losing.digest {
            true => Ok(()),
            false => Err(Bad::at(
                losing.seq,
                "those who were lost with the vault are not those whom the entries behind it name",
            )),
        }
    }

    /// Where an older copy went on, so far.
    pub(super) fn reopened(self) -> Vec<Reopened> {
        self.reopened
    }

    fn intended(&mut self, entry: &Entry) -> Result<(), String> {
        let intended: CommandIntended = facts(entry)?;
        if entry.actor.epoch.is_none() || entry.actor.epoch != self.epoch {
            return Err("the intent was not appended under the epoch of its time".to_owned());
        }
        let intent = Intent {
            sub: entry.sub.clone(),
            deadline: intended.deadline,
            outcome: None,
            settled: false,
        };
        self.intents.insert(entry.id.clone(), intent);
        Ok(())
    }

    fn outcome(&mut self, entry: &Entry) -> Result<(), String> {
        let outcome: CommandOutcome = facts(entry)?;
        let intent = self.intent_of(entry)?;
        if intent.outcome.is_some() {
            return Err("its intent has an outcome already".to_owned());
        }
        intent.outcome = Some(outcome.result);
        Ok(())
    }

    fn settled(&mut self, entry: &Entry) -> Result<(), String> {
        let _: CommandSettled = facts(entry)?;
        let intent = self.intent_of(entry)?;
        if intent.settled {
            return Err("its intent is settled already".to_owned());
        }
        if !matches!(intent.outcome, None | Some(CommandResult::Unknown)) {
            return Err("its intent has a known outcome already".to_owned());
        }
        if entry.rec < intent.deadline {
            return Err("it settles its intent before the deadline".to_owned());
        }
        intent.settled = true;
        Ok(())
    }

    fn intent_of(&mut self, entry: &Entry) -> Result<&mut Intent, String> {
        let intent = entry
            .cause
            .as_ref()
            .and_then(|cause| self.intents.get_mut(cause))
            .ok_or_else(|| "there is no intent before it".to_owned())?;
        let (own, other) = (&entry.sub, &intent.sub);
        if own.is_some() && other.is_some() && own != other {
            return Err("it is about somebody else than its intent".to_owned());
        }
        Ok(intent)
    }

    fn listed(&mut self, entry: &Entry) -> Result<(), String> {
        // the plan's tree is over the bytes as they stand here, whatever they may mean
        let listed: PlanListed = facts(entry)?;
        let tree = self.plans.entry(listed.plan).or_default();
        if tree.size() != listed.from {
            return Err("its steps do not follow those before it".to_owned());
        }
        for step in entry
            .data
            .get("steps")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = canonical::to_string(step).map_err(|e| e.to_string())?;
            tree.push(text.as_bytes());
        }
        Ok(())
    }

    fn created(&mut self, entry: &Entry) -> Result<(), String> {
        let created: PlanCreated = facts(entry)?;
        if created.plan != entry.id {
            return Err("the plan does not have the id of its entry".to_owned());
        }
        let tree = self.plans.remove(&created.plan).unwrap_or_default();
        if tree.size() != created.count || hex::encode(tree.root()) != created.root {
            return Err("the plan's root is not that of its listed steps".to_owned());
        }
        let mut rest = entry.data.clone();
        if let Value::Object(fields) = &mut rest {
            fields.remove("digest");
        }
        let text = canonical::to_string(&rest).map_err(|e| e.to_string())?;
        if hex::encode(merkle::sha256(text.as_bytes())) != created.digest {
            return Err("the plan's digest is not that of its facts".to_owned());
        }
        Ok(())
    }
}

fn facts<P: Payload>(entry: &Entry) -> Result<P, String> {
    entry
        .payload()
        .ok_or_else(|| format!("its data is not that of {}", P::TYPE))
}
