//! One command from its start to its end.

use crate::domain::decide::RULES;
use crate::domain::event::Actor;
use crate::domain::event::ActorKind;
use crate::domain::event::Draft;
use crate::domain::event::OperatorNamed;
use crate::domain::event::RunFinished;
use crate::domain::event::RunStarted;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::rows::Kind;
use crate::domain::rows::OperatorRow;
use crate::domain::rows::PolicyRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::ledger::By;
use crate::ledger::Lease;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;

/// One command: all its entries carry its id, and all its decisions use its moment.
#[derive(Debug)]
pub struct Run {
    /// Under whose name its entries stand.
    pub by: By,
    /// The position of `run.started`.
    pub seq: Seq,
    /// The moment that all its decisions use.
    pub now: Time,
}

impl Engine {
    /// Who acts when the program acts on its own.
    pub fn service(&self) -> Result<By, EngineError> {
        let actor = Actor {
            kind: ActorKind::Service,
            epoch: None,
            sub: None,
        };
        Ok(By {
            run: self.ledger.run_id()?,
            actor,
        })
    }

    /// The person at the command line, named in the ledger by a pseudonym and in the vault by
    /// `name`.
    pub fn operator(&self, name: &str, how: &str) -> Result<By, EngineError> {
        let by = self.service()?;
        let source = SourceName::new(how);
        let mut batch = self.ledger.vault()?.batch()?;
        let sub = batch.subject_for(SubjectKind::Operator, &source, name, self.ledger.now())?;
        let mut draft = Draft::new(
            self.ledger.entry_id()?,
            &OperatorNamed { by: how.to_owned() },
        )
        .about(&sub);
        let known = self
            .ledger
            .view()?
            .row::<OperatorRow>(Kind::Operator, sub.as_str())?;
        if known.is_none() {
            let profile = Profile::new()
                .with(Profile::KEY, [name])
                .with(Profile::NAME, [name]);
            batch.put_profile(&sub, &profile, &draft.id)?;
            batch.conceal(&mut draft, "name", &sub, name.as_bytes())?;
        }
        batch.commit()?;
        if known.is_none() {
            self.ledger.commit::<LedgerError>(&by, |view| {
                let there = view
                    .row::<OperatorRow>(Kind::Operator, sub.as_str())?
                    .is_some();
                Ok(if there {
                    Vec::new()
                } else {
                    vec![draft.clone()]
                })
            })?;
        }
        let actor = Actor {
            kind: ActorKind::Operator,
            epoch: None,
            sub: Some(sub),
        };
        Ok(By { actor, ..by })
    }

    /// Begins a command: its moment is now.
    pub fn start(&self, command: &str, by: By, lease: Option<&Lease>) -> Result<Run, EngineError> {
        let by = match lease {
            Some(lease) => by.under(lease),
            None => by,
        };
        let now = self.clock.now();
        let id = self.ledger.entry_id()?;
        let appended = self.ledger.commit::<LedgerError>(&by, |view| {
            let policy = view.row::<PolicyRow>(Kind::Policy, "adopted")?;
            let started = RunStarted {
                command: command.to_owned(),
                now,
                policy: policy.map(|p| p.seq),
                rules: RULES,
                epoch: lease.map(Lease::epoch),
                every_hours: self.cadence(command),
            };
            Ok(vec![Draft::new(id.clone(), &started)])
        })?;
        Ok(Run {
            by,
            seq: appended.first,
            now,
        })
    }

    /// How soon the next one of a command is expected, where the configuration says so.
    fn cadence(&self, command: &str) -> Option<u64> {
        let alert = self.config.alert.as_ref();
        alert.filter(|_| command == "run").map(|a| a.every_hours)
    }

    /// Ends a command, and makes everything durable that it reported.
    pub fn finish(&self, run: &Run, exit: u8) -> Result<(), EngineError> {
        let draft = Draft::new(self.ledger.entry_id()?, &RunFinished { exit: exit.into() });
        self.ledger.append_all(&run.by, vec![draft])?;
        self.ledger.sync()?;
        self.mark()
    }
}
