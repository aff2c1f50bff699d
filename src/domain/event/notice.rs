//! What became of warnings after they were written: these types of entries.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::event::Payload;
use crate::domain::id::SourceName;
use crate::domain::time::Time;

payload!("notice.bounced",
/// A warning did not reach the person: it does not count.
NoticeBounced {
    /// In which tenant.
    tenant: SourceName,
    /// The policy that asked for it.
    policy: String,
    /// How many days before the first step.
    days: u64,
    /// When the first step comes at the earliest, as the warning says.
    acts_at: Time,
    /// The mail, by the left part of its Message-ID.
    message: String,
    /// `no-such-recipient`, `mailbox-full`, `expired`, `blocked`, `other`.
    reason: String,
    /// Who says so: `relay` (it refused the recipient at once) or `report` (it sent a report later).
    said_by: String,
});

payload!("notice.delivered",
/// A report says that a warning was delivered.
NoticeDelivered {
    /// In which tenant.
    tenant: SourceName,
    /// The policy that asked for it.
    policy: String,
    /// How many days before the first step.
    days: u64,
    /// The mail, by the left part of its Message-ID.
    message: String,
});

payload!("notice.proceeded",
/// An approver has said how it goes on after warnings that did not reach the person.
NoticeProceeded {
    /// In which tenant.
    tenant: SourceName,
    /// The policy that asked for them.
    policy: String,
    /// `without` (the steps come as if it had been warned) or `again` (it is warned anew).
    how: String,
    /// How it is proven: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `proceed`, the subject, the policy and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});
