//! What can be set about a workspace: each thing that the vendor left open, with every behaviour
//! that an adapter must bear.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// How `expires_in` is written in a token answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiresIn {
    /// A number, as in published answers.
    Number,
    /// A text, as in the specification.
    Text,
    /// Not at all.
    Absent,
}

/// Which fields a person has on read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schema {
    /// The fields of v2025.23.2: no name, no date of creation.
    Current,
    /// The fields of the older releases.
    Older,
    /// What a caller sees who may not see more: id, name, email.
    NotPermitted,
}

/// How "never" or "not visible" is written in `lastLoginTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// `null`.
    Null,
    /// The field is missing.
    Absent,
}

/// What the row of somebody other than the caller says of `isAdmin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignAdmin {
    /// `false`, whatever is true.
    False,
    /// Nothing.
    Absent,
}

/// Where an invitation can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// In `state`.
    State,
    /// In `status` alone, which is there only if `includeStatus=true` was asked.
    Status,
}

/// Which field says that a person is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendShown {
    /// `isDisabled` alone; `state` stays `active`.
    IsDisabled,
    /// `state` alone, as `hidden`.
    State,
    /// Both.
    Both,
}

/// What is done with a `limit` above the greatest page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverLimit {
    /// The page is shorter than asked, and nothing says so.
    Clamp,
    /// 400 `ApiValidationFailed`.
    Refuse,
}

/// What a successful `DELETE` of a membership answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    /// 204, empty.
    NoContent,
    /// 200 and `[]`.
    EmptyList,
    /// 200 and `[1]`.
    List,
    /// 201 and an object.
    Created,
}

/// What a successful transfer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transferred {
    /// 200, empty.
    Empty,
    /// 204, empty.
    NoContent,
    /// 201 and a nested list, as the old endpoint did.
    Nested,
}

/// What becomes of a bulk suspension of which some people cannot be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bulk {
    /// They are left out without a word.
    Skip,
    /// The whole is refused.
    AllOrNothing,
}

/// How something that is not there is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// 404 `DataNotFoundException`.
    DataNotFound,
    /// 410 `GoneException`.
    Gone,
}

/// How an invalid access token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unauthorized {
    /// The gateway's `fault`.
    Apigee,
    /// The API's `exception`.
    Exception,
    /// An empty body.
    Empty,
}

/// How a route that is not there is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRoute {
    /// 404 `RouteNotFoundException`.
    Exception,
    /// The 404 page of the web server.
    ExpressHtml,
    /// 410 `GoneException`.
    Gone,
}

/// An access token of the old kind; hidden where it is debugged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StaticToken(pub String);

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticToken(hidden)")
    }
}

/// A route that the vendor has moved away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The method; none: every one.
    #[serde(default)]
    pub method: Option<String>,
    /// What the path begins with.
    pub path: String,
    /// The answer.
    pub answer: NoRoute,
}

/// What the reset headers of the rate limit hold; the documents say one thing and show another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Unix milliseconds, as in the examples.
    EpochMillis,
    /// Unix seconds, as in the text.
    EpochSeconds,
    /// Seconds that are left.
    SecondsLeft,
}

/// A quota of requests for each minute of the sandbox's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests of one user.
    pub user: u64,
    /// Requests in the workspace.
    pub workspace: u64,
    /// What the paths under the quota begin with.
    pub path: String,
    /// What the reset headers hold.
    pub reset: Reset,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            user: 30,
            workspace: 60,
            path: "/v4/".to_owned(),
            reset: Reset::EpochMillis,
        }
    }
}

