//! The successor in exeunt.toml leaves as well.

use exeunt::sandbox::population::Population;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::projectplace::Sort;
use exeunt::sandbox::projectplace::Standing;
use exeunt::sandbox::projectplace::User;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::provider::projectplace::HEIR;
use crate::provider::projectplace::section;
use crate::provider::projectplace::tenant;

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n";

const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"remove\" }]\napprovals = { remove = 1 }\n";

const RELEASE: [&str; 5] = [
    "breaker",
    "release",
    "plan.json",
    "--reason",
    "looked at it",
];

/// Heads a workspace, and leaves.
const LEAVER: u64 = 2001;
/// Another member, who stays.
const OTHER: u64 = 2002;

struct Scene {
    tenant: ProjectPlaceHandle,
    ws: Workspace,
    workspace: u64,
}

impl Scene {
    fn start() -> Self {
        let tenant = tenant(Population::default(), Settings::default());
        let control = tenant.control();
        let workspace = control.with(|account| {
            for id in [LEAVER, OTHER] {
                let email = format!("p{id}@example.com");
                let user = User::new(id, &format!("Person {id}"), &email, Role::Member);
                account.add_user(user).unwrap();
            }
            let sort = Sort::Workspace;
            account.add_artifact(sort, "Rollout", LEAVER).unwrap()
        });
        let clock = tenant.control();
        let ws = Workspace::at(move || clock.now());
        let section = section(&ws, &tenant, "successor = \"heir@example.com\"\n");
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

    /// Writes HR's list with the days on which the leaver and the heir have left.
    fn employs(&self, leaver: &str, heir: &str) {
        let list = format!(
            "id,mail,left\n1,p{LEAVER}@example.com,{leaver}\n2,p{OTHER}@example.com,\n\
             3,heir@example.com,{heir}\n"
        );
        self.ws.write("hr.csv", &list);
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ws.run(args)
    }

    fn standing(&self, id: u64) -> Standing {
        let control = self.tenant.control();
        control.with(|account| account.user(id).unwrap().standing)
    }

    fn head(&self) -> Option<u64> {
        let control = self.tenant.control();
        control.with(|account| account.head_of(Sort::Workspace, self.workspace))
    }
}

#[test]
fn nothing_goes_to_a_successor_who_has_left() {
    let scene = Scene::start();
    let day = scene.tenant.control().now() - chrono::TimeDelta::days(2);
    let day = day.format("%Y-%m-%d").to_string();
    scene.employs(&day, &day);
    scene.run(&["sync"]).exits(0);
    let says = "NO SUCCESSOR: heir@example.com, who takes over in place, has left";
    let plan = scene.run(&["plan", "--out", "plan.json"]).exits(0);
    plan.says(says).says("until exeunt.toml names another one");
    let approve = ["approve", "plan.json", "--confirm", "2"];
    scene.run(&approve).exits(0).says(says);
    scene.run(&RELEASE).exits(0);
    scene
        .run(&["apply", "plan.json"])
        .exits(0)
        .says_not("done")
        .says("block.successor-leaving")
        .says("hint: place: Name another successor for the tenant.");
    for id in [LEAVER, OTHER, HEIR] {
        assert_eq!(scene.standing(id), Standing::Here, "{id}");
    }
    assert_eq!(scene.head(), Some(LEAVER), "handed over");
    scene
        .run(&["status"])
        .exits(0)
        .says("LEAVERS STILL IN: 2 accounts")
        .says("The step is due, and is withheld. The successor has left");
    let plan = scene.run(&["plan", "--json"]).exits(0).json();
    crate::json::fits("plan", &plan);
    let nobody = plan["no_successor"].as_array().unwrap();
    assert_eq!(nobody.len(), 2, "{plan:#}");
    assert_eq!(nobody[0]["successor"], "heir@example.com");

    // What it says to do can be done, and both leave then.
    let toml = scene.ws.read("exeunt.toml");
    let other = toml.replace("heir@example.com", &format!("p{OTHER}@example.com"));
    scene.ws.write("exeunt.toml", &other);
    scene.run(&["policy", "propose"]).exits(0);
    scene.run(&["policy", "approve", "--reason", "x"]).exits(0);
    let plan = scene.run(&["plan", "--out", "plan.json"]).exits(0);
    plan.says_not("NO SUCCESSOR");
    scene.run(&approve).exits(0).says_not("NO SUCCESSOR");
    scene.run(&["apply", "plan.json"]).exits(0).says("done");
    for id in [LEAVER, HEIR] {
        assert_eq!(scene.standing(id), Standing::Deleted, "{id}");
    }
    assert_eq!(scene.head(), Some(OTHER));
    scene.run(&["verify"]).exits(0).says("good:");
}
