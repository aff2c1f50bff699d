//! What a hostile reviewer tried; each was possible once.

mod approvals;
mod changed;
mod evidence;
mod explained;
mod firm;
