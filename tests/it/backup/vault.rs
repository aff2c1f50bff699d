//! The vault is lost, or an older copy of it was put back, or no key opens it: what goes on, and what
//! is never taken for "everybody has left".

use std::fs;
use std::path::Path;

use exeunt::sandbox::docspace::Status;
use serde_json::Value;

use super::lose;
use super::names;
use super::place;
use super::put_back;
use crate::attack::firm::key;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::json::fits;
use crate::stories::plot::Plot;
use crate::stories::plot::mail;

/// Amy and Ben work there; everything is known of them.
fn peopled(approvals: u8) -> Plot {
    let plot = Plot::start(approvals);
    for name in ["amy", "ben"] {
        join(&plot, name);
    }
    plot.sync();
    plot
}

fn join(plot: &Plot, name: &str) {
    plot.account(name);
    plot.employ(name);
    plot.hired(name, "");
}

fn leaves(plot: &Plot, name: &str) {
    plot.change(name, |one| one.disabled = true);
    plot.hired(name, "2026-03-02");
}

fn reopen(ws: &Workspace, more: &[&str]) -> Ran {
    let args = [&["reopen", "--reason", "disk lost"], more].concat();
    ws.run(&args)
}

/// The number that has to be typed.
fn number(refused: &Ran) -> String {
    let text = refused.screen();
    let (_, rest) = text.split_once("--confirm ").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// An approver gives up what is lost.
#[track_caller]
fn given_up(ws: &Workspace, more: &[&str]) -> Value {
    let refused = reopen(ws, more).exits(5);
    let number = number(&refused.says("lost for ever"));
    let confirmed = [more, &["--confirm", &number, "--json"]].concat();
    let done = reopen(ws, &confirmed).exits(0).json();
    fits("reopen", &done);
    done
}

/// The policy is adopted anew, and the first plan is let through.
fn adopt(plot: &Plot) {
    plot.ws.run(&["sync"]);
    plot.control().advance(3600);
    plot.ws
        .run(&["policy", "approve", "--reason", "looked at it"])
        .exits(0);
}

fn release(plot: &Plot) {
    let digest = plot.plans()[0]["digest"].as_str().unwrap().to_owned();
    plot.ws
        .run(&["breaker", "release", &digest, "--reason", "looked at it"])
        .exits(0);
}

fn decision(plot: &Plot, name: &str) -> Value {
    let made = plot.about("decision.made", &mail(name));
    made.last()
        .map(|entry| entry["data"]["decision"].clone())
        .unwrap_or_default()
}

#[test]
fn a_lost_vault_goes_on_by_the_word_of_an_approver_and_nobody_has_left() {
    let plot = peopled(0);
    let ws = &plot.ws;
    reopen(ws, &["--vault"]).exits(64).says("nothing to reopen");
    ws.run(&["backup", "--out", "copy"]).exits(0);
    let before = ws.entries().len();
    lose(ws, &["vault"]);

    for command in [&["run"][..], &["sync"], &["departed"]] {
        ws.run(command).exits(21).says("exeunt reopen --vault");
    }
    reopen(ws, &["--vault", "--confirm", "1"])
        .exits(5)
        .says("not of 1");
    assert_eq!(ws.entries().len(), before, "nothing was appended");
    let done = given_up(ws, &["--vault"]);
    assert_eq!(done["origin"], "house.example/exeunt");
    assert!(done["vault"]["people"].as_u64() > Some(3), "{done}");

    let verified = ws.run(&["verify"]).exits(0);
    verified
        .says("another vault from entry")
        .says_not("copy of");
    ws.run(&["rebuild"]).exits(0);
    ws.run(&["log"])
        .exits(0)
        .says("let the ledger go on with a new vault");
    ws.run(&["status"])
        .says("it goes on with another vault since");
    fits("status", &ws.json(&["status"]));
    // a copy of before is taken no more
    let now = fs::read(ws.path("exeunt-vault.db")).unwrap();
    put_back(ws, "copy", &["exeunt.db", "exeunt.head", "kek", "log.key"]);
    ws.run(&["sync"]).exits(21).says("is not the one");
    fs::write(ws.path("exeunt-vault.db"), now).unwrap();

    // nobody is missed, and nobody leaves because of it
    plot.control().clear_requests();
    for _ in 0..3 {
        ws.run(&["run"]);
        plot.days(1);
    }
    let since = ws.entries_since(before);
    let kinds: Vec<_> = since.iter().map(|e| e["type"].as_str().unwrap()).collect();
    for never in ["person.missed", "person.absent", "account.gone"] {
        assert!(!kinds.contains(&never), "{never}");
    }
    let changes = plot.control().requests();
    assert!(changes.iter().all(|r| r.method == "GET"), "{changes:?}");

    // the policy is adopted anew, and the first plan waits as in the beginning
    adopt(&plot);
    leaves(&plot, "ben");
    ws.run(&["run"]).exits(5).says("first plan");
    assert_eq!(plot.status("ben"), Status::Active);
    release(&plot);
    plot.run();
    assert_eq!(plot.status("ben"), Status::Terminated);
    assert_eq!(plot.status("amy"), Status::Active);
    let why = ws.json(&["why", &mail("ben")]);
    assert_eq!(why["accounts"][0]["decision"]["again"], "same");
    ws.run(&["verify"]).exits(0);
    ws.run(&["rebuild"]).exits(0);
    ws.run(&["backup", "--out", "copy-2"]).exits(0);
}

#[test]
fn a_vault_of_yesterday_costs_those_who_came_since() {
    let plot = peopled(0);
    let ws = &plot.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);
    plot.days(1);
    join(&plot, "cat");
    plot.sync();
    ws.run(&[
        "leave",
        &mail("cat"),
        "--at",
        "2026-05-01",
        "--reason",
        "says so",
    ])
    .exits(0);
    lose(ws, &["vault"]);
    put_back(ws, "copy", &["exeunt.db", "exeunt.head", "kek", "log.key"]);
    ws.run(&["sync"]).exits(21).says("older copy");

    let done = given_up(ws, &["--vault"]);
    // Cat in both directories, and her account
    let lost = &done["vault"];
    assert_eq!(
        (&lost["people"], &lost["accounts"]),
        (&2.into(), &1.into()),
        "{done}"
    );
    let words = lost["leaves"].as_u64().unwrap();
    assert!(words >= 1, "{done}");
    let status = ws.run(&["status"]);
    status.says("LEAVERS WHO ARE LOST");
    let status = ws.json(&["status"]);
    assert_eq!(
        status["vault_lost"]["leaves"].as_array().unwrap().len() as u64,
        words
    );
    // those whom the copy knows are who they were
    let before = plot.about("person.observed", &mail("amy"));
    assert!(!before.is_empty());
    ws.run(&["verify"]).exits(0);
    plot.sync();
    assert_eq!(plot.about("person.observed", &mail("amy")), before);
    assert_eq!(plot.about("person.missed", &mail("amy")).len(), 0);
    // she is somebody new, who has not left; her account has its own history from here on
    let cat = ws.json(&["why", &mail("cat")]);
    assert_eq!(cat["accounts"].as_array().unwrap().len(), 1, "{cat}");
    leaves(&plot, "cat");
    ws.run(&["run"]).exits(5).says("first plan");
    release(&plot);
    plot.run();
    assert_eq!(plot.status("cat"), Status::Terminated);
    ws.run(&["verify"]).exits(0);
    ws.run(&["rebuild"]).exits(0);
}

