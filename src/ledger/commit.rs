//! Seals drafts and appends them with the rows that follow.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::domain::event::ActorTookOver;
use crate::domain::event::CommandIntended;
use crate::domain::event::Draft;
use crate::domain::event::Entry;
use crate::domain::event::LedgerOpened;
use crate::domain::event::Payload;
use crate::domain::fold;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::id::Seq;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::ledger::By;
use crate::ledger::allow;
use crate::ledger::chain;
use crate::ledger::entropy;
use crate::ledger::entropy::Entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::store::Append;
use crate::ledger::store::Head;
use crate::ledger::store::RowChange;
use crate::ledger::store::Sealed;
use crate::ledger::store::Store;
use crate::ledger::view;

/// The most entries of one transaction.
pub const MAX_COMMIT: usize = 10_000;

/// How far our clock may step back before appending stops.
const STEP_BACK_S: i64 = 300;

/// Seals drafts behind `head` and appends them in one transaction.
///
/// Intents need the epoch that `by` carries; an `actor.took-over` makes its own position the epoch.
pub(crate) fn append_drafts(
    store: &dyn Store,
    head: &Head,
    by: &By,
    drafts: Vec<Draft>,
    now: Time,
    entropy: &dyn Entropy,
) -> Result<Head, LedgerError> {
    if drafts.len() > MAX_COMMIT {
        return Err(LedgerError::TooLarge {
            count: drafts.len(),
            most: MAX_COMMIT,
        });
    }
    let rec = level(now, head.rec)?;
    let fence = fence(&drafts, by, head)?;
    let mut entries = Vec::with_capacity(drafts.len());
    let mut overlay = Overlay::new(store);
    let mut epoch = None;
    let mut last = head.clone();
    for draft in drafts {
        let sealed = seal(draft, &last, by, rec, entropy)?;
        let seq = sealed.entry.seq;
        if sealed.entry.kind == ActorTookOver::TYPE {
            epoch = Some(seq);
        }
        let changes = fold::fold(&sealed.entry, &overlay)?;
        overlay.apply(seq, changes);
        last.size = seq + 1;
        last.link = sealed.link;
        entries.push(sealed);
    }
    let changes = overlay.into_changes();
    let head = store.append(&Append {
        expected: head,
        fence,
        entries: &entries,
        changes: &changes,
        epoch,
    })?;
    Ok(head)
}

/// Our clock for the next entries: never before the last one's. A small step back is levelled; a
/// large one means that one of the two is wrong.
fn level(now: Time, last: Option<Time>) -> Result<Time, LedgerError> {
    let Some(last) = last else {
        return Ok(now);
    };
    let behind_s = last.seconds_since(now);
    if behind_s > STEP_BACK_S {
        return Err(LedgerError::Clock { behind_s });
    }
    Ok(now.max(last))
}

/// The epoch that must hold for these drafts, if one must.
fn fence(drafts: &[Draft], by: &By, head: &Head) -> Result<Option<Seq>, LedgerError> {
    if !drafts.iter().any(|d| d.kind == CommandIntended::TYPE) {
        return Ok(None);
    }
    let fenced = LedgerError::Fenced {
        current: head.epoch,
    };
    by.actor.epoch.map(Some).ok_or(fenced)
}

fn seal(
    draft: Draft,
    last: &Head,
    by: &By,
    rec: Time,
    entropy: &dyn Entropy,
) -> Result<Sealed, LedgerError> {
    let refused = |source| LedgerError::Entry {
        kind: draft.kind.to_owned(),
        source,
    };
    if (draft.kind == LedgerOpened::TYPE) != (last.size == 0) {
        return Err(LedgerError::Usage {
            what: "a ledger begins with ledger.opened, once".to_owned(),
        });
    }
    allow::check_data(draft.kind, draft.v, &draft.data).map_err(refused)?;
    let entry = Entry {
        actor: by.actor.clone(),
        at: draft.at.unwrap_or(rec),
        cause: draft.cause.clone(),
        commit: draft.commit.clone(),
        data: draft.data.clone(),
        id: draft.id.clone(),
        prev: hex::encode(last.link),
        rec,
        run: by.run.clone(),
        salt: URL_SAFE_NO_PAD.encode(entropy::bytes::<16>(entropy)?),
        seq: last.size,
        src: draft.src.clone(),
        sub: draft.sub.clone(),
        kind: draft.kind.to_owned(),
        v: draft.v,
    };
    allow::check_envelope(&entry).map_err(refused)?;
    let bytes = chain::encode(&entry).map_err(refused)?;
    let link = chain::link(&bytes);
    Ok(Sealed { entry, bytes, link })
}

/// The rows as they stand after the entries that are sealed and not yet stored.
struct Overlay<'a> {
    store: &'a dyn Store,
    rows: BTreeMap<(Kind, String), (Seq, Option<Value>)>,
}

impl<'a> Overlay<'a> {
    fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            rows: BTreeMap::new(),
        }
    }

    fn apply(&mut self, seq: Seq, changes: Vec<Change>) {
        for change in changes {
            self.rows
                .insert((change.kind, change.key), (seq, change.body));
        }
    }

    /// One change for each row, however often it was changed.
    fn into_changes(self) -> Vec<RowChange> {
        self.rows
            .into_iter()
            .map(|((kind, key), (seq, body))| RowChange {
                seq,
                change: Change { kind, key, body },
            })
            .collect()
    }
}

impl ReadRows for Overlay<'_> {
    type Error = LedgerError;

    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, LedgerError> {
        if let Some((_, body)) = self.rows.get(&(kind, key.to_owned())) {
            return Ok(body.clone());
        }
        match self.store.row(kind, key)? {
            None => Ok(None),
            Some(row) => view::body(&row).map(Some),
        }
    }
}
