//! What directories say, and take back.

use exeunt::sandbox::docspace::Status;

use crate::common::workspace::finish;
use crate::stories::plot::Plot;
use crate::stories::plot::leavers;
use crate::stories::plot::mail;

#[test]
fn a_rehired_person_with_a_new_key_is_somebody_new() {
    let plot = Plot::start(0);
    plot.account("ada");
    plot.employ("ada");
    plot.run();
    plot.change("ada", |ada| ada.disabled = true);
    plot.run();
    assert_eq!(plot.status("ada"), Status::Terminated);
    plot.delete("ada");
    plot.employ("ada2");
    plot.change("ada2", |new| new.mail = mail("ada"));
    plot.run();
    plot.run();
    assert_eq!(
        plot.status("ada"),
        Status::Terminated,
        "nobody enables what was the old one's"
    );
    assert!(plot.plans().is_empty());
    let links = plot.about("link.withheld", &mail("ada"));
    let last = links.last().unwrap();
    assert_eq!(last["data"]["because"], "block.recycled-address");
    assert_eq!(last["data"]["candidates"].as_array().unwrap().len(), 2);
    // Should somebody enable it by hand, it is not disabled because of the old episode.
    let id = plot.control().find(&mail("ada")).unwrap().id;
    plot.control().set_status(id, Status::Active);
    plot.days(1);
    plot.run();
    assert_eq!(plot.status("ada"), Status::Active);
    plot.tells("rehire", &mail("ada"));
    // The old episode keeps its evidence.
    let old = plot.ws.run(&["why", "ada"]).exits(0);
    old.says("disabled (pwdAccountLockedTime)");
}

#[test]
fn a_renamed_person_is_found_by_either_address() {
    let plot = Plot::start(0);
    plot.account("judy");
    plot.employ("judy");
    plot.run();
    plot.change("judy", |judy| judy.mail = mail("judith"));
    plot.run();
    assert_eq!(plot.status("judy"), Status::Active);
    plot.change("judy", |judy| judy.disabled = true);
    plot.run();
    assert_eq!(
        plot.status("judy"),
        Status::Terminated,
        "the account has the old address"
    );
    plot.tells("rename", &mail("judith"));
    let by_old = plot.ws.json(&["why", &mail("judy")]);
    let by_new = plot.ws.json(&["why", &mail("judith")]);
    assert_eq!(by_old["accounts"], by_new["accounts"]);
}

#[test]
fn a_move_within_the_tree_is_no_departure() {
    let plot = Plot::start(0);
    plot.account("mona");
    plot.employ("mona");
    plot.run();
    plot.change("mona", |mona| mona.unit = "sales");
    plot.run();
    plot.run();
    assert_eq!(plot.status("mona"), Status::Active);
    assert!(plot.about("person.missed", &mail("mona")).is_empty());
    let plan = plot.ws.json(&["plan"]);
    assert_eq!(plan["steps"], serde_json::json!([]));
}

#[test]
fn somebody_who_was_deleted_and_comes_back_gets_the_account_back() {
    let plot = Plot::start(0);
    plot.account("rosa");
    plot.employ("rosa");
    plot.run();
    plot.delete("rosa");
    plot.run();
    plot.run();
    assert_eq!(plot.status("rosa"), Status::Terminated, "absent");
    plot.employ("rosa");
    let ran = plot.sync();
    ran.says("rosa@house.test: what said that they had left does not say so any more")
        .says("gives back 1 account");
    let told = plot.about("departure.withdrawn", &mail("rosa"));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["facts"], serde_json::json!(["absent"]));
    // It is told and proposed once.
    assert_eq!(plot.plans().len(), 1);
    plot.sync().says_not("any more");
    plot.run().says("waits: it has 0 of 1 approvals");
    let plan = plot.ws.json(&["plan"]);
    crate::json::fits("plan", &plan);
    assert_eq!(plan["steps"][0]["do"], "restore", "{plan:#}");
    let effect = plan["steps"][0]["effect"].as_str().unwrap();
    plot.ws.run(&["plan"]).exits(0).says(effect);
    assert_eq!(plan["steps"][0]["because"], "restore.departure-withdrawn");
    plot.ws
        .run(&["status"])
        .exits(0)
        .says("which gives back what was disabled");
    assert_eq!(plot.plans().len(), 1);
    assert_eq!(plot.about("departure.withdrawn", &mail("rosa")).len(), 1);
    plot.give_back();
    assert_eq!(plot.status("rosa"), Status::Active);
    plot.days(1);
    plot.run();
    assert_eq!(plot.status("rosa"), Status::Active);
    assert!(plot.plans().is_empty());
    plot.tells("back", &mail("rosa"));
}

