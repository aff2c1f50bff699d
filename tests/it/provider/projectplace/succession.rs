//! Who takes over: whom somebody has named, else the manager, else whom the tenant's section names.

use exeunt::sandbox::population::Population;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::projectplace::Sort;
use exeunt::sandbox::projectplace::Standing;
use exeunt::sandbox::projectplace::User;
use serde_json::Value;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::provider::projectplace::HEIR;
use crate::provider::projectplace::section;
use crate::provider::projectplace::tenant;

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\", manager = \"boss\" }\n\
     contains = \"everybody\"\n";

const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"remove\" }]\napprovals = { remove = 1 }\n";

/// Heads a workspace, and leaves.
const LEAVER: u64 = 2001;
/// Their manager.
const BOSS: u64 = 2002;
/// A colleague.
const OTHER: u64 = 2003;

struct Scene {
    tenant: ProjectPlaceHandle,
    ws: Workspace,
    workspace: u64,
}

impl Scene {
    /// A tenant whose section has these further keys.
    fn start(keys: &str) -> Self {
        let tenant = tenant(Population::default(), Settings::default());
        let workspace = tenant.control().with(|account| {
            for id in [LEAVER, BOSS, OTHER] {
                let email = format!("p{id}@example.com");
                let user = User::new(id, &format!("Person {id}"), &email, Role::Member);
                account.add_user(user).unwrap();
            }
            account
                .add_artifact(Sort::Workspace, "Rollout", LEAVER)
                .unwrap()
        });
        let clock = tenant.control();
        let ws = Workspace::at(move || clock.now());
        let section = section(&ws, &tenant, keys);
        ws.configure(&[HR, &section, LEAVERS]);
        let scene = Self {
            tenant,
            ws,
            workspace,
        };
        scene.employs("", "");
        scene.run(&["init"]).exits(0);
        scene.run(&["sync"]).exits(0);
        scene
    }

    /// Writes HR's list with the days on which the leaver and the manager have left. Whoever leaves
    /// has no manager any more.
    fn employs(&self, leaver: &str, boss: &str) {
        let manager = if leaver.is_empty() { "b" } else { "" };
        let list = format!(
            "id,mail,left,boss\na,p{LEAVER}@example.com,{leaver},{manager}\n\
             b,p{BOSS}@example.com,{boss},\nc,p{OTHER}@example.com,,b\nd,heir@example.com,,b\n"
        );
        self.ws.write("hr.csv", &list);
    }

    fn day(&self) -> String {
        let day = self.tenant.control().now() - chrono::TimeDelta::days(2);
        day.format("%Y-%m-%d").to_string()
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ws.run(args)
    }

    /// Plans, approves and carries out; returns what was said.
    fn removed(&self, count: &str) -> Ran {
        self.run(&["plan", "--out", "plan.json"]).exits(0);
        let approve = ["approve", "plan.json", "--confirm", count];
        self.run(&approve).exits(0);
        let reason = ["--reason", "looked at it"];
        self.run(&[&["breaker", "release", "plan.json"][..], &reason].concat());
        self.run(&["apply", "plan.json"]).exits(0)
    }

    fn head(&self) -> Option<u64> {
        let control = self.tenant.control();
        control.with(|account| account.head_of(Sort::Workspace, self.workspace))
    }

    fn standing(&self, id: u64) -> Standing {
        let control = self.tenant.control();
        control.with(|account| account.user(id).unwrap().standing)
    }

    /// The step about the leaver as the ledger has it, in the newest plan: the one for which most was
    /// looked at.
    fn step(&self) -> Value {
        let log = self.run(&["log", "--from", "0", "--json"]).exits(0).json();
        let entries = log["items"].as_array().unwrap().iter().rev();
        let mut listed = entries.filter(|e| e["type"] == "plan.listed");
        let steps = listed.next().unwrap()["data"]["steps"].clone();
        let steps = steps.as_array().unwrap();
        let looked_at = |step: &&Value| step["succession"].to_string().len();
        steps.iter().max_by_key(looked_at).unwrap().clone()
    }
}

const TEAM: &str = "successor = \"heir@example.com\"\n";

const SET: [&str; 8] = [
    "successor",
    "set",
    "p2001@example.com",
    "p2003@example.com",
    "--tenant",
    "place",
    "--reason",
    "knows the rollout",
];

#[test]
fn the_manager_takes_over_before_the_default() {
    let scene = Scene::start(TEAM);
    scene.employs(&scene.day(), "");
    scene.run(&["sync"]).exits(0);
    let plan = scene.run(&["plan"]).exits(0);
    plan.says("which go to p2002@example.com (their manager)");
    scene.removed("1").says("done");
    assert_eq!(scene.head(), Some(BOSS));
    assert_eq!(scene.standing(LEAVER), Standing::Deleted);
    assert_eq!(scene.step()["succession"]["by"], "manager");
    scene
        .run(&["why", "p2001@example.com"])
        .exits(0)
        .says("p2002@example.com takes over");
    scene.run(&["verify"]).exits(0).says("good:");
    scene.run(&["rebuild"]).exits(0);
}

#[test]
fn a_manager_who_has_left_is_passed_over_and_it_is_said() {
    let scene = Scene::start(TEAM);
    scene.employs(&scene.day(), &scene.day());
    scene.run(&["sync"]).exits(0);
    let plan = scene.run(&["plan"]).exits(0);
    plan.says("which go to heir@example.com (the tenant's successor; not their manager: The");
    scene.removed("2").says("done");
    assert_eq!(scene.head(), Some(HEIR));
    let step = scene.step();
    assert_eq!(step["succession"]["by"], "team", "{step}");
    let passed = &step["succession"]["passed"][0];
    assert_eq!(passed["because"], "block.successor-leaving", "{step}");
}

