//! What each user owns, and where it goes when they leave.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sandbox::docspace::{tasks::TaskKind, world::World};

/// What one user owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Holdings {
    /// The names of the user's rooms; they move to a successor, or to whoever removes the user.
    pub rooms: Vec<String>,
    /// Files that the user owns in shared places; they move with the rooms.
    pub shared_files: u64,
    /// Files in "My documents"; they are deleted for good with the profile and move nowhere.
    pub my_documents: u64,
}

/// Something that changed its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The sandbox's time.
    pub at: DateTime<Utc>,
    /// Who owned it.
    pub from: Uuid,
    /// Who owns it now.
    pub to: Uuid,
    /// Whether a reassignment or a removal moved it.
    pub by: TaskKind,
    /// The room's name; none where shared files moved.
    pub room: Option<String>,
    /// How many shared files moved.
    pub shared_files: u64,
}

impl World {
    /// Returns what a user owns now.
    pub(crate) fn holdings(&self, id: Uuid) -> Holdings {
        self.holdings.get(&id).cloned().unwrap_or_default()
    }

    /// Moves the first so many rooms of a user to another.
    pub(crate) fn move_rooms(
        &mut self,
        by: TaskKind,
        (from, to): (Uuid, Uuid),
        rooms: usize,
        at: DateTime<Utc>,
    ) {
        let Some(old) = self.holdings.get_mut(&from) else {
            return;
        };
        let rooms = rooms.min(old.rooms.len());
        let moved: Vec<String> = old.rooms.drain(..rooms).collect();
        for room in moved {
            self.moves.push(Move {
                at,
                from,
                to,
                by,
                room: Some(room.clone()),
                shared_files: 0,
            });
            self.holdings.entry(to).or_default().rooms.push(room);
        }
    }

    /// Moves all that is left and can be moved: rooms and shared files, never "My documents".
    pub(crate) fn move_rest(&mut self, by: TaskKind, (from, to): (Uuid, Uuid), at: DateTime<Utc>) {
        self.move_rooms(by, (from, to), usize::MAX, at);
        let Some(old) = self.holdings.get_mut(&from) else {
            return;
        };
        let shared_files = std::mem::take(&mut old.shared_files);
        if shared_files > 0 {
            self.moves.push(Move {
                at,
                from,
                to,
                by,
                room: None,
                shared_files,
            });
            self.holdings.entry(to).or_default().shared_files += shared_files;
        }
    }

    /// Deletes a user's "My documents" for good.
    pub(crate) fn lose_documents(&mut self, id: Uuid) {
        if let Some(old) = self.holdings.get_mut(&id) {
            let lost = std::mem::take(&mut old.my_documents);
            *self.lost.entry(id).or_default() += lost;
        }
    }
}
