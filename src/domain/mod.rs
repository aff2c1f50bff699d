//! What happened, what it means, what to do next: pure values and functions.
//!
//! Nothing here knows a clock, a network, a database or randomness; times and identifiers come in
//! as arguments, and the same input gives the same answer for ever.

pub mod absence;
pub mod account;
pub mod activity;
pub mod alert;
pub mod attempts;
mod blocks;
pub mod breaker;
pub mod canonical;
pub mod code;
pub mod contradiction;
pub mod correlation;
pub mod decide;
pub mod departure;
pub mod event;
pub mod explain;
pub mod finding;
pub mod fold;
pub mod hold;
pub mod id;
pub mod identity;
pub mod leaver_clock;
pub mod live_keys;
pub mod loosen;
pub mod lost;
pub mod person;
pub mod plan;
pub mod policy;
pub mod ramp;
pub mod rows;
pub mod source;
pub mod succession;
pub mod summary;
pub mod task;
pub mod time;
mod trigger;
pub mod trust;
mod turning;
pub mod warnings;
pub mod what_if;
