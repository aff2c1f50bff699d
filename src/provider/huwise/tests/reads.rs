//! Lists: when they are whole, and what voids them.

use serde_json::Value;
use serde_json::json;

use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::huwise::tests::accounts;
use crate::provider::huwise::tests::domain::Domain;
use crate::provider::huwise::tests::domain::ROOT;
use crate::provider::huwise::tests::domain::value;
use crate::provider::huwise::tests::fault;
use crate::provider::huwise::tests::huwise;
use crate::provider::huwise::tests::huwise_waiting;
use crate::provider::huwise::tests::quiet;
use crate::provider::huwise::tests::refusal;
use crate::provider::huwise::tests::user;

fn crowd(count: usize) -> Domain {
    let mut domain = Domain::new();
    domain
        .users
        .extend((0..count).map(|n| user(&format!("u{n:05}"))));
    domain
}

#[tokio::test]
async fn five_thousand_accounts_take_eight_requests() {
    let server = crowd(4995).serve().await;
    let huwise = huwise_waiting(&server.url, std::time::Duration::from_secs(20));
    let read = huwise.accounts(&quiet).await.unwrap();
    assert_eq!((read.accounts.len(), read.proof.pages), (5000, 5));
    let requests = server.requests();
    assert_eq!(requests.len(), 8);
    let users = requests
        .iter()
        .filter(|r| value(r, "all_permissions").is_none());
    let users: Vec<_> = users.filter(|r| r.target.contains("users/")).collect();
    assert!(
        users
            .iter()
            .all(|r| value(r, "limit").as_deref() == Some("1000"))
    );
    assert!(
        users
            .iter()
            .all(|r| value(r, "sort").as_deref() == Some("username"))
    );
    let offsets: Vec<_> = users.iter().filter_map(|r| value(r, "offset")).collect();
    assert_eq!(offsets, ["0", "1000", "2000", "3000", "4000"]);
}

#[tokio::test]
async fn progress_is_told_page_by_page() {
    let server = crowd(2000).serve().await;
    let told = std::sync::Mutex::new(Vec::new());
    let hear = |count| told.lock().unwrap().push(count);
    let huwise = huwise_waiting(&server.url, std::time::Duration::from_secs(20));
    huwise.accounts(&hear).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [1000, 2000, 2005]);
}

/// Serves a list of users as `page` makes it from offset and users.
async fn users_as(
    domain: Domain,
    page: impl Fn(usize, &[Value]) -> Value + Send + Sync + 'static,
) -> Server {
    Server::start(move |request, _| {
        let path = request.target.split('?').next().unwrap();
        if path == format!("{ROOT}users/") && value(request, "all_permissions").is_none() {
            let offset = value(request, "offset").unwrap().parse().unwrap();
            return Reply::json(200, &page(offset, &domain.listed(request)));
        }
        domain.answer(request)
    })
    .await
}

async fn void(page: impl Fn(usize, &[Value]) -> Value + Send + Sync + 'static) -> &'static str {
    let server = users_as(crowd(25), page).await;
    fault(&huwise(&server.url).accounts(&quiet).await.unwrap_err())
}

#[tokio::test]
async fn the_total_may_be_a_number_or_a_text() {
    let page = |_: usize, all: &[Value]| {
        json!({"total_count": all.len().to_string(), "next": null, "previous": null,
            "results": all})
    };
    let server = users_as(crowd(25), page).await;
    let read = huwise(&server.url).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 30);
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_void() {
    let page = |total: Value, results: &[Value]| json!({"total_count": total, "results": results});
    let faults = [
        // the usual page of 20, again and again
        void(move |_, all| page(json!(all.len()), &all[..20])).await,
        // the end comes early
        void(move |at, all| page(json!(all.len() + 1), all.get(at..).unwrap_or(&[]))).await,
        void(move |_, all| page(json!(all.len()), &[])).await,
    ];
    assert_eq!(faults, ["read.short"; 3]);
    let faults = [
        void(move |_, all| page(Value::Null, all)).await,
        void(move |_, all| page(json!("many"), all)).await,
        void(move |_, all| page(json!(-1), all)).await,
    ];
    assert_eq!(faults, ["read.no-total"; 3]);
    let faults = [
        void(move |at, all| page(json!(all.len() + at), &all[at..at + 10])).await,
        void(move |_, all| page(json!(3), all)).await,
    ];
    assert_eq!(faults, ["read.moved"; 2]);
    assert_eq!(void(move |_, _| page(json!(0), &[])).await, "read.empty");
    assert_eq!(
        void(move |_, all| page(json!(all.len() - 5), &all[5..])).await,
        "read.own-missing"
    );
    assert_eq!(
        void(|_, _| json!({"total_count": 3})).await,
        "read.unreadable"
    );
}

#[tokio::test]
async fn a_list_that_moved_is_read_once_more() {
    let times = std::sync::atomic::AtomicUsize::new(0);
    let page = move |_: usize, all: &[Value]| {
        let first = times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        json!({"total_count": all.len() + usize::from(first), "results": all})
    };
    let server = Server::start({
        let domain = crowd(3);
        move |request, _| {
            let users =
                request.target.contains("users/?") && value(request, "all_permissions").is_none();
            match (users, value(request, "offset").as_deref()) {
                (true, Some("0")) => Reply::json(200, &page(0, &domain.listed(request))),
                _ => domain.answer(request),
            }
        }
    })
    .await;
    let read = huwise(&server.url).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 8);
}

