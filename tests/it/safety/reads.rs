//! Reads that fail, lie or show too little.

use chrono::TimeDelta;
use exeunt::domain::code::says;
use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault as TenantFault;
use exeunt::sandbox::docspace::FaultRule as TenantRule;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::ldap::Fault;
use exeunt::sandbox::ldap::FaultRule;
use exeunt::sandbox::ldap::NewPerson;
use uuid::Uuid;

use crate::safety::house::GULLIBLE;
use crate::safety::house::House;
use crate::safety::house::IDLE;
use crate::safety::house::LEAVERS;

/// Two readings of a directory that fails, then one that does not: only who has really left is
/// disabled.
fn directory_fails(fault: FaultRule, code: i32, verdict: &str, because: &str) {
    let house = House::settled("page_size = 5", &[LEAVERS, GULLIBLE]);
    house_fails(&house, fault, code, verdict, because);
}

fn house_fails(house: &House, fault: FaultRule, code: i32, verdict: &str, because: &str) {
    let carol = cast(Role::Leaver);
    // What the failing directory would not tell.
    house.story.leave(Role::Leaver, Leaving::Disabled);
    house.directory().add_fault(fault);
    house
        .runs_in_vain(code)
        .says(because)
        .says("nothing rests on this read")
        .says("hint: ");
    let read = house.ws.last_read("corp");
    assert_eq!(read["verdict"], verdict, "{read}");
    assert!(
        read["because"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c == because),
        "{read}"
    );
    assert_eq!(house.departed(), [cast(Role::AlreadyDisabled).email]);
    house
        .ws
        .run(&["status"])
        .exits(0)
        .says(verdict)
        .says(because);

    house.directory().clear_faults();
    house.ws.run(&["run"]).exits(0).says(carol.email);
    assert_eq!(house.status(Role::Leaver), Status::Terminated);
    assert_eq!(house.departed().len(), 2);
    house.ws.is_sound();
}

#[test]
fn the_directory_drops_the_connection_on_page_2() {
    let fault = FaultRule::on_page(2, Fault::Drop { after: 0 });
    directory_fails(fault, 5, "partial", "read.cut");
}

#[test]
fn the_directory_answers_success_with_nobody() {
    directory_fails(FaultRule::always(Fault::Empty), 5, "suspect", "read.empty");
}

#[test]
fn nobody_is_asked_to_believe_what_cannot_be_released() {
    let house = House::settled("", &[LEAVERS]);
    house.directory().add_fault(FaultRule::always(Fault::Empty));
    house
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.empty")
        .says_not("breaker release");
    let digest = house.ws.last_read("corp")["proof"]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let release = [
        "breaker", "release", &digest, "--read", "corp", "--reason", "sure",
    ];
    house.ws.run(&release).exits(5).says("never believed");
    house.ws.run(&["sync"]).exits(5).says("read.empty");
}

#[test]
fn the_bind_account_lost_its_read_rights() {
    // Success, and nothing but the base to be seen.
    let house = House::settled("", &[LEAVERS]);
    house_fails(
        &house,
        FaultRule::always(Fault::OnlyBase),
        5,
        "suspect",
        "read.drop",
    );
}

#[test]
fn the_bind_account_sees_too_little_and_not_the_canary() {
    let canary = format!("canaries = [\"{}\"]", cast(Role::Canary).email);
    let house = House::settled(&canary, &[LEAVERS, GULLIBLE]);
    house_fails(
        &house,
        FaultRule::always(Fault::OnlyBase),
        5,
        "suspect",
        "read.canary-missing",
    );
}

#[test]
fn the_bind_account_may_not_search_any_more() {
    let denied = FaultRule::always(Fault::Code { code: 50, after: 0 });
    directory_fails(denied, 4, "failed", "read.rights");
}

/// The list of people fails: neither the leaver nor the idle are touched. The entry says why.
/// When it is mended, all three are.
fn people_fail(fault: TenantFault, code: i32, verdict: &str, because: &str) {
    let house = House::settled("", &[LEAVERS, IDLE]).a_month_later();
    house.story.leave(Role::Leaver, Leaving::Disabled);
    let rule = TenantRule::always(Matcher::new("GET", "/api/2.0/people/filter"), fault);
    house.tenant().add_fault(rule);
    house
        .runs_in_vain(code)
        .says(because)
        .says("nothing rests on this read")
        .says("hint: ");
    let read = house.ws.last_read("portal");
    assert_eq!(read["verdict"], verdict, "{read}");
    assert_eq!(read["because"][0], because, "{read}");
    for role in [Role::Leaver, Role::Idle, Role::FailedOnly] {
        let decision = house.decision(role);
        assert_eq!(decision["verdict"], "withhold", "{decision}");
        let blocked = decision["blocked"][0].as_str().unwrap();
        assert!(blocked.starts_with("block.source-"), "{decision}");
        house.ws.run(&["plan"]).exits(0).says(blocked);
    }
    // A leaver whose account cannot be touched is the first thing to be seen.
    house
        .ws
        .run(&["status"])
        .exits(0)
        .says(cast(Role::Leaver).email)
        .says(because);

    house.tenant().clear_faults();
    house.ws.run(&["run"]).exits(0);
    for role in [Role::Leaver, Role::Idle, Role::FailedOnly] {
        assert_eq!(house.status(role), Status::Terminated, "{role:?}");
    }
    house.ws.is_sound();
}

