//! Slow tenants, interrupted reads, errors that pass, and tokens that end in the middle.

use std::time::Duration;

use exeunt::domain::account::Signal;
use exeunt::provider::ActivityRead;
use exeunt::provider::ProviderError;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::json;
use tokio::time::timeout;

use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::house::ms;
use crate::provider::conformance::house::people;
use crate::provider::conformance::listing::is_whole;

/// A signal, whether it was walked to its end, and the newest success by account.
type Walked = (Signal, bool, Vec<(String, String)>);

/// What a walk saw, without what differs from one to the next.
fn seen(walk: &ActivityRead) -> Vec<Walked> {
    let of = |signal: &Signal| {
        let accounts = walk.seen.get(signal).into_iter().flatten();
        let newest = accounts.map(|(id, s)| (id.clone(), format!("{:?}", s.newest)));
        newest.collect()
    };
    let signals = walk.signals.iter();
    signals
        .map(|s| (s.signal, s.complete, of(&s.signal)))
        .collect()
}

#[tokio::test]
async fn a_read_that_is_dropped_in_the_middle_leaves_nothing_behind() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(450)).open();
        let control = &one.rehearsal.control;
        let now = one.now();
        let whole = one.adapter.activity(&[], now, &|_| {}).await;
        control.set_latency(Some(ms(15)));
        let mut cut = 0;
        for after in [5, 20, 35, 50, 80] {
            cut += usize::from(timeout(ms(after), one.read()).await.is_err());
            let walk = one.adapter.activity(&[], now, &|_| {});
            cut += usize::from(timeout(ms(after), walk).await.is_err());
        }
        assert!(cut > 0, "{name}: nothing was cut");
        control.set_latency(None);
        is_whole(&one).await;
        let again = one.adapter.activity(&[], now, &|_| {}).await;
        assert_eq!(seen(&again), seen(&whole), "{name}");
    }
}

#[tokio::test]
async fn a_fresh_adapter_that_is_dropped_while_it_asks_for_a_token_still_gets_one() {
    for (_, start) in cases() {
        let mut one = Plan::new(start, people(30)).open();
        for after in [2, 8, 15, 25] {
            one.renew();
            one.rehearsal.control.set_latency(Some(ms(10)));
            let _ = timeout(ms(after), one.read()).await;
            one.rehearsal.control.set_latency(None);
            is_whole(&one).await;
        }
    }
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    for (_, start) in cases() {
        let one = Plan::new(start, people(250)).open();
        one.rehearsal.control.set_latency(Some(ms(60)));
        is_whole(&one).await;
    }
}

fn some(skip: u32, times: u32, fault: Fault) -> FaultRule {
    FaultRule {
        matcher: Matcher::default(),
        skip,
        times: Some(times),
        fault,
    }
}

#[tokio::test]
async fn reads_are_tried_again_after_errors_that_pass() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(250)).open();
        is_whole(&one).await;
        let control = &one.rehearsal.control;
        let status = |status| Fault::Status { status, body: None };
        let retry_after = Some(1);
        for fault in [status(503), Fault::Drop, Fault::TooMany { retry_after }] {
            control.clear_requests();
            control.add_fault(some(1, 2, fault.clone()));
            is_whole(&one).await;
            let hit = control
                .requests()
                .iter()
                .filter(|r| r.fault.is_some())
                .count();
            assert_eq!(hit, 2, "{name}: {fault:?}");
            control.clear_faults();
        }
    }
}

/// Ends the token in the tenant's own way, where it has tokens that end.
fn end_token(one: &One) -> bool {
    let control = ["expire_access", "revoke_tokens", "revoke_token"];
    let names: &[&str] = match one.name() {
        "alteryx" => &control[..1],
        "projectplace" | "port" => &control[1..],
        _ => &[],
    };
    let ended = names
        .iter()
        .filter(|name| one.rehearsal.control.call(name, json!({})).is_ok());
    ended.count() > 0
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_list_is_renewed() {
    for (name, start) in cases() {
        let mut one = Plan::new(start, people(450)).open();
        is_whole(&one).await;
        // Alteryx's adapter does not believe at once that a token which it has just had is refused.
        one.renew();
        one.rehearsal.control.set_latency(Some(ms(20)));
        let ends = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            end_token(&one)
        };
        let (read, ended) = tokio::join!(one.read(), ends);
        assert!(
            ended || ["docspace", "huwise", "scim"].contains(&name),
            "{name}: no token was ended"
        );
        let read = read.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(read.accounts.len() >= 450, "{name}");
        one.rehearsal.control.set_latency(None);
        is_whole(&one).await;
    }
}

#[tokio::test]
async fn a_refused_credential_is_said_and_never_an_empty_list() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(30)).hasty().open();
        is_whole(&one).await;
        for status in [401, 403] {
            let fault = Fault::Status { status, body: None };
            let rule = FaultRule::always(Matcher::default(), fault);
            one.rehearsal.control.add_fault(rule);
            let error = one.read().await.unwrap_err();
            let said = matches!(
                error,
                ProviderError::Credentials { .. }
                    | ProviderError::Token { .. }
                    | ProviderError::Rights { .. }
            );
            assert!(said, "{name}: {status}: {error}");
            let single = one.adapter.account(&"x".repeat(8)).await;
            assert!(single.is_err(), "{name}: {status}: {single:?}");
            one.rehearsal.control.clear_faults();
        }
        is_whole(&one).await;
    }
}
