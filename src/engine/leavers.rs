//! The clocks of leavers, from rows and entries as they stand or as they stood.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::decide::Facts;
use crate::domain::decide::Leaver;
use crate::domain::decide::LinkFacts;
use crate::domain::decide::decide;
use crate::domain::decide::leaver;
use crate::domain::departure::departure;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::Payload as _;
use crate::domain::finding::Finding;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::leaver_clock::Departing;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::leaver_clock::OnClock;
use crate::domain::leaver_clock::Progress;
use crate::domain::leaver_clock::Whose;
use crate::domain::leaver_clock::activity_after;
use crate::domain::leaver_clock::clock_findings;
use crate::domain::leaver_clock::is_high_risk;
use crate::domain::leaver_clock::noticed;
use crate::domain::policy::LeaverTargets;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::Judged;
use crate::engine::decide::adopted;
use crate::engine::facts::Folded;
use crate::engine::facts::Gatherer;
use crate::engine::facts::Rows;
use crate::engine::replay::Moment;
use crate::engine::replay::State;
use crate::ledger::View;

/// The clock of one departed person and one of their accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocked {
    /// The clock.
    pub clock: LeaverClock,
    /// Whose it is.
    pub whose: Whose,
}

/// A departed person behind an account.
struct Behind<'a> {
    leaver: &'a Leaver,
    departing: Departing,
    person: Option<&'a PersonRow>,
}

/// Decides about accounts and reads their clocks, in one state of the rows.
#[derive(Debug)]
pub struct ClockJudge<'r, R> {
    clocks: Clocks<'r>,
    gatherer: Gatherer<'r, R>,
    set: Option<PolicySet>,
}

/// Reads clocks in one state of the ledger.
#[derive(Debug)]
pub struct Clocks<'e> {
    view: View<'e>,
    /// The position of the last entry that counts.
    until: Seq,
    targets: LeaverTargets,
    now: Time,
    /// The complete reads of tenants, in order; asked for once, where they are needed.
    reads: OnceCell<BTreeMap<SourceName, Vec<(Seq, Time)>>>,
    /// What was found out about a person's departure from a directory: it is the same for each of
    /// their accounts, and takes their whole history.
    departing: RefCell<BTreeMap<(SourceName, Subject), Option<Departing>>>,
}

impl Engine {
    /// The clocks at a moment, with the targets of the policy that ruled then.
    pub fn clocks(&self, moment: &Moment<'_>) -> Result<Clocks<'_>, EngineError> {
        Ok(Clocks {
            view: self.ledger.view()?,
            until: moment.seq,
            targets: self.policy_at(moment)?.leavers,
            now: moment.now,
            reads: OnceCell::new(),
            departing: RefCell::default(),
        })
    }

    /// Judges accounts at a moment, one by one.
    pub(super) fn clock_judge<'r>(
        &'r self,
        moment: &'r Moment<'_>,
    ) -> Result<ClockJudge<'r, State<'r>>, EngineError> {
        Ok(ClockJudge {
            clocks: self.clocks(moment)?,
            gatherer: self.gatherer(&moment.rows, None)?,
            set: adopted(&moment.rows)?.map(|(_, set)| set),
        })
    }

    /// What somebody should look at because of the clocks of leavers.
    pub(super) fn clock_findings(
        &self,
        moment: &Moment<'_>,
        judged: &[Judged],
    ) -> Result<Vec<Finding>, EngineError> {
        let clocks = self.clocks(moment)?;
        let mut found = Vec::new();
        for one in judged {
            for clocked in clocks.of_all(&one.facts, Some(&one.decision))? {
                found.extend(clock_findings(&clocked.clock, &clocked.whose, moment.now));
            }
        }
        Ok(found)
    }

