//! A manager whose role does not let them take over rooms.

use chrono::TimeDelta;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::TaskSettings;
use exeunt::sandbox::docspace::User;
use uuid::Uuid;

use crate::common::workspace::Workspace;
use crate::provider::docspace::HEIR;
use crate::provider::docspace::house;

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\", manager = \"boss\" }\n\
     contains = \"everybody\"\n";
const REMOVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"remove\" }]\napprovals = { remove = 1 }\n";

#[test]
fn a_manager_below_room_administrator_is_passed_over() {
    const BOSS: Uuid = Uuid::from_u128(0xacc0_0003);
    for (kind, heir, how) in [
        (Kind::User, HEIR, "\"by\":\"team\""),
        (Kind::RoomAdmin, BOSS, "\"by\":\"manager\""),
    ] {
        let tenant = house(TaskSettings::default());
        let control = tenant.control();
        let made = control.now() - TimeDelta::days(300);
        control.add_user(User::new(
            BOSS,
            "bea",
            "House",
            "bea@house.test",
            kind,
            made,
        ));
        let ws = Workspace::clocked(tenant.control());
        let portal = ws.tenant(&tenant, "successor = \"hugo@house.test\"");
        ws.configure(&[HR, &portal, REMOVED]);
        let left = (control.now() - TimeDelta::days(3)).format("%Y-%m-%d");
        let hr = format!(
            "id,mail,left,boss\n1,lena@house.test,{left},bea@house.test\n2,hugo@house.test,,\n\
             3,bea@house.test,,\n"
        );
        ws.write("hr.csv", &hr);
        ws.run(&["init"]).exits(0);
        ws.run(&["sync"]).exits(0);
        ws.run(&["plan", "--out", "plan.json"]).exits(0);
        let listed = ws.entries_of("plan.listed");
        assert!(listed[0].to_string().contains(how), "{listed:?}");
        ws.run(&["approve", "plan.json", "--confirm", "1"]).exits(0);
        let release = ["breaker", "release", "plan.json", "--reason", "looked"];
        ws.run(&release).exits(0);
        ws.run(&["apply", "plan.json"]).exits(0).says("done");
        let moves = control.moves();
        assert!(!moves.is_empty());
        assert!(moves.iter().all(|m| m.to == heir), "{kind:?}: {moves:?}");
        ws.is_sound();
    }
}
