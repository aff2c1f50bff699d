//! What happens in a world, and when: made from a seed alone, and a list from which the shrinker can
//! take things away.

/// A small generator whose numbers depend on its seed alone (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `below - 1`.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// How a directory shows that somebody has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Disabled,
    LeaveDate,
    Deleted,
    /// At once in one directory, some days later in the other.
    Late,
}

/// How a read of a directory goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DirectoryFault {
    Unreachable,
    Cut,
    Empty,
    WithoutKeys,
    /// A right was lost: many people can neither be listed nor looked up.
    Hidden,
    /// A few are missing from the list and are found by key.
    Gaps,
    /// The state of some days ago, with the counter of those days.
    Stale,
    OtherServer,
    /// A file that nobody writes any more, while things change.
    ExportStopped,
    /// Reading works and look-ups fail.
    LookUps,
}

/// How a read of a tenant goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TenantFault {
    Unreachable,
    Short,
    Empty,
    Hidden,
    Refused,
    /// The log of logins ends in an error.
    LogFailed,
    /// The log shows its newest events only, and says so.
    LogDowngraded,
    /// Single accounts cannot be read.
    Single,
}

/// What becomes of the next request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallFault {
    Refused,
    Failed,
    /// It never arrives, and nobody knows.
    LostBefore,
    /// It is done, and the answer never comes.
    LostAfter,
    KilledBefore,
    KilledAfter,
}

/// What somebody says to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// A person or an account is held.
    Hold { who: u64, kind: u64, days: u64 },
    /// A hold is lifted before its end.
    Lift { which: u64 },
    /// Somebody leaves; in error, where they stay.
    Leaves { who: u64, stays: bool },
    /// Somebody who was said to leave stays.
    Withdraw { who: u64 },
    /// An account is the person's whose it is.
    Link { account: u64 },
    /// An account is not a person's whose it is not.
    NotLink { account: u64 },
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Join {
        place: u64,
        tenants: u64,
    },
    Leave {
        who: u64,
        how: How,
    },
    Return {
        who: u64,
    },
    Rename {
        who: u64,
        everywhere: bool,
    },
    /// Somebody is entered into the other directory as well.
    Enter {
        who: u64,
    },
    /// Somebody who stands in two directories is taken off one and stays.
    Move {
        who: u64,
    },
    /// A new person gets the address of somebody who has left.
    Recycle {
        who: u64,
    },
    /// A colleague's entry gets the address of somebody as a second one.
    Share {
        who: u64,
        with: u64,
    },
    Layoff {
        first: u64,
        count: u64,
    },
    FallSilent {
        account: u64,
    },
    LogIn {
        account: u64,
    },
    Promote {
        account: u64,
    },
    Demote {
        account: u64,
    },
    TenantDisables {
        account: u64,
    },
    TenantEnables {
        account: u64,
    },
    Invite {
        who: u64,
    },
    Accept {
        account: u64,
    },
    Directory {
        which: u64,
        fault: DirectoryFault,
        ticks: u64,
    },
    Tenant {
        which: u64,
        fault: TenantFault,
        ticks: u64,
    },
    Call {
        fault: CallFault,
    },
    /// The process dies at the n-th of its crash points.
    Kill {
        point: u32,
    },
    /// Another process reads and wants to act while one is at it.
    Two,
    ClockStep {
        seconds: i64,
        ticks: u64,
    },
    Policy {
        idle_days: u64,
    },
    Halt {
        ticks: u64,
    },
    NoticesFail {
        ticks: u64,
    },
    ApproverAway {
        ticks: u64,
    },
    /// An older copy of the ledger (or of the vault) is put back.
    PutBack {
        vault: bool,
    },
    /// Somebody says something.
    Says(Word),
    /// Another process says something while one acts.
    Beside(Word),
    /// Happens between the reads and the calls of a run.
    Midway(Box<Event>),
}

/// From one run to the next: less than a read may be old.
pub(crate) const TICK_S: i64 = 22 * 3600;

/// How many ticks so many days take, a last one that is not whole counted.
pub(crate) fn ticks_of(days: u64) -> u64 {
    (days * 24 * 3600).div_ceil(TICK_S as u64)
}

/// A whole world to be: who is there at first, and what happens.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) people: u64,
    pub(crate) ticks: u64,
    /// With the tick, in order.
    pub(crate) events: Vec<(u64, Event)>,
}

