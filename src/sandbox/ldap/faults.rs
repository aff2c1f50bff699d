//! Faults of a directory that a test orders.

use serde::{Deserialize, Serialize};

/// Which requests a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Searches, but for the root entry's.
    #[default]
    Search,
    /// Reads of the root entry.
    RootDse,
    /// Binds.
    Bind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The connection ends after so many entries of the page.
    Drop {
        /// Entries sent before.
        #[serde(default)]
        after: usize,
    },
    /// Nothing more comes after so many entries of the page.
    Hang {
        /// Entries sent before.
        #[serde(default)]
        after: usize,
    },
    /// The notice of disconnection comes after so many entries, and the connection ends.
    Disconnect {
        /// Entries sent before.
        #[serde(default)]
        after: usize,
    },
    /// Another result code than success, after so many entries, without a paging control.
    Code {
        /// The code: 1, 4, 32, 49, 50, 51 or any other that the protocol knows.
        code: u32,
        /// Entries sent before.
        #[serde(default)]
        after: usize,
    },
    /// Success with no entry.
    Empty,
    /// The paging control is ignored: so many entries at most (none: all), success, no control.
    IgnorePaging {
        /// The most entries.
        #[serde(default)]
        entries: Option<usize>,
    },
    /// The pages never end: after the last comes the first.
    EndlessPaging,
    /// The named attributes are left out of every entry, such as `entryUUID`.
    Withhold {
        /// Their names.
        attributes: Vec<String>,
    },
    /// The rights are lost: only the base of the search can be seen, with success.
    OnlyBase,
    /// A reference to another server stands after the entries.
    Referral {
        /// Where to.
        url: String,
    },
    /// The page's first entry has a photo of so many bytes.
    HugeEntry {
        /// How many bytes.
        bytes: usize,
    },
    /// The answer is late.
    Delay {
        /// Real milliseconds.
        ms: u64,
    },
}

/// A fault with its place: after `skip` matching requests, for `times` of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which sort of request.
    #[serde(default)]
    pub on: On,
    /// The page of a paged search, from 1; none: every page.
    #[serde(default)]
    pub page: Option<u32>,
    /// A text that the base (or the bind's name) holds, without regard to case.
    #[serde(default)]
    pub base: Option<String>,
    /// A text that the filter holds, without regard to case.
    #[serde(default)]
    pub filter: Option<String>,
    /// How many matching requests are let through first.
    #[serde(default)]
    pub skip: u32,
    /// How many are hit; none: all until the rule is removed.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// Makes a rule for all searches.
    pub fn always(fault: Fault) -> Self {
        Self {
            on: On::Search,
            page: None,
            base: None,
            filter: None,
            skip: 0,
            times: None,
            fault,
        }
    }

    /// Makes a rule for page `page` of all paged searches.
    pub fn on_page(page: u32, fault: Fault) -> Self {
        Self {
            page: Some(page),
            ..Self::always(fault)
        }
    }

    /// Counts a request that the rule is about and tells whether it is hit.
    pub(crate) fn hit(&mut self, on: On, page: u32, base: &str, filter: &str) -> bool {
        let holds = |text: &Option<String>, whole: &str| {
            text.as_ref()
                .is_none_or(|text| whole.to_lowercase().contains(&text.to_lowercase()))
        };
        let about = self.on == on
            && self.page.is_none_or(|wanted| wanted == page)
            && holds(&self.base, base)
            && holds(&self.filter, filter);
        if !about {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}
