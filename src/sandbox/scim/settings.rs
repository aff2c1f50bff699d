//! What can be set about a service provider: what the RFCs leave to it, and what servers in the
//! field do in spite of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Which ways of paging there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// `startIndex` alone; a `cursor` is passed over.
    Index,
    /// `cursor` alone (RFC 9865).
    Cursor,
    /// Both, `startIndex` by default.
    Both,
}

/// What a `startIndex` gives where there are only cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexRefused {
    /// 501.
    NotImplemented,
    /// 400 `invalidValue`.
    BadRequest,
    /// The first page, whatever was asked for.
    Ignored,
}

/// Which filters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filters {
    /// `eq`, dates by `gt`, `ge`, `lt` and `le`, joined by `and`.
    Full,
    /// `userName eq` and `externalId eq`.
    Names,
    /// None: 400 `invalidFilter`.
    None,
    /// They are passed over: everybody is found.
    Ignored,
}

/// How `active` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActiveForm {
    /// A boolean.
    Boolean,
    /// `"True"` or `"False"`.
    Text,
    /// `"true"` or `"false"`.
    LowerText,
    /// Not at all; it can be changed all the same.
    Hidden,
    /// The server does not know it: what is written there has no effect.
    Unknown,
}

/// Where it stands that somebody is an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminForm {
    /// In `roles`, as objects.
    Roles,
    /// In `roles`, as texts.
    RoleTexts,
    /// In `entitlements`.
    Entitlements,
    /// In `userType`, as `Administrator`.
    UserType,
    /// Nowhere.
    Nowhere,
}

/// How "never" is written in the attribute of the last login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// The attribute is missing, and its extension with it.
    Absent,
    /// `null`.
    Null,
    /// An empty text.
    Empty,
}

/// How dates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// Seconds and `Z`.
    Seconds,
    /// Milliseconds and `Z`.
    Millis,
    /// Seven fractional digits and `Z`.
    SevenDigits,
    /// Seconds and `+02:00`.
    Offset,
}

/// An attribute that tells the last login; no RFC has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// The extension it belongs to; none: it stands beside `userName`.
    pub schema: Option<String>,
    /// Its name.
    pub attribute: String,
}

impl Activity {
    /// The extension of the examples.
    pub const SCHEMA: &'static str = "urn:example:params:scim:schemas:extension:activity:2.0:User";

    /// Returns the attribute `lastLogin` of the extension of the examples.
    pub fn example() -> Self {
        Self {
            schema: Some(Self::SCHEMA.to_owned()),
            attribute: "lastLogin".to_owned(),
        }
    }
}

/// Whether an operation has a `path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchPath {
    /// As it likes.
    Either,
    /// It must.
    Required,
    /// It must not: the value is an object.
    Refused,
}

/// How `op` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpCase {
    /// As it likes.
    Any,
    /// `replace`.
    Small,
    /// `Replace`.
    Capital,
}

/// How the value of `active` is written by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActiveValue {
    /// A boolean or a text.
    Any,
    /// A boolean.
    Boolean,
    /// `"True"` or `"False"`.
    Text,
}

/// What becomes of a patch that the server does not like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disliked {
    /// 400.
    Refused,
    /// It is answered with success and not made.
    Ignored,
}

/// Which patches the server takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patches {
    /// Whether there are any.
    pub supported: bool,
    /// Whether an operation has a `path`.
    pub path: PatchPath,
    /// How `op` is written.
    pub op: OpCase,
    /// How the value of `active` is written; also in a `PUT`.
    pub active: ActiveValue,
    /// What becomes of the others.
    pub disliked: Disliked,
    /// Whether the answer is 200 with the user, else 204.
    pub body: bool,
    /// What the provider's configuration says of `patch`; none: the truth.
    pub claimed: Option<bool>,
}

impl Default for Patches {
    fn default() -> Self {
        Self {
            supported: true,
            path: PatchPath::Either,
            op: OpCase::Any,
            active: ActiveValue::Boolean,
            disliked: Disliked::Refused,
            body: false,
            claimed: None,
        }
    }
}

/// What a `DELETE` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delete {
    /// The user is gone and the name is free.
    Removes,
    /// The user stays, inactive.
    Deactivates,
    /// The user answers 404, but the name stays taken.
    Hides,
    /// 501.
    Unsupported,
}

/// What a `PUT` does with what its body leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PutAbsent {
    /// It is emptied; `active` goes back to true.
    Clears,
    /// It stays.
    Keeps,
}

/// Which versions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Etag {
    /// None; `If-Match` is passed over.
    None,
    /// Weak ones; `If-Match` may be left out.
    Weak,
    /// Weak ones; a change without `If-Match` gives 428.
    Required,
}

/// Which credentials are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// The fixed token, and tokens of the token endpoint.
    Both,
    /// The fixed token.
    Bearer,
    /// Tokens of the token endpoint.
    ClientCredentials,
}

