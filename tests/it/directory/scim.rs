//! A SCIM service as the directory of another tenant, with the real binary.

use chrono::TimeDelta;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::User as Account;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::scim::Paging;
use exeunt::sandbox::scim::Scim;
use exeunt::sandbox::scim::ScimHandle;
use exeunt::sandbox::scim::ScimOptions;
use exeunt::sandbox::scim::Settings;
use exeunt::sandbox::scim::User;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use uuid::Uuid;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::safety::house::LEAVERS;
use crate::safety::house::emails;

/// Two complete reads show an absence, however soon they follow each other.
const AT_ONCE: &str = "[limits.absent]\nover_minutes = 0\n";

const NAMES: [&str; 3] = ["ada@house.test", "bob@house.test", "cleo@house.test"];

struct Scene {
    people: ScimHandle,
    portal: DocSpaceHandle,
    ws: Workspace,
}

impl Scene {
    fn start(settings: Settings) -> Self {
        let people = Scim::start(ScimOptions {
            population: Population::of(230, 0),
            settings,
            ..ScimOptions::default()
        })
        .unwrap();
        let options = DocSpaceOptions {
            population: Population {
                accounts: 2,
                ..Population::default()
            },
            ..DocSpaceOptions::default()
        };
        let portal = DocSpace::start(options).unwrap();
        let ws = Workspace::clocked(portal.control());
        let now = portal.control().now();
        for (n, email) in NAMES.iter().enumerate() {
            let made = now - TimeDelta::days(300);
            let mut user = User::new(email, made);
            user.id = format!("person-{n}");
            user.email = Some((*email).to_owned());
            user.employee_number = Some(format!("7{n}"));
            people.control().with(|scim| scim.add_user(user));
            let id = Uuid::from_u128(0xacc0_0000 + n as u128);
            let account = Account::new(id, "Some", "Body", email, Kind::User, made);
            portal.control().add_user(account);
        }
        let scene = Self { people, portal, ws };
        scene.configure("token = { file = \"idp.token\" }\n");
        scene.ws.run(&["init"]).exits(0);
        scene
    }

    fn configure(&self, access: &str) {
        self.ws
            .write("idp.token", &self.people.credentials().bearer);
        let idp = format!(
            "[[directory]]\nname = \"idp\"\nkind = \"scim\"\nurl = \"{}\"\nanswer_limit_s = 5\n{access}",
            self.people.base_url()
        );
        let portal = self.ws.tenant(&self.portal, "");
        self.ws.configure(&[&idp, &portal, LEAVERS, AT_ONCE]);
    }

    fn sync(&self) -> Ran {
        self.ws.run(&["sync"])
    }

    fn departed(&self) -> Vec<String> {
        let mut departed = emails(&self.ws.items(&["departed"]));
        departed.sort();
        departed
    }

    fn set_active(&self, id: &str, active: bool) {
        let now = self.portal.control().now();
        let control = self.people.control();
        assert!(control.with(|scim| scim.change(id, now, |user| user.active = active)));
    }

    fn remove(&self, id: &str) {
        assert!(self.people.control().with(|scim| scim.remove_user(id)));
    }

    fn setting(&self, change: impl FnOnce(&mut Settings)) {
        self.people.control().with(|scim| change(scim.settings()));
    }
}

#[test]
fn who_is_inactive_there_has_left_and_who_is_active_again_has_not() {
    for settings in [
        Settings::default(),
        Settings {
            paging: Paging::Cursor,
            ..Settings::default()
        },
        // inactive users fall out of the list, and are found by id
        Settings {
            lists_inactive: false,
            ..Settings::default()
        },
    ] {
        let listed = settings.lists_inactive;
        let scene = Scene::start(settings);
        scene
            .ws
            .run(&["check"])
            .exits(0)
            .says("users can be read by id");
        scene.sync().exits(0);
        assert!(scene.departed().is_empty());
        scene.set_active("person-0", false);
        scene.sync().exits(0);
        if !listed {
            assert!(scene.departed().is_empty(), "missed once");
            scene.sync().exits(0);
        }
        let items = scene.ws.items(&["departed"]);
        assert_eq!(emails(&items), ["ada@house.test"]);
        assert_eq!(items[0]["strength"], "disabled");
        scene.set_active("person-0", true);
        scene.sync().exits(0);
        assert!(scene.departed().is_empty());
        let read = scene.ws.last_read("idp");
        assert_eq!(read["proof"]["count"], 233, "{read}");
        scene.ws.is_sound();
    }
}

