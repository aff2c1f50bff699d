//! The personal values of one subject.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::id::Email;

/// The present personal values of one subject, by field name; never in an entry or a log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile(BTreeMap<String, Vec<String>>);

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Profile {
    /// The source's immutable key.
    pub const KEY: &'static str = "key";
    /// Addresses, the primary one first; each is kept in the address index.
    pub const MAIL: &'static str = "mail";
    /// The name to show.
    pub const NAME: &'static str = "name";
    /// The login name.
    pub const LOGIN: &'static str = "login";
    /// The employee number.
    pub const EMPLOYEE_NUMBER: &'static str = "employee_number";
    /// Where the person stands in the directory, for people to read.
    pub const PLACE: &'static str = "place";
    /// The identifier that a tenant holds from a directory.
    pub const EXTERNAL_ID: &'static str = "external_id";

    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds values to a field; without any, the field stays absent.
    #[must_use]
    pub fn with<I, S>(mut self, field: &str, values: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let mut values = values.into_iter().map(Into::into).peekable();
        if values.peek().is_some() {
            self.0.entry(field.to_owned()).or_default().extend(values);
        }
        self
    }

    /// The values of a field.
    pub fn all(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    /// The first value of a field.
    pub fn first(&self, field: &str) -> Option<&str> {
        self.all(field).first().map(String::as_str)
    }

    /// The addresses that have the shape of one, in comparable form.
    pub fn addresses(&self) -> impl Iterator<Item = Email> {
        self.all(Self::MAIL).iter().filter_map(|m| Email::parse(m))
    }

    /// The names of the fields that differ from `before`.
    pub fn changed_since(&self, before: &Profile) -> BTreeSet<String> {
        let fields = self.0.keys().chain(before.0.keys());
        fields
            .filter(|field| self.all(field) != before.all(field))
            .cloned()
            .collect()
    }

    /// The one way in which it is written: JSON with sorted keys.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // strings under string keys cannot fail to be written
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
