//! Policy files (C2SP tlog-policy): which logs and witnesses a reader trusts. The reader's own; never
//! one that came with the evidence.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::evidence::note::Algorithm;
use crate::evidence::note::Note;
use crate::evidence::note::Signed;
use crate::evidence::note::VerifierKey;

/// Why a text is not a policy, and in which line that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PolicyError {
    /// The line, from 1; 0 for the whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// What is to be had from witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Witness(VerifierKey),
    Group { least: usize, members: Vec<String> },
}

/// Whom a reader trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The logs.
    pub logs: Vec<VerifierKey>,
    members: BTreeMap<String, Member>,
    /// What must have cosigned; `None` for nobody.
    quorum: Option<String>,
}

/// What a reader's policy says of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trusted {
    /// A log that the policy names has signed, and so have its witnesses.
    Yes {
        /// The log's key.
        log: String,
        /// The witnesses that have cosigned, with the seconds since 1970 that they say.
        cosigned: Vec<(String, u64)>,
    },
    /// A signature by a key of the policy is false.
    False(String),
    /// The policy does not say enough: another log, or too few witnesses.
    Unjudged(String),
}

impl Policy {
    /// Reads a policy strictly.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reading = Reading::default();
        for (line, row) in (1..).zip(text.lines()) {
            let fail = |what: String| PolicyError { line, what };
            if row.chars().any(|c| c.is_control() && c != '\t') {
                return Err(fail("it has control characters in it".to_owned()));
            }
            let row = row.split('#').next().unwrap_or_default();
            let words: Vec<&str> = row.split([' ', '\t']).filter(|w| !w.is_empty()).collect();
            reading.line(&words).map_err(fail)?;
        }
        let quorum = reading.quorum.ok_or_else(|| PolicyError {
            line: 0,
            what: "it has no quorum line (`quorum none` where no witness is asked for)".to_owned(),
        })?;
        Ok(Self {
            logs: reading.logs,
            members: reading.members,
            quorum,
        })
    }

    /// Judges the signatures of a note of the log `origin`.
    pub fn judge(&self, origin: &str, note: &Note) -> Trusted {
        let mut log = None;
        for key in self.logs.iter().filter(|key| key.name == origin) {
            match note.signed_by(key) {
                Signed::Absent => {}
                Signed::False => return Trusted::False(format!("the signature of {origin}")),
                Signed::Good(_) => log = Some(key.to_string()),
            }
        }
        let Some(log) = log else {
            return Trusted::Unjudged(self.unknown(origin));
        };
        let mut cosigned = BTreeMap::new();
        for (name, member) in &self.members {
            if let Member::Witness(key) = member {
                match note.signed_by(key) {
                    Signed::Absent => {}
                    Signed::False => {
                        return Trusted::False(format!("the signature of the witness {name}"));
                    }
                    Signed::Good(time) => {
                        cosigned.insert(name.clone(), time.unwrap_or(0));
                    }
                }
            }
        }
        if self
            .quorum
            .as_ref()
            .is_some_and(|q| !self.met(q, &cosigned))
        {
            let have = cosigned.len();
            return Trusted::Unjudged(format!("too few witnesses have signed: {have} of them"));
        }
        Trusted::Yes {
            log,
            cosigned: cosigned.into_iter().collect(),
        }
    }

    fn unknown(&self, origin: &str) -> String {
        if self.logs.iter().any(|key| key.name == origin) {
            return format!("the key that the policy has for {origin} has not signed");
        }
        format!("the policy names no log {origin}")
    }

    fn met(&self, name: &str, cosigned: &BTreeMap<String, u64>) -> bool {
        match self.members.get(name) {
            None => false,
            Some(Member::Witness(_)) => cosigned.contains_key(name),
            Some(Member::Group { least, members }) => {
                let have = members.iter().filter(|m| self.met(m, cosigned)).count();
                have >= *least
            }
        }
    }
}

#[derive(Default)]
struct Reading {
    logs: Vec<VerifierKey>,
    members: BTreeMap<String, Member>,
    grouped: BTreeSet<String>,
    quorum: Option<Option<String>>,
}

