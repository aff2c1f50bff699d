//! What real directory servers show of people who leave and come back, as `exeunt why` tells it.

use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use serde_json::Value;
use uuid::Uuid;

use crate::common::samba::KEEPER;
use crate::common::samba::PASSWORD;
use crate::common::samba::STAFF;
use crate::common::samba::Samba;
use crate::common::slapd::BASE;
use crate::common::slapd::PEOPLE;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::common::workspace::copy;
use crate::safety::estate::APPROVED;
use crate::safety::estate::AT_ONCE;
use crate::safety::estate::Estate;

/// Leavers are disabled, and removed at once as far as the rules allow it; nobody has to approve.
const REMOVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }, { do = \"remove\", after_days = 0 }]\n\
     approvals = { disable = 0, remove = 0 }\n";

/// A domain of one test's own, read with the right to see the deleted, and a tenant.
struct Domain {
    samba: Samba,
    tenant: DocSpaceHandle,
    ws: Workspace,
}

impl Domain {
    fn start(samba: Samba, accounts: &[&str]) -> Self {
        let population = Population {
            accounts: 2,
            ..Population::default()
        };
        let options = DocSpaceOptions {
            population,
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        for (n, email) in accounts.iter().enumerate() {
            let id = Uuid::from_u128(0xacc0_0000 + n as u128);
            let made = tenant.control().now() - chrono::TimeDelta::days(300);
            let user = User::new(id, "Some", "Body", email, Kind::User, made);
            tenant.control().add_user(user);
        }
        let ws = Workspace::clocked(tenant.control());
        copy(&samba.ca(), &ws.path("ca.pem"));
        ws.write("corp.password", PASSWORD);
        let corp = format!(
            "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"active-directory\"\n\
             url = [\"{}\"]\ntls = {{ ca_file = \"ca.pem\" }}\nbind_dn = \"{KEEPER}\"\n\
             bind_password = {{ file = \"corp.password\" }}\nbase = \"{STAFF}\"\n",
            samba.tls_url()
        );
        let portal = ws.tenant(&tenant, "");
        ws.configure(&[&corp, &portal, APPROVED, AT_ONCE]);
        ws.run(&["init"]).exits(0);
        Self { samba, tenant, ws }
    }

    fn status(&self, email: &str) -> Status {
        self.tenant.control().find(email).unwrap().status
    }
}

/// The one departure of somebody, if they have left.
fn departure(ws: &Workspace, email: &str) -> Option<Value> {
    let mut items = ws.items(&["departed"]);
    items.retain(|item| item["email"] == email);
    assert!(items.len() < 2, "{items:?}");
    items.pop()
}

/// The only open plan.
#[track_caller]
fn open_plan(ws: &Workspace) -> String {
    let status = ws.json(&["status"]);
    let plans = status["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 1, "{status:#}");
    plans[0]["digest"].as_str().unwrap().to_owned()
}

fn approve(ws: &Workspace, plan: &str) {
    ws.run(&["approve", plan, "--confirm", "1"]).exits(0);
}

fn release(ws: &Workspace, plan: &str) {
    let reason = "it is the first plan, and looked at";
    ws.run(&["breaker", "release", plan, "--reason", reason])
        .exits(0);
}

/// The texts are there in this order, whatever else is told between them.
#[track_caller]
fn tells_in_order(ran: &Ran, texts: &[&str]) {
    let mut rest = ran.out.as_str();
    for text in texts {
        let Some((_, after)) = rest.split_once(text) else {
            panic!("no `{text}` here, in this order:\n{}", ran.out)
        };
        rest = after;
    }
}

/// What `why` tells, which must be what the rules say today as well.
#[track_caller]
fn why(ws: &Workspace, who: &str) -> Ran {
    let json = ws.json(&["why", who]);
    crate::json::fits("why", &json);
    for account in json["accounts"].as_array().unwrap() {
        let decision = &account["decision"];
        assert!(
            decision.is_null() || decision["again"] == "same",
            "{json:#}"
        );
    }
    ws.run(&["why", who]).exits(0)
}

#[test]
fn whoever_is_restored_from_the_recycle_bin_gets_the_account_back() {
    const FRANK: &str = "frank@example.test";
    let domain = Domain::start(Samba::start(), &[FRANK, "alice.active@example.test"]);
    let ws = &domain.ws;
    ws.run(&["sync"]).exits(0);
    assert!(departure(ws, FRANK).is_none());
    let key = domain.samba.key("frank");
    let frank = format!("CN=Frank Never,{STAFF}");
    domain.samba.delete(&frank);

    // One read is enough: the directory itself says that he was deleted.
    ws.run(&["sync"]).exits(0);
    let left = departure(ws, FRANK).unwrap();
    assert_eq!(left["strength"], "tombstone");
    assert_eq!(left["accounts"].as_array().unwrap().len(), 1, "{left}");
    ws.run(&["plan", "--out", "plan.json"])
        .exits(0)
        .says(FRANK)
        .says("leaver.tombstone");
    approve(ws, "plan.json");
    release(ws, "plan.json");
    let applied = ws.json(&["apply", "plan.json"]);
    crate::json::fits("apply", &applied);
    assert_eq!(applied["items"][0]["result"], "done");
    assert_eq!(applied["withdrawn"]["of"], serde_json::json!([]));
    assert_eq!(domain.status(FRANK), Status::Terminated);
    tells_in_order(
        &why(ws, FRANK),
        &[
            "the account belongs to frank@example.test of corp",
            "decided: disable it, because the directory keeps the person only as deleted",
            "done, HTTP 200",
            "What says that frank@example.test of corp has left:",
            "tombstone since",
        ],
    );

    domain.samba.restore(&key, "Frank Never", STAFF);
    assert_eq!(domain.samba.key("frank"), key, "the same objectGUID");
    ws.run(&["sync"])
        .exits(0)
        .says("frank@example.test: what said that they had left does not say so any more")
        .says("gives back 1 account");
    assert!(departure(ws, FRANK).is_none());
    let told = ws.entries_of("departure.withdrawn");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["facts"], serde_json::json!(["tombstone"]));
    let plan = open_plan(ws);
    ws.run(&["apply", &plan]).exits(5).says("0 of 1 approvals");
    assert_eq!(
        domain.status(FRANK),
        Status::Terminated,
        "nothing comes back by itself"
    );
    approve(ws, &plan);
    ws.run(&["apply", &plan]).exits(0).says("restore");
    assert_eq!(domain.status(FRANK), Status::Active);

    ws.run(&["sync"]).exits(0);
    let told = why(ws, FRANK);
    tells_in_order(
        &told,
        &[
            "frank@example.test in portal: active",
            "decided: disable it, because the directory keeps the person only as deleted",
            "about to disable the account in portal",
            "done, HTTP 200",
            "frank@example.test has not left corp after all: no more tombstone",
            "decided: leave it as it is, because the person is back",
            "otto.operator approved plan",
            "about to give the account back in portal",
            "done, HTTP 200",
            "a later complete read of the tenant confirms it",
            "the same answer",
        ],
    );
    told.says_not("What says that frank@example.test of corp has left");
    assert_eq!(
        domain.status("alice.active@example.test"),
        Status::Active,
        "nobody else was touched"
    );
    ws.is_sound();
}

#[test]
fn a_tombstone_without_an_address_has_what_was_known_before_and_nothing_else() {
    const NILS: &str = "nils@example.test";
    const FRANK: &str = "frank@example.test";
    let domain = Domain::start(Samba::start(), &[NILS, FRANK]);
    let ws = &domain.ws;
    ws.run(&["sync"]).exits(0);
    // His tombstone is seen, but it has lost his address, which nobody here ever knew.
    let items = ws.items(&["departed"]);
    let nils: Vec<_> = items.iter().filter(|i| i["email"].is_null()).collect();
    assert_eq!(nils.len(), 1, "{items:?}");
    assert_eq!(nils[0]["strength"], "tombstone");
    assert_eq!(nils[0]["accounts"], serde_json::json!([]));
    let plan = ws.json(&["plan"]);
    assert_eq!(plan["steps"], serde_json::json!([]), "no guess by the name");
    why(ws, NILS).says_not("the account belongs to");
    let orphans = ws.items(&["orphan", "list"]);
    assert!(orphans.iter().any(|o| o["email"] == NILS), "{orphans:?}");

    // Whoever was known before is found by what is remembered, though the tombstone has no more
    // than one of a domain without a recycle bin.
    let frank = format!("CN=Frank Never,{STAFF}");
    domain.samba.modify(&format!(
        "dn: {frank}\nchangetype: modify\ndelete: mail\n-\ndelete: userPrincipalName\n"
    ));
    domain.samba.delete(&frank);
    assert!(domain.samba.values("frank", "mail").is_empty());
    ws.run(&["sync"]).exits(0);
    let left = departure(ws, FRANK).unwrap();
    assert_eq!(left["strength"], "tombstone");
    assert_eq!(left["accounts"].as_array().unwrap().len(), 1, "{left}");
    ws.run(&["plan"]).exits(0).says(FRANK).says_not(NILS);
    tells_in_order(
        &why(ws, FRANK),
        &[
            "the account belongs to frank@example.test of corp",
            "What says that frank@example.test of corp has left:",
            "tombstone since",
        ],
    );
    ws.is_sound();
}

#[test]
fn a_move_to_the_leavers_unit_disables_removes_nothing_and_is_taken_back() {
    const ADA: &str = "ada@house.test";
    let estate = Estate::start(&[ADA, "judy@house.test"], &[REMOVED, AT_ONCE]);
    let ws = &estate.ws;
    ws.reconfigure(
        "answer_limit_s = 5",
        &format!("answer_limit_s = 5\nleavers_units = [\"ou=leavers,{BASE}\"]"),
    );
    let leavers = format!("ou=leavers,{BASE}");
    let unit = format!(
        "dn: ou=sales,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: sales\n"
    );
    estate.slapd.modify(&unit);
    estate.sync();
    estate
        .slapd
        .rename(&format!("uid=active,{PEOPLE}"), "uid=active", &leavers);
    // A move to any other place says nothing.
    let sales = format!("ou=sales,{BASE}");
    estate
        .slapd
        .rename(&format!("uid=married,{PEOPLE}"), "uid=married", &sales);
    estate.sync();
    assert_eq!(departure(ws, ADA).unwrap()["strength"], "leavers-unit");
    assert!(departure(ws, "judy@house.test").is_none());
    ws.run(&["plan", "--out", "plan.json"])
        .exits(0)
        .says(ADA)
        .says("leaver.leavers-unit")
        .says_not("judy@house.test");
    release(ws, "plan.json");
    ws.run(&["apply", "plan.json"]).exits(0).says("done");
    assert_eq!(estate.user(ADA).status, Status::Terminated);

    // However long she stands there, nothing is removed because of that alone.
    for _ in 0..3 {
        estate.control().advance(100 * 86_400);
        ws.run(&["run"]);
        assert_eq!(estate.user(ADA).status, Status::Terminated);
    }
    assert_eq!(estate.sent().len(), 1, "{:?}", estate.sent());
    let told = why(ws, ADA).says("block.evidence-too-weak");
    tells_in_order(
        &told,
        &[
            "decided: disable it, because the person was moved to where the directory keeps leavers",
            "done, HTTP 200",
            "What says that ada@house.test of corp has left:",
            "place among the leavers since",
        ],
    );

    estate
        .slapd
        .rename(&format!("uid=active,{leavers}"), "uid=active", PEOPLE);
    ws.run(&["sync"]).exits(0).says("gives back 1 account");
    assert!(departure(ws, ADA).is_none());
    let plan = open_plan(ws);
    approve(ws, &plan);
    ws.run(&["apply", &plan]).exits(0).says("restore");
    assert_eq!(estate.user(ADA).status, Status::Active);
    tells_in_order(
        &why(ws, ADA),
        &[
            "ada@house.test has not left corp after all: no more place among the leavers",
            "about to give the account back in portal",
            "done, HTTP 200",
        ],
    );
    assert_eq!(estate.user("judy@house.test").status, Status::Active);
    ws.is_sound();
}

#[test]
fn a_leaver_who_logs_in_at_the_directory_is_named() {
    const ADA: &str = "ada@house.test";
    const FOUND: &str = "finding.activity-after-departure";
    let estate = Estate::start(&[ADA], &[APPROVED, AT_ONCE]);
    let ws = &estate.ws;
    ws.reconfigure(
        "answer_limit_s = 5",
        "answer_limit_s = 5\nleft_when = [{ attribute = \"employeeType\", values = [\"former\"] }]",
    );
    let found = || {
        let all = ws.json(&["findings"]);
        crate::json::fits("findings", &all);
        let mut items = all["findings"].as_array().unwrap().clone();
        items.retain(|item| item["kind"] == FOUND);
        items
    };
    // She may log in as long as she is here, and the server goes on letting her in.
    estate.slapd.log_in("active");
    estate.control().advance(5);
    estate.sync();
    estate.set("active", "employeeType", "former");
    estate.sync();
    assert_eq!(departure(ws, ADA).unwrap()["strength"], "attribute");
    assert!(found().is_empty(), "a login before that is no matter");
    why(ws, ADA).says_not("LOGGED IN");

    let ahead = estate.control().now() - chrono::Utc::now();
    let ahead = ahead.max(chrono::TimeDelta::zero()).to_std().unwrap();
    // The server tells whole seconds of its own clock.
    std::thread::sleep(ahead + std::time::Duration::from_secs(2));
    estate.slapd.log_in("active");
    estate.control().advance(5);
    estate.sync();
    let items = found();
    assert_eq!(items.len(), 1, "{items:#?}");
    ws.run(&["findings"])
        .says("finding.activity-after-departure");
    let told = why(ws, ADA);
    tells_in_order(
        &told,
        &[
            "left by its employeeType",
            "LOGGED IN THERE AFTER THAT on",
            "What says that ada@house.test of corp has left:",
            "attribute that says so since",
            "LOGGED IN AFTER THAT at the directory, on",
        ],
    );
    ws.is_sound();
}

#[test]
fn whoever_is_moved_out_of_the_base_is_found_and_has_not_left() {
    const HEIDI: &str = "heidi@example.test";
    let domain = Domain::start(Samba::start(), &[HEIDI]);
    let ws = &domain.ws;
    ws.run(&["sync"]).exits(0);
    let service = format!("OU=Service,{}", crate::common::samba::BASE);
    domain
        .samba
        .rename(&format!("CN=Heidi Idle,{STAFF}"), "CN=Heidi Idle", &service);
    for _ in 0..4 {
        ws.run(&["sync"]).exits(0);
        assert!(departure(ws, HEIDI).is_none());
    }
    assert!(!ws.entries_of("person.missed").is_empty());
    assert!(ws.entries_of("person.absent").is_empty());
    assert_eq!(ws.json(&["plan"])["steps"], serde_json::json!([]));
    tells_in_order(
        &why(ws, HEIDI),
        &[
            "heidi@example.test was not in a complete read of corp",
            "heidi@example.test was seen in the directory corp",
        ],
    );
    ws.is_sound();
}
