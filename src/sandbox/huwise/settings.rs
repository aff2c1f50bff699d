//! What can be set about a domain: each thing that the vendor left open, with every behaviour that
//! an adapter must bear.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How a path without its closing slash is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoSlash {
    /// 404, which looks as if the user were gone.
    NotFound,
    /// 301 to the same path with the slash.
    Redirect,
}

/// How `total_count` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Total {
    /// A number, as in the vendor's examples.
    Number,
    /// A text, as in the specification.
    Text,
    /// `null`, which the specification allows.
    Null,
}

/// How no direct permissions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoPermissions {
    /// `[]`.
    List,
    /// `null`.
    Null,
    /// `null`, also for those who have some.
    NullForAll,
}

/// Which keys `GET /apikeys/` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignKeys {
    /// Those of the caller alone, with a total that counts no others.
    Own,
    /// Everybody's.
    Visible,
    /// 403.
    Forbidden,
}

/// What several permissions in one filter mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Several {
    /// Whoever holds all of them.
    All,
    /// Whoever holds any of them.
    Any,
}

/// What a filter by a permission that does not exist finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPermission {
    /// Nobody.
    Nobody,
    /// 400 `validation_error`.
    Refuse,
    /// Everybody, as if it had not been asked.
    Ignore,
}

/// The shape of the 401 and of the 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `error_code` and `message`, as other errors.
    Default,
    /// `detail` alone.
    Detail,
    /// A page for people.
    Html,
    /// An empty body.
    Empty,
}

/// What a `PUT` does with what its body leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PutAbsent {
    /// It is emptied.
    Clears,
    /// It stays.
    Keeps,
}

/// How a refused change of the last administrator is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LastAdmin {
    /// The status.
    pub status: u16,
    /// The `error_code`.
    pub code: String,
}

impl Default for LastAdmin {
    fn default() -> Self {
        Self {
            status: 400,
            code: "bad_request".to_owned(),
        }
    }
}

/// What `X-RateLimit-Reset` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Unix seconds.
    EpochSeconds,
    /// Unix milliseconds.
    EpochMillis,
    /// Seconds that are left.
    SecondsLeft,
    /// A date of RFC 3339.
    Date,
    /// The header is missing.
    Absent,
}

/// A quota of calls for each day of the sandbox's clock, ending at 00:00 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Calls that are answered.
    pub calls: u64,
    /// What the header holds.
    pub reset: Reset,
}

/// Everything that can be set; the default is the less convenient of what is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How a path without its closing slash is answered.
    pub no_slash: NoSlash,
    /// Whether a path that is not there gives a page for people; else 404 `not_found`, as for a
    /// user who is gone.
    pub no_route_html: bool,
    /// Whether `Apikey` and `APIKEY` are let in as well as `apikey`.
    pub any_case_scheme: bool,
    /// The status for a missing or wrong key.
    pub unauthorized: u16,
    /// The shape of that answer.
    pub unauthorized_shape: Shape,
    /// The shape of the 403 for a key without `edit_domain`.
    pub forbidden_shape: Shape,
    /// How `total_count` is written.
    pub total: Total,
    /// By how much `total_count` is wrong.
    pub total_shift: i64,
    /// The origin that `next` and `previous` name; none: the tenant's own.
    pub next_origin: Option<String>,
    /// Whether `next` and `previous` are always null.
    pub no_next: bool,
    /// The most users on a page, whatever `limit` asks for; nothing says so.
    pub page_cap: Option<usize>,
    /// Whether a `limit` above 1000 is refused with 400; else the page has 1000.
    pub refuse_over_limit: bool,
    /// How no direct permissions are written.
    pub no_permissions: NoPermissions,
    /// What several permissions in one filter mean.
    pub several: Several,
    /// What a filter by an unknown permission finds.
    pub unknown_permission: UnknownPermission,
    /// Whether `permissions` and `all_permissions` are read at all; if not, everybody is found.
    pub permission_filters: bool,
    /// Fields of a user that are left out.
    pub hidden_fields: BTreeSet<String>,
    /// The fractional digits of `last_seen_at` and `last_login_at`, 0 to 9; none: 0 to 6, each
    /// user with another number.
    pub fraction: Option<u8>,
    /// The minutes east of UTC in which dates are written.
    pub offset_minutes: i32,
    /// Whether a call with an API key moves its owner's `last_seen_at`.
    pub keys_are_seen: bool,
    /// Whether somebody who is invited again keeps the old `last_seen_at` and `last_login_at`.
    pub rejoined_keeps_seen: bool,
    /// Which keys `GET /apikeys/` has.
    pub foreign_keys: ForeignKeys,
    /// Whether somebody else's key can be revoked.
    pub revoke_foreign: bool,
    /// How a refused change of the last administrator is answered.
    pub last_admin: LastAdmin,
    /// Whether users can delete themselves, and their key with it.
    pub delete_self: bool,
    /// What a `PUT` does with what its body leaves out.
    pub put_absent: PutAbsent,
    /// Users whose changes and deletions are answered with success and not made.
    pub deaf: BTreeSet<String>,
    /// The daily quota; none: no limit.
    pub quota: Option<Quota>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            no_slash: NoSlash::NotFound,
            no_route_html: false,
            any_case_scheme: false,
            unauthorized: 401,
            unauthorized_shape: Shape::Detail,
            forbidden_shape: Shape::Detail,
            total: Total::Text,
            total_shift: 0,
            next_origin: None,
            no_next: false,
            page_cap: None,
            refuse_over_limit: false,
            no_permissions: NoPermissions::List,
            several: Several::All,
            unknown_permission: UnknownPermission::Nobody,
            permission_filters: true,
            hidden_fields: BTreeSet::new(),
            fraction: None,
            offset_minutes: 0,
            keys_are_seen: false,
            rejoined_keeps_seen: true,
            foreign_keys: ForeignKeys::Own,
            revoke_foreign: false,
            last_admin: LastAdmin::default(),
            delete_self: true,
            put_absent: PutAbsent::Clears,
            deaf: BTreeSet::new(),
            quota: None,
        }
    }
}
