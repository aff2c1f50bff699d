//! The worked example of the documentation: contractors of a list who do not sign in.

use chrono::TimeDelta;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use uuid::Uuid;

use crate::common::workspace::Workspace;
use crate::provider::docspace::start;

/// As in the documentation.
const LIST: &str = "[[directory]]\nname = \"contractors\"\nkind = \"csv\"\nrole = \"scope\"\n\
     path = \"contractors.csv\"\ncontains = \"everybody\"\ncolumns = { key = \"number\", mail = \"mail\", name = \"name\" }\n";
const RULE: &str = "[[policy]]\nname = \"contractors\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 30\nnotice_days = [7]\n\
     among = { tenants = [\"portal\"], directory = \"contractors\" }\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";

#[test]
fn contractors_of_a_list_are_disabled_after_thirty_days_without_a_login() {
    let settings = Settings {
        cookie_enabled: true,
        ..Settings::default()
    };
    let tenant = start(Population::of(2, 0), settings);
    let control = tenant.control();
    let people = ["silent", "busy", "outside", "ldap"];
    for (n, name) in people.iter().enumerate() {
        let id = Uuid::from_u128(0xacc0_0000 + n as u128);
        let made = control.now() - TimeDelta::days(300);
        let mail = format!("{name}@lists.example");
        let mut user = User::new(id, name, "Contractor", &mail, Kind::Guest, made);
        user.ldap = *name == "ldap";
        control.add_user(user);
        control.add_login(id, control.now() - TimeDelta::days(40), 1029);
    }
    let busy = control.find("busy@lists.example").unwrap().id;
    control.add_login(busy, control.now() - TimeDelta::days(1), 1029);
    let ws = Workspace::clocked(control.clone());
    ws.write(
        "contractors.csv",
        "number,mail,name\n1,silent@lists.example,Silent\n2,busy@lists.example,Busy\n\
         3,ldap@lists.example,Ldap\n",
    );
    ws.configure(&[LIST, &ws.tenant(&tenant, ""), RULE]);
    ws.run(&["init"]).exits(0);
    ws.run(&["run"]).exits(0);
    assert_eq!(
        ws.entries_of("notice.sent").len(),
        1,
        "who can be disabled is warned"
    );
    control.advance(8 * 86_400);
    control.add_login(busy, control.now() - TimeDelta::days(1), 1029);
    ws.run(&["sync"]).exits(0);
    let plan = ws.run(&["plan", "--out", "plan.json"]).exits(0);
    let plan = plan.says("silent@lists.example");
    let plan = plan.says_not("busy@lists.example");
    plan.says_not("outside@lists.example");
    let why = ["why", "ldap@lists.example"];
    ws.run(&why).exits(0).says("LDAP sync");
    ws.run(&["approve", "plan.json", "--confirm", "1"]).exits(0);
    let release = [
        "breaker",
        "release",
        "plan.json",
        "--reason",
        "they were asked",
    ];
    ws.run(&release).exits(0);
    ws.run(&["apply", "plan.json"]).exits(0).says("done");
    let status = |name: &str| {
        let mail = format!("{name}@lists.example");
        control.find(&mail).unwrap().status
    };
    assert_eq!(status("silent"), Status::Terminated);
    for name in ["busy", "outside", "ldap"] {
        assert_eq!(status(name), Status::Active, "{name}");
    }
    ws.is_sound();
}
