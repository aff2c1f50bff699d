//! `exeunt clean` in a real pseudo-terminal: keys are sent, the screen is read.

mod each;
mod products;
mod steps;
mod ways;