/// Everything that can be set; the default is the less convenient of what is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The API project that `x-api-project-id` must name; none: not asked.
    pub project_id: Option<String>,
    /// Whether `x-alteryx-workspace-gid` must be there. A wrong one is always refused.
    pub needs_gid: bool,
    /// Whether a `User-Agent` must be there.
    pub needs_user_agent: bool,
    /// How long an access token lives, in seconds; the vendor says 5 minutes and 1 hour.
    pub access_seconds: u32,
    /// By how many seconds the `exp` inside the token is wrong; none leaves it out.
    pub exp_shift_seconds: Option<i64>,
    /// How long a refresh token lives, in days (1 to 365).
    pub refresh_days: u32,
    /// How `expires_in` is written.
    pub expires_in: ExpiresIn,
    /// Whether a refresh token that is used again takes its whole family with it.
    pub reuse_revokes_family: bool,
    /// The `iss` inside access tokens; `{origin}` stands for the sandbox's own address.
    pub issuer: String,
    /// An access token of the old kind that never ends.
    pub static_token: Option<StaticToken>,
    /// How an invalid access token is answered.
    pub unauthorized: Unauthorized,
    /// The fields of a person.
    pub schema: Schema,
    /// Fields that are left out of every person.
    pub hidden_fields: BTreeSet<String>,
    /// How a missing last login is written.
    pub never: Never,
    /// What is said of `isAdmin` in other people's rows.
    pub foreign_admin: ForeignAdmin,
    /// Where an invitation is seen.
    pub invited: Shown,
    /// The word for an invitation there.
    pub invited_word: String,
    /// Where a suspension is seen.
    pub suspended: SuspendShown,
    /// Whether ids of people are written as texts.
    pub text_ids: bool,
    /// The page size where none is asked.
    pub default_limit: usize,
    /// The greatest page size.
    pub max_limit: Option<usize>,
    /// What is done above it.
    pub over_limit: OverLimit,
    /// Whether `noLimit=true` is obeyed.
    pub no_limit: bool,
    /// Whether `GET /v4/workspaces/{id}/people` and its `/iam/v1` twin are there.
    pub workspace_people: bool,
    /// Routes that have gone.
    pub drift: Vec<Drift>,
    /// How a workspace that is named by its gid, or is another one, is answered.
    pub wrong_workspace: NoWorkspace,
    /// What a `DELETE` answers.
    pub deleted: Deleted,
    /// What somebody who was removed is answered with.
    pub gone: Gone,
    /// What a transfer answers.
    pub transferred: Transferred,
    /// What a bulk suspension does with people whom it cannot suspend.
    pub bulk: Bulk,
    /// The status of bulk answers, which have no body.
    pub bulk_status: u16,
    /// People whose changes are answered with success and not made.
    pub deaf: BTreeSet<u64>,
    /// The quota; none: no limit.
    pub rate_limit: Option<RateLimit>,
}

/// How a workspace id that is no good is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoWorkspace {
    /// 404 `DataNotFoundException`: it looks as if the person were gone.
    DataNotFound,
    /// 404 `RouteNotFoundException`.
    RouteNotFound,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            project_id: Some("sandbox-project".to_owned()),
            needs_gid: true,
            needs_user_agent: true,
            access_seconds: 299,
            exp_shift_seconds: Some(0),
            refresh_days: 365,
            expires_in: ExpiresIn::Text,
            reuse_revokes_family: true,
            issuer: "https://pingauth.invalid/as".to_owned(),
            static_token: None,
            unauthorized: Unauthorized::Apigee,
            schema: Schema::Current,
            hidden_fields: BTreeSet::new(),
            never: Never::Null,
            foreign_admin: ForeignAdmin::False,
            invited: Shown::Status,
            invited_word: "Invited".to_owned(),
            suspended: SuspendShown::IsDisabled,
            text_ids: false,
            default_limit: 25,
            max_limit: Some(100),
            over_limit: OverLimit::Clamp,
            no_limit: false,
            workspace_people: false,
            drift: Vec::new(),
            wrong_workspace: NoWorkspace::DataNotFound,
            deleted: Deleted::NoContent,
            gone: Gone::DataNotFound,
            transferred: Transferred::Empty,
            bulk: Bulk::Skip,
            bulk_status: 204,
            deaf: BTreeSet::new(),
            rate_limit: None,
        }
    }
}