#[test]
fn the_tenant_answers_500() {
    let fault = TenantFault::Status {
        status: 500,
        body: None,
    };
    people_fail(fault, 69, "failed", "read.unreachable");
}

#[test]
fn the_tenant_answers_402() {
    let fault = TenantFault::Status {
        status: 402,
        body: None,
    };
    people_fail(fault, 69, "failed", "read.tenant-not-in-order");
}

#[test]
fn the_tenant_answers_403() {
    let fault = TenantFault::Status {
        status: 403,
        body: None,
    };
    people_fail(fault, 4, "failed", "read.rights");
}

#[test]
fn the_tenant_answers_an_empty_404() {
    let fault = TenantFault::Status {
        status: 404,
        body: Some(String::new()),
    };
    people_fail(fault, 69, "failed", "read.tenant-not-in-order");
}

#[test]
fn the_tenant_answers_a_truncated_page() {
    people_fail(TenantFault::Truncated, 69, "failed", "read.unreachable");
}

#[test]
fn the_tenant_leaves_people_out_of_a_page() {
    people_fail(TenantFault::ShortPage { by: 2 }, 5, "partial", "read.short");
}

#[test]
fn the_tenant_answers_html() {
    people_fail(
        TenantFault::Html { status: 200 },
        5,
        "failed",
        "read.unreadable",
    );
}

#[test]
fn an_unparseable_date_in_a_user() {
    people_fail(TenantFault::BadDate, 5, "failed", "read.unreadable");
}

/// The login history fails: the leaver is disabled all the same, nobody else is, and the reason
/// stands in the read's entry. When it is mended, the idle are.
fn history_fails(spoil: impl Fn(&House), mend: impl Fn(&House), fault: &str, unknown: &str) {
    let house = House::settled("", &[LEAVERS, IDLE]).a_month_later();
    spoil(&house);
    house
        .runs_in_vain(0)
        .says("nobody counts as inactive")
        .says(fault);
    let read = house.ws.last_read("portal");
    assert_eq!(read["verdict"], "complete");
    assert_eq!(read["activity"][0]["complete"], false, "{read}");
    assert_eq!(read["activity"][0]["fault"], fault, "{read}");
    assert!(house.ws.items(&["inactive"]).is_empty());
    for role in [Role::Idle, Role::FailedOnly] {
        let decision = house.decision(role);
        assert_eq!(decision["verdict"], "withhold", "{decision}");
        assert_eq!(decision["because"], unknown, "{decision}");
        let unknowns = house.ws.items(&["unknown"]);
        let own = unknowns
            .iter()
            .find(|i| i["email"] == cast(role).email)
            .unwrap();
        assert_eq!(own["because"], unknown);
    }
    house
        .ws
        .run(&["plan"])
        .exits(0)
        .says(unknown)
        .says("block.unknown-activity");

    mend(&house);
    house.ws.run(&["run"]).exits(0);
    for role in [Role::Idle, Role::FailedOnly] {
        assert_eq!(house.status(role), Status::Terminated, "{role:?}");
    }
    house.ws.is_sound();
}

fn log_fails(fault: TenantFault, code: &str) {
    let matcher = Matcher::new("GET", "/api/2.0/security/audit/login/filter");
    let rule = TenantRule::always(matcher, fault);
    let spoil = |house: &House| {
        house.tenant().add_fault(rule.clone());
    };
    history_fails(
        spoil,
        |house| house.tenant().clear_faults(),
        code,
        "unknown.read-failed",
    );
}

#[test]
fn the_audit_is_downgraded_to_the_last_20() {
    let tariff = |house: &House, audit_tariff| {
        let settings = Settings {
            audit_tariff,
            ..house.tenant().settings()
        };
        house.tenant().set_settings(settings);
    };
    let (spoil, mend) = (|h: &House| tariff(h, false), |h: &House| tariff(h, true));
    history_fails(spoil, mend, "activity.downgraded", "unknown.downgraded");
}

#[test]
fn an_unparseable_date_in_an_event() {
    log_fails(TenantFault::BadDate, "activity.unreadable");
}

#[test]
fn the_login_history_answers_500() {
    log_fails(
        TenantFault::Status {
            status: 500,
            body: None,
        },
        "read.unreachable",
    );
}

#[test]
fn the_login_history_answers_403() {
    log_fails(
        TenantFault::Status {
            status: 403,
            body: None,
        },
        "read.rights",
    );
}

#[test]
fn the_login_history_is_cut_in_the_middle() {
    log_fails(TenantFault::Truncated, "read.unreachable");
}

#[test]
fn the_login_history_is_html() {
    log_fails(TenantFault::Html { status: 200 }, "read.unreadable");
}

