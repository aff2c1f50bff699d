//! One account in a history that went another way: what would have been done to it, and whether it
//! was used after that.

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::decide::leaver;
use crate::domain::event::CommandResult;
use crate::domain::explain::before;
use crate::domain::explain::warned;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::policy::Capabilities;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::Mark;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::domain::turning::next_turn;
use crate::domain::what_if::CameBack;
use crate::domain::what_if::Removal;
use crate::domain::what_if::Return;
use crate::domain::what_if::world::World;

/// What has been supposed about one account so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Sim {
    notices: Vec<NoticeRow>,
    commands: Vec<CommandRow>,
    previous: Option<DecisionRow>,
    /// When the rules have to be asked again, if nothing happens before.
    wake: Wake,
    /// The removals so far; the last one may still go on.
    pub(super) removals: Vec<Removal>,
    /// Whether the last removal holds: nobody has come back.
    out: bool,
    /// Since when a step that was really taken hides what would have come.
    pub(super) hidden: Option<Time>,
    /// How many warnings would have been given.
    pub(super) warned: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Wake {
    #[default]
    Now,
    At(Time),
    Never,
}

impl Sim {
    /// Something is otherwise: the rules are asked at the next read.
    pub(super) fn stir(&mut self) {
        self.wake = Wake::Now;
    }

    /// Whether the rules have to be asked at a moment.
    pub(super) fn is_awake(&self, now: Time) -> bool {
        match self.wake {
            Wake::Now => true,
            Wake::At(at) => at <= now,
            Wake::Never => false,
        }
    }

    /// Our own step was really taken: from here on the account could not be used, whatever would
    /// have been.
    pub(super) fn really_taken(&mut self, at: Time) {
        if !self.out {
            self.hidden = Some(at);
        }
    }

    /// The account was seen usable: a step that was really taken hides nothing any more.
    pub(super) fn really_usable(&mut self) {
        self.hidden = None;
    }

    /// Asks the rules at a moment, and supposes that what they say is done.
    pub(super) fn ask(&mut self, account: &AccountRow, world: &World, set: &PolicySet, now: Time) {
        let Some(mut facts) = self.facts(account, world, set) else {
            return;
        };
        if self.out {
            if let Some(back) = self.came_back(account, &facts, world, now) {
                self.take_back(account, back);
                match self.facts(account, world, set) {
                    Some(fresh) => facts = fresh,
                    None => return,
                }
            } else if self.is_gone_by_us() {
                self.wake = Wake::Never;
                return;
            }
        }
        if self.hidden.is_some() {
            self.wake = Wake::Never;
            return;
        }
        let decision = decide(&facts, set, now);
        match decision.verdict {
            Ruling::Warn => self.warn(&mut facts, set, &decision, now),
            Ruling::Act => self.act(account, &decision, now),
            _ => {}
        }
        self.sleep(&facts, set, &decision, now);
        let last = self.previous.as_ref().map(|row| &row.decision);
        if differs(last, &decision) {
            self.previous = Some(before(&facts, decision));
        }
    }

    fn sleep(&mut self, facts: &Facts, set: &PolicySet, decision: &Decision, now: Time) {
        let settled = !matches!(decision.verdict, Ruling::Warn | Ruling::Act);
        // a decision that says something new changes what the next one rests on
        let last = self.previous.as_ref().map(|row| &row.decision);
        self.wake = if settled && !differs(last, decision) {
            next_turn(facts, set.policies.iter(), now).map_or(Wake::Never, Wake::At)
        } else {
            Wake::Now
        };
    }

    fn facts(&self, account: &AccountRow, world: &World, set: &PolicySet) -> Option<Facts> {
        let sub = &account.subject;
        let mut account = account.clone();
        if let Some(removal) = self.removals.last().filter(|_| self.out)
            && account.gone.is_none()
            && account.facts.state != AccountState::Disabled
        {
            account.facts.state = AccountState::Disabled;
            account.disabled = Some(Mark {
                seq: account.seq,
                since: removal.at,
            });
        }
        let guard = set.sources.get(&format!("tenant/{}", account.tenant));
        let links = world.links(sub, set);
        Some(Facts {
            tenant: world.tenant(&account)?.clone(),
            activity: world.activity(sub).cloned(),
            lost_holds: world.lost_holds(&account, &links),
            links,
            commands: self.commands.clone(),
            notices: self.notices.clone(),
            kept: Vec::new(),
            holds: world.holds(sub),
            task: None,
            previous: self.previous.clone(),
            orphan: world.orphan(sub).cloned(),
            can: Capabilities {
                can: guard.map(|guard| guard.can.clone()).unwrap_or_default(),
            },
            called: None,
            account,
        })
    }

