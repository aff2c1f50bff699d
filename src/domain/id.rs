//! Identifiers, each a type of its own.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The position of an entry: from 0, without gaps, and its index in the tree.
pub type Seq = u64;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The random pseudonym of one person, account or operator: `s_` and 32 hexadecimal digits.
    Subject
);
text_id!(
    /// The UUIDv7 of an entry, made before it is appended.
    EntryId
);
text_id!(
    /// The UUIDv7 that the entries of one command share.
    RunId
);
text_id!(
    /// The configured name of a directory or a tenant.
    SourceName
);

/// A mail address in the one form in which addresses are compared: trimmed and in lower case.
///
/// It is an alias of a person or account, never a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Takes an address if it has the shape of one (one `@` with something on both sides, no
    /// spaces or control characters).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@')?;
        let sound = !local.is_empty()
            && !domain.is_empty()
            && text.len() <= 320
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        sound.then_some(Self(text))
    }

    /// The address in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
