//! A domain on a scripted server, as the specification says.

use serde_json::Value;
use serde_json::json;

use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;
use crate::provider::huwise::tests::KEY;
use crate::provider::huwise::tests::OTHER_KEY;
use crate::provider::huwise::tests::key;
use crate::provider::huwise::tests::not_found;
use crate::provider::huwise::tests::user;
use crate::provider::huwise::tests::with;

/// Where everything stands.
pub(super) const ROOT: &str = "/api/automation/v1.0/";

/// A domain in good order.
#[derive(Clone)]
pub(super) struct Domain {
    pub(super) users: Vec<Value>,
    pub(super) groups: Vec<Value>,
    pub(super) keys: Vec<Value>,
    /// The most that a page holds, whatever is asked.
    pub(super) most: usize,
    pub(super) deleted: Reply,
}

impl Domain {
    pub(super) fn new() -> Self {
        Self {
            users: vec![
                with(user("ada"), "permissions", json!(["edit_domain"])),
                with(user("ben"), "groups", json!([{"uid": "chefs"}])),
                with(user("cleo"), "groups", json!([{"uid": "readers"}])),
                user("robot"),
                user("dora@work.test"),
            ],
            groups: vec![
                json!({"uid": "chefs", "title": "Chefs", "permissions": ["edit_domain"]}),
                json!({"uid": "readers", "title": "R", "permissions": ["explore_restricted_page"]}),
            ],
            keys: vec![key("k1", "ada", KEY), key("k2", "robot", OTHER_KEY)],
            most: 1000,
            deleted: Reply::new(204, &[], ""),
        }
    }

    /// The same with one user more.
    pub(super) fn and(mut self, user: Value) -> Self {
        self.users.push(user);
        self
    }

    fn group(&self, uid: &Value) -> Value {
        let found = self.groups.iter().find(|g| g["uid"] == *uid);
        found.cloned().unwrap_or(Value::Null)
    }

    fn may(&self, user: &Value, permission: &str) -> bool {
        let has = |list: &Value| {
            list.as_array()
                .is_some_and(|l| l.contains(&json!(permission)))
        };
        let groups = user["groups"].as_array();
        let by_group = |g: &Value| has(&self.group(&g["uid"])["permissions"]);
        has(&user["permissions"]) || groups.is_some_and(|all| all.iter().any(by_group))
    }

    pub(super) fn listed(&self, request: &Request) -> Vec<Value> {
        let permission = value(request, "all_permissions");
        let search = value(request, "search");
        let mut users = self.users.clone();
        users.retain(|u| permission.as_ref().is_none_or(|p| self.may(u, p)));
        users.retain(|u| {
            let text = format!("{} {}", u["username"], u["email"]);
            search.as_ref().is_none_or(|s| text.contains(s.as_str()))
        });
        users.sort_by_key(|u| u["username"].to_string());
        users
    }

    fn page(&self, request: &Request, all: &[Value]) -> Reply {
        let number = |name: &str, usual| value(request, name).map_or(usual, |v| v.parse().unwrap());
        let (limit, offset) = (number("limit", 20).min(self.most), number("offset", 0));
        let page: Vec<_> = all.iter().skip(offset).take(limit).cloned().collect();
        let next = "https://evil.test/api/automation/v1.0/users/?offset=20";
        Reply::json(
            200,
            &json!({"total_count": all.len(), "next": next, "previous": null, "results": page}),
        )
    }

    fn one(&self, name: &str) -> Reply {
        let Some(user) = self.users.iter().find(|u| u["username"] == name) else {
            return not_found();
        };
        let mut user = user.clone();
        if let Some(groups) = user["groups"].as_array_mut() {
            for group in groups {
                *group = self.group(&group["uid"]);
            }
        }
        Reply::json(200, &user)
    }

    pub(super) fn answer(&self, request: &Request) -> Reply {
        assert!(
            request
                .head
                .contains(&format!("authorization: apikey {KEY}")),
            "{}",
            request.head
        );
        let path = request.target.split('?').next().unwrap();
        let Some(path) = path.strip_prefix(ROOT) else {
            return Reply::new(404, &[], "<html>no such page</html>");
        };
        if request.method == "DELETE" {
            return self.deleted.clone();
        }
        match path {
            "users/" => self.page(request, &self.listed(request)),
            "groups/" => self.page(request, &self.groups),
            "apikeys/" => self.page(request, &self.keys),
            _ => {
                let name = path
                    .strip_prefix("users/")
                    .unwrap()
                    .strip_suffix('/')
                    .unwrap();
                let name = percent_encoding::percent_decode_str(name);
                self.one(&name.decode_utf8().unwrap())
            }
        }
    }

    pub(super) async fn serve(self) -> Server {
        Server::start(move |request, _| self.answer(request)).await
    }

    /// Serves as usual, but for the requests whose target contains `part`.
    pub(super) async fn except(self, part: &'static str, reply: Reply) -> Server {
        Server::start(move |request, _| {
            if request.target.contains(part) {
                reply.clone()
            } else {
                self.answer(request)
            }
        })
        .await
    }
}

pub(super) fn value(request: &Request, name: &str) -> Option<String> {
    let target = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let found = target.query_pairs().find(|(n, _)| n == name);
    found.map(|(_, v)| v.into_owned())
}
