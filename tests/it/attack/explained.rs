//! What is shown afterwards.

use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::ldap::Fault;
use exeunt::sandbox::ldap::FaultRule;

use crate::attack::firm::Firm;
use crate::attack::firm::LEAVERS;

const SAME: &str = "the same answer";

/// What is not due yet rests on reads as well.
#[test]
fn a_wait_for_an_orphan_is_decided_the_same_again() {
    let orphans = "[[policy]]\nname = \"orphans\"\nwhen = \"orphaned\"\nring = \"enforce\"\n\
         after_days = 10\nsteps = [{ do = \"disable\" }]\n";
    let firm = Firm::new(orphans);
    firm.ex(&["sync"]).exits(0);
    firm.ex(&["plan"]).exits(0);
    firm.ex(&["why", cast(Role::Guest).email])
        .exits(0)
        .says(SAME);
}

/// Old decisions are decided again by what ruled then, not by today's exeunt.toml.
#[test]
fn a_decision_is_the_same_after_its_directory_was_given_up() {
    let hr = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"leavers.csv\"\n\
         contains = \"leavers\"\ncolumns = { key = \"id\", mail = \"mail\" }\n";
    let firm = Firm::new(&format!("{hr}{LEAVERS}"));
    let guest = cast(Role::Guest).email;
    firm.write(
        "leavers.csv",
        &format!("id,mail\n1,{guest}\n2,x@example.com\n"),
    );
    firm.ex(&["sync"]).exits(0);
    firm.plan();
    firm.ex(&["why", guest]).exits(0).says(SAME);
    firm.configure("", LEAVERS);
    firm.ex(&["policy", "propose"]);
    firm.ex(&["policy", "approve", "--reason", "hr is gone"]);
    firm.ex(&["why", guest]).exits(0).says(SAME);
}

/// Whoever the account belonged to then is part of the story.
#[test]
fn a_decision_is_the_same_after_the_account_got_another_owner() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    firm.story.leave(Role::Leaver, Leaving::Removed);
    firm.ex(&["sync"]).exits(0);
    firm.hours_later(2);
    firm.ex(&["sync"]).exits(0);
    let carol = cast(Role::Leaver);
    assert!(firm.emails(&["plan"]).contains(&carol.email.to_owned()));
    let other = "somebody.else@example.com";
    firm.tenant().set_email(carol.account.unwrap(), other);
    firm.ex(&["sync"]).exits(0);
    firm.ex(&["why", other]).exits(0).says(SAME);
}

/// A plan of which nothing could be done because a source is not believed has not succeeded.
#[test]
fn a_plan_that_a_suspect_read_holds_back_does_not_end_as_done() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let digest = firm.plan();
    firm.release(&digest);
    for role in [Role::Leaver, Role::Idle, Role::Hidden, Role::FailedOnly] {
        firm.story.leave(role, Leaving::Removed);
    }
    firm.ex(&["apply", &digest]).exits(5).says("read.drop");
    assert!(firm.entries("command.intended").is_empty());
}

/// As of a day means: with the clock of that day.
#[test]
fn as_of_a_day_counts_to_that_day() {
    let hr = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"leavers.csv\"\n\
         contains = \"leavers\"\n\
         columns = { key = \"id\", mail = \"mail\", leave_date = \"last\" }\n";
    let firm = Firm::new(&format!("{hr}{LEAVERS}"));
    let (guest, now) = (cast(Role::Guest).email, firm.tenant().now());
    let day = |days: i64| {
        (now + chrono::TimeDelta::days(days))
            .format("%F")
            .to_string()
    };
    firm.write(
        "leavers.csv",
        &format!("id,mail,last\n1,{guest},{}\n", day(2)),
    );
    firm.ex(&["sync"]).exits(0);
    firm.hours_later(24 * 10);
    let at = |as_of: &str| firm.emails(&["departed", "--as-of", as_of]);
    assert!(!at(&day(1)).contains(&guest.to_owned()));
    assert!(at(&day(5)).contains(&guest.to_owned()));
}

/// Somebody who vanished and cannot be looked up is no leaver, and that is said.
#[test]
fn a_look_up_that_fails_is_told() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    firm.story.leave(Role::Leaver, Leaving::Removed);
    firm.ex(&["sync"]).exits(0);
    firm.hours_later(2);
    let mut denied = FaultRule::always(Fault::Code { code: 50, after: 0 });
    denied.filter = Some("entryUUID=".to_owned());
    firm.directory().add_fault(denied);
    firm.ex(&["sync"]).exits(0).says("could not be looked up");
}
