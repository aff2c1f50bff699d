//! The tree of RFC 6962 over the entries' bytes: which of its nodes a root or a proof needs, where
//! they lie in tiles, and how a proof is checked. Pure: nothing here reads or writes.

pub mod plan;
pub mod proof;
pub mod tile;

pub use crate::evidence::merkle::Hash;
pub use crate::evidence::merkle::Tree;
pub use crate::evidence::merkle::leaf;
pub use crate::evidence::merkle::node;
pub use crate::evidence::merkle::sha256;

/// A full subtree: the root over 2^`level` leaves from `index` · 2^`level` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// How high it stands; a leaf is at 0.
    pub level: u32,
    /// Its place among those of its level.
    pub index: u64,
}

/// The leaves from `from` up to and without `until`, of which RFC 6962 makes one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first leaf.
    pub from: u64,
    /// The leaf after the last.
    pub until: u64,
}

impl Span {
    /// The full subtrees that it is made of, the largest and leftmost first.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut from = self.from;
        while from < self.until {
            let level = (self.until - from).ilog2();
            nodes.push(Node {
                level,
                index: from >> level,
            });
            from += 1 << level;
        }
        nodes
    }
}

/// The root over subtrees of falling size: those on the right are joined first.
pub fn join(parts: &[Hash]) -> Hash {
    let mut parts = parts.iter().rev();
    match parts.next() {
        None => sha256(b""),
        Some(last) => parts.fold(*last, |right, left| node(left, &right)),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests;
