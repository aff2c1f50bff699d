//! Reading a file as one state of it, and what both kinds of file have in common.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::ProbeState;
use crate::directory::proof;
use crate::domain::person::PersonRecord;
use crate::domain::source::ReadProof;
use crate::domain::time::Time;

mod encoding;
mod place;

pub use crate::directory::file::encoding::Encoding;
pub(super) use crate::directory::file::encoding::text;
pub use crate::directory::file::place::FilePlace;

/// Whom a file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contains {
    /// Everybody: who is missing may have left.
    #[default]
    Everybody,
    /// Only leavers: who stands there has left, or leaves at the date given there.
    Leavers,
}

/// The `disabled_by` of somebody who stands in a list of leavers without a date.
pub(super) const LISTED: &str = "listed-as-leaver";

/// The largest file that is read: 1 GiB.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// A file as it was in one moment.
#[derive(Debug)]
pub(super) struct Whole {
    /// Which file it is.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
    /// When it was written, by its name or else by its file system, to the second.
    pub(super) written_at: Time,
}

/// Reads the file of a place, and refuses what changed meanwhile.
pub(super) fn read_stable(place: &FilePlace) -> Result<Whole, DirectoryError> {
    let (path, dated) = place.find()?;
    let (bytes, changed_at) = read_between(&path, MAX_BYTES, || ())?;
    Ok(Whole {
        path,
        bytes,
        written_at: dated.unwrap_or(changed_at),
    })
}

/// When the file of a place was written; it is not opened.
pub(super) fn written_at(place: &FilePlace) -> Result<Time, DirectoryError> {
    let (path, dated) = place.find()?;
    match dated {
        Some(time) => Ok(time),
        None => changed_at(&path),
    }
}

/// When a file was changed, as its file system says, to the second.
fn changed_at(path: &Path) -> Result<Time, DirectoryError> {
    let metadata = std::fs::metadata(path).map_err(|e| cannot_open(path, &e))?;
    Ok(Time::from_seconds(metadata.mtime()))
}

fn read_between(
    path: &Path,
    limit: u64,
    meanwhile: impl FnOnce(),
) -> Result<(Vec<u8>, Time), DirectoryError> {
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
        Ok((bytes, Time::from_seconds(before.mtime())))
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
    pub(super) fn into_read(
        self,
        identity: String,
        about: BTreeMap<String, String>,
        whole: &Whole,
    ) -> PeopleRead {
        let proof = ReadProof {
            identity,
            about,
            pages: 1,
            count: u64::try_from(self.people.len()).unwrap_or(u64::MAX),
            without_key: self.without_key,
            digest: proof::digest_of_keys(&self.people),
            content: Some(proof::digest_of_bytes(&whole.bytes)),
            written_at: Some(whole.written_at),
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
pub(super) fn probes(place: &FilePlace, read: &Result<PeopleRead, DirectoryError>) -> Vec<Probe> {
    let read = match read {
        Ok(read) => read,
        Err(error) => return vec![Probe::bad("file", error)],
    };
    let shown = place.path.display();
    let says = match read.proof.written_at {
        Some(time) => format!("{shown} can be read; written {}", time.to_seconds_text()),
        None => format!("{shown} can be read"),
    };
    let mut probes = vec![Probe::good("file", says)];
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

    fn fault<T>(result: Result<T, DirectoryError>) -> &'static str {
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
        assert_eq!(read_between(&path, 100, || ()).unwrap().0, b"id\n1\n");
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
        let read = |path: &Path| fault(read_stable(&FilePlace::at(path)));
        assert_eq!(read(home.path()), "read.configuration");
        assert_eq!(read(&home.path().join("none")), "read.configuration");
    }

    #[test]
    fn a_file_was_written_when_its_file_system_says_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("people.csv");
        std::fs::write(&path, "id\n1\n").unwrap();
        let then = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_900);
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(then).unwrap();
        let place = FilePlace::at(&path);
        let wanted = Time::from_seconds(1_700_000_000);
        assert_eq!(read_stable(&place).unwrap().written_at, wanted);
        assert_eq!(written_at(&place).unwrap(), wanted);
    }
}
