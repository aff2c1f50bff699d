//! Searches: pages that are known by their offset, rules over relations and makers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{add, call, delete, empty, entity_path, now, port, set, texts};
use crate::sandbox::{
    population::Population,
    port::{Entity, LastPage, PortHandle},
};

const PATH: &str = "/v1/blueprints/_user/entities/search";

async fn page(port: &PortHandle, limit: usize, from: Option<&Value>) -> (u16, Value) {
    let mut body = json!({ "query": { "combinator": "and", "rules": [] }, "limit": limit });
    if let Some(from) = from {
        body["from"] = from.clone();
    }
    call(port, "POST", PATH, body).await
}

/// Walks all pages and returns the identifiers in their order and the number of pages.
async fn walk(port: &PortHandle, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let (status, body) = page(port, limit, from.as_ref()).await;
        assert_eq!(status, 200, "{body}");
        found.extend(texts(&body["entities"], "identifier"));
        pages += 1;
        match body.get("next").filter(|next| !next.is_null()) {
            Some(next) => from = Some(next.clone()),
            None => return (found, pages),
        }
        assert!(pages < 50);
    }
}

async fn search(port: &PortHandle, rule: Value) -> (u16, Value) {
    let body = json!({ "combinator": "and", "rules": [rule] });
    call(port, "POST", "/v1/entities/search", body).await
}

#[tokio::test]
async fn a_walk_over_all_pages_finds_everybody_once() {
    let port = port(Population::of(2_399, 0));
    for (limit, pages) in [(1_000, 3), (999, 3), (200, 13)] {
        let (found, seen) = walk(&port, limit).await;
        assert_eq!(found.len(), 2_400);
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 2_400);
        assert_eq!(
            seen, pages,
            "2,400 is a multiple of 200: the last page is empty"
        );
    }
    let (_, body) = call(
        &port,
        "POST",
        PATH,
        json!({ "query": { "combinator": "and", "rules": [] } }),
    )
    .await;
    assert_eq!(body["entities"].as_array().unwrap().len(), 200, "unasked");
    for limit in [0, 1_001] {
        assert_eq!(page(&port, limit, None).await.0, 422);
    }
    assert_eq!(page(&port, 5, Some(&json!("no cursor"))).await.0, 422);
    let next = body["next"].clone();
    let other = json!({ "query": { "combinator": "and", "rules": [] }, "from": next });
    let path = "/v1/blueprints/service/entities/search";
    assert_eq!(
        call(&port, "POST", path, other).await.0,
        422,
        "another search's cursor"
    );
    assert_eq!(
        call(&port, "POST", PATH, json!({ "limit": 5 })).await.0,
        422,
        "no query"
    );
}

#[tokio::test]
async fn the_end_of_a_walk_has_several_forms_and_may_never_come() {
    let port = port(Population::of(3, 0));
    let end = async |form| {
        port.control().change_settings(|s| s.last_page = form);
        page(&port, 4, None).await.1
    };
    assert!(end(LastPage::EmptyPage).await["next"].is_string());
    assert_eq!(end(LastPage::Absent).await.get("next"), None);
    assert_eq!(end(LastPage::Null).await.get("next"), Some(&Value::Null));
    let first = end(LastPage::Endless).await;
    let (_, again) = page(&port, 4, first.get("next")).await;
    assert_eq!(again, first);
    port.control().change_settings(|s| {
        s.last_page = LastPage::Absent;
        s.page_clamp = Some(2);
    });
    let (_, clamped) = page(&port, 4, None).await;
    assert_eq!(clamped["entities"].as_array().unwrap().len(), 2);
    assert_eq!(
        walk(&port, 4).await.0.len(),
        4,
        "a short page is not the last"
    );
}

#[tokio::test]
async fn deleting_while_walking_skips_somebody() {
    let port = port(Population::of(5, 0));
    let (_, first) = page(&port, 3, None).await;
    let gone = first["entities"][0]["identifier"].as_str().unwrap();
    let path = format!("{}?delete_dependents=false", entity_path(gone));
    assert_eq!(delete(&port, &path).await.0, 200);
    let (_, second) = page(&port, 3, first.get("next")).await;
    let mut seen = set(&first["entities"], "identifier");
    seen.extend(set(&second["entities"], "identifier"));
    assert_eq!(seen.len(), 5, "of the six there were");
}

