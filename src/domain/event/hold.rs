//! Holds: these types of entries.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::event::Payload;
use crate::domain::hold::HoldKind;
use crate::domain::id::EntryId;
use crate::domain::id::Subject;
use crate::domain::time::Time;

payload!("hold.placed",
/// A person or an account is held: no step touches them while it holds.
HoldPlaced {
    /// The hold: the id of the first entry of those that place it.
    hold: EntryId,
    /// Why.
    kind: HoldKind,
    /// The person with whom this account is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<Subject>,
    /// When it ends; absent of a legal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    /// When a legal one is to be looked at again; it holds on until it is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    review: Option<Time>,
    /// How it is proven: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `hold`, the subject and the hold's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

payload!("hold.lifted",
/// A hold does not hold any more, before its end.
HoldLifted {
    /// The hold.
    hold: EntryId,
    /// How it is proven: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `lift`, the subject and the hold's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});