#[test]
fn a_hold_over_somebody_who_is_lost_holds_everybody_who_could_be_meant() {
    let plot = peopled(0);
    let ws = &plot.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);
    for name in ["cat", "dan"] {
        join(&plot, name);
    }
    plot.sync();
    let hold = |who: &str| {
        ws.run(&[
            "hold",
            "add",
            &mail(who),
            "--kind",
            "manual",
            "--until",
            "2026-04-01",
            "--owner",
            "Ida Holm",
            "--reason",
            "a case",
        ])
    };
    hold("cat").exits(0);
    lose(ws, &["vault"]);
    put_back(ws, "copy", &["exeunt.db", "exeunt.head", "kek", "log.key"]);
    assert_eq!(given_up(ws, &["--vault"])["vault"]["holds"], 1);
    ws.run(&["status"]).says("HOLDS OVER SOMEBODY WHO IS LOST");
    let list = ws.json(&["hold", "list"]);
    fits("hold-list", &list);
    assert_eq!(list["items"][0]["unresolved"], true);
    assert!(list["items"][0]["over"][0]["lost_by"].is_u64(), "{list}");
    ws.run(&["hold", "list"]).says("LOST WITH THE VAULT");

    // Cat and Dan are both new again; Amy and Ben are certainly somebody else
    for name in ["amy", "cat", "dan"] {
        leaves(&plot, name);
    }
    ws.run(&["run"]).exits(5);
    let release_first = || release(&plot);
    release_first();
    ws.run(&["run"]);
    assert_eq!(plot.status("amy"), Status::Terminated);
    for name in ["cat", "dan"] {
        assert_eq!(plot.status(name), Status::Active, "{name}");
        let blocked = &decision(&plot, name)["blocked"];
        assert_eq!(
            blocked,
            &serde_json::json!(["block.hold-unresolved"]),
            "{name}"
        );
        let why = ws.json(&["why", &mail(name)]);
        assert_eq!(why["accounts"][0]["decision"]["again"], "same", "{name}");
    }
    let findings = ws.json(&["findings"]);
    fits("findings", &findings);
    let text = findings.to_string();
    assert!(text.contains("finding.hold-unresolved"), "{text}");

    // an approver has looked: it was Cat
    hold("cat").exits(0);
    let old = list["items"][0]["id"].to_string();
    ws.run(&["hold", "lift", &old, "--reason", "it was Cat"])
        .exits(0);
    plot.control().advance(3600);
    ws.run(&["run"]);
    for plan in plot.plans() {
        let digest = plan["digest"].as_str().unwrap();
        ws.run(&["breaker", "release", digest, "--reason", "looked at it"]);
    }
    ws.run(&["run"]);
    assert_eq!(plot.status("cat"), Status::Active);
    assert_eq!(plot.status("dan"), Status::Terminated);
    assert_eq!(
        decision(&plot, "cat")["blocked"],
        serde_json::json!(["block.hold-manual"])
    );
    ws.run(&["verify"]).exits(0);
}

