//! A whole log in tiles: every entry is hashed anew, and every tile compared.

use std::collections::BTreeMap;
use std::io;
use std::io::ErrorKind;
use std::path::Path;

use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::judge::Judged;
use crate::evidence::judge::Kind;
use crate::evidence::judge::Reader;
use crate::evidence::judge::Verdict;
use crate::evidence::judge::read_some;
use crate::ledger::chain;
use crate::ledger::chain::NO_LINK;
use crate::ledger::tree::Hash;
use crate::ledger::tree::Tree;
use crate::ledger::tree::leaf;
use crate::ledger::tree::tile;
use crate::ledger::tree::tile::Builder;
use crate::ledger::tree::tile::Tile;
use crate::ledger::tree::tile::WIDTH;

/// Why the reading ended early.
enum Stop {
    Judged(Verdict),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Judges a directory.
pub(super) fn judge(reader: &Reader, directory: &Path) -> Result<Judged, io::Error> {
    let missing = |what: String| {
        let mut judged = Judged::broken(Kind::Tiles, "");
        judged.integrity = Verdict::CannotJudge(what);
        judged
    };
    let bytes = match read_some(&directory.join("checkpoint")) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Ok(missing("it has no file `checkpoint`".to_owned()));
        }
        Err(e) => return Err(e),
    };
    let mut judged = reader.checkpoint(&bytes);
    judged.kind = Kind::Tiles;
    let Some(said) = judged.said.clone() else {
        return Ok(judged);
    };
    let mut walk = Walk::new(reader, directory, &said);
    judged.integrity = match walk.all() {
        Ok(verdict) | Err(Stop::Judged(verdict)) => verdict,
        Err(Stop::Io(error)) => return Err(error),
    };
    judged.append_only = match &judged.integrity {
        Verdict::Good(_) => {
            let text = String::from_utf8_lossy(&bytes);
            reader.append_only(&said, &text, |size| walk.roots.get(&size).copied())
        }
        _ => Verdict::CannotJudge("the entries are not whole".to_owned()),
    };
    Ok(judged)
}

struct Walk<'a> {
    directory: &'a Path,
    said: &'a Checkpoint,
    tree: Tree,
    builder: Builder,
    prev: Hash,
    /// The roots at the sizes that the reader kept checkpoints of.
    roots: BTreeMap<u64, Hash>,
    wanted: Vec<u64>,
}

impl<'a> Walk<'a> {
    fn new(reader: &Reader, directory: &'a Path, said: &'a Checkpoint) -> Self {
        Self {
            directory,
            said,
            tree: Tree::new(),
            builder: Builder::default(),
            prev: NO_LINK,
            roots: BTreeMap::new(),
            wanted: reader.kept.iter().map(|kept| kept.said.size).collect(),
        }
    }

    fn all(&mut self) -> Result<Verdict, Stop> {
        let size = self.said.size;
        if size == 0 {
            return Ok(Verdict::CannotJudge("it has no entries".to_owned()));
        }
        while self.tree.size() < size {
            let n = self.tree.size() / WIDTH;
            let width = (size - self.tree.size()).min(WIDTH);
            self.bundle(&tile::entries_path(n, width), width)?;
        }
        let rest: Vec<(Tile, Vec<Hash>)> = self
            .builder
            .rest()
            .map(|(tile, hashes)| (tile, hashes.to_vec()))
            .collect();
        for (tile, hashes) in rest {
            self.compare(tile, &hashes)?;
        }
        if self.tree.root() != self.said.root {
            return Ok(Verdict::False(format!(
                "the {size} entries are not those that were signed for"
            )));
        }
        Ok(Verdict::Good(format!(
            "all {size} entries are those that were signed for; every tile and link was checked"
        )))
    }

    fn bundle(&mut self, path: &str, width: u64) -> Result<(), Stop> {
        let bytes = self.read(path)?;
        let mut rest = bytes.as_slice();
        for _ in 0..width {
            let Some((entry, behind)) = first(rest) else {
                return self.wrong(path, "it ends too early");
            };
            self.entry(entry)?;
            rest = behind;
        }
        if !rest.is_empty() {
            return self.wrong(path, "it has more than its entries");
        }
        Ok(())
    }

    fn entry(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let seq = self.tree.size();
        let said = |what: &str| {
            let what = format!("entry {seq}: {what}");
            Err(Stop::Judged(Verdict::False(what)))
        };
        match chain::parse(bytes) {
            Err(e) => return said(&e.to_string()),
            Ok(entry) if entry.seq != seq => return said("it says another position"),
            Ok(entry) if entry.prev != hex::encode(self.prev) => {
                return said("its prev is not the link of the entry before");
            }
            Ok(_) => {}
        }
        self.prev = chain::link(bytes);
        let hash = leaf(bytes);
        self.tree.push_hash(hash);
        if self.wanted.contains(&self.tree.size()) {
            self.roots.insert(self.tree.size(), self.tree.root());
        }
        let mut full = Vec::new();
        self.builder
            .push(hash, |tile, hashes| full.push((tile, hashes.to_vec())));
        for (tile, hashes) in full {
            self.compare(tile, &hashes)?;
        }
        Ok(())
    }

    fn compare(&self, tile: Tile, hashes: &[Hash]) -> Result<(), Stop> {
        let path = tile.path(u64::try_from(hashes.len()).unwrap_or(WIDTH));
        if self.read(&path)? == hashes.as_flattened() {
            return Ok(());
        }
        self.wrong(&path, "its hashes are not those of the entries")
    }

    fn wrong(&self, path: &str, what: &str) -> Result<(), Stop> {
        Err(Stop::Judged(Verdict::False(format!("{path}: {what}"))))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Stop> {
        match read_some(&self.directory.join(path)) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(Stop::Judged(Verdict::CannotJudge(
                format!("{path} is missing"),
            ))),
            Err(e) => Err(e.into()),
        }
    }
}

/// The first entry of a bundle, and what is behind it.
fn first(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
