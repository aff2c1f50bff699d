//! Tiles: how the hashes of the tree are cut into pieces of 256 (C2SP tlog-tiles).

use std::collections::BTreeMap;

use crate::ledger::tree::Hash;
use crate::ledger::tree::Node;
use crate::ledger::tree::Span;
use crate::ledger::tree::join;
use crate::ledger::tree::node;

/// How many levels of the tree one level of tiles spans.
pub const HEIGHT: u32 = 8;

/// The most hashes of one tile.
pub const WIDTH: u64 = 1 << HEIGHT;

/// The most levels of tiles: 2^64 leaves fill no more.
pub const LEVELS: u32 = 8;

/// One tile. At level 0 it holds the hashes of leaves; above, the roots of full tiles below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// Its level, from 0.
    pub level: u32,
    /// Its place among those of its level.
    pub n: u64,
}

impl Tile {
    /// How many hashes it has in a tree of `size` leaves: at most 256; 0 if it does not exist.
    pub fn width(self, size: u64) -> u64 {
        let first = self.n << HEIGHT;
        size.checked_shr(HEIGHT * self.level)
            .unwrap_or(0)
            .saturating_sub(first)
            .min(WIDTH)
    }

    /// The tile that holds what a node is made of, and where: the first hash and how many.
    pub fn of(node: Node) -> (Tile, u64, u64) {
        let level = node.level / HEIGHT;
        let high = node.level % HEIGHT;
        let first = node.index << high;
        let tile = Tile {
            level,
            n: first >> HEIGHT,
        };
        (tile, first % WIDTH, 1 << high)
    }

    /// The path below the directory of an export, for a width of 1 to 256.
    pub fn path(self, width: u64) -> String {
        format!("tile/{}/{}", self.level, place(self.n, width))
    }
}

/// The path of a bundle of entries, for a width of 1 to 256.
pub fn entries_path(n: u64, width: u64) -> String {
    format!("tile/entries/{}", place(n, width))
}

/// A number in groups of three digits, all but the last behind an `x`; partial ones say their width.
fn place(n: u64, width: u64) -> String {
    let mut text = format!("{:03}", n % 1000);
    let mut rest = n / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH {
        text.push_str(&format!(".p/{width}"));
    }
    text
}

/// Every tile of a tree of `size` leaves with its width, level by level.
pub fn all(size: u64) -> impl Iterator<Item = (Tile, u64)> {
    (0..LEVELS).flat_map(move |level| {
        let hashes = size.checked_shr(HEIGHT * level).unwrap_or(0);
        (0..hashes.div_ceil(WIDTH)).map(move |n| {
            let tile = Tile { level, n };
            (tile, tile.width(size))
        })
    })
}

/// The root over hashes of one level.
pub fn root(hashes: &[Hash]) -> Hash {
    let mut parts = Vec::new();
    let mut rest = hashes;
    while !rest.is_empty() {
        let whole = 1_usize << rest.len().ilog2();
        let (left, right) = rest.split_at(whole);
        parts.push(full(left));
        rest = right;
    }
    join(&parts)
}

/// The root over a number of hashes that is a power of two.
fn full(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node(left, right)),
                _ => None,
            })
            .collect();
    }
    level.first().copied().unwrap_or_default()
}

/// Cuts the hashes of leaves, as they come, into tiles.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    /// For each level the number of full tiles and the hashes behind them.
    levels: Vec<(u64, Vec<Hash>)>,
}

impl Builder {
    /// Takes the next leaf; `each` gets every tile that is full now.
    pub fn push(&mut self, leaf: Hash, mut each: impl FnMut(Tile, &[Hash])) {
        let mut hash = leaf;
        for level in 0.. {
            let at = usize::try_from(level).unwrap_or(usize::MAX);
            if self.levels.len() <= at {
                self.levels.push((0, Vec::new()));
            }
            let Some((full, hashes)) = self.levels.get_mut(at) else {
                return;
            };
            hashes.push(hash);
            if u64::try_from(hashes.len()).is_ok_and(|n| n < WIDTH) {
                return;
            }
            each(Tile { level, n: *full }, hashes);
            hash = root(hashes);
            hashes.clear();
            *full += 1;
        }
    }

    /// The tiles that are not full.
    pub fn rest(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        let partial = (0..).zip(&self.levels);
        partial
            .filter(|(_, (_, hashes))| !hashes.is_empty())
            .map(|(level, (full, hashes))| (Tile { level, n: *full }, hashes.as_slice()))
    }
}

/// Tiles in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tiles(pub BTreeMap<Tile, Vec<Hash>>);

impl Tiles {
    /// Which tiles the hashes of these spans are made of, in order.
    pub fn needed(spans: &[Span]) -> Vec<Tile> {
        let mut tiles: Vec<Tile> = spans
            .iter()
            .flat_map(|span| span.nodes())
            .map(|node| Tile::of(node).0)
            .collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    }

    /// The hash of a full subtree; `None` if its tile is not here or too short.
    pub fn node(&self, node: Node) -> Option<Hash> {
        let (tile, first, count) = Tile::of(node);
        let first = usize::try_from(first).ok()?;
        let count = usize::try_from(count).ok()?;
        let hashes = self.0.get(&tile)?.get(first..first.checked_add(count)?)?;
        Some(full(hashes))
    }

    /// The hash over a span of leaves.
    pub fn span(&self, span: Span) -> Option<Hash> {
        let parts: Option<Vec<Hash>> = span.nodes().into_iter().map(|n| self.node(n)).collect();
        parts.map(|parts| join(&parts))
    }

    /// The hashes over several spans.
    pub fn spans(&self, spans: &[Span]) -> Option<Vec<Hash>> {
        spans.iter().map(|span| self.span(*span)).collect()
    }
}
