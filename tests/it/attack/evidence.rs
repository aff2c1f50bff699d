//! Evidence that is older, or about somebody else, than it looks.

use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use uuid::Uuid;

use crate::attack::firm::Firm;
use crate::attack::firm::LEAVERS;

/// The end of the log is noted only after what was seen in it: else the next walk begins behind
/// logins that nobody has recorded, and whoever made them looks silent.
#[test]
fn logins_that_a_killed_sync_saw_are_not_forgotten() {
    let firm = Firm::new("");
    firm.ex_as("olga", Some("accounts-appended"), &["sync"]);
    firm.ex(&["sync"]).exits(0);
    let silent = firm.emails(&["inactive", "--days", "90"]);
    assert!(silent.contains(&cast(Role::Idle).email.to_owned()));
    assert!(
        !silent.contains(&cast(Role::Hidden).email.to_owned()),
        "{silent:?}"
    );
}

const LISTED: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"leavers.csv\"\n\
     contains = \"leavers\"\ncolumns = { key = \"id\", mail = \"mail\" }\n";

fn hr_lists(firm: &Firm, roles: &[Role]) {
    let lines = roles.iter().map(|r| {
        let who = cast(*r);
        format!("{},{}\n", who.first_name, who.email)
    });
    firm.write(
        "leavers.csv",
        &format!("id,mail\n{}", lines.collect::<String>()),
    );
}

/// Whoever is taken off a list of leavers has not left.
#[test]
fn a_correction_of_a_list_of_leavers_is_heeded() {
    let firm = Firm::new(&format!("{LISTED}{LEAVERS}"));
    // corp does not know the guest, so that only the list speaks
    hr_lists(&firm, &[Role::Guest, Role::KeyUser]);
    firm.ex(&["sync"]).exits(0);
    let guest = cast(Role::Guest).email.to_owned();
    assert!(firm.emails(&["departed"]).contains(&guest));
    let digest = firm.plan();
    firm.release(&digest);
    hr_lists(&firm, &[Role::KeyUser]);
    firm.ex(&["apply", &digest]);
    assert_eq!(firm.status(Role::Guest), Status::Active);
    assert!(!firm.emails(&["departed"]).contains(&guest));
    // and once it has been said, it is not said again
    let before = firm.entries("person.missed").len();
    firm.ex(&["sync"]).exits(0);
    assert_eq!((before, firm.entries("person.missed").len()), (1, 1));
}

/// A list that is emptied is no correction, also where it is read again for one person.
#[test]
fn an_emptied_list_of_leavers_takes_nothing_back() {
    let firm = Firm::new(&format!("{LISTED}{LEAVERS}"));
    hr_lists(&firm, &[Role::Guest, Role::KeyUser]);
    firm.ex(&["sync"]).exits(0);
    let guest = cast(Role::Guest).email.to_owned();
    let digest = firm.plan();
    firm.release(&digest);
    hr_lists(&firm, &[]);
    firm.ex(&["apply", &digest]).says("not believed");
    assert_eq!(
        firm.status(Role::Guest),
        Status::Active,
        "nothing rests on it"
    );
    assert!(firm.emails(&["departed"]).contains(&guest));
    assert!(firm.entries("person.missed").is_empty());
    assert!(firm.entries("departure.withdrawn").is_empty());
    // it is there again, and goes on
    hr_lists(&firm, &[Role::Guest, Role::KeyUser]);
    firm.ex(&["apply", &digest]);
    assert_eq!(firm.status(Role::Guest), Status::Terminated);
}

fn newcomer(firm: &Firm, email: &str) -> Uuid {
    let id = Uuid::from_u128(0x7e57);
    let made = firm.tenant().now();
    firm.tenant()
        .add_user(User::new(id, "Nova", "Newcomer", email, Kind::User, made));
    id
}

/// The directory keeps the leaver with the address; somebody whom it does not know gets it.
#[test]
fn an_account_that_was_made_after_the_leaver_left_is_not_theirs() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    firm.hours_later(48);
    let bob = cast(Role::AlreadyDisabled);
    firm.tenant().remove_user(bob.account.unwrap());
    newcomer(&firm, bob.email);
    firm.ex(&["sync"]).exits(0);
    let plan = firm.json(&["plan"]);
    assert_eq!(plan["steps"].as_array().unwrap().len(), 0, "{plan}");
    assert_eq!(plan["withheld"][0]["because"], "block.recycled-address");
}

/// Somebody gave an address up; an account that has it later is not theirs.
#[test]
fn an_address_that_somebody_had_once_does_not_make_them_the_owner() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let (carol, old) = (cast(Role::Leaver), cast(Role::Leaver).email);
    let new = "carol.married@example.com";
    firm.directory()
        .set_mail(carol.uid.unwrap(), vec![new.to_owned()]);
    firm.ex(&["sync"]).exits(0);
    firm.tenant().set_email(carol.account.unwrap(), new);
    let other = newcomer(&firm, old);
    firm.ex(&["sync"]).exits(0);
    firm.story.leave(Role::Leaver, Leaving::Disabled);
    firm.ex(&["sync"]).exits(0);
    let emails = firm.emails(&["plan"]);
    assert!(
        emails.contains(&new.to_owned()) && !emails.contains(&old.to_owned()),
        "{emails:?}"
    );
    assert_eq!(firm.tenant().user(other).unwrap().status, Status::Active);
}

/// A person who was only renamed keeps the account that has the old address still.
#[test]
fn a_renamed_person_keeps_their_account() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let carol = cast(Role::Leaver);
    let new = "carol.married@example.com".to_owned();
    firm.directory().set_mail(carol.uid.unwrap(), vec![new]);
    firm.story.leave(Role::Leaver, Leaving::Disabled);
    firm.ex(&["sync"]).exits(0);
    assert!(firm.emails(&["plan"]).contains(&carol.email.to_owned()));
}

/// Expiry forbids a step's first intent, also where another step of the plan was begun in time.
#[test]
fn an_expired_plan_begins_nothing_new() {
    let firm = Firm::new(LEAVERS);
    firm.story.leave(Role::Leaver, Leaving::Disabled);
    firm.ex(&["sync"]).exits(0);
    let digest = firm.plan();
    firm.release(&digest);
    let (bob, carol) = (cast(Role::AlreadyDisabled), cast(Role::Leaver));
    let of = |id: Uuid| Matcher::new("PUT", "/api/2.0/people/status").with_body(&id.to_string());
    let limited = Fault::TooMany { retry_after: None };
    firm.tenant()
        .add_fault(FaultRule::once(of(bob.account.unwrap()), limited));
    let alone = format!("/api/2.0/people/{}", carol.account.unwrap());
    let broken = Fault::Status {
        status: 500,
        body: None,
    };
    firm.tenant()
        .add_fault(FaultRule::always(Matcher::new("GET", &alone), broken));
    firm.ex(&["apply", &digest]);
    firm.tenant().clear_faults();
    firm.hours_later(73);
    firm.ex(&["apply", &digest]).says("expired");
    assert_eq!(firm.status(Role::AlreadyDisabled), Status::Terminated);
    assert_eq!(firm.status(Role::Leaver), Status::Active);
}
