//! Holds the directions of imports, the bans, and the lowest versions of dependencies.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

/// Which room may import which; a room may always import itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("crash", &[]),
    ("files", &[]),
    ("tls", &[]),
    ("ledger", &["domain", "clock", "crash", "evidence", "files"]),
    ("evidence", &["domain", "files", "ledger"]),
    ("http", &["domain", "tls"]),
    ("scim", &["domain", "http"]),
    ("directory", &["domain", "tls", "http", "scim"]),
    (
        "provider",
        &["domain", "clock", "crash", "files", "tls", "http", "scim"],
    ),
    ("notify", &["domain", "http", "tls"]),
    (
        "config",
        &[
            "domain",
            "clock",
            "ledger",
            "directory",
            "provider",
            "notify",
            "http",
            "scim",
            "tls",
        ],
    ),
    (
        "engine",
        &[
            "domain",
            "clock",
            "crash",
            "tls",
            "ledger",
            "evidence",
            "directory",
            "provider",
            "notify",
            "config",
        ],
    ),
    ("sandbox", &["domain"]),
    (
        "cli",
        &[
            "domain",
            "clock",
            "tls",
            "ledger",
            "evidence",
            "directory",
            "provider",
            "notify",
            "config",
            "engine",
            "sandbox",
        ],
    ),
];

/// Crates that the domain may use: data and errors, nothing that reaches outside.
const DOMAIN_CRATES: &[&str] = &["std", "chrono", "serde", "serde_json", "thiserror", "uuid"];

