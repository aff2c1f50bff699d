//! What a test sets: the organisation's state, and both readings of what is not known.

use serde::{Deserialize, Serialize};

/// How `lastLoginAt` shows that a user has never signed in; not known of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeverLogin {
    /// The field is missing.
    Absent,
    /// The field is null.
    Null,
    /// The field is the start of 1970.
    Epoch,
}

/// What `status` at the top of a user of `/v1/users` is about; not known of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopStatus {
    /// The person's account at the service: ACTIVE also where this organisation disabled it.
    Account,
    /// The membership in this organisation.
    Organization,
}

/// What follows the last page of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastPage {
    /// No `next`, and none as soon as nothing more is there.
    Absent,
    /// `next` is null.
    Null,
    /// A full last page has a `next` that leads to an empty page.
    EmptyPage,
    /// Every page has the same `next`, and it leads to the same page again.
    Endless,
}

/// The shape of the audit log's answer; not known of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditShape {
    /// `{"ok":true,"audits":[…]}`.
    Audits,
    /// `{"ok":true,"data":[…]}`.
    Data,
    /// `{"ok":true,"audits":{"items":[…]}}`.
    Nested,
    /// A list without an envelope.
    Bare,
    /// As `audits`, but the events say neither who nor when.
    NoTrigger,
}

/// What the reset header holds; the service's documentation and its own client disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetForm {
    /// Unix seconds.
    Epoch,
    /// Seconds that are left.
    SecondsLeft,
}

/// The limiter; the service's numbers are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests in one window, those for tokens included.
    pub requests: usize,
    /// The window in real milliseconds.
    pub window_ms: u64,
    /// What `x-ratelimit-reset` holds.
    pub reset: ResetForm,
    /// Whether 429 comes with `Retry-After`.
    pub retry_after: bool,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests: 1_000_000,
            window_ms: 60_000,
            reset: ResetForm::SecondsLeft,
            retry_after: false,
        }
    }
}

/// The settings of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The seconds of the sandbox's clock that a token lives.
    pub token_seconds: u32,
    /// An address that the allow-list refuses: every call is answered with 403.
    pub refused_address: Option<String>,
    /// Whether the allow-list also holds for the request of a token.
    pub refused_at_token: bool,
    /// An organisation of before September 2025: who was never invited is Disabled, not Staged.
    pub old_organization: bool,
    /// How a login that never was is shown.
    pub never_login: NeverLogin,
    /// What the status at the top of a user is about.
    pub top_status: TopStatus,
    /// Whether users who were never invited stand in `/v1/users` too.
    pub uninvited_in_users: bool,
    /// The seconds of the sandbox's clock that a user can still be read in `/v1/users` after the
    /// entity was deleted.
    pub sync_seconds: u32,
    /// Whether `/v1/users` has `orgMembers` without being asked for them.
    pub org_members_unasked: bool,
    /// Whether identifiers and addresses in paths are held to their case.
    pub case_sensitive: bool,
    /// What follows the last page of a search.
    pub last_page: LastPage,
    /// The longest page of a search, whatever was asked for; none: 1000.
    pub page_clamp: Option<usize>,
    /// False: a DELETE without `delete_dependents` is taken as one with false.
    pub needs_delete_dependents: bool,
    /// Whether `DELETE /v1/users/{email}` heeds required relations; else it leaves them dangling.
    pub user_delete_heeds_relations: bool,
    /// Whether deleting a user whom SCIM manages is a conflict.
    pub scim_delete_conflicts: bool,
    /// Whether the last active administrator can neither be deleted nor disabled.
    pub last_admin_protected: bool,
    /// Whether the credentials' own user can be deleted.
    pub own_delete_allowed: bool,
    /// A change of status is answered with 200 and the old state, and nothing is changed.
    pub status_ignored: bool,
    /// `relatedTo` follows relations over several entities.
    pub related_transitively: bool,
    /// Blueprints that `POST /v1/entities/search` leaves out and names in `failedBlueprints`.
    pub failed_blueprints: Vec<String>,
    /// Whether the organisation lacks the `_user` blueprint: 404, as for an entity that is gone.
    pub no_user_blueprint: bool,
    /// Whether the audit log is for administrators alone (or needs an entity in the query).
    pub audit_for_admins: bool,
    /// The shape of the audit log.
    pub audit_shape: AuditShape,
    /// Days that the audit log goes back.
    pub audit_days: u32,
    /// Events in an answer of the audit log that asks for no number.
    pub audit_default_limit: usize,
    /// The most events in an answer of the audit log, whatever was asked for.
    pub audit_max_limit: usize,
    /// Whether an event at exactly `to` is in the answer.
    pub audit_to_included: bool,
    /// Whether the events name their user beside the id.
    pub audit_names_users: bool,
    /// None: no limiter, and none of its headers.
    pub rate_limit: Option<RateLimit>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_seconds: 10_800,
            refused_address: None,
            refused_at_token: false,
            old_organization: false,
            never_login: NeverLogin::Absent,
            top_status: TopStatus::Account,
            uninvited_in_users: false,
            sync_seconds: 0,
            org_members_unasked: false,
            case_sensitive: true,
            last_page: LastPage::EmptyPage,
            page_clamp: None,
            needs_delete_dependents: true,
            user_delete_heeds_relations: false,
            scim_delete_conflicts: true,
            last_admin_protected: false,
            own_delete_allowed: true,
            status_ignored: false,
            related_transitively: true,
            failed_blueprints: Vec::new(),
            no_user_blueprint: false,
            audit_for_admins: true,
            audit_shape: AuditShape::Audits,
            audit_days: 365,
            audit_default_limit: 100,
            audit_max_limit: 1_000,
            audit_to_included: false,
            audit_names_users: false,
            rate_limit: Some(RateLimit::default()),
        }
    }
}