/// How the client shows its secret to the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As it likes.
    Any,
    /// In the header.
    Basic,
    /// In the form.
    Form,
}

/// What `Retry-After` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Seconds.
    Seconds,
    /// An HTTP date.
    Date,
    /// The header is missing.
    Absent,
}

/// A limit of requests for each window of the sandbox's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests that are answered.
    pub requests: u64,
    /// The window.
    pub seconds: u32,
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the paths begin with.
    pub base: String,
    /// Which credentials are let in.
    pub login: Login,
    /// How the client shows its secret.
    pub client_auth: ClientAuth,
    /// How long a token lives, in seconds.
    pub token_seconds: u32,
    /// Whether the provider's configuration, types and schemas can be read without a token.
    pub open_discovery: bool,
    /// Whether those are there at all.
    pub discovery: bool,
    /// Whether a body must be `application/scim+json`; else `application/json` does as well.
    pub strict_media_type: bool,
    /// Whether answers are `application/json`.
    pub plain_json: bool,
    /// Which ways of paging there are.
    pub paging: Paging,
    /// What a `startIndex` gives where there are only cursors.
    pub index_refused: IndexRefused,
    /// The page size where none is asked.
    pub default_page: usize,
    /// The greatest page size; more is cut and only `itemsPerPage` says so.
    pub max_page: usize,
    /// Whether a `startIndex` below 1 gives 400; else it is 1.
    pub strict_start: bool,
    /// Whether the first user is number 0, against the RFC.
    pub zero_based: bool,
    /// By how much `totalResults` is wrong.
    pub total_shift: i64,
    /// Whether `totalResults` is the length of the page.
    pub total_of_page: bool,
    /// Whether pages by cursor have `totalResults`.
    pub cursor_total: bool,
    /// How long a cursor works, in seconds.
    pub cursor_seconds: u32,
    /// Whether a cursor works once.
    pub cursor_once: bool,
    /// Whether `itemsPerPage` and `startIndex` are left out.
    pub bare_pages: bool,
    /// Whether an empty list has no `Resources`, as the RFC allows.
    pub omit_empty: bool,
    /// Whether whoever is changed goes to the end of the list.
    pub changed_last: bool,
    /// Whether inactive users are in lists.
    pub lists_inactive: bool,
    /// Which filters there are.
    pub filters: Filters,
    /// Whether `attributes` and `excludedAttributes` are obeyed.
    pub selection: bool,
    /// How `active` is written.
    pub active: ActiveForm,
    /// Where it stands that somebody is an administrator.
    pub admin: AdminForm,
    /// Whether the enterprise extension is there.
    pub enterprise: bool,
    /// The attribute of the last login; none: there is none.
    pub activity: Option<Activity>,
    /// How "never" is written there.
    pub never: Never,
    /// How dates are written.
    pub dates: DateForm,
    /// Attributes beside `userName` that are left out.
    pub hidden: BTreeSet<String>,
    /// Which patches the server takes.
    pub patch: Patches,
    /// The status of methods that are not supported: 501, 405 or another.
    pub unsupported: u16,
    /// What a `PUT` does with what its body leaves out.
    pub put_absent: PutAbsent,
    /// What a `DELETE` does.
    pub delete: Delete,
    /// Which versions there are.
    pub etag: Etag,
    /// The ids of users whose changes are answered with success and not made.
    pub deaf: BTreeSet<String>,
    /// The ids of users whose changes are refused with 403.
    pub refused: BTreeSet<String>,
    /// The limit; none: no limit.
    pub rate_limit: Option<RateLimit>,
    /// What `Retry-After` holds.
    pub retry_after: RetryAfter,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: "/scim/v2".to_owned(),
            login: Login::Both,
            client_auth: ClientAuth::Any,
            token_seconds: 3600,
            open_discovery: false,
            discovery: true,
            strict_media_type: true,
            plain_json: false,
            paging: Paging::Index,
            index_refused: IndexRefused::NotImplemented,
            default_page: 50,
            max_page: 100,
            strict_start: false,
            zero_based: false,
            total_shift: 0,
            total_of_page: false,
            cursor_total: false,
            cursor_seconds: 600,
            cursor_once: false,
            bare_pages: false,
            omit_empty: true,
            changed_last: true,
            lists_inactive: true,
            filters: Filters::Full,
            selection: true,
            active: ActiveForm::Boolean,
            admin: AdminForm::Roles,
            enterprise: true,
            activity: None,
            never: Never::Absent,
            dates: DateForm::Millis,
            hidden: BTreeSet::new(),
            patch: Patches::default(),
            unsupported: 501,
            put_absent: PutAbsent::Clears,
            delete: Delete::Removes,
            etag: Etag::Weak,
            deaf: BTreeSet::new(),
            refused: BTreeSet::new(),
            rate_limit: None,
            retry_after: RetryAfter::Seconds,
        }
    }
}
