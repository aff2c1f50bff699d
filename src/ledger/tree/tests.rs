//! The tree against a plain recursive one, and against what others have published.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ledger::tree::proof::extends;
use crate::ledger::tree::proof::includes;
use crate::ledger::tree::tile::Tile;
use crate::ledger::tree::tile::Tiles;
use crate::ledger::tree::tile::WIDTH;

/// RFC 6962, section 2.1, word by word.
fn plain_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(b""),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(half(many.len()));
            node(&plain_root(left), &plain_root(right))
        }
    }
}

/// RFC 6962, section 2.1.1.
fn plain_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = half(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = if m < k {
        (plain_path(m, left), right)
    } else {
        (plain_path(m - k, right), left)
    };
    path.push(plain_root(other));
    path
}

/// RFC 6962, section 2.1.2.
fn plain_subproof(m: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if known {
            Vec::new()
        } else {
            vec![plain_root(leaves)]
        };
    }
    let k = half(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = if m <= k {
        (plain_subproof(m, left, known), right)
    } else {
        (plain_subproof(m - k, right, false), left)
    };
    path.push(plain_root(other));
    path
}

fn half(n: usize) -> usize {
    n.next_power_of_two() / 2
}

fn hashes(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|n| leaf(format!("entry {n}").as_bytes()))
        .collect()
}

/// The tiles of a tree as they follow from the definition.
fn tiles(leaves: &[Hash]) -> Tiles {
    let mut found = BTreeMap::new();
    let mut level = leaves.to_vec();
    for number in 0..tile::LEVELS {
        let whole = usize::try_from(WIDTH).unwrap();
        for (n, chunk) in (0..).zip(level.chunks(whole)) {
            found.insert(Tile { level: number, n }, chunk.to_vec());
        }
        level = level.chunks_exact(whole).map(plain_root).collect();
    }
    Tiles(found)
}

fn proves_like_the_definition(index: usize, old: usize, leaves: &[Hash]) {
    let size = leaves.len() as u64;
    let tiles = tiles(leaves);
    let root = plain_root(leaves);
    let whole = Span {
        from: 0,
        until: size,
    };
    assert_eq!(tiles.span(whole), Some(root));
    if index < leaves.len() {
        let spans = plan::inclusion(index as u64, size).unwrap();
        let path = tiles.spans(&spans).unwrap();
        assert_eq!(path, plain_path(index, leaves));
        assert!(includes(index as u64, size, &leaves[index], &path, &root));
        refuses_what_is_bent(index as u64, size, &leaves[index], &path, &root);
    }
    let spans = plan::consistency(old as u64, size).unwrap();
    let path = tiles.spans(&spans).unwrap();
    let before = plain_root(&leaves[..old]);
    if old > 0 && old < leaves.len() {
        assert_eq!(path, plain_subproof(old, leaves, true));
    }
    assert!(extends(old as u64, &before, size, &root, &path));
    for at in 0..path.len() {
        let mut bent = path.clone();
        bent[at][7] ^= 1;
        assert!(!extends(old as u64, &before, size, &root, &bent));
        bent.remove(at);
        assert!(!extends(old as u64, &before, size, &root, &bent));
    }
    let mut other = before;
    other[0] ^= 1;
    assert!(!extends(old as u64, &other, size, &root, &path));
}

fn refuses_what_is_bent(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) {
    for at in 0..path.len() {
        let mut bent = path.to_vec();
        bent[at][31] ^= 0x80;
        assert!(!includes(index, size, leaf, &bent, root));
        bent.remove(at);
        assert!(!includes(index, size, leaf, &bent, root));
    }
    let longer = [path, &[*root]].concat();
    assert!(!includes(index, size, leaf, &longer, root));
    assert!(!includes(size, size, leaf, path, root));
    let mut other = *leaf;
    other[3] ^= 2;
    assert!(!includes(index, size, &other, path, root));
}

