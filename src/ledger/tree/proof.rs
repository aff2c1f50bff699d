//! Checks proofs, by the procedures of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use crate::ledger::tree::Hash;
use crate::ledger::tree::node;

/// The most hashes of any proof: a path through 63 levels, and one more.
pub const MAX_HASHES: usize = 64;

/// The root that a leaf at `index` and its path give for a tree of `size` leaves; `None` if the path
/// does not have the shape of one.
pub fn root_of(index: u64, size: u64, leaf: &Hash, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut fine, mut last) = (index, size - 1);
    let mut root = *leaf;
    for hash in path {
        if last == 0 {
            return None;
        }
        if fine & 1 == 1 || fine == last {
            root = node(hash, &root);
            while fine & 1 == 0 && fine != 0 {
                fine >>= 1;
                last >>= 1;
            }
        } else {
            root = node(&root, hash);
        }
        fine >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether a leaf is at `index` in the tree of `size` leaves with this root.
pub fn includes(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> bool {
    root_of(index, size, leaf, path).is_some_and(|found| found == *root)
}

/// Whether the tree of `old` leaves with its root is the beginning of that of `size` with its root.
pub fn extends(old: u64, old_root: &Hash, size: u64, root: &Hash, path: &[Hash]) -> bool {
    if old == size {
        return path.is_empty() && old_root == root;
    }
    if old > size {
        return false;
    }
    if old == 0 {
        // nothing was said by an empty tree, and its root is known
        return path.is_empty() && *old_root == crate::ledger::tree::sha256(b"");
    }
    let (mut fine, mut last) = (old - 1, size - 1);
    while fine & 1 == 1 {
        fine >>= 1;
        last >>= 1;
    }
    // a full subtree is itself the first hash
    let whole = old.is_power_of_two().then_some(*old_root);
    let mut hashes = whole.iter().chain(path);
    let Some(first) = hashes.next() else {
        return false;
    };
    let (mut before, mut now) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if fine & 1 == 1 || fine == last {
            before = node(hash, &before);
            now = node(hash, &now);
            while fine & 1 == 0 && fine != 0 {
                fine >>= 1;
                last >>= 1;
            }
        } else {
            now = node(&now, hash);
        }
        fine >>= 1;
        last >>= 1;
    }
    last == 0 && before == *old_root && now == *root
}
