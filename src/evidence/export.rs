//! The whole log as C2SP tlog-tiles: entries in bundles, hashes in tiles, and the checkpoint.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::evidence::checkpoint::Checkpoint;
use crate::ledger::Ledger;
use crate::ledger::LedgerError;
use crate::ledger::store::SignedCheckpoint;
use crate::ledger::tree::Hash;
use crate::ledger::tree::Tree;
use crate::ledger::tree::leaf;
use crate::ledger::tree::tile;
use crate::ledger::tree::tile::Builder;
use crate::ledger::tree::tile::Tile;
use crate::ledger::tree::tile::WIDTH;

/// Writes every entry that a checkpoint covers into a directory that is there and empty.
///
/// Everything is made from the entries' bytes; if they do not give the root that was signed, it is
/// [`LedgerError::False`].
pub fn tiles(ledger: &Ledger, made: &SignedCheckpoint, into: &Path) -> Result<(), LedgerError> {
    let (said, _) = Checkpoint::in_note(made.note.as_bytes()).map_err(|e| LedgerError::False {
        seq: None,
        what: format!("the stored checkpoint of {} entries: {e}", made.size),
    })?;
    let place = Place(into);
    let mut tree = Tree::new();
    let mut builder = Builder::default();
    while tree.size() < said.size {
        let width = (said.size - tree.size()).min(WIDTH);
        let n = tree.size() / WIDTH;
        let entries = ledger.bytes(tree.size(), usize::try_from(width).unwrap_or(0))?;
        place.write(
            &tile::entries_path(n, width),
            &bundle(&entries, tree.size())?,
        )?;
        for bytes in &entries {
            let hash = leaf(bytes);
            tree.push_hash(hash);
            let mut done = Ok(());
            builder.push(hash, |tile, hashes| {
                if done.is_ok() {
                    done = place.tile(tile, hashes);
                }
            });
            done?;
        }
        if u64::try_from(entries.len()).is_ok_and(|n| n != width) {
            return Err(differs(tree.size()));
        }
    }
    for (tile, hashes) in builder.rest() {
        place.tile(tile, hashes)?;
    }
    if tree.root() != said.root {
        return Err(differs(said.size));
    }
    place.write("checkpoint", made.note.as_bytes())
}

/// Entries, each behind its length in two bytes.
fn bundle(entries: &[Vec<u8>], from: u64) -> Result<Vec<u8>, LedgerError> {
    let mut bundle = Vec::new();
    for (seq, bytes) in (from..).zip(entries) {
        let length = u16::try_from(bytes.len()).map_err(|_| differs(seq))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(bytes);
    }
    Ok(bundle)
}

struct Place<'a>(&'a Path);

impl Place<'_> {
    fn tile(&self, tile: Tile, hashes: &[Hash]) -> Result<(), LedgerError> {
        let width = u64::try_from(hashes.len()).unwrap_or(WIDTH);
        self.write(&tile.path(width), hashes.as_flattened())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let path: PathBuf = self.0.join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, bytes)).map_err(|e| {
            LedgerError::unavailable(format!("{} cannot be written", path.display()), e)
        })
    }
}

fn differs(size: u64) -> LedgerError {
    LedgerError::False {
        seq: None,
        what: format!("the first {size} entries are not those that the checkpoint was signed for"),
    }
}
