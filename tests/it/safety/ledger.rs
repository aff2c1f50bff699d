//! What stands in the ledger: one chain, whoever writes, and nobody's name.

use std::fs;
use std::time::Duration;
use std::time::Instant;

use exeunt::sandbox::CAST;
use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::GateAt;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::PERSONAL_MARKERS;
use exeunt::sandbox::docspace::Status;

use crate::common::workspace::OPERATOR;
use crate::common::workspace::Workspace;
use crate::common::workspace::finish;
use crate::safety::house::House;
use crate::safety::house::IDLE;
use crate::safety::house::LEAVERS;

#[test]
fn two_that_sync_at_once_leave_one_gapless_chain() {
    let story = Story::start(&StoryOptions::default()).unwrap();
    let ws = Workspace::new();
    let corp = ws.sandbox_directory(story.ldap(), "");
    let portal = ws.tenant(story.docspace(), "");
    ws.configure(&[&corp, &portal, LEAVERS]);
    ws.run(&["init"]).exits(0);
    let until = Instant::now() + Duration::from_secs(10);
    let counts: Vec<u32> = std::thread::scope(|scope| {
        let sync = || {
            let mut count = 0;
            while Instant::now() < until {
                ws.run(&["sync"]).exits(0);
                count += 1;
            }
            count
        };
        let both = [scope.spawn(sync), scope.spawn(sync)];
        // There is always something new to record.
        let (tenant, directory) = (story.docspace().control(), story.ldap().control());
        let mut round = 0;
        while Instant::now() < until {
            round += 1;
            for member in CAST.iter().filter(|m| m.role != Role::KeyUser) {
                let Some(id) = member.account else { continue };
                tenant.add_login(id, tenant.now(), 1029);
                tenant.set_name(id, member.first_name, &format!("Number {round}"));
                let uid = member.uid.unwrap_or_default();
                directory.set_attribute(uid, "cn", vec![format!("Number {round}")]);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        both.map(|thread| thread.join().unwrap()).to_vec()
    });
    assert!(counts.iter().all(|count| *count >= 3), "{counts:?}");
    let entries = ws.entries();
    let seqs: Vec<_> = entries.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (0..entries.len() as u64).collect::<Vec<_>>());
    let reads = ws.entries_of("source.read").len();
    assert_eq!(reads as u32, 2 * counts.iter().sum::<u32>());
    ws.is_sound();
    // One account, one person each, whoever saw them first.
    assert_eq!(
        ws.items(&["accounts"]).len(),
        story.docspace().control().users().len()
    );
}

/// Everything personal or secret that the fixtures have, if it is long enough for a search.
fn personal(house: &House) -> Vec<String> {
    let mut values: Vec<String> = PERSONAL_MARKERS.iter().map(|m| (*m).to_owned()).collect();
    for member in &CAST {
        let name = format!("{} {}", member.first_name, member.last_name);
        let uid = member.uid.unwrap_or_default();
        values.extend([
            member.email.to_owned(),
            name,
            uid.to_owned(),
            format!("uid={uid},"),
        ]);
        values.push(format!("{uid}@example.test"));
        values.push(member.entry_uuid.to_string());
        values.extend(member.account.map(|id| id.to_string()));
    }
    values.extend([OPERATOR.to_owned(), "looked at it".to_owned()]);
    values.push(house.story.docspace().token().to_owned());
    values.push(house.story.ldap().bind_password().to_owned());
    values.retain(|value| value.len() >= 10);
    assert!(values.len() > 70);
    values
}

/// The values that stand in some bytes, in whatever case, or in UTF-16.
fn found<'v>(bytes: &[u8], values: &'v [String]) -> Vec<&'v String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    // Without every second byte, UTF-16 of plain letters is plain text.
    let halves = [0, 1].map(|odd| {
        let half: Vec<u8> = bytes.iter().copied().skip(odd).step_by(2).collect();
        String::from_utf8_lossy(&half).to_lowercase()
    });
    let stands = |value: &&String| {
        let value = value.to_lowercase();
        text.contains(&value) || halves.iter().any(|half| half.contains(&value))
    };
    values.iter().filter(stands).collect()
}

#[track_caller]
fn find(bytes: &[u8], values: &[String], place: &str) {
    assert!(
        found(bytes, values).is_empty(),
        "{:?} in {place}",
        found(bytes, values)
    );
}

