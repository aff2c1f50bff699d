//! Warnings by mail: over a real relay, to people who get one, get none, or never existed.

mod relay;
