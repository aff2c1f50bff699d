//! The one integration binary: real servers, real files, and servers that misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod alerts;
mod attack;
mod backup;
mod clean;
mod cli;
mod clock;
mod common;
mod config;
mod crash;
mod directory;
mod evidence;
mod explain;
mod holds;
mod identity;
mod json;
mod ledger;
mod notices;
mod policy;
mod provider;
mod review;
mod safety;
mod scale;
mod stories;
mod tasks;
mod tidy;
mod unattended;
