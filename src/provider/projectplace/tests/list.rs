//! Reading everybody: what makes a list whole, what makes it void, and who is protected.

use std::sync::Arc;

use serde_json::json;

use crate::clock::Clock;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::projectplace::Credential;
use crate::provider::projectplace::ProjectPlace;
use crate::provider::projectplace::ProjectPlaceSettings;
use crate::provider::projectplace::tests::LOGIN;
use crate::provider::projectplace::tests::Noon;
use crate::provider::projectplace::tests::Place;
use crate::provider::projectplace::tests::accounts;
use crate::provider::projectplace::tests::facts;
use crate::provider::projectplace::tests::keys;
use crate::provider::projectplace::tests::listing_error;
use crate::provider::projectplace::tests::projectplace;
use crate::provider::projectplace::tests::quiet;
use crate::provider::projectplace::tests::someone;
use crate::provider::projectplace::tests::with;
use crate::provider::projectplace::token_place;

#[tokio::test]
async fn everybody_is_listed_with_what_decisions_need() {
    let server = Place::new().serve().await;
    let read = projectplace(&server.url).accounts(&quiet).await.unwrap();
    let ids: Vec<_> = read.accounts.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["1", "1001", "1002", "1003", "2", "42"]);
    let member = &read.accounts[1];
    assert_eq!(member.email.as_deref(), Some("p1001@example.com"));
    assert_eq!(member.name.as_deref(), Some("Person 1001"));
    let login = i64::try_from((LOGIN + 1001) * 1000).unwrap();
    assert_eq!(member.seen[&Signal::Login], Time::from_micros(login));
    assert!(member.facts.protected.is_empty() && member.facts.hidden.is_empty());
    assert!(member.facts.address_verified && member.facts.created_at.is_none());
    let external = &read.accounts[2];
    assert_eq!(external.facts.kind, AccountKind::Guest);
    assert_eq!(external.email.as_deref(), Some("p1002@example.com"));
    let signal = &read.signals[0];
    assert!(signal.complete && read.signals.len() == 1);
    assert_eq!(signal.horizon, Some(Time::from_seconds(0)));
    assert_eq!(signal.until, Time::parse("2026-11-22T12:00:00Z"));
    assert_eq!(signal.precision_s, Some(86_400));
    assert_eq!((read.proof.count, read.proof.stated_total), (6, None));
    assert!(read.proof.faults.is_empty());
}

#[tokio::test]
async fn roles_protect_and_unknown_ones_too() {
    let mut place = Place::new();
    place.people.push(someone(50, "account_role_co_owner"));
    place
        .people
        .push(someone(51, "account_role_pending_member"));
    place.people.push(someone(52, "account_role_new_thing"));
    place.people.push(someone(53, "account_role_robot"));
    let found = accounts(&place.serve().await).await;
    let protected = |id| &facts(&found, id).protected;
    assert!(protected(1).contains(&Protection::Owner));
    assert!(protected(2).contains(&Protection::Admin));
    assert!(protected(50).contains(&Protection::Owner));
    assert!(protected(51).contains(&Protection::UnknownRole));
    assert!(protected(52).contains(&Protection::UnknownRole));
    assert!(protected(53).contains(&Protection::Service));
    assert_eq!(facts(&found, 53).kind, AccountKind::Service);
    assert_eq!(facts(&found, 51).state, AccountState::Invited);
    assert!(!facts(&found, 51).address_verified);
}

#[tokio::test]
async fn a_manager_is_an_administrator_whatever_the_role_says() {
    let mut place = Place::new();
    place.person(2).role = "account_role_member";
    let found = accounts(&place.serve().await).await;
    assert!(facts(&found, 2).protected.contains(&Protection::Admin));
}

#[tokio::test]
async fn two_lists_that_contradict_each_other_about_somebody_protect() {
    let place = Place::new();
    let mut rows: Vec<_> = place.people.iter().filter(|p| p.member).collect();
    rows.retain(|p| p.id != 1001);
    let mut members: Vec<_> = rows.iter().map(|p| p.member_row()).collect();
    members.push(json!({"id": "1001", "email": "p1001@example.com",
        "account_role": "account_role_external"}));
    let server = place
        .except("GET /1/account/people ", Reply::json(200, &json!(members)))
        .await;
    let found = accounts(&server).await;
    let contradicted = facts(&found, 1001);
    assert!(contradicted.protected.contains(&Protection::UnknownRole));
}

#[tokio::test]
async fn whoever_shows_no_address_cannot_be_held_against_the_protected_and_is_not_touched() {
    let server = Place::new()
        .except("GET /1/account/members", Reply::new(404, &[], ""))
        .await;
    let found = accounts(&server).await;
    assert!(
        facts(&found, 1002)
            .protected
            .contains(&Protection::UnknownRole)
    );
    assert!(facts(&found, 1001).protected.is_empty());
}

