//! Looking up, one by one, those whom a read did not have.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::id::Subject;
use crate::domain::time::Time;

/// So many are asked about in one run; the others wait for the next one.
const MOST: usize = 1000;

/// After so many failures in a row nothing more is asked: the source does not answer now.
const FAILURES: usize = 10;

/// What a source said about those who were missing.
#[derive(Debug)]
pub(super) struct Answers<R> {
    /// For each who could be asked about: what is there, or that nothing is.
    pub(super) given: BTreeMap<Subject, Option<R>>,
    /// How many could not be asked about.
    pub(super) failed: usize,
    /// How many were not asked about this time.
    pub(super) postponed: usize,
    /// The first failure.
    pub(super) error: Option<String>,
}

impl<R> Answers<R> {
    /// No answers.
    pub(super) fn none() -> Self {
        Self {
            given: BTreeMap::new(),
            failed: 0,
            postponed: 0,
            error: None,
        }
    }

    /// What a person should know of it: whom nothing was learnt about.
    pub(super) fn note(&self, source: &str) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(error) = &self.error {
            parts.push(format!(
                "{} missing there could not be looked up, so that they do not count as gone: \
                 {error}",
                self.failed
            ));
        }
        if self.postponed > 0 {
            parts.push(format!(
                "{} missing there will be looked up by a later read and do not count as gone \
                 until then",
                self.postponed
            ));
        }
        (!parts.is_empty()).then(|| format!("{source}: {}", parts.join("; ")))
    }
}

/// Asks about each of `wanted` (pseudonym and key). Whoever is not in the answers could not be asked
/// about, and nothing follows.
///
/// Each run begins elsewhere in the list, so that a few who always fail, or the first of very many,
/// do not keep the others from ever being asked about.
pub(super) async fn ask<R, E: fmt::Display>(
    mut wanted: Vec<(Subject, String)>,
    now: Time,
    look_up: impl AsyncFn(&str) -> Result<Option<R>, E>,
) -> Answers<R> {
    let mut answers = Answers::none();
    let minutes = usize::try_from(now.chrono().timestamp() / 60).unwrap_or(0);
    if let Some(start) = minutes.checked_rem(wanted.len()) {
        wanted.rotate_left(start);
    }
    let mut in_a_row = 0;
    for (n, (subject, key)) in wanted.into_iter().enumerate() {
        if n >= MOST || in_a_row >= FAILURES {
            answers.postponed += 1;
            continue;
        }
        match look_up(&key).await {
            Ok(answer) => {
                in_a_row = 0;
                answers.given.insert(subject, answer);
            }
            Err(error) => {
                in_a_row += 1;
                answers.failed += 1;
                answers.error.get_or_insert(error.to_string());
            }
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::domain::id::Subject;
    use crate::domain::time::Time;
    use crate::engine::look_up::Answers;
    use crate::engine::look_up::FAILURES;
    use crate::engine::look_up::MOST;
    use crate::engine::look_up::ask;

    fn wanted(count: usize) -> Vec<(Subject, String)> {
        let one = |n: usize| (Subject::new(format!("s_{n:05}")), n.to_string());
        (0..count).map(one).collect()
    }

    fn now() -> Time {
        Time::from_seconds(1_800_000_000)
    }

    async fn gone(count: usize, fails: impl Fn(usize) -> bool) -> (Answers<()>, usize) {
        let asked = Cell::new(0);
        let answers = ask(wanted(count), now(), async |key: &str| {
            asked.set(asked.get() + 1);
            match fails(key.parse().unwrap_or(0)) {
                true => Err("no answer"),
                false => Ok(None),
            }
        })
        .await;
        (answers, asked.get())
    }

    #[tokio::test]
    async fn one_that_fails_keeps_nobody_else_from_being_asked_about() {
        let (answers, asked) = gone(20, |n| n % 3 == 0).await;
        assert_eq!((answers.given.len(), answers.failed, asked), (13, 7, 20));
        assert!(!answers.given.contains_key(&Subject::new("s_00003")));
        let note = answers.note("corp").unwrap_or_default();
        assert!(
            note.starts_with("corp: 7 missing there could not"),
            "{note}"
        );
    }

    #[tokio::test]
    async fn a_source_that_answers_nothing_is_left_alone() {
        let (answers, asked) = gone(500, |_| true).await;
        assert_eq!((asked, answers.failed), (FAILURES, FAILURES));
        assert_eq!((answers.postponed, answers.given.len()), (490, 0));
    }

    #[tokio::test]
    async fn very_many_are_asked_about_in_several_runs_and_that_is_said() {
        let (answers, asked) = gone(MOST + 5, |_| false).await;
        assert_eq!((asked, answers.postponed), (MOST, 5));
        let note = answers.note("corp").unwrap_or_default();
        assert!(note.contains("5 missing there will be"), "{note}");
        assert_eq!(gone(7, |_| false).await.0.note("corp"), None);
    }

    #[tokio::test]
    async fn nobody_missing_is_nothing_to_ask() {
        assert_eq!(gone(0, |_| false).await.1, 0);
    }
}