#[test]
fn whoever_was_named_takes_over_before_everybody() {
    let scene = Scene::start(TEAM);
    scene.employs(&scene.day(), "");
    scene.run(&["sync"]).exits(0);
    scene.run(&["plan", "--out", "plan.json"]).exits(0);
    let approve = ["approve", "plan.json", "--confirm", "1"];
    scene.run(&approve).exits(0);
    // Said after the approval: what was approved goes to nobody else.
    scene
        .run(&SET)
        .exits(0)
        .says("goes to p2003@example.com")
        .says("is withheld, and planned anew");
    let release = ["breaker", "release", "plan.json", "--reason", "x"];
    scene.run(&release).exits(0);
    let applied = scene.run(&["apply", "plan.json"]).exits(0);
    applied.says("step.changed").says_not("done\t");
    assert_eq!(scene.head(), Some(LEAVER), "handed over");
    let plan = scene.run(&["plan"]).exits(0);
    plan.says("which go to p2003@example.com (named for them)");
    scene.removed("1").says("done");
    assert_eq!(scene.head(), Some(OTHER));
    let list = scene.run(&["successor", "list"]).exits(0);
    list.says("p2003@example.com").says("knows the rollout");
    let list = scene.run(&["successor", "list", "--json"]).exits(0).json();
    crate::json::fits("successor-list", &list);
    let why = scene.run(&["why", "p2001@example.com"]).exits(0);
    why.says("named p2003@example.com to take over what p2001@example.com owns in place")
        .says("reason: knows the rollout");
}

#[test]
fn a_named_successor_who_has_left_is_replaced_by_nobody() {
    // The manager is protected, so that they leave and stay in.
    let scene = Scene::start(&format!("{TEAM}protect = [\"p2002@example.com\"]\n"));
    let to_boss: Vec<_> = SET
        .iter()
        .map(|arg| arg.replace("p2003@", "p2002@"))
        .collect();
    let to_boss: Vec<_> = to_boss.iter().map(String::as_str).collect();
    scene.run(&to_boss).exits(0);
    scene.employs(&scene.day(), &scene.day());
    scene.run(&["sync"]).exits(0);
    let plan = scene.run(&["plan"]).exits(0);
    plan.says("NO SUCCESSOR: p2002@example.com")
        .says("until `exeunt successor set` names another one");
    scene.removed("1").says("block.successor-leaving");
    assert_eq!(scene.standing(LEAVER), Standing::Here, "still in, and said");
    assert_eq!(scene.head(), Some(LEAVER), "handed over");
    let list = scene.run(&["successor", "list"]).exits(0);
    list.says("The successor has left");
    let clear = [
        "successor",
        "clear",
        "p2001@example.com",
        "--tenant",
        "place",
        "--reason",
        "gone",
    ];
    scene.run(&clear).exits(0).says("nobody is named any more");
    scene
        .run(&clear)
        .exits(5)
        .says("nobody has named who takes over from them in place");
    scene.removed("1").says("done");
    assert_eq!(scene.head(), Some(HEIR));
}

#[test]
fn nobody_takes_over_and_the_removal_waits() {
    let scene = Scene::start("");
    scene.employs(&scene.day(), &scene.day());
    scene.run(&["sync"]).exits(0);
    scene.removed("2").says("block.no-successor");
    assert_eq!(scene.head(), Some(LEAVER), "handed over");
    assert_eq!(scene.standing(LEAVER), Standing::Here);
    let status = scene.run(&["status"]).exits(0);
    status.says("LEAVERS STILL IN");
}

#[test]
fn another_order_is_another_successor_and_waits_for_an_approver() {
    let order = "succession = [\"named\", \"team\"]\n";
    let scene = Scene::start(&format!("{TEAM}{order}"));
    let toml = scene.ws.read("exeunt.toml");
    scene.ws.write("exeunt.toml", &toml.replace(order, ""));
    scene.employs(&scene.day(), "");
    scene.run(&["sync"]).exits(0);
    let plan = scene.run(&["plan"]).exits(0);
    plan.says("which go to heir@example.com (the tenant's successor)");
    let diff = scene.run(&["policy", "diff"]);
    diff.says("sources.tenant/place.succession: named, team -> named, manager, team");
    scene.run(&["policy", "approve", "--reason", "x"]).exits(0);
    let plan = scene.run(&["plan"]).exits(0);
    plan.says("which go to p2002@example.com (their manager)");
}

#[test]
fn what_cannot_be_an_order_or_a_successor_is_refused() {
    let scene = Scene::start(TEAM);
    let nobody = ["successor", "set", "p2001@example.com", "p2001@example.com"];
    let rest = ["--tenant", "place", "--reason", "x"];
    let ran = scene.run(&[&nobody[..], &rest].concat()).exits(5);
    ran.says("successor.oneself");
    scene.tenant.control().with(|account| {
        let user = User::new(3001, "Ext", "ext@example.com", Role::External);
        account.add_user(user).unwrap();
    });
    scene.run(&["sync"]).exits(0);
    let external = ["successor", "set", "p2001@example.com", "ext@example.com"];
    let ran = scene.run(&[&external[..], &rest].concat()).exits(5);
    ran.says("block.successor-unfit");
    let toml = scene.ws.read("exeunt.toml");
    for (order, says) in [
        ("[]", "`succession` is empty"),
        (
            "[\"team\", \"team\"]",
            "`team` stands in `succession` twice",
        ),
        ("[\"boss\"]", "boss"),
    ] {
        let with = toml.replace(TEAM, &format!("{TEAM}succession = {order}\n"));
        scene.ws.write("exeunt.toml", &with);
        scene.run(&["status"]).exits(78).says(says);
    }
}
