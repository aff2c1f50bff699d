//! People who leave, come back, change and are named, each as `exeunt why` tells it.

mod leave;
mod plot;
mod servers;
mod told;
