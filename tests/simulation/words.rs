//! What people say to the program: who is held, who leaves, whose an account is.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use exeunt::domain::fold::pair_key;
use exeunt::domain::hold::HoldKind;
use exeunt::domain::id::SourceName;
use exeunt::domain::id::Subject;
use exeunt::domain::rows::AccountRow;
use exeunt::domain::rows::Kind;
use exeunt::domain::rows::LinkRow;
use exeunt::domain::rows::PersonRow;
use exeunt::engine::Engine;
use exeunt::engine::EngineError;
use exeunt::engine::hold::NewHold;
use exeunt::engine::leave::Said;
use exeunt::engine::said::Pair;
use exeunt::engine::said::Words;
use exeunt::ledger::vault::SubjectKind;

use crate::driver::Driver;
use crate::script::Word;
use crate::shared::Shared;
use crate::world::DIRECTORIES;
use crate::world::Hold;
use crate::world::TENANTS;

const WORDS: Words<'static> = Words {
    reason: "it was asked for",
    ticket: None,
};

/// One process in which somebody says something.
pub(crate) struct Speaker<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) shared: &'a Shared,
}

impl Driver {
    /// Somebody says something before the run, while our clock is right.
    pub(crate) fn speak(&self, word: &Word) -> Result<(), String> {
        if self.shared.skew.load(Ordering::SeqCst) != 0 || self.is_behind() {
            return Ok(());
        }
        let (engine, shared) = (self.engine()?, &self.shared);
        Speaker { engine, shared }.say(word)
    }
}

/// What a refusal is worth: whom nobody knows, or who is not clear, nothing can be said about.
fn unless_refused<T>(done: Result<T, EngineError>) -> Result<Option<T>, String> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(EngineError::Refused { .. } | EngineError::Unknown { .. }) => Ok(None),
        Err(error) => Err(format!("somebody cannot say something: {error}")),
    }
}

