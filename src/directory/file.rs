//! Reading a file as one state of it, and what both kinds of file have in common.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::ProbeState;
use crate::directory::proof;
use crate::domain::person::PersonRecord;
use crate::domain::source::ReadProof;

/// Whom a file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contains {
    /// Everybody: who is missing may have left.
    Everybody,
    /// Only leavers: who stands there has left, or leaves at the date given there.
    Leavers,
}

/// The `disabled_by` of somebody who stands in a list of leavers without a date.
pub(super) const LISTED: &str = "listed-as-leaver";

/// The largest file that is read: 1 GiB.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// Reads a file, and refuses what changed meanwhile.
pub(super) fn read_stable(path: &Path) -> Result<Vec<u8>, DirectoryError> {
    read_between(path, MAX_BYTES, || ())
}

fn read_between(
    path: &Path,
    limit: u64,
    meanwhile: impl FnOnce(),
) -> Result<Vec<u8>, DirectoryError> {
    let named = std::fs::metadata(path).map_err(|e| cannot_open(path, &e))?;
    if !named.is_file() {
        return Err(DirectoryError::Configuration {
            what: format!("{} is not a file; name the file itself", path.display()),
        });
    }
    let mut file = File::open(path).map_err(|e| cannot_open(path, &e))?;
    let before = file.metadata().map_err(|e| cut(path, &e))?;
    let too_large = || DirectoryError::NotWhole {
        at: path.display().to_string(),
        fault: "read.too-large",
        detail: format!("the file is larger than {limit} bytes"),
    };
    if before.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let read = (&mut file).take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|e| cut(path, &e))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(too_large());
    }
    meanwhile();
    let after = file.metadata().map_err(|e| cut(path, &e))?;
    let there = std::fs::metadata(path).map_err(|_| moved(path))?;
    let same = [&after, &there]
        .into_iter()
        .all(|m| fingerprint(m) == fingerprint(&before));
    let whole = u64::try_from(bytes.len()) == Ok(before.len());
    if same && whole {
        Ok(bytes)
    } else {
        Err(moved(path))
    }
}

fn fingerprint(metadata: &Metadata) -> (u64, u64, u64, i64, i64) {
    let time = (metadata.mtime(), metadata.mtime_nsec());
    (
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        time.0,
        time.1,
    )
}

fn moved(path: &Path) -> DirectoryError {
    DirectoryError::NotWhole {
        at: path.display().to_string(),
        fault: "read.moved",
        detail: "the file changed while it was read; write it under another name and rename it \
                 when it is finished"
            .to_owned(),
    }
}

fn cut(path: &Path, error: &std::io::Error) -> DirectoryError {
    DirectoryError::NotWhole {
        at: path.display().to_string(),
        fault: "read.cut",
        detail: format!("the file could not be read to its end ({})", error.kind()),
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> DirectoryError {
    match error.kind() {
        ErrorKind::NotFound => DirectoryError::Configuration {
            what: format!(
                "there is no file {}; correct `path`, or wait for the export",
                path.display()
            ),
        },
        ErrorKind::PermissionDenied => DirectoryError::Rights {
            at: path.display().to_string(),
            what: "reading the file".to_owned(),
        },
        kind => DirectoryError::NotWhole {
            at: path.display().to_string(),
            fault: "read.cut",
            detail: format!("the file cannot be opened ({kind})"),
        },
    }
}

/// The file's bytes as text, without a byte order mark; refuses every other encoding.
pub(super) fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, DirectoryError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(unreadable(path, 1, "the file is UTF-16; save it as UTF-8"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + sound.iter().filter(|b| **b == b'\n').count();
        let what =
            "the line is not UTF-8 (perhaps Latin-1 or Windows-1252); save the file as UTF-8";
        unreadable(path, u64::try_from(line).unwrap_or(u64::MAX), what)
    })
}

/// What is wrong in a line.
pub(super) fn unreadable(path: &Path, line: u64, what: impl Into<String>) -> DirectoryError {
    DirectoryError::Unreadable {
        at: format!("{} line {line}", path.display()),
        what: what.into(),
    }
}

/// People by their keys, with the line on which each stands.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) people: BTreeMap<String, PersonRecord>,
    pub(super) without_key: u64,
    lines: BTreeMap<String, u64>,
}

