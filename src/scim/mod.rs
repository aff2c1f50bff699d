//! What is the same wherever SCIM 2.0 is spoken: whether a server is a tenant or a directory.

pub mod access;
pub mod features;
pub mod list;
pub mod wire;

/// The media type of SCIM.
pub const MEDIA: &str = "application/scim+json";