#[test]
fn every_pair_of_small_trees_is_proved() {
    for size in 0..70 {
        let leaves = hashes(size);
        for other in 0..=size {
            proves_like_the_definition(other, other, &leaves);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_tree_is_proved_from_its_tiles(size in 1_usize..2_100, a in 0.0..1.0, b in 0.0..1.0) {
        let at = |share: f64, most: usize| ((most as f64) * share) as usize;
        proves_like_the_definition(at(a, size), at(b, size + 1), &hashes(size));
    }
}

#[test]
fn a_tree_with_a_tile_of_tiles_is_proved() {
    let leaves = hashes(66_000);
    for (index, old) in [(0, 1), (65_535, 65_536), (65_536, 65_535), (65_999, 65_900)] {
        proves_like_the_definition(index, old, &leaves);
    }
}

#[test]
fn a_builder_cuts_the_same_tiles() {
    for size in [0, 1, 255, 256, 257, 1_000, 65_536, 66_000] {
        let leaves = hashes(size);
        let mut builder = tile::Builder::default();
        let mut found = BTreeMap::new();
        for leaf in &leaves {
            builder.push(*leaf, |tile, hashes| {
                found.insert(tile, hashes.to_vec());
            });
        }
        found.extend(builder.rest().map(|(tile, hashes)| (tile, hashes.to_vec())));
        assert_eq!(found, tiles(&leaves).0, "{size}");
    }
}

/// The seven leaves of RFC 6962, section 2.1.3, whose proofs it spells out.
#[test]
fn the_example_of_the_standard_holds() {
    let d = hashes(7);
    let n = |from: usize, until: usize| plain_root(&d[from..until]);
    let tiles = tiles(&d);
    let path = |index| tiles.spans(&plan::inclusion(index, 7).unwrap()).unwrap();
    assert_eq!(path(0), [d[1], n(2, 4), n(4, 7)]);
    assert_eq!(path(3), [d[2], n(0, 2), n(4, 7)]);
    assert_eq!(path(4), [d[5], d[6], n(0, 4)]);
    assert_eq!(path(6), [n(4, 6), n(0, 4)]);
    let from = |old| tiles.spans(&plan::consistency(old, 7).unwrap()).unwrap();
    assert_eq!(from(3), [d[2], d[3], n(0, 2), n(4, 7)]);
    assert_eq!(from(4), [n(4, 7)]);
    assert_eq!(from(6), [n(4, 6), d[6], n(0, 4)]);
}

/// The leaves and proofs that the implementations of Certificate Transparency are tested with.
#[test]
fn the_known_vectors_hold() {
    let bytes = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let leaves: Vec<Hash> = bytes
        .iter()
        .map(|b| leaf(&hex::decode(b).unwrap()))
        .collect();
    let tiles = tiles(&leaves);
    let text = |hashes: Vec<Hash>| -> Vec<String> { hashes.iter().map(hex::encode).collect() };
    let path = |index, size| {
        let tiles = self::tiles(&leaves[..size as usize]);
        text(tiles.spans(&plan::inclusion(index, size).unwrap()).unwrap())
    };
    assert_eq!(
        path(0, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    assert_eq!(
        path(5, 8),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert_eq!(
        path(1, 5),
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ]
    );
    let from = |old| text(tiles.spans(&plan::consistency(old, 8).unwrap()).unwrap());
    assert_eq!(
        from(6),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

/// The examples of C2SP tlog-tiles.
#[test]
fn tiles_are_cut_and_named_as_others_do() {
    let at = |level, n| Tile { level, n };
    assert_eq!(at(0, 1_234_067).path(256), "tile/0/x001/x234/067");
    assert_eq!(at(2, 0).path(1), "tile/2/000.p/1");
    assert_eq!(tile::entries_path(5, 17), "tile/entries/005.p/17");
    let widths = |size: u64| -> Vec<(u32, u64, u64)> {
        tile::all(size).map(|(t, w)| (t.level, t.n, w)).collect()
    };
    let large = widths(70_000);
    assert_eq!(
        large
            .iter()
            .filter(|(l, _, w)| (*l, *w) == (0, 256))
            .count(),
        273
    );
    assert_eq!(
        large[273..],
        [(0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)]
    );
    assert_eq!(widths(256), [(0, 0, 256), (1, 0, 1)]);
    assert_eq!(widths(0), []);
}
