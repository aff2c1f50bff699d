//! Warnings by mail: over a real relay, to people who get one, get none, or never existed.

mod bounced;
pub(crate) mod post;
mod relay;
mod texts;
mod way;