#[test]
fn somebody_who_registered_yesterday_and_never_logged_in() {
    let house = House::settled("", &[LEAVERS, IDLE]).a_month_later();
    let (tenant, id) = (house.tenant(), Uuid::from_u128(0x7e57));
    let yesterday = tenant.now() - TimeDelta::days(1);
    let email = "nadia.newcomer@example.com";
    tenant.add_user(User::new(
        id,
        "Nadia",
        "Newcomer",
        email,
        Kind::User,
        yesterday,
    ));
    house.ws.run(&["run"]).exits(0);
    house.hours_later(2);
    house.ws.run(&["run"]).exits(0);
    // The others were due, so it was decided in earnest.
    assert_eq!(house.status(Role::Idle), Status::Terminated);
    assert_eq!(tenant.status_puts(id), 0);
    let plan = house.ws.run(&["plan", "--all"]).exits(0);
    let line = plan.out.lines().find(|line| line.contains(email)).unwrap();
    assert!(
        line.starts_with("keep") && line.contains(&says("keep.too-new")),
        "{line}"
    );
    // Its age stands in the entry that first saw it.
    let seen = house
        .ws
        .items(&["log", "--type", "account.observed", "--subject", email]);
    let created = seen[0]["data"]["facts"]["created_at"].as_str().unwrap();
    assert!(
        created.starts_with(&yesterday.format("%Y-%m-%d").to_string()),
        "{created}"
    );
    assert!(!super::house::emails(&house.ws.items(&["inactive"])).contains(&email.to_owned()));
    house.ws.run(&["why", email]).exits(0).says(email);
}

#[test]
fn a_user_whose_address_matches_two_people() {
    let house = House::settled("", &[LEAVERS]);
    let ada = cast(Role::Active);
    // A second person under her address, who has left.
    house
        .directory()
        .add_person(person("other.lindqvist", ada.email));
    house.directory().disable("other.lindqvist");
    house.runs_in_vain(0);
    assert_eq!(house.status(Role::Active), Status::Active);
    let withheld = house
        .ws
        .items(&["log", "--type", "link.withheld", "--subject", ada.email]);
    assert_eq!(
        withheld.last().unwrap()["data"]["because"],
        "block.ambiguous-identity"
    );
    let plan = house
        .ws
        .run(&["plan"])
        .exits(0)
        .says("withheld")
        .says("block.ambiguous-identity");
    assert!(
        plan.out
            .lines()
            .any(|l| l.starts_with("withheld") && l.contains(ada.email))
    );
    let decision = house.decision(Role::Active);
    assert_eq!(
        decision["blocked"][0], "block.ambiguous-identity",
        "{decision}"
    );
    // It is not certain that she left, so she is no leaver who is still in.
    assert_ne!(decision["leaver_still_in"], true);
    house
        .ws
        .run(&["status"])
        .exits(0)
        .says("No leaver is still in");
    house.ws.is_sound();
}

#[test]
fn an_address_that_a_new_person_has_taken_over() {
    let house = House::settled("", &[LEAVERS]);
    let carol = cast(Role::Leaver);
    // She leaves, and a new colleague gets her address before Exeunt looks again; the account is
    // the new one's now, or still hers: nobody can tell.
    house
        .directory()
        .set_mail(carol.uid.unwrap(), vec!["carol.old@example.com".to_owned()]);
    house.directory().disable(carol.uid.unwrap());
    house
        .directory()
        .add_person(person("carola.jensen", carol.email));
    house.runs_in_vain(0);
    assert_eq!(house.status(Role::Leaver), Status::Active);
    let withheld = house
        .ws
        .items(&["log", "--type", "link.withheld", "--subject", carol.email]);
    assert_eq!(
        withheld.last().unwrap()["data"]["because"],
        "block.recycled-address"
    );
    house
        .ws
        .run(&["plan"])
        .exits(0)
        .says("withheld")
        .says("block.recycled-address");
    let decision = house.decision(Role::Leaver);
    assert_eq!(decision["verdict"], "withhold", "{decision}");
    assert_eq!(
        decision["blocked"][0], "block.recycled-address",
        "{decision}"
    );
    house.ws.is_sound();
}

#[test]
fn an_address_whose_first_holder_is_gone() {
    let house = House::settled("", &[LEAVERS]);
    let carol = cast(Role::Leaver);
    house.story.leave(Role::Leaver, Leaving::Removed);
    house
        .directory()
        .add_person(person("carola.jensen", carol.email));
    house.runs_in_vain(0);
    assert_eq!(house.status(Role::Leaver), Status::Active);
    assert!(house.departed().contains(&carol.email.to_owned()));
    house
        .ws
        .run(&["plan"])
        .exits(0)
        .says("withheld")
        .says("block.recycled-address");
    assert_eq!(
        house.decision(Role::Leaver)["blocked"][0],
        "block.recycled-address"
    );
}

pub(crate) fn person(uid: &str, mail: &str) -> NewPerson {
    NewPerson {
        uid: uid.to_owned(),
        first_name: "Another".to_owned(),
        last_name: "Person".to_owned(),
        mail: vec![mail.to_owned()],
        employee_number: format!("N-{uid}"),
        entry_uuid: None,
        container: None,
    }
}
