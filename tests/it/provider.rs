//! Adapters against the loopback tenants that others made from the same facts.

mod alteryx;
mod conformance;
mod docspace;
mod huwise;
mod port;
mod projectplace;
mod scim;
