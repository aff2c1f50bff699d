//! One suite over every adapter: the same functions against each tenant of the estate that has
//! one. A new provider arrives by its line in `estate::TENANTS` and in `provider::KINDS`, and by
//! what it is excused from in `truth`.

mod abroad;
mod activity;
mod calls;
mod changes;
mod house;
mod listing;
mod malformed;
mod mutate;
mod patience;
mod proxy;
mod secrets;
mod seeds;
mod together;
mod truth;
