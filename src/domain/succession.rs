//! Who takes over what a removed account owns: in which order somebody is looked for, and why each
//! was taken or passed over.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::code::Code;
use crate::domain::id::Seq;
use crate::domain::id::Subject;

/// How a successor is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// A person has named one for this person or account (`exeunt successor set`).
    Named,
    /// The person's manager, as a directory names them.
    Manager,
    /// The one whom the tenant's configuration names for everybody.
    Team,
}

impl Via {
    /// The order where nothing is said.
    pub const USUAL: &'static [Via] = &[Via::Named, Via::Manager, Via::Team];

    /// The order of a policy that was adopted before there was one to adopt: nobody's manager takes
    /// over anything until an approver has seen that they would.
    pub const BEFORE: &'static [Via] = &[Via::Named, Via::Team];

    /// As it is configured and recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Via::Named => "named",
            Via::Manager => "manager",
            Via::Team => "team",
        }
    }
}

/// What is known of a possible successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// There is none.
    Nobody,
    /// This account would take over.
    Fits(Subject),
    /// The same, by the word of an entry. It is final: whether they can take over is asked just
    /// before the request, and if not, nobody else takes their place.
    Said(Subject, Seq),
    /// There is somebody who cannot take over, for this reason.
    Unfit(Code),
}

/// Who takes over what an account owns, and why they and nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The account; absent where nobody was found.
    pub account: Option<Subject>,
    /// How it was found.
    pub how: Succession,
}

/// Why a successor was chosen, or why nobody was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// How the one who takes over was found; absent where nobody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Via>,
    /// The entry by which a person has named them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Seq>,
    /// Who would have come before and cannot take over, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
}

/// Somebody who would have come before and cannot take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passed {
    /// How they were found.
    pub by: Via,
    /// Why they cannot.
    pub because: Code,
}

/// Looks for a successor in an order; `ask` says whom one way of it leads to.
pub fn choose<E>(
    order: &[Via],
    mut ask: impl FnMut(Via) -> Result<Candidate, E>,
) -> Result<Chosen, E> {
    let mut passed = Vec::new();
    for via in order {
        let (account, said) = match ask(*via)? {
            Candidate::Nobody => continue,
            Candidate::Unfit(because) => {
                passed.push(Passed { by: *via, because });
                continue;
            }
            Candidate::Fits(account) => (account, None),
            Candidate::Said(account, seq) => (account, Some(seq)),
        };
        let by = Some(*via);
        return Ok(Chosen {
            account: Some(account),
            how: Succession { by, said, passed },
        });
    }
    Ok(Chosen {
        account: None,
        how: Succession {
            passed,
            ..Succession::default()
        },
    })
}

/// Whether an account can take over, as far as its tenant's list shows.
pub fn can_take_over(facts: &AccountFacts) -> bool {
    facts.state == AccountState::Active
        && facts.kind == AccountKind::Human
        && !facts.no_heir
        && !facts.protected.contains(&Protection::UnknownRole)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn chosen(order: &[Via], known: &[(Via, Candidate)]) -> Chosen {
        let ask = |via| {
            let of = known.iter().find(|(way, _)| *way == via);
            let of = of.map_or(Candidate::Nobody, |(_, candidate)| candidate.clone());
            Ok::<_, Infallible>(of)
        };
        choose(order, ask).unwrap()
    }

    fn fits(name: &str) -> Candidate {
        Candidate::Fits(Subject::new(name))
    }

    #[test]
    fn who_was_named_goes_before_the_manager_and_the_manager_before_the_default() {
        let all = [
            (Via::Named, Candidate::Said(Subject::new("s_named"), 7)),
            (Via::Manager, fits("s_manager")),
            (Via::Team, fits("s_team")),
        ];
        let named = chosen(Via::USUAL, &all);
        assert_eq!(named.account, Some(Subject::new("s_named")));
        assert_eq!((named.how.by, named.how.said), (Some(Via::Named), Some(7)));
        let [_, manager, team] = all;
        let both = [manager, team];
        let found = chosen(Via::USUAL, &both);
        assert_eq!(found.account, Some(Subject::new("s_manager")));
        let other = chosen(&[Via::Team, Via::Manager], &both);
        assert_eq!(other.account, Some(Subject::new("s_team")));
        let before = chosen(Via::BEFORE, &both);
        assert_eq!(before.how.by, Some(Via::Team));
    }

    #[test]
    fn a_manager_who_cannot_is_passed_over_and_it_is_said_why() {
        let left = Candidate::Unfit(Code::new("block.successor-leaving"));
        let known = [(Via::Manager, left), (Via::Team, fits("s_team"))];
        let found = chosen(Via::USUAL, &known);
        assert_eq!(found.how.by, Some(Via::Team));
        let passed: Vec<_> = found
            .how
            .passed
            .iter()
            .map(|p| (p.by, p.because.as_str()))
            .collect();
        assert_eq!(passed, [(Via::Manager, "block.successor-leaving")]);
        let [manager, _] = known;
        let nobody = chosen(Via::USUAL, &[manager]);
        assert_eq!((nobody.account, nobody.how.by), (None, None));
        assert_eq!(nobody.how.passed, found.how.passed);
    }
}
