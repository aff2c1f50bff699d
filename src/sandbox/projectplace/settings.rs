//! What is not known of the service, as settings; each default is the less convenient answer.

use serde::{Deserialize, Serialize};

/// How the reply of the token request tells the token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// Seconds in `expires`, the name that the vendor's own example reads.
    Expires,
    /// Seconds in `expires_in`, as RFC 6749 has it.
    ExpiresIn,
    /// Not at all, which RFC 6749 allows.
    Unsaid,
}

/// How an id is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// `1001`.
    Integer,
    /// `"1001"`.
    String,
}

/// The `last_login` of somebody who never logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// `null`.
    Null,
    /// The field is not there.
    Absent,
    /// `0`, which reads like a login in 1970.
    Zero,
}

/// What `failed` is in the reply of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedForm {
    /// `["1001"]`.
    List,
    /// `{"1001": "the reason"}`.
    Object,
}

/// How a deletion of somebody who is gone already is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// 404.
    NotFound,
    /// 200 with the id in `failed`, as for any other refusal.
    Failed,
    /// 200 with the id in `succeeded`.
    Succeeded,
}

/// What the account's tariff, its owner and the service's makers have decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a bearer token lasts, in seconds; the service's is 30 days.
    pub token_seconds: u32,
    /// How the token's life is told.
    pub lifetime: Lifetime,
    /// A new token ends the ones before it.
    pub single_token: bool,
    /// Whether OAuth 1 is let in.
    pub oauth1: bool,
    /// Whether OAuth 2 is let in.
    pub oauth2: bool,
    /// By how many seconds an OAuth 1 timestamp may differ from the tenant's clock.
    pub timestamp_window: u32,
    /// `id` in `GET /1/account/people`, `/members` and `/1/account`.
    pub ids: IdForm,
    /// `id` of artifacts.
    pub artifact_ids: IdForm,
    /// `last_login` of somebody who never logged in.
    pub never: Never,
    /// The most rows of a page; a higher `limit` is lowered without a word. None: no maximum.
    pub max_limit: Option<usize>,
    /// The page size where `limit` is left out.
    pub default_limit: usize,
    /// Minutes east of UTC of the zone in which `last_logged_in` counts days.
    pub zone_minutes: i32,
    /// Whether the day `from` belongs to the range.
    pub range_has_first_day: bool,
    /// Whether the day `to` belongs to the range.
    pub range_has_last_day: bool,
    /// Whether the search knows the role `account_owner`; if not, it is refused like any other
    /// unknown word.
    pub owner_can_be_searched: bool,
    /// Whether rows of the search have `email`.
    pub search_has_email: bool,
    /// Whether rows of `GET /1/account/people` have `name`.
    pub list_has_name: bool,
    /// Whether `GET /1/account/people` has external and unregistered people too.
    pub list_has_externals: bool,
    /// Whether robots stand in no list.
    pub robots_hidden: bool,
    /// `account_role` of a robot that is listed.
    pub robot_role: String,
    /// `account_role` of somebody whose membership is pending.
    pub pending_role: String,
    /// `account_role` of somebody who is unregistered.
    pub unregistered_role: String,
    /// The form of `failed`.
    pub failed: FailedForm,
    /// What is answered about somebody who is gone.
    pub gone: Gone,
    /// Whether a robot may remove a co-owner.
    pub co_owners_removable: bool,
    /// Whether somebody unregistered can be deleted; if not, only removed, as externals.
    pub unregistered_deletable: bool,
    /// Whether a robot may remove a robot, itself too.
    pub robots_removable: bool,
    /// Hands over what a deletion hands over, and then refuses the deletion.
    pub half_taken: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_seconds: 30 * 86_400,
            lifetime: Lifetime::Expires,
            single_token: false,
            oauth1: true,
            oauth2: true,
            timestamp_window: 300,
            ids: IdForm::Integer,
            artifact_ids: IdForm::Integer,
            never: Never::Zero,
            max_limit: Some(100),
            default_limit: 40,
            zone_minutes: 60,
            range_has_first_day: false,
            range_has_last_day: false,
            owner_can_be_searched: false,
            search_has_email: false,
            list_has_name: false,
            list_has_externals: false,
            robots_hidden: true,
            robot_role: "account_role_member".to_owned(),
            pending_role: "account_role_pending_member".to_owned(),
            unregistered_role: "account_role_unregistered".to_owned(),
            failed: FailedForm::Object,
            gone: Gone::Failed,
            co_owners_removable: true,
            unregistered_deletable: false,
            robots_removable: true,
            half_taken: false,
        }
    }
}
