//! Digests over what identifies a source and over what was seen.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::domain::person::PersonRecord;

/// Digests parts in their order; each is preceded by its length, so that none can run into another.
pub(super) fn digest_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    format!("sha256:{}", BASE64_STANDARD.encode(context.finish()))
}

/// Digests the keys of everybody seen, in their order.
pub(super) fn digest_of_keys(people: &BTreeMap<String, PersonRecord>) -> String {
    digest_of(people.keys().map(String::as_str))
}

/// Digests the bytes of a file.
pub(super) fn digest_of_bytes(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    format!("sha256:{}", BASE64_STANDARD.encode(digest))
}
