//! Explaining and supposing: `why-not`, `what-if`, `report`.

mod report;
mod what_if;
mod why_not;
mod years;
