//! The use that the reference names, with the real binary: accounts that are silent for 180 days
//! are deleted and what they head is handed over; external members are taken out.

use chrono::TimeDelta;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::projectplace::Sort;
use exeunt::sandbox::projectplace::Standing;
use exeunt::sandbox::projectplace::User;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::common::screen::Screen;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::provider::projectplace::HEIR;
use crate::provider::projectplace::section;
use crate::provider::projectplace::tenant;

const SILENT: &str = "[[policy]]\nname = \"silent\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 180\nnotice_days = [30, 7]\nsteps = [{ do = \"remove\" }]\n\
     approvals = { remove = 1 }\n";

/// Silent for a year: a member who heads a workspace, and an external member. Active: one member.
const GONE: u64 = 2001;
const OUTSIDE: u64 = 2002;
const BUSY: u64 = 2003;
/// Never logged in, as far as is shown.
const UNSEEN: u64 = 2004;

struct Scene {
    tenant: ProjectPlaceHandle,
    ws: Workspace,
    workspace: u64,
}

impl Scene {
    fn start() -> Self {
        let tenant = tenant(Population::default(), Settings::default());
        let control = tenant.control();
        let now = control.now();
        let workspace = control.with(|account| {
            for (id, role, days) in [
                (GONE, Role::Member, Some(365)),
                (OUTSIDE, Role::External, Some(365)),
                (BUSY, Role::Member, Some(1)),
                (UNSEEN, Role::Member, None),
            ] {
                let email = format!("p{id}@example.com");
                let user = User::new(id, &format!("Person {id}"), &email, role);
                account.add_user(user).unwrap();
                account.set_last_login(id, days.map(|d| now - TimeDelta::days(d)));
            }
            account
                .add_artifact(Sort::Workspace, "Rollout", GONE)
                .unwrap()
        });
        let clock = tenant.control();
        let ws = Workspace::at(move || clock.now());
        let section = section(&ws, &tenant, "successor = \"heir@example.com\"\n");
        ws.configure(&[&section, SILENT]);
        let scene = Self {
            tenant,
            ws,
            workspace,
        };
        scene.run(&["init"]).exits(0);
        scene
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ws.run(args)
    }

    fn days_later(&self, days: i64) {
        let control = self.tenant.control();
        control.advance(days * 86_400);
        let now = control.now();
        control.with(|account| {
            for id in [BUSY, HEIR] {
                account.set_last_login(id, Some(now));
            }
        });
    }

    fn standing(&self, id: u64) -> Standing {
        let control = self.tenant.control();
        control.with(|account| account.user(id).unwrap().standing)
    }
}

/// Whoever is asked about each account sees what goes to whom, and where nobody knows.
#[test]
fn each_account_is_shown_with_what_it_heads() {
    let scene = Scene::start();
    scene.run(&["sync"]).exits(0);
    scene.run(&["run"]);
    scene.days_later(31);
    scene.run(&["sync"]).exits(0);
    scene.run(&["plan", "--out", "plan.json"]).exits(0);
    // what stands between an account's name and the question about it
    let shown = |email: &str| {
        let mut screen = Screen::of(&scene.ws.command(&[]), "approve plan.json --each");
        screen
            .says("[q]uit:", "y")
            .sees("2 of 2")
            .says("[q]uit:", "q");
        let all = screen.ends(5);
        let after = all.split(&format!("remove {email} in place.")).nth(1);
        let own = after.and_then(|text| text.split("Approve this?").next());
        own.unwrap().to_owned()
    };
    let (head, outside) = ("p2001@example.com", "p2002@example.com");
    let goes = "owns 1 workspace, which go to heir@example.com";
    assert!(shown(head).contains(goes));
    assert!(!shown(outside).contains("own"));

    let artifacts = format!("/1/account/people/{GONE}/owned-artifacts");
    scene.tenant.control().add_fault(FaultRule::always(
        Matcher::new("GET", &artifacts),
        Fault::Html { status: 502 },
    ));
    assert!(shown(head).contains("what it owns is not known"));
    assert!(!shown(outside).contains("own"));
}

#[test]
fn the_silent_are_removed_and_what_they_head_is_handed_over() {
    let scene = Scene::start();
    scene.run(&["sync"]).exits(0).says("complete");
    // warned now, due in a month
    scene.run(&["run"]);
    scene.days_later(31);
    scene.run(&["sync"]).exits(0);
    let plan = scene.run(&["plan", "--out", "plan.json"]).exits(0);
    plan.says("p2001@example.com")
        .says("p2002@example.com")
        .says_not("p2003@example.com")
        .says("inactive.no-login");
    scene
        .run(&["approve", "plan.json", "--confirm", "2"])
        .exits(0);
    let release = [
        "breaker",
        "release",
        "plan.json",
        "--reason",
        "looked at it",
    ];
    scene.run(&release).exits(0);
    scene.run(&["apply", "plan.json"]).exits(0).says("done");
    assert_eq!(scene.standing(GONE), Standing::Deleted);
    assert_eq!(scene.standing(OUTSIDE), Standing::Removed);
    for id in [BUSY, UNSEEN, HEIR] {
        assert_eq!(scene.standing(id), Standing::Here);
    }
    let control = scene.tenant.control();
    let head = control.with(|account| account.head_of(Sort::Workspace, scene.workspace));
    assert_eq!(head, Some(HEIR));

    scene.run(&["sync"]).exits(0);
    let confirmed = "a later complete read of the tenant confirms it";
    scene
        .run(&["why", "p2001@example.com"])
        .exits(0)
        .says(confirmed);
    scene.run(&["verify"]).exits(0).says("good:");
}
