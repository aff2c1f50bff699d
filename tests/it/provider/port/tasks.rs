//! An administrator of Port who has left: what is to be done by hand, and what two approvers can do.

use chrono::TimeDelta;
use exeunt::sandbox::port::Role;
use exeunt::sandbox::port::Settings;
use exeunt::sandbox::port::Status;
use exeunt::sandbox::port::User;

use crate::attack::firm::LEAVERS;
use crate::attack::firm::key;
use crate::common::workspace::Workspace;
use crate::provider::port::house;

const PIA: &str = "pia@house.test";
const OTHER: &str = "other@house.test";

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n";

#[test]
fn an_administrator_who_has_left_is_demoted_by_hand_or_released_by_two() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let now = control.now();
    for email in [PIA, OTHER] {
        let mut admin = User::new(email, "Pia", "House", now - TimeDelta::days(300));
        admin.role = Role::Admin;
        admin.last_login = Some(now - TimeDelta::days(3));
        control.add_user(admin);
    }
    let clock = tenant.control();
    let ws = Workspace::at(move || clock.now());
    let (id, secret) = tenant.credentials();
    ws.write("port.id", &id);
    ws.write("port.secret", &secret);
    let section = format!(
        "[[tenant]]\nname = \"catalogue\"\nprovider = \"port\"\nurl = \"{}\"\n\
         client_id = {{ file = \"port.id\" }}\nclient_secret = {{ file = \"port.secret\" }}\n\
         workspace = \"{}\"\nrequest_limit_s = 5\nattempts = 1\n\
         [[approver]]\nname = \"Ada\"\nkey = \"{}\"\n[[approver]]\nname = \"Bert\"\nkey = \"{}\"\n",
        tenant.url(),
        control.org_id(),
        key(&ws.path("ada.pem")),
        key(&ws.path("bert.pem")),
    );
    ws.configure(&[HR, &section, LEAVERS]);
    let run = |args: &[&str]| ws.run(args);
    let day = (now - TimeDelta::days(2)).format("%Y-%m-%d");
    ws.write(
        "hr.csv",
        &format!("id,mail,left\n1,{PIA},{day}\n2,{OTHER},\n"),
    );
    run(&["init"]).exits(0);
    run(&["sync"]).exits(0).says(&format!("exeunt tasks {PIA}"));
    run(&["tasks", PIA])
        .exits(0)
        .says("PATCH /v1/users/EMAIL with {\"roles\":[\"Member\"]}")
        .says("POST /v1/rotate-credentials/EMAIL")
        .says("{\"properties\":{\"status\":\"Disabled\"}}");

    let (ada, bert) = (ws.path("ada.pem"), ws.path("bert.pem"));
    for approver in [&ada, &bert] {
        let path = approver.display().to_string();
        let release = ["tasks", "release", PIA, "--reason", "left", "--key", &path];
        run(&release).exits(0);
    }
    run(&["plan", "--out", "plan.json"]).exits(0).says(PIA);
    let ada = ada.display().to_string();
    let brake = [
        "breaker",
        "release",
        "plan.json",
        "--reason",
        "x",
        "--key",
        &ada,
    ];
    run(&brake).exits(0);
    run(&["apply", "plan.json"]).exits(0).says("done");
    assert_eq!(control.user(PIA).unwrap().status, Status::Disabled);
    assert_eq!(control.user(OTHER).unwrap().status, Status::Active);
    run(&["sync"]).exits(0).says("is over");
    run(&["verify"]).exits(0);
}
