//! Pages by number and by cursor.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Provider, names};
use crate::sandbox::scim::{IndexRefused, Paging};

fn get_refused(provider: &mut Provider, target: &str) -> (u16, Value) {
    provider.refused("GET", target, &Value::Null)
}

#[test]
fn numbers_start_at_one_and_pages_are_smaller_than_asked() {
    let mut provider = Provider::of(130);
    let page = provider.get("/Users?count=500");
    assert_eq!(
        (&page["totalResults"], &page["startIndex"]),
        (&json!(130), &json!(1))
    );
    assert_eq!(
        (&page["itemsPerPage"], names(&page).len()),
        (&json!(100), 100)
    );
    assert_eq!(names(&provider.get("/Users")).len(), 50, "the default");
    for start in ["0", "-7", "1"] {
        let other = provider.get(&format!("/Users?count=100&startIndex={start}"));
        assert_eq!(names(&other), names(&page), "{start}");
        assert_eq!(other["startIndex"], json!(1));
    }
    let rest = provider.get("/Users?count=100&startIndex=101");
    assert_eq!(
        (names(&rest).len(), &rest["itemsPerPage"]),
        (30, &json!(30))
    );
    let beyond = provider.get("/Users?startIndex=131");
    assert_eq!(
        (&beyond["totalResults"], beyond.get("Resources")),
        (&json!(130), None)
    );
    for count in ["0", "-3"] {
        let none = provider.get(&format!("/Users?count={count}"));
        assert_eq!(
            (&none["totalResults"], &none["itemsPerPage"]),
            (&json!(130), &json!(0))
        );
    }
    provider.set(|s| s.omit_empty = false);
    assert_eq!(provider.get("/Users?count=0")["Resources"], json!([]));
    let bad = get_refused(&mut provider, "/Users?count=many");
    assert_eq!(bad, (400, json!("invalidValue")));
    provider.set(|s| s.strict_start = true);
    assert_eq!(get_refused(&mut provider, "/Users?startIndex=0").0, 400);
}

#[test]
fn totals_and_numbers_can_be_wrong() {
    let mut provider = Provider::of(130);
    provider.set(|s| s.total_shift = -30);
    assert_eq!(provider.get("/Users")["totalResults"], json!(100));
    provider.set(|s| (s.total_shift, s.total_of_page) = (0, true));
    assert_eq!(provider.get("/Users?count=20")["totalResults"], json!(20));
    provider.set(|s| (s.total_of_page, s.bare_pages) = (false, true));
    let page = provider.get("/Users");
    assert_eq!(
        (page.get("itemsPerPage"), page.get("startIndex")),
        (None, None)
    );
    let first = names(&page);
    provider.set(|s| s.zero_based = true);
    assert_eq!(names(&provider.get("/Users?startIndex=0"))[0], first[0]);
    assert_eq!(names(&provider.get("/Users?startIndex=1"))[0], first[1]);
}

#[test]
fn who_is_changed_between_two_pages_moves_and_somebody_is_skipped() {
    let mut provider = Provider::of(20);
    let all = names(&provider.get("/Users"));
    let first = provider.get("/Users?count=10");
    let now = provider.now;
    for place in [0, 0] {
        let id = provider.id(place);
        provider
            .service
            .change(&id, now, |user| user.active = false);
    }
    let second = names(&provider.get("/Users?count=10&startIndex=11"));
    let seen = [names(&first), second].concat();
    let missed: Vec<&String> = all.iter().filter(|name| !seen.contains(name)).collect();
    assert_eq!(missed, [&all[10], &all[11]]);
    provider.set(|s| s.lists_inactive = false);
    assert_eq!(provider.get("/Users")["totalResults"], json!(18));
}

#[test]
fn cursors_lead_through_everybody_once() {
    let mut provider = Provider::of(130);
    let all = names(&provider.get("/Users?count=100"));
    provider.set(|s| s.paging = Paging::Cursor);
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = provider.get(&format!("/Users?count=40&cursor={cursor}"));
        assert_eq!(page.get("totalResults"), None);
        assert_eq!(page.get("startIndex"), None);
        seen.extend(names(&page));
        pages += 1;
        let Some(next) = page.get("nextCursor") else {
            break;
        };
        cursor = next.as_str().unwrap().to_owned();
        assert!(cursor.bytes().all(|c| c.is_ascii_alphanumeric()));
    }
    assert_eq!((seen.len(), pages), (130, 4));
    assert_eq!(seen[..100], all);
    provider.set(|s| s.cursor_total = true);
    assert_eq!(provider.get("/Users?cursor")["totalResults"], json!(130));
}

#[test]
fn cursors_end_and_belong_to_their_query() {
    let mut provider = Provider::of(130);
    provider.set(|s| s.paging = Paging::Both);
    let next = |provider: &mut Provider| {
        let page = provider.get("/Users?cursor=&count=10");
        format!(
            "/Users?count=10&cursor={}",
            page["nextCursor"].as_str().unwrap()
        )
    };
    let target = next(&mut provider);
    let same = names(&provider.get(&target));
    assert_eq!(names(&provider.get(&target)), same, "it can be asked again");
    let other = format!("{target}&filter=active%20eq%20true");
    assert_eq!(
        get_refused(&mut provider, &other),
        (400, json!("invalidCursor"))
    );
    let unknown = get_refused(&mut provider, "/Users?cursor=nonsense");
    assert_eq!(unknown, (400, json!("invalidCursor")));
    let both = format!("{target}&startIndex=1");
    assert_eq!(get_refused(&mut provider, &both).0, 400);
    provider.now += TimeDelta::seconds(600);
    assert_eq!(
        get_refused(&mut provider, &target),
        (400, json!("expiredCursor"))
    );
    provider.set(|s| s.cursor_once = true);
    let target = next(&mut provider);
    provider.get(&target);
    assert_eq!(
        get_refused(&mut provider, &target),
        (400, json!("invalidCursor"))
    );
    assert_eq!(
        provider.get("/Users")["startIndex"],
        json!(1),
        "numbers by default"
    );
    provider.set(|s| s.paging = Paging::Index);
    let page = provider.get("/Users?cursor=");
    assert_eq!(
        (page.get("nextCursor"), &page["startIndex"]),
        (None, &json!(1))
    );
}

#[test]
fn numbers_are_refused_or_passed_over_where_there_are_only_cursors() {
    let mut provider = Provider::of(130);
    provider.set(|s| s.paging = Paging::Cursor);
    assert_eq!(get_refused(&mut provider, "/Users?startIndex=1").0, 501);
    provider.set(|s| s.index_refused = IndexRefused::BadRequest);
    assert_eq!(get_refused(&mut provider, "/Users?startIndex=51").0, 400);
    provider.set(|s| s.index_refused = IndexRefused::Ignored);
    let first = names(&provider.get("/Users?startIndex=1"));
    assert_eq!(
        names(&provider.get("/Users?startIndex=51")),
        first,
        "the same page for ever"
    );
    assert!(provider.get("/Users").get("nextCursor").is_some());
}

#[test]
fn a_large_tenant_is_made_and_listed_quickly() {
    let started = std::time::Instant::now();
    let mut provider = Provider::of(20_000);
    let mut seen = 0;
    while seen < 20_000 {
        seen += names(&provider.get(&format!("/Users?count=100&startIndex={}", seen + 1))).len();
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    assert_eq!(Provider::of(0).get("/Users")["totalResults"], json!(0));
}
