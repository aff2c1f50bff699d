//! With the real binary: a leaver at a server that takes `active` as text alone, and users who are
//! silent by the attribute with their last login.

use chrono::TimeDelta;
use exeunt::sandbox::scim::ActiveValue;
use exeunt::sandbox::scim::Patches;
use exeunt::sandbox::scim::ScimHandle;
use exeunt::sandbox::scim::Settings;
use exeunt::sandbox::scim::User;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::provider::scim::LEAVER;
use crate::provider::scim::LOGIN;
use crate::provider::scim::house;
use crate::provider::scim::with_login;

const MAIL: &str = "lena@house.test";
const NEVER: &str = "never@house.test";
const BUSY: &str = "busy@house.test";

const PEOPLE: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     contains = \"everybody\"\n\
     columns = { key = \"nr\", mail = \"mail\", name = \"name\", leave_date = \"left\" }\n";
const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n";
const SILENT: &str = "[[policy]]\nname = \"silent\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 180\nnotice_days = [30, 7]\nsteps = [{ do = \"disable\" }]\n\
     approvals = { disable = 1 }\n";

struct Scene {
    tenant: ScimHandle,
    ws: Workspace,
}

impl Scene {
    fn start(settings: Settings, sections: &[&str]) -> Self {
        let tenant = house(settings);
        let control = tenant.control();
        let now = control.now();
        for (mail, days) in [(BUSY, Some(1)), (NEVER, None)] {
            let mut user = User::new(mail, now - TimeDelta::days(400));
            user.email = Some(mail.to_owned());
            user.last_login = days.map(|d| now - TimeDelta::days(d));
            control.with(|scim| scim.add_user(user));
        }
        let clock = tenant.control();
        let ws = Workspace::at(move || clock.now());
        ws.write("scim.token", &tenant.credentials().bearer);
        let section = format!(
            "[[tenant]]\nname = \"desk\"\nprovider = \"scim\"\nurl = \"{}\"\n\
             token = {{ file = \"scim.token\" }}\nlast_login = \"{LOGIN}\"\n\
             request_limit_s = 5\nattempts = 1\n",
            tenant.base_url(),
        );
        let all: Vec<&str> = [section.as_str()]
            .into_iter()
            .chain(sections.iter().copied())
            .collect();
        ws.configure(&all);
        let scene = Self { tenant, ws };
        scene.run(&["init"]).exits(0);
        scene
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.ws.run(args)
    }

    fn is_active(&self, mail: &str) -> bool {
        let control = self.tenant.control();
        control.with(|scim| scim.find(mail).unwrap().active)
    }

    fn released(&self) {
        let reason = "looked at it";
        self.run(&["breaker", "release", "plan.json", "--reason", reason])
            .exits(0);
    }
}

#[test]
fn a_leaver_is_disabled_where_active_is_taken_as_text_alone() {
    let patch = Patches {
        active: ActiveValue::Text,
        ..Patches::default()
    };
    let scene = Scene::start(
        Settings {
            patch,
            ..with_login()
        },
        &[PEOPLE, LEAVERS],
    );
    let last = scene.tenant.control().now().date_naive() - chrono::Days::new(3);
    let list = format!("nr,mail,name,left\n77,{MAIL},Lena House,{last}\n1,{BUSY},Busy,\n");
    scene.ws.write("hr.csv", &list);
    scene.run(&["check"]).exits(0);
    scene.run(&["sync"]).exits(0).says("complete");
    // warned now, due in a month
    scene.run(&["run"]);
    let control = scene.tenant.control();
    control.advance(31 * 86_400);
    let now = control.now();
    control.with(|scim| {
        let id = scim.find(BUSY).unwrap().id.clone();
        scim.set_last_login(&id, Some(now));
    });
    scene.run(&["sync"]).exits(0);
    scene
        .run(&["plan", "--out", "plan.json"])
        .exits(0)
        .says(MAIL)
        .says_not(BUSY);
    scene.released();
    scene.run(&["apply", "plan.json"]).exits(0).says("done");
    assert!(!scene.is_active(MAIL) && scene.is_active(BUSY));

    // the ledger has each attempt: what was sent, and what the server said
    let intents = scene.ws.entries_of("command.intended");
    let outcomes = scene.ws.entries_of("command.outcome");
    let attempts: Vec<_> = intents
        .iter()
        .map(|e| e["data"]["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [1, 2]);
    let results: Vec<_> = outcomes
        .iter()
        .map(|e| {
            (
                e["data"]["result"].as_str().unwrap(),
                e["data"]["because"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        results,
        [("failed", "call.other-form"), ("done", "call.done")]
    );
    let requests = scene.tenant.control().requests();
    let patches = requests.iter().filter(|r| r.method == "PATCH").count();
    assert_eq!(patches, 2, "one request for each intent");
    scene.run(&["why", LEAVER]).exits(0).says("call.other-form");
    scene.run(&["sync"]).exits(0);
    scene.ws.is_sound();
}

#[test]
fn the_silent_are_deactivated_by_the_attribute_with_their_last_login() {
    let scene = Scene::start(with_login(), &[SILENT]);
    scene.run(&["check"]).exits(0);
    scene.run(&["sync"]).exits(0).says("complete");
    // warned now, due in a month
    scene.run(&["run"]);
    let control = scene.tenant.control();
    control.advance(31 * 86_400);
    let now = control.now();
    control.with(|scim| {
        let id = scim.find(BUSY).unwrap().id.clone();
        scim.set_last_login(&id, Some(now));
    });
    scene.run(&["sync"]).exits(0);
    scene
        .run(&["plan", "--out", "plan.json"])
        .exits(0)
        .says(MAIL)
        .says("inactive.no-login")
        .says(&format!("withheld\t{NEVER}"))
        .says("1 step to take")
        .says_not(BUSY);
    scene.run(&["unknown"]).exits(0).says(NEVER);
    scene
        .run(&["approve", "plan.json", "--confirm", "1"])
        .exits(0);
    scene.released();
    scene.run(&["apply", "plan.json"]).exits(0).says("done");
    assert!(!scene.is_active(MAIL));
    for kept in [BUSY, NEVER] {
        assert!(scene.is_active(kept));
    }
    scene.run(&["sync"]).exits(0);
    let confirmed = "a later complete read of the tenant confirms it";
    scene.run(&["why", MAIL]).exits(0).says(confirmed);
    scene.ws.is_sound();
}
