//! Every `--json` document against its schema, which allows nothing that is not described.

use std::collections::BTreeSet;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;

use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use serde_json::Value;

use crate::cli::stage::Stage;
use crate::common::workspace::Workspace;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema/cli")
}

fn parsed(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A schema with the common definitions in it, so that it stands alone.
fn schema(name: &str) -> Value {
    fn inside(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get_mut("$ref") {
                    *target = target.replace("common.json#", "#");
                }
                map.values_mut().for_each(inside);
            }
            Value::Array(items) => items.iter_mut().for_each(inside),
            _ => {}
        }
    }
    let mut schema = parsed(name);
    schema["$defs"] = parsed("common")["$defs"].clone();
    inside(&mut schema);
    schema
}

#[track_caller]
pub(crate) fn fits(name: &str, document: &Value) {
    let validator = jsonschema::validator_for(&schema(name)).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{document:#}");
}

/// Whether an item somewhere in the story made a list non-empty, so that its schema was tried.
fn tried(document: &Value, list: &str) {
    let items = document[list].as_array().unwrap();
    assert!(!items.is_empty(), "no `{list}` in {document:#}");
}

#[test]
fn every_document_of_the_story_fits_its_schema() {
    let stage = Stage::new();
    let run = |name: &str, args: &[&str], code: i32| {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let ran = stage.ws.run(&args).exits(code);
        assert_eq!(ran.err, "", "{args:?}");
        let document = ran.json();
        fits(name, &document);
        document
    };
    run("init", &["init"], 0);
    tried(&run("check", &["check"], 0), "items");
    tried(&run("sync", &["sync"], 0), "items");
    let plan = run("plan", &["plan", "--out", "plan.json"], 0);
    for list in ["steps", "withheld", "breakers"] {
        tried(&plan, list);
    }
    let file: Value = serde_json::from_str(&stage.ws.read("plan.json")).unwrap();
    assert_eq!(file, plan, "the file is what was printed");
    tried(&run("breaker-show", &["breaker", "show"], 0), "items");
    let approved = run("approve", &["approve", "plan.json", "--confirm", "1"], 0);
    assert_eq!(approved["approved"], true);
    let stopped = run("apply", &["apply", "plan.json"], 5);
    assert_eq!(stopped["items"][0]["result"], "stopped");
    assert_eq!(stopped["items"][0]["because"], "block.first-contact");
    let status = run("status", &["status"], 0);
    for list in ["leavers_still_in", "plans", "sources"] {
        tried(&status, list);
    }
    stage.release();
    let applied = run("apply", &["apply", "plan.json"], 0);
    assert_eq!(applied["items"][0]["result"], "done");
    assert_eq!(applied["left"], 0);
    stage.story.pass_days(1);
    stage.story.leave(Role::Leaver, Leaving::Removed);
    let ran = run("run", &["run"], 0);
    tried(&ran, "sources");
    assert!(ran["warned"]["given"].as_u64() > Some(0));
    stage.story.pass_days(1);
    run("run", &["run"], 0);
    let digest = run("status", &["status"], 0)["plans"][0]["digest"].clone();
    let rejected = run(
        "approve",
        &["approve", digest.as_str().unwrap(), "--reject"],
        0,
    );
    assert_eq!(rejected["rejected"], true);
    run("plan", &["plan"], 0);
    for name in ["inactive", "departed", "accounts", "findings"] {
        tried(&run(name, &[name], 0), "items");
        run(name, &[name, "--as-of", "60"], 0);
    }
    tried(&run("inactive", &["inactive", "--days", "100"], 0), "items");
    tried(&run("unknown", &["unknown", "--days", "400"], 0), "items");
    let bob = cast(Role::AlreadyDisabled).email;
    let why = run("why", &["why", bob], 0);
    tried(&why, "accounts");
    assert_eq!(why["accounts"][0]["decision"]["again"], "same");
    let canary = run("why", &["why", cast(Role::Canary).email], 0);
    tried(&canary, "happened");
    tried(&run("why-not", &["why-not", bob], 0), "accounts");
    let args = ["what-if", "--after-days", "60"];
    tried(&run("what-if", &args, 0), "items");
    tried(&run("report", &["report"], 0), "tenants");
    tried(&run("log", &["log", "--from", "0"], 0), "items");
    run("verify", &["verify"], 0);
    run("checkpoint", &["checkpoint"], 0);
    run("proof", &["proof", "3", "--out", "3.tlog-proof"], 0);
    run("export-tiles", &["export", "tiles", "log"], 0);
    tried(
        &run("verify-files", &["verify", "log", "3.tlog-proof"], 21),
        "items",
    );
    run("rebuild", &["rebuild"], 0);
    run("provider-list", &["provider", "list"], 0);
    run("policy-diff", &["policy", "diff"], 0);
    stage
        .ws
        .reconfigure("notice_days = [30, 7]", "notice_days = [7]");
    tried(&run("policy-diff", &["policy", "diff"], 0), "loosens");
}

#[test]
fn what_is_wrong_fits_its_schema() {
    let stage = Stage::read();
    let control = stage.story.docspace().control();
    control.set_token("another one");
    let ran = stage.ws.run(&["sync", "--json"]).exits(4);
    let document = ran.json();
    fits("sync", &document);
    let failed = document["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["source"] == "portal");
    assert_eq!(failed.unwrap()["verdict"], "failed");
    assert!(failed.unwrap()["error"].is_string());
    fits("status", &stage.ws.json(&["status"]));
    fits("check", &stage.ws.run(&["check", "--json"]).exits(4).json());

    let ran = stage.ws.run(&["why", "nobody", "--json"]).exits(64);
    fits("error", &serde_json::from_str(&ran.err).unwrap());
    let empty = Workspace::new();
    let ran = empty.run(&["status", "--json"]).exits(78);
    fits("error", &serde_json::from_str(&ran.err).unwrap());
}

#[test]
fn false_evidence_fits_its_schema() {
    let stage = Stage::read();
    let db = rusqlite::Connection::open(stage.ws.path("exeunt.db")).unwrap();
    let triggers: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for trigger in triggers {
        db.execute_batch(&format!("DROP TRIGGER {trigger}"))
            .unwrap();
    }
    let changed = db.execute(
        "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'complete', 'complexe') AS BLOB) \
         WHERE seq = (SELECT max(seq) FROM entry WHERE type = 'source.read')",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    drop(db);
    let ran = stage.ws.run(&["verify", "--json"]).exits(20);
    let document = ran.json();
    fits("verify", &document);
    assert_eq!(document["verdict"], "false");
    assert!(document["bad"]["seq"].is_u64(), "{document}");
}

#[test]
fn the_sandbox_fits_its_schema() {
    let ws = Workspace::new();
    let mut command = ws.command(&["sandbox", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !text.ends_with("}\n") {
        assert!(lines.read_line(&mut text).unwrap() > 0, "{text}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines.read_to_string(&mut String::new()));
    let document: Value = serde_json::from_str(&text).unwrap();
    fits("sandbox", &document);
    assert!(ws.path("exeunt-sandbox/exeunt.toml").is_file());
}

#[test]
fn every_schema_is_closed_and_documented() {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/JSON_OUTPUT.md");
    let docs = fs::read_to_string(docs).unwrap();
    let mut names = BTreeSet::new();
    for file in fs::read_dir(folder()).unwrap() {
        let name = file
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let schema = parsed(&name);
        assert_eq!(
            schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{name}"
        );
        if name != "common" {
            assert_eq!(schema["additionalProperties"], false, "{name}");
            assert!(
                docs.contains(&format!("schema/cli/{name}.json")),
                "{name} is not described"
            );
            names.insert(name);
        }
    }
    assert_eq!(names.len(), 44, "{names:?}");
    for part in docs.split("Schema: schema/cli/").skip(1) {
        let (name, rest) = part.split_once(".json").unwrap();
        let text = rest.split("```json\n").nth(1).unwrap();
        let text = text.split_once("```").unwrap().0;
        let document: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        fits(name, &document);
        names.remove(name);
    }
    assert_eq!(names, BTreeSet::new(), "without an example");
}
