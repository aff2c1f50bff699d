//! Reading everybody, whatever the service may be like where nobody says.

use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::Protection;
use exeunt::domain::account::Signal;
use exeunt::provider::Provider as _;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::projectplace::IdForm;
use exeunt::sandbox::projectplace::Lifetime;
use exeunt::sandbox::projectplace::Never;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::provider::projectplace::adapter;
use crate::provider::projectplace::adapter_with;
use crate::provider::projectplace::credential;
use crate::provider::projectplace::people;
use crate::provider::projectplace::quiet;
use crate::provider::projectplace::tenant;
use crate::provider::projectplace::time;

async fn read(tenant: &ProjectPlaceHandle) -> Vec<AccountRecord> {
    let read = adapter(tenant).accounts(&quiet).await.unwrap();
    assert!(read.signals[0].complete && read.proof.faults.is_empty());
    read.accounts
}

/// Holds what was read against what the tenant has, person by person.
#[track_caller]
fn is_everybody(tenant: &ProjectPlaceHandle, read: &[AccountRecord], robots: usize) {
    tenant.control().with(|account| {
        let people: Vec<_> = account.users().filter(|u| u.role != Role::Robot).collect();
        assert_eq!(read.len(), people.len() + robots);
        for person in people {
            let found = read.iter().find(|a| a.id == person.id.to_string()).unwrap();
            assert_eq!(found.email.as_deref(), Some(person.email.as_str()));
            let seen = found.seen.get(&Signal::Login).map(|at| at.micros() / 1000);
            assert_eq!(seen, person.last_login.map(|at| at.timestamp_millis()));
            let owner = person.role == Role::Owner;
            // the search has no role for the owner, so that no login of theirs is shown
            let shown = seen.is_some() || owner;
            assert_eq!(shown, person.last_login.is_some() || owner);
            assert_eq!(found.facts.hidden.is_empty(), seen.is_some());
            let external = person.role == Role::External;
            assert_eq!(found.facts.kind == AccountKind::Guest, external);
            let plain = external || person.role == Role::Member;
            assert_eq!(found.facts.protected.is_empty(), plain, "{person:?}");
        }
    });
}

fn without_owners_login(tenant: &ProjectPlaceHandle) {
    tenant.control().with(|account| {
        let owner = account.users().find(|u| u.role == Role::Owner).unwrap().id;
        account.set_last_login(owner, None);
    });
}

#[tokio::test]
async fn both_generations_of_credentials_read_everybody() {
    for oauth1 in [true, false] {
        let tenant = tenant(people(), Settings::default());
        without_owners_login(&tenant);
        let adapter = adapter_with(&tenant, credential(&tenant, oauth1));
        let read = adapter.accounts(&quiet).await.unwrap();
        is_everybody(&tenant, &read.accounts, 0);
        let skew =
            time(tenant.control().now()).seconds_since(adapter.clock().await.unwrap().unwrap());
        assert!(skew.abs() <= 2, "{skew}");
    }
}

#[tokio::test]
async fn what_nobody_knows_of_the_service_makes_no_difference() {
    type Change = fn(&mut Settings);
    let changes: [Change; 13] = [
        |s| s.ids = IdForm::String,
        |s| s.never = Never::Null,
        |s| s.never = Never::Absent,
        |s| s.max_limit = None,
        |s| s.max_limit = Some(1),
        |s| s.max_limit = Some(7),
        |s| s.search_has_email = true,
        |s| s.list_has_name = true,
        |s| s.list_has_externals = true,
        |s| s.lifetime = Lifetime::ExpiresIn,
        |s| s.lifetime = Lifetime::Unsaid,
        |s| s.pending_role = "pending".to_owned(),
        |s| s.unregistered_role = "something_new".to_owned(),
    ];
    for change in changes {
        let mut settings = Settings::default();
        change(&mut settings);
        let tenant = tenant(people(), settings);
        without_owners_login(&tenant);
        is_everybody(&tenant, &read(&tenant).await, 0);
    }
}

#[tokio::test]
async fn a_robot_that_shows_itself_is_no_person() {
    let settings = Settings {
        robots_hidden: false,
        robot_role: "account_role_robot".to_owned(),
        ..Settings::default()
    };
    let tenant = tenant(people(), settings);
    without_owners_login(&tenant);
    let read = read(&tenant).await;
    is_everybody(&tenant, &read, 1);
    let robot = read.iter().find(|a| a.id == "900").unwrap();
    assert!(robot.facts.protected.contains(&Protection::Service));
}

#[tokio::test]
async fn a_token_that_was_revoked_is_asked_for_anew() {
    let tenant = tenant(people(), Settings::default());
    let adapter = adapter(&tenant);
    adapter.accounts(&quiet).await.unwrap();
    tenant.control().with(|account| account.revoke_tokens());
    assert!(adapter.accounts(&quiet).await.is_ok());
}

#[tokio::test]
async fn faults_void_the_read_and_never_shorten_it() {
    let html = Fault::Html { status: 200 };
    let error = Fault::Status {
        status: 200,
        body: None,
    };
    let field = |field: &str| Fault::MissingField {
        field: field.to_owned(),
    };
    let search = || Matcher::new("POST", "/1/account/people");
    let list = || Matcher::new("GET", "/1/account/people");
    let account = || Matcher::new("GET", "/1/account");
    for (matcher, fault) in [
        (search(), html.clone()),
        (search(), error.clone()),
        (search(), Fault::ShortPage { by: 1 }),
        (search(), Fault::EmptyBody),
        (search(), Fault::MalformedJson),
        (search(), Fault::Truncated),
        (search(), Fault::BadDate),
        (search(), field("userid")),
        (list(), html.clone()),
        (list(), error.clone()),
        (list(), Fault::ShortPage { by: 1 }),
        (list(), Fault::EmptyBody),
        (list(), Fault::ErrorInside),
        (list(), field("id")),
        (account(), html),
        (account(), field("managers")),
    ] {
        let tenant = tenant(people(), Settings::default());
        let rule = FaultRule::always(matcher.clone(), fault.clone());
        tenant.control().add_fault(rule);
        let read = adapter(&tenant).accounts(&quiet).await;
        assert!(read.is_err(), "{matcher:?} {fault:?}");
    }
}

#[tokio::test]
async fn five_thousand_take_no_more_calls_than_their_pages() {
    let settings = Settings {
        max_limit: None,
        ..Settings::default()
    };
    let tenant = tenant(Population::mixed(4_999, 20_000), settings);
    assert_eq!(read(&tenant).await.len(), 5_000);
    let requests = tenant.control().requests();
    let paths: Vec<_> = requests.iter().map(|r| r.path.as_str()).collect();
    // a token, the account, five full pages and their end, the members, the externals' addresses
    assert_eq!(paths.len(), 10, "{paths:?}");
}
