//! Judges evidence that somebody was handed, with nothing but its bytes and the reader's own policy.
//!
//! Three verdicts that never stand for one another: whether it is whole (integrity), whether it is
//! the log's (authenticity), and whether the log was only appended to (append-only).

mod export;

use std::io::Read as _;
use std::path::Path;

use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::merkle::leaf;
use crate::evidence::note::Note;
use crate::evidence::policy::Policy;
use crate::evidence::policy::Trusted;
use crate::evidence::tlog_proof::MAGIC;
use crate::evidence::tlog_proof::Proof;
use crate::ledger::chain;
use crate::ledger::tree::proof;

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Good(String),
    /// It does not.
    False(String),
    /// Something is missing without which nothing can be said.
    CannotJudge(String),
    /// Nobody asked: what was handed in does not bear on it.
    NotAsked(String),
}

impl Verdict {
    /// Its word in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::False(_) => "false",
            Self::CannotJudge(_) => "cannot-judge",
            Self::NotAsked(_) => "not-asked",
        }
    }

    /// What it says.
    pub fn says(&self) -> &str {
        match self {
            Self::Good(says)
            | Self::False(says)
            | Self::CannotJudge(says)
            | Self::NotAsked(says) => says,
        }
    }
}

/// What kind of evidence it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A checkpoint.
    Checkpoint,
    /// The proof of one entry.
    Proof,
    /// A whole log in tiles.
    Tiles,
}

impl Kind {
    /// Its word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Proof => "proof",
            Self::Tiles => "tiles",
        }
    }
}

/// What was found about one piece of evidence.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it is.
    pub kind: Kind,
    /// What its checkpoint says, if that can be read.
    pub said: Option<Checkpoint>,
    /// Whether it is whole.
    pub integrity: Verdict,
    /// Whether it is the log's.
    pub authenticity: Verdict,
    /// Whether the log was only appended to.
    pub append_only: Verdict,
}

impl Judged {
    fn broken(kind: Kind, what: &str) -> Self {
        let not = || Verdict::CannotJudge("its form is broken".to_owned());
        Self {
            kind,
            said: None,
            integrity: Verdict::False(what.to_owned()),
            authenticity: not(),
            append_only: not(),
        }
    }

    /// The three verdicts with their names.
    pub fn verdicts(&self) -> [(&'static str, &Verdict); 3] {
        [
            ("integrity", &self.integrity),
            ("authenticity", &self.authenticity),
            ("append_only", &self.append_only),
        ]
    }
}

/// The gravest of several verdicts: false before cannot be judged before good. Nothing at all cannot
/// be judged either.
pub fn gravest<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> &'static str {
    let mut word = "cannot-judge";
    let mut any = false;
    for verdict in verdicts {
        match verdict {
            Verdict::False(_) => return "false",
            Verdict::CannotJudge(_) => (any, word) = (true, "cannot-judge"),
            Verdict::Good(_) if !any => (any, word) = (true, "good"),
            Verdict::Good(_) | Verdict::NotAsked(_) => {}
        }
    }
    word
}

/// A checkpoint that the reader kept, to compare others with.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it says.
    pub said: Checkpoint,
    /// The note as it was kept.
    pub text: String,
    /// Whether the policy vouches for it.
    pub trusted: bool,
}

/// Whom the reader trusts and what they kept.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// The policy, if one was named.
    pub policy: Option<Policy>,
    /// Checkpoints that were kept.
    pub kept: Vec<Kept>,
}

