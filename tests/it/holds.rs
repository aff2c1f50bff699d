//! Holds: who is held is not touched, and everything about it is told.

mod idle;
mod leavers;
