//! Explaining and supposing: `why-not`, `what-if`, `report`.

mod why_not;
