//! Every trigger against every block and stage, and what must hold for whatever comes in.

mod departures;
mod holds;
mod properties;
mod releases;
mod stages;
mod triggers;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::LinkFacts;
use crate::domain::decide::decide;
use crate::domain::event::CommandResult;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonFacts;
use crate::domain::policy::Approvals;
use crate::domain::policy::Capabilities;
use crate::domain::policy::Policy;
use crate::domain::policy::PolicySet;
use crate::domain::policy::Ring;
use crate::domain::policy::StepRule;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::LinkRow;
use crate::domain::rows::Mark;
use crate::domain::rows::NoticeMark;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::ReadRow;
use crate::domain::rows::SourceRow;
use crate::domain::rows::When;
use crate::domain::source::ReadMemory;
use crate::domain::source::SignalProof;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;

/// So many days before now (negative: after).
fn ago(days: i64) -> Time {
    now().plus_days(-days)
}

fn now() -> Time {
    Time::from_seconds(1_800_000_000)
}

fn name(text: &str) -> SourceName {
    SourceName::new(text)
}

fn read(seq: Seq, verdict: Verdict, rec: Time) -> ReadRow {
    ReadRow {
        seq,
        id: EntryId::new("read"),
        rec,
        verdict,
        because: Vec::new(),
        proof: None,
        missing: None,
    }
}

/// A source that was read to its end an hour ago, as entry 90.
fn source(source: &str, kind: SourceKind) -> SourceRow {
    let last = read(90, Verdict::Complete, now().plus_seconds(-3600));
    SourceRow {
        source: name(source),
        kind,
        complete: Some(last.clone()),
        last,
        first_complete: Some(5),
        activity: Vec::new(),
        released: Vec::new(),
        memory: ReadMemory::default(),
    }
}

fn proof(signal: Signal, horizon: Time, precision_s: Option<u64>) -> SignalProof {
    SignalProof {
        signal,
        complete: true,
        fault: None,
        horizon: Some(horizon),
        until: Some(now().plus_seconds(-3600)),
        precision_s,
        watermark: Some(1),
        pages: 1,
        events: 1,
    }
}

/// An old, active, plain account whose tenant has a log of a year to the hour, without a login.
fn facts() -> Facts {
    let mut tenant = source("portal", SourceKind::Tenant);
    tenant.activity = vec![proof(Signal::Login, ago(365), Some(3600))];
    Facts {
        account: AccountRow {
            subject: Subject::new("s_account"),
            tenant: name("portal"),
            first: 10,
            first_seen: ago(900),
            seq: 11,
            facts: AccountFacts {
                live_keys: 0,
                no_heir: false,
                future: BTreeSet::new(),
                state: AccountState::Active,
                kind: AccountKind::Human,
                protected: BTreeSet::new(),
                managed_by: None,
                created_at: Some(ago(1000)),
                address_verified: true,
                hidden: BTreeSet::new(),
            },
            disabled: None,
            named: None,
            gone: None,
            reappeared: None,
            enabled_again: None,
            cleared: None,
        },
        tenant,
        activity: None,
        links: Vec::new(),
        commands: Vec::new(),
        notices: Vec::new(),
        kept: Vec::new(),
        holds: Vec::new(),
        task: None,
        lost_holds: Vec::new(),
        previous: None,
        orphan: None,
        can: Capabilities {
            can: BTreeSet::from([Do::Disable, Do::Remove]),
        },
        called: None,
    }
}

fn logged_in(facts: &mut Facts, at: Time) {
    let mark = Mark { seq: 20, since: at };
    facts.activity = Some(ActivityRow {
        subject: facts.account.subject.clone(),
        newest: BTreeMap::from([(Signal::Login, mark)]),
    });
}

fn disabled_at(facts: &mut Facts, at: Time) {
    facts.account.facts.state = AccountState::Disabled;
    facts.account.disabled = Some(Mark { seq: 21, since: at });
}

fn person(subject: &str, directory: &str) -> PersonRow {
    PersonRow {
        subject: Subject::new(subject),
        directory: name(directory),
        first: 30,
        first_seen: ago(900),
        seq: 31,
        facts: PersonFacts::default(),
        disabled: None,
        signs: BTreeMap::new(),
        named: None,
        fell_away: None,
        withdrawn: None,
        missed: None,
        absent: None,
    }
}

