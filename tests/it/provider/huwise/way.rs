//! The use that the reference names, with the real binary: accounts that are silent for a year and
//! invitations that nobody took up are reviewed in a table, warned, approved and removed.

use chrono::TimeDelta;
use exeunt::sandbox::huwise::HuwiseHandle;
use exeunt::sandbox::huwise::Settings;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::tenant::Matcher;

use crate::common::gates::while_held;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::common::workspace::finish;
use crate::provider::huwise::CLEO;
use crate::provider::huwise::silent;
use crate::provider::huwise::tenant;

const POLICIES: &str = "[[policy]]\nname = \"silent\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 365\nnotice_days = [30]\nsteps = [{ do = \"remove\" }]\n\
     approvals = { remove = 1 }\n\n\
     [[policy]]\nname = \"never-came\"\nwhen = \"never-activated\"\nring = \"enforce\"\n\
     after_days = 90\nsteps = [{ do = \"remove\" }]\napprovals = { remove = 1 }\n";

const RELEASE: [&str; 5] = [
    "breaker",
    "release",
    "plan.json",
    "--reason",
    "looked at it",
];

struct Scene {
    tenant: HuwiseHandle,
    ws: Workspace,
}

impl Scene {
    /// A domain in which an administrator sees only their own API keys.
    fn start(extra: &str) -> Self {
        let tenant = tenant(Population::of(2, 0), Settings::default());
        let control = tenant.control();
        let now = control.now();
        control.with(|domain| {
            // a session that goes on for longer than a year
            let mut long = silent("long", now, 10);
            long.last_login = Some(now - TimeDelta::days(500));
            let mut rui = silent("rui", now, 0);
            (rui.last_login, rui.last_seen) = (None, None);
            rui.joined = now - TimeDelta::days(70);
            for user in [
                long,
                rui,
                silent("robot", now, 500),
                silent("dora", now, 500),
                silent("writer", now, 500).with("edit_dataset"),
            ] {
                domain.add_user(user);
            }
        });
        let clock = tenant.control();
        let ws = Workspace::at(move || clock.now());
        ws.write("data.key", tenant.key());
        let section = format!(
            "[[tenant]]\nname = \"data\"\nprovider = \"huwise\"\nurl = \"{}\"\n\
             api_key = {{ file = \"data.key\" }}\nrequest_limit_s = 5\nattempts = 1\n{extra}\n",
            tenant.url()
        );
        ws.configure(&[&section, POLICIES]);
        let scene = Self { tenant, ws };
        scene.run(&["init"]).exits(0);
        scene
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ws.run(args)
    }

    fn days_later(&self, days: i64) {
        self.tenant.control().advance(days * 86_400);
    }

    fn is_there(&self, name: &str) -> bool {
        let control = self.tenant.control();
        control.with(|domain| domain.user(name).is_some())
    }
}

#[test]
fn the_silent_and_those_who_never_came_are_reviewed_and_removed() {
    let scene = Scene::start("service_accounts = [\"robot@example.com\"]");
    scene
        .run(&["check"])
        .says("API keys")
        .says("service_accounts");
    scene.run(&["sync"]).exits(0).says("complete");
    // warned now, due in a month
    scene.run(&["run"]);
    scene.days_later(31);
    scene.run(&["sync"]).exits(0);
    let plan = scene
        .run(&["plan", "--out", "plan.json", "--csv", "review.csv"])
        .exits(0);
    plan.says("cleo@example.com")
        .says("dora@example.com")
        .says("rui@example.com")
        .says("inactive.no-login")
        .says("inactive.never-activated")
        .says_not("long@example.com");
    let review = scene.ws.read("review.csv");
    assert!(review.contains("cleo@example.com") && review.contains("rui@example.com"));
    scene.run(&RELEASE).exits(0);
    // the reviewer knows that dora is on leave
    let dora = review.lines().find(|l| l.contains("dora@example.com"));
    let dora = dora.unwrap();
    let back = review.replace(dora, &format!("x{dora}"));
    scene.ws.write("back.csv", &back);
    let approve = [
        "approve",
        "plan.json",
        "--csv",
        "back.csv",
        "--confirm",
        "2",
    ];
    scene.run(&approve).exits(0).says("2 of the 3 steps");
    scene.run(&["run"]).exits(0);
    for (name, there) in [
        (CLEO, false),
        ("rui", false),
        ("dora", true),
        ("long", true),
        ("robot", true),
        ("writer", true),
    ] {
        assert_eq!(scene.is_there(name), there, "{name}");
    }
    scene.run(&["verify"]).exits(0).says("good:");
}