impl Speaker<'_> {
    pub(crate) fn say(&self, word: &Word) -> Result<(), String> {
        match word {
            Word::Hold { who, kind, days } => self.hold(*who, *kind, *days),
            Word::Lift { which } => self.lift(*which),
            Word::Leaves { who, stays } => self.leaves(*who, *stays),
            Word::Withdraw { who } => self.withdraw(*who),
            Word::Link { account } => self.link(*account, true),
            Word::NotLink { account } => self.link(*account, false),
        }
    }

    /// A person is held with their accounts, or an account alone.
    fn hold(&self, who: u64, kind: u64, days: u64) -> Result<(), String> {
        let kinds = HoldKind::ALL;
        let kind = kinds[kind as usize % kinds.len()];
        let name = {
            let world = self.shared.world();
            let account = world.account(who, |_| who.is_multiple_of(4));
            let anybody = &world.humans[who as usize % world.humans.len()];
            account.map_or(anybody.mail.clone(), |a| world.accounts[a].id.clone())
        };
        let comes_up = self.shared.now().plus_days(days as i64);
        let new = NewHold {
            kind,
            comes_up,
            owner: "legal@example.com",
            words: WORDS,
        };
        let signer = self.engine.signer("ada", None).map_err(|e| e.to_string())?;
        let Some(meant) = unless_refused(self.engine.who_is_held(&name))? else {
            return Ok(());
        };
        let placed = self.engine.place_hold(&signer, &meant, new);
        let placed = placed.map_err(|e| format!("a hold cannot be placed: {e}"))?;
        let over: BTreeSet<Subject> = placed.over.into_iter().collect();
        let (people, accounts) = (self.people(&over)?, self.accounts(&over)?);
        let mut world = self.shared.world();
        world.meet(format!("word: {} hold", kind.as_str()));
        world.holds.push(Hold {
            id: placed.id,
            legal: kind == HoldKind::Legal,
            until: (kind != HoldKind::Legal).then_some(comes_up),
            people: people.into_iter().map(|(human, _)| human).collect(),
            accounts: accounts.into_iter().collect(),
        });
        Ok(())
    }

    fn lift(&self, which: u64) -> Result<(), String> {
        let now = self.shared.now();
        let id = {
            let world = self.shared.world();
            // one that ends in these minutes may have ended for the engine already
            let stands = |h: &&Hold| h.stands(now.plus_days(1));
            let standing: Vec<u64> = world.holds.iter().filter(stands).map(|h| h.id).collect();
            match standing.len() {
                0 => return Ok(()),
                many => standing[which as usize % many],
            }
        };
        let signer = self.engine.signer("ada", None).map_err(|e| e.to_string())?;
        let lifted = self.engine.lift_hold(&signer, id, WORDS);
        lifted.map_err(|e| format!("a hold cannot be lifted: {e}"))?;
        let mut world = self.shared.world();
        world.holds.retain(|hold| hold.id != id);
        world.meet("word: a hold is lifted");
        Ok(())
    }

    /// Somebody says that a person leaves now: before the directories know, or in error.
    fn leaves(&self, who: u64, stays: bool) -> Result<(), String> {
        let (human, mail) = {
            let world = self.shared.world();
            let Some(human) = world.human(who, true) else {
                return Ok(());
            };
            (human, world.humans[human].mail.clone())
        };
        let Some(meant) = unless_refused(self.engine.who_leaves(&mail))? else {
            return Ok(());
        };
        let wrong = |e: EngineError| format!("it cannot be said that somebody leaves: {e}");
        let signer = self.engine.signer("ada", None).map_err(wrong)?;
        let run = self
            .engine
            .start("leave", signer.by.clone(), None)
            .map_err(wrong)?;
        let said = Said {
            at: run.now,
            at_once: true,
            reason: "dismissed",
            ticket: None,
        };
        let made = self
            .engine
            .state_leave(&run, &signer, &meant, said)
            .map_err(wrong)?;
        self.engine.finish(&run, 0).map_err(wrong)?;
        let made: BTreeSet<Subject> = made.into_keys().collect();
        let (people, accounts) = (self.people(&made)?, self.accounts(&made)?);
        let now = self.shared.now();
        let mut world = self.shared.world();
        world.meet("word: somebody leaves");
        for (human, directory) in people {
            world.humans[human].said[directory] = Some(now);
        }
        for account in accounts {
            world.accounts[account].said = true;
        }
        if !stays {
            world.leave_later(human, now);
        }
        Ok(())
    }

    fn withdraw(&self, who: u64) -> Result<(), String> {
        let named: Vec<Subject> = {
            let world = self.shared.world();
            // nobody takes a word back that is true: no directory would know of it for days
            let said = |h: &&crate::world::Human| h.employed && h.said.iter().any(Option::is_some);
            let said: Vec<_> = world.humans.iter().filter(said).collect();
            let Some(human) = said.get(who as usize % said.len().max(1)) else {
                return Ok(());
            };
            let mut named = Vec::new();
            for (d, entry) in human.entries.iter().enumerate() {
                let key = entry.as_ref().map(|entry| entry.key.as_str());
                if let Some(key) = key.filter(|_| human.said[d].is_some()) {
                    named.extend(self.person(d, key)?);
                }
            }
            named
        };
        let wrong = |e: EngineError| format!("a word cannot be withdrawn: {e}");
        let mut stated = Vec::new();
        for subject in &named {
            let found = self.engine.said_to_leave(subject.as_str()).map_err(wrong)?;
            stated.extend(found);
        }
        if stated.is_empty() {
            return Err("somebody was said to leave, and the program does not know it".to_owned());
        }
        let signer = self.engine.signer("ada", None).map_err(wrong)?;
        let run = self
            .engine
            .start("leave", signer.by.clone(), None)
            .map_err(wrong)?;
        let made = self
            .engine
            .withdraw_leave(&run, &signer, &stated, Some("in error"), None)
            .map_err(wrong)?;
        let made: BTreeSet<Subject> = made.into_keys().collect();
        self.engine.follow_withdrawals(&run, &made).map_err(wrong)?;
        self.engine.finish(&run, 0).map_err(wrong)?;
        let (people, accounts) = (self.people(&made)?, self.accounts(&made)?);
        let mut world = self.shared.world();
        world.meet("word: somebody stays after all");
        for (human, directory) in people {
            world.humans[human].said[directory] = None;
        }
        for account in accounts {
            world.accounts[account].said = false;
        }
        Ok(())
    }

    /// Somebody who knows says whose an account is, or that it is not another one's.
    fn link(&self, account: u64, theirs: bool) -> Result<(), String> {
        let now = self.shared.now();
        let (a, human, d, id, key) = {
            let world = self.shared.world();
            let Some(a) = world.account(account, |_| true) else {
                return Ok(());
            };
            let human = match theirs {
                true => world.accounts[a].human,
                false => match world.mistaken(a, account) {
                    Some(other) => other,
                    None => return Ok(()),
                },
            };
            let there = |d: &usize| {
                world.humans[human].entries[*d]
                    .as_ref()
                    .is_some_and(|e| e.is_there(now))
            };
            let Some(d) = (0..2).find(there) else {
                return Ok(());
            };
            let key = world.humans[human].entries[d]
                .as_ref()
                .map(|e| e.key.clone());
            let id = world.accounts[a].id.clone();
            (a, human, d, id, key.unwrap_or_default())
        };
        let tenant = self.shared.world().accounts[a].tenant;
        let account = self.account(tenant, &id)?;
        let (Some(account), Some(person)) = (account, self.person(d, &key)?) else {
            return Ok(());
        };
        let view = self.engine.ledger.view().map_err(|e| e.to_string())?;
        let row = view.row::<AccountRow>(Kind::Account, account.as_str());
        let person = view.row::<PersonRow>(Kind::Person, person.as_str());
        let (Some(account), Some(person)) = (
            row.map_err(|e| e.to_string())?,
            person.map_err(|e| e.to_string())?,
        ) else {
            return Ok(());
        };
        let pair = Pair { account, person };
        let signer = self.engine.signer("ada", None).map_err(|e| e.to_string())?;
        let said = match theirs {
            true => self.engine.state_link(&signer, &pair, WORDS),
            false => self.engine.deny_link(&signer, &pair, WORDS),
        };
        if unless_refused(said)?.is_none() {
            return Ok(());
        }
        self.counts_at_once(&pair, theirs)?;
        let mut world = self.shared.world();
        world.meet(match theirs {
            true => "word: an account is somebody's",
            false => "word: an account is not somebody's",
        });
        world.links.insert((a, d, human), theirs);
        Ok(())
    }

    /// A word about whose an account is decides at once, before every rule.
    fn counts_at_once(&self, pair: &Pair, theirs: bool) -> Result<(), String> {
        let view = self.engine.ledger.view().map_err(|e| e.to_string())?;
        let key = pair_key(&pair.account.subject, pair.person.directory.as_str());
        let link = view.row::<LinkRow>(Kind::Link, &key);
        let person = link
            .map_err(|e| e.to_string())?
            .and_then(|link| link.person);
        let is = person.as_ref() == Some(&pair.person.subject);
        match is == theirs {
            true => Ok(()),
            false => Err(format!(
                "a word about {key} does not count (theirs: {theirs})"
            )),
        }
    }

    fn person(&self, directory: usize, key: &str) -> Result<Option<Subject>, String> {
        let vault = self.engine.ledger.vault().map_err(|e| e.to_string())?;
        let directory = SourceName::new(DIRECTORIES[directory]);
        vault
            .subject_of(SubjectKind::Person, &directory, key)
            .map_err(|e| e.to_string())
    }

    fn account(&self, tenant: usize, id: &str) -> Result<Option<Subject>, String> {
        let vault = self.engine.ledger.vault().map_err(|e| e.to_string())?;
        vault
            .subject_of(SubjectKind::Account, &SourceName::new(TENANTS[tenant]), id)
            .map_err(|e| e.to_string())
    }

    /// Which people of the world, in which directory, some pseudonyms are.
    fn people(&self, subjects: &BTreeSet<Subject>) -> Result<Vec<(usize, usize)>, String> {
        let mut found = Vec::new();
        let world = self.shared.world();
        for (h, human) in world.humans.iter().enumerate() {
            for (d, entry) in human.entries.iter().enumerate() {
                let Some(entry) = entry else { continue };
                let subject = self.person(d, &entry.key)?;
                if subject.is_some_and(|subject| subjects.contains(&subject)) {
                    found.push((h, d));
                }
            }
        }
        Ok(found)
    }

    /// Which accounts of the world some pseudonyms are.
    fn accounts(&self, subjects: &BTreeSet<Subject>) -> Result<Vec<usize>, String> {
        let mut found = Vec::new();
        let world = self.shared.world();
        for (a, account) in world.accounts.iter().enumerate() {
            let subject = self.account(account.tenant, &account.id)?;
            if subject.is_some_and(|subject| subjects.contains(&subject)) {
                found.push(a);
            }
        }
        Ok(found)
    }
}