impl Reader {
    /// Takes a checkpoint that the reader kept.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (said, note) = Checkpoint::in_note(bytes).map_err(|e| e.to_string())?;
        let trusted = matches!(self.authenticity(&said, &note), Verdict::Good(_));
        self.kept.push(Kept {
            said,
            text: String::from_utf8_lossy(bytes).into_owned(),
            trusted,
        });
        Ok(())
    }

    /// Whether a checkpoint is that of its log.
    pub fn authenticity(&self, said: &Checkpoint, note: &Note) -> Verdict {
        let Some(policy) = &self.policy else {
            let what = "no policy was named (`--policy FILE`): who signed it, nobody can say";
            return Verdict::CannotJudge(what.to_owned());
        };
        match policy.judge(&said.origin, note) {
            Trusted::Yes { log, cosigned } => {
                let mut says = format!("signed by {log}");
                for (name, time) in cosigned {
                    says.push_str(&format!(", cosigned by {name} at {time}"));
                }
                Verdict::Good(says)
            }
            Trusted::False(what) => Verdict::False(format!("{what} is false")),
            Trusted::Unjudged(what) => Verdict::CannotJudge(what),
        }
    }

    /// Judges a checkpoint against those that were kept; `root_at` gives the root of the first so
    /// many entries where the entries are there.
    pub fn append_only(
        &self,
        said: &Checkpoint,
        text: &str,
        root_at: impl Fn(u64) -> Option<[u8; 32]>,
    ) -> Verdict {
        let mut verdict = Verdict::NotAsked(
            "no older checkpoint of this log was given (`--kept FILE`)".to_owned(),
        );
        let own = |kept: &&Kept| kept.said.origin == said.origin;
        for kept in self.kept.iter().filter(own) {
            let other = &kept.said;
            if !kept.trusted {
                let what = "the checkpoint that was kept is not vouched for by the policy";
                return Verdict::CannotJudge(what.to_owned());
            }
            let root = match other.size == said.size {
                true => Some(said.root),
                false => root_at(other.size),
            };
            match root {
                Some(root) if root == other.root => {
                    verdict = Verdict::Good(format!(
                        "the {} entries that were kept are its beginning",
                        other.size
                    ));
                }
                Some(_) => return rewritten(text, kept),
                None if other.size > said.size => {
                    return Verdict::False(format!(
                        "a checkpoint of {} entries was kept, and this is one of {}: it is older, \
                         or the end was cut off",
                        other.size, said.size
                    ));
                }
                None => {
                    let what = "the entries are not here: two checkpoints alone do not show it";
                    return Verdict::CannotJudge(what.to_owned());
                }
            }
        }
        match self.kept.first() {
            Some(kept) if verdict.word() == "not-asked" => other_log(&kept.said, said),
            _ => verdict,
        }
    }

    /// Judges a checkpoint.
    pub fn checkpoint(&self, bytes: &[u8]) -> Judged {
        let (said, note) = match Checkpoint::in_note(bytes) {
            Ok(read) => read,
            Err(e) => return Judged::broken(Kind::Checkpoint, &e.to_string()),
        };
        let text = String::from_utf8_lossy(bytes);
        Judged {
            kind: Kind::Checkpoint,
            integrity: Verdict::NotAsked(
                "no entries are here: a checkpoint alone shows none".to_owned(),
            ),
            authenticity: self.authenticity(&said, &note),
            append_only: self.append_only(&said, &text, |_| None),
            said: Some(said),
        }
    }

    /// Judges the proof of an entry; without its bytes nothing can be said of them.
    pub fn proof(&self, bytes: &[u8], entry: Option<&[u8]>) -> Judged {
        let proof = match Proof::parse(bytes) {
            Ok(proof) => proof,
            Err(e) => return Judged::broken(Kind::Proof, &e.to_string()),
        };
        let mut judged = self.checkpoint(proof.checkpoint.as_bytes());
        judged.kind = Kind::Proof;
        let (Some(said), Some(entry)) = (&judged.said, entry) else {
            if judged.said.is_some() {
                let what = "the entry's bytes are not here (`--entry FILE`)";
                judged.integrity = Verdict::CannotJudge(what.to_owned());
            }
            return judged;
        };
        let at = (proof.index, said.size);
        judged.integrity = if proof::includes(at.0, at.1, &leaf(entry), &proof.path, &said.root) {
            entry_is_whole(proof.index, entry)
        } else {
            Verdict::False(format!(
                "these bytes are not entry {} of the {} that were signed for",
                at.0, at.1
            ))
        };
        judged
    }

    /// Judges a file or a directory by what it is.
    pub fn file(&self, path: &Path, entry: Option<&[u8]>) -> Result<Judged, std::io::Error> {
        if path.is_dir() {
            return export::judge(self, path);
        }
        let bytes = read_some(path)?;
        if bytes.starts_with(MAGIC.as_bytes()) {
            return Ok(self.proof(&bytes, entry));
        }
        Ok(self.checkpoint(&bytes))
    }
}

fn rewritten(text: &str, kept: &Kept) -> Verdict {
    Verdict::False(format!(
        "history was rewritten: the two notes below contradict each other, and together they are the \
         evidence\n--- kept\n{}--- now\n{text}",
        kept.text
    ))
}

/// An anchor that does not overlap is no anchor.
fn other_log(kept: &Checkpoint, said: &Checkpoint) -> Verdict {
    let (old, new) = (&kept.origin, &said.origin);
    let went_on = new
        .strip_prefix(old.as_str())
        .and_then(|rest| rest.strip_prefix('/'));
    if went_on.is_some_and(|number| number.parse::<u64>().is_ok()) {
        return Verdict::CannotJudge(format!(
            "what was kept is of {old}, and this is {new}: it went on after a restore. Its entry \
             ledger.reopened has the last checkpoint before: compare that with what was kept"
        ));
    }
    Verdict::False(format!(
        "what was kept is of {old}, and this is another log: {new}"
    ))
}

/// The most bytes that are read of one file that somebody handed in: a full bundle of the longest
/// entries.
const MAX_FILE: u64 = 256 * (65_535 + 2);

/// Reads a file that may be anything.
fn read_some(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    let mut bytes = Vec::new();
    let mut some = std::fs::File::open(path)?.take(MAX_FILE + 1);
    some.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether what was signed for is an entry, and says so itself.
fn entry_is_whole(index: u64, bytes: &[u8]) -> Verdict {
    match chain::parse(bytes) {
        Ok(entry) if entry.seq == index => Verdict::Good(format!(
            "these bytes are entry {index} of those that were signed for"
        )),
        Ok(entry) => Verdict::False(format!("entry {index} says that it is {}", entry.seq)),
        Err(e) => Verdict::False(format!("entry {index} cannot be read: {e}")),
    }
}
