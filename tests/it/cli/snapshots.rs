//! Help texts and the human output of the story, held word by word.

use std::path::Path;
use std::process::Command;

use clap::CommandFactory as _;
use exeunt::cli::args::Cli;
use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use insta::assert_snapshot;
use insta::with_settings;

use crate::cli::stage::Stage;
use crate::cli::stage::scrubbed;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

/// The commands of the program with the ways to them.
pub(super) fn all_commands() -> Vec<Vec<String>> {
    fn under(command: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
        for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
            let path: Vec<_> = path
                .iter()
                .cloned()
                .chain([sub.get_name().to_owned()])
                .collect();
            all.push(path.clone());
            under(sub, &path, all);
        }
    }
    let mut all = Vec::new();
    under(&Cli::command(), &[], &mut all);
    all
}

#[test]
fn help() {
    let ws = Workspace::new();
    held("help", ws.run(&["--help"]).exits(0).out);
    held("help_short", ws.run(&["-h"]).exits(0).out);
    let mut text = String::new();
    for path in all_commands() {
        let args: Vec<_> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = ws.run(&args).exits(0);
        assert_eq!(ran.err, "");
        text.push_str(&format!(
            "$ exeunt {} --help\n{}\n",
            path.join(" "),
            ran.out
        ));
    }
    held("help_of_commands", text);
}