/// An authoritative directory that lists everybody and has nobody for the account.
fn unlinked(directory: &str) -> LinkFacts {
    LinkFacts {
        directory: name(directory),
        source: Some(source(directory, SourceKind::Directory)),
        authoritative: true,
        lists_everybody: true,
        link: None,
        person: None,
        candidates: Vec::new(),
    }
}

fn linked(person: PersonRow) -> LinkFacts {
    let mut facts = unlinked(person.directory.as_str());
    facts.link = Some(LinkRow {
        account: Subject::new("s_account"),
        directory: person.directory.clone(),
        seq: 40,
        person: Some(person.subject.clone()),
        rule: Some("external-id".to_owned()),
        because: None,
        candidates: Vec::new(),
    });
    facts.person = Some(person);
    facts
}

fn doubtful(because: &str, candidates: Vec<PersonRow>) -> LinkFacts {
    let mut facts = unlinked("corp");
    facts.link = Some(LinkRow {
        account: Subject::new("s_account"),
        directory: name("corp"),
        seq: 41,
        person: None,
        rule: None,
        because: Some(Code::new(because)),
        candidates: candidates.iter().map(|p| p.subject.clone()).collect(),
    });
    facts.candidates = candidates;
    facts
}

fn disabled_person(directory: &str, at: Time) -> PersonRow {
    let mut row = person("s_person", directory);
    row.facts.disabled_by = Some("nsAccountLock".to_owned());
    row.disabled = Some(Mark { seq: 32, since: at });
    row
}

/// An account whose person was disabled in `corp` a day ago.
fn leaver_facts() -> Facts {
    let mut facts = facts();
    logged_in(&mut facts, ago(2));
    facts.links = vec![linked(disabled_person("corp", ago(1)))];
    facts
}

fn policy(when: When) -> Policy {
    let rule = |does, after_days| StepRule {
        does,
        after_days,
        substitute: None,
    };
    let inactive = when == When::Inactive;
    Policy {
        name: "rule".to_owned(),
        when,
        ring: Ring::Enforce,
        pilot_percent: 10,
        among: Default::default(),
        after_days: if inactive { 90 } else { 0 },
        notice_days: if inactive { vec![30, 7] } else { Vec::new() },
        steps: vec![rule(Do::Disable, 0), rule(Do::Remove, 30)],
        approvals: Approvals::default(),
        on: None,
    }
}

fn set(policies: &[Policy]) -> PolicySet {
    PolicySet {
        policies: policies.to_vec(),
        ..PolicySet::default()
    }
}

fn warned(facts: &mut Facts, marks: &[(i64, u64, &str)]) {
    let sent = marks.iter().map(|(days_ago, days, state)| NoticeMark {
        seq: 50,
        at: ago(*days_ago),
        days: *days,
        acts_at: ago(*days_ago).plus_days(*days as i64),
        state: (*state).to_owned(),
        mail: None,
        bounced: (*state == "bounced").then_some(51),
        reason: None,
    });
    facts.notices = vec![NoticeRow {
        account: facts.account.subject.clone(),
        policy: "rule".to_owned(),
        sent: sent.collect(),
        proceeded: None,
    }];
}

/// A command that is entry `seq`, with its outcome as the next entry.
fn command(seq: Seq, does: Do, at: Time, result: Option<CommandResult>) -> CommandRow {
    CommandRow {
        intent: EntryId::new(format!("intent-{seq}")),
        seq,
        account: Subject::new("s_account"),
        tenant: name("portal"),
        does,
        aim: None,
        class: Class::Inactive,
        directories: Vec::new(),
        plan: EntryId::new("plan"),
        step: 0,
        attempt: 1,
        call: String::new(),
        successor: None,
        at,
        deadline: at.plus_seconds(60),
        outcome: result.map(|result| (seq + 1, result, Code::new("call.done"))),
        settled: None,
        confirmed: None,
        lost: None,
    }
}

fn before(facts: &mut Facts, decision: Decision) {
    facts.previous = Some(DecisionRow {
        account: facts.account.subject.clone(),
        tenant: facts.account.tenant.clone(),
        seq: 60,
        id: EntryId::new("decision"),
        run: 59,
        decision,
    });
}

fn ruled(facts: &Facts, when: When) -> Decision {
    decide(facts, &set(&[policy(when)]), now())
}

fn blocked(decision: &Decision) -> Vec<&str> {
    decision.blocked.iter().map(Code::as_str).collect()
}
