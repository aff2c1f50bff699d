//! Ids for accounts that have only a name which can be used again.

use crate::domain::time::Time;

/// What stands for a date of creation that the tenant does not give.
const UNKNOWN: &str = "unknown";

/// Makes the id of an account from its name and its date of creation: `name#2024-09-21T08:56:38Z`.
///
/// Whole seconds only, since providers write the same date with and without fractions.
pub fn join(name: &str, created_at: Option<Time>) -> String {
    match created_at {
        Some(at) => format!("{name}#{}", at.to_seconds_text()),
        None => format!("{name}#{UNKNOWN}"),
    }
}

/// The name in an id; `None` if it is no such id.
pub fn name(id: &str) -> Option<&str> {
    let (name, created) = id.rsplit_once('#')?;
    let sound = created == UNKNOWN || Time::parse(created).is_some();
    (sound && !name.is_empty()).then_some(name)
}

/// Whether an account that has the name of `id` now is the one that `id` means.
pub fn is_same(id: &str, created_at: Option<Time>) -> bool {
    name(id).is_some_and(|name| join(name, created_at) == id)
}

#[cfg(test)]
mod tests {
    use crate::domain::time::Time;
    use crate::provider::reusable::is_same;
    use crate::provider::reusable::join;
    use crate::provider::reusable::name;

    #[test]
    fn a_name_that_is_used_again_is_another_account() {
        let old = Time::parse("2024-09-21T08:56:38.062Z");
        let id = join("a#b@example.com", old);
        assert_eq!(name(&id), Some("a#b@example.com"));
        assert!(is_same(&id, Time::parse("2024-09-21T10:56:38+02:00")));
        assert!(!is_same(&id, Time::parse("2026-01-01T00:00:00Z")));
        assert!(!is_same(&id, None));
        assert!(is_same(&join("x", None), None));
        assert_eq!(name("a@example.com"), None);
        assert_eq!(name("#unknown"), None);
    }
}