#[tokio::test]
async fn a_failed_list_is_an_error_of_its_kind() {
    for (reply, code) in [
        (Reply::new(401, &[], ""), "read.credentials"),
        (refusal(403, "forbidden"), "read.rights"),
        (Reply::new(403, &[], "<html>"), "read.rights"),
        (
            Reply::new(429, &["retry-after: 900"], ""),
            "read.rate-limited",
        ),
        (refusal(500, "internal_error"), "read.unreachable"),
        (Reply::new(200, &[], "<html>"), "read.unreadable"),
        (Reply::new(200, &[], ""), "read.unreadable"),
        (refusal(200, "internal_error"), "read.unreadable"),
        (refusal(404, "not_found"), "read.unreadable"),
        (Reply::new(302, &["location: /x"], ""), "read.unreadable"),
        (Reply::Silence, "read.unreachable"),
    ] {
        for part in ["users/?", "groups/"] {
            let server = Domain::new().except(part, reply.clone()).await;
            let error = huwise(&server.url).accounts(&quiet).await.unwrap_err();
            assert_eq!(fault(&error), code, "{part}: {error}");
        }
    }
    // keys may be refused; whatever else is wrong with their list voids the read
    for (reply, code) in [
        (Reply::new(401, &[], ""), "read.credentials"),
        (Reply::new(500, &[], ""), "read.unreachable"),
        (Reply::new(200, &[], "<html>"), "read.unreadable"),
        (
            Reply::json(200, &json!({"total_count": 2, "results": []})),
            "read.short",
        ),
    ] {
        let server = Domain::new().except("apikeys", reply).await;
        let error = huwise(&server.url).accounts(&quiet).await.unwrap_err();
        assert_eq!(fault(&error), code, "{error}");
    }
}

#[tokio::test]
async fn no_administrator_at_all_is_not_believed() {
    let nobody = Reply::json(200, &json!({"total_count": 0, "results": []}));
    let server = Domain::new()
        .except("all_permissions=edit_domain", nobody)
        .await;
    let error = huwise(&server.url).accounts(&quiet).await.unwrap_err();
    assert_eq!(fault(&error), "read.own-missing");
}

#[tokio::test]
async fn pages_and_time_have_an_end() {
    let mut domain = crowd(30);
    domain.most = 1;
    let server = domain.serve().await;
    let mut few = huwise(&server.url);
    few.max_pages = 10;
    let error = few.accounts(&quiet).await.unwrap_err();
    assert_eq!(fault(&error), "read.too-long");

    let mut short = huwise(&server.url);
    short.read_deadline = std::time::Duration::from_millis(1);
    let error = short.accounts(&quiet).await.unwrap_err();
    assert_eq!(fault(&error), "read.too-long");
    assert!(matches!(error, ProviderError::NotWhole { .. }));
}

#[tokio::test]
async fn one_user_without_a_name_or_with_an_unreadable_date_voids_the_list() {
    for (field, value, code) in [
        ("username", json!(""), "read.without-key"),
        ("username", Value::Null, "read.without-key"),
        ("last_login_at", json!("yesterday"), "read.unreadable"),
        ("last_seen_at", json!(""), "read.unreadable"),
        ("last_seen_at", json!(1_700_000_000), "read.unreadable"),
        (
            "last_login_at",
            json!("0001-01-01T00:00:00Z"),
            "read.unreadable",
        ),
        ("joined_at", json!("long ago"), "read.unreadable"),
    ] {
        let mut domain = Domain::new();
        domain.users[2][field] = value.clone();
        let error = accounts(domain).await.unwrap_err();
        assert_eq!(fault(&error), code, "{field} {value}");
    }
}