#[test]
fn where_the_key_is_lost_two_people_still_have_to_agree() {
    let plot = peopled(0);
    let ws = &plot.ws;
    let (ada, bea) = (key(&ws.path("ada.pem")), key(&ws.path("bea.pem")));
    let approver =
        |name: &str, key: &str| format!("[[approver]]\nname = \"{name}\"\nkey = \"{key}\"\n");
    let policy = ws.read("exeunt.toml");
    ws.write(
        "exeunt.toml",
        &format!(
            "{policy}\n{}{}",
            approver("Ada", &ada),
            approver("Bea", &bea)
        ),
    );
    plot.ws.run(&["sync"]).exits(0);
    let signed = |args: &[&str], key: &str| {
        let key = ws.path(key);
        ws.run(&[args, &["--key", key.to_str().unwrap()]].concat())
    };
    signed(
        &["policy", "approve", "--reason", "two from now on"],
        "ada.pem",
    );
    fs::remove_file(ws.path("keys/kek")).unwrap();
    ws.run(&["sync"]).exits(21);

    let refused = reopen(ws, &["--vault"]).exits(5);
    let number = number(&refused);
    let give_up = [
        "reopen",
        "--vault",
        "--reason",
        "lost",
        "--confirm",
        &number,
    ];
    ws.run(&give_up).exits(5).says("sign with --key");
    signed(&give_up, "ada.pem").exits(0);
    ws.run(&["verify"]).exits(0);
    let entries = ws.entries_of("ledger.reopened");
    assert_eq!(entries[0]["data"]["proof"], "signature");
    // what no key opened lies beside the new one
    let seq = entries[0]["seq"].to_string();
    assert!(ws.path(&format!("exeunt-vault.db.before-{seq}")).exists());
    assert!(ws.path("keys/kek").exists());

    // nothing is sent before the policy was adopted anew, by one who did not propose it
    leaves(&plot, "ben");
    plot.control().clear_requests();
    ws.run(&["run"]);
    plot.control().advance(3600);
    for plan in plot.plans() {
        let digest = plan["digest"].as_str().unwrap();
        let args = ["breaker", "release", digest, "--reason", "looked at it"];
        signed(&args, "ada.pem");
    }
    ws.run(&["run"]);
    let requests = plot.control().requests();
    assert!(requests.iter().all(|r| r.method == "GET"), "{requests:?}");
    signed(&["policy", "approve", "--reason", "as it was"], "bea.pem").exits(0);
    plot.control().advance(3600);
    // the release of the first plan names him, and outlives the plan
    plot.run();
    assert_eq!(plot.status("ben"), Status::Terminated);
    ws.run(&["verify"]).exits(0);
}

/// The files of a ledger, apart from those that are made anew whenever they are missing.
fn keep(ws: &Workspace, into: &Path) {
    fs::create_dir_all(into.join("keys")).unwrap();
    for name in names(&ws.path("")) {
        if name.starts_with("exeunt") {
            fs::copy(ws.path(&name), into.join(&name)).unwrap();
        }
    }
    for name in names(&ws.path("keys")) {
        fs::copy(ws.path("keys").join(&name), into.join("keys").join(&name)).unwrap();
    }
}

