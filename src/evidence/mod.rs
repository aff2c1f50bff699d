//! What a third party checks without us.

pub mod checkpoint;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod tlog_proof;