#[test]
fn what_is_rejected_is_not_proposed_again_and_what_expires_is() {
    let plot = Plot::start(0);
    plot.account("rosa");
    plot.employ("rosa");
    plot.change("rosa", |rosa| rosa.disabled = true);
    plot.run();
    assert_eq!(plot.status("rosa"), Status::Terminated);
    plot.change("rosa", |rosa| rosa.disabled = false);
    plot.sync();
    let first = plot.plans();
    plot.days(4);
    plot.sync();
    let second = plot.plans();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first[0]["digest"], second[0]["digest"]);
    let digest = second[0]["digest"].as_str().unwrap();
    plot.ws.run(&["approve", digest, "--reject"]).exits(0);
    plot.days(4);
    plot.run();
    assert!(plot.plans().is_empty());
    // Whoever leaves again before it is given back stays out.
    let ran = plot.ws.run(&[
        "restore",
        &mail("rosa"),
        "--reason",
        "she is back",
        "--confirm",
        "1",
    ]);
    ran.exits(0);
    assert_eq!(plot.status("rosa"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn whoever_leaves_again_before_the_account_is_given_back_stays_out() {
    let plot = Plot::start(0);
    plot.account("rosa");
    plot.employ("rosa");
    plot.change("rosa", |rosa| rosa.disabled = true);
    plot.run();
    plot.change("rosa", |rosa| rosa.disabled = false);
    plot.sync();
    let digest = plot.plans()[0]["digest"].as_str().unwrap().to_owned();
    plot.approve(&digest);
    plot.change("rosa", |rosa| rosa.disabled = true);
    plot.ws.run(&["apply", &digest]).exits(0).says("withheld");
    assert_eq!(plot.status("rosa"), Status::Terminated);
    assert!(plot.plans().is_empty());
    plot.ws.is_sound();
}

#[test]
fn an_account_that_cannot_be_given_back_is_named_with_the_reason() {
    let plot = Plot::start(0);
    let id = plot.account("rosa");
    plot.employ("rosa");
    plot.change("rosa", |rosa| rosa.disabled = true);
    plot.run();
    plot.change("rosa", |rosa| rosa.disabled = false);
    plot.control().change_user(id, |user| user.ldap = true);
    plot.sync()
        .says("rosa@house.test in portal cannot be given back")
        .says("block.provider-managed");
    assert!(plot.plans().is_empty());
    plot.ws
        .run(&["status"])
        .exits(0)
        .says("cannot be given back");
    let status = plot.ws.json(&["status"]);
    crate::json::fits("status", &status);
    assert_eq!(
        status["cannot_give_back"][0]["because"],
        "block.provider-managed"
    );
    plot.ws.is_sound();
}

#[test]
fn hr_that_tells_late_is_told_as_late() {
    let plot = Plot::start(0);
    let id = plot.account("cleo");
    plot.hired("cleo", "");
    plot.control()
        .add_login(id, plot.control().now() - chrono::TimeDelta::days(10), 1000);
    plot.run();
    plot.days(2);
    plot.hired("cleo", "2026-02-01");
    plot.run();
    assert_eq!(plot.status("cleo"), Status::Terminated);
    let left = plot.ws.items(&["departed"]);
    let cleo = left.iter().find(|p| p["email"] == mail("cleo")).unwrap();
    let fact = &cleo["facts"][0];
    assert!(
        fact["effective"]
            .as_str()
            .unwrap()
            .starts_with("2026-02-02T00:00:00"),
        "{fact}"
    );
    assert!(
        fact["seen"].as_str().unwrap().starts_with("2026-03-05"),
        "{fact}"
    );
    let why = plot.ws.json(&["why", &mail("cleo")]);
    let used = &why["accounts"][0]["departures"][0]["used_after"][0];
    assert_eq!(used["signal"], "login", "she went on working: {why:#}");
    plot.tells("late", &mail("cleo"));
}

#[test]
fn a_leave_date_that_is_moved_calls_off_what_waits() {
    let plot = Plot::start(1);
    plot.account("dora");
    plot.hired("dora", "2026-03-01");
    plot.run().says("waits");
    let plan = plot.plans();
    assert_eq!(plan.len(), 1);
    plot.hired("dora", "2026-12-31");
    let ran = plot.sync();
    ran.says("dora@house.test: the planned step was called off");
    assert!(
        plot.plans().is_empty(),
        "called off at once, not when it is carried out"
    );
    let withheld = plot.about("step.withheld", &mail("dora"));
    assert_eq!(withheld[0]["data"]["because"], "keep.departure-withdrawn");
    let told = plot.about("departure.withdrawn", &mail("dora"));
    assert_eq!(told[0]["data"]["facts"], serde_json::json!(["leave-date"]));
    assert_eq!(withheld[0]["cause"], told[0]["id"]);
    let decided = plot.about("decision.made", &mail("dora"));
    assert_eq!(
        decided.last().unwrap()["data"]["decision"]["because"],
        "cancel.return"
    );
    let digest = plan[0]["digest"].as_str().unwrap();
    plot.ws.run(&["approve", digest, "--confirm", "1"]);
    plot.ws.run(&["apply", digest]);
    assert_eq!(plot.status("dora"), Status::Active);
    plot.tells("moved_date", &mail("dora"));
    // On the new day she has left.
    plot.days(305);
    plot.run_late().says("waits");
    assert_eq!(plot.plans().len(), 1);
}

#[test]
fn taken_off_a_list_of_leavers_is_a_withdrawal() {
    let hr = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
              columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
              contains = \"leavers\"\n";
    let plot = Plot::with(hr, &leavers(0));
    plot.account("nils");
    plot.hired("nils", "2026-03-01");
    plot.run();
    assert_eq!(plot.status("nils"), Status::Terminated);
    plot.unlisted("nils");
    plot.sync().says("gives back 1 account");
    plot.sync();
    assert_eq!(plot.about("departure.withdrawn", &mail("nils")).len(), 1);
    plot.give_back();
    assert_eq!(plot.status("nils"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn three_directories_two_voices_and_a_list() {
    let plot = Plot::start(0);
    let scope = "[[directory]]\nname = \"scope\"\nkind = \"csv\"\npath = \"scope.csv\"\n\
                 role = \"scope\"\ncolumns = { key = \"id\", mail = \"mail\" }\n\
                 contains = \"everybody\"\n";
    plot.ws.write(
        "scope.csv",
        "id,mail\n1,theo@house.test\n2,tina@house.test\n",
    );
    let text = plot.ws.read("exeunt.toml");
    plot.ws.write(
        "exeunt.toml",
        &text.replacen("[[tenant]]", &format!("{scope}\n[[tenant]]"), 1),
    );
    for name in ["theo", "tina"] {
        plot.account(name);
        plot.employ(name);
        plot.hired(name, "");
    }
    plot.run();
    // The list names nobody any more; that is no evidence.
    plot.ws.write("scope.csv", "id,mail\n3,other@house.test\n");
    plot.hired("theo", "2026-03-01");
    plot.run();
    plot.run();
    assert_eq!(plot.status("tina"), Status::Active);
    assert_eq!(
        plot.status("theo"),
        Status::Active,
        "HR says gone, the directory has him"
    );
    let plan = plot.ws.json(&["plan"]);
    let theo: Vec<_> = plan["withheld"].as_array().unwrap().iter().collect();
    assert_eq!(theo.len(), 1, "{plan:#}");
    assert_eq!(theo[0]["because"], "block.enabled-elsewhere");
    // Both agree: it is done, whatever the list says.
    plot.change("theo", |theo| theo.disabled = true);
    plot.run();
    assert_eq!(plot.status("theo"), Status::Terminated);
    plot.tells("directories", &mail("theo"));
}

#[test]
fn several_that_read_at_once_say_once_that_a_departure_is_over() {
    let plot = Plot::start(1);
    plot.account("ida");
    plot.employ("ida");
    plot.run();
    plot.change("ida", |ida| ida.disabled = true);
    plot.run().says("waits");
    plot.change("ida", |ida| ida.disabled = false);
    let syncs: Vec<_> = (0..4).map(|_| plot.ws.start(&["sync"])).collect();
    for sync in syncs {
        finish(sync, &["sync"]).exits(0);
    }
    let decided = plot.about("decision.made", &mail("ida"));
    let over: Vec<_> = decided
        .iter()
        .filter(|entry| entry["data"]["decision"]["because"] == "cancel.return")
        .collect();
    assert_eq!(over.len(), 1, "{decided:#?}");
    assert!(plot.plans().is_empty());
    plot.ws.is_sound();
}
