//! Alerts and summaries as sentences for people. They name sources, numbers and the commands to
//! run, never a person: a mail leaves the machine.

use crate::domain::alert::Alert;
use crate::domain::alert::AlertKind;
use crate::domain::alert::Telling;
use crate::domain::alert::Told;
use crate::domain::code;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::rows::Gap;
use crate::domain::summary::Summary;
use crate::domain::time::Time;
use crate::engine::tell::counted;
use crate::engine::tell::length;
use crate::engine::tell::lower;
use crate::engine::tell::moment;
use crate::engine::tell::read_reasons;
use crate::engine::tell::scope;

/// A source or scope in words: `the tenant portal`, `everything`.
fn source(about: &str) -> String {
    match about.split_once('/') {
        Some((kind, name)) => format!("the {kind} {name}"),
        None => "every tenant".to_owned(),
    }
}

/// The name of a source alone.
fn name(about: &str) -> &str {
    about.split_once('/').map_or(about, |(_, name)| name)
}

/// What a kind of alert is called: `plan waiting`.
pub fn alert_title(kind: AlertKind) -> String {
    kind.as_str().replace('-', " ")
}

/// An alert as a sentence.
pub fn alert_says(alert: &Alert, now: Time) -> String {
    let about = &alert.about;
    let count = alert.count.unwrap_or_default();
    let since = alert.since.map(moment).unwrap_or_default();
    let until = alert.until.map(moment).unwrap_or_default();
    match alert.kind {
        AlertKind::LedgerRefused => format!(
            "nothing is read, decided or done: the ledger, the vault or the head lock is refused or \
             missing (exit code {count})"
        ),
        AlertKind::RunFailed => format!("the run of {since} failed with exit code {count}"),
        AlertKind::RunMissing => missing(alert, now),
        AlertKind::LeaverLate => format!(
            "LATE: {} in {} of people who have left still work, and the target has passed",
            counted(count, "account"),
            source(about)
        ),
        AlertKind::LeaverSoon => format!(
            "{} in {} of people who have left still work; the target passes on {until}",
            counted(count, "account"),
            source(about)
        ),
        AlertKind::CallInDoubt => format!(
            "{} to {} without a known outcome, the oldest of {since}",
            counted(count, "call"),
            source(about)
        ),
        AlertKind::ReadSuspect => format!(
            "the newest read of {} is not believed, so that nothing rests on it: {}",
            source(about),
            read_reasons(&alert.because)
        ),
        AlertKind::ReadStale => stale(alert),
        AlertKind::BreakerTripped => format!(
            "a brake stops steps of plan {about}: {}",
            scopes(&alert.scopes)
        ),
        AlertKind::HaltOn => halted(alert, now),
        AlertKind::PlanWaiting | AlertKind::PlanExpiring => plan(alert, now),
        AlertKind::PolicyWaiting => {
            format!("a policy waits for an approver since {since} (entry {about})")
        }
        AlertKind::SetAside => format!(
            "{} in {}: refused so often that nothing is tried any more",
            counted(count, "account"),
            source(about)
        ),
        AlertKind::NoticeUndelivered => format!(
            "{} in {} whose warning did not arrive, so that nothing goes on for them",
            counted(count, "account"),
            source(about)
        ),
        AlertKind::HoldOverdue => {
            format!("the legal hold {about} should have been looked at again by {until}")
        }
        AlertKind::HoldEnding => format!("hold {about} comes up on {until}"),
        AlertKind::CredentialExpiring => {
            format!("the credential of {} expires on {until}", source(about))
        }
    }
}

fn scopes(scopes: &[String]) -> String {
    let words: Vec<_> = scopes.iter().map(|s| scope(s)).collect();
    words.join(", ")
}

fn stale(alert: &Alert) -> String {
    let last = match alert.since {
        Some(since) => format!("the last whole read was on {}", moment(since)),
        None => "it was never read whole".to_owned(),
    };
    format!(
        "{} cannot be read, and {last}: {}",
        source(&alert.about),
        read_reasons(&alert.because)
    )
}

