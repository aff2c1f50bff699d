//! Entries as sentences for people.

use serde_json::Value;

use crate::domain::account::Do;
use crate::domain::code;
use crate::domain::code::Code;
use crate::domain::event;
use crate::domain::event::CommandResult;
use crate::domain::event::Entry;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::Strength;
use crate::domain::rows::Decision;
use crate::domain::rows::Ruling;
use crate::domain::rows::Sum;
use crate::domain::source::ServerMark;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;

mod alert;
mod clock;
mod hold;
mod lost;
mod notice;
mod successor;
mod task;

pub use crate::engine::tell::alert::alert_next;
pub use crate::engine::tell::alert::alert_says;
pub use crate::engine::tell::alert::alert_title;
pub use crate::engine::tell::alert::alerts_subject;
pub use crate::engine::tell::alert::alerts_text;
pub use crate::engine::tell::alert::gap;
pub use crate::engine::tell::alert::summary_subject;
pub use crate::engine::tell::alert::summary_text;
pub use crate::engine::tell::clock::clock;
pub use crate::engine::tell::clock::clock_lines;
pub use crate::engine::tell::clock::notice;
pub use crate::engine::tell::hold::held;
pub use crate::engine::tell::hold::hold_end;
pub use crate::engine::tell::hold::hold_kind;
pub use crate::engine::tell::notice::bounce_reason;
pub use crate::engine::tell::successor::chosen;

