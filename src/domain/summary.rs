//! What a week came to, in numbers: what was done, what is withheld, who is still in, of whom
//! nothing can be said, and what waits for somebody. Without a name of anybody.

use std::collections::BTreeMap;

use chrono::Datelike as _;
use chrono::Weekday;
use serde::Serialize;

use crate::domain::account::Do;
use crate::domain::alert::Alert;
use crate::domain::alert::StillIn;
use crate::domain::code::Code;
use crate::domain::event::CommandResult;
use crate::domain::id::SourceName;
use crate::domain::leaver_clock::ClockState;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::Gap;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::RunsRow;
use crate::domain::time::Time;

/// The days that a summary is about.
pub const DAYS: i64 = 7;

/// Everything that a summary is made from.
#[derive(Debug, Clone, Default)]
pub struct SummaryFacts {
    /// Every request.
    pub commands: Vec<CommandRow>,
    /// The warnings that were given.
    pub notices: Vec<NoticeRow>,
    /// The runs, if any was promised at a cadence.
    pub runs: Option<RunsRow>,
    /// What is decided about accounts now.
    pub decisions: Vec<Decision>,
    /// Leavers who are still in.
    pub leavers: Vec<StillIn>,
    /// Accounts of which nothing can be said, by tenant.
    pub unknown: BTreeMap<SourceName, u64>,
    /// What waits for somebody.
    pub alerts: Vec<Alert>,
}

/// What a week came to, and how things stand after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Where the week begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// What was done in it.
    pub done: Vec<DoneCount>,
    /// What tenants have refused in it, or what failed there.
    pub refused: Vec<TenantCount>,
    /// How many warnings were given in it.
    pub warned: u64,
    /// Where no run came to its end in it for longer than was promised.
    pub gaps: Vec<Gap>,
    /// What is withheld now, by reason; an account with several reasons counts for each.
    pub withheld: Vec<ReasonCount>,
    /// Leavers who are still in, now.
    pub still_in: Vec<StillInCount>,
    /// Accounts of which nothing can be said, now.
    pub unknown: Vec<TenantCount>,
    /// What waits for somebody, now.
    pub alerts: Vec<Alert>,
}

/// How many accounts of a tenant something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoneCount {
    /// The tenant.
    pub tenant: SourceName,
    /// What was done.
    #[serde(rename = "do")]
    pub does: Do,
    /// To how many accounts.
    pub accounts: u64,
}

/// How many accounts of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantCount {
    /// The tenant.
    pub tenant: SourceName,
    /// How many.
    pub accounts: u64,
}

/// How many accounts for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// The reason.
    pub because: Code,
    /// How many.
    pub accounts: u64,
}

/// How many leavers are still in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StillInCount {
    /// The tenant.
    pub tenant: SourceName,
    /// How many of their accounts still work.
    pub accounts: u64,
    /// How many of these are later than the target allows.
    pub late: u64,
}

/// The beginning of the newest such day of the week (UTC).
pub fn newest(day: Weekday, now: Time) -> Time {
    let since = now.chrono().weekday().days_since(day);
    now.start_of_day().plus_days(-i64::from(since))
}

/// Sums the week up that ends at `to`.
pub fn summary(facts: &SummaryFacts, to: Time) -> Summary {
    let from = to.plus_days(-DAYS);
    let within = |at: Time| from <= at && at < to;
    let mut done: BTreeMap<(SourceName, Do), u64> = BTreeMap::new();
    let mut refused: BTreeMap<SourceName, u64> = BTreeMap::new();
    for command in facts.commands.iter().filter(|c| within(c.at)) {
        let result = command.outcome.as_ref().map(|(_, result, _)| *result);
        // a request on the way to a removal is no removal yet
        if command.took_effect() && command.aim() == command.does {
            let key = (command.tenant.clone(), command.does);
            *done.entry(key).or_default() += 1;
        } else if matches!(result, Some(CommandResult::Refused | CommandResult::Failed)) {
            *refused.entry(command.tenant.clone()).or_default() += 1;
        }
    }
    let sent = facts.notices.iter().flat_map(|row| &row.sent);
    let gaps = facts.runs.iter().flat_map(|runs| &runs.gaps);
    Summary {
        from,
        to,
        done: done
            .into_iter()
            .map(|((tenant, does), accounts)| DoneCount {
                tenant,
                does,
                accounts,
            })
            .collect(),
        refused: counts(refused),
        warned: sent.filter(|mark| within(mark.at)).count() as u64,
        gaps: gaps.filter(|gap| within(gap.to)).cloned().collect(),
        withheld: withheld(&facts.decisions),
        still_in: still_in(&facts.leavers),
        unknown: counts(facts.unknown.clone()),
        alerts: facts.alerts.clone(),
    }
}

fn counts(of: BTreeMap<SourceName, u64>) -> Vec<TenantCount> {
    let count = |(tenant, accounts)| TenantCount { tenant, accounts };
    of.into_iter().map(count).collect()
}

fn withheld(decisions: &[Decision]) -> Vec<ReasonCount> {
    let mut counted: BTreeMap<&Code, u64> = BTreeMap::new();
    let withheld = decisions.iter().filter(|d| d.verdict == Ruling::Withhold);
    for code in withheld.flat_map(|d| &d.blocked) {
        *counted.entry(code).or_default() += 1;
    }
    let count = |(because, accounts): (&Code, u64)| ReasonCount {
        because: because.clone(),
        accounts,
    };
    counted.into_iter().map(count).collect()
}

fn still_in(leavers: &[StillIn]) -> Vec<StillInCount> {
    let mut counted: BTreeMap<&SourceName, (u64, u64)> = BTreeMap::new();
    for one in leavers {
        let count = counted.entry(&one.tenant).or_default();
        count.0 += 1;
        count.1 += u64::from(one.state == ClockState::Late);
    }
    let count = |(tenant, (accounts, late)): (&SourceName, (u64, u64))| StillInCount {
        tenant: tenant.clone(),
        accounts,
        late,
    };
    counted.into_iter().map(count).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_with_its_day() {
        let at = |text| Time::parse(text).unwrap();
        // 2026-03-02 was a Monday
        for (now, wanted) in [
            ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z"),
            ("2026-03-02T09:00:00Z", "2026-03-02T00:00:00Z"),
            ("2026-03-08T23:59:59Z", "2026-03-02T00:00:00Z"),
            ("2026-03-09T00:00:01Z", "2026-03-09T00:00:00Z"),
        ] {
            assert_eq!(newest(Weekday::Mon, at(now)), at(wanted), "{now}");
        }
    }
}
