//! What about the identity of one account somebody should look at: pure, from the facts.

use std::collections::BTreeSet;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::finding::Finding;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Mark;
use crate::domain::time::Time;
use crate::domain::trigger;

/// What the rows leave out and the entries have.
pub trait Entries {
    /// When an entry was recorded.
    fn recorded(&self, seq: Seq) -> Option<Time>;
    /// The newest word of a named person about whose the account is.
    fn stated(&self, account: &Subject) -> Option<Seq>;
    /// The accounts that a person stands behind, or comes into question for, in one tenant.
    fn accounts_of(&self, person: &Subject, like: &Facts) -> Vec<Subject>;
}

/// Whether nobody stands behind an account in any directory that lists everybody, all of them
/// having been read.
pub fn is_orphan(facts: &Facts) -> bool {
    facts.account.gone.is_none() && trigger::is_orphan(facts)
}

/// Gathers the findings about one account at `now`, sorted.
pub fn findings(facts: &Facts, entries: &impl Entries, now: Time) -> Vec<Finding> {
    if facts.account.gone.is_some() {
        return Vec::new();
    }
    let mut found: Vec<_> = doubts(facts, entries).collect();
    found.extend(orphan(facts, entries, now));
    found.extend(ghost(facts).or_else(|| resurrected(facts, entries)));
    found.sort();
    found
}

fn finding(facts: &Facts, kind: &str, since: Time, evidence: BTreeSet<Seq>) -> Finding {
    Finding {
        kind: Code::new(kind),
        since,
        subject: facts.account.subject.clone(),
        tenant: Some(facts.account.tenant.clone()),
        directory: None,
        others: Vec::new(),
        evidence: evidence.into_iter().collect(),
    }
}

/// To whom it belongs is not certain in some directory.
fn doubts<'a>(facts: &'a Facts, entries: &'a impl Entries) -> impl Iterator<Item = Finding> + 'a {
    facts.links.iter().filter_map(move |link| {
        let kind = match link.doubt()?.as_str() {
            "block.ambiguous-identity" => "finding.ambiguous-identity",
            "block.conflicting-identity" => "finding.conflicting-identity",
            "block.recycled-address" => "finding.recycled-address",
            "block.recycled-identifier" => "finding.recycled-identifier",
            "block.address-not-verified" => "finding.address-not-verified",
            "block.rule-not-used" => "finding.rule-not-used",
            "block.shared-person" => "finding.shared-person",
            _ => return None,
        };
        let row = link.link.as_ref()?;
        let since = entries
            .recorded(row.seq)
            .unwrap_or(facts.account.first_seen);
        let mut found = finding(facts, kind, since, BTreeSet::from([row.seq]));
        found.directory = Some(link.directory.clone());
        let mut others: BTreeSet<_> = row.candidates.iter().cloned().collect();
        if kind == "finding.shared-person" {
            for person in &row.candidates {
                others.extend(entries.accounts_of(person, facts));
            }
            others.remove(&facts.account.subject);
        }
        found.others = others.into_iter().collect();
        Some(found)
    })
}

/// Nobody stands behind it, and nobody has answered for it.
fn orphan(facts: &Facts, entries: &impl Entries, now: Time) -> Option<Finding> {
    // whose the account of our own credential is, is known
    let ours = facts
        .account
        .facts
        .protected
        .contains(&Protection::OwnCredential);
    if ours || !trigger::is_orphan(facts) || trigger::answered_for(facts, now).is_some() {
        return None;
    }
    let everybody = || facts.links.iter().filter(|l| l.lists_everybody);
    // it is one from the moment that the last of what shows it was there
    let cut = everybody().filter_map(|l| l.link.as_ref().map(|link| link.seq));
    let read = everybody().filter_map(|l| l.source.as_ref()?.first_complete);
    let shows: BTreeSet<_> = cut.chain(read).chain([facts.account.first]).collect();
    let times = shows.iter().filter_map(|seq| entries.recorded(*seq));
    let since = times.max().unwrap_or(facts.account.first_seen);
    Some(finding(facts, "finding.orphan", since, shows))
}

/// We removed it, and a later complete read shows it still.
fn ghost(facts: &Facts) -> Option<Finding> {
    let command = newest(facts, Do::Remove)?;
    let removed = command.ended()?;
    let read = facts.tenant.complete.as_ref()?;
    // seen anew after it had been gone is another finding
    let reappeared = facts.account.reappeared.as_ref();
    let was_gone = reappeared.is_some_and(|mark| mark.seq > removed);
    (read.seq > removed && command.confirmed.is_none() && !was_gone).then(|| {
        let evidence = BTreeSet::from([command.seq, removed, read.seq]);
        finding(facts, "finding.ghost", command.at, evidence)
    })
}

/// It had been gone and is there again, or we disabled it and it can be used again, and neither a
/// restore of ours nor the word of a named person says that this is meant.
fn resurrected(facts: &Facts, entries: &impl Entries) -> Option<Finding> {
    let back = facts.account.reappeared.clone();
    let mark = back.or_else(|| enabled_again(facts))?;
    let answered = facts.orphan.as_ref().map(|said| said.seq);
    let meant = [entries.stated(&facts.account.subject), answered];
    if meant.into_iter().flatten().any(|seq| seq > mark.seq) {
        return None;
    }
    let evidence = BTreeSet::from([mark.seq, facts.account.seq]);
    Some(finding(facts, "finding.resurrected", mark.since, evidence))
}

fn enabled_again(facts: &Facts) -> Option<Mark> {
    let command = newest(facts, Do::Disable)?;
    let disabled = command.ended()?;
    let seen = facts.tenant.complete.as_ref()?.seq > disabled;
    let usable = facts.account.facts.state == AccountState::Active;
    let restored = newest(facts, Do::Restore).is_some_and(|r| r.seq > command.seq);
    if !seen || !usable || restored {
        return None;
    }
    let again = facts.account.enabled_again.clone();
    // where no read ever saw it disabled, it is so since the command
    let unseen = Mark {
        seq: disabled,
        since: command.at,
    };
    Some(again.filter(|mark| mark.seq > disabled).unwrap_or(unseen))
}

fn newest(facts: &Facts, does: Do) -> Option<&CommandRow> {
    let commands = facts.commands.iter();
    commands
        .filter(|c| c.does == does && c.took_effect())
        .max_by_key(|c| c.seq)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
