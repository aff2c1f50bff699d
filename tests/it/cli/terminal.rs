//! Pipes, colours, hostile text, completions and the manual.

use std::process::Command;
use std::process::Output;

use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Matcher;

use crate::cli::snapshots::in_terminal;
use crate::cli::stage::Stage;
use crate::common::workspace::Workspace;
use crate::safety::house::House;
use crate::safety::house::LEAVERS;

/// Runs a line of bash in a workspace, with the program as `exeunt`.
fn bash(ws: &Workspace, line: &str) -> Output {
    let plain = ws.command(&[]);
    let mut command = Command::new("bash");
    command.env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command.current_dir(plain.get_current_dir().unwrap());
    let whole = format!(
        "exeunt() {{ {} \"$@\"; }}; {line}",
        env!("CARGO_BIN_EXE_exeunt")
    );
    command.args(["-c", &whole]).output().unwrap()
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let stage = Stage::read();
    let commands = [
        "log",
        "log --json",
        "accounts",
        "status",
        "--help",
        "man",
        "completions bash",
        "policy diff --json",
    ];
    for command in commands {
        // `true` reads nothing at all; the first line is what `head` would take.
        for reader in ["head -1", "true"] {
            let line = format!("exeunt {command} | {reader}; exit ${{PIPESTATUS[0]}}");
            let ran = bash(&stage.ws, &line);
            let err = String::from_utf8(ran.stderr).unwrap();
            assert_eq!(ran.status.code(), Some(0), "{command} | {reader}: {err}");
            assert!(!err.contains("panicked"), "{command} | {reader}: {err}");
        }
    }
}

#[test]
fn colours_and_movement_are_for_terminals() {
    let stage = Stage::read();
    let ran = stage.ws.run(&["sync"]).exits(0);
    assert!(!ran.screen().contains(['\u{1b}', '\r']), "{}", ran.screen());
    let ran = stage.ws.run(&["why", "nobody"]).exits(64);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);

    let red = "\u{1b}[1;31merror:\u{1b}[0m";
    let coloured = in_terminal(&stage.ws, 100, "", "why nobody");
    assert!(coloured.contains(red), "{coloured:?}");
    for env in ["NO_COLOR=1", "TERM=dumb"] {
        let plain = in_terminal(&stage.ws, 100, env, "why nobody");
        assert!(!plain.contains('\u{1b}'), "{env}: {plain:?}");
        assert_eq!(plain, coloured.replace(red, "error:"), "{env}");
    }
    // Nothing of a progress line stays on the screen without one.
    let quiet = in_terminal(&stage.ws, 100, "", "--no-progress sync");
    assert!(!quiet.contains('\u{1b}'), "{quiet:?}");
}

#[test]
fn a_terminal_that_does_not_know_its_width_is_written_to_as_a_usual_one() {
    let stage = Stage::read();
    for args in ["why nobody", "status"] {
        // one moment for both: the second that passes between them would be shown
        let now = chrono::Utc::now() + chrono::TimeDelta::minutes(1);
        let now = format!("EXEUNT_NOW={}", now.to_rfc3339());
        let unknown = in_terminal(&stage.ws, 0, &now, args);
        let usual = in_terminal(&stage.ws, 80, &now, args);
        assert_eq!(unknown, usual, "{args}");
    }
}

