//! What entries say about the ledger itself.

use crate::domain::code::Code;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::rows::Kind;
use crate::domain::rows::LedgerRow;
use crate::domain::rows::Mark;
use crate::domain::rows::Revaulted;
use crate::domain::rows::SourceRow;
use crate::domain::source::ReadMemory;
use crate::domain::source::Verdict;
use crate::domain::trust;

pub(super) fn opened(entry: &Entry) -> Vec<Change> {
    let Some(opened) = entry.payload::<event::LedgerOpened>() else {
        return Vec::new();
    };
    let body = LedgerRow {
        origin: opened.origin,
        vault: event::VaultMark {
            id: opened.vault,
            mark: 0,
        },
        reopened: None,
        revaulted: None,
        backup: None,
        sandbox: opened.sandbox,
        epoch: None,
    };
    vec![set(Kind::Ledger, "ledger", &body)]
}

pub(super) fn took_over<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(mut body) = row::<LedgerRow, R>(rows, Kind::Ledger, "ledger")? else {
        return Ok(Vec::new());
    };
    body.epoch = Some(entry.seq);
    Ok(vec![set(Kind::Ledger, "ledger", &body)])
}

pub(super) fn backup_made<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(mut body) = row::<LedgerRow, R>(rows, Kind::Ledger, "ledger")? else {
        return Ok(Vec::new());
    };
    body.backup = Some(Mark {
        seq: entry.seq,
        since: entry.rec,
    });
    Ok(vec![set(Kind::Ledger, "ledger", &body)])
}

/// Nothing may rest on what was read before: the sources are read anew, and absence and drops count
/// from the second read on, as in the beginning.
pub(super) fn reopened<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(reopened) = entry.payload::<event::LedgerReopened>() else {
        return Ok(Vec::new());
    };
    let mut changes = Vec::new();
    if let Some(mut body) = row::<LedgerRow, R>(rows, Kind::Ledger, "ledger")? {
        if reopened.lost_entries() {
            body.reopened = Some(Mark {
                seq: entry.seq,
                since: entry.rec,
            });
        }
        body.origin = reopened.origin;
        if let Some(vault) = &reopened.vault {
            body.vault = event::VaultMark {
                id: vault.id.clone(),
                mark: 0,
            };
            body.revaulted = Some(Revaulted {
                seq: entry.seq,
                since: entry.rec,
                lost: vault.lost,
                leaves: vault.leaves,
                anew: vault.found.is_none(),
            });
        }
        changes.push(set(Kind::Ledger, "ledger", &body));
    }
    for key in reopened.sources {
        if let Some(mut body) = row::<SourceRow, R>(rows, Kind::Source, &key)? {
            body.last.verdict = Verdict::Suspect;
            body.last.because = vec![Code::new(trust::BEFORE_REOPENING)];
            body.complete = None;
            body.first_complete = None;
            body.released.clear();
            body.memory = ReadMemory::default();
            if reopened.vault.is_some() {
                // what was seen of accounts that nobody knows any more must be looked for again
                body.activity.clear();
            }
            changes.push(set(Kind::Source, key, &body));
        }
    }
    changes.extend(reopened.contacts.into_iter().map(|key| Change {
        kind: Kind::Contact,
        key,
        body: None,
    }));
    Ok(changes)
}
