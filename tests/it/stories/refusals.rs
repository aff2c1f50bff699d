//! A tenant says no to one account, or says nothing: the others of the plan go on.

use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::Value;

use crate::stories::plot::Plot;

const LEAVERS: [&str; 3] = ["abe", "bob", "cal"];

/// A plan of three leavers that is approved, its digest, and the three in the plan's order.
fn approved(plot: &Plot) -> (String, Vec<String>) {
    for name in LEAVERS {
        plot.account(name);
        plot.employ(name);
        plot.hired(name, "");
    }
    plot.run();
    for name in LEAVERS {
        plot.change(name, |entry| entry.disabled = true);
        plot.hired(name, "2026-03-01");
    }
    plot.sync();
    let plan = plot.ws.json(&["plan"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = plan["steps"].as_array().unwrap();
    let order: Vec<_> = steps.iter().map(|step| text(&step["email"])).collect();
    assert_eq!(order.len(), LEAVERS.len(), "{plan}");
    let digest = text(&plan["digest"]);
    plot.ws
        .run(&["approve", &digest, "--confirm", "3"])
        .exits(0);
    (digest, order)
}

/// The results of the calls, in order.
fn results(plot: &Plot) -> Vec<String> {
    let outcomes = plot.ws.entries_of("command.outcome");
    let result = |o: &Value| o["data"]["result"].as_str().unwrap().to_owned();
    // the first is that of the story's beginning
    outcomes.iter().skip(1).map(result).collect()
}

fn is_out(plot: &Plot, email: &str) -> bool {
    plot.control().find(email).unwrap().status == Status::Terminated
}

#[test]
fn the_others_go_on() {
    let refusal = Fault::Status {
        status: 403,
        body: None,
    };
    let unclear = Fault::Status {
        status: 500,
        body: None,
    };
    for (fault, result, exit, why) in [
        (refusal, "refused", 3, "call.refused"),
        (unclear, "unknown", 6, "call.server-error"),
    ] {
        for at in 0..LEAVERS.len() {
            let plot = Plot::start(1);
            let (digest, order) = approved(&plot);
            let call = Matcher::new("PUT", "/api/2.0/people/status/2");
            let nth = u32::try_from(at).unwrap() + 1;
            let rule = FaultRule::nth(call, nth, fault.clone());
            plot.control().add_fault(rule);
            let ran = plot.ws.run(&["apply", &digest]).exits(exit);
            ran.says(why);
            let mut wanted = ["done"; 3];
            wanted[at] = result;
            assert_eq!(results(&plot), wanted);
            for (n, email) in order.iter().enumerate() {
                assert_eq!(is_out(&plot, email), n != at, "{email}");
            }
            let status = plot.ws.run(&["status"]);
            status.says("LEAVERS STILL IN: 1 account").says(&order[at]);
            plot.ws.is_sound();
        }
    }
}
