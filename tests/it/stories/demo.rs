//! `exeunt demo` to its end: who is gone, who is disabled, and that nobody else was touched, by its
//! ledgers and by what the tenants themselves show.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::five::BEN;
use exeunt::sandbox::five::IVO;
use exeunt::sandbox::five::KAI;
use exeunt::sandbox::five::LIN;
use exeunt::sandbox::five::MARTA;
use exeunt::sandbox::five::NORA;
use exeunt::sandbox::five::RUI;
use exeunt::sandbox::five::SAM;
use exeunt::sandbox::five::TOM;
use exeunt::sandbox::five::VERA;
use serde_json::Value;

use crate::common::workspace::Workspace;
use crate::common::workspace::copy;
use crate::common::workspace::finish;

const DEMO: [&str; 3] = ["demo", "--dir", "demo"];

/// Who loses access in the first part: the two who have left, and the two whom nobody uses.
const OUT: [Role; 4] = [
    Role::AlreadyDisabled,
    Role::Leaver,
    Role::Idle,
    Role::FailedOnly,
];

/// Who is removed in the second part, and where.
const GONE: [(&str, &str); 6] = [
    ("catalogue", KAI),
    ("data", RUI),
    ("lab", LIN),
    ("lab", TOM),
    ("studio", IVO),
    ("studio", MARTA),
];

/// The state of each account by tenant and address.
type States = BTreeMap<(String, String), String>;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn entries(ws: &Workspace, toml: &str) -> Vec<Value> {
    ws.items(&["-C", toml, "log", "--from", "0", "--limit", "1000000"])
}

fn of<'a>(entries: &'a [Value], kind: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
    entries.iter().filter(move |e| e["type"] == kind)
}

/// The accounts as they were before the first call.
fn before(ws: &Workspace, toml: &str) -> States {
    let entries = entries(ws, toml);
    let first = of(&entries, "command.intended").next().unwrap();
    let position = first["seq"].as_u64().unwrap() - 1;
    states(ws, toml, Some(&position.to_string()))
}

/// The accounts as a ledger has them, at a position or now.
fn states(ws: &Workspace, toml: &str, position: Option<&str>) -> States {
    let mut args = vec!["-C", toml, "accounts"];
    args.extend(position.iter().flat_map(|at| ["--as-of", at]));
    let items = ws.items(&args);
    let states: States = items
        .iter()
        .map(|a| ((text(&a["tenant"]), text(&a["email"])), text(&a["state"])))
        .collect();
    assert_eq!(states.len(), items.len(), "two accounts under one name");
    states
}

/// What is there at the end where some accounts have changed and all others are as they were.
fn changed<'a>(
    mut states: States,
    changes: impl IntoIterator<Item = (&'a str, &'a str)>,
    to: &str,
) -> States {
    for (tenant, email) in changes {
        let state = states.get_mut(&(tenant.to_owned(), email.to_owned()));
        to.clone_into(state.unwrap());
    }
    states
}

/// Each call by what it did, where and to whom; every one was done.
fn calls(ws: &Workspace, toml: &str) -> Vec<(String, String, String)> {
    let accounts = ws.items(&["-C", toml, "accounts"]);
    let who: BTreeMap<_, _> = accounts
        .iter()
        .map(|a| (text(&a["subject"]), text(&a["email"])))
        .collect();
    let entries = entries(ws, toml);
    let outcomes: Vec<_> = of(&entries, "command.outcome").collect();
    let mut calls: Vec<_> = of(&entries, "command.intended")
        .map(|intent| {
            let own = outcomes.iter().filter(|o| o["cause"] == intent["id"]);
            let results: Vec<_> = own.map(|o| text(&o["data"]["result"])).collect();
            assert_eq!(results, ["done"], "{intent}");
            let data = &intent["data"];
            let email = who[&text(&intent["sub"])].clone();
            (text(&data["do"]), text(&data["tenant"]), email)
        })
        .collect();
    calls.sort();
    calls
}

