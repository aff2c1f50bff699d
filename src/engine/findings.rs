//! What somebody should look at besides what policies match, with its age.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::contradiction::contradictions;
use crate::domain::decide::Facts;
use crate::domain::finding::Finding;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::identity;
use crate::domain::identity::Entries;
use crate::domain::live_keys;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::StatedRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::Judged;
use crate::engine::decide::adopted;
use crate::engine::decide::judged;
use crate::engine::facts::Rows;
use crate::engine::replay::Moment;
use crate::ledger::View;

impl Engine {
    /// Everything that somebody should look at, sorted by kind and age; of these tenants, if any
    /// are named. Another source of findings is another line here. With it comes what the rules
    /// say about every account: both rest on the same facts, which are gathered once.
    pub fn findings(
        &self,
        moment: &Moment<'_>,
        tenants: &[String],
    ) -> Result<(Vec<Finding>, Vec<Judged>), EngineError> {
        let every = self.gather_all(&moment.rows, None)?;
        let mut all = self.identity_findings(moment, &every)?;
        let keys = every.iter();
        all.extend(keys.filter_map(|facts| live_keys::finding(facts, moment.now)));
        let judged = match adopted(&moment.rows)? {
            Some(ruling) => judged(every, &ruling, moment.now),
            None => Vec::new(),
        };
        all.extend(self.clock_findings(moment, &judged)?);
        all.extend(self.hold_findings(moment)?);
        all.retain(|f| {
            let tenant = f.tenant.as_ref().map(SourceName::as_str);
            tenants.is_empty() || tenants.iter().any(|t| tenant == Some(t.as_str()))
        });
        Ok((in_order(all), judged))
    }

    /// The accounts without a person for which nobody answers, the oldest first.
    pub fn orphans(&self, moment: &Moment<'_>) -> Result<Vec<Finding>, EngineError> {
        let every = self.gather_all(&moment.rows, None)?;
        let mut all = self.identity_findings(moment, &every)?;
        all.retain(|f| f.kind.as_str() == "finding.orphan");
        Ok(in_order(all))
    }

    /// Accounts that belong to nobody or not for certain, those that came back, and people about
    /// whom directories disagree.
    fn identity_findings(
        &self,
        moment: &Moment<'_>,
        every: &[Facts],
    ) -> Result<Vec<Finding>, EngineError> {
        let entries = Gathered {
            view: self.ledger.view()?,
            stated: stated(&moment.rows)?,
            linked: linked(&moment.rows)?,
        };
        let mut all = contradictions(every, moment.now);
        for facts in every {
            all.extend(identity::findings(facts, &entries, moment.now));
        }
        Ok(all)
    }
}

/// Sorts findings; several accounts of one person can tell the same of the person.
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    findings.dedup();
    findings
}

struct Gathered<'a> {
    view: View<'a>,
    stated: BTreeMap<Subject, Seq>,
    /// By tenant and person, the accounts that name them.
    linked: BTreeMap<(SourceName, Subject), BTreeSet<Subject>>,
}

impl Entries for Gathered<'_> {
    fn recorded(&self, seq: Seq) -> Option<Time> {
        // an entry that cannot be read leaves the age to what the rows say; `verify` finds it
        self.view.entry(seq).ok().flatten().map(|e| e.rec)
    }

    fn stated(&self, account: &Subject) -> Option<Seq> {
        self.stated.get(account).copied()
    }

    fn accounts_of(&self, person: &Subject, like: &Facts) -> Vec<Subject> {
        let key = (like.account.tenant.clone(), person.clone());
        let accounts = self.linked.get(&key);
        accounts.into_iter().flatten().cloned().collect()
    }
}

fn stated<R: Rows>(rows: &R) -> Result<BTreeMap<Subject, Seq>, EngineError> {
    let mut newest = BTreeMap::new();
    for row in rows.under::<StatedRow>(Kind::Stated, "")? {
        for said in row.to.iter() {
            let known = newest.entry(row.account.clone()).or_insert(said.seq);
            *known = said.seq.max(*known);
        }
    }
    Ok(newest)
}

fn linked<R: Rows>(
    rows: &R,
) -> Result<BTreeMap<(SourceName, Subject), BTreeSet<Subject>>, EngineError> {
    let accounts: BTreeMap<_, _> = rows
        .under::<AccountRow>(Kind::Account, "")?
        .into_iter()
        .filter(|a| a.gone.is_none())
        .map(|a| (a.subject, a.tenant))
        .collect();
    let mut linked: BTreeMap<_, BTreeSet<Subject>> = BTreeMap::new();
    for link in rows.under::<LinkRow>(Kind::Link, "")? {
        let Some(tenant) = accounts.get(&link.account) else {
            continue;
        };
        for person in link.person.iter().chain(&link.candidates) {
            let key = (tenant.clone(), person.clone());
            linked.entry(key).or_default().insert(link.account.clone());
        }
    }
    Ok(linked)
}
