//! API keys of those who go, with the real program.

use chrono::TimeDelta;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::KeyRules;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::TaskSettings;
use serde_json::Value;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::provider::docspace::HEIR;
use crate::provider::docspace::LEAVER;
use crate::provider::docspace::house;

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n";
const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";

/// A portal with keys: two of the leaver's that work, two that do not, and one of somebody else.
fn scene(rules: KeyRules) -> (DocSpaceHandle, Workspace) {
    let tenant = house(TaskSettings::default());
    let control = tenant.control();
    control.set_settings(Settings {
        keys: rules,
        ..control.settings()
    });
    for name in ["sync", "report", "stopped", "ended"] {
        let key = control.add_key(LEAVER, name);
        let past = control.now() - TimeDelta::days(1);
        control.change_key(key, |key| match name {
            "stopped" => key.active = false,
            "ended" => key.expires = Some(past),
            _ => {}
        });
    }
    control.add_key(HEIR, "other");
    let ws = Workspace::clocked(tenant.control());
    let portal = ws.tenant(&tenant, "successor = \"hugo@house.test\"");
    ws.configure(&[HR, &portal, LEAVERS]);
    let left = (control.now() - TimeDelta::days(3)).format("%Y-%m-%d");
    let hr = format!("id,mail,left\n1,lena@house.test,{left}\n2,hugo@house.test,\n");
    ws.write("hr.csv", &hr);
    ws.run(&["init"]).exits(0);
    ws.run(&["sync"]).exits(0);
    (tenant, ws)
}

fn planned(ws: &Workspace) {
    ws.run(&["plan", "--out", "plan.json"]).exits(0);
    ws.run(&["approve", "plan.json", "--confirm", "1"]).exits(0);
    let release = ["breaker", "release", "plan.json", "--reason", "looked"];
    ws.run(&release).exits(0);
}

fn live(tenant: &DocSpaceHandle) -> Vec<String> {
    let now = tenant.control().now();
    let keys = tenant.control().keys_of(LEAVER).into_iter();
    let works = keys.filter(|key| key.active && key.expires.is_none_or(|at| at > now));
    works.map(|key| key.name).collect()
}

fn calls(ws: &Workspace) -> Vec<(Value, Value)> {
    let intents = ws.entries_of("command.intended").into_iter();
    intents
        .map(|entry| (entry["data"]["do"].clone(), entry["data"]["path"].clone()))
        .collect()
}

fn has_finding(ran: &Ran) -> bool {
    ran.out.contains("finding.live-keys")
}

fn findings(ws: &Workspace) -> Ran {
    ws.run(&["findings", "--json"]).exits(0)
}

#[test]
fn the_keys_of_a_leaver_go_before_the_account() {
    let (tenant, ws) = scene(KeyRules::Usual);
    assert!(has_finding(&findings(&ws)), "left, and the keys work");
    planned(&ws);
    ws.run(&["apply", "plan.json"]).exits(0).says("done");
    assert_eq!(live(&tenant), Vec::<String>::new());
    let other = tenant.control().keys_of(HEIR);
    assert!(other[0].active, "somebody else's");
    let lena = tenant.control().user(LEAVER).unwrap();
    assert_eq!(lena.status, Status::Terminated);
    let does: Vec<_> = calls(&ws).into_iter().map(|(does, _)| does).collect();
    assert_eq!(does, ["revoke", "revoke", "disable"]);
    assert_eq!(calls(&ws)[0].1, "/api/2.0/keys/{key}");
    assert_eq!(ws.entries_of("command.outcome").len(), 3);
    ws.run(&["sync"]).exits(0);
    assert!(!has_finding(&findings(&ws)));
    assert_eq!(ws.entries_of("command.confirmed").len(), 3);
    ws.run(&["why", "lena@house.test"])
        .exits(0)
        .says("with 2 API keys that work")
        .says("about to take a key of the account away");
    ws.is_sound();
    ws.run(&["rebuild"]).exits(0);
}

#[test]
fn a_key_that_cannot_be_taken_away_saves_nobody_and_is_shown() {
    for rules in [KeyRules::Foreign, KeyRules::Idle] {
        let (tenant, ws) = scene(rules);
        planned(&ws);
        let applied = ws.run(&["apply", "plan.json"]).exits(0).says("done");
        if rules == KeyRules::Foreign {
            applied.says("an API key could not be taken away (call.refused)");
        }
        let lena = tenant.control().user(LEAVER).unwrap();
        assert_eq!(lena.status, Status::Terminated, "{rules:?}");
        assert_eq!(live(&tenant), ["sync", "report"], "{rules:?}");
        ws.run(&["sync"]).exits(0);
        assert!(has_finding(&findings(&ws)), "{rules:?}");
        ws.run(&["findings"])
            .exits(0)
            .says("API keys of the account still work");
        ws.is_sound();
    }
}

#[test]
fn a_portal_that_shows_no_keys_is_read_and_acted_on_as_before() {
    let (tenant, ws) = scene(KeyRules::Unknown);
    assert!(!has_finding(&findings(&ws)), "nothing is claimed");
    planned(&ws);
    ws.run(&["apply", "plan.json"]).exits(0).says("done");
    let lena = tenant.control().user(LEAVER).unwrap();
    assert_eq!(lena.status, Status::Terminated);
    assert_eq!(calls(&ws).len(), 1);
}

#[test]
fn a_list_of_keys_that_fails_says_nothing_about_keys() {
    let (tenant, ws) = scene(KeyRules::Usual);
    let fault = Fault::Status {
        status: 403,
        body: None,
    };
    let keys = Matcher::new("GET", "/api/2.0/keys");
    tenant.control().add_fault(FaultRule::always(keys, fault));
    ws.run(&["sync"]).exits(0);
    assert!(has_finding(&findings(&ws)), "not gone because unseen");
    ws.run(&["check"])
        .says("The API keys of others cannot be seen");
    planned(&ws);
    ws.run(&["apply", "plan.json"]).exits(0).says("done");
    let lena = tenant.control().user(LEAVER).unwrap();
    assert_eq!(lena.status, Status::Terminated, "nothing is held up");
    assert!(has_finding(&findings(&ws)), "still not known to be gone");
}

#[test]
fn a_lost_answer_about_a_key_is_settled_and_gone_on_with() {
    let (tenant, ws) = scene(KeyRules::Usual);
    planned(&ws);
    let keys = Matcher::new("PUT", "/api/2.0/keys");
    let once = FaultRule {
        times: Some(1),
        ..FaultRule::always(keys, Fault::LostAnswer)
    };
    tenant.control().add_fault(once);
    ws.run(&["apply", "plan.json"]).exits(6);
    let lena = tenant.control().user(LEAVER).unwrap();
    assert_eq!(lena.status, Status::Active, "in doubt, and said so");
    tenant.control().advance(600);
    ws.run(&["apply", "plan.json"]).exits(0).says("done");
    assert_eq!(live(&tenant), Vec::<String>::new());
    let lena = tenant.control().user(LEAVER).unwrap();
    assert_eq!(lena.status, Status::Terminated);
    ws.is_sound();
}