/// A moment as people read it.
pub fn moment(time: Time) -> String {
    time.chrono().format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A length of time as people read it: `95 days`, `3 hours`.
pub fn length(seconds: i64) -> String {
    let (count, unit) = match seconds.abs() {
        s if s >= 2 * 86_400 => (s / 86_400, "day"),
        s if s >= 2 * 3600 => (s / 3600, "hour"),
        s if s >= 120 => (s / 60, "minute"),
        s => (s, "second"),
    };
    counted(count.unsigned_abs(), unit)
}

/// `1 step`, `2 steps`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// A scope of a brake in words: `the directory corp`, `all tenants`.
pub fn scope(scope: &str) -> String {
    match scope.split_once(':') {
        Some((kind @ ("tenant" | "directory"), name)) => format!("the {kind} {name}"),
        _ if scope == "all" => "all tenants together".to_owned(),
        _ => scope.to_owned(),
    }
}

/// Codes as one text.
pub fn reasons(codes: &[Code]) -> String {
    codes
        .iter()
        .map(|c| code::says(c.as_str()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Why a read is not believed: sentences with the codes, by which documents are searched.
pub fn read_reasons(codes: &[Code]) -> String {
    let says = |code: &Code| {
        let says = code::says(code.as_str());
        format!("{} ({code}).", says.trim_end_matches('.'))
    };
    codes.iter().map(says).collect::<Vec<_>>().join(" ")
}

/// A window of a brake in words.
pub fn window(window: &str) -> &str {
    match window {
        "24h" => "24 hours",
        "7d" => "7 days",
        other => other,
    }
}

/// One line of arithmetic as a sentence.
pub fn sum(sum: &Sum) -> String {
    let what = lower(&code::says(sum.about.as_str()));
    let enough = if sum.has_s >= sum.needs_s {
        "enough"
    } else {
        "not enough yet"
    };
    let asked = match sum.needs_s {
        0 => "nothing more is asked for".to_owned(),
        needed => format!("{} asked for", length(needed)),
    };
    format!(
        "{} {what} ({}): {enough}, {asked}",
        length(sum.has_s),
        moment(sum.from)
    )
}

/// One entry as a sentence; `name` says what a subject is called.
pub fn sentence(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> String {
    let whom = entry.sub.as_ref().map(name).unwrap_or_default();
    observation(entry, &whom)
        .or_else(|| leaving(entry, name))
        .or_else(|| hold::said(entry, name))
        .or_else(|| alert::said(entry))
        .or_else(|| notice::said(entry, name))
        .or_else(|| task::said(entry, name))
        .or_else(|| successor::said(entry, name))
        .or_else(|| judgement(entry, name))
        .or_else(|| action(entry, name))
        .or_else(|| keeping(entry, &whom))
        .or_else(|| ruling(entry, name))
        .unwrap_or_else(|| entry.kind.clone())
}

fn observation(entry: &Entry, whom: &str) -> Option<String> {
    if let Some(seen) = entry.payload::<event::PersonObserved>() {
        return Some(person_seen(&seen, whom));
    }
    if let Some(missed) = entry.payload::<event::PersonMissed>() {
        return Some(format!(
            "{whom} was not in a complete read of {}",
            missed.directory
        ));
    }
    if let Some(absent) = entry.payload::<event::PersonAbsent>() {
        return Some(format!(
            "{whom} is gone from {}: not in {} complete reads in a row, and not found by key",
            absent.directory, absent.reads
        ));
    }
    if let Some(seen) = entry.payload::<event::AccountObserved>() {
        let state = text(&serde_json::to_value(seen.facts.state).ok()?);
        let protected: Vec<_> = seen
            .facts
            .protected
            .iter()
            .filter_map(|p| serde_json::to_value(p).ok().map(|v| text(&v)))
            .collect();
        let mut says = format!("the account {whom} was seen in {}, {state}", seen.tenant);
        if seen.facts.live_keys > 0 {
            let keys = counted(seen.facts.live_keys, "API key");
            says.push_str(&format!(", with {keys} that work"));
        }
        if !protected.is_empty() {
            says.push_str(&format!(
                ", protected as {}",
                protected.join(", ").replace('-', " ")
            ));
        }
        if let Some(manager) = &seen.facts.managed_by {
            says.push_str(&format!(", managed by the tenant's own {manager} sync"));
        }
        return Some(says);
    }
    if let Some(gone) = entry.payload::<event::AccountGone>() {
        return Some(format!(
            "the account {whom} is not in {} any more",
            gone.tenant
        ));
    }
    let seen = entry.payload::<event::LoginObserved>()?;
    let what = match seen.signal {
        crate::domain::account::Signal::Login => "newest login",
        crate::domain::account::Signal::Audit => "newest action of its own",
        crate::domain::account::Signal::Seen => "last use",
    };
    Some(format!(
        "{what} of {whom} in {}: {}",
        seen.tenant,
        moment(seen.newest)
    ))
}

fn judgement(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    if let Some(made) = entry.payload::<event::LinkMade>() {
        let person = name(&made.person);
        let (directory, rule) = (&made.directory, made.rule.replace('-', " "));
        return Some(format!(
            "the account belongs to {person} of {directory} (by {rule})"
        ));
    }
    if let Some(withheld) = entry.payload::<event::LinkWithheld>() {
        return Some(format!(
            "to whom the account belongs in {} is not certain: {}",
            withheld.directory,
            lower(&code::says(withheld.because.as_str()))
        ));
    }
    if let Some(cut) = entry.payload::<event::LinkCut>() {
        return Some(format!(
            "the account belongs to nobody in {}",
            cut.directory
        ));
    }
    if let Some(said) = said(entry, name) {
        return Some(said);
    }
    if let Some(made) = entry.payload::<event::DecisionMade>() {
        return Some(decision(&made.decision));
    }
    if let Some(created) = entry.payload::<event::PlanCreated>() {
        return Some(format!(
            "plan {} of {} was made, good until {}",
            short(&created.digest),
            counted(created.count, "step"),
            moment(created.expires_at)
        ));
    }
    let by = by(entry, name);
    if let Some(approved) = entry.payload::<event::PlanApproved>() {
        let alone = if approved.self_approved {
            ", alone"
        } else {
            ""
        };
        let how = proof(&approved.proof);
        return Some(format!(
            "{by} approved plan {}{alone} ({how})",
            short(&approved.digest)
        ));
    }
    if let Some(rejected) = entry.payload::<event::PlanRejected>() {
        return Some(format!("{by} rejected plan {}", short(&rejected.digest)));
    }
    if let Some(kept) = entry.payload::<event::StepKept>() {
        return Some(format!(
            "{by} left the account out of a plan: it stays until {}, unless something new is found",
            moment(kept.until)
        ));
    }
    if entry.payload::<event::KeepLifted>().is_some() {
        return Some(format!(
            "{by} has the account planned again that a reviewer had left out"
        ));
    }
    if let Some(tripped) = entry.payload::<event::BreakerTripped>() {
        let brake = tripped.breaker;
        let scope = scope(&brake.scope);
        return Some(match brake.window.as_str() {
            "first-contact" => format!("the first plan for {scope} was stopped until a release"),
            window => format!(
                "a brake stopped the plan: {} to {}, and {} done within {} before, are more than the \
                 {} that are believed of {scope}",
                counted(brake.wanted, "account"),
                brake.does.as_str(),
                brake.done,
                self::window(window),
                brake.limit
            ),
        });
    }
    let released = entry.payload::<event::BreakerReleased>()?;
    let ramp = match released.first_contact.is_empty() {
        true => String::new(),
        false => format!(
            "; at most {} a day",
            counted(released.ramp_per_day, "account")
        ),
    };
    Some(format!(
        "{by} released plan {}{ramp}",
        short(&released.digest)
    ))
}

/// What people say about accounts.
fn said(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    let by = by(entry, name);
    if let Some(stated) = entry.payload::<event::LinkStated>() {
        let (person, directory) = (name(&stated.person), stated.directory);
        return Some(format!(
            "{by} says that the account belongs to {person} of {directory}"
        ));
    }
    if let Some(denied) = entry.payload::<event::LinkDenied>() {
        let (person, directory) = (name(&denied.person), denied.directory);
        return Some(format!(
            "{by} says that the account does not belong to {person} of {directory}"
        ));
    }
    if let Some(forgotten) = entry.payload::<event::LinkForgotten>() {
        return Some(format!(
            "{by} took back what was said about the account and {}",
            forgotten.directory
        ));
    }
    if entry.payload::<event::AttemptsCleared>().is_some() {
        return Some(format!(
            "{by} wants what failed for the account tried again"
        ));
    }
    if let Some(claimed) = entry.payload::<event::OrphanClaimed>() {
        return Some(format!(
            "{by} says who answers for the account, to be looked at again by {}",
            moment(claimed.until)
        ));
    }
    if let Some(accepted) = entry.payload::<event::OrphanAccepted>() {
        return Some(format!(
            "{by} accepted the account without a person until {}",
            moment(accepted.until)
        ));
    }
    entry.payload::<event::OrphanReleased>()?;
    Some(format!("{by} took back that the account may stay"))
}

/// Who acts, in words.
fn by(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> String {
    entry
        .actor
        .sub
        .as_ref()
        .map_or_else(|| "the program".to_owned(), name)
}

/// What is about to be sent, with what the account owned and who gets it.
fn intended(intent: &event::CommandIntended, name: &dyn Fn(&Subject) -> String) -> String {
    let what = match intent.does {
        Do::Transfer => "hand over what the account owns".to_owned(),
        Do::Revoke => "take a key of the account away".to_owned(),
        Do::Restore => "give the account back".to_owned(),
        does => format!("{} the account", does.as_str()),
    };
    let mut says = format!(
        "about to {what} in {} (attempt {}: {} {})",
        intent.tenant, intent.attempt, intent.method, intent.path
    );
    let owned: Vec<_> = intent
        .owned
        .iter()
        .map(|(kind, n)| format!("{n} {kind}{}", if *n == 1 { "" } else { "s" }))
        .collect();
    if !owned.is_empty() {
        says.push_str(&format!("; it owned {}", owned.join(", ")));
    }
    if let Some(successor) = &intent.successor {
        says.push_str(&format!("; {} takes over", name(successor)));
    }
    says
}

fn action(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    if let Some(intent) = entry.payload::<event::CommandIntended>() {
        return Some(intended(&intent, name));
    }
    if let Some(outcome) = entry.payload::<event::CommandOutcome>() {
        let word = match outcome.result {
            CommandResult::Done => "done",
            CommandResult::Already => "was so already",
            CommandResult::Refused => "refused",
            CommandResult::Failed => "not sent",
            CommandResult::Unknown => "no known outcome",
        };
        let status = outcome
            .status
            .map(|s| format!(", HTTP {s}"))
            .unwrap_or_default();
        let why = lower(&code::says(outcome.because.as_str()));
        let named = outcome
            .request_id
            .map(|id| format!(" (the provider calls it {id})"))
            .unwrap_or_default();
        return Some(format!("{word}{status}: {why}{named}"));
    }
    if let Some(settled) = entry.payload::<event::CommandSettled>() {
        let word = if settled.done {
            "it had happened"
        } else {
            "it had not happened"
        };
        return Some(format!(
            "the account was read back after the deadline: {word}"
        ));
    }
    if entry.payload::<event::CommandConfirmed>().is_some() {
        return Some("a later complete read of the tenant confirms it".to_owned());
    }
    if let Some(withheld) = entry.payload::<event::StepWithheld>() {
        let why = lower(&code::says(withheld.because.as_str()));
        return Some(format!("the planned step was not taken: {why}"));
    }
    None
}

fn person_seen(seen: &event::PersonObserved, whom: &str) -> String {
    let mut says = format!("{whom} was seen in the directory {}", seen.directory);
    let facts = &seen.facts;
    if let Some(how) = &facts.deleted_by {
        says.push_str(&format!(", only as deleted ({how})"));
    }
    if let Some(how) = &facts.disabled_by {
        says.push_str(&format!(", disabled ({how})"));
    }
    if let Some(how) = &facts.left_by {
        says.push_str(&format!(", left by its {how}"));
    }
    for (what, holds) in [
        ("in the leavers' unit", facts.in_leavers_unit),
        ("not in the group that is asked for", facts.outside_group),
    ] {
        if holds {
            says.push_str(&format!(", {what}"));
        }
    }
    for (what, when) in [
        ("disabled on", facts.disabled_at),
        ("deleted on", facts.deleted_at),
        ("leave date", facts.leave_at),
        ("account ends", facts.expires_at),
        ("recorded there", facts.recorded_at),
    ] {
        if let Some(when) = when {
            says.push_str(&format!(", {what} {}", moment(when)));
        }
    }
    if let Some(day) = facts.login_after {
        says.push_str(&format!(", LOGGED IN THERE AFTER THAT on {}", day.day()));
    }
    if facts.locked_for_a_while {
        says.push_str(", locked for a while after wrong passwords");
    }
    says
}

/// That somebody has not left after all, and what a named person says about leaving.
fn leaving(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    let whom = entry.sub.as_ref().map(name).unwrap_or_default();
    if let Some(withdrawn) = entry.payload::<event::DepartureWithdrawn>() {
        let facts: Vec<_> = withdrawn.facts.iter().map(|fact| strength(*fact)).collect();
        return Some(format!(
            "{whom} has not left {} after all: no more {}; what was begun because of it is called \
             off",
            withdrawn.directory,
            facts.join(", ")
        ));
    }
    let by = by(entry, name);
    if let Some(stated) = entry.payload::<event::LeaveStated>() {
        return Some(format!(
            "{by} says that {whom} leaves on {} ({})",
            moment(stated.at),
            proof(&stated.proof)
        ));
    }
    let withdrawn = entry.payload::<event::LeaveWithdrawn>()?;
    Some(format!(
        "{by} takes back that {whom} leaves, as entry #{} says ({})",
        withdrawn.stated,
        proof(&withdrawn.proof)
    ))
}

/// What says that somebody has left, in words.
pub fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Named => "word of a named person",
        Strength::LeaveDate => "leave date",
        Strength::Disabled => "disabled account",
        Strength::Expired => "end of the account",
        Strength::Attribute => "attribute that says so",
        Strength::Tombstone => "tombstone",
        Strength::LeaversUnit => "place among the leavers",
        Strength::LostGroup => "lost group",
        Strength::Absent => "absence",
    }
}

fn proof(proof: &str) -> &'static str {
    match proof {
        "signature" => "signed",
        _ => "not signed: the name is the one at the operating system",
    }
}

/// What the program notes about itself and its reads.
fn keeping(entry: &Entry, whom: &str) -> Option<String> {
    if let Some(opened) = entry.payload::<event::LedgerOpened>() {
        let word = if opened.sandbox {
            "the sandbox ledger"
        } else {
            "the ledger"
        };
        return Some(format!(
            "{word} {} was made by {}",
            opened.origin, opened.software
        ));
    }
    if let Some(made) = entry.payload::<event::BackupMade>() {
        return Some(format!(
            "the first {} entries were copied, with the vault and the keys: a backup",
            made.entries
        ));
    }
    if let Some(beat) = entry.payload::<event::LedgerHeartbeat>() {
        return Some(format!(
            "nothing had happened since the checkpoint of the first {} entries",
            beat.covered
        ));
    }
    if entry.payload::<event::ActorTookOver>().is_some() {
        return Some("a process took over the right to act".to_owned());
    }
    if let Some(started) = entry.payload::<event::RunStarted>() {
        return Some(format!("`exeunt {}` began", started.command));
    }
    if let Some(finished) = entry.payload::<event::RunFinished>() {
        return Some(format!("it ended with exit code {}", finished.exit));
    }
    if let Some(read) = entry.payload::<event::SourceRead>() {
        return Some(source_read(&read));
    }
    if entry.payload::<event::OperatorNamed>().is_some() {
        return Some(format!("{whom} acts here for the first time"));
    }
    let listed = entry.payload::<event::PlanListed>()?;
    let count = u64::try_from(listed.steps.len()).unwrap_or(u64::MAX);
    Some(format!(
        "{} of the plan that is about to be made",
        counted(count, "step")
    ))
}

fn source_read(read: &event::SourceRead) -> String {
    let (noun, one) = match read.kind {
        SourceKind::Directory => ("directory", "people"),
        SourceKind::Tenant => ("tenant", "accounts"),
    };
    let word = match read.verdict {
        Verdict::Complete => "completely",
        Verdict::Partial => "in part",
        Verdict::Failed => "without success",
        Verdict::Suspect => "whole, and is not believed",
    };
    let count = read
        .proof
        .as_ref()
        .map(|p| format!(", {} {one}", p.count))
        .unwrap_or_default();
    let server = read
        .proof
        .as_ref()
        .and_then(|p| p.server.as_ref())
        .map(|mark| format!(", from {}", server(mark)))
        .unwrap_or_default();
    let why = read_reasons(&read.because);
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {}", lower(&why))
    };
    let beside = read_beside(read);
    let beside = if beside.is_empty() {
        String::new()
    } else {
        format!(" ({})", beside.join(", "))
    };
    format!(
        "the {noun} {} was read {word}{count}{server}{beside}{why}",
        read.source
    )
}

/// A server with how far its record of changes had come.
fn server(mark: &ServerMark) -> String {
    match mark.change {
        Some(change) => format!("{} at change {change}", mark.name),
        None => mark.name.clone(),
    }
}

/// What else a read came to, in numbers, where they are worth a word.
fn read_beside(read: &event::SourceRead) -> Vec<String> {
    let mut beside = Vec::new();
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            beside.push(format!("{count} {what}"));
        }
    };
    say(read.missing.unwrap_or(0), "known and not seen");
    say(read.canaries_missing.unwrap_or(0), "canaries not seen");
    say(
        read.forbidden_present.unwrap_or(0),
        "seen who must not be seen",
    );
    if let Some(proof) = &read.proof {
        say(proof.without_key, "without a key");
        say(proof.referrals, "referrals not followed");
    }
    if let Some(rehearsal) = &read.rehearsal {
        say(rehearsal.new, "never seen before");
        say(rehearsal.departing, "more who have left by what it says");
    }
    beside
}