/// What may stand only in the files that are named, with the reason.
const BANS: &[(&str, &[&str], &str)] = &[
    (
        "Utc::now",
        &["clock.rs", "sandbox/"],
        "time is an argument; only the clock asks for it",
    ),
    (
        "SystemTime::now",
        &["clock.rs", "sandbox/"],
        "time is an argument",
    ),
    (
        "reqwest::Client::new",
        &[],
        "one client, made in http with its limits",
    ),
    (
        "danger_accept_invalid",
        &[],
        "certificates are always checked",
    ),
    (
        "dangerous_accept_invalid",
        &[],
        "certificates are always checked",
    ),
    ("set_no_tls_verify", &[], "certificates are always checked"),
    ("todo!(", &[], "nothing unfinished lands"),
    ("unimplemented!(", &[], "nothing unfinished lands"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(under: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![under.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(under).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(
        !found.is_empty(),
        "no source files under {}",
        under.display()
    );
    found.sort();
    found
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The code of a file without its comments and without the tests at its end.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]").next().unwrap();
    body.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn imports_go_in_the_decided_directions_only() {
    let allowed: BTreeMap<_, BTreeSet<_>> = MAY_IMPORT
        .iter()
        .map(|(from, to)| (*from, to.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (file, text) in sources(&root().join("src")) {
        let from = room(&file);
        if matches!(from, "lib" | "main") {
            continue;
        }
        let Some(may) = allowed.get(from) else {
            wrong.push(format!("{file}: the room `{from}` is not in the table"));
            continue;
        };
        for rest in code(&text).split("crate::").skip(1) {
            if rest.starts_with('{') {
                wrong.push(format!("{file}: `crate::{{` hides what is imported"));
                continue;
            }
            let to: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if to != from && !may.contains(to.as_str()) {
                wrong.push(format!("{file}: {from} may not import {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn adapters_do_not_know_each_other() {
    let mut wrong = Vec::new();
    for adapters in ["directory", "provider"] {
        let files = sources(&root().join("src").join(adapters));
        let plumbing = [
            "mod",
            "http",
            "answer",
            "by_hand",
            "json",
            "listing",
            "reusable",
            "spoil",
            "attributes",
            "file",
            "moment",
            "proof",
        ];
        let names: BTreeSet<_> = files
            .iter()
            .map(|(f, _)| room(f))
            .filter(|n| !plumbing.contains(n))
            .collect();
        for (file, text) in &files {
            let own = room(file);
            if !names.contains(own) {
                continue;
            }
            for other in names.iter().filter(|n| **n != own) {
                if code(text).contains(&format!("crate::{adapters}::{other}")) {
                    wrong.push(format!("{adapters}/{file} knows {other}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_directions_has_no_cycle_but_the_proofs_of_the_ledger() {
    // The ledger checks plan roots with the tree of `evidence`, which reads entries: the one pair
    // that knows each other. Everything else must be a hierarchy.
    let mut left: BTreeMap<&str, BTreeSet<&str>> = MAY_IMPORT
        .iter()
        .map(|(from, to)| (*from, to.iter().copied().collect()))
        .collect();
    left.get_mut("ledger").unwrap().remove("evidence");
    while !left.is_empty() {
        let free: Vec<_> = left
            .iter()
            .filter(|(_, to)| to.iter().all(|t| !left.contains_key(t)))
            .map(|(from, _)| *from)
            .collect();
        assert!(!free.is_empty(), "a cycle among {:?}", left.keys());
        for name in free {
            left.remove(name);
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let mut wrong = Vec::new();
    let files = sources(&root().join("src/domain"));
    for (file, text) in files
        .into_iter()
        .filter(|(file, _)| !file.contains("tests"))
    {
        let body = code(&text);
        for line in body.lines().filter(|l| l.trim_start().starts_with("use ")) {
            let path = line.trim_start().trim_start_matches("use ");
            let krate = path.split("::").next().unwrap().trim_end_matches(';');
            if krate != "crate" && !DOMAIN_CRATES.contains(&krate) {
                wrong.push(format!("{file}: {line}"));
            }
        }
        for banned in [
            "async fn",
            "std::fs",
            "std::net",
            "std::env",
            "std::time::",
            "thread",
            "rand",
        ] {
            let word = body
                .lines()
                .find(|l| l.contains(banned) && !l.contains("operand") && !l.contains("random"));
            if let Some(line) = word {
                wrong.push(format!("{file}: {banned}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_banned_stands_nowhere() {
    let mut wrong = Vec::new();
    for (file, text) in sources(&root().join("src")) {
        for (word, except, reason) in BANS {
            let excepted = except.iter().any(|e| file.starts_with(e));
            if !excepted && code(&text).contains(word) {
                wrong.push(format!("{file}: {word}: {reason}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_test_file_is_run() {
    let main = std::fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for entry in std::fs::read_dir(root().join("tests/it")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".rs");
        if name != "main" && name != "snapshots" {
            assert!(
                main.contains(&format!("mod {name};")),
                "tests/it/{name} is in no `mod` line"
            );
        }
    }
}

#[test]
fn dependencies_are_at_least_as_new_as_known_advisories_ask() {
    // RustSec advisories as of 2026-08-21 that touch crates of this kind.
    const LOWEST: &[(&str, &str)] = &[
        ("h2", "0.4.16"),
        ("aws-lc-sys", "0.39.0"),
        ("rustls", "0.23.18"),
        ("tokio-postgres", "0.7.18"),
        ("zip", "2.3.0"),
        ("lettre", "0.11.22"),
        ("tracing-subscriber", "0.3.20"),
    ];
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let number = |v: &str| -> Vec<u64> {
        v.split('.')
            .map(|part| part.split(['-', '+']).next().unwrap().parse().unwrap())
            .collect()
    };
    let mut name = "";
    let mut crates = 0;
    for line in lock.lines() {
        if let Some(rest) = line.strip_prefix("name = ") {
            name = rest.trim_matches('"');
        } else if let Some(rest) = line.strip_prefix("version = \"") {
            crates += 1;
            let version = rest.trim_end_matches('"');
            for (krate, lowest) in LOWEST.iter().filter(|(krate, _)| *krate == name) {
                assert!(
                    number(version) >= number(lowest),
                    "{krate} {version} is below {lowest}"
                );
            }
        }
    }
    assert!(crates > 50, "Cargo.lock was not understood");
}
