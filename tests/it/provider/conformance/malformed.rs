//! Answers that are spoilt in every way: an error or "unknown", never a panic, never somebody gone
//! or silent who is not, never a change done that did not happen.
//!
//! `EXEUNT_MUTATIONS=10` takes ten times as many.

use std::sync::Arc;
use std::sync::Mutex;

use exeunt::domain::account::Signal;
use exeunt::domain::activity::ActivityState;
use exeunt::provider::AnswerVerdict;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::population::Prng;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;

use crate::provider::conformance::activity::Seen;
use crate::provider::conformance::changes::Staff;
use crate::provider::conformance::changes::go;
use crate::provider::conformance::changes::matcher;
use crate::provider::conformance::changes::wanted;
use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::house::is_plain;
use crate::provider::conformance::house::people;
use crate::provider::conformance::mutate::spoil;
use crate::provider::conformance::truth;

/// So many, or as many times more as the environment says.
fn times(usual: u64) -> u64 {
    let more = std::env::var("EXEUNT_MUTATIONS").map_or(1, |text| text.parse().unwrap());
    usual * more
}

/// Says which seed it was when the test goes down within it.
struct Attempt<'a> {
    name: &'a str,
    seed: u64,
    how: Arc<Mutex<String>>,
}

impl Attempt<'_> {
    fn about(&self) -> String {
        let how = self.how.lock().unwrap();
        format!("{}: seed {}: {how}", self.name, self.seed)
    }
}

impl Drop for Attempt<'_> {
    #[expect(clippy::print_stderr, reason = "the seed of a panic")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("panicked in {}", self.about());
        }
    }
}

/// Spoils the answer number `at` from now on, once.
fn arm<'a>(one: &'a One, seed: u64, at: u64) -> Attempt<'a> {
    let how = Arc::new(Mutex::new("untouched".to_owned()));
    let told_how = Arc::clone(&how);
    let mut left = at;
    one.proxy.as_ref().unwrap().set_hook(move |told| {
        if left == 0 {
            let mut random = Prng::new(seed);
            let what = spoil(&mut told.body, &mut random);
            let path: String = told.path.chars().take(80).collect();
            *told_how.lock().unwrap() = format!("{what} in {} {path}", told.method);
        }
        left = left.wrapping_sub(1);
    });
    Attempt {
        name: one.name(),
        seed,
        how,
    }
}

/// How many answers something takes.
async fn count<F: Future<Output = ()>>(one: &One, work: F) -> u64 {
    one.rehearsal.control.clear_requests();
    work.await;
    (one.rehearsal.control.requests().len() as u64).max(1)
}

#[track_caller]
fn none(name: &str, wrong: Vec<String>) {
    let first: Vec<_> = wrong.iter().take(12).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{name}: {}:\n{}",
        wrong.len(),
        first.join("\n")
    );
}

fn small() -> Population {
    Population {
        admins: 2,
        guests: 2,
        ldap_managed: 1,
        sso: 2,
        pending: 2,
        terminated: 2,
        audit_events: 40,
        ..Population::of(24, 200)
    }
}

#[tokio::test]
async fn spoilt_lists_and_walks_show_nobody_as_gone_silent_or_unprotected() {
    for (name, start) in cases() {
        let one = Plan::new(start, small()).proxied().hasty().open();
        let clean = Seen::of(&one).await.unwrap();
        let answers = count(&one, async {
            Seen::of(&one).await.unwrap();
        })
        .await;
        let mut wrong = Vec::new();
        let mut errors = 0;
        for seed in 0..times(700) {
            let attempt = arm(&one, seed, seed % answers);
            match Seen::of(&one).await {
                Err(_) => errors += 1,
                Ok(seen) => {
                    errors += usize::from(seen.walk.signals.iter().any(|s| !s.complete));
                    wrong.extend(compared(&clean, &seen, &attempt));
                }
            }
            drop(attempt);
            if seed % 100 == 99 {
                one.proxy.as_ref().unwrap().clear();
                one.listed().await;
            }
        }
        none(name, wrong);
        assert!(errors > 50, "{name}: only {errors} errors");
    }
}

/// What a spoilt read says that is not so.
fn compared(clean: &Seen, seen: &Seen, attempt: &Attempt<'_>) -> Vec<String> {
    let about = attempt.about();
    let mut wrong = Vec::new();
    let (was, is) = (clean.read.accounts.len(), seen.read.accounts.len());
    // ProjectPlace names no total: whoever is left out of a list is missed by nobody.
    if is < was && attempt.name != "projectplace" {
        wrong.push(format!("{about}: {is} of {was} are a whole list"));
    }
    for before in &clean.read.accounts {
        let Some(now) = seen.read.accounts.iter().find(|a| a.id == before.id) else {
            continue;
        };
        let silent = matches!(seen.judge(now), ActivityState::NoneSince { .. });
        // Where a login is not long ago, or hidden. What only the audit log shows of somebody
        // cannot be missed where the log cannot be read: logins alone prove silence by rule.
        let by_audit = |state: &ActivityState| match state {
            ActivityState::NoneSince { .. } => true,
            ActivityState::ActiveAt { signal, .. } => *signal == Signal::Audit,
            _ => false,
        };
        if silent && !by_audit(&clean.judge(before)) {
            let state = seen.judge(now);
            wrong.push(format!("{about}: {} is silent: {state:?}", before.id));
        }
        let lost = is_plain(now) && !is_plain(before);
        if lost && !is_undetectable(&about) {
            let was = &before.facts.protected;
            wrong.push(format!(
                "{about}: {} is not protected, was {was:?}",
                before.id
            ));
        }
    }
    wrong
}