/// What people say beside approvals: the policy, halts, reads that are believed.
fn ruling(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    let by = by(entry, name);
    if let Some(proposed) = entry.payload::<event::PolicyProposed>() {
        let count = u64::try_from(proposed.loosens.len()).unwrap_or(u64::MAX);
        return Some(format!(
            "{by} proposed a policy that loosens {}",
            counted(count, "safeguard")
        ));
    }
    if let Some(adopted) = entry.payload::<event::PolicyAdopted>() {
        return Some(match adopted.unattended {
            true => "the policy of exeunt.toml was adopted: it loosens nothing".to_owned(),
            false => format!("{by} adopted the proposed policy"),
        });
    }
    if let Some(says) = lost::reopened(entry, &by) {
        return Some(says);
    }
    if let Some(released) = entry.payload::<event::ReadReleased>() {
        return Some(format!(
            "{by} says that the suspect read of {} is right",
            released.source
        ));
    }
    let whom = |tenant: &Option<SourceName>| {
        tenant
            .as_ref()
            .map_or_else(|| "every call".to_owned(), |t| format!("every call to {t}"))
    };
    if let Some(halt) = entry.payload::<event::HaltSet>() {
        let until = halt
            .until
            .map(|t| format!(" until {}", moment(t)))
            .unwrap_or_default();
        return Some(format!("{by} stopped {}{until}", whom(&halt.tenant)));
    }
    let lifted = entry.payload::<event::HaltLifted>()?;
    Some(format!("{by} let {} go on", whom(&lifted.tenant)))
}