fn halted(alert: &Alert, now: Time) -> String {
    let age = alert.since.map_or(0, |since| now.seconds_since(since));
    let ends = match alert.until {
        Some(until) => format!("until {}", moment(until)),
        None => "without an end".to_owned(),
    };
    format!(
        "calls to {} are stopped for {} now, {ends}",
        source(&alert.about),
        length(age)
    )
}

fn plan(alert: &Alert, now: Time) -> String {
    let left = alert.until.map_or(0, |until| until.seconds_since(now));
    let until = alert.until.map(moment).unwrap_or_default();
    let mut says = format!(
        "plan {} ({}) waits for {}; it expires on {until}",
        alert.about,
        counted(alert.count.unwrap_or_default(), "step"),
        counted(alert.needed.unwrap_or_default(), "approval"),
    );
    if alert.kind == AlertKind::PlanExpiring {
        says.push_str(&format!(", in {}", length(left)));
    }
    says
}

fn missing(alert: &Alert, now: Time) -> String {
    let since = alert.since.unwrap_or(now);
    let expected = match alert.count {
        Some(hours) => format!("; one is expected every {}", counted(hours, "hour")),
        None => String::new(),
    };
    match alert.until {
        Some(until) => format!(
            "no run came to its end between {} and {} ({}){expected}",
            moment(since),
            moment(until),
            length(until.seconds_since(since))
        ),
        None => format!(
            "NO RUN has come to its end since {}, for {}{expected}",
            moment(since),
            length(now.seconds_since(since))
        ),
    }
}

/// A gap between runs as a sentence.
pub fn gap(gap: &Gap) -> String {
    let alert = Alert {
        since: Some(gap.from),
        until: Some(gap.to),
        count: Some(gap.every_hours),
        ..Alert::new(AlertKind::RunMissing, "gap")
    };
    missing(&alert, gap.to)
}

/// The commands that help, in their order.
pub fn alert_next(alert: &Alert) -> Vec<String> {
    let about = &alert.about;
    match alert.kind {
        AlertKind::LedgerRefused => vec!["exeunt verify".to_owned()],
        AlertKind::RunFailed | AlertKind::ReadStale => {
            vec!["exeunt check".to_owned(), "exeunt run".to_owned()]
        }
        AlertKind::RunMissing => match alert.until {
            None => vec!["exeunt run".to_owned()],
            Some(_) => vec!["exeunt log --type run.finished".to_owned()],
        },
        AlertKind::LeaverLate | AlertKind::LeaverSoon => vec!["exeunt status".to_owned()],
        AlertKind::CallInDoubt => vec!["exeunt run".to_owned()],
        AlertKind::ReadSuspect => vec![format!("exeunt sync {}", name(about))],
        AlertKind::BreakerTripped => vec![
            "exeunt breaker show".to_owned(),
            format!("exeunt breaker release {about} --reason \"…\""),
        ],
        AlertKind::HaltOn if about == "all" => vec!["exeunt halt off".to_owned()],
        AlertKind::HaltOn => vec![format!("exeunt halt off --tenant {}", name(about))],
        AlertKind::PlanWaiting | AlertKind::PlanExpiring => vec![
            "exeunt plan --out plan.json".to_owned(),
            format!("exeunt approve {about}"),
        ],
        AlertKind::PolicyWaiting => vec![
            "exeunt policy diff".to_owned(),
            "exeunt policy approve --reason \"…\"".to_owned(),
        ],
        AlertKind::SetAside => vec![
            "exeunt status".to_owned(),
            "exeunt retry WHO --reason \"…\"".to_owned(),
        ],
        AlertKind::NoticeUndelivered => vec!["exeunt notices list".to_owned()],
        AlertKind::HoldOverdue | AlertKind::HoldEnding => vec!["exeunt hold list".to_owned()],
        AlertKind::CredentialExpiring => vec!["exeunt check".to_owned()],
    }
}

/// A message with alerts: its subject line.
pub fn alerts_subject(telling: &[Telling], origin: &str) -> String {
    let mut titles: Vec<_> = telling
        .iter()
        .filter(|t| t.word != Told::Over)
        .map(|t| alert_title(t.alert.kind))
        .collect();
    titles.dedup();
    let more = titles.len().saturating_sub(3);
    titles.truncate(3);
    let mut what = titles.join(", ");
    if what.is_empty() {
        what = "over".to_owned();
    }
    if more > 0 {
        what.push_str(&format!(" and {more} more"));
    }
    format!("[exeunt] {what} ({origin})")
}

