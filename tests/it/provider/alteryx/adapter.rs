//! The adapter against every behaviour that the sandbox can be set to.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use exeunt::clock::SystemClock;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::account::Signal;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Provider as _;
use exeunt::provider::Successor;
use exeunt::provider::Target;
use exeunt::provider::alteryx::Alteryx;
use exeunt::provider::alteryx::AlteryxSettings;
use exeunt::provider::alteryx::AlteryxToken;
use exeunt::provider::http::Secret;
use exeunt::sandbox::alteryx::AlteryxHandle;
use exeunt::sandbox::alteryx::Bulk;
use exeunt::sandbox::alteryx::Deleted;
use exeunt::sandbox::alteryx::Drift;
use exeunt::sandbox::alteryx::ExpiresIn;
use exeunt::sandbox::alteryx::ForeignAdmin;
use exeunt::sandbox::alteryx::Gone;
use exeunt::sandbox::alteryx::Never;
use exeunt::sandbox::alteryx::NoRoute;
use exeunt::sandbox::alteryx::NoWorkspace;
use exeunt::sandbox::alteryx::OverLimit;
use exeunt::sandbox::alteryx::RateLimit;
use exeunt::sandbox::alteryx::Reset;
use exeunt::sandbox::alteryx::Schema;
use exeunt::sandbox::alteryx::Settings;
use exeunt::sandbox::alteryx::Shown;
use exeunt::sandbox::alteryx::SuspendShown;
use exeunt::sandbox::alteryx::Transferred;
use exeunt::sandbox::alteryx::Unauthorized;

use crate::provider::alteryx::stage::start;

fn adapter(tenant: &AlteryxHandle, home: &tempfile::TempDir) -> Alteryx {
    exeunt::tls::install_provider();
    let credentials = tenant.credentials();
    let token = AlteryxToken::Rotating {
        refresh_token: Secret::new(credentials.tokens.refresh_token.clone()),
        client_id: Secret::new(credentials.client_id.clone()),
        token_url: tenant.token_url(),
        kept: home.path().join("tokens"),
    };
    let workspace = credentials.workspace_id.to_string();
    let clock = Arc::new(SystemClock::default());
    let mut settings = AlteryxSettings::new(tenant.url(), token, workspace, clock);
    settings.http.change = Duration::from_secs(5);
    settings.http.read = Duration::from_secs(5);
    settings.http.waiting = Duration::from_secs(3);
    for (name, value) in [
        ("x-api-project-id", &credentials.project_id),
        ("x-alteryx-workspace-gid", &credentials.gid),
    ] {
        settings.headers.insert(name.to_owned(), value.clone());
    }
    Alteryx::new(settings).unwrap()
}

fn target(id: &str, done: &[Do]) -> Target {
    Target {
        id: id.to_owned(),
        facts: None,
        successor: Some(Successor {
            id: "1004".to_owned(),
            email: None,
        }),
        done: done.to_vec(),
        released: std::collections::BTreeSet::new(),
    }
}

async fn one(adapter: &Alteryx, target: &Target, wanted: Do) -> AnswerVerdict {
    match adapter.prepare(target, wanted).await.unwrap() {
        Next::Send(order) => adapter.execute(target, &order).await.verdict,
        other => panic!("{other:?}"),
    }
}

