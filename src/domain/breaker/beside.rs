//! What a step meets, and what waits in other plans.

use crate::domain::account::Do;
use crate::domain::breaker::ALL;
use crate::domain::breaker::Key;
use crate::domain::breaker::Ramp;
use crate::domain::breaker::Wanted;
use crate::domain::breaker::named_of;
use crate::domain::breaker::source_scopes;
use crate::domain::id::Subject;
use crate::domain::rows::Class;
use crate::domain::rows::ContactRow;
use crate::domain::rows::Step;

/// What a step meets on its way.
pub(super) struct Met {
    /// The scopes whose first plan was never released.
    pub(super) new: Vec<String>,
    /// Its other scopes.
    pub(super) known: Vec<String>,
    /// The releases on whose ramp it goes, by position; on one of them it meets no window.
    pub(super) ramps: Vec<usize>,
}

/// What a step meets; nothing where no brake is about it.
pub(super) fn met(step: &Step, contacts: &[ContactRow], ramps: &[Ramp<'_>]) -> Option<Met> {
    // the approval of a clear-out is its release, and giving back takes nothing away
    if step.class == Class::Everyone || step.does == Do::Restore {
        return None;
    }
    let sources = source_scopes(&step.tenant, &step.directories);
    let is_known = |scope: &String| contacts.iter().any(|c| c.scope == *scope);
    let (known, new): (Vec<_>, Vec<_>) = sources.into_iter().partition(is_known);
    let draws = |ramp: &Ramp<'_>| ramp.draws(&known, &named_of(step));
    let ramps = ramps.iter().enumerate().filter(|(_, ramp)| draws(ramp));
    let ramps = ramps.map(|(position, _)| position).collect();
    Some(Met { new, known, ramps })
}

/// The steps of other plans that count in windows. What waits for the release of a first plan comes
/// no further until somebody has looked at it, and holds up nobody else.
pub(super) fn waiting<'a>(wanted: &Wanted<'a>, ramps: &[Ramp<'_>]) -> Vec<&'a Step> {
    let waits = |step: &&Step| {
        let met = met(step, wanted.contacts, ramps);
        met.is_some_and(|met| met.new.is_empty() && met.ramps.is_empty())
    };
    wanted.beside.iter().filter(waits).collect()
}

/// The accounts of the steps that meet a brake.
pub(super) fn accounts<'a>(
    steps: &[&'a Step],
    (scope, class, does, _): &Key,
) -> impl Iterator<Item = &'a Subject> {
    let met = move |step: &&&Step| {
        let scopes = source_scopes(&step.tenant, &step.directories);
        let within = scope == ALL || scopes.contains(scope);
        within && step.class == *class && step.does == *does
    };
    steps.iter().filter(met).map(|step| &step.account)
}
