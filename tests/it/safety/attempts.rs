//! A tenant that refuses: how often it is asked, and how somebody learns of it.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Status;

use crate::common::crash::status_calls;
use crate::safety::house::House;
use crate::safety::house::LEAVERS;

/// A house in which Carla has left and the tenant refuses to disable her.
fn refusing() -> House {
    let house = House::settled("", &[LEAVERS]);
    house.directory().disable(cast(Role::Leaver).email);
    let refused = Fault::Status {
        status: 404,
        body: None,
    };
    house
        .tenant()
        .add_fault(FaultRule::always(status_calls(), refused));
    house.hours_later(1);
    house
}

impl House {
    /// How many changes the tenant was asked for since it was last asked.
    fn asked(&self) -> usize {
        let requests = self.tenant().requests();
        let count = requests.iter().filter(|r| r.method != "GET").count();
        self.forget_requests();
        count
    }

    /// Runs every hour and says after how many hours the tenant was asked again.
    fn asked_again_after(&self, most: i64) -> Option<i64> {
        (1..=most).find(|_| {
            self.hours_later(1);
            self.ws.run(&["run"]);
            self.asked() > 0
        })
    }
}

#[test]
fn whoever_is_refused_is_tried_after_6_12_and_24_hours_then_set_aside_and_said() {
    let house = refusing();
    let ws = &house.ws;
    house.forget_requests();
    ws.run(&["run"]);
    assert_eq!(house.asked(), 1);
    for hours in [6, 12] {
        assert_eq!(house.asked_again_after(30), Some(hours));
    }
    let who = cast(Role::Leaver).email;
    house.hours_later(1);
    ws.run(&["run"]);
    ws.run(&["status"]).says("block.retry-later");
    assert_eq!(house.asked_again_after(30), Some(23));
    // every day from here on, to the tenth time
    for _ in 5..=10 {
        house.hours_later(24);
        ws.run(&["run"]);
        assert_eq!(house.asked(), 1);
    }
    for _ in 0..3 {
        house.hours_later(24);
        ws.run(&["run"]);
        assert_eq!(house.asked(), 0);
    }
    let status = ws.run(&["status"]);
    status
        .says("SET ASIDE after 10 attempts")
        .says("block.set-aside");
    ws.run(&["why", who]).says("block.set-aside");

    // a person lets it be tried again, and it works
    house.tenant().clear_faults();
    ws.run(&["retry", who]).exits(64);
    ws.run(&["retry", who, "--reason", "mended there"]).exits(0);
    ws.run(&["run"]).exits(0);
    assert_eq!(
        (house.asked(), house.status(Role::Leaver)),
        (1, Status::Terminated)
    );
    ws.run(&["retry", who, "--reason", "again"])
        .exits(64)
        .says("nothing has failed");
    ws.run(&["verify"]).exits(0);
    ws.run(&["rebuild"]).exits(0);
}

#[test]
fn whom_a_named_person_wants_out_is_tried_sooner() {
    let house = refusing();
    let who = cast(Role::Active).email;
    house
        .ws
        .run(&["leave", who, "--reason", "at once"])
        .exits(0);
    house.ws.run(&["run"]);
    house.forget_requests();
    // after a quarter of an hour, then an hour
    house.tenant().advance(16 * 60);
    house.directory().advance(16 * 60);
    house.ws.run(&["run"]);
    assert_eq!(house.asked(), 1);
    assert_eq!(house.asked_again_after(5), Some(1));
}

#[test]
fn an_approved_plan_keeps_its_approval_while_its_step_waits() {
    let house = refusing();
    let ws = &house.ws;
    ws.reconfigure("disable = 0", "disable = 1");
    ws.run(&["run"]);
    let plan = || ws.json(&["status"])["plans"].as_array().unwrap().clone();
    let digest = plan()[0]["digest"].as_str().unwrap().to_owned();
    // an answer that nobody understands, twice: the step is still the plan's
    house.tenant().clear_faults();
    let broken = Fault::Status {
        status: 500,
        body: None,
    };
    house
        .tenant()
        .add_fault(FaultRule::always(status_calls(), broken));
    ws.run(&["approve", &digest, "--confirm", "1"]).exits(0);
    house.forget_requests();
    for _ in 0..3 {
        ws.run(&["run"]);
        house.hours_later(1);
    }
    assert_eq!(house.asked(), 2);
    assert_eq!(plan()[0]["digest"], digest.as_str());
    assert_eq!(plan()[0]["approved"], true);
    house.tenant().clear_faults();
    house.hours_later(6);
    ws.run(&["run"]).exits(0);
    assert_eq!(
        (house.asked(), house.status(Role::Leaver)),
        (1, Status::Terminated)
    );
}