    /// The clock of an account as it stands, if somebody behind it has left.
    pub(super) fn clock_now(&self, account: &Subject) -> Result<Option<LeaverClock>, EngineError> {
        let Some(facts) = self.facts(account)? else {
            return Ok(None);
        };
        let moment = self.at(None)?;
        let set = self.policy_at(&moment)?;
        let decision = decide(&facts, &set, moment.now);
        let clocked = self.clocks(&moment)?.of(&facts, Some(&decision))?;
        Ok(clocked.map(|c| c.clock))
    }

    /// How many of some accounts belong to leavers who are late now.
    pub fn late_among(&self, accounts: &[Subject]) -> Result<u64, EngineError> {
        let moment = self.at(None)?;
        let clocks = self.clocks(&moment)?;
        let gatherer = self.gatherer(&moment.rows, None)?;
        let mut late = 0;
        for account in accounts {
            let row = moment
                .rows
                .one::<AccountRow>(Kind::Account, account.as_str())?;
            let facts = match row {
                Some(row) => gatherer.facts(row)?,
                None => None,
            };
            let clocked = match facts {
                Some(facts) => clocks.of(&facts, None)?,
                None => None,
            };
            late += u64::from(clocked.is_some_and(|c| c.clock.is_late()));
        }
        Ok(late)
    }
}

impl<R: Rows> ClockJudge<'_, R> {
    /// The clock of an account and one person behind it.
    pub fn clock(
        &self,
        account: AccountRow,
        person: &Subject,
    ) -> Result<Option<LeaverClock>, EngineError> {
        let Some(facts) = self.gatherer.facts(account)? else {
            return Ok(None);
        };
        let now = self.clocks.now;
        let decision = self.set.as_ref().map(|set| decide(&facts, set, now));
        let all = self.clocks.of_all(&facts, decision.as_ref())?;
        let own = all.into_iter().find(|c| c.whose.person == *person);
        Ok(own.map(|c| c.clock))
    }
}

