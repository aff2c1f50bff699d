//! The pair of tokens: the program is killed at every point of a refresh and started again.

use std::process::Stdio;

use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::common::crash::play;
use crate::common::workspace::finish;
use crate::provider::alteryx::stage::Stage;

const TOKENS: &str = "exeunt-vault.db.alteryx-class.tokens";

#[test]
fn killed_with_the_lock_in_hand_nothing_has_happened() {
    let stage = Stage::set("", "");
    stage.dies_at("token-locked", &["sync"]);
    assert_eq!(stage.refreshes(), 0);
    stage.run(&["sync"]).exits(0);
    stage.run(&["sync"]).exits(0);
    assert_eq!(stage.refreshes(), 1, "the second one uses what is kept");
}

/// The new pair is on the disk before it is used for anything.
#[test]
fn killed_before_the_first_use_of_a_new_pair_it_is_there() {
    let stage = Stage::set("", "");
    stage.dies_at("token-stored", &["sync"]);
    assert_eq!(stage.refreshes(), 1);
    let used = stage.control().requests().len();
    assert_eq!(used, 1, "nothing was asked with it");
    stage.run(&["sync"]).exits(0);
    assert_eq!(stage.refreshes(), 1);
    stage.work.is_sound();
}

/// Whether it was sent, or answered, nobody can know: it is not tried again, since a token that is
/// shown twice ends its whole family.
#[test]
fn killed_between_mark_and_pair_it_says_so_and_shows_the_token_to_nobody() {
    for (point, sent) in [("token-marked", 0), ("token-answered", 1)] {
        let stage = Stage::set("", "");
        stage.dies_at(point, &["sync"]);
        assert_eq!(stage.refreshes(), sent, "{point}");
        for command in [&["sync"], &["check"], &["sync"]] {
            let ran = stage.run(command).exits(4);
            ran.says("its answer was lost").says("`refresh_token`");
        }
        assert_eq!(stage.refreshes(), sent, "{point}");
        // a new API token replaces what is kept
        stage.new_token();
        stage.run(&["sync"]).exits(0);
        assert_eq!(stage.refreshes(), sent + 1, "{point}");
        stage.work.is_sound();
    }
}

/// The same when a pair that was kept is renewed: each refresh writes the file twice, once with the
/// mark and once with the new pair, and it is whole at every moment.
#[test]
fn killed_while_a_kept_pair_is_renewed_nothing_is_shown_twice() {
    let rows = [
        // the point, how often a pair was asked for by then, whether it can go on by itself
        ("token-locked", 1, true),
        ("token-file-written", 1, true),
        ("token-file-renamed", 1, false),
        ("token-marked", 1, false),
        ("token-answered", 2, false),
        // the pair had come and was not yet in the file's place
        ("token-file-written@2", 2, false),
        ("token-file-renamed@2", 2, true),
        ("token-stored", 2, true),
    ];
    play(
        &rows,
        |(point, ..)| (*point).to_owned(),
        |(point, asked, goes_on)| {
            let stage = Stage::set("", "");
            stage.run(&["sync"]).exits(0);
            stage.control().with(|space| space.expire_access());
            stage.dies_at(point, &["sync"]);
            assert_eq!(stage.refreshes(), *asked);
            if *goes_on {
                stage.run(&["sync"]).exits(0);
                // whoever died before it asked asks now; whoever has the new pair uses it
                assert_eq!(stage.refreshes(), 2);
            } else {
                for command in [&["sync"], &["check"], &["sync"]] {
                    let ran = stage.run(command).exits(4);
                    ran.says("its answer was lost").says("`refresh_token`");
                }
                assert_eq!(stage.refreshes(), *asked, "nobody is shown it again");
                stage.new_token();
                stage.run(&["sync"]).exits(0);
                assert_eq!(stage.refreshes(), asked + 1);
            }
            // and the one after it is right as well
            stage.control().with(|space| space.expire_access());
            let before = stage.refreshes();
            stage.run(&["sync"]).exits(0);
            assert_eq!(stage.refreshes(), before + 1);
            let left = stage.work.path(&format!("{TOKENS}.new"));
            assert!(!left.exists(), "a token is left beside its file");
            stage.work.is_sound();
        },
    );
}

