//! The one integration binary: real servers, real files, and servers that misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod common;
mod directory;
mod ledger;