#[tokio::test]
async fn no_login_shown_is_unknown_and_never_never() {
    for login in [
        json!(null),
        json!(0),
        json!(""),
        json!("0"),
        json!(1_779_753_600),
    ] {
        let mut place = Place::new();
        place.person(1001).login = login.clone();
        let found = accounts(&place.serve().await).await;
        let silent = found.iter().find(|a| a.id == "1001").unwrap();
        assert!(silent.facts.hidden.contains(&Signal::Login), "{login}");
        assert!(silent.seen.is_empty(), "{login}");
    }
    let mut place = Place::new();
    place.person(1001).login = json!("1779753600000");
    let found = accounts(&place.serve().await).await;
    assert!(facts(&found, 1001).hidden.is_empty());
}

#[tokio::test]
async fn a_login_that_cannot_be_read_voids_the_list() {
    for login in [json!("yesterday"), json!(true), json!({}), json!(-5)] {
        let mut place = Place::new();
        place.person(1001).login = login.clone();
        let e = listing_error(&place.serve().await).await;
        assert!(matches!(e, ProviderError::Unreadable { .. }), "{login} {e}");
    }
}

#[tokio::test]
async fn a_page_size_that_is_cut_silently_is_coped_with() {
    for clamp in 1..=7 {
        let place = Place {
            clamp,
            ..Place::new()
        };
        assert_eq!(accounts(&place.serve().await).await.len(), 6, "{clamp}");
    }
}

#[tokio::test]
async fn a_page_size_that_is_refused_is_made_smaller() {
    let place = Place::new();
    let server = Server::start(move |request, _| {
        let large = ["\"limit\":1000", "\"limit\":100,"];
        match large.iter().any(|l| request.body.contains(l)) {
            true => Reply::json(400, &json!({"error": "limit"})),
            false => place.answer(request),
        }
    })
    .await;
    assert_eq!(accounts(&server).await.len(), 6);
}

#[tokio::test]
async fn a_search_that_ignores_its_row_number_proves_no_end() {
    let place = Place::new();
    let server = Server::start(move |request, _| {
        let mut request = request.clone();
        request.body = request.body.replace("\"row_number\":5", "\"row_number\":0");
        place.answer(&request)
    })
    .await;
    assert_eq!(listing_error(&server).await.fault(), "read.paging-ignored");
}

#[tokio::test]
async fn somebody_in_one_list_only_voids_both() {
    for (searched, member) in [(true, false), (false, true)] {
        let mut place = Place::new();
        place.person(1003).searched = searched;
        place.person(1003).member = member;
        let server = place.serve().await;
        assert_eq!(listing_error(&server).await.fault(), "read.short");
        // it was read once more before it was called short
        let searches = server.requests().into_iter();
        let firsts = searches
            .filter(|r| r.body.contains("\"row_number\":0"))
            .count();
        assert_eq!(firsts, 2);
    }
}

#[tokio::test]
async fn nobody_at_all_is_no_list() {
    let place = Place {
        people: Vec::new(),
        ..Place::new()
    };
    let server = place.serve().await;
    assert_eq!(listing_error(&server).await.fault(), "read.empty");
}

#[tokio::test]
async fn somebody_without_an_id_voids_the_list() {
    for id in [json!(null), json!(""), json!(1.5), json!("a/b"), json!([1])] {
        let rows = json!([{"id": id, "account_role": "account_role_member"}]);
        let server = Place::new()
            .except("GET /1/account/people ", Reply::json(200, &rows))
            .await;
        assert_eq!(listing_error(&server).await.fault(), "read.without-key");
    }
}

#[tokio::test]
async fn too_many_pages_are_an_error() {
    let mut place = Place::new();
    let many = (5000..5030).map(|id| someone(id, "account_role_member"));
    place.people.extend(many);
    place.clamp = 1;
    let server = place.serve().await;
    assert_eq!(listing_error(&server).await.fault(), "read.too-many");
}

#[tokio::test]
async fn one_account_is_there_or_a_whole_list_says_that_it_is_not() {
    let server = Place::new().serve().await;
    let adapter = projectplace(&server.url);
    let found = adapter.account("1001").await.unwrap().unwrap();
    assert_eq!(found, accounts(&server).await[1]);
    assert_eq!(adapter.account("9").await.unwrap(), None);
    assert!(adapter.account("../1").await.is_err());
    let mut short = Place::new();
    short.person(1003).searched = false;
    let short = short.serve().await;
    let gone = projectplace(&short.url).account("9").await;
    assert_eq!(gone.unwrap_err().fault(), "read.short");
}