impl Script {
    /// The world of a seed, over so many days.
    pub(crate) fn of(seed: u64, days: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5EED);
        let people = 10 + random.below(12);
        let ticks = ticks_of(days);
        let mut events = Vec::new();
        // something happens every two or three days
        for _ in 0..days * 2 / 5 {
            let tick = 2 + random.below(ticks.saturating_sub(2));
            events.push((tick, event(&mut random, true)));
        }
        events.sort_by_key(|(tick, _)| *tick);
        Self {
            seed,
            people,
            ticks,
            events,
        }
    }
}

fn event(random: &mut Random, outer: bool) -> Event {
    let (who, account) = (random.below(1000), random.below(1000));
    match random.below(if outer { 120 } else { 100 }) {
        0..=5 => Event::Join {
            place: random.below(100),
            tenants: random.below(100),
        },
        6..=15 => Event::Leave {
            who,
            how: how(random),
        },
        16..=22 => Event::Return { who },
        23..=25 => Event::Rename {
            who,
            everywhere: random.chance(60),
        },
        26..=27 => Event::Enter { who },
        28..=29 => Event::Move { who },
        30..=31 => Event::Recycle { who },
        32 => Event::Share {
            who,
            with: random.below(1000),
        },
        33 => Event::Layoff {
            first: who,
            count: 4 + random.below(4),
        },
        34..=41 => Event::FallSilent { account },
        42..=44 => Event::LogIn { account },
        45 => Event::Promote { account },
        46 => Event::Demote { account },
        47..=48 => Event::TenantDisables { account },
        49..=50 => Event::TenantEnables { account },
        51..=53 => Event::Invite { who },
        54 => Event::Accept { account },
        55..=64 => Event::Directory {
            which: random.below(2),
            fault: directory_fault(random),
            ticks: 1 + random.below(8),
        },
        65..=72 => Event::Tenant {
            which: random.below(2),
            fault: tenant_fault(random),
            ticks: 1 + random.below(4),
        },
        73..=80 => Event::Call {
            fault: call_fault(random),
        },
        81..=86 => Event::Kill {
            point: 1 + random.below(60) as u32,
        },
        87..=88 => Event::Two,
        89 => clock_step(random),
        90..=91 => Event::Policy {
            idle_days: 30 + 15 * random.below(4),
        },
        92 => Event::Halt {
            ticks: 1 + random.below(4),
        },
        93 => Event::NoticesFail {
            ticks: 1 + random.below(5),
        },
        94 => Event::ApproverAway {
            ticks: 1 + random.below(6),
        },
        95 => Event::PutBack {
            vault: random.chance(50),
        },
        100..=116 => Event::Says(word(random)),
        117..=119 => Event::Beside(word(random)),
        _ if outer => Event::Midway(Box::new(event(random, false))),
        _ => Event::Return { who },
    }
}

fn word(random: &mut Random) -> Word {
    let who = random.below(1000);
    match random.below(100) {
        0..=29 => Word::Hold {
            who,
            kind: random.below(5),
            days: 5 + random.below(100),
        },
        30..=39 => Word::Lift { which: who },
        40..=59 => Word::Leaves {
            who,
            stays: random.chance(40),
        },
        60..=74 => Word::Withdraw { who },
        75..=89 => Word::Link { account: who },
        _ => Word::NotLink { account: who },
    }
}

fn how(random: &mut Random) -> How {
    [How::Disabled, How::LeaveDate, How::Deleted, How::Late][random.below(4) as usize]
}

fn directory_fault(random: &mut Random) -> DirectoryFault {
    use DirectoryFault::*;
    let all = [
        Unreachable,
        Cut,
        Empty,
        WithoutKeys,
        Hidden,
        Hidden,
        Gaps,
        Stale,
        OtherServer,
        ExportStopped,
        ExportStopped,
        LookUps,
    ];
    random.pick(&all)
}

fn tenant_fault(random: &mut Random) -> TenantFault {
    use TenantFault::*;
    let all = [
        Unreachable,
        Short,
        Empty,
        Hidden,
        Refused,
        LogFailed,
        LogFailed,
        LogDowngraded,
        Single,
    ];
    random.pick(&all)
}

fn call_fault(random: &mut Random) -> CallFault {
    use CallFault::*;
    let all = [
        Refused,
        Failed,
        LostBefore,
        LostAfter,
        KilledBefore,
        KilledAfter,
    ];
    random.pick(&all)
}

fn clock_step(random: &mut Random) -> Event {
    let all = [-120, 120, -1200, 1200, -3 * 86_400, 3 * 86_400, 40 * 86_400];
    Event::ClockStep {
        seconds: random.pick(&all),
        ticks: 1 + random.below(3),
    }
}
