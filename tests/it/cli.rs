//! What a person sees and a script relies on: help, tables, hints, exit codes, terminals.

mod exits;
pub(crate) mod snapshots;
pub(crate) mod stage;
mod terminal;