#[tokio::test]
async fn oauth_2_asks_for_a_token_with_basic_and_uses_it() {
    for life in [
        json!({"expires": 2_592_000}),
        json!({"expires_in": "60"}),
        json!({}),
    ] {
        let place = Place::new();
        let server = Server::start(move |request, _| {
            if request.target == "/oauth2/access_token" {
                let mut body = json!({"access_token": "tok", "token_type": "Bearer"});
                body.as_object_mut()
                    .unwrap()
                    .extend(life.as_object().unwrap().clone());
                return Reply::json(200, &body);
            }
            match request.head.contains("authorization: bearer tok") {
                true => place.answer(request),
                false => Reply::new(401, &[], ""),
            }
        })
        .await;
        let read = with(&server.url, robot()).accounts(&quiet).await;
        assert_eq!(read.unwrap().accounts.len(), 6);
        let asked = &server.requests()[0];
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.body, "grant_type=client_credentials");
        // "robot:hush" in base64, in lower case as the server keeps it
        assert!(asked.head.contains("authorization: basic cm9ib3q6ahvzaa=="));
        let tokens = server.requests().into_iter();
        assert_eq!(tokens.filter(|r| r.target.contains("oauth2")).count(), 1);
    }
}

#[tokio::test]
async fn oauth_1_signs_each_request() {
    let server = Place::new().serve().await;
    accounts(&server).await;
    for request in server.requests() {
        let (_, header) = request.head.split_once("authorization: oauth ").unwrap();
        assert!(header.starts_with("oauth_nonce=\""), "{header}");
        let parts = [
            "oauth_timestamp=\"1795348800\"",
            "oauth_version=\"1.0\"",
            "oauth_signature_method=\"hmac-sha1\"",
            "oauth_consumer_key=\"application-key\"",
            "oauth_token=\"token-key\"",
            "oauth_signature=\"",
        ];
        assert!(parts.iter().all(|part| header.contains(part)), "{header}");
    }
}

#[tokio::test]
async fn check_says_what_works() {
    let server = Place::new().serve().await;
    let probes = projectplace(&server.url).check().await;
    assert!(
        probes.iter().all(|p| p.state == ProbeState::Good),
        "{probes:#?}"
    );
    assert!(probes[1].says.contains("6 accounts, 1 of them external"));
    let changed = server.requests().into_iter();
    let mut changed = changed.filter(|r| r.method == "POST" && r.target != "/1/account/people");
    assert!(changed.next().is_none());
    let refused = Place::new()
        .except("GET /1/account ", Reply::new(401, &[], ""))
        .await;
    let probes = projectplace(&refused.url).check().await;
    assert_eq!((probes.len(), probes[0].state), (1, ProbeState::Bad));
    assert!(probes[0].hint.as_ref().unwrap().contains("Robots"));
}

#[tokio::test]
async fn check_says_when_no_last_login_is_shown() {
    let mut place = Place::new();
    for person in &mut place.people {
        person.login = json!(null);
    }
    let probes = projectplace(&place.serve().await.url).check().await;
    let logins = probes.iter().find(|p| p.what == "last logins").unwrap();
    assert_eq!(logins.state, ProbeState::Bad);
}

#[test]
fn tokens_can_be_asked_for_elsewhere() {
    let url = "https://api.projectplace.com";
    let place = |token_url| token_place(token_url, url).unwrap();
    let pair = |base: &str, path: &str| (base.to_owned(), path.to_owned());
    assert_eq!(place(None), pair(url, "oauth2/access_token"));
    let host = "https://acme.projectplace.com/";
    assert_eq!(place(Some(host)), pair(host, "oauth2/access_token"));
    let whole = "https://acme.projectplace.com/oauth2/token";
    assert_eq!(place(Some(whole)), pair(host, "oauth2/token"));
}

fn robot() -> Credential {
    Credential::OAuth2 {
        id: Secret::new("robot"),
        secret: Secret::new("hush"),
    }
}

#[test]
fn a_change_is_given_the_time_to_fetch_a_token_first() {
    let limit = |credential| {
        let clock: Arc<dyn Clock> = Arc::new(Noon);
        let settings = ProjectPlaceSettings::new("http://127.0.0.1:9", credential, clock, 86_400);
        ProjectPlace::new(settings).unwrap().request_limit_s()
    };
    // the change and the quiet before it; three requests for a token and the pauses between them
    let change = 60 + 5 + 1;
    assert_eq!(limit(keys()), change);
    assert_eq!(limit(robot()), change + 3 * 20 + 5 + 1);
}

#[test]
fn a_token_from_elsewhere_is_no_rehearsal() {
    let is_loopback = |token_url: Option<&str>| {
        let clock: Arc<dyn Clock> = Arc::new(Noon);
        let mut settings = ProjectPlaceSettings::new("http://127.0.0.1:9", robot(), clock, 86_400);
        settings.token_url = token_url.map(str::to_owned);
        ProjectPlace::new(settings).unwrap().is_loopback()
    };
    assert!(is_loopback(None));
    assert!(is_loopback(Some("http://127.0.0.1:10/token")));
    assert!(!is_loopback(Some("https://acme.projectplace.com")));
}
