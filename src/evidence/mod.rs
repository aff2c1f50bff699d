//! What a third party checks without us.

pub mod merkle;
