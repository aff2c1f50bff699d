//! Who takes over from whom, as rows.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::pair_key;
use crate::domain::fold::set;
use crate::domain::rows::Kind;
use crate::domain::rows::SuccessorRow;

pub(super) fn named(entry: &Entry) -> Vec<Change> {
    let (Some(named), Some(sub)) = (entry.payload::<event::SuccessorNamed>(), &entry.sub) else {
        return Vec::new();
    };
    let key = pair_key(sub, named.tenant.as_str());
    let body = SuccessorRow {
        seq: entry.seq,
        subject: sub.clone(),
        tenant: named.tenant,
        to: named.to,
        at: entry.rec,
        by: entry.actor.sub.clone(),
        proof: named.proof,
    };
    vec![set(Kind::Successor, key, &body)]
}

pub(super) fn withdrawn(entry: &Entry) -> Vec<Change> {
    let withdrawn = entry.payload::<event::SuccessorWithdrawn>();
    let (Some(withdrawn), Some(sub)) = (withdrawn, &entry.sub) else {
        return Vec::new();
    };
    vec![Change {
        kind: Kind::Successor,
        key: pair_key(sub, withdrawn.tenant.as_str()),
        body: None,
    }]
}
