//! Roots and proofs of the ledger's tree.

use crate::domain::id::Seq;
use crate::ledger::Ledger;
use crate::ledger::error::LedgerError;
use crate::ledger::store::Store;
use crate::ledger::store::StoreError;
use crate::ledger::tree;
use crate::ledger::tree::Hash;
use crate::ledger::tree::Span;
use crate::ledger::tree::plan;
use crate::ledger::tree::tile::Tiles;

/// An entry with the proof that it stands in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// The path to the root, the leaf's sibling first.
    pub path: Vec<Hash>,
}

impl Ledger {
    /// The root of the tree over the first `size` entries.
    pub fn root(&self, size: u64) -> Result<Hash, LedgerError> {
        self.within(size)?;
        root(self.store.as_ref(), size)
    }

    /// An entry with its path in the tree over the first `size` entries.
    pub fn prove(&self, seq: Seq, size: u64) -> Result<Proven, LedgerError> {
        self.within(size)?;
        let spans = plan::inclusion(seq, size).ok_or_else(|| LedgerError::Usage {
            what: format!("there is no entry {seq} among the first {size}"),
        })?;
        let stored = self.store.read(seq, 1)?;
        let stored = stored.into_iter().find(|stored| stored.seq == seq);
        let stored = stored.ok_or_else(|| missing(seq))?;
        let path = hashes(self.store.as_ref(), &spans, size)?;
        let root = root(self.store.as_ref(), size)?;
        let leaf = tree::leaf(&stored.bytes);
        // a proof that would not hold is not given out
        if !tree::proof::includes(seq, size, &leaf, &path, &root) {
            return Err(LedgerError::False {
                seq: Some(seq),
                what: format!("entry {seq} is not the one that the tree was built over"),
            });
        }
        Ok(Proven {
            bytes: stored.bytes,
            path,
        })
    }

    /// The proof that the tree over the first `old` entries is the beginning of that over `size`.
    pub fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.within(size)?;
        let spans = plan::consistency(old, size).ok_or_else(|| LedgerError::Usage {
            what: format!("{old} entries are not among the first {size}"),
        })?;
        hashes(self.store.as_ref(), &spans, size)
    }

    /// The exact bytes of at most `count` entries from a position on.
    pub fn bytes(&self, from: Seq, count: usize) -> Result<Vec<Vec<u8>>, LedgerError> {
        let stored = self.store.read(from, count)?;
        let in_order = (from..).zip(&stored).all(|(seq, one)| one.seq == seq);
        if !in_order {
            return Err(missing(from));
        }
        Ok(stored.into_iter().map(|stored| stored.bytes).collect())
    }

    fn within(&self, size: u64) -> Result<(), LedgerError> {
        let head = self.store.head()?;
        if size > head.size {
            return Err(LedgerError::Usage {
                what: format!("the ledger has {} entries, and not {size}", head.size),
            });
        }
        Ok(())
    }
}

/// The root of the tree over the first `size` entries of a store.
pub(crate) fn root(store: &dyn Store, size: u64) -> Result<Hash, LedgerError> {
    Ok(tree::join(&frontier(store, size)?))
}

/// The roots of the full subtrees of a tree, the largest first.
pub(crate) fn frontier(store: &dyn Store, size: u64) -> Result<Vec<Hash>, LedgerError> {
    let whole = Span {
        from: 0,
        until: size,
    };
    let spans: Vec<Span> = whole
        .nodes()
        .into_iter()
        .map(|node| Span {
            from: node.index << node.level,
            until: (node.index + 1) << node.level,
        })
        .collect();
    hashes(store, &spans, size)
}

fn hashes(store: &dyn Store, spans: &[Span], size: u64) -> Result<Vec<Hash>, LedgerError> {
    let tiles = store.tiles(&Tiles::needed(spans), size)?;
    tiles.spans(spans).ok_or_else(|| {
        LedgerError::cannot_judge(
            "the tree over this ledger is not built whole",
            "run `exeunt rebuild --write`: it makes it from the entries",
        )
    })
}

fn missing(seq: Seq) -> LedgerError {
    StoreError::Corrupt {
        seq: Some(seq),
        what: format!("entry {seq} is missing"),
    }
    .into()
}