/// A well-formed list with an item less says the same as one from which it was taken.
fn is_undetectable(about: &str) -> bool {
    let place = about.split(" in ").next().unwrap_or_default();
    let item = place.rsplit('/').next().unwrap_or_default();
    let of_list = item.parse::<u64>().is_ok();
    of_list && (place.contains("without") || place.contains("twice")) || place.contains(": [] at")
}

#[tokio::test]
async fn spoilt_answers_about_one_account_never_say_that_it_is_gone() {
    for (name, start) in cases() {
        let one = Plan::new(start, small()).proxied().hasty().open();
        let listed = one.listed().await;
        let mut wrong = Vec::new();
        let id = |seed: u64| &listed[usize::try_from(seed).unwrap() % listed.len()].id;
        let answers = count(&one, async {
            one.adapter.account(id(0)).await.unwrap();
        })
        .await;
        for seed in 0..times(200) {
            let attempt = arm(&one, seed, seed % answers);
            if let Ok(None) = one.adapter.account(id(seed / answers)).await {
                wrong.push(format!("{}: gone", attempt.about()));
            }
            let _ = one.adapter.owned(id(seed / answers)).await;
        }
        none(name, wrong);
    }
}

#[tokio::test]
async fn spoilt_answers_to_changes_are_never_taken_for_another_outcome() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(600)).proxied().hasty().open();
        let mut staff = Staff::of(&one).await;
        let ways = wanted(&one);
        let mut wrong = Vec::new();
        for seed in 0..times(200) {
            let does = ways[usize::try_from(seed / 2).unwrap() % ways.len()];
            let account = staff.next(&one, does).await;
            let (target, order, _) = go(&one, &account, &staff.heir, does, Some(0)).await;
            let order = order.unwrap();
            let address = account.email.as_deref().unwrap();
            let before = truth::standing(&one, address);
            let refused = seed % 2 == 1;
            if refused {
                let fault = Fault::Status {
                    status: 403,
                    body: None,
                };
                let rule = FaultRule::once(matcher(&one, &order), fault);
                one.rehearsal.control.add_fault(rule);
            }
            let attempt = arm(&one, seed, 0);
            let answer = one.adapter.execute(&target, &order).await;
            one.proxy.as_ref().unwrap().clear();
            one.rehearsal.control.clear_faults();
            let changed = truth::standing(&one, address) != before;
            use AnswerVerdict::Already;
            use AnswerVerdict::Done;
            use AnswerVerdict::Failed;
            use AnswerVerdict::Refused;
            let lies = match answer.verdict {
                Done | Already => refused,
                Refused | Failed => changed,
                AnswerVerdict::Unknown => false,
            };
            if lies {
                let about = attempt.about();
                wrong.push(format!("{about}: {does:?} ({}): {answer:?}", order.call));
            }
        }
        none(name, wrong);
    }
}

#[tokio::test]
async fn spoilt_answers_on_the_way_to_a_change_send_nothing_wrong() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(300)).proxied().hasty().open();
        let (people, heir) = one.staff().await;
        let ways = wanted(&one);
        let mut wrong = Vec::new();
        for seed in 0..times(100) {
            let does = ways[usize::try_from(seed).unwrap() % ways.len()];
            let account = &people[usize::try_from(seed).unwrap() % people.len()];
            let target = one.target(account, &heir);
            let attempt = arm(&one, seed, seed % 3);
            one.rehearsal.control.clear_requests();
            let next = one.adapter.prepare(&target, does).await;
            let about = attempt.about();
            if let Ok(exeunt::provider::Next::Send(order)) = &next {
                let text = order.request.text();
                let other = people
                    .iter()
                    .filter(|p| p.id != account.id && p.id != heir.id);
                let named = other
                    .filter(|p| p.id.len() > 8 && text.contains(&p.id))
                    .count();
                if named > 0 {
                    wrong.push(format!("{about}: names another: {text}"));
                }
            }
        }
        none(name, wrong);
    }
}

#[tokio::test]
async fn spoilt_token_answers_are_errors() {
    for (name, start) in cases() {
        for seed in 0..times(40) {
            let one = Plan::new(start, Population::of(3, 3))
                .proxied()
                .hasty()
                .open();
            let attempt = arm(&one, seed, 0);
            let read = one.read().await;
            if let Ok(read) = read {
                assert!(read.accounts.len() >= 3, "{}", attempt.about());
            }
            assert!(!name.is_empty());
        }
    }
}
