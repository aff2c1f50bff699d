//! Lists, and when they are believed.

use serde_json::Value;
use serde_json::json;

use crate::provider::AccountsRead;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::scim::tests::adapter;
use crate::provider::scim::tests::error;
use crate::provider::scim::tests::number;
use crate::provider::scim::tests::page;
use crate::provider::scim::tests::pair;
use crate::provider::scim::tests::quiet;
use crate::provider::scim::tests::refusal;
use crate::provider::scim::tests::serve;
use crate::provider::scim::tests::user;

async fn read(
    handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> Result<AccountsRead, ProviderError> {
    adapter(&serve(handler).await).accounts(&quiet).await
}

async fn fault(handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> &'static str {
    read(handler).await.unwrap_err().fault()
}

fn users(count: u64) -> Vec<Value> {
    (0..count).map(user).collect()
}

/// The slice that a request asks for, `most` users at most; positions begin at `first`.
fn slice(all: &[Value], request: &Request, most: usize, first: usize) -> (Vec<Value>, usize) {
    let start = number(request, "startIndex").unwrap_or(first);
    let count = number(request, "count").unwrap_or(most).min(most);
    let rows = all.iter().skip(start - first.min(start)).take(count);
    (rows.cloned().collect(), start)
}

#[tokio::test]
async fn pages_are_as_long_as_the_server_likes() {
    let all = users(25);
    let read = read(move |request, _| {
        let (rows, start) = slice(&all, request, 10, 1);
        Reply::json(200, &page(&rows, 25, start as u64))
    })
    .await
    .unwrap();
    assert_eq!(read.accounts.len(), 25);
    assert_eq!(read.proof.stated_total, Some(25));
}

#[tokio::test]
async fn a_total_that_is_wrong_is_found_out() {
    for (total, expected) in [(19, "read.moved"), (21, "read.short"), (10, "read.moved")] {
        let all = users(20);
        let found = fault(move |request, _| {
            let (rows, start) = slice(&all, request, 10, 1);
            Reply::json(200, &page(&rows, total, start as u64))
        })
        .await;
        assert_eq!(found, expected, "{total} of 20");
    }
}

#[tokio::test]
async fn the_length_of_a_page_is_no_total() {
    let all = users(20);
    let found = fault(move |request, _| {
        let (rows, start) = slice(&all, request, 10, 1);
        Reply::json(200, &page(&rows, rows.len() as u64, start as u64))
    })
    .await;
    assert_eq!(found, "read.moved");
    // positions ignored as well: the total of one user gives it away
    let all = users(20);
    let found = fault(move |request, _| {
        let count = number(request, "count").unwrap().min(10);
        Reply::json(200, &page(&all[..count], count as u64, 1))
    })
    .await;
    assert_eq!(found, "read.moved");
}

#[tokio::test]
async fn positions_that_are_ignored_end_the_read() {
    let all = users(20);
    let server = serve(move |_, _| Reply::json(200, &page(&all[..10], 20, 1))).await;
    let e = adapter(&server).accounts(&quiet).await.unwrap_err();
    assert_eq!(e.fault(), "read.paging-ignored");
    assert!(server.requests().len() < 8);
}

#[tokio::test]
async fn a_server_that_always_gives_everybody_is_whole() {
    let all = users(20);
    let read = read(move |_, _| Reply::json(200, &page(&all, 20, 1))).await;
    assert_eq!(read.unwrap().accounts.len(), 20);
}

#[tokio::test]
async fn positions_from_zero_skip_nobody_said_or_not() {
    for said in [true, false] {
        let all = users(25);
        let server = serve(move |request, _| {
            let (rows, start) = slice(&all, request, 10, 0);
            let mut body = page(&rows, 25, start as u64);
            if !said {
                body.as_object_mut().unwrap().remove("startIndex");
            }
            Reply::json(200, &body)
        })
        .await;
        let read = adapter(&server).accounts(&quiet).await.unwrap();
        assert_eq!(read.accounts.len(), 25, "said: {said}");
    }
}

#[tokio::test]
async fn who_moves_to_the_end_between_pages_is_noticed() {
    let server = serve(|request, n| {
        let mut all = users(20);
        if n >= 3 {
            // changed after the first page: everybody behind moves up, one is skipped
            let moved = all.remove(0);
            all.push(moved);
        }
        let (rows, start) = slice(&all, request, 10, 1);
        Reply::json(200, &page(&rows, 20, start as u64))
    })
    .await;
    let read = adapter(&server).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 20, "read again");
    let starts = server.requests().into_iter();
    let begun = starts.filter(|r| r.target.contains("/Users") && !r.target.contains("startIndex"));
    assert_eq!(begun.count(), 2);
}

#[tokio::test]
async fn an_account_that_changes_between_its_two_showings_is_no_proof() {
    let found = fault(|request, n| {
        let mut one = user(1);
        one["active"] = json!(n % 2 == 0);
        let start = number(request, "startIndex").unwrap_or(1) as u64;
        let rows = if start == 1 {
            vec![user(0), one]
        } else {
            vec![one, user(2)]
        };
        Reply::json(200, &page(&rows, 4, start))
    })
    .await;
    assert_eq!(found, "read.moved");
}

