//! Checkpoints (C2SP tlog-checkpoint): what a log says about its whole tree, as a signed note.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::evidence::merkle::Hash;
use crate::evidence::note;
use crate::evidence::note::Note;
use crate::evidence::note::NoteError;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// How many entries the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Signs it under the name of its log; the whole note.
    pub fn sign(&self, pair: &Ed25519KeyPair) -> Result<String, NoteError> {
        note::sign(&self.text(), &self.origin, pair)
    }

    /// Reads the text of a note strictly; lines behind the third are let be.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let broken = |what| Err(NoteError::Form(what));
        let mut lines = text.strip_suffix('\n').unwrap_or_default().split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return broken("a checkpoint has three lines");
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return broken("a checkpoint has a name, and no empty lines");
        }
        let Some(size) = decimal(size) else {
            return broken("its second line is not a size");
        };
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::try_from(bytes).ok());
        let Some(root) = root else {
            return broken("its third line is not a root");
        };
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// Reads a note whose text is a checkpoint; nothing is believed yet.
    pub fn in_note(bytes: &[u8]) -> Result<(Self, Note), NoteError> {
        let note = Note::parse(bytes)?;
        Ok((Self::parse(&note.text)?, note))
    }
}

/// A number in decimal digits, without zeros in front.
pub fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;
    use crate::evidence::note::Algorithm;
    use crate::evidence::note::Signed;
    use crate::evidence::note::VerifierKey;

    #[test]
    fn a_signed_checkpoint_is_read_back() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let made = Checkpoint {
            origin: "example.com/exeunt".to_owned(),
            size: 20_852_163,
            root: [5; 32],
        };
        let text = made.sign(&pair).unwrap();
        assert!((190..200).contains(&text.len()), "{}", text.len());
        let (read, note) = Checkpoint::in_note(text.as_bytes()).unwrap();
        assert_eq!(read, made);
        let public = pair.public_key().as_ref();
        let key = VerifierKey::new("example.com/exeunt", Algorithm::Ed25519, public);
        assert_eq!(note.signed_by(&key), Signed::Good(None));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = STANDARD.encode([5; 32]);
        assert!(Checkpoint::parse(&format!("a\n1\n{root}\n")).is_ok());
        assert!(Checkpoint::parse(&format!("a\n1\n{root}\nmore\n")).is_ok());
        for broken in [
            String::new(),
            format!("a\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("a\n01\n{root}\n"),
            format!("a\n+1\n{root}\n"),
            format!("a\n-1\n{root}\n"),
            format!("a\n18446744073709551616\n{root}\n"),
            format!("a\n1\n{}\n", STANDARD.encode([5; 31])),
            format!("a\n1\n{}\n", root.trim_end_matches('=')),
            format!("a\n1\n{root}\n\nmore\n"),
            "a\n1\n".to_owned(),
        ] {
            assert!(Checkpoint::parse(&broken).is_err(), "{broken:?}");
        }
    }
}
