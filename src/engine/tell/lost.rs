//! What was lost, and how the ledger went on, as sentences.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::LedgerReopened;
use crate::domain::lost::LostKind;
use crate::engine::tell::counted;

/// How the ledger went on, and who was lost with the vault.
pub(super) fn reopened(entry: &Entry, by: &str) -> Option<String> {
    if let Some(reopened) = entry.payload::<LedgerReopened>() {
        let mut says = Vec::new();
        if reopened.lost_entries() {
            let knew = reopened.known.as_ref().map_or_else(
                || "how many there had been is not known".to_owned(),
                |known| format!("there had been {}", known.entries),
            );
            says.push(format!(
                "from an older copy of {} entries ({knew}), as {}",
                reopened.kept, reopened.origin
            ));
        }
        if let Some(vault) = &reopened.vault {
            let from = match vault.found {
                Some(_) => "from an older copy of its vault",
                None => "with a new vault",
            };
            says.push(format!(
                "{from}, without the values of {}",
                counted(vault.lost, "pseudonym")
            ));
        }
        return Some(format!("{by} let the ledger go on {}", says.join(" and ")));
    }
    let lost = entry.payload::<event::SubjectsLost>()?;
    let count = lost.subjects.len() as u64;
    Some(match lost.kind {
        LostKind::Person => format!(
            "lost with the vault: who {} of {} are",
            counted(count, "pseudonym"),
            lost.source
        ),
        LostKind::Account => format!(
            "lost with the vault: which {} of {} were known",
            counted(count, "account"),
            lost.source
        ),
        LostKind::Operator => format!(
            "lost with the vault: the names of {}",
            counted(count, "operator")
        ),
    })
}
