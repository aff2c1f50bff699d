//! When a step that failed is tried again, and when it is set aside.
//!
//! Only what the tenant does with this one account counts: it refused the request, or answered with
//! an error again and again. What befalls a tenant as a whole (it cannot be reached, there were too
//! many requests, the credentials are wrong) is tried by the next run, and stops there for everybody
//! alike; what was cut short by ourselves is no failure of anybody.

use crate::domain::account::Do;
use crate::domain::event::CommandResult;
use crate::domain::id::Seq;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::time::Time;

/// How often a step is tried before it is set aside.
pub const MOST: u64 = 10;

/// Why a step waits that failed; it keeps its place in its plan.
pub const RETRY_LATER: &str = "block.retry-later";

/// Why a step is tried no more.
pub const SET_ASIDE: &str = "block.set-aside";

const HOUR_S: i64 = 3_600;

/// How long after each failure it is tried again; the last holds for all that follow.
const WAITS_S: &[i64] = &[6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S];

/// The same for whoever a named person wants out at once.
const NAMED_WAITS_S: &[i64] = &[HOUR_S / 4, HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S];

/// What befalls a whole tenant and says nothing about an account.
const OF_THE_TENANT: &[&str] = &[
    "call.credentials",
    "call.rate-limited",
    "call.tenant-not-in-order",
    "call.unknown-route",
];

/// What is tried again in another form at once.
const OTHER_FORM: &str = "call.other-form";

/// The failures of one step since it last came to its end or somebody wanted it tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many count.
    pub count: u64,
    /// The intent of the newest.
    pub seq: Seq,
    /// When that was.
    pub at: Time,
}

impl Failures {
    /// Counts those of a step for one account; `None` if there are none.
    pub fn of(commands: &[CommandRow], does: Do, cleared: Option<Seq>) -> Option<Self> {
        // a key that cannot be taken away does not keep the account waiting
        let own = || {
            let of_step = commands.iter().filter(move |c| c.aim() == does);
            of_step.filter(|c| c.does != Do::Revoke)
        };
        let over = own().filter(|c| c.does == does && c.took_effect());
        let since = over.map(|c| c.seq).max().max(cleared);
        let later: Vec<_> = own().filter(|c| Some(c.seq) > since).collect();
        let refused = later.iter().filter(|c| is_refused(c)).count();
        // one lost answer is nothing; the same again is the account's own trouble
        let undone = later.iter().filter(|c| is_undone(c)).count();
        let count = refused.saturating_add(undone.saturating_sub(1));
        let failed = later.iter().filter(|c| is_refused(c) || is_undone(c));
        let newest = failed.max_by_key(|c| c.seq)?;
        Some(Self {
            count: u64::try_from(count).unwrap_or(u64::MAX),
            seq: newest.seq,
            at: newest.at,
        })
        .filter(|failures| failures.count > 0)
    }

    /// Whether nobody tries it again before a person wants it.
    pub const fn are_set_aside(&self) -> bool {
        self.count >= MOST
    }

    /// From when on it is tried again.
    pub fn next(&self, class: Option<Class>) -> Time {
        let waits = match class {
            Some(Class::Named) => NAMED_WAITS_S,
            _ => WAITS_S,
        };
        let number = usize::try_from(self.count.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = waits.get(number).or(waits.last()).copied();
        self.at.plus_seconds(wait.unwrap_or_default())
    }
}

fn is_refused(command: &CommandRow) -> bool {
    command.outcome.as_ref().is_some_and(|(_, result, code)| {
        *result == CommandResult::Refused
            && !OF_THE_TENANT.contains(&code.as_str())
            && code.as_str() != OTHER_FORM
    })
}

/// The tenant had it, gave no answer that could be understood, and it turned out not to be done.
fn is_undone(command: &CommandRow) -> bool {
    let unknown = matches!(command.outcome, Some((_, CommandResult::Unknown, _)));
    unknown && matches!(command.settled, Some((_, false)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::code::Code;
    use crate::domain::id::EntryId;
    use crate::domain::id::SourceName;
    use crate::domain::id::Subject;

    fn at(hours: i64) -> Time {
        Time::from_seconds(1_800_000_000).plus_seconds(hours * HOUR_S)
    }

    fn command(seq: Seq, result: CommandResult, code: &str) -> CommandRow {
        CommandRow {
            intent: EntryId::new("e"),
            seq,
            account: Subject::new("s_1"),
            tenant: SourceName::new("portal"),
            does: Do::Disable,
            aim: None,
            class: Class::Explicit,
            directories: Vec::new(),
            plan: EntryId::new("p"),
            step: 0,
            attempt: 1,
            call: "disable".to_owned(),
            successor: None,
            at: at(i64::try_from(seq).unwrap()),
            deadline: at(i64::try_from(seq).unwrap()),
            outcome: Some((seq + 1, result, Code::new(code))),
            settled: None,
            confirmed: None,
            lost: None,
        }
    }

    fn refused(times: u64) -> Vec<CommandRow> {
        let own = |n| command(n * 10, CommandResult::Refused, "call.refused");
        (1..=times).map(own).collect()
    }

    fn waits(times: u64, class: Class) -> i64 {
        let failures = Failures::of(&refused(times), Do::Disable, None).unwrap();
        failures.next(Some(class)).seconds_since(failures.at)
    }

    #[test]
    fn each_failure_waits_longer_until_a_day() {
        let hours: Vec<_> = (1..6).map(|n| waits(n, Class::Explicit) / HOUR_S).collect();
        assert_eq!(hours, [6, 12, 24, 24, 24]);
        assert_eq!(waits(1, Class::Named), 900);
        assert_eq!(waits(9, Class::Named), 24 * HOUR_S);
    }

    #[test]
    fn ten_are_enough() {
        let of = |n| Failures::of(&refused(n), Do::Disable, None).unwrap();
        assert!(!of(9).are_set_aside());
        assert!(of(10).are_set_aside());
    }

    #[test]
    fn what_came_to_an_end_or_was_cleared_counts_no_more() {
        let mut commands = refused(3);
        assert_eq!(
            Failures::of(&commands, Do::Disable, Some(20))
                .unwrap()
                .count,
            1
        );
        assert_eq!(Failures::of(&commands, Do::Disable, Some(30)), None);
        assert_eq!(Failures::of(&commands, Do::Remove, None), None);
        commands.push(command(40, CommandResult::Done, "call.done"));
        assert_eq!(Failures::of(&commands, Do::Disable, None), None);
    }

    #[test]
    fn what_befalls_a_whole_tenant_does_not_count() {
        let count = |result, code| Failures::of(&[command(9, result, code)], Do::Disable, None);
        assert_eq!(count(CommandResult::Failed, "call.rate-limited"), None);
        assert_eq!(count(CommandResult::Failed, "call.not-sent"), None);
        assert_eq!(count(CommandResult::Refused, "call.credentials"), None);
        assert!(count(CommandResult::Refused, "call.dependents").is_some());
    }

    #[test]
    fn a_lost_answer_counts_from_the_second_on() {
        let lost = |seq| CommandRow {
            settled: Some((seq + 2, false)),
            ..command(seq, CommandResult::Unknown, "call.server-error")
        };
        assert_eq!(Failures::of(&[lost(10)], Do::Disable, None), None);
        let twice = [lost(10), lost(20)];
        assert_eq!(Failures::of(&twice, Do::Disable, None).unwrap().count, 1);
        // nobody answered at all: the program was killed
        let mut killed = lost(20);
        killed.outcome = None;
        assert_eq!(Failures::of(&[lost(10), killed], Do::Disable, None), None);
    }
}
