//! The tree of RFC 6962 over exact bytes: SHA-256, leaves and nodes told apart.

use aws_lc_rs::digest;

/// A hash of the tree.
pub type Hash = [u8; 32];

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Hash {
    of(&[bytes])
}

/// The hash of a leaf: SHA-256 over 0x00 and its bytes.
pub fn leaf(bytes: &[u8]) -> Hash {
    of(&[&[0], bytes])
}

/// The hash of a node: SHA-256 over 0x01 and its two children.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    of(&[&[1], left, right])
}

fn of(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// A tree that grows leaf by leaf and keeps only the roots of its full subtrees.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    /// The roots of the full subtrees, the largest first: one for each bit of `size` that is set.
    full: Vec<Hash>,
}

impl Tree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree that goes on from the roots of its full subtrees, the largest first; `None` if a tree
    /// of `size` leaves does not have so many.
    pub fn resume(size: u64, full: Vec<Hash>) -> Option<Self> {
        let fits = u32::try_from(full.len()).is_ok_and(|n| n == size.count_ones());
        fits.then_some(Self { size, full })
    }

    /// The roots of its full subtrees, the largest first.
    pub fn parts(&self) -> &[Hash] {
        &self.full
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_hash(leaf(bytes));
    }

    /// Adds a leaf by its hash.
    pub fn push_hash(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut rest = self.size;
        while rest & 1 == 1 {
            match self.full.pop() {
                Some(left) => hash = node(&left, &hash),
                None => break,
            }
            rest >>= 1;
        }
        self.full.push(hash);
        self.size += 1;
    }

    /// The root; SHA-256 of nothing for an empty tree.
    pub fn root(&self) -> Hash {
        let mut smaller = self.full.iter().rev();
        match smaller.next() {
            None => sha256(b""),
            Some(last) => smaller.fold(*last, |right, left| node(left, &right)),
        }
    }
}

/// The root over a list of leaves.
pub fn root<I>(leaves: I) -> Hash
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let mut tree = Tree::new();
    for bytes in leaves {
        tree.push(bytes.as_ref());
    }
    tree.root()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    /// The leaves that the implementations of Certificate Transparency test with.
    fn leaves() -> Vec<Vec<u8>> {
        [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        .iter()
        .map(|text| hex::decode(text).unwrap_or_default())
        .collect()
    }

    #[test]
    fn agrees_with_the_known_roots() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves = leaves();
        for (count, wanted) in roots.iter().enumerate() {
            assert_eq!(
                hex::encode(root(&leaves[..count])),
                *wanted,
                "{count} leaves"
            );
        }
    }

    #[test]
    fn agrees_with_the_recursive_definition() {
        fn plain(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => sha256(b""),
                [one] => *one,
                many => {
                    let half = many.len().next_power_of_two() / 2;
                    let (left, right) = many.split_at(half);
                    node(&plain(left), &plain(right))
                }
            }
        }
        let hashes: Vec<Hash> = (0..130_u32).map(|n| leaf(&n.to_be_bytes())).collect();
        let mut tree = Tree::new();
        for count in 0..hashes.len() {
            assert_eq!(tree.root(), plain(&hashes[..count]));
            assert_eq!(tree.size(), count as u64);
            tree.push_hash(hashes[count]);
        }
    }
}
