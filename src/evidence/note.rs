//! Signed notes (C2SP signed-note): a text and the signatures below it.

use std::fmt;

use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::evidence::merkle::sha256;

/// The most signatures of one note.
pub const MAX_SIGNATURES: usize = 100;

/// The most bytes of one note.
pub const MAX_NOTE: usize = 1 << 20;

/// What every signature line begins with.
const DASH: &str = "\u{2014} ";

/// Why bytes are not a note, or a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The bytes do not have the form of a signed note.
    #[error("it is not a signed note: {0}")]
    Form(&'static str),
    /// The text is not a verifier key.
    #[error("it is not a verifier key: {0}")]
    Key(&'static str),
    /// The text that was to be signed cannot be.
    #[error("it cannot be signed: {0}")]
    Text(&'static str),
}

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 over the text: 0x01.
    Ed25519,
    /// An Ed25519 cosignature with its time (C2SP tlog-cosignature): 0x04.
    Cosignature,
    /// One that this program cannot check.
    Other(u8),
}

impl Algorithm {
    const fn of(byte: u8) -> Self {
        match byte {
            0x01 => Self::Ed25519,
            0x04 => Self::Cosignature,
            other => Self::Other(other),
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
            Self::Other(byte) => byte,
        }
    }
}

/// The public key of a signer, with the name that it signs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    /// The name.
    pub name: String,
    /// The first four bytes of the hash over name and key.
    pub id: [u8; 4],
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public key.
    pub public: Vec<u8>,
}

impl VerifierKey {
    /// The key of a name.
    pub fn new(name: &str, algorithm: Algorithm, public: &[u8]) -> Self {
        let mut hashed = name.as_bytes().to_vec();
        hashed.push(b'\n');
        hashed.push(algorithm.byte());
        hashed.extend_from_slice(public);
        let [a, b, c, d, ..] = sha256(&hashed);
        Self {
            name: name.to_owned(),
            id: [a, b, c, d],
            algorithm,
            public: public.to_vec(),
        }
    }

    /// Reads `NAME+ID+KEY`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key(
                "it has no three parts with `+` between them",
            ));
        };
        if !sound_name(name) {
            return Err(NoteError::Key("its name is empty or has spaces in it"));
        }
        let typed = STANDARD
            .decode(key)
            .map_err(|_| NoteError::Key("its key is not base64"))?;
        let Some((kind, public)) = typed.split_first() else {
            return Err(NoteError::Key("its key is empty"));
        };
        let algorithm = Algorithm::of(*kind);
        if !matches!(algorithm, Algorithm::Other(_)) && public.len() != 32 {
            return Err(NoteError::Key("an Ed25519 key has 32 bytes"));
        }
        let found = Self::new(name, algorithm, public);
        // the id of other kinds may be made in another way
        let fits = matches!(algorithm, Algorithm::Other(_)) || id == hex::encode(found.id);
        if !fits {
            return Err(NoteError::Key("its id is not that of its name and key"));
        }
        let mut given = [0; 4];
        hex::decode_to_slice(id, &mut given)
            .map_err(|_| NoteError::Key("its id has not eight hexadecimal digits"))?;
        Ok(Self { id: given, ..found })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![self.algorithm.byte()];
        typed.extend_from_slice(&self.public);
        let (id, key) = (hex::encode(self.id), STANDARD.encode(typed));
        write!(f, "{}+{id}+{key}", self.name)
    }
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The signer's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// What follows the id.
    pub payload: Vec<u8>,
}

/// A text with its signatures, none of which is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last line feed.
    pub text: String,
    /// The signatures, in their order.
    pub signatures: Vec<Signature>,
}

/// What the signatures of one key are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The key has not signed.
    Absent,
    /// The key is named, and its signature is false.
    False,
    /// The key has signed; a cosigner says when, in seconds since 1970.
    Good(Option<u64>),
}

