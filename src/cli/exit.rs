//! The exit codes; part of the outside contract.

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or nothing to do; withheld alone is this too.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// With `--detailed-exitcode`: there is something to do.
    SomethingToDo = 2,
    /// Partly done, or a leaver is late, or an alert is open.
    Partly = 3,
    /// Credentials refused or rights missing.
    Rights = 4,
    /// Refused by a safety rule; nothing was sent.
    Refused = 5,
    /// In doubt: calls without a known outcome.
    InDoubt = 6,
    /// No ledger here.
    NoLedger = 10,
    /// Another one is at work.
    Busy = 11,
    /// Wrong key.
    WrongKey = 12,
    /// Evidence is false.
    False = 20,
    /// Cannot judge.
    CannotJudge = 21,
    /// Wrong usage.
    Usage = 64,
    /// Unreachable.
    Unreachable = 69,
    /// Try later.
    Later = 75,
    /// Configuration.
    Configuration = 78,
    /// Interrupted after the call in flight was recorded.
    Interrupted = 130,
}

impl Exit {
    /// Every code with what it means, in order.
    pub const ALL: &'static [(Exit, &'static str)] = &[
        (
            Exit::Done,
            "done, or nothing to do (accounts that are withheld alone count as this)",
        ),
        (Exit::Failed, "failed"),
        (
            Exit::SomethingToDo,
            "only with --detailed-exitcode: there is something to do",
        ),
        (
            Exit::Partly,
            "partly done, or (`run`, `status`) a leaver is late, or (`alerts`) something is open",
        ),
        (Exit::Rights, "credentials refused or rights missing"),
        (Exit::Refused, "refused by a safety rule; nothing was sent"),
        (Exit::InDoubt, "in doubt: calls without a known outcome"),
        (Exit::NoLedger, "there is no ledger"),
        (Exit::Busy, "another process is at work"),
        (Exit::WrongKey, "wrong key"),
        (Exit::False, "the evidence is false: changed, cut or forked"),
        (
            Exit::CannotJudge,
            "cannot judge: something that is needed is missing",
        ),
        (Exit::Usage, "wrong usage"),
        (Exit::Unreachable, "a directory or tenant cannot be reached"),
        (Exit::Later, "try later"),
        (Exit::Configuration, "the configuration is not valid"),
        (
            Exit::Interrupted,
            "interrupted after the call in flight was recorded",
        ),
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number; 1 for a number that has no meaning.
    pub fn of(code: u8) -> Exit {
        let known = Exit::ALL.iter().find(|(exit, _)| exit.code() == code);
        known.map_or(Exit::Failed, |(exit, _)| *exit)
    }

    /// The graver of two: false evidence before what cannot be judged before doubt before all else.
    #[must_use]
    pub fn graver(self, other: Exit) -> Exit {
        if self.rank() >= other.rank() {
            self
        } else {
            other
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::SomethingToDo => 1,
            Exit::Partly => 2,
            Exit::Later => 3,
            Exit::Unreachable => 4,
            Exit::Rights => 5,
            Exit::Refused => 6,
            Exit::Failed => 7,
            Exit::Usage => 8,
            Exit::Configuration => 9,
            Exit::NoLedger => 10,
            Exit::Busy => 11,
            Exit::WrongKey => 12,
            Exit::Interrupted => 13,
            Exit::InDoubt => 14,
            Exit::CannotJudge => 15,
            Exit::False => 16,
        }
    }
}