#[tokio::test]
async fn what_points_at_a_user_is_downstream_and_may_stand_behind_something() {
    let port = port(Population::of(2, 0));
    let email = "a+b@example.com";
    add(&port, email, |_| ());
    let entity = |blueprint, name| Entity::new(blueprint, name, "auth0|x", now());
    let control = port.control();
    control.add_entity(entity("service", "shop").pointing("maintainers", email));
    control.add_entity(entity("deployment", "shop-1").pointing("service", "shop"));
    control.add_entity(entity("runbook", "on-fire").pointing("author", email));
    control.add_entity(entity("service", "other"));

    let rule = |direction: &str| {
        json!({ "operator": "relatedTo", "blueprint": "_user", "value": email,
                "direction": direction })
    };
    let (status, body) = search(&port, rule("downstream")).await;
    assert_eq!((status, &body["failedBlueprints"]), (200, &json!([])));
    let names = |body: &Value| {
        set(&body["entities"], "identifier")
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&body), ["on-fire", "shop", "shop-1"]);
    assert_eq!(
        body["matchingBlueprints"],
        json!(["deployment", "runbook", "service"])
    );
    assert!(names(&search(&port, rule("upstream")).await.1).is_empty());
    assert_eq!(search(&port, rule("sideways")).await.0, 422);

    let mut required = rule("downstream");
    required["required"] = json!(true);
    assert_eq!(names(&search(&port, required).await.1), ["on-fire"]);
    control.change_settings(|s| s.related_transitively = false);
    assert_eq!(
        names(&search(&port, rule("downstream")).await.1),
        ["on-fire", "shop"]
    );
    control.change_settings(|s| s.failed_blueprints = vec!["runbook".to_owned()]);
    let (_, body) = search(&port, rule("downstream")).await;
    assert_eq!(
        names(&body),
        ["shop"],
        "a success that lacks what blocks the deletion"
    );
    assert_eq!(body["failedBlueprints"], json!(["runbook"]));
    let up = json!({ "operator": "relatedTo", "blueprint": "deployment", "value": ["shop-1"],
                     "direction": "upstream" });
    assert_eq!(names(&search(&port, up).await.1), ["shop"]);
}

#[tokio::test]
async fn makers_are_known_by_their_id_and_not_by_their_address() {
    let port = empty();
    add(&port, "maker@example.com", |_| ());
    let maker = port.control().user("maker@example.com").unwrap();
    port.control()
        .add_entity(Entity::new("service", "made", &maker.id, now()));
    port.control()
        .add_entity(Entity::new("service", "not-made", "auth0|x", now()));
    let rule = |value: &str| json!({ "property": "$createdBy", "operator": "=", "value": value });
    let (_, body) = search(&port, rule(&maker.id)).await;
    assert_eq!(texts(&body["entities"], "identifier"), ["made"]);
    let (_, body) = search(&port, rule(&maker.email)).await;
    assert_eq!(body["entities"], json!([]));
    let rule = json!({ "property": "createdBy", "operator": "=", "value": maker.id });
    let (_, body) = search(&port, rule).await;
    assert_eq!(body["entities"], json!([]), "the $ is needed");
}

#[tokio::test]
async fn rules_are_combined_and_unknown_ones_refused() {
    let port = port(Population::mixed(200, 0));
    let active = json!({ "property": "status", "operator": "=", "value": "Active" });
    let users = json!({ "property": "$blueprint", "operator": "in", "value": ["_user"] });
    let either = json!({ "combinator": "or", "rules": [
        { "property": "port_role", "operator": "=", "value": "Admin" },
        { "property": "$identifier", "operator": "contains", "value": "serviceaccounts" },
    ]});
    let body = json!({ "combinator": "and", "rules": [users, active, either] });
    let (_, body) = call(&port, "POST", "/v1/entities/search", body).await;
    let found = body["entities"].as_array().unwrap();
    assert_eq!(
        found.len(),
        4,
        "owner, key user, one administrator, the service account"
    );
    for rule in [
        json!({ "property": "status", "operator": "resembles", "value": "x" }),
        json!({ "property": "status", "operator": "=" }),
        json!({ "operator": "relatedTo", "value": "x" }),
        json!("status"),
    ] {
        assert_eq!(search(&port, rule.clone()).await.0, 422, "{rule}");
    }
}
