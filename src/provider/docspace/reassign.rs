//! What DocSpace says about handing over what a user owns: pure functions over JSON, and the two
//! reads that ask for it.

use serde_json::Value;

use crate::provider::ProviderError;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::envelope::is_not_found;
use crate::provider::docspace::envelope::success;
use crate::provider::docspace::people::unsigned;
use crate::provider::http::Payload;
use crate::provider::http::segment;
use crate::provider::listing::Fault;

const NECESSARY: &str = "api/2.0/people/reassign/necessary";
const PROGRESS: &str = "api/2.0/people/reassign/progress";

/// How far a reassignment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The server knows of none: none was begun, or the task was cleared away after its end.
    Unknown,
    /// It is at work; so much per cent, where it says.
    Running(Option<u64>),
    /// It came to its end without an error.
    Completed,
    /// It failed, or somebody stopped it.
    Failed,
}

/// What is counted as something to hand over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// Rooms, and files that are shared with others.
    RoomsAndShares,
    /// Rooms alone: all that a reassignment can empty, since it leaves the personal section alone.
    Rooms,
}

/// Reads the task under `response`, which is missing or null where there is none; `id` is the user
/// whose it must be.
pub(super) fn progress(body: &Value, id: &str) -> Result<Progress, Fault> {
    let unreadable = |what: &str| Fault::Unreadable(what.to_owned());
    let task = match body.get("response") {
        None | Some(Value::Null) => return Ok(Progress::Unknown),
        Some(task) if task.is_object() => task,
        Some(_) => return Err(unreadable("response is not a task")),
    };
    if !is_of(task, id) {
        return Err(unreadable("the task of another user"));
    }
    let error = match task.get("error") {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    };
    let ended = task.get("isCompleted").and_then(Value::as_bool);
    let ended = ended.ok_or_else(|| unreadable("isCompleted"))?;
    match unsigned(task, "status") {
        _ if error => Ok(Progress::Failed),
        Some(2) if ended => Ok(Progress::Completed),
        Some(0..=2) => Ok(Progress::Running(percent(task))),
        Some(3 | 4) => Ok(Progress::Failed),
        _ => Err(unreadable("status of a task")),
    }
}

/// Whether a task is that of the user `id`: its own id has the user's in it.
pub(super) fn is_of(task: &Value, id: &str) -> bool {
    let own = task.get("id").and_then(Value::as_str);
    own.is_some_and(|own| {
        let own = own.to_ascii_lowercase();
        own.split('_').any(|part| part.eq_ignore_ascii_case(id))
    })
}

/// The server counts in fractions.
fn percent(task: &Value) -> Option<u64> {
    let value = task.get("percentage")?;
    value.as_u64().map(|whole| whole.min(100)).or_else(|| {
        let float = value.as_f64().filter(|f| (0.0..=100.0).contains(f))?;
        format!("{float:.0}").parse().ok()
    })
}

impl DocSpace {
    /// How far a reassignment from a user has come.
    pub(super) async fn progress(&self, id: &str) -> Result<Progress, ProviderError> {
        let path = format!("{PROGRESS}/{}", segment(id));
        let page = self.get(&path, &[]).await?;
        if is_not_found(&page) {
            return Ok(Progress::Unknown);
        }
        let body = success(page, self.client.origin(), "reading how far a handover is")?;
        progress(&body, id).map_err(|f| self.fault(f))
    }

    /// Whether a user has something to hand over.
    ///
    /// The parameter `Type` is the kind of user that one would become: for a guest (2) the server
    /// counts shared files too, for others only rooms. Whether it must be there or must not differs
    /// by version, so where the server does not take the one form, it is asked in the other.
    pub(super) async fn necessary(
        &self,
        id: &str,
        holding: Holding,
    ) -> Result<bool, ProviderError> {
        let (plain, guest) = ([("UserId", id)], [("UserId", id), ("Type", "2")]);
        let (first, second): (&[_], &[_]) = match holding {
            Holding::RoomsAndShares => (&guest, &plain),
            Holding::Rooms => (&plain, &guest),
        };
        let mut page = self.get(NECESSARY, first).await?;
        if let (400 | 403, Payload::Json(_)) = (page.status, &page.payload) {
            page = self.get(NECESSARY, second).await?;
        }
        let body = success(page, self.client.origin(), "asking what a profile owns")?;
        let said = body.get("response").and_then(Value::as_bool);
        said.ok_or_else(|| self.unreadable("whether a handover is needed is no yes or no"))
    }
}
