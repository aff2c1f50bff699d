//! What must never happen, tried with the real binary against tenants and directories that fail.

mod activity;
mod attempts;
mod departures;
pub(crate) mod estate;
pub(crate) mod house;
mod ledger;
mod marks;
mod open;
mod reads;
mod way;