#[test]
fn who_is_deleted_is_gone_after_two_reads_and_a_look_up() {
    let scene = Scene::start(Settings::default());
    scene.sync().exits(0);
    scene.remove("person-1");
    scene.sync().exits(0);
    assert!(scene.departed().is_empty(), "one read shows no absence");
    scene.sync().exits(0);
    let items = scene.ws.items(&["departed"]);
    assert_eq!(emails(&items), ["bob@house.test"]);
    assert_eq!(items[0]["strength"], "absent");
}

#[test]
fn a_look_up_that_proves_no_rights_shows_nobody_gone() {
    let scene = Scene::start(Settings::default());
    scene.sync().exits(0);
    scene.remove("person-1");
    scene.sync().exits(0);
    // Everybody can be listed and nobody read by id: 404 says nothing.
    let one = Matcher {
        path: "/scim/v2/Users/".to_owned(),
        ..Matcher::default()
    };
    let body = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"404\"}";
    let fault = Fault::Status {
        status: 404,
        body: Some(body.to_owned()),
    };
    scene
        .people
        .control()
        .add_fault(FaultRule::always(one, fault));
    scene.sync().exits(0).says("could not be looked up");
    assert!(scene.departed().is_empty());
    scene.people.control().clear_faults();
    scene.sync().exits(0);
    assert_eq!(scene.departed(), ["bob@house.test"]);
}

#[test]
fn a_list_that_is_not_whole_shows_nobody_gone() {
    let scene = Scene::start(Settings::default());
    scene.sync().exits(0);
    scene.set_active("person-0", false);
    let shifts: [(i64, bool); 3] = [(1, false), (-1, false), (0, true)];
    for (shift, of_page) in shifts {
        scene.setting(|s| {
            s.total_shift = shift;
            s.total_of_page = of_page;
        });
        scene.sync().exits(5);
        let read = scene.ws.last_read("idp");
        assert_eq!(read["verdict"], "partial", "{shift} {read}");
        assert!(scene.departed().is_empty());
    }
    scene.setting(|s| {
        s.total_of_page = false;
        s.total_shift = 0;
    });
    scene.sync().exits(0);
    assert_eq!(scene.departed(), ["ada@house.test"]);
}

#[test]
fn failures_have_their_exit_codes_and_nobody_departs() {
    let scene = Scene::start(Settings::default());
    scene.sync().exits(0);
    scene.remove("person-1");
    let users = Matcher {
        path: "/scim/v2/Users".to_owned(),
        ..Matcher::default()
    };
    let status = |status: u16, body: Option<&str>| Fault::Status {
        status,
        body: body.map(str::to_owned),
    };
    for (fault, code, because) in [
        (status(500, None), 69, "read.unreachable"),
        (status(403, None), 4, "read.rights"),
        (status(401, None), 4, "read.credentials"),
        (Fault::Html { status: 200 }, 5, "read.unreadable"),
        (Fault::MalformedJson, 5, "read.unreadable"),
        (status(302, None), 5, "read.unreadable"),
        (status(200, Some("{}")), 5, "read.unreadable"),
        (Fault::Drop, 69, "read.unreachable"),
    ] {
        let control = scene.people.control();
        control.add_fault(FaultRule::always(users.clone(), fault));
        scene.sync().exits(code);
        let read = scene.ws.last_read("idp");
        assert_eq!(read["because"][0], because, "{read}");
        assert_eq!(read["verdict"], "failed", "{read}");
        assert!(scene.departed().is_empty());
        control.clear_faults();
    }
    scene.ws.write("idp.token", "wrong");
    scene.sync().exits(4);
    scene.ws.run(&["check"]).exits(4);
    assert!(scene.departed().is_empty());
}

#[test]
fn a_client_asks_for_its_tokens() {
    let scene = Scene::start(Settings::default());
    let credentials = scene.people.credentials().clone();
    scene.ws.write("idp.id", &credentials.client_id);
    scene.ws.write("idp.secret", &credentials.client_secret);
    let access = format!(
        "client_id = {{ file = \"idp.id\" }}\nclient_secret = {{ file = \"idp.secret\" }}\n\
         token_url = \"{}\"\nfilter = \"userName co \\\"house\\\"\"\n",
        scene.people.token_url()
    );
    scene.setting(|s| s.filters = exeunt::sandbox::scim::Filters::Ignored);
    scene.configure(&access);
    scene.sync().exits(0);
    scene.people.control().with(|scim| scim.revoke_tokens());
    scene.set_active("person-2", false);
    scene.sync().exits(0);
    assert_eq!(scene.departed(), ["cleo@house.test"]);
    scene.ws.write("idp.secret", "wrong");
    scene.sync().exits(4);
}