/// A server with cursors alone.
fn by_cursor(all: &[Value], request: &Request, refuses: Option<u16>) -> Reply {
    if let (Some(status), true) = (refuses, pair(request, "startIndex").is_some()) {
        return refusal(status);
    }
    let cursor = pair(request, "cursor").unwrap_or_default();
    let at = cursor.strip_prefix('c').map_or(0, |n| n.parse().unwrap());
    let end = (at + number(request, "count").unwrap().min(10)).min(all.len());
    let mut body = json!({ "schemas": [], "Resources": all[at..end] });
    if end < all.len() {
        body["nextCursor"] = json!(format!("c{end}"));
    }
    Reply::json(200, &body)
}

#[tokio::test]
async fn cursors_are_followed_though_nobody_told_of_them() {
    for refuses in [None, Some(400), Some(501)] {
        let all = users(25);
        let read = read(move |request, _| by_cursor(&all, request, refuses)).await;
        assert_eq!(read.unwrap().accounts.len(), 25);
    }
    let all = users(5);
    let whole = read(move |request, _| by_cursor(&all, request, Some(501))).await;
    assert_eq!(whole.unwrap().accounts.len(), 5);
    // here one page without a total may be all or not
    for (refuses, code) in [(None, "read.paging-ignored"), (Some(400), "read.no-total")] {
        let all = users(5);
        let found = fault(move |request, _| by_cursor(&all, request, refuses)).await;
        assert_eq!(found, code);
    }
}

#[tokio::test]
async fn a_server_that_wants_its_cursor_named_gets_it() {
    let all = users(25);
    let read = read(move |request, _| match pair(request, "cursor") {
        None => refusal(501),
        Some(_) => by_cursor(&all, request, None),
    })
    .await;
    assert_eq!(read.unwrap().accounts.len(), 25);
}

#[tokio::test]
async fn a_cursor_that_goes_round_or_is_lost_ends_the_read() {
    let found = fault(|_, n| {
        let next = format!("c{}", n % 2);
        Reply::json(
            200,
            &json!({ "Resources": [user(n as u64)], "nextCursor": next }),
        )
    })
    .await;
    assert_eq!(found, "read.paging-ignored");
    let found = fault(|request, _| match pair(request, "cursor") {
        Some(_) => Reply::json(400, &error(400, Some("expiredCursor"))),
        None => Reply::json(200, &json!({ "Resources": [user(1)], "nextCursor": "c" })),
    })
    .await;
    assert_eq!(found, "read.moved");
    let found = fault(|_, n| {
        let next = format!("c{n}");
        Reply::json(
            200,
            &json!({ "Resources": [user(n as u64)], "nextCursor": next }),
        )
    })
    .await;
    assert_eq!(found, "read.too-many");
}

#[tokio::test]
async fn smaller_pages_are_asked_for_where_large_ones_are_refused() {
    let all = users(25);
    let read = read(move |request, _| {
        if number(request, "count").unwrap() > 100 {
            return Reply::json(400, &error(400, Some("invalidCount")));
        }
        let (rows, start) = slice(&all, request, 10, 1);
        Reply::json(200, &page(&rows, 25, start as u64))
    })
    .await;
    assert_eq!(read.unwrap().accounts.len(), 25);
}

#[tokio::test]
async fn past_the_end_a_server_may_refuse() {
    let all = users(20);
    let read = read(move |request, _| {
        let (rows, start) = slice(&all, request, 10, 1);
        match rows.is_empty() {
            true => refusal(400),
            false => Reply::json(200, &page(&rows, 20, start as u64)),
        }
    })
    .await;
    assert_eq!(read.unwrap().accounts.len(), 20);
}

#[tokio::test]
async fn a_broken_page_is_no_end() {
    let bodies = [
        json!({ "totalResults": 25 }),
        json!({ "totalResults": "many", "Resources": [] }),
        json!({ "totalResults": 25, "Resources": {} }),
        json!([]),
        json!({ "totalResults": 25, "Resources": [{ "userName": "nobody" }] }),
        json!({ "totalResults": 25, "Resources": ["u11"] }),
        error(200, Some("tooMany")),
    ];
    for bad in bodies {
        let shown = bad.to_string();
        let all = users(25);
        let read = read(move |request, _| match number(request, "startIndex") {
            None => Reply::json(200, &page(&all[..10], 25, 1)),
            Some(_) => Reply::json(200, &bad),
        })
        .await;
        assert!(read.is_err(), "{shown}");
    }
    for (status, code) in [
        (401, "read.credentials"),
        (403, "read.rights"),
        (500, "read.unreachable"),
    ] {
        let all = users(25);
        let found = fault(move |request, _| match number(request, "startIndex") {
            None => Reply::json(200, &page(&all[..10], 25, 1)),
            Some(_) => refusal(status),
        })
        .await;
        assert_eq!(found, code);
    }
}
