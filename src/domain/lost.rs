//! People and accounts whose personal values were lost with the vault, and what was said of them.
//!
//! Their pseudonyms stand for nobody any more: the next reads know everybody as somebody new. What
//! was said to keep them safe holds all the same, over everybody who could be meant.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::decide::LinkFacts;
use crate::domain::rows::AccountRow;
use crate::domain::rows::HoldRow;
use crate::domain::rows::LostRow;

/// What a pseudonym without values stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LostKind {
    /// A person of a directory.
    Person,
    /// An account of a tenant.
    Account,
    /// Somebody at the command line.
    Operator,
}

/// A hold over somebody whose values are lost, so that nobody knows any more whom it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostHold {
    /// The hold.
    pub hold: HoldRow,
    /// Over whom it was placed.
    pub over: LostRow,
}

impl LostHold {
    /// Whether it could be about an account: anything that is not certainly somebody else.
    ///
    /// An account of the same tenant is somebody else if it kept its pseudonym. Of a person, an account
    /// is if it certainly belongs to somebody of the same directory who kept theirs.
    pub fn could_be(&self, account: &AccountRow, links: &[LinkFacts]) -> bool {
        match self.over.kind {
            LostKind::Operator => false,
            LostKind::Account => {
                account.tenant == self.over.source && account.first > self.over.seq
            }
            LostKind::Person => {
                let own = links.iter().find(|l| l.directory == self.over.source);
                let person = own.and_then(LinkFacts::linked_person);
                person.is_none_or(|person| person.first >= self.over.seq)
            }
        }
    }
}