/// The last word of each tenant came after the last call, is complete, and counts as many accounts
/// as the ledger has for it.
fn the_tenants_say_the_same(ws: &Workspace, toml: &str, end: &States) {
    let entries = entries(ws, toml);
    let last_call = of(&entries, "command.outcome").last().unwrap();
    let mut tenants: Vec<_> = end.keys().map(|(tenant, _)| tenant).collect();
    tenants.dedup();
    for tenant in tenants {
        let reads = of(&entries, "source.read");
        let mut own = reads.filter(|e| e["data"]["source"] == tenant.as_str());
        let last = own.next_back().unwrap();
        assert!(last["seq"].as_u64() > last_call["seq"].as_u64(), "{tenant}");
        assert_eq!(last["data"]["verdict"], "complete", "{tenant}");
        let there = end.iter().filter(|((t, _), s)| t == tenant && *s != "gone");
        assert_eq!(last["data"]["proof"]["count"], there.count(), "{tenant}");
    }
}

/// What another ledger, made now, sees in the tenant of the demo's first part.
fn seen_by_another(ws: &Workspace) -> States {
    let other = Workspace::new();
    for file in ["exeunt.toml", "portal.token", "directory.password"] {
        copy(&ws.path(&format!("demo/{file}")), &other.path(file));
    }
    other.run(&["init"]).exits(0);
    other.run(&["sync"]).exits(0);
    states(&other, "exeunt.toml", None)
}

/// Waits for a file that the demo makes.
fn appears(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(300), "no {}", path.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn those_of_the_story_are_out_and_nobody_else_was_touched() {
    let ws = Workspace::new();
    let five = ws.path("demo/five");
    std::fs::create_dir_all(&five).unwrap();
    // The second part waits for its head until the tenant of the first has been looked at.
    let held = File::create(five.join("exeunt.head.lock")).unwrap();
    held.lock().unwrap();
    let demo = ws.start(&DEMO);
    appears(&five.join("exeunt.toml"));
    let seen = seen_by_another(&ws);
    held.unlock().unwrap();
    finish(demo, &DEMO).exits(0);

    for toml in ["demo/exeunt.toml", "demo/five/exeunt.toml"] {
        ws.run(&["-C", toml, "verify"]).exits(0).says("good:");
        ws.run(&["-C", toml, "rebuild"]).exits(0);
    }
    first_part(&ws, &seen);
    second_part(&ws);
}

fn first_part(ws: &Workspace, seen: &States) {
    let toml = "demo/exeunt.toml";
    let out = OUT.map(|role| ("portal", cast(role).email));
    let before = before(ws, toml);
    assert_eq!(before.len(), 13);
    let end = changed(before, out, "disabled");
    assert_eq!(states(ws, toml, None), end);
    assert_eq!(*seen, end, "the tenant itself");
    the_tenants_say_the_same(ws, toml, &end);
    let mut wanted = out.map(|(at, who)| ("disable".to_owned(), at.to_owned(), who.to_owned()));
    wanted.sort();
    assert_eq!(calls(ws, toml), wanted);
}

fn second_part(ws: &Workspace) {
    let toml = "demo/five/exeunt.toml";
    let before = before(ws, toml);
    assert_eq!(before.len(), 21);
    let end = changed(before, GONE, "gone");
    assert_eq!(states(ws, toml, None), end);
    the_tenants_say_the_same(ws, toml, &end);
    for (at, who) in [
        ("studio", NORA),
        ("studio", SAM),
        ("lab", VERA),
        ("rooms", BEN),
    ] {
        assert_eq!(end[&(at.to_owned(), who.to_owned())], "active", "{who}");
    }
    let removals = GONE.map(|(at, who)| ("remove", at, who));
    let others = [
        ("transfer", "lab", LIN),
        ("transfer", "lab", TOM),
        ("disable", "rooms", BEN),
        ("restore", "rooms", BEN),
    ];
    let mut wanted: Vec<_> = removals
        .into_iter()
        .chain(others)
        .map(|(does, at, who)| (does.to_owned(), at.to_owned(), who.to_owned()))
        .collect();
    wanted.sort();
    assert_eq!(calls(ws, toml), wanted);
}
