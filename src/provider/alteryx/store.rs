//! The pair of tokens beside the vault: one small file that is whole at every moment, and the lock
//! that lets one process at a time have a new pair made.
//!
//! Each refresh token can be used once. What is written here is all that is left of the right to
//! ask again, so that every change of the file is on the disk before anything rests on it.

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::crash;
use crate::domain::time::Time;
use crate::files;
use crate::provider::http::Secret;
use crate::provider::listing::sha256;

/// How often the lock is tried while another process has it.
const EVERY: Duration = Duration::from_millis(25);

/// The largest file that is read.
const MOST_BYTES: u64 = 1024 * 1024;

/// What is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// The fingerprint of the configured refresh token that all this descends from.
    pub(super) first: String,
    /// The refresh token to be used next.
    pub(super) refresh: Secret,
    /// The newest access token.
    pub(super) access: Option<Access>,
    /// Why the refresh token must not be used any more.
    pub(super) mark: Option<Mark>,
}

/// An access token and how long it is good for, by our clock.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// The token.
    pub(super) token: Secret,
    /// From when on a new one is asked for.
    pub(super) renew_from: Time,
    /// Its end.
    pub(super) good_until: Time,
}

/// What became of the refresh token as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// It was sent then, and no answer has been written down.
    InFlight(Time),
    /// The token endpoint refused it then, for good.
    Refused(Time),
}

/// A digest that tells one token from another and gives away neither.
pub(super) fn fingerprint(token: &Secret) -> String {
    sha256(&["alteryx token", token.expose().trim()])
}

/// The file and its lock.
#[derive(Debug, Clone)]
pub(super) struct Store {
    path: PathBuf,
}

impl Store {
    /// Keeps the pair at `path`; touches nothing yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where the pair is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock, held until the file is dropped or the process ends; waits for another
    /// process at most `patience`.
    pub(super) async fn lock(&self, patience: Duration) -> io::Result<File> {
        let path = files::beside(&self.path, ".lock");
        let file = files::lock_file(&path)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                    tokio::time::sleep(EVERY).await;
                }
                Err(TryLockError::WouldBlock) => {
                    let what = format!("another process holds {}", path.display());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, what));
                }
                Err(TryLockError::Error(e)) => return Err(e),
            }
        }
    }

    /// Reads what is kept; `None` if there is no file.
    pub(super) fn load(&self) -> Result<Option<Kept>, String> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(format!("{} cannot be read: {e}", self.path.display())),
        };
        let mut text = Zeroizing::new(String::new());
        file.take(MOST_BYTES)
            .read_to_string(&mut text)
            .map_err(|e| format!("{} cannot be read: {e}", self.path.display()))?;
        let kept = serde_json::from_str(&text).ok().as_ref().and_then(read);
        kept.map(Some)
            .ok_or_else(|| format!("{} is damaged", self.path.display()))
    }

    /// Puts what is kept in place of what was; it is on the disk when this returns.
    pub(super) fn save(&self, kept: &Kept) -> Result<(), String> {
        let text = Zeroizing::new(written(kept).to_string());
        self.replace(text.as_bytes())
            .map_err(|e| format!("{} cannot be written: {e}", self.path.display()))
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let fresh = files::beside(&self.path, ".new");
        // a file that a dead process left may have other rights
        match fs::remove_file(&fresh) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        files::write_new(&fresh, content)?;
        crash::point("token-file-written");
        fs::rename(&fresh, &self.path)?;
        crash::point("token-file-renamed");
        files::sync_names(&self.path)
    }
}

fn written(kept: &Kept) -> Value {
    let mut value = json!({ "first": kept.first, "refresh_token": kept.refresh.expose() });
    if let Some(access) = &kept.access {
        put(&mut value, "access_token", access.token.expose().into());
        put(&mut value, "renew_from", time(access.renew_from));
        put(&mut value, "good_until", time(access.good_until));
    }
    let digest = fingerprint(&kept.refresh);
    match kept.mark {
        Some(Mark::InFlight(since)) => put(&mut value, "in_flight", mark(since, &digest)),
        Some(Mark::Refused(since)) => put(&mut value, "refused", mark(since, &digest)),
        None => {}
    }
    value
}

fn put(value: &mut Value, name: &str, of: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(name.to_owned(), of);
    }
}

fn time(time: Time) -> Value {
    time.to_string().into()
}

fn mark(since: Time, digest: &str) -> Value {
    json!({ "since": since.to_string(), "token": digest })
}

/// Reads the file; `None` if anything in it is not as it was written.
fn read(value: &Value) -> Option<Kept> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let time = |value: Option<&Value>| Time::parse(value?.as_str()?);
    let access = match text("access_token") {
        None => None,
        Some(token) => Some(Access {
            token: Secret::new(token),
            renew_from: time(value.get("renew_from"))?,
            good_until: time(value.get("good_until"))?,
        }),
    };
    let refresh = Secret::new(text("refresh_token").filter(|t| !t.is_empty())?);
    let marked = |name: &str| -> Option<Option<Time>> {
        let Some(mark) = value.get(name) else {
            return Some(None);
        };
        let own = mark.get("token")?.as_str()? == fingerprint(&refresh);
        Some(Some(time(mark.get("since"))?)).filter(|_| own)
    };
    let (in_flight, refused) = (marked("in_flight")?, marked("refused")?);
    Some(Kept {
        first: text("first")?,
        access,
        mark: in_flight.map(Mark::InFlight).or(refused.map(Mark::Refused)),
        refresh,
    })
}
