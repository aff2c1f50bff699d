//! Somebody with a key and with rights at Huwise who has left.

use chrono::TimeDelta;
use exeunt::sandbox::huwise::Settings;
use exeunt::sandbox::population::Population;

use crate::common::workspace::Workspace;
use crate::provider::huwise::silent;
use crate::provider::huwise::tenant;

const POLICIES: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"remove\" }]\napprovals = { remove = 0 }\n";

#[test]
fn an_editor_of_the_domain_is_taken_out_of_groups_first_and_released_by_nobody() {
    let tenant = tenant(Population::of(2, 0), Settings::default());
    let control = tenant.control();
    let now = control.now();
    control.with(|domain| domain.add_user(silent("writer", now, 3).with("edit_domain")));
    let clock = tenant.control();
    let ws = Workspace::at(move || clock.now());
    ws.write("data.key", tenant.key());
    let section = format!(
        "[[tenant]]\nname = \"data\"\nprovider = \"huwise\"\nurl = \"{}\"\n\
         api_key = {{ file = \"data.key\" }}\nrequest_limit_s = 5\nattempts = 1\n",
        tenant.url()
    );
    ws.configure(&[&section, POLICIES]);
    let day = (now - TimeDelta::days(2)).format("%Y-%m-%d");
    let list = format!("id,mail,left\n1,writer@example.com,{day}\n2,somebody@example.com,\n");
    ws.write("hr.csv", &list);
    let run = |args: &[&str]| ws.run(args);
    run(&["init"]).exits(0);
    run(&["sync"]).exits(0);
    run(&["tasks", "writer@example.com"])
        .exits(0)
        .says("DELETE /groups/UID/users/USERNAME/")
        .says("POST /apikeys/UID/revoke/")
        .says("There is no way to disable an account of a domain")
        .says_not("two approvers");
    // nothing of the domain is gone before somebody has seen to it
    run(&["plan"]).exits(0);
    assert!(control.with(|domain| domain.user("writer").is_some()));

    // whoever shuts the account out by hand has done it when a complete read shows that
    let now = control.now();
    assert!(control.with(|domain| domain.remove_user("writer", now)));
    run(&["sync"]).exits(0).says("is over");
    run(&["tasks"]).exits(0).says_not("writer");
    run(&["why", "writer@example.com"])
        .exits(0)
        .says("is over: a complete read shows that the account is not there any more");
}