/// Holds a text to its snapshot; `INSTA_UPDATE=always` accepts a new one.
#[track_caller]
fn held(name: &str, text: impl AsRef<str>) {
    with_settings!(
        { snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
        { assert_snapshot!(name, text.as_ref()) }
    );
}

/// What a person sees of a command without a terminal, stdout before stderr.
fn seen(ran: &Ran) -> String {
    let code = ran.code.unwrap();
    let text = format!(
        "$ exeunt {}\n{}--\n{}(exit {code})",
        ran.args, ran.out, ran.err
    );
    scrubbed(&text)
}

#[test]
fn the_story_in_a_pipe() {
    let stage = Stage::new();
    let run = |args: &[&str], code: i32| seen(&stage.ws.run(args).exits(code));
    held("pipe_init", run(&["init"], 0));
    held("pipe_check", run(&["check"], 0));
    held("pipe_sync", run(&["sync"], 0));
    held("pipe_plan", run(&["plan", "--out", "plan.json"], 0));
    held(
        "pipe_approve_unconfirmed",
        run(&["approve", "plan.json"], 5),
    );
    held("pipe_apply_unapproved", run(&["apply", "plan.json"], 5));
    held(
        "pipe_approve",
        run(&["approve", "plan.json", "--confirm", "1"], 0),
    );
    held("pipe_apply_stopped", run(&["apply", "plan.json"], 5));
    stage.hours_later(3);
    held("pipe_status_waiting", run(&["status"], 0));
    let release = [
        "breaker",
        "release",
        "plan.json",
        "--reason",
        "looked at it",
    ];
    held("pipe_breaker_release", run(&release, 0));
    held("pipe_apply", run(&["apply", "plan.json"], 0));
    stage.story.pass_days(1);
    stage.story.leave(Role::Leaver, Leaving::Removed);
    held("pipe_run_first", run(&["run"], 0));
    stage.story.pass_days(1);
    held("pipe_run_second", run(&["run"], 0));
    held("pipe_plan_all", run(&["plan", "--all"], 0));
    held("pipe_breaker_show", run(&["breaker", "show"], 0));
    stage.hours_later(3);
    held("pipe_status", run(&["status"], 0));
    for command in ["inactive", "departed", "accounts", "findings", "unknown"] {
        held(&format!("pipe_{command}"), run(&[command], 0));
    }
    held("pipe_why", run(&["why", "bob.tanner@example.com"], 0));
    held(
        "pipe_why_waiting",
        run(&["why", "dieter.vogel@example.com"], 0),
    );
    held("pipe_why_nobody", run(&["why", "nobody@example.com"], 64));
    held("pipe_verify", run(&["verify"], 0));
    held("pipe_rebuild", run(&["rebuild"], 0));
    held("pipe_policy_diff", run(&["policy", "diff"], 0));
    held("pipe_provider_list", run(&["provider", "list"], 0));
    held(
        "pipe_halt_on",
        run(&["halt", "on", "--tenant", "portal"], 0),
    );
    stage.hours_later(3);
    held("pipe_status_halted", run(&["status"], 0));
    held(
        "pipe_halt_off",
        run(&["halt", "off", "--tenant", "portal"], 0),
    );
}

#[test]
fn words_about_accounts_in_a_pipe() {
    let stage = Stage::read();
    let run = |args: &[&str], code: i32| seen(&stage.ws.run(args).exits(code));
    let guest = "gustavo.lima@partner.example.test";
    let bob = "bob.tanner@example.com";
    let add = ["link", "add", guest, bob, "--reason", "his private address"];
    held("pipe_link_add_unconfirmed", run(&add, 5));
    let add = [&add[..], &["--ticket", "HR-17", "--confirm", guest]].concat();
    held("pipe_link_add", run(&add, 0));
    held("pipe_link_list", run(&["link", "list"], 0));
    let remove = ["link", "remove", guest, "--reason", "another Bob"];
    held("pipe_link_remove", run(&remove, 0));
    let answer = ["--owner", "Gustavo Lima", "--until", "2026-06-01"];
    let claim = ["orphan", "claim", guest, "--reason", "our auditor"];
    held("pipe_orphan_claim", run(&[&claim[..], &answer].concat(), 0));
    held("pipe_orphan_list", run(&["orphan", "list"], 0));
    let release = ["orphan", "release", guest, "--reason", "the audit is over"];
    held("pipe_orphan_release", run(&release, 0));
    let accept = ["orphan", "accept", guest, "--reason", "leaves soon"];
    let accept = [&accept[..], &["--until", "2026-04-01"]].concat();
    held("pipe_orphan_accept", run(&accept, 0));
    let kinds = ["stated", "denied"].map(|k| format!("link.{k}"));
    let orphans = ["claimed", "released", "accepted"].map(|k| format!("orphan.{k}"));
    let mut log = vec!["log"];
    for kind in kinds.iter().chain(&orphans) {
        log.extend(["--type", kind]);
    }
    let log = stage.ws.run(&log).exits(0).out;
    let says = |line: &str| line.split('\t').next_back().map(scrubbed);
    let sentences: Vec<_> = log.lines().skip(1).filter_map(says).collect();
    held("pipe_log_of_words", sentences.join("\n"));
}

#[test]
fn every_kind_of_entry_has_a_sentence() {
    let stage = Stage::ready();
    stage.ws.run(&["apply", "plan.json"]).exits(0);
    stage.story.pass_days(1);
    stage.ws.run(&["run"]).exits(0);
    let log = stage.ws.run(&["log", "--from", "0"]).exits(0).out;
    let mut kinds = std::collections::BTreeMap::new();
    for record in log.lines().skip(1) {
        let cells: Vec<_> = record.split('\t').collect();
        assert_eq!(cells.len(), 4, "{record}");
        assert_ne!(cells[2], cells[3], "{record}");
        // Pseudonyms, and with them the order of accounts, are random: of each kind the sentence
        // that comes first in the alphabet is held.
        kinds
            .entry(cells[2].to_owned())
            .or_insert_with(std::collections::BTreeSet::new)
            .insert(scrubbed(cells[3]));
    }
    let text: Vec<_> = kinds
        .iter()
        .filter_map(|(kind, says)| Some(format!("{kind}: {}", says.first()?)))
        .collect();
    held("sentences", text.join("\n"));
}

/// What a terminal of some width shows, both streams.
pub(crate) fn in_terminal(ws: &Workspace, columns: u32, env: &str, args: &str) -> String {
    let exeunt = env!("CARGO_BIN_EXE_exeunt");
    let typed = format!("stty cols {columns} rows 50; {env} exec {exeunt} {args}");
    let plain = ws.command(&[]);
    let mut command = Command::new("script");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh");
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command
        .args(["-qec", &typed, "/dev/null"])
        .stdin(std::process::Stdio::null());
    let ran = command
        .current_dir(plain.get_current_dir().unwrap_or(Path::new(".")))
        .output();
    String::from_utf8(ran.unwrap().stdout)
        .unwrap()
        .replace("\r\n", "\n")
}

#[test]
fn the_story_in_a_terminal() {
    let stage = Stage::planned();
    stage.hours_later(3);
    let seen = |columns: u32, args: &str| {
        let text = in_terminal(&stage.ws, columns, "", &format!("--no-progress {args}"));
        let too_wide = text
            .lines()
            .filter(|l| l.chars().count() > columns as usize);
        // Sentences are wrapped by the terminal, tables are not.
        let tables: Vec<_> = too_wide
            .filter(|l| l.starts_with(' ') && !l.starts_with("  "))
            .collect();
        assert!(tables.is_empty(), "{tables:#?}");
        scrubbed(&text)
    };
    for columns in [80, 120] {
        let plan = seen(columns, "plan --all --out plan.json");
        held(&format!("terminal_{columns}_plan_all"), plan);
        for command in ["status", "inactive", "departed", "findings", "accounts"] {
            held(
                &format!("terminal_{columns}_{command}"),
                seen(columns, command),
            );
        }
        held(
            &format!("terminal_{columns}_provider_list"),
            seen(columns, "provider list"),
        );
    }
}

#[test]
fn no_snapshot_has_a_path_or_a_secret_of_the_machine() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let mut count = 0;
    for file in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let body = text.splitn(3, "---\n").nth(2).unwrap_or_default();
        for word in ["/tmp", "/home", "/root", env!("CARGO_MANIFEST_DIR"), "sk-"] {
            assert!(!body.contains(word), "{word} in {body}");
        }
        count += 1;
    }
    assert!(
        count > 30,
        "the snapshots are not where they are looked for"
    );
}
