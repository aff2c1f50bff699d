//! People who leave, come back, change and are named, each as `exeunt why` tells it.

mod demo;
mod leave;
pub(crate) mod plot;
mod refusals;
mod servers;
mod told;
