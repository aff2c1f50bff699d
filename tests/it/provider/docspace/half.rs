//! A removal of several requests that stops half way, with the real program.

use chrono::TimeDelta;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::TaskFailure;
use exeunt::sandbox::docspace::TaskSettings;

use crate::common::workspace::Workspace;
use crate::provider::docspace::LEAVER;
use crate::provider::docspace::house;

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n";
const REMOVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"remove\" }]\napprovals = { disable = 0, remove = 1 }\n";

#[test]
fn what_was_done_on_the_way_is_said_and_ends_with_3() {
    let tenant = house(TaskSettings {
        failure: Some(TaskFailure {
            at: 60,
            message: "no room left".to_owned(),
            of: None,
            as_completed: false,
        }),
        ..TaskSettings::default()
    });
    let ws = Workspace::clocked(tenant.control());
    let portal = ws.tenant(&tenant, "successor = \"hugo@house.test\"");
    ws.configure(&[HR, &portal, REMOVED]);
    let left = (tenant.control().now() - TimeDelta::days(3)).format("%Y-%m-%d");
    let hr = format!("id,mail,left\n1,lena@house.test,{left}\n2,hugo@house.test,\n");
    ws.write("hr.csv", &hr);
    ws.run(&["init"]).exits(0);
    ws.run(&["sync"]).exits(0);
    ws.run(&["plan", "--out", "plan.json"]).exits(0);
    ws.run(&["approve", "plan.json", "--confirm", "1"]).exits(0);
    let release = ["breaker", "release", "plan.json", "--reason", "looked"];
    ws.run(&release).exits(0);
    let applied = ws
        .run(&["apply", "plan.json"])
        .exits(3)
        .says("block.transfer-failed")
        .says("Done on the way, and so it stays: disable.");
    assert!(!applied.out.contains("done\tremove"), "{}", applied.out);
    let lena = tenant.control().user(LEAVER).unwrap();
    assert_eq!(lena.status, Status::Terminated, "disabled, and not gone");
    assert_eq!(tenant.control().delete_calls(LEAVER), 0);
    assert_eq!(tenant.control().status_puts(LEAVER), 1);
    ws.is_sound();
}
