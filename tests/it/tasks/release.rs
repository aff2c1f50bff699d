//! A protected leaver whom two approvers let go on.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;

use crate::attack::firm::Firm;
use crate::attack::firm::LEAVERS;
use crate::attack::firm::Ran;
use crate::attack::firm::key;
use crate::tasks::ANTON;
use crate::tasks::anton_has_left;
use crate::tasks::task;

/// Ada and Bert approve, and the key of the tenant is the owner's, who may disable administrators.
fn firm_of_two() -> Firm {
    let firm = Firm::new("");
    let owner = cast(Role::Owner).account.unwrap();
    firm.tenant().set_key_user(owner);
    let two = format!(
        "[[approver]]\nname = \"Ada\"\nkey = \"{}\"\n[[approver]]\nname = \"Bert\"\nkey = \"{}\"\n",
        key(&firm.path("ada.pem")),
        key(&firm.path("bert.pem"))
    );
    firm.configure("", &format!("{two}{LEAVERS}"));
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);
    firm
}

fn release(firm: &Firm, who: &str) -> Ran {
    let path = firm.path(&format!("{who}.pem")).display().to_string();
    let word = ["--reason", "he runs the portal no more", "--key", &path];
    firm.ex(&[&["tasks", "release", ANTON], &word[..]].concat())
}

fn is_planned(firm: &Firm) -> bool {
    firm.emails(&["plan"]).contains(&ANTON.to_owned())
}

fn carry_out(firm: &Firm) {
    let digest = firm.plan();
    let ada = firm.path("ada.pem").display().to_string();
    let words = ["--reason", "looked at it", "--key", &ada];
    firm.ex(&[&["breaker", "release", &digest], &words[..]].concat())
        .exits(0);
    firm.ex(&["apply", &digest]).exits(0);
}

#[test]
fn two_approvers_release_one_step_once() {
    let firm = firm_of_two();
    assert_eq!(task(&firm)["releasable"], true);
    release(&firm, "ada").exits(0).says("1 approver more");
    assert!(!is_planned(&firm), "one is not two");
    release(&firm, "ada").exits(5).says("another approver");
    firm.ex(&["tasks", "release", ANTON, "--reason", "x"])
        .exits(5)
        .says("--key");
    release(&firm, "bert")
        .exits(0)
        .says("the next plan has the step");
    assert_eq!(task(&firm)["state"], "released");
    assert!(is_planned(&firm));
    firm.ex(&["why", ANTON])
        .exits(0)
        .says("may be disabled once");
    carry_out(&firm);
    assert_eq!(firm.status(Role::Admin), Status::Terminated);
    let why = firm.json(&["why", ANTON]);
    assert_eq!(why["accounts"][0]["decision"]["again"], "same", "{why:#}");

    // done is not confirmed: a complete read is
    assert_eq!(task(&firm)["state"], "unconfirmed");
    firm.ex(&["sync"]).exits(0);
    assert_eq!(
        firm.entries("task.closed")[0]["data"]["because"],
        "task.disabled"
    );

    // somebody lets them in again: what was released was released once
    let anton = cast(Role::Admin).account.unwrap();
    firm.tenant().set_status(anton, Status::Active);
    firm.ex(&["sync"]).exits(0);
    assert_eq!(task(&firm)["state"], "open");
    assert!(!is_planned(&firm));
    firm.ex(&["rebuild"]).exits(0);
    firm.ex(&["verify"]).exits(0);
}

/// Their removal is another step, which nobody has released.
#[test]
fn a_release_is_for_the_disabling_and_for_nothing_else() {
    let firm = firm_of_two();
    let toml = std::fs::read_to_string(firm.path("exeunt.toml")).unwrap();
    let more = "steps = [{ do = \"disable\" }, { do = \"remove\", after_days = 0 }]";
    let toml = toml.replace("steps = [{ do = \"disable\" }]", more);
    firm.write("exeunt.toml", &toml);
    let ada = firm.path("ada.pem").display().to_string();
    firm.ex(&["policy", "propose"]).exits(0);
    firm.ex(&["policy", "approve", "--reason", "x", "--key", &ada])
        .exits(0);
    release(&firm, "ada").exits(0);
    release(&firm, "bert").exits(0);
    carry_out(&firm);
    assert_eq!(firm.status(Role::Admin), Status::Terminated);
    firm.ex(&["sync"]).exits(0);
    assert!(!is_planned(&firm));
    assert!(
        !firm
            .tenant()
            .user(cast(Role::Admin).account.unwrap())
            .unwrap()
            .removed
    );
}

#[test]
fn a_withdrawn_departure_ends_the_release() {
    let firm = firm_of_two();
    release(&firm, "ada").exits(0);
    release(&firm, "bert").exits(0);
    assert!(firm.directory().enable("anton.berger"));
    firm.ex(&["sync"]).exits(0);
    assert!(!is_planned(&firm));
    anton_has_left(&firm);
    assert_eq!(task(&firm)["state"], "open");
    assert_eq!(task(&firm)["releases"].as_array().unwrap().len(), 0);
    assert!(!is_planned(&firm));
}

/// What was signed was about an administrator; whoever is more by now was released by nobody.
#[test]
fn another_role_ends_the_release() {
    let firm = firm_of_two();
    release(&firm, "ada").exits(0);
    release(&firm, "bert").exits(0);
    assert!(is_planned(&firm));
    let toml = std::fs::read_to_string(firm.path("exeunt.toml")).unwrap();
    let protect = format!("attempts = 1\nprotect = [\"{ANTON}\"]");
    firm.write("exeunt.toml", &toml.replace("attempts = 1", &protect));
    firm.ex(&["sync"]).exits(0);
    let now = task(&firm);
    assert_eq!(now["state"], "open", "{now:#}");
    assert_eq!(now["releases"][0]["holds"], false);
    assert!(!is_planned(&firm));
    // it begins anew, with one
    release(&firm, "bert").exits(0).says("1 approver more");
    assert!(!is_planned(&firm));
}

/// A step that stood in a plan when the departure was withdrawn is not taken.
#[test]
fn a_planned_step_falls_with_its_release() {
    let firm = firm_of_two();
    release(&firm, "ada").exits(0);
    release(&firm, "bert").exits(0);
    let digest = firm.plan();
    let ada = firm.path("ada.pem").display().to_string();
    let words = ["--reason", "looked at it", "--key", &ada];
    firm.ex(&[&["breaker", "release", &digest], &words[..]].concat())
        .exits(0);
    // another one may approve from now on: what was signed was under the old roster
    let carla = key(&firm.path("carla.pem"));
    let toml = std::fs::read_to_string(firm.path("exeunt.toml")).unwrap();
    firm.write(
        "exeunt.toml",
        &format!("{toml}[[approver]]\nname = \"Carla\"\nkey = \"{carla}\"\n"),
    );
    let owner = cast(Role::Admin).account.unwrap();
    firm.tenant().set_key_user(owner);
    firm.ex(&["apply", &digest]);
    assert_eq!(firm.status(Role::Admin), Status::Active);
}

#[test]
fn with_fewer_than_two_approvers_there_is_no_release() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);
    firm.ex(&["tasks", "release", ANTON, "--reason", "I am alone"])
        .exits(5)
        .says("a release needs two approvers")
        .says("by hand");
}