impl Note {
    /// Reads a note strictly.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::Form("it is too long"));
        }
        let all = std::str::from_utf8(bytes).map_err(|_| NoteError::Form("it is not UTF-8"))?;
        if all.chars().any(|c| c.is_ascii_control() && c != '\n') {
            return Err(NoteError::Form("it has control characters in it"));
        }
        let at = all.rfind("\n\n").ok_or(NoteError::Form(
            "no empty line stands before the signatures",
        ))?;
        let (text, lines) = all.split_at(at + 1);
        let lines = lines
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .filter(|lines| !lines.is_empty())
            .ok_or(NoteError::Form(
                "it has no signature with a line feed behind it",
            ))?;
        let signatures = lines
            .split('\n')
            .map(signature)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Form("it has too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// What the signatures of `key` are worth: all of them must hold.
    pub fn signed_by(&self, key: &VerifierKey) -> Signed {
        let mut worth = Signed::Absent;
        if matches!(key.algorithm, Algorithm::Other(_)) {
            // it may have signed, and nobody here can say so
            return worth;
        }
        let own = |s: &&Signature| s.name == key.name && s.id == key.id;
        for signature in self.signatures.iter().filter(own) {
            match self.holds(key, signature) {
                Some(time) => worth = Signed::Good(time),
                None => return Signed::False,
            }
        }
        worth
    }

    /// When a signature holds, its time where it has one.
    fn holds(&self, key: &VerifierKey, signature: &Signature) -> Option<Option<u64>> {
        let public = UnparsedPublicKey::new(&ED25519, &key.public);
        match key.algorithm {
            Algorithm::Ed25519 => public
                .verify(self.text.as_bytes(), &signature.payload)
                .ok()
                .map(|()| None),
            Algorithm::Cosignature => {
                let (time, bytes) = signature.payload.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                i64::try_from(time).ok()?;
                let message = format!("cosignature/v1\ntime {time}\n{}", self.text);
                public
                    .verify(message.as_bytes(), bytes)
                    .ok()
                    .map(|()| Some(time))
            }
            Algorithm::Other(_) => None,
        }
    }
}

fn signature(line: &str) -> Result<Signature, NoteError> {
    let broken = NoteError::Form("a line below the text is not a signature");
    let (name, encoded) = line
        .strip_prefix(DASH)
        .and_then(|rest| rest.split_once(' '))
        .filter(|(name, _)| sound_name(name))
        .ok_or(broken.clone())?;
    let bytes = STANDARD.decode(encoded).map_err(|_| broken.clone())?;
    match bytes.split_first_chunk::<4>() {
        Some((id, payload)) if !payload.is_empty() => Ok(Signature {
            name: name.to_owned(),
            id: *id,
            payload: payload.to_vec(),
        }),
        _ => Err(broken),
    }
}

/// Signs a text under a name; the whole note.
pub fn sign(text: &str, name: &str, pair: &Ed25519KeyPair) -> Result<String, NoteError> {
    if !text.ends_with('\n') || text.chars().any(|c| c.is_ascii_control() && c != '\n') {
        return Err(NoteError::Text(
            "it does not end in a line feed, or has other controls",
        ));
    }
    if !sound_name(name) {
        return Err(NoteError::Text("the name is empty or has spaces in it"));
    }
    let key = VerifierKey::new(name, Algorithm::Ed25519, pair.public_key().as_ref());
    let mut bytes = key.id.to_vec();
    bytes.extend_from_slice(pair.sign(text.as_bytes()).as_ref());
    Ok(format!("{text}\n{DASH}{name} {}\n", STANDARD.encode(bytes)))
}