/// Everything that the vendor leaves open, one after the other.
fn variants() -> Vec<Settings> {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        settings
    };
    vec![
        Settings::default(),
        with(|s| s.text_ids = true),
        with(|s| s.schema = Schema::Older),
        with(|s| s.never = Never::Absent),
        with(|s| s.foreign_admin = ForeignAdmin::Absent),
        with(|s| s.invited = Shown::State),
        with(|s| s.suspended = SuspendShown::State),
        with(|s| s.suspended = SuspendShown::Both),
        with(|s| s.over_limit = OverLimit::Refuse),
        with(|s| (s.over_limit, s.max_limit) = (OverLimit::Refuse, Some(30))),
        with(|s| s.max_limit = Some(7)),
        with(|s| s.max_limit = None),
        with(|s| s.deleted = Deleted::EmptyList),
        with(|s| s.deleted = Deleted::List),
        with(|s| s.deleted = Deleted::Created),
        with(|s| s.gone = Gone::Gone),
        with(|s| s.transferred = Transferred::NoContent),
        with(|s| s.transferred = Transferred::Nested),
        with(|s| s.bulk = Bulk::AllOrNothing),
        with(|s| s.bulk_status = 201),
        with(|s| s.unauthorized = Unauthorized::Exception),
        with(|s| s.unauthorized = Unauthorized::Empty),
        with(|s| s.expires_in = ExpiresIn::Number),
        with(|s| s.expires_in = ExpiresIn::Absent),
        with(|s| (s.expires_in, s.exp_shift_seconds) = (ExpiresIn::Absent, None)),
        with(|s| s.exp_shift_seconds = Some(-400)),
        with(|s| s.exp_shift_seconds = Some(3600)),
        with(|s| (s.project_id, s.needs_gid) = (None, false)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_vendor_left_open_people_are_read_suspended_and_removed() {
    for settings in variants() {
        let tenant = start(settings.clone(), 40);
        let home = tempfile::tempdir().unwrap();
        let adapter = adapter(&tenant, &home);
        tenant.control().with(|space| {
            space.change(1006, |p| (p.invited, p.last_login) = (true, None));
            space.change(1007, |p| p.last_login = None);
        });
        let read = adapter.accounts(&|_| ()).await.unwrap();
        assert_eq!(read.accounts.len(), 40, "{settings:?}");
        let of = |id: &str| read.accounts.iter().find(|a| a.id == id).unwrap().clone();
        assert_eq!(
            of("1006").facts.state,
            AccountState::Invited,
            "{settings:?}"
        );
        assert!(of("1007").facts.hidden.contains(&Signal::Login));
        // the list and a record read alone never differ
        for id in ["1001", "1002", "1003", "1006"] {
            let alone = adapter.account(id).await.unwrap().unwrap();
            assert_eq!(alone, of(id), "{settings:?}");
        }
        for (wanted, state) in [
            (Do::Disable, AccountState::Disabled),
            (Do::Restore, AccountState::Active),
        ] {
            let done = one(&adapter, &target("1003", &[]), wanted).await;
            assert_eq!(done, AnswerVerdict::Done, "{settings:?}");
            let now = adapter.account("1003").await.unwrap().unwrap();
            assert_eq!(now.facts.state, state, "{settings:?}");
            assert!(adapter.shows(Some(&now.facts), wanted));
        }
        let first = one(&adapter, &target("1003", &[]), Do::Remove).await;
        let second = one(&adapter, &target("1003", &[Do::Transfer]), Do::Remove).await;
        assert_eq!((first, second), (AnswerVerdict::Done, AnswerVerdict::Done));
        assert_eq!(adapter.account("1003").await.unwrap(), None, "{settings:?}");
        assert_eq!(tenant.control().with(|s| s.transfers().len()), 1);
        assert!(
            tenant
                .control()
                .with(|s| s.person(1003).unwrap().removed)
                .is_some()
        );
        assert_eq!(adapter.accounts(&|_| ()).await.unwrap().accounts.len(), 39);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_has_gone_makes_nobody_gone() {
    let routes = [
        "/v4/people",
        "/v4/people/1003",
        "/v4/workspaces/31429",
        "/v4/workspaces/current",
    ];
    for path in routes {
        for answer in [NoRoute::Exception, NoRoute::ExpressHtml, NoRoute::Gone] {
            let mut settings = Settings::default();
            settings.drift.push(Drift {
                method: None,
                path: path.to_owned(),
                answer,
            });
            let tenant = start(settings, 10);
            let home = tempfile::tempdir().unwrap();
            let adapter = adapter(&tenant, &home);
            let found = adapter.account("1003").await;
            let there = matches!(found, Ok(Some(_)) | Err(_));
            assert!(there, "{path} {answer:?}: {found:?}");
        }
    }
    // and a removal by a dead route is refused
    let mut settings = Settings::default();
    settings.drift.push(Drift {
        method: Some("DELETE".to_owned()),
        path: "/v4/workspaces/".to_owned(),
        answer: NoRoute::Exception,
    });
    let tenant = start(settings, 10);
    let home = tempfile::tempdir().unwrap();
    let adapter = adapter(&tenant, &home);
    let verdict = one(&adapter, &target("1003", &[Do::Transfer]), Do::Remove).await;
    assert_eq!(verdict, AnswerVerdict::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_workspace_is_found_before_anything_else() {
    for answer in [NoWorkspace::DataNotFound, NoWorkspace::RouteNotFound] {
        let settings = Settings {
            wrong_workspace: answer,
            ..Settings::default()
        };
        let tenant = start(settings, 10);
        let home = tempfile::tempdir().unwrap();
        let adapter = adapter(&tenant, &home);
        tenant.control().with(|space| space.workspace().id = 7);
        for error in [
            adapter.accounts(&|_| ()).await.map(drop).unwrap_err(),
            adapter.account("1003").await.map(drop).unwrap_err(),
            adapter.account("99999").await.map(drop).unwrap_err(),
            adapter
                .prepare(&target("1003", &[]), Do::Remove)
                .await
                .map(drop)
                .unwrap_err(),
        ] {
            assert_eq!(error.fault(), "read.configuration", "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebody_without_rights_reads_nothing() {
    let tenant = start(Settings::default(), 10);
    let home = tempfile::tempdir().unwrap();
    let adapter = adapter(&tenant, &home);
    tenant.control().with(|space| space.set_caller(1005));
    let error = adapter.accounts(&|_| ()).await.unwrap_err();
    assert_eq!(error.fault(), "read.rights", "{error}");
    assert_eq!(
        adapter.account("1003").await.unwrap_err().fault(),
        "read.rights"
    );
}

/// The tenant says that it is done, and nothing was done.
#[tokio::test(flavor = "multi_thread")]
async fn a_deaf_workspace_is_shown_by_reading_back() {
    let mut settings = Settings::default();
    settings.deaf.insert(1003);
    let tenant = start(settings, 10);
    let home = tempfile::tempdir().unwrap();
    let adapter = adapter(&tenant, &home);
    for (wanted, done) in [(Do::Disable, vec![]), (Do::Remove, vec![Do::Transfer])] {
        one(&adapter, &target("1003", &done), wanted).await;
        let now = adapter.account("1003").await.unwrap();
        assert!(!adapter.shows(now.as_ref().map(|r| &r.facts), wanted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_heeded_whatever_their_headers_hold() {
    for reset in [Reset::EpochMillis, Reset::EpochSeconds, Reset::SecondsLeft] {
        let tenant = start(Settings::default(), 10);
        let home = tempfile::tempdir().unwrap();
        let adapter = adapter(&tenant, &home);
        adapter.accounts(&|_| ()).await.unwrap();
        tenant.control().with(|space| {
            space.throttle(2, 1);
            space.settings().rate_limit = Some(RateLimit {
                user: 1000,
                workspace: 1000,
                reset,
                ..RateLimit::default()
            });
        });
        let began = Instant::now();
        assert_eq!(adapter.accounts(&|_| ()).await.unwrap().accounts.len(), 10);
        assert!(began.elapsed() >= Duration::from_secs(1));
        // nothing is left of the minute: a change waits for no minute, and is not sent
        tenant.control().with(|space| {
            let limit = space.settings().rate_limit.as_mut().unwrap();
            limit.user = 0;
        });
        let target = target("1003", &[]);
        let next = adapter.prepare(&target, Do::Disable).await;
        assert!(next.is_err(), "{next:?}");
    }
}

/// 5,000 people at 50 ms an answer: no more calls than the pages, and a few before them.
#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_people_take_little_more_than_their_pages() {
    let tenant = start(Settings::default(), 5000);
    let home = tempfile::tempdir().unwrap();
    let adapter = adapter(&tenant, &home);
    adapter.accounts(&|_| ()).await.unwrap();
    tenant
        .control()
        .set_latency(Some(Duration::from_millis(50)));
    tenant.control().clear_requests();
    let read = adapter.accounts(&|_| ()).await.unwrap();
    assert_eq!(read.accounts.len(), 5000);
    let requests = tenant.control().requests();
    let pages = requests
        .iter()
        .filter(|r| r.path.starts_with("/v4/people?"))
        .count();
    assert_eq!(pages, 50, "the workspace gives 100 a page");
    assert!(requests.len() <= pages + 4, "{}", requests.len());
}
