//! Who may say yes.

use exeunt::sandbox::Role;
use exeunt::sandbox::docspace::Status;

use crate::attack::firm::Firm;
use crate::attack::firm::LEAVERS;
use crate::attack::firm::key;

const ONE: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";

/// Ada and Bert approve; Ada is `ada` at the operating system.
fn two(firm: &Firm) -> String {
    format!(
        "[[approver]]\nname = \"Ada\"\nos_user = \"ada\"\nkey = \"{}\"\n\
         [[approver]]\nname = \"Bert\"\nkey = \"{}\"\n",
        key(&firm.path("ada.pem")),
        key(&firm.path("bert.pem"))
    )
}

fn firm_of_two() -> (Firm, String) {
    let firm = Firm::new("");
    let two = two(&firm);
    firm.configure("", &format!("{two}{ONE}"));
    firm.ex(&["sync"]).exits(0);
    // the first policy was none; this one acts
    (firm, two)
}

fn path(firm: &Firm, name: &str) -> String {
    firm.path(name).display().to_string()
}

/// Two-person rules end when somebody has approved that they end, not with a line in a file.
#[test]
fn taking_the_approvers_out_of_the_file_does_not_end_two_person_rules() {
    let (firm, _) = firm_of_two();
    let digest = firm.plan();
    firm.configure("", ONE);
    firm.ex(&["sync"]);
    firm.ex(&["policy", "approve", "--reason", "me"]).exits(5);
    firm.ex(&["approve", &digest, "--confirm", "1"]).exits(5);
    firm.ex(&["breaker", "release", &digest, "--reason", "me"])
        .exits(5);
}

/// A key counts when the approvers that there are have agreed to it.
#[test]
fn a_key_that_somebody_wrote_into_the_file_counts_for_nothing_yet() {
    let (firm, two) = firm_of_two();
    let digest = firm.plan();
    let eve = key(&firm.path("eve.pem"));
    let third = format!("{two}[[approver]]\nname = \"Eve\"\nkey = \"{eve}\"\n");
    let (eve, bert) = (path(&firm, "eve.pem"), path(&firm, "bert.pem"));
    firm.configure("", &format!("{third}{ONE}"));
    firm.ex(&["sync"]).exits(0);
    firm.ex(&["approve", &digest, "--confirm", "1", "--key", &eve])
        .exits(5);
    firm.ex(&["policy", "approve", "--reason", "x", "--key", &eve])
        .exits(5);
    firm.ex(&["approve", &digest, "--confirm", "1", "--key", &bert])
        .exits(0);
    firm.ex(&["policy", "approve", "--reason", "x", "--key", &bert])
        .exits(0);
    let digest = firm.plan();
    firm.ex(&["approve", &digest, "--confirm", "1", "--key", &eve])
        .exits(0);
}

/// Whoever made a plan cannot approve it, whichever way they name themselves.
#[test]
fn nobody_approves_their_own_plan() {
    let (firm, _) = firm_of_two();
    let plan = firm.ex_as("ada", None, &["--json", "plan"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let digest = plan["digest"].as_str().unwrap();
    let (ada, bert) = (path(&firm, "ada.pem"), path(&firm, "bert.pem"));
    let approve = ["approve", digest, "--confirm", "1", "--key"];
    firm.ex(&[&approve[..], &[&ada]].concat())
        .exits(5)
        .says("made a plan");
    firm.ex(&[&approve[..], &[&bert]].concat()).exits(0);
}

/// With two approvers a release is signed; there must be a way to do it.
#[test]
fn a_release_can_be_signed() {
    let (firm, _) = firm_of_two();
    let digest = firm.plan();
    let bert = path(&firm, "bert.pem");
    firm.ex(&["approve", &digest, "--confirm", "1", "--key", &bert])
        .exits(0);
    firm.ex(&["breaker", "release", &digest, "--reason", "x"])
        .exits(5);
    firm.ex(&[
        "breaker", "release", &digest, "--reason", "x", "--key", &bert,
    ])
    .exits(0);
    firm.ex(&["apply", &digest]).exits(0);
    assert_eq!(firm.status(Role::AlreadyDisabled), Status::Terminated);
}

/// A clear-out that was called by name is still that one after a nightly run.
#[test]
fn a_clear_out_survives_a_run_that_does_not_call_it() {
    let policy = "[[policy]]\nname = \"out\"\nwhen = \"everyone\"\nring = \"enforce\"\n\
         steps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";
    let firm = Firm::new(&format!("{policy}{LEAVERS}"));
    firm.ex(&["sync"]).exits(0);
    let plan = firm.json(&["plan", "--policy", "out"]);
    let (digest, count) = (
        plan["digest"].as_str().unwrap(),
        plan["steps"].as_array().unwrap(),
    );
    firm.ex(&["run"]);
    firm.ex(&["approve", digest, "--confirm", &count.len().to_string()])
        .exits(0);
    firm.ex(&["apply", digest]).exits(0);
    assert_eq!(firm.status(Role::Idle), Status::Terminated);
}

/// Whoever approves a file approves what it shows, the name and the effect too.
#[test]
fn a_plan_file_with_another_name_in_it_is_refused() {
    let firm = Firm::new(ONE);
    firm.ex(&["sync"]).exits(0);
    let file = path(&firm, "plan.json");
    firm.ex(&["plan", "--out", &file]).exits(0);
    let text = std::fs::read_to_string(&file).unwrap();
    for (shown, lie) in [
        ("Bob Tanner", "Somebody Else"),
        ("sessions end", "nothing ends"),
    ] {
        assert!(text.contains(shown), "{text}");
        std::fs::write(&file, text.replace(shown, lie)).unwrap();
        firm.ex(&["approve", &file, "--confirm", "1"])
            .exits(5)
            .says("does not say");
    }
}