impl Clocks<'_> {
    /// The clock of an account; of several persons, that of the one by whom it is due first.
    /// `None` if nobody behind the account has departed.
    pub fn of(
        &self,
        facts: &Facts,
        decision: Option<&Decision>,
    ) -> Result<Option<Clocked>, EngineError> {
        let all = self.of_all(facts, decision)?;
        Ok(all.into_iter().min_by_key(|c| (c.clock.state, c.clock.due)))
    }

    /// The clocks of an account, one for each departed person behind it.
    pub fn of_all(
        &self,
        facts: &Facts,
        decision: Option<&Decision>,
    ) -> Result<Vec<Clocked>, EngineError> {
        let Some(leaver) = leaver(facts, self.now) else {
            return Ok(Vec::new());
        };
        let progress = self.progress(facts)?;
        let mut clocks = Vec::new();
        for link in &facts.links {
            let behind = link.linked_person().into_iter().chain(&link.candidates);
            let left =
                |p: &&PersonRow| leaver.persons.contains(&p.subject) && link.counts(p, self.now);
            for person in behind.filter(left) {
                let Some(departing) = self.departing(link, person)? else {
                    continue;
                };
                let behind = Behind {
                    leaver: &leaver,
                    departing,
                    person: Some(person),
                };
                clocks.push(self.read(facts, decision, &behind, &progress));
            }
        }
        // a departure without a person whom a directory has is on the clock all the same
        if clocks.is_empty() {
            let behind = Behind {
                leaver: &leaver,
                departing: Departing::unseen(&leaver.departure),
                person: None,
            };
            clocks.push(self.read(facts, decision, &behind, &progress));
        }
        Ok(clocks)
    }

    fn read(
        &self,
        facts: &Facts,
        decision: Option<&Decision>,
        behind: &Behind<'_>,
        progress: &Progress,
    ) -> Clocked {
        let account = &facts.account;
        let Behind {
            leaver,
            departing,
            person,
        } = behind;
        let active = activity_after(facts.activity.as_ref(), departing.effective);
        let enabled = leaver
            .elsewhere
            .as_ref()
            .is_some_and(|code| code.as_str() == "block.enabled-elsewhere");
        let about = OnClock {
            class: leaver.class(),
            high_risk: is_high_risk(&account.facts.protected),
            certain: leaver.certain && !enabled,
            blocked: decision.map(|d| d.blocked.clone()).unwrap_or_default(),
            active_after: active.map(|(at, _, _)| at),
        };
        let mut evidence = leaver.evidence.clone();
        evidence.push(account.seq);
        evidence.extend(person.map(|p| p.seq));
        evidence.extend(active.map(|(_, _, seq)| seq));
        evidence.sort_unstable();
        evidence.dedup();
        Clocked {
            clock: LeaverClock::new(departing, progress, &about, &self.targets, self.now),
            whose: Whose {
                account: account.subject.clone(),
                tenant: account.tenant.clone(),
                person: person.map_or(&account.subject, |p| &p.subject).clone(),
                directory: person.map(|p| p.directory.clone()),
                login_after: person.and_then(|p| Some((p.facts.login_after?, p.seq))),
                evidence,
            },
        }
    }

    /// When a person's departure took effect, was recorded and was seen; found out once.
    fn departing(
        &self,
        link: &LinkFacts,
        person: &PersonRow,
    ) -> Result<Option<Departing>, EngineError> {
        let key = (link.directory.clone(), person.subject.clone());
        let known = self.departing.borrow().get(&key).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let departing = self.departing_of(link, person)?;
        self.departing.borrow_mut().insert(key, departing);
        Ok(departing)
    }

    fn departing_of(
        &self,
        link: &LinkFacts,
        person: &PersonRow,
    ) -> Result<Option<Departing>, EngineError> {
        let Some(left) = departure(person, link.lists_everybody, self.now) else {
            return Ok(None);
        };
        let entries = self.about(&person.subject)?;
        let mut folded = Folded::default();
        let mut history = Vec::new();
        for entry in &entries {
            folded.take(entry);
            let row = folded.one::<PersonRow>(Kind::Person, person.subject.as_str())?;
            history.extend(row.map(|row| (entry.rec, row)));
        }
        let seen = noticed(&history, link.lists_everybody, self.now);
        let seen = seen.unwrap_or(person.first_seen);
        let first = entries.first().filter(|first| seen == first.rec);
        let first_read = match (first, link.source.as_ref().and_then(|s| s.first_complete)) {
            (Some(first), Some(read)) => self.view.entry(read)?.map(|e| e.id) == first.cause,
            _ => false,
        };
        Ok(Some(Departing::new(&left, seen, first_read)))
    }

    /// The entries about somebody that count.
    fn about(&self, sub: &Subject) -> Result<Vec<Entry>, EngineError> {
        let mut entries = self.view.about(sub)?;
        entries.retain(|entry| entry.seq <= self.until);
        Ok(entries)
    }

    fn progress(&self, facts: &Facts) -> Result<Progress, EngineError> {
        let account = &facts.account;
        let effective = |c: &&CommandRow| c.took_effect() && c.does.changes_account();
        let ended: Vec<_> = facts.commands.iter().filter(effective).collect();
        let out = is_out(facts);
        let mut episode = (account.first, account.first_seen);
        // most accounts were usable without a break until our one call ended that
        if !out || ended.len() > 1 {
            episode = self.usable_since(facts, &ended)?.unwrap_or(episode);
        }
        let (since, usable_since) = episode;
        let ends = |c: &&&CommandRow| c.does != Do::Restore && c.seq > since;
        let ours: Vec<_> = ended.iter().filter(ends).copied().collect();
        let first = ours.iter().min_by_key(|c| c.seq).copied();
        let open = facts.commands.iter().find(|c| c.is_open());
        let mut progress = Progress {
            usable_since,
            intended: open.filter(|_| !out).map(|c| c.at),
            disabled: None,
            verified: None,
        };
        if !out {
            return Ok(progress);
        }
        let mark = account.gone.as_ref().or(account.disabled.as_ref());
        let answered = match first.and_then(CommandRow::ended) {
            Some(seq) => self.recorded(seq)?,
            None => None,
        };
        progress.intended = first.map(|c| c.at);
        progress.disabled = [answered, mark.map(|m| m.since)]
            .into_iter()
            .flatten()
            .min();
        let confirmed = ours.iter().filter_map(|c| c.confirmed).min();
        progress.verified = match (confirmed, mark) {
            (Some(seq), _) => self.recorded(seq)?,
            (None, Some(mark)) => self.read_after(facts, mark.seq)?,
            (None, None) => None,
        };
        Ok(progress)
    }

    /// The entry with which an account was last found usable, or made so, after it was not.
    fn usable_since(
        &self,
        facts: &Facts,
        ended: &[&CommandRow],
    ) -> Result<Option<(Seq, Time)>, EngineError> {
        let mut usable = false;
        let mut since = None;
        for entry in self.about(&facts.account.subject)? {
            let seen = entry.payload::<event::AccountObserved>();
            let command = ended.iter().find(|c| c.ended() == Some(entry.seq));
            let now = if let Some(seen) = seen {
                seen.facts.state != AccountState::Disabled
            } else if entry.payload::<event::AccountGone>().is_some() {
                false
            } else if let Some(command) = command {
                command.does == Do::Restore
            } else {
                continue;
            };
            if now && !usable {
                since = Some((entry.seq, entry.rec));
            }
            usable = now;
        }
        Ok(since)
    }

    /// When an entry was recorded.
    fn recorded(&self, seq: Seq) -> Result<Option<Time>, EngineError> {
        Ok(self.view.entry(seq)?.map(|entry| entry.rec))
    }

    /// When the first complete read of an account's tenant after an entry was recorded.
    fn read_after(&self, facts: &Facts, seq: Seq) -> Result<Option<Time>, EngineError> {
        let newest = facts.tenant.complete.as_ref();
        if newest.is_none_or(|read| read.seq < seq) {
            return Ok(None);
        }
        let reads = match self.reads.get() {
            Some(reads) => reads,
            None => {
                let all = self.complete_reads()?;
                self.reads.get_or_init(|| all)
            }
        };
        let own = reads.get(&facts.account.tenant);
        let after = own.into_iter().flatten().find(|(read, _)| *read > seq);
        Ok(after.map(|(_, at)| *at))
    }

    fn complete_reads(&self) -> Result<BTreeMap<SourceName, Vec<(Seq, Time)>>, EngineError> {
        let mut reads: BTreeMap<SourceName, Vec<(Seq, Time)>> = BTreeMap::new();
        for entry in self.view.of_type(event::SourceRead::TYPE)? {
            let Some(read) = entry.payload::<event::SourceRead>() else {
                continue;
            };
            let counts = read.kind == SourceKind::Tenant && read.verdict == Verdict::Complete;
            if counts && entry.seq <= self.until {
                let own = reads.entry(read.source).or_default();
                own.push((entry.seq, entry.rec));
            }
        }
        Ok(reads)
    }
}

/// Whether an account cannot be used, as far as is known: a read shows it, or a call of ours took
/// effect after which no complete read has come.
fn is_out(facts: &Facts) -> bool {
    let account = &facts.account;
    if account.gone.is_some() || account.facts.state == AccountState::Disabled {
        return true;
    }
    let read = facts.tenant.complete.as_ref().map_or(0, |read| read.seq);
    let seen = read.max(account.seq);
    let newest = facts
        .commands
        .iter()
        .filter(|c| c.took_effect() && c.confirmed.is_none() && c.does.changes_account())
        .filter(|c| c.ended().is_some_and(|seq| seq > seen))
        .max_by_key(|c| c.seq);
    newest.is_some_and(|c| c.does != Do::Restore)
}
