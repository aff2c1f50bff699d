//! What a hostile reviewer tried; each was possible once.

mod approvals;
mod changed;
mod evidence;
mod explained;
pub(crate) mod firm;
