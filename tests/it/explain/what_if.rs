//! Other days over a recorded history: two years in a ledger, counted once more without the program's
//! rules, and a short story with a real tenant.

use std::collections::BTreeMap;

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use serde_json::Value;

use crate::cli::stage::Stage;
use crate::explain::years::Account;
use crate::explain::years::DAY;
use crate::explain::years::READS;
use crate::explain::years::Years;
use crate::json::fits;

fn asked(ws: &crate::common::workspace::Workspace, args: &[&str]) -> Value {
    let args: Vec<_> = ["what-if"].iter().chain(args).copied().collect();
    let document = ws.json(&args);
    fits("what-if", &document);
    document
}

/// What one stretch of silence would have come to, in seconds since the first read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counted {
    disabled: i64,
    removed: Option<i64>,
    back: Option<i64>,
}

/// The first read at or after a moment.
fn read_from(at: i64) -> i64 {
    (at + DAY - 1).div_euclid(DAY).max(0) * DAY
}

/// Counts what would have become of an account by its logins alone: warned after all but thirty of
/// the days, disabled thirty days later, removed thirty days after that, each at a daily read; one
/// day is added to every silence, and one that ended in a step is followed by as many days of grace.
fn counted(account: &Account, days: i64) -> Vec<Counted> {
    let last = (READS - 1) * DAY;
    let mut found = Vec::new();
    let mut grace = 0;
    let mut starts = vec![None];
    starts.extend(account.logins.iter().copied().map(Some));
    for (n, start) in starts.iter().enumerate() {
        let next = account.logins.get(n).copied();
        let silent = (days - 30 + 1) * DAY;
        // a login counts up to the last second of the silence that is asked for
        let warned = start.map_or(silent, |at| read_from(at + silent + 1));
        let warned = warned.max(silent).max(read_from(grace));
        let disabled = warned + 30 * DAY;
        if disabled > last || next.is_some_and(|next| next <= disabled) {
            continue;
        }
        let removed = disabled + 30 * DAY;
        let removed =
            (removed <= last && next.is_none_or(|next| next > removed)).then_some(removed);
        let back = next.filter(|next| *next <= last);
        found.push(Counted {
            disabled,
            removed,
            back,
        });
        if removed.is_some() {
            break;
        }
        grace = disabled + (days + 1) * DAY;
    }
    found
}

#[test]
fn two_years_are_gone_through_in_two_seconds_and_counted_alike() {
    let years = Years::build();
    let taken = years.busy(&["what-if", "--after-days", "60", "--json"]);
    assert!(taken < 2.0, "{taken} seconds");
    let document = asked(&years.ws, &["--after-days", "60"]);
    assert_eq!(document["runs"], READS);
    for days in [60, 45, 120] {
        let days_text = days.to_string();
        let document = asked(&years.ws, &["--after-days", &days_text]);
        compare(&years, &document, days);
    }
    // the days of the policy that rules
    compare(&years, &asked(&years.ws, &[]), 90);
    let shown = years.ws.run(&["what-if", "--after-days", "60"]).exits(0);
    shown.says("60 instead of 90").says("TOO LATE");
}

#[track_caller]
fn compare(years: &Years, document: &Value, days: i64) {
    let mut by_account: BTreeMap<&str, Vec<Counted>> = BTreeMap::new();
    for item in document["items"].as_array().unwrap() {
        let at = |value: &Value| value.as_str().map(|text| years.seconds(text));
        by_account
            .entry(item["email"].as_str().unwrap())
            .or_default()
            .push(Counted {
                disabled: at(&item["disabled"]).unwrap(),
                removed: at(&item["removed"]),
                back: at(&item["came_back"]["at"]),
            });
    }
    let mut sums = [0, 0, 0, 0, 0];
    for account in &years.accounts {
        let want = counted(account, days);
        let got = by_account.remove(account.mail.as_str()).unwrap_or_default();
        assert_eq!(
            got, want,
            "{} after {days} days: {:?}",
            account.mail, account.logins
        );
        sums[0] += i64::from(!want.is_empty());
        sums[1] += want.len() as i64;
        sums[2] += want.iter().filter(|c| c.removed.is_some()).count() as i64;
        sums[3] += want.iter().filter(|c| c.back.is_some()).count() as i64;
        let late = |c: &&Counted| c.removed.is_some() && c.back.is_some();
        sums[4] += want.iter().filter(late).count() as i64;
    }
    assert!(by_account.is_empty());
    let said = &document["sums"];
    let names = [
        "accounts",
        "disabled",
        "removed",
        "came_back",
        "came_back_after_removal",
    ];
    assert_eq!(names.map(|name| said[name].as_i64().unwrap()), sums);
    assert!(
        sums.iter().all(|sum| *sum > 0),
        "nothing was tried: {sums:?}"
    );
}