/// A message with alerts, as a person reads it.
pub fn alerts_text(telling: &[Telling], now: Time) -> String {
    let mut text = String::new();
    for one in telling {
        let alert = &one.alert;
        let title = alert_title(alert.kind);
        if one.word == Told::Over {
            text.push_str(&format!("over: {title}, {}\n\n", alert.about));
            continue;
        }
        let word = one.word.as_str();
        text.push_str(&format!("{word}: {title}: {}\n", alert_says(alert, now)));
        for command in alert_next(alert) {
            text.push_str(&format!("    {command}\n"));
        }
        text.push('\n');
    }
    text.push_str(
        "Commands are typed where exeunt.toml is. An alert that lasts is sent again once a day.\n",
    );
    text
}

/// The weekly summary: its subject line.
pub fn summary_subject(summary: &Summary, origin: &str) -> String {
    format!("[exeunt] the week before {} ({origin})", summary.to.day())
}

/// The weekly summary, as a person reads it.
pub fn summary_text(summary: &Summary, now: Time) -> String {
    let mut text = format!(
        "The week from {} to {}\n\n",
        moment(summary.from),
        moment(summary.to)
    );
    let mut part = |title: &str, none: &str, lines: Vec<String>| {
        text.push_str(&format!("{title}\n"));
        if lines.is_empty() {
            text.push_str(&format!("  {none}\n"));
        }
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
        text.push('\n');
    };
    part("Done", "nothing", done_lines(summary));
    let gaps = summary.gaps.iter().map(gap).collect();
    part("Runs that were missing", "none", gaps);
    let still_in = summary.still_in.iter().map(|one| {
        let accounts = counted(one.accounts, "account");
        let late = match one.late {
            0 => String::new(),
            late => format!(", {late} of them LATE"),
        };
        format!("{}: {accounts}{late}", one.tenant)
    });
    part("Leavers still in, now", "none", still_in.collect());
    let withheld = summary.withheld.iter().map(|one| {
        let says = code::says(one.because.as_str());
        let says = lower(says.trim_end_matches('.'));
        format!("{}: {says}", counted(one.accounts, "account"))
    });
    part("Withheld, now", "nothing", withheld.collect());
    let unknown = summary
        .unknown
        .iter()
        .map(|one| format!("{}: {}", one.tenant, counted(one.accounts, "account")));
    part("Nothing can be said of, now", "nobody", unknown.collect());
    let waits = summary.alerts.iter().map(|alert| {
        let title = alert_title(alert.kind);
        format!("{title}: {}", alert_says(alert, now))
    });
    part("Waits for somebody, now", "nothing", waits.collect());
    text.push_str("    exeunt status\n    exeunt unknown\n");
    text
}

fn done_lines(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<_> = summary
        .done
        .iter()
        .map(|one| {
            let accounts = counted(one.accounts, "account");
            format!("{}: {} {accounts}", one.tenant, one.does.as_str())
        })
        .collect();
    lines.extend(summary.refused.iter().map(|one| {
        let calls = counted(one.accounts, "call");
        format!("{}: {calls} refused or failed", one.tenant)
    }));
    if summary.warned > 0 {
        lines.push(format!("{} given", counted(summary.warned, "warning")));
    }
    lines
}

/// What operators were told, as an entry says it.
pub(super) fn said(entry: &Entry) -> Option<String> {
    if let Some(sent) = entry.payload::<event::AlertSent>() {
        let what = counted(sent.alerts.len() as u64, "alert");
        return Some(delivered(&what, &sent.channel, sent.because.as_ref()));
    }
    let sent = entry.payload::<event::SummarySent>()?;
    let what = format!("the summary of the week before {}", sent.to.day());
    Some(delivered(&what, &sent.channel, sent.because.as_ref()))
}

fn delivered(what: &str, channel: &str, because: Option<&code::Code>) -> String {
    match because {
        None => format!("{what} went out by {channel}"),
        Some(because) => {
            let says = code::says(because.as_str());
            let says = lower(says.trim_end_matches('.'));
            format!("{what} COULD NOT BE DELIVERED by {channel}: {says}")
        }
    }
}
