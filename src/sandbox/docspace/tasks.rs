//! The long work behind a reassignment and a removal: how it goes on, fails, ends and is seen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::docspace::{
    settings::{Pace, TaskSettings},
    world::World,
};

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Gives what a user owns to a successor.
    Reassign,
    /// Clears up behind a user who was removed; what is left goes to whoever removed them.
    Removal,
}

/// The state of a task, with the service's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    Created,
    Running,
    Completed,
    Canceled,
    Failed,
}

impl TaskState {
    fn number(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Running => 1,
            Self::Completed => 2,
            Self::Canceled => 3,
            Self::Failed => 4,
        }
    }

    fn is_over(self) -> bool {
        !matches!(self, Self::Created | Self::Running)
    }
}

/// One task; there is at most one of a kind for a user.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) to: Uuid,
    pub(crate) delete_profile: bool,
    started: DateTime<Utc>,
    percentage: u8,
    pub(crate) state: TaskState,
    error: Option<String>,
    /// The rooms at the start, of which as many have moved as the percentage says.
    rooms: usize,
    rooms_moved: usize,
    reads_after_end: u32,
}

impl Task {
    fn show(&self, kind: TaskKind, user: Uuid) -> Value {
        let name = match kind {
            TaskKind::Reassign => "ReassignProgressItem",
            TaskKind::Removal => "RemoveProgressItem",
        };
        let mut shown = json!({
            "id": format!("1_{user}_{name}"),
            "percentage": self.percentage,
            "isCompleted": self.state.is_over(),
            "status": self.state.number(),
        });
        if let (Some(error), Some(fields)) = (&self.error, shown.as_object_mut()) {
            fields.insert("error".into(), json!(error));
        }
        shown
    }

    /// Returns how far the task has come by its pace, before anything holds it up.
    fn reached(&self, pace: Pace, now: DateTime<Utc>, is_call: bool) -> u8 {
        let reached = match pace {
            Pace::Calls { percent } if is_call => self.percentage.saturating_add(percent),
            Pace::Calls { .. } => self.percentage,
            Pace::Seconds { seconds } => {
                let gone = (now - self.started).num_milliseconds().max(0);
                let share = (gone / 10).checked_div(i64::from(seconds)).unwrap_or(100);
                u8::try_from(share.min(100)).unwrap_or(100)
            }
        };
        reached.min(100).max(self.percentage)
    }

    /// Goes on to where the pace and the ordered trouble let it.
    fn advance(&mut self, kind: TaskKind, settings: &TaskSettings, reached: u8) {
        if reached > 0 && self.state == TaskState::Created {
            self.state = TaskState::Running;
        }
        let stalled = settings.stall_at.unwrap_or(100).max(self.percentage);
        let failure = settings
            .failure
            .as_ref()
            .filter(|failure| failure.of.is_none_or(|of| of == kind));
        let reached = reached.min(stalled);
        match failure {
            Some(failure) if reached >= failure.at => {
                self.percentage = failure.at.max(self.percentage);
                self.error = Some(failure.message.clone());
                self.state = if failure.as_completed {
                    TaskState::Completed
                } else {
                    TaskState::Failed
                };
            }
            _ => {
                self.percentage = reached;
                if reached >= 100 {
                    self.state = TaskState::Completed;
                }
            }
        }
    }
}

impl World {
    /// Starts a task in the place of an older one.
    pub(crate) fn start_task(
        &mut self,
        kind: TaskKind,
        (from, to): (Uuid, Uuid),
        delete_profile: bool,
        now: DateTime<Utc>,
    ) {
        let task = Task {
            to,
            delete_profile,
            started: now,
            percentage: 0,
            state: TaskState::Created,
            error: None,
            rooms: self.holdings(from).rooms.len(),
            rooms_moved: 0,
            reads_after_end: 0,
        };
        self.tasks.insert((kind, from), task);
    }

    /// Tells whether a task is under way.
    pub(crate) fn is_under_way(&self, kind: TaskKind, user: Uuid) -> bool {
        self.tasks
            .get(&(kind, user))
            .is_some_and(|task| !task.state.is_over())
    }

    /// Lets all tasks go on; `is_call` where a request came in, which moves those that go by calls.
    pub(crate) fn settle(&mut self, now: DateTime<Utc>, is_call: bool) {
        let waiting: Vec<(TaskKind, Uuid)> = self
            .tasks
            .iter()
            .filter(|(_, task)| !task.state.is_over())
            .map(|(key, _)| *key)
            .collect();
        for (kind, user) in waiting {
            let settings = self.settings.tasks.clone();
            let Some(task) = self.tasks.get_mut(&(kind, user)) else {
                continue;
            };
            let reached = task.reached(settings.pace, now, is_call);
            task.advance(kind, &settings, reached);
            let due = task.rooms * usize::from(task.percentage) / 100;
            let rooms = due.saturating_sub(task.rooms_moved);
            task.rooms_moved += rooms;
            let task = task.clone();
            self.move_rooms(kind, (user, task.to), rooms, now);
            if task.state == TaskState::Completed && task.error.is_none() {
                self.finish(kind, user, &task, now);
            }
        }
    }

    fn finish(&mut self, kind: TaskKind, user: Uuid, task: &Task, now: DateTime<Utc>) {
        self.move_rest(kind, (user, task.to), now);
        if kind == TaskKind::Removal || task.delete_profile {
            self.lose_documents(user);
        }
        if kind == TaskKind::Reassign && task.delete_profile {
            self.remove_profile(user, now);
            let name = self.user(user).map(|user| user.display_name());
            let target = vec![name.unwrap_or_default(), user.to_string()];
            self.add_audit(self.key_user, now, 4018, target);
        }
    }

    /// Takes a user out of the tenant; what they own stays where it is.
    pub(crate) fn remove_profile(&mut self, id: Uuid, now: DateTime<Utc>) {
        self.change_user(id, |user| {
            user.removed = true;
            user.terminated = Some(now);
        });
        self.guests_of
            .retain(|(host, guest)| *host != id && *guest != id);
    }

    /// Shows a task as it is; none where there is none.
    pub(crate) fn show_task(&self, kind: TaskKind, user: Uuid) -> Option<Value> {
        let task = self.tasks.get(&(kind, user))?;
        Some(task.show(kind, user))
    }

    /// Shows a task to somebody who polls; one that is over is forgotten after some looks.
    pub(crate) fn poll_task(&mut self, kind: TaskKind, user: Uuid) -> Option<Value> {
        let allowed = self.settings.tasks.reads_after_end;
        let task = self.tasks.get_mut(&(kind, user))?;
        if task.state.is_over() {
            task.reads_after_end = task.reads_after_end.saturating_add(1);
            if allowed.is_some_and(|allowed| task.reads_after_end > allowed) {
                self.tasks.remove(&(kind, user));
                return None;
            }
        }
        self.show_task(kind, user)
    }

    /// Stops a task that is under way; what has moved stays moved.
    pub(crate) fn cancel_task(&mut self, kind: TaskKind, user: Uuid) -> Option<Value> {
        let task = self.tasks.get_mut(&(kind, user))?;
        if task.state.is_over() {
            return None;
        }
        task.state = TaskState::Canceled;
        let shown = task.show(kind, user);
        self.tasks.remove(&(kind, user));
        Some(shown)
    }
}
