//! The tree over the entries, grown anew while they are read, and held against every checkpoint.

use std::collections::BTreeMap;

use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::merkle::Hash;
use crate::evidence::merkle::Tree;
use crate::evidence::note::Algorithm;
use crate::evidence::note::Signed;
use crate::evidence::note::VerifierKey;
use crate::ledger::tree::join;
use crate::ledger::tree::tile::WIDTH;
use crate::ledger::verify::Bad;
use crate::ledger::verify::part::Part;

/// What one range grew: the roots of its full tiles, and what stood in the last one at the sizes that
/// are asked for. Ranges begin where tiles begin.
#[derive(Debug, Default)]
pub(super) struct Grown {
    size: u64,
    tile: Tree,
    tiles: Vec<Hash>,
    cuts: BTreeMap<u64, Vec<Hash>>,
}

impl Grown {
    pub(super) fn from(first: u64) -> Self {
        Self {
            size: first,
            ..Self::default()
        }
    }

    /// Takes the next entry.
    pub(super) fn push(&mut self, bytes: &[u8], sizes: &[u64]) {
        self.tile.push(bytes);
        self.size += 1;
        if self.tile.size() == WIDTH {
            self.tiles.push(self.tile.root());
            self.tile = Tree::new();
        }
        if sizes.binary_search(&self.size).is_ok() {
            self.cuts.insert(self.size, self.tile.parts().to_vec());
        }
    }
}

/// The roots at every size that was asked for and that the ranges reach.
pub(super) fn roots(parts: &[Part]) -> BTreeMap<u64, Hash> {
    let mut tiles = parts.iter().flat_map(|part| &part.grown.tiles);
    let mut above = Tree::new();
    let mut found = BTreeMap::new();
    for (size, cut) in parts.iter().flat_map(|part| &part.grown.cuts) {
        while above.size() < size / WIDTH {
            match tiles.next() {
                Some(root) => above.push_hash(*root),
                None => return found,
            }
        }
        found.insert(*size, join(&[above.parts(), cut].concat()));
    }
    found
}

/// Holds a checkpoint that this ledger signed against its key and the tree; why it does not fit.
pub(super) fn judge(
    note: &str,
    where_from: &str,
    log_key: &VerifierKey,
    roots: &BTreeMap<u64, Hash>,
    entries: u64,
) -> Result<Checkpoint, Bad> {
    let (said, read) = Checkpoint::in_note(note.as_bytes())
        .map_err(|e| Bad::nowhere(format!("a checkpoint {where_from} cannot be read: {e}")))?;
    let key = VerifierKey::new(&said.origin, Algorithm::Ed25519, &log_key.public);
    if read.signed_by(&key) != Signed::Good(None) {
        let what = format!("a checkpoint {where_from} is not signed by the key of this ledger");
        return Err(Bad::nowhere(what));
    }
    if said.size > entries {
        return Err(Bad::at(
            entries,
            format!(
                "a checkpoint {where_from} covers {} entries and the ledger has {entries}: an older \
                 copy was put back, or its end was cut off",
                said.size
            ),
        ));
    }
    if roots.get(&said.size) != Some(&said.root) {
        return Err(Bad {
            seq: said.size.checked_sub(1),
            what: format!(
                "the first {} entries are not those that a checkpoint {where_from} was signed for",
                said.size
            ),
        });
    }
    Ok(said)
}