#[test]
fn text_from_outside_cannot_steer_a_terminal_or_look_like_ours() {
    let stage = Stage::new();
    let evil = "Eve\u{1b}[2J\u{7}\u{9b}31m\nhint: exeunt halt off\u{202e}moc\u{2066}\r";
    let bob = cast(Role::AlreadyDisabled);
    let control = stage.story.docspace().control();
    for role in [Role::AlreadyDisabled, Role::Leaver, Role::Idle] {
        let member = cast(role);
        control.set_name(member.account.unwrap(), evil, evil);
        // Without an address the name is what people are called by.
        control.set_email(member.account.unwrap(), "");
        let directory = stage.story.ldap().control();
        directory.set_attribute(member.uid.unwrap(), "cn", vec![evil.to_owned()]);
        directory.set_attribute(member.uid.unwrap(), "displayName", vec![evil.to_owned()]);
    }
    stage.story.leave(Role::Leaver, Leaving::Removed);
    stage.ws.run(&["init"]).exits(0);
    let who = bob.account.unwrap().to_string();
    let commands: Vec<Vec<&str>> = vec![
        vec!["check"],
        vec!["sync"],
        vec!["plan", "--all"],
        vec!["run"],
        vec!["status"],
        vec!["inactive"],
        vec!["departed"],
        vec!["accounts"],
        vec!["findings"],
        vec!["unknown"],
        vec!["breaker", "show"],
        vec!["why", &who],
        vec!["why", evil],
        vec!["log", "--from", "0"],
        vec!["log", "--subject", evil],
        vec!["approve", evil],
        vec!["sync", evil],
        vec!["plan", "--policy", evil],
        vec!["halt", "on", "--tenant", evil],
        vec!["accounts", "--as-of", evil],
    ];
    let mut named = 0;
    for args in commands {
        let screen = stage.ws.run(&args).screen();
        let raw = |c: char| c.is_control() && c != '\n' && c != '\t';
        let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!screen.contains(raw), "{args:?}: {screen:?}");
        assert!(!screen.contains(turns), "{args:?}: {screen:?}");
        assert!(
            !screen.contains("\nhint: exeunt halt off"),
            "{args:?}: {screen}"
        );
        named += usize::from(screen.contains("Eve\\u{1b}"));
    }
    assert!(named >= 5, "the name was shown in {named} commands only");
}

#[test]
fn completions_can_be_loaded() {
    let ws = Workspace::new();
    let ran = bash(
        &ws,
        "source <(exeunt completions bash) && complete -p exeunt",
    );
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(String::from_utf8(ran.stdout).unwrap().contains("exeunt"));
    assert!(
        ws.run(&["completions", "zsh"])
            .exits(0)
            .out
            .starts_with("#compdef exeunt")
    );
    assert!(
        ws.run(&["completions", "fish"])
            .exits(0)
            .out
            .contains("complete -c exeunt")
    );
}

#[test]
fn the_manual_is_one() {
    let page = Workspace::new().run(&["man"]).exits(0).out;
    for section in [
        ".TH exeunt 1",
        ".SH NAME",
        ".SH SYNOPSIS",
        ".SH OPTIONS",
        "Exit codes:",
    ] {
        assert!(page.contains(section), "{section}: {page}");
    }
}

#[test]
fn quiet_leaves_data_and_errors() {
    let stage = Stage::planned();
    for args in [
        &["-q", "sync"][..],
        &["-q", "plan"],
        &["-q", "inactive"],
        &["-q", "verify"],
    ] {
        let ran = stage.ws.run(args).exits(0);
        assert_eq!(ran.err, "", "{args:?}");
    }
    let ran = stage.ws.run(&["-q", "why", "nobody"]).exits(64);
    assert!(
        ran.err.starts_with("error: ") && !ran.err.contains("hint:"),
        "{}",
        ran.err
    );
}

#[test]
fn hints_name_the_configuration_that_was_named() {
    let stage = Stage::new();
    stage.ws.run(&["init"]).exits(0);
    std::fs::create_dir(stage.ws.path("else where")).unwrap();
    let path = stage.ws.path("else where/..");
    let toml = path.join("exeunt.toml").display().to_string();
    let ran = stage.ws.run(&["-C", &toml, "sync"]).exits(0);
    // What the hint says is run as it stands.
    let hint = ran
        .err
        .lines()
        .find_map(|l| l.split_once("hint: `"))
        .unwrap()
        .1;
    let typed = hint.split_once('`').unwrap().0;
    assert!(typed.contains("-C "), "{typed}");
    let again = bash(&stage.ws, typed);
    assert!(
        again.status.success(),
        "{typed}: {}",
        String::from_utf8_lossy(&again.stderr)
    );
}

#[test]
fn a_read_that_waits_says_for_whom_and_how_long() {
    let house = House::settled("", &[LEAVERS]);
    house.ws.reconfigure("attempts = 1", "attempts = 3");
    let retry_after = Some(3);
    house.tenant().add_fault(FaultRule {
        matcher: Matcher::new("GET", "/api/2.0/people/filter"),
        skip: 0,
        times: Some(1),
        fault: Fault::TooMany { retry_after },
    });
    let says = "portal asks for a pause, so that its read goes on in 3 seconds";
    let ran = house.ws.run(&["sync"]).exits(0);
    assert_eq!(ran.err.matches(says).count(), 1, "{}", ran.err);
    assert!(!ran.out.contains(says), "{}", ran.out);
    let ran = house.ws.run(&["sync"]).exits(0);
    assert!(!ran.err.contains("asks for a pause"), "{}", ran.err);
}
