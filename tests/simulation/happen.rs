//! What happens in a world to its people, accounts, directories and tenants.

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Protection;
use exeunt::domain::time::Time;

use crate::script::Event;
use crate::script::How;
use crate::world::DIRECTORIES;
use crate::world::Entry;
use crate::world::Human;
use crate::world::World;

impl World {
    /// Lets one thing happen; what concerns the processes is the driver's.
    pub(crate) fn happen(&mut self, event: &Event, now: Time) {
        self.changes += 1;
        self.meet_event(event);
        match event {
            Event::Join { place, tenants } => self.join(*place, *tenants, None, now),
            Event::Leave { who, how } => {
                if let Some(human) = self.human(*who, true) {
                    self.leave(human, *how, now);
                }
            }
            Event::Layoff { first, count } => {
                for i in 0..*count {
                    if let Some(human) = self.human(first + i, true) {
                        self.leave(human, How::Disabled, now);
                    }
                }
            }
            Event::Return { who } => {
                if let Some(human) = self.human(*who, false) {
                    self.come_back(human, now);
                }
            }
            Event::Rename { who, everywhere } => {
                if let Some(human) = self.human(*who, true).filter(|h| *h != 0) {
                    self.rename(human, *everywhere);
                }
            }
            Event::Enter { who } => {
                if let Some(human) = self.human(*who, true) {
                    let mail = self.humans[human].mail.clone();
                    for (d, entry) in self.humans[human].entries.iter_mut().enumerate() {
                        if entry.as_ref().is_none_or(|e| !e.is_there(now)) {
                            *entry = Some(Entry::new(format!("{}-{human}", DIRECTORIES[d]), &mail));
                        }
                    }
                }
            }
            Event::Move { who } => {
                let both =
                    |h: &Human| h.entries.iter().flatten().filter(|e| e.stays(now)).count() == 2;
                if let Some(human) = self.human(*who, true).filter(|h| both(&self.humans[*h])) {
                    let d = *who as usize % 2;
                    if let Some(entry) = &mut self.humans[human].entries[d] {
                        entry.deleted_from = Some(now);
                    }
                }
            }
            Event::Recycle { who } => {
                if let Some(human) = self.human(*who, false) {
                    let mail = self.humans[human].mail.clone();
                    self.humans[human].unclear = true;
                    self.join(0, 0, Some(mail), now);
                    if let Some(human) = self.humans.last_mut() {
                        human.unclear = true;
                    }
                }
            }
            Event::Share { who, with } => self.share(*who, *with),
            Event::FallSilent { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Active) {
                    self.accounts[a].habit = None;
                }
            }
            Event::LogIn { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Active) {
                    self.log_in(a, now);
                }
            }
            Event::Promote { account } => {
                if let Some(a) = self.account(*account, |_| true) {
                    self.accounts[a].protected.insert(Protection::Admin);
                }
            }
            Event::Demote { account } => {
                if let Some(a) = self.account(*account, |_| true) {
                    self.accounts[a].protected.remove(&Protection::Admin);
                }
            }
            Event::TenantDisables { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Active) {
                    self.accounts[a].state = AccountState::Disabled;
                    self.accounts[a].disabled_at = Some(now);
                }
            }
            Event::TenantEnables { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Disabled) {
                    self.accounts[a].state = AccountState::Active;
                    self.accounts[a].disabled_at = None;
                }
            }
            Event::Invite { who } => {
                if let Some(human) = self.human(*who, true) {
                    let mail = self.humans[human].mail.clone();
                    self.open_account(*who as usize % 2, human, &mail, AccountState::Invited, now);
                }
            }
            Event::Accept { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Invited) {
                    self.accounts[a].state = AccountState::Active;
                    self.accounts[a].habit = Some(3);
                    self.log_in(a, now);
                }
            }
            Event::Directory {
                which,
                fault,
                ticks,
            } => {
                self.directory_fault[*which as usize % 2] = Some((*fault, self.tick + ticks));
            }
            Event::Tenant {
                which,
                fault,
                ticks,
            } => {
                self.tenant_fault[*which as usize % 2] = Some((*fault, self.tick + ticks));
            }
            Event::Call { fault } => self.call_fault = Some(*fault),
            Event::NoticesFail { ticks } => self.notices_fail = self.tick + ticks,
            Event::Midway(event) => self.midway.push((**event).clone()),
            _ => {}
        }
    }

    fn leave(&mut self, human: usize, how: How, now: Time) {
        let late = now.plus_days(5);
        let h = &mut self.humans[human];
        h.employed = false;
        h.left = Some(now);
        for (d, entry) in h.entries.iter_mut().enumerate() {
            let Some(entry) = entry else { continue };
            match how {
                How::Disabled => entry.disabled_from = Some(now),
                How::LeaveDate => entry.leave_at = Some(now),
                How::Deleted => entry.deleted_from = entry.deleted_from.or(Some(now)),
                How::Late if d == 0 => entry.disabled_from = Some(now),
                How::Late => entry.disabled_from = Some(late),
            }
        }
        for account in self.accounts.iter_mut().filter(|a| a.human == human) {
            account.habit = None;
        }
    }

    /// Somebody leaves now, and the directories say so days later.
    pub(crate) fn leave_later(&mut self, human: usize, now: Time) {
        self.leave(human, How::Disabled, now);
        for entry in self.humans[human].entries.iter_mut().flatten() {
            entry.disabled_from = Some(now.plus_days(5));
        }
    }

    fn come_back(&mut self, human: usize, now: Time) {
        let h = &mut self.humans[human];
        h.employed = true;
        h.returned = Some(now);
        for entry in h.entries.iter_mut().flatten() {
            entry.disabled_from = None;
            entry.leave_at = None;
            entry.deleted_from = None;
        }
        for account in self.accounts.iter_mut().filter(|a| a.human == human) {
            account.habit = Some(4);
        }
    }

    fn rename(&mut self, human: usize, everywhere: bool) {
        self.names += 1;
        let mail = format!("renamed{}@example.com", self.names);
        let h = &mut self.humans[human];
        h.unclear |= !everywhere;
        h.mail = mail.clone();
        for entry in h.entries.iter_mut().flatten() {
            entry.mails = vec![mail.clone()];
        }
        if everywhere {
            for account in self.accounts.iter_mut().filter(|a| a.human == human) {
                account.mail = mail.clone();
            }
        }
    }

    fn share(&mut self, who: u64, with: u64) {
        let (Some(a), Some(b)) = (self.human(who, true), self.human(with, true)) else {
            return;
        };
        if a == b {
            return;
        }
        let mail = self.humans[a].mail.clone();
        for human in [a, b] {
            self.humans[human].unclear = true;
        }
        for entry in self.humans[b].entries.iter_mut().flatten() {
            entry.mails.push(mail.clone());
        }
    }

    pub(crate) fn log_in(&mut self, account: usize, at: Time) {
        let tenant = self.accounts[account].tenant;
        self.events[tenant] += 1;
        self.accounts[account].newest = Some(at);
        self.accounts[account].event = self.events[tenant];
    }
}