impl Listed {
    /// Adds somebody; refuses a key that is there already.
    pub(super) fn add(
        &mut self,
        path: &Path,
        line: u64,
        person: PersonRecord,
    ) -> Result<(), DirectoryError> {
        match self.lines.entry(person.key.clone()) {
            Entry::Occupied(first) => Err(unreadable(
                path,
                line,
                format!(
                    "the key stands on line {} already; a key names one person",
                    first.get()
                ),
            )),
            Entry::Vacant(place) => {
                place.insert(line);
                self.people.insert(person.key.clone(), person);
                Ok(())
            }
        }
    }

    /// The whole read of a file.
    pub(super) fn into_read(self, identity: String, about: BTreeMap<String, String>) -> PeopleRead {
        let proof = ReadProof {
            identity,
            about,
            pages: 1,
            count: u64::try_from(self.people.len()).unwrap_or(u64::MAX),
            without_key: self.without_key,
            digest: proof::digest_of_keys(&self.people),
            ..ReadProof::default()
        };
        PeopleRead {
            people: self.people.into_values().collect(),
            proof,
        }
    }
}

/// Runs work on files beside the runtime's threads.
pub(super) async fn off_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, DirectoryError> + Send + 'static,
) -> Result<T, DirectoryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(DirectoryError::NotWhole {
            at: path.display().to_string(),
            fault: "read.cut",
            detail: format!("reading was broken off ({error})"),
        }),
    }
}

/// The probes of a file: whether it can be read, and whom it lists.
pub(super) fn probes(path: &Path, read: &Result<PeopleRead, DirectoryError>) -> Vec<Probe> {
    let read = match read {
        Ok(read) => read,
        Err(error) => return vec![Probe::bad("file", error)],
    };
    let mut probes = vec![Probe::good(
        "file",
        format!("{} can be read", path.display()),
    )];
    let says = format!(
        "{} people, {} without a key",
        read.proof.count, read.proof.without_key
    );
    let (state, hint) = match (read.proof.count, read.proof.without_key) {
        (0, _) => (
            ProbeState::Bad,
            Some("the file lists nobody; look at its export"),
        ),
        (_, 0) => (ProbeState::Good, None),
        _ => (
            ProbeState::Limited,
            Some("who has no key cannot be followed; reads count as suspect until all have one"),
        ),
    };
    probes.push(Probe {
        what: "people".to_owned(),
        state,
        says,
        hint: hint.map(str::to_owned),
    });
    probes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn fault(result: Result<Vec<u8>, DirectoryError>) -> &'static str {
        match result {
            Ok(_) => panic!("the file was read"),
            Err(error) => error.fault(),
        }
    }

    #[test]
    fn a_file_that_grows_is_not_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("people.csv");
        std::fs::write(&path, "id\n1\n").unwrap();
        assert_eq!(read_between(&path, 100, || ()).unwrap(), b"id\n1\n");
        let grow = || std::fs::write(&path, "id\n1\n2\n").unwrap();
        assert_eq!(fault(read_between(&path, 100, grow)), "read.moved");
    }

    #[test]
    fn a_file_that_is_replaced_or_removed_is_not_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("people.csv");
        let other = home.path().join("new.csv");
        std::fs::write(&path, "id\n1\n").unwrap();
        std::fs::write(&other, "id\n2\n").unwrap();
        let replace = || std::fs::rename(&other, &path).unwrap();
        assert_eq!(fault(read_between(&path, 100, replace)), "read.moved");
        let remove = || std::fs::remove_file(&path).unwrap();
        assert_eq!(fault(read_between(&path, 100, remove)), "read.moved");
    }

    #[test]
    fn a_file_has_a_largest_size_and_must_be_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("people.csv");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(fault(read_between(&path, 9, || ())), "read.too-large");
        assert_eq!(fault(read_stable(home.path())), "read.configuration");
        assert_eq!(
            fault(read_stable(&home.path().join("none"))),
            "read.configuration"
        );
    }

    #[test]
    fn only_utf8_is_text() {
        let path = Path::new("people.csv");
        assert_eq!(utf8(path, b"\xef\xbb\xbfid").unwrap(), "id");
        let says = utf8(path, b"id\nJ\xf6rg\n").unwrap_err().to_string();
        assert!(says.contains("line 2") && says.contains("UTF-8"), "{says}");
        let says = utf8(path, b"\xff\xfei\0d\0").unwrap_err().to_string();
        assert!(says.contains("UTF-16"), "{says}");
    }
}
