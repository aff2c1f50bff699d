//! Who takes over, as sentences for people.

use crate::domain::code;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::id::Subject;
use crate::domain::rows::Step;
use crate::domain::succession::Passed;
use crate::domain::succession::Via;
use crate::engine::tell::by;
use crate::engine::tell::proof;

/// How the successor of a step was found, in brackets, with who was passed over; nothing where the
/// plan does not say.
pub fn chosen(step: &Step) -> String {
    let Some(how) = &step.succession else {
        return String::new();
    };
    let mut says: Vec<_> = how
        .by
        .map(|via| found(via).to_owned())
        .into_iter()
        .collect();
    says.extend(how.passed.iter().map(passed));
    match says.is_empty() {
        true => String::new(),
        false => format!(" ({})", says.join("; ")),
    }
}

fn found(via: Via) -> &'static str {
    match via {
        Via::Named => "named for them",
        Via::Manager => "their manager",
        Via::Team => "the tenant's successor",
    }
}

fn passed(passed: &Passed) -> String {
    let who = match passed.by {
        Via::Named => "whoever was named for them",
        Via::Manager => "their manager",
        Via::Team => "the tenant's successor",
    };
    let why = code::says(passed.because.as_str());
    format!("not {who}: {}", why.trim_end_matches('.'))
}

/// That somebody takes over, or not any more.
pub(super) fn said(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    let whom = entry.sub.as_ref().map(name).unwrap_or_default();
    let by = by(entry, name);
    if let Some(named) = entry.payload::<event::SuccessorNamed>() {
        return Some(format!(
            "{by} named {} to take over what {whom} owns in {} ({})",
            name(&named.to),
            named.tenant,
            proof(&named.proof)
        ));
    }
    let withdrawn = entry.payload::<event::SuccessorWithdrawn>()?;
    Some(format!(
        "{by} took back who takes over what {whom} owns in {} ({})",
        withdrawn.tenant,
        proof(&withdrawn.proof)
    ))
}
