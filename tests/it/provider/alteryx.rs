//! Alteryx: the adapter and the whole program against the sandbox workspace.

mod adapter;
mod clearing;
mod settings;
mod stage;
mod tokens;