    fn warn(&mut self, facts: &mut Facts, set: &PolicySet, decision: &Decision, now: Time) {
        let name = decision.policy.as_deref().unwrap_or_default();
        if let Some(policy) = set.policy(name) {
            warned(facts, policy, Some(decision), now);
            self.notices = facts.notices.clone();
            self.warned = self.warned.saturating_add(1);
        }
    }

    fn act(&mut self, account: &AccountRow, decision: &Decision, now: Time) {
        let (Some(does), Some(policy), Some(when)) =
            (decision.does, decision.policy.clone(), decision.when)
        else {
            return;
        };
        let goes_on = self.out && does == Do::Remove;
        if !goes_on {
            self.removals.push(Removal {
                account: account.subject.clone(),
                tenant: account.tenant.clone(),
                policy,
                when,
                because: decision.because.clone(),
                since: decision.since,
                at: now,
                disabled: None,
                removed: None,
                came_back: None,
            });
        }
        self.out = true;
        if let Some(removal) = self.removals.last_mut() {
            match does {
                Do::Remove => removal.removed = Some(now),
                _ => removal.disabled = Some(now),
            }
        }
        self.command(account, does, decision.class, now);
    }

    /// Whether the account would have been removed for good.
    fn is_gone_by_us(&self) -> bool {
        self.removals.last().is_some_and(|r| r.removed.is_some())
    }

    /// What shows that somebody whose account would have been disabled or removed still needs it.
    fn came_back(
        &self,
        account: &AccountRow,
        facts: &Facts,
        world: &World,
        now: Time,
    ) -> Option<CameBack> {
        let removal = self.removals.last().filter(|r| r.came_back.is_none())?;
        let usable = account.gone.is_none() && account.facts.state == AccountState::Active;
        // a leaver who goes on using an account is nobody who should have stayed
        let used = world.newest(&account.subject);
        let used = used.filter(|_| removal.when != When::Departed);
        if let Some(at) = used.filter(|used| *used > removal.at) {
            return Some(CameBack {
                at,
                how: Return::Used,
            });
        }
        let how = match removal.when {
            When::Departed => leaver(facts, now).is_none().then_some(Return::PersonBack),
            When::Orphaned => facts
                .links
                .iter()
                .any(|link| link.linked_person().is_some())
                .then_some(Return::PersonBack),
            When::NeverActivated | When::Disabled => usable.then_some(Return::Enabled),
            When::Inactive | When::Everyone => None,
        };
        how.map(|how| CameBack { at: now, how })
    }

    fn take_back(&mut self, account: &AccountRow, back: CameBack) {
        let at = back.at;
        let removed = self.is_gone_by_us();
        if let Some(removal) = self.removals.last_mut() {
            removal.came_back = Some(back);
        }
        if removed {
            // what is removed stays removed: it would have had to be made anew
            return;
        }
        self.out = false;
        self.command(account, Do::Restore, None, at);
    }

    fn command(&mut self, account: &AccountRow, does: Do, class: Option<Class>, at: Time) {
        let number = self.commands.len() as u64;
        // behind every entry there is: no read of the recorded history has seen it
        let seq = Seq::MAX / 2 + number;
        self.commands.push(CommandRow {
            intent: EntryId::new(""),
            seq,
            account: account.subject.clone(),
            tenant: account.tenant.clone(),
            does,
            aim: None,
            class: class.unwrap_or(Class::Named),
            directories: Vec::new(),
            plan: EntryId::new(""),
            step: number,
            attempt: 1,
            call: String::new(),
            successor: None,
            at,
            deadline: at,
            outcome: Some((seq, CommandResult::Done, Code::new("call.done"))),
            settled: None,
            confirmed: (does != Do::Remove).then_some(seq),
            lost: None,
        });
    }
}
