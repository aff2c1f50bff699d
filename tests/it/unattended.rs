//! Left alone: what a tenant and a directory go through while nobody looks, and what a person finds
//! and does afterwards.

mod bad_night;
mod brakes;
mod cron;
mod endings;
mod town;