#[test]
fn nobody_stands_in_the_ledger() {
    let house = House::settled("", &[LEAVERS, IDLE]).a_month_later();
    house.story.leave(Role::Leaver, Leaving::Removed);
    house.ws.run(&["run"]).exits(0);
    house.hours_later(2);
    // While a call is held, the write-ahead log and its index are there too.
    let gate = house
        .tenant()
        .pause(Matcher::new("PUT", "/api/2.0"), GateAt::After);
    let run = house.ws.start(&["run"]);
    let begun = Instant::now();
    while house.tenant().held(gate) == 0 && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let values = personal(&house);
    for name in ["exeunt.db", "exeunt.db-wal", "exeunt.db-shm", "exeunt.head"] {
        let bytes = fs::read(house.ws.path(name)).unwrap();
        assert!(!bytes.is_empty(), "{name}");
        find(&bytes, &values, name);
    }
    // The vault's own file has nothing in the clear either; and the search does find things.
    find(
        &fs::read(house.ws.path("exeunt-vault.db")).unwrap(),
        &values,
        "the vault",
    );
    assert_eq!(
        found(&fs::read(house.ws.path("portal.token")).unwrap(), &values).len(),
        1
    );
    let notices = fs::read_dir(house.ws.path("notices")).unwrap();
    for notice in notices {
        assert!(!found(&fs::read(notice.unwrap().path()).unwrap(), &values).is_empty());
    }
    house.tenant().release(gate);
    finish(run, &["run"]).exits(0);
    assert_eq!(house.status(Role::Leaver), Status::Terminated);
    find(
        &fs::read(house.ws.path("exeunt.db")).unwrap(),
        &values,
        "exeunt.db",
    );
    house
        .ws
        .run(&["why", cast(Role::Leaver).email])
        .exits(0)
        .says("gone from corp");

    // Without the vault the same rows come out, and names are nowhere.
    let rebuild = house.ws.json(&["rebuild"]);
    let vault = house.ws.path("exeunt-vault.db");
    fs::rename(&vault, house.ws.path("aside")).unwrap();
    assert_eq!(house.ws.json(&["rebuild"]), rebuild);
    assert_eq!(rebuild["differ"], 0);
    for args in [&["log", "--from", "0"][..], &["log", "--json"], &["verify"]] {
        find(
            house.ws.run(args).exits(0).screen().as_bytes(),
            &values,
            &args.join(" "),
        );
    }
    find(
        house.ws.run(&["status"]).screen().as_bytes(),
        &values,
        "status",
    );
}

#[test]
fn no_secret_is_shown_when_something_fails() {
    let house = House::settled("", &[LEAVERS]);
    let secrets = [
        house.story.docspace().token().to_owned(),
        house.story.ldap().bind_password().to_owned(),
        "Bearer".to_owned(),
    ];
    let tried = |what: &str| {
        for args in [
            &["run"][..],
            &["sync", "--json"],
            &["check"],
            &["check", "--json"],
        ] {
            let ran = house.ws.run(args);
            assert_ne!(ran.code, Some(0), "{what}: {}", ran.screen());
            find(ran.screen().as_bytes(), &secrets, what);
        }
    };
    let all = || Matcher {
        path: "/api/2.0".to_owned(),
        ..Matcher::default()
    };
    let location = format!("http://127.0.0.1:9/?token={}", secrets[0]);
    let faults = [
        Fault::Status {
            status: 401,
            body: Some(String::new()),
        },
        Fault::Status {
            status: 500,
            body: Some(format!("\"{}\"", secrets[0])),
        },
        Fault::Redirect {
            status: 302,
            location,
        },
        Fault::Drop,
    ];
    for fault in faults {
        let what = format!("{fault:?}").chars().take(12).collect::<String>();
        let id = house.tenant().add_fault(FaultRule::always(all(), fault));
        tried(&what);
        house.tenant().remove_fault(id);
    }
    house.tenant().set_token("another");
    tried("a revoked key");
    house.tenant().set_token(&secrets[0]);
    house.directory().set_password("another");
    tried("a changed password");
    find(
        &fs::read(house.ws.path("exeunt.db")).unwrap(),
        &secrets[..2],
        "exeunt.db",
    );
}