/// Everything as it was kept, and nothing else.
fn bring_back(ws: &Workspace, from: &Path) {
    for name in names(&ws.path("")) {
        if name.starts_with("exeunt") {
            fs::remove_file(ws.path(&name)).unwrap();
        }
    }
    fs::remove_dir_all(ws.path("keys")).unwrap();
    fs::create_dir(ws.path("keys")).unwrap();
    for name in names(from).iter().filter(|n| n.starts_with("exeunt")) {
        fs::copy(from.join(name), ws.path(name)).unwrap();
    }
    for name in names(&from.join("keys")) {
        fs::copy(from.join("keys").join(&name), ws.path("keys").join(&name)).unwrap();
    }
}

#[test]
fn whoever_dies_on_the_way_goes_on_and_comes_to_the_same_end() {
    let plot = peopled(0);
    let ws = &plot.ws;
    fs::remove_file(ws.path("keys/kek")).unwrap();
    let kept = tempfile::tempdir().unwrap();
    keep(ws, kept.path());
    let done = given_up(ws, &["--vault"]);
    let lost =
        done["vault"]["people"].as_u64().unwrap() + done["vault"]["accounts"].as_u64().unwrap();
    let lost = lost.to_string();
    for point in [
        "reopening",
        "reopened",
        "kek-aside",
        "kek-placed",
        "vault-aside",
        "vault-placed",
    ] {
        bring_back(ws, kept.path());
        let give_up = ["reopen", "--vault", "--reason", "lost", "--confirm", &lost];
        let mut command = ws.command(&give_up);
        command.env("EXEUNT_KILL_AT", point);
        assert!(!command.output().unwrap().status.success(), "{point}");
        if point != "vault-placed" {
            let code = ws.run(&["sync"]).code;
            assert!(matches!(code, Some(12 | 21)), "{point}: {code:?}");
            ws.run(&give_up).exits(0);
        }
        let said = ws.entries_of("ledger.reopened");
        assert_eq!(said.len(), 1, "{point}");
        ws.run(&["verify"]).exits(0);
        ws.run(&["rebuild"]).exits(0);
        let status = ws.json(&["status"]);
        assert!(status["vault_trouble"].is_null(), "{point}: {status}");
        let rows: Vec<_> = names(&ws.path(""))
            .into_iter()
            .filter(|name| name.ends_with(".reopen"))
            .collect();
        assert!(rows.is_empty(), "{point}: {rows:?}");
        ws.run(&["sync"]).exits(0);
        reopen(ws, &["--vault"]).exits(64);
    }
}

#[test]
fn each_part_of_a_backup_is_put_back_as_the_manual_says() {
    let plot = peopled(0);
    let ws = &plot.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);

    // the keys alone: they are the same for ever
    lose(ws, &["keys"]);
    ws.run(&["sync"]).exits(21);
    put_back(ws, "copy", &["exeunt.db", "exeunt.head", "exeunt-vault.db"]);
    plot.sync();

    // the vault alone, where nothing was read since: it fits
    ws.run(&["backup", "--out", "copy-2"]).exits(0);
    lose(ws, &["vault"]);
    put_back(
        ws,
        "copy-2",
        &["exeunt.db", "exeunt.head", "kek", "log.key"],
    );
    plot.sync();

    // ledger and vault of one moment: the head lock that stayed knows that they are the past
    join(&plot, "cat");
    plot.sync();
    let head = fs::read(ws.path("exeunt.head")).unwrap();
    lose(ws, &["ledger", "vault"]);
    put_back(ws, "copy-2", &["exeunt.head", "kek", "log.key"]);
    fs::write(ws.path("exeunt.head"), &head).unwrap();
    ws.run(&["sync"]).exits(20);
    reopen(ws, &["--ledger"]).exits(0);
    plot.sync();
    assert!(plot.about("account.observed", &mail("cat")).len() == 1);
    ws.run(&["verify"]).exits(0);

    // an older ledger, and no vault at all: both at once
    ws.run(&["backup", "--out", "copy-3"]).exits(0);
    plot.sync();
    let head = fs::read(ws.path("exeunt.head")).unwrap();
    lose(ws, &["ledger", "vault"]);
    put_back(
        ws,
        "copy-3",
        &["exeunt.head", "exeunt-vault.db", "kek", "log.key"],
    );
    fs::write(ws.path("exeunt.head"), &head).unwrap();
    reopen(ws, &["--ledger"]).exits(21).says("reopen --vault");
    reopen(ws, &["--vault"]).exits(5);
    let done = given_up(ws, &["--ledger", "--vault"]);
    assert_eq!(done["origin"], "house.example/exeunt/3");
    let verified = ws.run(&["verify"]).exits(0);
    verified
        .says("reopened at entry")
        .says("another vault from entry");
    adopt(&plot);
    plot.sync();
    assert!(place(ws, "vault", "exeunt-vault.db").exists());
    ws.run(&["rebuild"]).exits(0);
}
