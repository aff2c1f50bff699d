//! The configuration says something else than the policy that rules.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceOptions;

use crate::attack::firm::Firm;
use crate::attack::firm::LEAVERS;

const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"people.csv\"\n\
     contains = \"everybody\"\ncolumns = { key = \"id\", mail = \"mail\" }\n";

fn hr_has_bob(firm: &Firm) {
    let bob = cast(Role::AlreadyDisabled).email;
    firm.write(
        "people.csv",
        &format!("id,mail\n1,{bob}\n2,x@example.com\n"),
    );
}

fn bob() -> String {
    cast(Role::AlreadyDisabled).email.to_owned()
}

/// A directory whose word counts cannot be silenced by taking it out of exeunt.toml: that loosens
/// a safeguard, and the policy that rules has it.
#[test]
fn a_directory_that_was_taken_out_still_counts() {
    let firm = Firm::new(&format!("{HR}{LEAVERS}"));
    hr_has_bob(&firm);
    firm.ex(&["sync"]).exits(0);
    assert!(firm.emails(&["plan"]).is_empty());
    for without in [
        LEAVERS.to_owned(),
        format!("{}role = \"scope\"\n{LEAVERS}", HR),
    ] {
        firm.configure("", &without);
        firm.ex(&["sync"]);
        assert!(firm.emails(&["plan"]).is_empty(), "{without}");
    }
    firm.ex(&["policy", "diff"]).says("its word counts no more");
}

/// Nor does a new directory speak before somebody has agreed to it.
#[test]
fn a_directory_that_was_added_does_not_count_before_it_is_adopted() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let list = HR.replace("everybody", "leavers");
    firm.configure("", &format!("{list}{LEAVERS}"));
    let ada = cast(Role::Guest).email;
    firm.write(
        "people.csv",
        &format!("id,mail\n1,{ada}\n2,x@example.com\n"),
    );
    firm.ex(&["sync"]).exits(0);
    assert!(!firm.emails(&["plan"]).contains(&ada.to_owned()));
    firm.ex(&["policy", "approve", "--reason", "hr says who leaves"])
        .exits(0);
    assert!(firm.emails(&["plan"]).contains(&ada.to_owned()));
}

/// A protection list rules until a shorter one was adopted.
#[test]
fn whoever_is_taken_off_the_protection_list_stays_protected_until_that_is_adopted() {
    let firm = Firm::new("");
    let protect = format!("protect = [\"{}\"]", bob());
    for list in [
        protect.clone(),
        protect.replace("protect", "service_accounts"),
    ] {
        firm.configure(&list, LEAVERS);
        firm.ex(&["sync"]).exits(0);
        firm.ex(&["policy", "approve", "--reason", "x"]);
        assert!(firm.emails(&["plan"]).is_empty());
        firm.configure("", LEAVERS);
        firm.ex(&["sync"]).exits(0);
        assert!(firm.emails(&["plan"]).is_empty(), "{list}");
        firm.ex(&["policy", "diff"]).says("protect: 1 fewer");
    }
}

/// Another tenant under the same name knows none of the accounts: that says nothing about them.
#[test]
fn another_tenant_under_the_same_name_is_not_asked() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let digest = firm.plan();
    firm.release(&digest);
    let other = DocSpace::start(DocSpaceOptions::default()).unwrap();
    firm.configure_at(&other.url(), other.token(), "", LEAVERS);
    firm.ex(&["apply", &digest]);
    assert!(firm.entries("account.gone").is_empty());
    assert!(firm.entries("command.intended").is_empty());
    firm.ex(&["status"]).says(&bob());
}

/// Nor does it settle what was asked of the first one.
#[test]
fn another_tenant_under_the_same_name_settles_nothing() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let digest = firm.plan();
    firm.release(&digest);
    firm.ex_as("olga", Some("intent-durable"), &["apply", &digest]);
    let other = DocSpace::start(DocSpaceOptions::default()).unwrap();
    firm.configure_at(&other.url(), other.token(), "", LEAVERS);
    firm.hours_later(1);
    firm.ex(&["run"]).exits(6);
    assert!(firm.entries("command.settled").is_empty());
    firm.configure("", LEAVERS);
    firm.ex(&["run"]);
    let settled = firm.entries("command.settled");
    assert_eq!(settled[0]["data"]["done"], false, "{settled:?}");
}

/// Taken away and put back, a tenant comes without its guards: that is asked about.
#[test]
fn a_tenant_that_comes_back_without_its_list_is_not_touched() {
    let firm = Firm::new("");
    let protect = format!("protect = [\"{}\"]", bob());
    firm.configure(&protect, LEAVERS);
    firm.ex(&["sync"]).exits(0);
    firm.ex(&["policy", "approve", "--reason", "x"]);
    let whole = std::fs::read_to_string(firm.path("exeunt.toml")).unwrap();
    let (before, _) = whole.split_once("[[tenant]]").unwrap();
    firm.write("exeunt.toml", &format!("{before}{LEAVERS}"));
    firm.ex(&["sync"]).exits(0);
    firm.configure("", LEAVERS);
    firm.ex(&["sync"]).exits(0);
    assert!(firm.emails(&["plan"]).is_empty());
    firm.ex(&["policy", "diff"]).says("tenant/portal: new");
}
