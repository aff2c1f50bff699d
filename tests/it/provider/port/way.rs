//! The use that the reference names, with the real binary: users whom the organisation itself has
//! disabled and who are idle are removed, with images of what was there and a list of what they
//! leave behind.

use chrono::TimeDelta;
use exeunt::sandbox::port::PortHandle;
use exeunt::sandbox::port::Role;
use exeunt::sandbox::port::Settings;
use exeunt::sandbox::port::Status;
use exeunt::sandbox::port::User;
use exeunt::sandbox::tenant::Matcher;
use exeunt::sandbox::tenant::RequestRecord;

use crate::common::gates::while_held;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::common::workspace::finish;
use crate::provider::port::LEAVER;
use crate::provider::port::house;
use crate::provider::port::pointing;

const DISABLED: &str = "[[policy]]\nname = \"shut out\"\nwhen = \"disabled\"\nring = \"enforce\"\n\
     after_days = 30\nsteps = [{ do = \"remove\" }]\napprovals = { remove = 1 }\n";

/// Nobody ever invited them, which an old organisation calls Disabled as well.
const NEVER: &str = "never@house.test";
const BUSY: &str = "busy@house.test";

struct Scene {
    tenant: PortHandle,
    ws: Workspace,
}

impl Scene {
    fn start() -> Self {
        let tenant = house(Settings {
            old_organization: true,
            ..Settings::default()
        });
        let control = tenant.control();
        let now = control.now();
        control.set_status(LEAVER, Status::Disabled);
        control.add_uninvited(User::new(NEVER, "Never", "", now - TimeDelta::days(300)));
        let mut busy = User::new(BUSY, "Busy", "", now - TimeDelta::days(300));
        busy.last_login = Some(now);
        control.add_user(busy);
        pointing(&control, "service", "cart", LEAVER);
        pointing(&control, "service", "till", LEAVER);
        let clock = tenant.control();
        let ws = Workspace::at(move || clock.now());
        let (id, secret) = tenant.credentials();
        ws.write("port.id", &id);
        ws.write("port.secret", &secret);
        let section = format!(
            "[[tenant]]\nname = \"catalogue\"\nprovider = \"port\"\nurl = \"{}\"\n\
             client_id = {{ file = \"port.id\" }}\nclient_secret = {{ file = \"port.secret\" }}\n\
             workspace = \"{}\"\nrequest_limit_s = 5\nattempts = 1\n",
            tenant.url(),
            control.org_id(),
        );
        ws.configure(&[&section, DISABLED]);
        let scene = Self { tenant, ws };
        scene.run(&["init"]).exits(0);
        scene
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ws.run(args)
    }
}

#[test]
fn the_disabled_are_removed_and_what_they_leave_behind_is_listed() {
    let scene = Scene::start();
    let control = scene.tenant.control();
    scene.run(&["check"]).exits(0);
    scene.run(&["sync"]).exits(0).says("complete");
    control.advance(31 * 86_400);
    scene.run(&["sync"]).exits(0);
    scene
        .run(&["plan", "--out", "plan.json", "--csv", "plan.csv"])
        .exits(0)
        .says(LEAVER)
        .says("The account is disabled in the tenant")
        .says("whether somebody disabled it or nobody ever let it in cannot be seen")
        .says_not(BUSY);
    let list = scene.ws.read("plan.csv");
    assert!(
        list.contains(LEAVER) && list.contains("2 services"),
        "{list}"
    );
    assert!(!list.contains(NEVER), "{list}");
    let approve = ["approve", "plan.json", "--confirm", "1"];
    scene.run(&approve).exits(0);
    let reason = "looked at it";
    let release = ["breaker", "release", "plan.json", "--reason", reason];
    scene.run(&release).exits(0);
    scene.run(&["apply", "plan.json"]).exits(0).says("done");
    assert!(control.user(LEAVER).is_none());
    for kept in [NEVER, BUSY] {
        assert!(control.user(kept).is_some());
    }
    assert!(control.entity("service", "cart").is_some());

    let images = scene.run(&["before-images", "--out", "."]).exits(0);
    images.says("1 account");
    scene.run(&["sync"]).exits(0);
    let confirmed = "a later complete read of the tenant confirms it";
    scene.run(&["why", LEAVER]).exits(0).says(confirmed);
    scene.run(&["verify"]).exits(0).says("good:");
}

/// Somebody was taken out after the plan was approved and is invited again under the old address:
/// before `apply`, while it looks at the account again, or just before the call.
#[test]
fn an_old_plan_does_not_touch_whoever_was_invited_again() {
    for held in 0..=2 {
        let scene = Scene::start();
        let control = scene.tenant.control();
        scene.run(&["sync"]).exits(0);
        control.advance(31 * 86_400);
        scene.run(&["sync"]).exits(0);
        scene.run(&["plan", "--out", "plan.json"]).exits(0);
        let approve = ["approve", "plan.json", "--confirm", "1"];
        scene.run(&approve).exits(0);
        let reason = "looked at it";
        let release = ["breaker", "release", "plan.json", "--reason", reason];
        scene.run(&release).exits(0);
        control.clear_requests();
        let before = control.now();
        let again = || {
            let old = control.user(LEAVER).unwrap();
            assert!(control.remove_user(LEAVER));
            control.invite(LEAVER, Role::Member);
            // as the plan has it, so that only the date tells them apart
            control.change_user(LEAVER, |new| {
                (new.status, new.last_login) = (old.status, old.last_login);
            });
        };
        let apply = ["apply", "plan.json"];
        let ran = if held == 0 {
            again();
            scene.run(&apply)
        } else {
            let read = Matcher::new("GET", "/v1/blueprints/_user/entities/");
            let start = || scene.ws.start(&apply);
            finish(while_held(&control, &read, held, start, again), &apply)
        };
        let why = ["step.fell-away", "step.fell-away", "block.identity-changed"][held];
        ran.exits(0).says("withheld").says(why);

        // nor does any later command
        scene.run(&["apply", "plan.json"]);
        scene.run(&["run"]);
        let there = control.user(LEAVER).unwrap();
        assert!(there.created > before, "held {held}");
        let requests = control.requests();
        let reads = |r: &&RequestRecord| r.method == "GET" || r.method == "POST";
        let changes: Vec<_> = requests.iter().filter(|r| !reads(r)).collect();
        assert!(changes.is_empty(), "held {held}: {changes:?}");
        scene.run(&["verify"]).exits(0).says("good:");
    }
}
