//! The list of accounts is whole, or it is an error.

use std::collections::BTreeSet;

use exeunt::domain::source::Verdict;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::Value;

use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::house::judged;
use crate::provider::conformance::house::people;
use crate::provider::conformance::truth;

/// Fails unless everybody is listed exactly once, and nobody else.
pub(crate) async fn is_whole(one: &One) {
    let read = one.read().await;
    let read = read.unwrap_or_else(|e| panic!("{}: {e}", one.name()));
    let size = one.population.accounts as u64;
    assert_eq!(judged(&read, size, 0), Verdict::Complete, "{}", one.name());
    let ids: BTreeSet<_> = read.accounts.iter().map(|a| &a.id).collect();
    assert_eq!(
        ids.len(),
        read.accounts.len(),
        "{}: an id twice",
        one.name()
    );
    assert_eq!(read.proof.count, ids.len() as u64, "{}", one.name());
    let (mut seen, mut robots) = (BTreeSet::new(), 0);
    for account in &read.accounts {
        let address = account.email.clone().unwrap_or_default();
        if truth::is_robot(one.name(), &address) {
            robots += 1;
            continue;
        }
        assert!(
            seen.insert(address.clone()),
            "{}: {address} twice",
            one.name()
        );
    }
    assert!(robots <= 1, "{}: {robots} robots", one.name());
    let wanted = truth::addresses(&one.population);
    let lacks: Vec<_> = wanted.difference(&seen).take(5).collect();
    let strange: Vec<_> = seen.difference(&wanted).take(5).collect();
    assert!(
        lacks.is_empty() && strange.is_empty(),
        "{} of {size}: lacks {lacks:?}, has {strange:?}",
        one.name()
    );
}

async fn whole_at(size: usize) {
    for (_, start) in cases() {
        is_whole(&Plan::new(start, people(size)).open()).await;
    }
}

#[tokio::test]
async fn one_account_is_listed() {
    whole_at(1).await;
}

#[tokio::test]
async fn accounts_around_a_thousand_are_each_listed_once() {
    for size in [999, 1_000, 1_001] {
        whole_at(size).await;
    }
}

#[tokio::test]
async fn twenty_thousand_accounts_are_each_listed_once() {
    whole_at(20_000).await;
}

#[tokio::test]
async fn a_tenant_without_anybody_is_not_believed() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(0)).hasty().open();
        let Ok(read) = one.read().await else { continue };
        let robots = |e: &str| truth::is_robot(name, e);
        let people = read.accounts.iter().filter_map(|a| a.email.as_deref());
        let people: Vec<_> = people.filter(|e| !robots(e)).collect();
        assert!(people.is_empty(), "{name}: {people:?}");
        let only_robot = read.accounts.len() == 1;
        let verdict = judged(&read, 0, 0);
        assert!(
            only_robot || verdict == Verdict::Suspect,
            "{name}: {verdict:?}"
        );
    }
}

/// An answer that is well-formed and lists nobody.
fn emptied(value: &mut Value) {
    match value {
        Value::Array(items) => items.clear(),
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_lowercase();
                match value {
                    Value::Number(_) if name.contains("total") || name.contains("count") => {
                        *value = 0.into();
                    }
                    Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                        items.clear();
                    }
                    other => emptied(other),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn lists_that_say_that_nobody_is_there_are_not_believed() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(30)).proxied().hasty().open();
        is_whole(&one).await;
        one.proxy.as_ref().unwrap().set_hook(|told| {
            if let Ok(mut body) = serde_json::from_slice(&told.body) {
                emptied(&mut body);
                told.body = body.to_string().into_bytes();
            }
        });
        if let Ok(read) = one.read().await {
            assert_eq!(judged(&read, 0, 0), Verdict::Suspect, "{name}");
            assert_eq!(read.accounts, [], "{name}");
        }
    }
}

#[tokio::test]
async fn short_pages_and_false_totals_are_never_a_whole_list() {
    // ProjectPlace names no total: a page that is shorter looks like the last one, and only the
    // drop against what is known shows it.
    for (name, start) in cases() {
        let one = Plan::new(start, people(250)).hasty().open();
        let control = &one.rehearsal.control;
        is_whole(&one).await;
        let faults = [
            Fault::TotalTooHigh { by: 3 },
            Fault::ShortPage { by: 40 },
            Fault::Truncated,
            Fault::MalformedJson,
            Fault::EmptyBody,
            Fault::ErrorInside,
            Fault::Html { status: 200 },
        ];
        for fault in faults {
            for skip in 0..4 {
                control.clear_faults();
                let rule = FaultRule {
                    matcher: Matcher::default(),
                    skip,
                    times: Some(1),
                    fault: fault.clone(),
                };
                control.add_fault(rule);
                let Ok(read) = one.read().await else { continue };
                let missing = 250_u64.saturating_sub(read.proof.count);
                let unnamed = name == "projectplace" && matches!(fault, Fault::ShortPage { .. });
                let whole = missing == 0 || judged(&read, 250, missing) != Verdict::Complete;
                assert!(
                    whole || unnamed,
                    "{name}: {fault:?} at request {skip}: {missing} are missing"
                );
            }
        }
        control.clear_faults();
        is_whole(&one).await;
    }
}