#[test]
fn without_a_word_on_machines_only_invitations_go() {
    let scene = Scene::start("");
    scene.run(&["sync"]).exits(0);
    scene.run(&["run"]);
    scene.days_later(31);
    scene.run(&["sync"]).exits(0);
    scene
        .run(&["plan", "--out", "plan.json", "--all"])
        .exits(0)
        .says("block.protected-keys-unseen");
    scene
        .run(&["approve", "plan.json", "--confirm", "1"])
        .exits(0);
    scene.run(&RELEASE).exits(0);
    scene.run(&["apply", "plan.json"]).exits(0).says("done");
    assert!(!scene.is_there("rui"));
    for name in [CLEO, "robot", "writer", "long", "dora"] {
        assert!(scene.is_there(name), "{name}");
    }
    scene.run(&["sync"]).exits(0);
    let confirmed = "a later complete read of the tenant confirms it";
    scene
        .run(&["why", "rui@example.com"])
        .exits(0)
        .says(confirmed);
    scene.run(&["verify"]).exits(0).says("good:");
}

/// Somebody was taken out after the plan was approved and is invited again under the old name:
/// before `apply`, while it looks at the account again, or just before the call.
#[test]
fn an_old_plan_does_not_touch_whoever_was_invited_again() {
    for held in 0..=2 {
        let scene = Scene::start("service_accounts = [\"robot@example.com\"]");
        scene.run(&["sync"]).exits(0);
        scene.run(&["run"]);
        scene.days_later(31);
        scene.run(&["sync"]).exits(0);
        scene.run(&["plan", "--out", "plan.json"]).exits(0);
        let approve = ["approve", "plan.json", "--confirm", "3"];
        scene.run(&approve).exits(0);
        scene.run(&RELEASE).exits(0);
        let control = scene.tenant.control();
        control.clear_requests();
        let now = control.now();
        let again = || {
            control.with(|domain| {
                // as the plan has it, so that only the date tells them apart
                let mut cleo = domain.user(CLEO).unwrap().clone();
                assert!(domain.remove_user(CLEO, now));
                cleo.joined = now;
                domain.add_user(cleo);
            });
        };
        let apply = ["apply", "plan.json"];
        let ran = if held == 0 {
            again();
            scene.run(&apply)
        } else {
            let read = Matcher::new("GET", "/api/automation/v1.0/users/cleo/");
            let start = || scene.ws.start(&apply);
            finish(while_held(&control, &read, held, start, again), &apply)
        };
        let (exit, why) = match held {
            0 | 1 => (0, "step.fell-away"),
            _ => (3, "read.moved"),
        };
        ran.exits(exit).says(why);

        // nor does any later command
        scene.run(&["apply", "plan.json"]);
        scene.run(&["run"]);
        let joined = control.with(|domain| domain.user(CLEO).unwrap().joined);
        assert_eq!(joined, now, "held {held}");
        let requests = control.requests();
        let changes = requests.iter().filter(|r| r.method != "GET");
        let (of_cleo, others): (Vec<_>, Vec<_>) = changes.partition(|r| r.path.contains(CLEO));
        assert!(of_cleo.is_empty(), "held {held}: {of_cleo:?}");
        assert_eq!(others.len(), 2, "the other steps of the plan");
        scene.run(&["verify"]).exits(0).says("good:");
    }
}