/// The mark stands beside an access token that is good still: it is used to its end.
#[test]
fn killed_in_doubt_the_kept_access_token_is_used_to_its_end() {
    let stage = Stage::set("", "");
    stage.run(&["sync"]).exits(0);
    let mut kept: serde_json::Value = serde_json::from_str(&stage.work.read(TOKENS)).unwrap();
    // old enough to be renewed
    kept["renew_from"] = "2020-01-01T00:00:00Z".into();
    stage.work.write(TOKENS, &kept.to_string());
    stage.dies_at("token-file-written@2", &["sync"]);
    assert_eq!(stage.refreshes(), 2);
    stage.run(&["sync"]).exits(0);
    stage.control().with(|space| space.expire_access());
    stage.run(&["sync"]).exits(4).says("its answer was lost");
    assert_eq!(stage.refreshes(), 2);
}

#[test]
fn killed_over_and_over_it_ends_well() {
    let stage = Stage::set("", "");
    stage.dies_at("token-locked", &["sync"]);
    stage.dies_at("token-answered", &["sync"]);
    stage.new_token();
    stage.dies_at("token-marked", &["check"]);
    stage.new_token();
    stage.dies_at("token-stored", &["check"]);
    stage.run(&["sync"]).exits(0);
    stage.work.is_sound();
}

#[test]
fn a_lost_answer_of_the_token_endpoint_is_told_and_not_repeated() {
    for fault in [
        Fault::LostAnswer,
        Fault::Truncated,
        Fault::MalformedJson,
        Fault::EmptyBody,
    ] {
        let stage = Stage::set("", "");
        let token = Matcher::new("POST", "/as/token");
        stage
            .control()
            .add_fault(FaultRule::once(token, fault.clone()));
        stage.run(&["sync"]).exits(4).says("its answer was lost");
        stage.run(&["sync"]).exits(4).says("its answer was lost");
        assert_eq!(stage.refreshes(), 1, "{fault:?}");
        stage.new_token();
        stage.run(&["sync"]).exits(0);
    }
}

#[test]
fn a_revoked_token_is_told_with_what_to_do() {
    let stage = Stage::set("", "");
    stage.control().with(|space| space.revoke_tokens());
    stage.run(&["sync"]).exits(4).says("OAuth 2.0 API token");
    stage.run(&["sync"]).exits(4).says("refused at");
    assert_eq!(stage.refreshes(), 1, "a spent token is shown once");
    stage.new_token();
    stage.run(&["sync"]).exits(0);
}

#[test]
fn processes_at_the_same_time_ask_for_one_pair() {
    let stage = Stage::set("", "");
    let several: Vec<_> = (0..5)
        .map(|_| {
            let mut command = stage.work.command(&["check"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in several {
        finish(child, &["check"]).exits(0);
    }
    assert_eq!(stage.refreshes(), 1);
}

#[test]
fn a_token_that_ends_early_is_renewed() {
    let stage = Stage::set("", "");
    stage.run(&["sync"]).exits(0);
    stage.control().with(|space| space.expire_access());
    stage.run(&["sync"]).exits(0);
    assert_eq!(stage.refreshes(), 2);
}

/// Line 8 of "what our adapter must not repeat": a run that is longer than a token goes on.
#[test]
fn a_run_that_is_longer_than_a_token_goes_on() {
    let stage = Stage::set("", "");
    for n in 0..450 {
        stage.add(&format!("p{n}@v.example"));
    }
    stage
        .control()
        .with(|space| space.settings().access_seconds = 1);
    let latency = std::time::Duration::from_millis(600);
    stage.control().set_latency(Some(latency));
    stage.run(&["sync"]).exits(0).says("452");
    assert!(stage.refreshes() > 2, "{}", stage.refreshes());
}

#[test]
fn tokens_stand_in_their_file_alone() {
    let stage = Stage::set("", "");
    stage.run(&["sync"]).exits(0);
    let kept: serde_json::Value = serde_json::from_str(&stage.work.read(TOKENS)).unwrap();
    let secrets: Vec<_> = ["refresh_token", "access_token"]
        .iter()
        .map(|name| kept[name].as_str().unwrap().to_owned())
        .collect();
    let screen = stage.run(&["check"]).exits(0).screen();
    let log = stage
        .run(&["log", "--from", "0", "--limit", "10000", "--json"])
        .screen();
    let home = stage.work.path("");
    for file in std::fs::read_dir(home).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() || path.ends_with(TOKENS) {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for secret in &secrets {
            let there = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!there, "in {}", path.display());
        }
    }
    for secret in &secrets {
        assert!(!screen.contains(secret) && !log.contains(secret));
    }
}
