//! What a third party checks without us.

pub mod checkpoint;
pub mod export;
pub mod judge;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod publish;
pub mod tlog_proof;