/// Names are not empty and have neither spaces nor plus signs.
fn sound_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const TEXT: &str = "This is an example message.\n";
    const LINE: &str = "\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn note(text: &str, lines: &str) -> Result<Note, NoteError> {
        Note::parse(format!("{text}\n{lines}").as_bytes())
    }

    #[test]
    fn the_vector_of_the_specification_holds() {
        let key = VerifierKey::parse(KEY).unwrap();
        assert_eq!(key.to_string(), KEY);
        let good = note(TEXT, LINE).unwrap();
        assert_eq!(good.text, TEXT);
        assert_eq!(good.signed_by(&key), Signed::Good(None));
        let bent = note("This is an example massage.\n", LINE).unwrap();
        assert_eq!(bent.signed_by(&key), Signed::False);
    }

    #[test]
    fn unknown_signatures_are_passed_over_and_false_ones_are_not() {
        let key = VerifierKey::parse(KEY).unwrap();
        let other = LINE.replace("example.com/foo", "example.com/bar");
        let both = note(TEXT, &format!("{other}{LINE}")).unwrap();
        assert_eq!(both.signed_by(&key), Signed::Good(None));
        assert_eq!(note(TEXT, &other).unwrap().signed_by(&key), Signed::Absent);
        // the same key twice: both must hold
        let bent = LINE.replace("Uw2QOkn8", "Uw2QOkn9");
        let twice = note(TEXT, &format!("{LINE}{bent}")).unwrap();
        assert_eq!(twice.signed_by(&key), Signed::False);
        // a name alone, or an id alone, is not the key
        let id = LINE.replace("Uw2QOkn8", "Vw2QOkn8");
        assert_eq!(note(TEXT, &id).unwrap().signed_by(&key), Signed::Absent);
    }

    #[test]
    fn what_has_not_the_form_is_refused() {
        for broken in [
            String::new(),
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            format!("{TEXT}{LINE}"),
            format!("{TEXT}\n{}", LINE.trim_end()),
            format!("{TEXT}\n{LINE}\n"),
            format!("{TEXT}\n{}", LINE.replace('\u{2014}', "-")),
            format!("{TEXT}\n{}", LINE.replace("yaQM=", "yaQM")),
            format!("{TEXT}\n{}", LINE.replace("yaQM=\n", "yaQN=\n")),
            format!("a\rb\n\n{LINE}"),
            format!("{TEXT}\n\u{2014} example.com/foo AAAAAA==\n"),
            format!("{TEXT}\n{}", LINE.repeat(MAX_SIGNATURES + 1)),
        ] {
            assert!(Note::parse(broken.as_bytes()).is_err(), "{broken:?}");
        }
        assert!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n").is_err());
        // the text may have empty lines: the last one is the separator
        assert_eq!(note("a\n\nb\n", LINE).unwrap().text, "a\n\nb\n");
        assert_eq!(note(TEXT, &LINE.repeat(16)).unwrap().signatures.len(), 16);
    }

    #[test]
    fn broken_keys_are_refused() {
        for broken in [
            "",
            "example.com/foo",
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+Aeky",
            "example.com/foo+530d903a+",
        ] {
            assert!(VerifierKey::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_cosignature_signs_its_time() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
        let public = pair.public_key().as_ref();
        let key = VerifierKey::new("witness.example", Algorithm::Cosignature, public);
        let signed = pair.sign(format!("cosignature/v1\ntime 1700000000\n{TEXT}").as_bytes());
        let line = |time: u64, signature: &[u8]| {
            let bytes = [&key.id[..], &time.to_be_bytes(), signature].concat();
            format!("{DASH}witness.example {}\n", STANDARD.encode(bytes))
        };
        let good = note(TEXT, &line(1_700_000_000, signed.as_ref())).unwrap();
        assert_eq!(good.signed_by(&key), Signed::Good(Some(1_700_000_000)));
        let later = note(TEXT, &line(1_700_000_001, signed.as_ref())).unwrap();
        assert_eq!(later.signed_by(&key), Signed::False);
        // 68 bytes: a plain signature is no cosignature
        let bytes = [&key.id[..], signed.as_ref()].concat();
        let short = format!("{DASH}witness.example {}\n", STANDARD.encode(bytes));
        assert_eq!(note(TEXT, &short).unwrap().signed_by(&key), Signed::False);
    }
}
