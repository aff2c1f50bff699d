//! Exeunt removes people who have left, and accounts that nobody uses, from SaaS tenants, and keeps
//! a ledger that can prove what was seen, decided, announced, approved, called and achieved.
//!
//! The modules in reading order:

pub mod domain;

pub mod clock;
pub mod crash;
mod files;
pub mod tls;

pub mod evidence;
pub mod ledger;

pub mod http;
pub mod scim;

pub mod directory;
pub mod notify;
pub mod provider;

pub mod config;
pub mod engine;

pub mod sandbox;

pub mod cli;
