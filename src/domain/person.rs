//! People, as a directory knows them.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::departure;
use crate::domain::id::Subject;
use crate::domain::rows::PersonRow;
use crate::domain::time::Time;

/// What one directory says about one person in one read; personal values stay out of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonRecord {
    /// The directory's immutable key (`entryUUID`, or the key column of a file), as text.
    pub key: String,
    /// Addresses as written there, the primary one first.
    pub mails: Vec<String>,
    /// The name to show.
    pub name: Option<String>,
    /// The login name.
    pub login: Option<String>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// The distinguished name, for people to read; never compared.
    pub place: Option<String>,
    /// The manager as the directory names them: a distinguished name or a key; for notices and
    /// successions, never for a departure.
    pub manager: Option<String>,
    /// When the source itself last recorded a change of the entry (`whenChanged`,
    /// `modifyTimestamp`, the line of a list).
    pub recorded_at: Option<Time>,
    /// The newest login that the directory knows of, no later than it happened; it may be older
    /// than the truth by [`PersonRecord::login_precision_s`].
    pub last_login: Option<Time>,
    /// By how much `last_login` may be too early, in seconds (`lastLogonTimestamp`: 14 days).
    pub login_precision_s: u64,
    /// The facts that decisions rest on.
    pub facts: PersonFacts,
}

/// The facts about a person that decisions rest on; free of personal values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonFacts {
    /// Explicitly disabled in the directory, and by which attribute it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_by: Option<String>,
    /// When the directory says that the disabling took effect, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Time>,
    /// When the directory account ends (`pwdEndTime`, `accountExpires`); may lie in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// The last day of employment that HR recorded, as the moment when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_at: Option<Time>,
    /// Deleted, and by which mark it is known (`isDeleted`): the directory keeps a tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
    /// When the directory recorded the deletion, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// Stands in a unit that the configuration names as the leavers'.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_leavers_unit: bool,
    /// Not in the group that the configuration asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_group: bool,
    /// The attribute whose value says, by a rule of the configuration, that the person has left
    /// (`employeeType`); the value itself stays out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<String>,
    /// When the source recorded what says that the person has left; only beside such a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Time>,
    /// A login at the directory, to the day, later than what says that the person has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_after: Option<Time>,
    /// Locked for a while after wrong passwords: never a departure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked_for_a_while: bool,
    /// The manager, where the directory names exactly one of its own people; for successions, never
    /// for a departure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Subject>,
}

impl PersonFacts {
    /// The facts of a record, with the times that belong to a departure; `before` is what was
    /// known of the person.
    ///
    /// Sources change the time of an entry for many reasons, so `recorded_at` is taken when
    /// something first says that the person has left, and kept as long as nothing else does.
    /// `login_after` is a day, so that a person who goes on working makes one entry a day at most.
    pub fn with_times(record: &PersonRecord, before: Option<&PersonRow>, now: Time) -> Self {
        let mut facts = record.facts.clone();
        let known = |strength| before.is_some_and(|b| departure::same_sign(b, &facts, strength));
        let signs = departure::signs(&facts);
        let is_new = signs.iter().any(|(strength, _)| !known(*strength));
        facts.recorded_at = match (signs.is_empty(), is_new) {
            (true, _) => None,
            (false, true) => record.recorded_at,
            (false, false) => before.and_then(|b| b.facts.recorded_at),
        };
        facts.login_after = login_after(record, &facts, before, now);
        facts
    }
}

/// The day of the newest login that certainly came after what says that the person has left. A
/// directory's time of a login may be too early and is never too late, so that it is believed as it
/// stands.
fn login_after(
    record: &PersonRecord,
    facts: &PersonFacts,
    before: Option<&PersonRow>,
    now: Time,
) -> Option<Time> {
    let since = departure::since(facts, before, now)?;
    let newest = record.last_login.filter(|at| *at > since && *at <= now);
    let known = before.and_then(|b| b.facts.login_after);
    // the day that is known lies after the departure as it stands now, or is forgotten
    let known = known.filter(|day| day.plus_days(1) > since);
    newest.map(Time::start_of_day).max(known)
}

/// How strong a departure is, from the strongest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// A named person said so (`exeunt leave`).
    Named,
    /// The leave date has passed.
    LeaveDate,
    /// The directory account was disabled explicitly.
    Disabled,
    /// The directory account's end has passed.
    Expired,
    /// An attribute says so that the configuration names (`employeeType = terminated`).
    Attribute,
    /// The directory keeps a tombstone.
    Tombstone,
    /// Moved to where leavers are kept.
    LeaversUnit,
    /// No longer in the group that is asked for.
    LostGroup,
    /// Not there in consecutive complete reads and not found by key.
    Absent,
}