/// A decision as a sentence.
pub fn decision(decision: &Decision) -> String {
    let finding = lower(&code::says(decision.because.as_str()));
    let mut beside = Vec::new();
    beside.extend(
        decision
            .policy
            .as_ref()
            .map(|policy| format!("policy {policy}")),
    );
    beside.extend(decision.since.map(|t| format!("since {}", moment(t))));
    let beside = match beside.is_empty() {
        true => String::new(),
        false => format!(" ({})", beside.join(", ")),
    };
    let blocked: Vec<_> = decision
        .blocked
        .iter()
        .map(|c| lower(&code::says(c.as_str())))
        .collect();
    let blocked = blocked.join("; ");
    let does = decision.does.map_or("act", |d| d.as_str());
    let rules = match decision.verdict {
        Ruling::Keep => "leave it as it is".to_owned(),
        Ruling::Wait => match decision.due {
            Some(due) => format!("{does} it on {} at the earliest", moment(due)),
            None => format!("{does} it later"),
        },
        Ruling::Warn => "warn the person".to_owned(),
        Ruling::Withhold if decision.does.is_none() => {
            return format!("decided: do nothing now, because {blocked}{beside}: {finding}");
        }
        Ruling::Act | Ruling::Withhold => format!("{does} it"),
    };
    let not_now = match decision.verdict {
        Ruling::Withhold => format!(", but NOT NOW: {blocked}"),
        _ => String::new(),
    };
    format!("decided: {rules}, because {finding}{beside}{not_now}")
}

/// The first digits of a digest, enough to name it.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A sentence of the list of codes inside another sentence.
fn lower(says: &str) -> String {
    let says = says.trim_end_matches('.');
    let mut letters = says.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
