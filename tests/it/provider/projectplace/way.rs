//! The use that the reference names, with the real binary: accounts that are silent for 180 days
//! are deleted and what they head is handed over; external members are taken out.

use std::process::Stdio;

use chrono::TimeDelta;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::projectplace::Sort;
use exeunt::sandbox::projectplace::Standing;
use exeunt::sandbox::projectplace::User;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::common::workspace::finish;
use crate::provider::projectplace::HEIR;
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
        let ws = Workspace::new();
        ws.write("robot.secret", &tenant.credentials().client_secret);
        ws.write("robot.id", &tenant.credentials().client_id);
        let section = format!(
            "[[tenant]]\nname = \"place\"\nprovider = \"projectplace\"\nurl = \"{}\"\n\
             client_id = {{ file = \"robot.id\" }}\nclient_secret = {{ file = \"robot.secret\" }}\n\
             successor = \"heir@example.com\"\nrequest_limit_s = 5\nattempts = 1\n",
            tenant.url()
        );
        ws.configure(&[&section, SILENT]);
        let scene = Self {
            tenant,
            ws,
            workspace,
        };
        scene.run(&["init"]).exits(0);
        scene
    }

    /// Runs a command at the tenant's time.
    fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.ws.command(args);
        let now = self.tenant.control().now().to_rfc3339();
        command.env("EXEUNT_NOW", now);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().unwrap(), args)
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
