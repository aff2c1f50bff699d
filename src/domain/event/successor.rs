//! Who takes over from whom, as a person says it: these types of entries.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::event::Payload;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;

payload!("successor.named",
/// A person names who takes over what somebody owns in a tenant: the person, or the account, that
/// the entry is about.
SuccessorNamed {
    /// In which tenant.
    tenant: SourceName,
    /// The account that takes over.
    to: Subject,
    /// How it is proven who said it: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `successor`, the subject, the tenant and the
    /// account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

payload!("successor.withdrawn",
/// A person takes back who takes over from somebody: the order of the policy decides again.
SuccessorWithdrawn {
    /// In which tenant.
    tenant: SourceName,
    /// How it is proven who said it: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `no-successor`, the subject and the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});
