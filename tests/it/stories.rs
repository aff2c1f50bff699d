//! People who leave, come back, change and are named, each as `exeunt why` tells it.

mod leave;
pub(crate) mod plot;
mod servers;
mod told;
