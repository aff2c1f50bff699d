//! The list of accounts is whole, or it is an error.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use exeunt::domain::account::Protection;
use exeunt::domain::source::Verdict;
use exeunt::provider::AccountsRead;
use exeunt::provider::ProviderError;
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
        match (name, one.read().await) {
            // Whose credential it is, is not there either.
            ("alteryx" | "docspace" | "huwise", Err(ProviderError::Credentials { .. })) => {}
            ("projectplace", Err(ProviderError::NotWhole { fault, .. })) => {
                assert_eq!(fault, "read.empty", "{name}");
            }
            // The credential itself is an account, and the only one.
            ("port", Ok(read)) => {
                let [only] = read.accounts.as_slice() else {
                    panic!("{name}: {read:?}");
                };
                let address = only.email.clone().unwrap_or_default();
                assert!(truth::is_robot(name, &address), "{name}: {address}");
                let own = only.facts.protected.contains(&Protection::OwnCredential);
                assert!(own, "{name}: {only:?}");
            }
            ("scim", Ok(read)) => {
                assert_eq!(read.accounts, [], "{name}");
                assert_eq!(judged(&read, 0, 0), Verdict::Suspect, "{name}");
            }
            (_, other) => panic!("{name}: {other:?}"),
        }
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

/// Who of the tenant is not in a list, by the tenant itself.
fn missing(one: &One, read: &AccountsRead) -> Vec<String> {
    let seen: BTreeSet<_> = read
        .accounts
        .iter()
        .filter_map(|a| a.email.clone())
        .collect();
    let wanted = truth::addresses(&one.population);
    wanted.difference(&seen).cloned().collect()
}

/// What spoils a list, from a request on: that one alone, or all that follow.
struct Spoilt {
    fault: Fault,
    skip: u32,
    times: Option<u32>,
}

fn spoilt() -> Vec<Spoilt> {
    let faults = [
        Fault::TotalTooHigh { by: 3 },
        Fault::ShortPage { by: 1 },
        Fault::ShortPage { by: 40 },
        Fault::ShortPage { by: 1_000 },
        Fault::Truncated,
        Fault::MalformedJson,
        Fault::EmptyBody,
        Fault::ErrorInside,
        Fault::Html { status: 200 },
    ];
    let mut all = Vec::new();
    for fault in faults {
        for times in [Some(1), None] {
            for skip in 0..6 {
                let fault = fault.clone();
                all.push(Spoilt { fault, skip, times });
            }
        }
    }
    all
}

/// What no list of a provider can show by itself: only the drop against what is known does.
fn is_unseen(name: &str, spoilt: &Spoilt) -> bool {
    // ProjectPlace names no total: an empty page looks like the one behind the last.
    name == "projectplace" && spoilt.fault == Fault::ShortPage { by: 1_000 }
}

#[tokio::test]
async fn short_pages_and_false_totals_are_never_a_whole_list() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(250)).hasty().open();
        let control = &one.rehearsal.control;
        is_whole(&one).await;
        let (mut hit, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for spoilt in spoilt() {
            let Spoilt { fault, skip, times } = &spoilt;
            let about = format!("{name}: {fault:?} at request {skip}, {times:?} times");
            control.clear_faults();
            control.clear_requests();
            control.add_fault(FaultRule {
                matcher: Matcher::default(),
                skip: *skip,
                times: *times,
                fault: fault.clone(),
            });
            let read = one.read().await;
            let was_hit = control.requests().iter().any(|r| r.fault.is_some());
            *hit.entry(format!("{fault:?}")).or_insert(0) += usize::from(was_hit);
            // What is known and missing is left out: the read alone must show it.
            let complete = read.ok().filter(|r| judged(r, 250, 0) == Verdict::Complete);
            *refused.entry(format!("{fault:?}")).or_insert(0) += usize::from(complete.is_none());
            let Some(read) = complete else { continue };
            let lacks = missing(&one, &read);
            assert!(
                lacks.is_empty() || is_unseen(name, &spoilt),
                "{about}: a whole list lacks {}: {:?}",
                lacks.len(),
                lacks.first()
            );
        }
        for (fault, hits) in &hit {
            assert!(*hits > 0, "{name}: {fault} spoilt nothing");
        }
        for (fault, count) in &refused {
            // ProjectPlace names no total, so that there is none to be false.
            let excused = name == "projectplace" && fault.starts_with("TotalTooHigh");
            assert!(*count > 0 || excused, "{name}: {fault} was never refused");
        }
        control.clear_faults();
        is_whole(&one).await;
    }
}