impl Reading {
    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            [] => Ok(()),
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] | ["witness", name, key, _] => self.witness(name, key),
            ["group", name, least, members @ ..] => self.group(name, least, members),
            ["quorum", name] => self.quorum(name),
            [word, ..] => Err(format!(
                "`{word}` with these words behind it has no meaning"
            )),
        }
    }

    fn log(&mut self, key: &str) -> Result<(), String> {
        let key = VerifierKey::parse(key).map_err(|e| e.to_string())?;
        if self.logs.iter().any(|other| other.public == key.public) {
            return Err("another log has the same key".to_owned());
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str) -> Result<(), String> {
        let key = VerifierKey::parse(key).map_err(|e| e.to_string())?;
        if key.algorithm == Algorithm::Ed25519 {
            return Err("the key of a witness signs a time as well (its type is 4)".to_owned());
        }
        let same = |m: &Member| matches!(m, Member::Witness(other) if other.public == key.public);
        if self.members.values().any(same) {
            return Err("another witness has the same key".to_owned());
        }
        self.add(name, Member::Witness(key))
    }

    fn group(&mut self, name: &str, least: &str, members: &[&str]) -> Result<(), String> {
        let least = match least {
            "all" => members.len(),
            "any" => 1,
            number => number
                .parse()
                .map_err(|_| format!("`{number}` is neither all, any nor a number"))?,
        };
        if least == 0 || least > members.len() {
            return Err("so many members it does not have".to_owned());
        }
        for member in members {
            if !self.members.contains_key(*member) {
                return Err(format!("`{member}` does not stand above it"));
            }
            if !self.grouped.insert((*member).to_owned()) {
                return Err(format!("`{member}` is a member of a group already"));
            }
        }
        let members = members.iter().map(|m| (*m).to_owned()).collect();
        self.add(name, Member::Group { least, members })
    }

    fn add(&mut self, name: &str, member: Member) -> Result<(), String> {
        if name == "none" {
            return Err("`none` is no name".to_owned());
        }
        if self.members.insert(name.to_owned(), member).is_some() {
            return Err(format!("`{name}` stands above it already"));
        }
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), String> {
        let quorum = (name != "none").then(|| name.to_owned());
        if let Some(name) = &quorum
            && !self.members.contains_key(name)
        {
            return Err(format!("`{name}` does not stand above it"));
        }
        if self.quorum.replace(quorum).is_some() {
            return Err("there is a quorum already".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use aws_lc_rs::signature::Ed25519KeyPair;
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::evidence::checkpoint::Checkpoint;

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn key(name: &str, algorithm: Algorithm, seed: u8) -> VerifierKey {
        VerifierKey::new(name, algorithm, pair(seed).public_key().as_ref())
    }

    /// The checkpoint of a log, cosigned by the witnesses with these seeds.
    fn note(cosigners: &[u8]) -> Note {
        let made = Checkpoint {
            origin: "a.example/log".to_owned(),
            size: 9,
            root: [9; 32],
        };
        let mut text = made.sign(&pair(1)).unwrap();
        for seed in cosigners {
            let name = format!("w{seed}.example");
            let id = key(&name, Algorithm::Cosignature, *seed).id;
            let message = format!("cosignature/v1\ntime 17\n{}", made.text());
            let signed = pair(*seed).sign(message.as_bytes());
            let bytes = [&id[..], &17_u64.to_be_bytes(), signed.as_ref()].concat();
            text.push_str(&format!("\u{2014} {name} {}\n", STANDARD.encode(bytes)));
        }
        Note::parse(text.as_bytes()).unwrap()
    }

    fn policy(rest: &str) -> Result<Policy, PolicyError> {
        let mut text = format!(
            "# whom I trust\nlog {}\n",
            key("a.example/log", Algorithm::Ed25519, 1)
        );
        for seed in [2_u8, 3, 4] {
            let vkey = key(&format!("w{seed}.example"), Algorithm::Cosignature, seed);
            text.push_str(&format!(
                "witness\tw{seed}  {vkey} https://w{seed}.example/\n"
            ));
        }
        Policy::parse(&format!("{text}{rest}"))
    }

    #[test]
    fn a_log_and_its_quorum_are_judged() {
        let none = policy("quorum none\n").unwrap();
        assert!(matches!(
            none.judge("a.example/log", &note(&[])),
            Trusted::Yes { .. }
        ));
        let two = policy("group g 2 w2 w3 w4 # of three\nquorum g\n").unwrap();
        let judged = |seeds: &[u8]| two.judge("a.example/log", &note(seeds));
        assert!(matches!(judged(&[2]), Trusted::Unjudged(_)));
        let both = vec![("w2".to_owned(), 17), ("w4".to_owned(), 17)];
        let signed = judged(&[2, 4]);
        assert!(matches!(signed, Trusted::Yes { cosigned, .. } if cosigned == both));
        assert!(matches!(
            two.judge("b.example/log", &note(&[2, 4])),
            Trusted::Unjudged(_)
        ));
        let nested = policy("group g any w2 w3\ngroup h all g w4\nquorum h\n").unwrap();
        let judged = |seeds: &[u8]| nested.judge("a.example/log", &note(seeds));
        assert!(matches!(judged(&[2, 3]), Trusted::Unjudged(_)));
        assert!(matches!(judged(&[3, 4]), Trusted::Yes { .. }));
    }

    #[test]
    fn a_false_signature_is_false_whatever_else_stands_there() {
        let none = policy("quorum none\n").unwrap();
        let mut bent = note(&[2]);
        bent.text = bent.text.replace("\n9\n", "\n8\n");
        assert!(matches!(
            none.judge("a.example/log", &bent),
            Trusted::False(_)
        ));
        let mut bent = note(&[2]);
        let last = bent.signatures.last_mut().unwrap();
        last.payload.truncate(64);
        assert!(matches!(
            none.judge("a.example/log", &bent),
            Trusted::False(_)
        ));
    }

    #[test]
    fn broken_policies_are_refused() {
        let log = key("a.example/log", Algorithm::Ed25519, 1);
        let same = key("b.example/log", Algorithm::Ed25519, 1);
        let plain = key("w5.example", Algorithm::Ed25519, 5);
        let twice = key("w9.example", Algorithm::Cosignature, 2);
        for broken in [
            String::new(),
            "quorum none\nquorum none\n".to_owned(),
            "quorum g\n".to_owned(),
            "group g 4 w2 w3 w4\nquorum g\n".to_owned(),
            "group g 0 w2\nquorum g\n".to_owned(),
            "group g some w2\nquorum g\n".to_owned(),
            "group g any w2 w7\nquorum g\n".to_owned(),
            "group g any w2\ngroup h any w2\nquorum h\n".to_owned(),
            "group w2 any w3\nquorum w2\n".to_owned(),
            "group none any w3\nquorum none\n".to_owned(),
            format!("log {same}\nquorum none\n"),
            format!("log {log}\nquorum none\n"),
            format!("witness w5 {plain}\nquorum none\n"),
            format!("witness w9 {twice}\nquorum none\n"),
            "trust everybody\nquorum none\n".to_owned(),
            "log x\nquorum none\n".to_owned(),
            "quorum none\u{7}\n".to_owned(),
        ] {
            assert!(policy(&broken).is_err(), "{broken:?}");
        }
    }
}
