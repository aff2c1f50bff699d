//! An entry itself, whatever its type: who, when, whom, and the chain.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::id::EntryId;
use crate::domain::id::RunId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::time::Time;

/// Who caused an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// `service` (this program on its own), `operator` (a person at the command line).
    pub kind: ActorKind,
    /// The epoch of the actor lease, where the entry was appended under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Seq>,
    /// The operator's pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Subject>,
}

/// The kinds of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// This program, on its own.
    Service,
    /// A person at the command line.
    Operator,
}

/// A digest of what an entry was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Src {
    /// `sha256:` and base64, over a whole page or request; never over one person's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// `ldap`, `ldif`, `csv`, `docspace`, `operator`, `exeunt`.
    pub kind: String,
}

/// An entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who caused it.
    pub actor: Actor,
    /// When it happened, as the source says; our clock where the source does not say.
    pub at: Time,
    /// The entry that this one follows from (an outcome's intent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EntryId>,
    /// Commitments by field name: `hmac-sha256:` and base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commit: BTreeMap<String, String>,
    /// The facts, as schema/event/ lists them.
    pub data: Value,
    /// The entry's own id.
    pub id: EntryId,
    /// The link of the entry before, in hexadecimal; 64 zeros at 0.
    pub prev: String,
    /// Our clock when it was appended; never decreasing.
    pub rec: Time,
    /// The command that it belongs to.
    pub run: RunId,
    /// 16 random bytes, in base64 without padding, URL alphabet: keeps neighbours from guessing.
    pub salt: String,
    /// Its position.
    pub seq: Seq,
    /// What it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<Src>,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Subject>,
    /// Its type, in the past tense.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of its type.
    pub v: u32,
}

impl Entry {
    /// Reads the facts as the given type; `None` if the entry is of another type or version.
    pub fn payload<P: Payload>(&self) -> Option<P> {
        if self.kind != P::TYPE {
            return None;
        }
        serde_json::from_value(self.data.clone()).ok()
    }
}

/// An entry that is still to be appended: everything but position, links and our clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id, made beforehand because the vault's openings are bound to it.
    pub id: EntryId,
    /// Its type.
    pub kind: &'static str,
    /// The version of its type.
    pub v: u32,
    /// When it happened; `None` is our clock at the append.
    pub at: Option<Time>,
    /// Whom it is about.
    pub sub: Option<Subject>,
    /// The entry that it follows from.
    pub cause: Option<EntryId>,
    /// Commitments by field name.
    pub commit: BTreeMap<String, String>,
    /// The facts.
    pub data: Value,
    /// What it was made from.
    pub src: Option<Src>,
}

impl Draft {
    /// Makes a draft with the facts of `payload`.
    pub fn new<P: Payload>(id: EntryId, payload: &P) -> Self {
        Self {
            id,
            kind: P::TYPE,
            v: P::VERSION,
            at: None,
            sub: None,
            cause: None,
            commit: BTreeMap::new(),
            data: serde_json::to_value(payload).unwrap_or(Value::Null),
            src: None,
        }
    }

    /// Says whom it is about.
    #[must_use]
    pub fn about(mut self, sub: &Subject) -> Self {
        self.sub = Some(sub.clone());
        self
    }

    /// Says what it follows from.
    #[must_use]
    pub fn because_of(mut self, cause: &EntryId) -> Self {
        self.cause = Some(cause.clone());
        self
    }
}

/// The facts of one type of entry.
pub trait Payload: Serialize + DeserializeOwned {
    /// The type's name, in the past tense.
    const TYPE: &'static str;
    /// The version; a change of meaning is a new version.
    const VERSION: u32 = 1;
}