#[test]
fn a_tenant_that_was_read_for_weeks() {
    let stage = Stage::read();
    let control = stage.story.docspace().control();
    for _ in 0..5 {
        stage.hours_later(7 * 24);
        stage.ws.run(&["sync"]).exits(0);
    }
    let henrik = cast(Role::Hidden).email;
    let id = control.find(henrik).unwrap().id;
    stage.hours_later(24);
    control.add_login(id, control.now() - chrono::TimeDelta::hours(3), 1029);
    stage.ws.run(&["sync"]).exits(0);
    let before = stage.entries();
    control.clear_requests();

    let document = asked(&stage.ws, &["--after-days", "60"]);
    let item = |who: Role| {
        let items = document["items"].as_array().unwrap().clone();
        let email = cast(who).email;
        items.into_iter().find(|i| i["email"] == email)
    };
    // nobody who used the account, and nobody who is protected or managed elsewhere
    for who in [
        Role::Active,
        Role::Owner,
        Role::Admin,
        Role::LdapManaged,
        Role::KeyUser,
    ] {
        assert_eq!(item(who), None);
    }
    let idle = item(Role::Idle).unwrap();
    assert_eq!(
        (&idle["policy"], &idle["came_back"]),
        (&"idle".into(), &Value::Null)
    );
    let back = item(Role::Hidden).unwrap();
    // warned on 2 March, thirty days of notice, read weekly
    assert!(back["disabled"].as_str().unwrap().starts_with("2026-04-06"));
    assert_eq!(back["came_back"]["how"], "used");
    let leaver = item(Role::AlreadyDisabled).unwrap();
    assert_eq!(leaver["policy"], "leavers");
    assert!(
        leaver["disabled"]
            .as_str()
            .unwrap()
            .starts_with("2026-03-02")
    );
    // it only reads, and asks nobody
    assert_eq!(stage.entries(), before);
    assert_eq!(control.requests().len(), 0);

    let only = asked(&stage.ws, &["--after-days", "60", "--policy", "leavers"]);
    assert_eq!(only["sums"]["disabled"], 0, "60 days after they have left");
    let text = stage
        .ws
        .read("exeunt.toml")
        .replace("after_days = 90", "after_days = 60");
    stage.ws.write("other.toml", &text);
    let other = asked(&stage.ws, &["--rules", "other.toml"]);
    assert_eq!(other["items"], document["items"]);
    let wrong = ["what-if", "--after-days", "20"];
    stage.ws.run(&wrong).exits(64).says("a notice of 30 days");
    let wrong = ["what-if", "--policy", "other"];
    stage.ws.run(&wrong).exits(64).says("`other`");
}

#[test]
fn what_was_really_done_hides_what_would_have_come() {
    let stage = Stage::ready();
    stage.ws.run(&["apply", "plan.json"]).exits(0);
    // under the same rules it would have been done as well
    let same = asked(&stage.ws, &[]);
    assert_eq!(
        (&same["hidden"], &same["sums"]["disabled"]),
        (&0.into(), &1.into())
    );
    let later = asked(&stage.ws, &["--policy", "leavers", "--after-days", "100"]);
    assert_eq!(
        (&later["hidden"], &later["sums"]["disabled"]),
        (&1.into(), &0.into())
    );
    let args = ["what-if", "--policy", "leavers", "--after-days", "100"];
    stage
        .ws
        .run(&args)
        .exits(0)
        .says("1 account was really disabled or removed");
}
