//! Proofs of one entry (C2SP tlog-proof): its position, the path to the root, and the checkpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::evidence::checkpoint::decimal;
use crate::evidence::merkle::Hash;
use crate::evidence::note::NoteError;

/// The first line.
pub const MAGIC: &str = "c2sp.org/tlog-proof@v1";

/// The most hashes of a path.
const MAX_PATH: usize = 64;

/// A proof; nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's position.
    pub index: u64,
    /// The path, the leaf's sibling first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, as it is.
    pub checkpoint: String,
}

impl Proof {
    /// Its text.
    pub fn text(&self) -> String {
        let mut text = format!("{MAGIC}\nindex {}\n", self.index);
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads it strictly.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let broken = |what| NoteError::Form(what);
        let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8"))?;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(broken("no checkpoint stands behind an empty line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(MAGIC) {
            return Err(broken("its first line is not that of a proof"));
        }
        // nothing vouches for what stands there
        if let Some(extra) = lines.next_if(|line| line.starts_with("extra ")) {
            let encoded = extra.strip_prefix("extra ").unwrap_or_default();
            STANDARD
                .decode(encoded)
                .map_err(|_| broken("its extra line is not base64"))?;
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(broken("it names no position"))?;
        let path: Option<Vec<Hash>> = lines.map(hash).collect();
        let path = path.ok_or(broken("a line of its path is not a hash"))?;
        if path.len() > MAX_PATH {
            return Err(broken("its path is too long"));
        }
        Ok(Self {
            index,
            path,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

fn hash(line: &str) -> Option<Hash> {
    Hash::try_from(STANDARD.decode(line).ok()?).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_back_and_others_are_refused() {
        let proof = Proof {
            index: 3,
            path: vec![[1; 32], [2; 32]],
            checkpoint: "a\n4\nx\n\n\u{2014} a b\n".to_owned(),
        };
        let text = proof.text();
        assert_eq!(Proof::parse(text.as_bytes()).unwrap(), proof);
        let extra = text.replace("index", "extra AAAA\nindex");
        assert_eq!(Proof::parse(extra.as_bytes()).unwrap(), proof);
        let alone = Proof {
            path: Vec::new(),
            ..proof
        };
        assert_eq!(Proof::parse(alone.text().as_bytes()).unwrap(), alone);
        for (from, to) in [
            ("@v1", "@v2"),
            ("index 3", "index 03"),
            ("index 3\n", ""),
            ("index 3", "index -3"),
            ("AQEB", "AQE"),
            ("\n\n", "\n"),
        ] {
            assert!(Proof::parse(text.replace(from, to).as_bytes()).is_err());
        }
    }
}
