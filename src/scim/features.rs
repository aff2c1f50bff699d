//! What a server says that it can do (RFC 7643, 5; RFC 9865 for paging).

use serde_json::Value;

use crate::scim::wire::member;
use crate::scim::wire::unsigned;

/// The parts of `ServiceProviderConfig` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// Whether single attributes can be changed, where the server says.
    pub patch: Option<bool>,
    /// Changes can be bound to a version.
    pub etag: bool,
    /// Lists are paged by cursors, not by positions.
    pub cursor: bool,
    /// The most users that one page has, where the server says.
    pub page: Option<u64>,
}

impl Features {
    /// Reads the document; what is missing in it is as usual.
    pub fn read(body: &Value) -> Self {
        let supported = |name: &str| member(member(body, name)?, "supported")?.as_bool();
        let paging = member(body, "pagination");
        let flag = |name: &str| paging.and_then(|p| member(p, name)?.as_bool());
        let method = paging.and_then(|p| member(p, "defaultPaginationMethod")?.as_str());
        let most = |holder: Option<&Value>, name: &str| {
            let number = unsigned(holder?, name)?;
            (number > 0).then_some(number)
        };
        Self {
            patch: supported("patch"),
            etag: supported("etag") == Some(true),
            cursor: flag("cursor") == Some(true)
                && (flag("index") == Some(false)
                    || method.is_some_and(|m| m.eq_ignore_ascii_case("cursor"))),
            page: most(paging, "maxPageSize")
                .or_else(|| most(member(body, "filter"), "maxResults")),
        }
    }
}
