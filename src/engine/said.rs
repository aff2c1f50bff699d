//! What people say about accounts: whose they are, whose they are not, and who answers for those
//! that are nobody's.
//!
//! Each word is an entry about the account, with who said it and how that is proven; the reason,
//! the ticket and an owner's name are commitments. A word holds until another one is said.

use serde::Serialize;

use crate::domain::account::Do;
use crate::domain::attempts::Failures;
use crate::domain::departure::departure;
use crate::domain::event::AttemptsCleared;
use crate::domain::event::LinkDenied;
use crate::domain::event::LinkForgotten;
use crate::domain::event::LinkStated;
use crate::domain::event::OrphanAccepted;
use crate::domain::event::OrphanClaimed;
use crate::domain::event::OrphanReleased;
use crate::domain::fold::pair_key;
use crate::domain::id::Email;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::identity::is_orphan;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::OrphanWord;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Said;
use crate::domain::rows::StatedRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::approve::Signer;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;

/// After how many days a claim is to be looked at again, where nothing is said.
pub const CLAIM_DAYS: i64 = 180;

/// How many days ahead an end may lie.
pub const LONGEST_DAYS: i64 = 366;

/// The class of an approver who may say such things: they can lead to a removal.
const CLASS: &str = "remove";

/// The words of whoever says something.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// Why.
    pub reason: &'a str,
    /// Where it was asked for.
    pub ticket: Option<&'a str>,
}

impl<'a> Words<'a> {
    pub(super) fn fields(&self) -> Vec<(&'static str, &'a str)> {
        let ticket = self.ticket.map(|t| ("ticket", t));
        [Some(("reason", self.reason)), ticket]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// One account and one person, as somebody at the command line means them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The account.
    pub account: AccountRow,
    /// The person.
    pub person: PersonRow,
}

/// One thing that was said about an account and a person, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SaidItem {
    /// `stated` or `denied`.
    pub says: &'static str,
    /// The account's tenant.
    pub tenant: Option<SourceName>,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The account's pseudonym.
    pub subject: Subject,
    /// The account's address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// The person's directory.
    pub directory: SourceName,
    /// The person's pseudonym.
    pub person: Subject,
    /// The person's address.
    pub person_email: Option<String>,
    /// Who said so.
    pub by: Option<String>,
    /// `signature` or `os-user`.
    pub proof: String,
    /// When.
    pub at: Time,
    /// Why; absent after an erasure.
    pub reason: Option<String>,
    /// Where it was asked for.
    pub ticket: Option<String>,
    /// The entry.
    pub seq: Seq,
}

/// One account without a person for which somebody has answered, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnsweredItem {
    /// `claimed` or `accepted`.
    pub says: OrphanWord,
    /// Its tenant.
    pub tenant: SourceName,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// Who answers for it, if it is claimed.
    pub owner: Option<String>,
    /// Until when.
    pub until: Time,
    /// Whether that has passed.
    pub over: bool,
    /// Who said so.
    pub by: Option<String>,
    /// `signature` or `os-user`.
    pub proof: String,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: Option<String>,
    /// The entry.
    pub seq: Seq,
}

impl Engine {
    /// The one account that somebody means: by pseudonym, present address, or the tenant's own id.
    pub fn one_account(
        &self,
        who: &str,
        tenant: Option<&SourceName>,
    ) -> Result<AccountRow, EngineError> {
        if let Some(tenant) = tenant.filter(|t| self.tenant(t).is_none()) {
            let known: Vec<_> = self.tenants.iter().map(|t| t.name.as_str()).collect();
            let hint = crate::config::mistake::nearest(tenant.as_str(), &known);
            return Err(EngineError::unknown(
                format!("there is no tenant `{tenant}`"),
                hint,
            ));
        }
        let mut subs = Vec::new();
        if who.starts_with("s_") {
            subs.push(Subject::new(who));
        } else {
            let vault = self.ledger.vault()?;
            let address = Email::parse(who);
            for source in self
                .tenants
                .iter()
                .filter(|t| tenant.is_none_or(|n| *n == t.name))
            {
                subs.extend(vault.subject_of(SubjectKind::Account, &source.name, who)?);
                if let Some(address) = &address {
                    subs.extend(vault.subjects_with_address(
                        SubjectKind::Account,
                        &source.name,
                        address,
                    )?);
                }
            }
        }
        let view = self.ledger.view()?;
        let mut found: Vec<AccountRow> = Vec::new();
        for sub in subs {
            let row = view.row::<AccountRow>(Kind::Account, sub.as_str())?;
            let wanted = row.filter(|a| {
                a.gone.is_none()
                    && self.tenant(&a.tenant).is_some()
                    && tenant.is_none_or(|t| a.tenant == *t)
                    && !found.iter().any(|f| f.subject == a.subject)
            });
            found.extend(wanted);
        }
        let in_words = |a: &AccountRow| format!("{} in {}", a.subject, a.tenant);
        only_one(found, who, "account", &in_words)
    }

    /// The one person that somebody means: by pseudonym, present address, or the directory's key.
    pub fn one_person(
        &self,
        who: &str,
        directory: Option<&SourceName>,
    ) -> Result<PersonRow, EngineError> {
        if let Some(directory) = directory.filter(|d| self.directory(d).is_none()) {
            let known: Vec<_> = self.directories.iter().map(|d| d.name.as_str()).collect();
            let hint = crate::config::mistake::nearest(directory.as_str(), &known);
            return Err(EngineError::unknown(
                format!("there is no directory `{directory}`"),
                hint,
            ));
        }
        let mut subs = Vec::new();
        if who.starts_with("s_") {
            subs.push(Subject::new(who));
        } else {
            let vault = self.ledger.vault()?;
            let address = Email::parse(who);
            for source in self
                .directories
                .iter()
                .filter(|d| directory.is_none_or(|n| *n == d.name))
            {
                subs.extend(vault.subject_of(SubjectKind::Person, &source.name, who)?);
                if let Some(address) = &address {
                    subs.extend(vault.subjects_with_address(
                        SubjectKind::Person,
                        &source.name,
                        address,
                    )?);
                }
            }
        }
        let view = self.ledger.view()?;
        let mut found: Vec<PersonRow> = Vec::new();
        for sub in subs {
            let row = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
            let wanted = row.filter(|p| {
                // of a directory that is not asked any more, nothing would come of it
                self.directory(&p.directory).is_some()
                    && directory.is_none_or(|d| p.directory == *d)
                    && !found.iter().any(|f| f.subject == p.subject)
            });
            found.extend(wanted);
        }
        let in_words = |p: &PersonRow| {
            let gone = match &p.absent {
                Some(_) => ", gone",
                None => "",
            };
            format!("{} of {}{gone}", p.subject, p.directory)
        };
        only_one(found, who, "person", &in_words)
    }

    /// Whether a person has left, so that saying that an account is theirs may take it away.
    pub fn has_left(&self, person: &PersonRow, now: Time) -> Result<bool, EngineError> {
        let view = self.ledger.view()?;
        let everybody = self
            .directory_traits(&view)?
            .into_iter()
            .find(|t| t.name == person.directory)
            .is_none_or(|t| t.lists_everybody);
        Ok(departure(person, everybody, now).is_some())
    }

    /// Says that an account belongs to a person, before every other rule; the position of the entry.
    pub fn state_link(
        &self,
        signer: &Signer,
        pair: &Pair,
        words: Words<'_>,
    ) -> Result<Seq, EngineError> {
        self.may(signer, CLASS)?;
        let stated = self.stated(&pair.account.subject, &pair.person.directory)?;
        let same = stated.as_ref().and_then(|s| s.to.as_ref());
        let same = same.is_some_and(|to| to.person == pair.person.subject);
        // a word that has come into doubt since is said again by whoever has looked
        let key = pair_key(&pair.account.subject, pair.person.directory.as_str());
        let link = self.ledger.view()?.row::<LinkRow>(Kind::Link, &key)?;
        if same && link.is_none_or(|link| link.because.is_none()) {
            return Err(EngineError::refused(
                "link.already",
                "this has been said already",
                "`exeunt link list` shows what has been said",
            ));
        }
        let run = self.start("link add", signer.by.clone(), None)?;
        let payload = LinkStated {
            directory: pair.person.directory.clone(),
            person: pair.person.subject.clone(),
            proof: signer.proof.to_owned(),
        };
        let account = Some(&pair.account.subject);
        let seq = self.say_about(&run, account, &payload, &words.fields())?;
        self.link_accounts(&run)?;
        self.finish(&run, 0)?;
        Ok(seq)
    }

    /// To whom an account belongs in one directory, or in the only one where it belongs to anybody.
    pub fn linked_person(
        &self,
        account: &AccountRow,
        directory: Option<&SourceName>,
    ) -> Result<PersonRow, EngineError> {
        let view = self.ledger.view()?;
        let mut people = Vec::new();
        for (_, link) in view.rows_under::<LinkRow>(Kind::Link, &pair_key(&account.subject, ""))? {
            let wanted = directory.is_none_or(|d| link.directory == *d);
            if let Some(person) = link.person.filter(|_| wanted) {
                people.extend(view.row::<PersonRow>(Kind::Person, person.as_str())?);
            }
        }
        if people.is_empty() {
            return Err(EngineError::refused(
                "link.not-linked",
                "the account belongs to nobody there, so that there is nothing to take away",
                "name the person whose it is not",
            ));
        }
        let in_words = |p: &PersonRow| format!("{} of {}", p.subject, p.directory);
        only_one(people, account.subject.as_str(), "person", &in_words)
    }

    /// Says that an account does not belong to a person; no rule gives it to them again.
    pub fn deny_link(
        &self,
        signer: &Signer,
        pair: &Pair,
        words: Words<'_>,
    ) -> Result<Seq, EngineError> {
        self.may(signer, CLASS)?;
        let stated = self.stated(&pair.account.subject, &pair.person.directory)?;
        let mut denied = stated.iter().flat_map(|s| &s.not);
        if denied.any(|not| not.person == pair.person.subject) {
            return Err(EngineError::refused(
                "link.already",
                "this has been said already",
                "`exeunt link list` shows what has been said",
            ));
        }
        let run = self.start("link remove", signer.by.clone(), None)?;
        let payload = LinkDenied {
            directory: pair.person.directory.clone(),
            person: pair.person.subject.clone(),
            proof: signer.proof.to_owned(),
        };
        let account = Some(&pair.account.subject);
        let seq = self.say_about(&run, account, &payload, &words.fields())?;
        self.link_accounts(&run)?;
        self.finish(&run, 0)?;
        Ok(seq)
    }

    /// Takes back all that was said about an account and a directory: the other rules decide again.
    pub fn forget_link(
        &self,
        signer: &Signer,
        account: &AccountRow,
        directory: &SourceName,
        words: Words<'_>,
    ) -> Result<Seq, EngineError> {
        self.may(signer, CLASS)?;
        if self.stated(&account.subject, directory)?.is_none() {
            return Err(EngineError::refused(
                "link.not-linked",
                format!("nothing has been said about this account and {directory}"),
                "`exeunt link list` shows what has been said",
            ));
        }
        let run = self.start("link remove", signer.by.clone(), None)?;
        let payload = LinkForgotten {
            directory: directory.clone(),
            proof: signer.proof.to_owned(),
        };
        let seq = self.say_about(&run, Some(&account.subject), &payload, &words.fields())?;
        self.link_accounts(&run)?;
        self.finish(&run, 0)?;
        Ok(seq)
    }

    /// The directories about which something was said for an account.
    pub fn said_directories(&self, account: &Subject) -> Result<Vec<SourceName>, EngineError> {
        let rows = self
            .ledger
            .view()?
            .rows_under::<StatedRow>(Kind::Stated, &pair_key(account, ""))?;
        Ok(rows.into_iter().map(|(_, row)| row.directory).collect())
    }

    fn stated(
        &self,
        account: &Subject,
        directory: &SourceName,
    ) -> Result<Option<StatedRow>, EngineError> {
        let key = pair_key(account, directory.as_str());
        Ok(self.ledger.view()?.row(Kind::Stated, &key)?)
    }

    /// Everything that was said about accounts and people and holds, by account and directory.
    pub fn said_links(&self) -> Result<Vec<SaidItem>, EngineError> {
        let mut items = Vec::new();
        for (_, row) in self.ledger.view()?.rows::<StatedRow>(Kind::Stated)? {
            if let Some(said) = &row.to {
                items.push(self.said_item("stated", &row, said)?);
            }
            for said in &row.not {
                items.push(self.said_item("denied", &row, said)?);
            }
        }
        Ok(items)
    }

    fn said_item(
        &self,
        says: &'static str,
        row: &StatedRow,
        said: &Said,
    ) -> Result<SaidItem, EngineError> {
        let view = self.ledger.view()?;
        let account = view.row::<AccountRow>(Kind::Account, row.account.as_str())?;
        let profile = self.profile(&row.account)?;
        let person = self.profile(&said.person)?;
        Ok(SaidItem {
            says,
            tenant: account.map(|a| a.tenant),
            account: profile.first(Profile::KEY).map(str::to_owned),
            subject: row.account.clone(),
            email: profile.first(Profile::MAIL).map(str::to_owned),
            erased_by: None,
            directory: row.directory.clone(),
            person: said.person.clone(),
            person_email: person.first(Profile::MAIL).map(str::to_owned),
            by: self.who_said(said.by.as_ref())?,
            proof: said.proof.clone(),
            at: said.at,
            reason: self.words_of(said.seq, "reason")?,
            ticket: self.words_of(said.seq, "ticket")?,
            seq: said.seq,
        })
    }

    pub(super) fn who_said(&self, by: Option<&Subject>) -> Result<Option<String>, EngineError> {
        by.map(|by| self.called(by)).transpose()
    }

    /// What stands behind a commitment of an entry; nothing after an erasure.
    pub(super) fn words_of(&self, seq: Seq, field: &str) -> Result<Option<String>, EngineError> {
        let Some(entry) = self.ledger.view()?.entry(seq)? else {
            return Ok(None);
        };
        let opening = self.ledger.vault()?.opening(&entry.id, field)?;
        Ok(opening.and_then(|o| String::from_utf8(o.value).ok()))
    }

    /// Lets what the tenant refused for an account be tried again by the next run. What the rules, the
    /// brakes and the approvals say about it stays.
    pub fn retry(
        &self,
        signer: &Signer,
        account: &AccountRow,
        words: Words<'_>,
    ) -> Result<Seq, EngineError> {
        let commands = self.ledger.view()?.commands_of(&account.subject)?;
        let failed = |does| Failures::of(&commands, does, account.cleared).is_some();
        if ![Do::Disable, Do::Remove].into_iter().any(failed) {
            return Err(EngineError::unknown(
                "nothing has failed for this account that waits",
                "`exeunt why` tells what was tried",
            ));
        }
        let run = self.start("retry", signer.by.clone(), None)?;
        let payload = AttemptsCleared {
            tenant: account.tenant.clone(),
            proof: signer.proof.to_owned(),
        };
        let seq = self.say_about(&run, Some(&account.subject), &payload, &words.fields())?;
        self.finish(&run, 0)?;
        Ok(seq)
    }

    /// Says who answers for an account without a person, until it is to be looked at again.
    pub fn claim_orphan(
        &self,
        signer: &Signer,
        account: &AccountRow,
        owner: &str,
        until: Option<Time>,
        words: Words<'_>,
    ) -> Result<Time, EngineError> {
        let now = self.clock.now();
        let until = until.unwrap_or_else(|| now.plus_days(CLAIM_DAYS));
        self.may_answer(signer, account, until, now)?;
        let run = self.start("orphan claim", signer.by.clone(), None)?;
        let payload = OrphanClaimed {
            tenant: account.tenant.clone(),
            until,
            proof: signer.proof.to_owned(),
        };
        let mut fields = words.fields();
        fields.push(("owner", owner));
        self.say_about(&run, Some(&account.subject), &payload, &fields)?;
        self.finish(&run, 0)?;
        Ok(until)
    }

    /// Says that an account without a person may stay as it is until some end.
    pub fn accept_orphan(
        &self,
        signer: &Signer,
        account: &AccountRow,
        until: Time,
        words: Words<'_>,
    ) -> Result<(), EngineError> {
        self.may_answer(signer, account, until, self.clock.now())?;
        let run = self.start("orphan accept", signer.by.clone(), None)?;
        let payload = OrphanAccepted {
            tenant: account.tenant.clone(),
            until,
            proof: signer.proof.to_owned(),
        };
        self.say_about(&run, Some(&account.subject), &payload, &words.fields())?;
        self.finish(&run, 0)
    }

    /// Takes a claim or an acceptance back.
    pub fn release_orphan(
        &self,
        signer: &Signer,
        account: &AccountRow,
        words: Words<'_>,
    ) -> Result<(), EngineError> {
        self.may(signer, CLASS)?;
        let row = self
            .ledger
            .view()?
            .row::<OrphanRow>(Kind::Orphan, account.subject.as_str())?;
        if row.is_none() {
            return Err(EngineError::refused(
                "orphan.not-answered",
                "nobody has claimed or accepted this account",
                "`exeunt orphan list` shows them",
            ));
        }
        let run = self.start("orphan release", signer.by.clone(), None)?;
        let payload = OrphanReleased {
            tenant: account.tenant.clone(),
            proof: signer.proof.to_owned(),
        };
        self.say_about(&run, Some(&account.subject), &payload, &words.fields())?;
        self.finish(&run, 0)
    }

    fn may_answer(
        &self,
        signer: &Signer,
        account: &AccountRow,
        until: Time,
        now: Time,
    ) -> Result<(), EngineError> {
        self.may(signer, CLASS)?;
        if until <= now || until > now.plus_days(LONGEST_DAYS) {
            return Err(EngineError::refused(
                "orphan.bad-end",
                "the end lies in the past or more than a year ahead",
                "name a day within a year: --until 2027-05-01",
            ));
        }
        let facts = self.facts(&account.subject)?;
        if !facts.is_some_and(|facts| is_orphan(&facts)) {
            return Err(EngineError::refused(
                "orphan.not-orphan",
                "somebody stands behind this account, or the directories that would show it have \
                 not been read",
                "`exeunt why` shows whose it is; `exeunt link remove` says whose it is not",
            ));
        }
        Ok(())
    }

    /// Every account for which somebody has answered, by pseudonym.
    pub fn answered(&self) -> Result<Vec<AnsweredItem>, EngineError> {
        let now = self.clock.now();
        let mut items = Vec::new();
        for (_, row) in self.ledger.view()?.rows::<OrphanRow>(Kind::Orphan)? {
            let profile = self.profile(&row.account)?;
            items.push(AnsweredItem {
                says: row.word,
                tenant: row.tenant.clone(),
                account: profile.first(Profile::KEY).map(str::to_owned),
                subject: row.account.clone(),
                email: profile.first(Profile::MAIL).map(str::to_owned),
                erased_by: None,
                owner: self.words_of(row.seq, "owner")?,
                until: row.until,
                over: row.until <= now,
                by: self.who_said(row.by.as_ref())?,
                proof: row.proof.clone(),
                at: row.at,
                reason: self.words_of(row.seq, "reason")?,
                seq: row.seq,
            });
        }
        Ok(items)
    }
}

/// The only one that was found; several are listed, so that one can be named.
fn only_one<T>(
    mut found: Vec<T>,
    who: &str,
    noun: &str,
    in_words: &dyn Fn(&T) -> String,
) -> Result<T, EngineError> {
    if found.len() > 1 {
        let listed: Vec<_> = found.iter().map(in_words).collect();
        return Err(EngineError::unknown(
            format!("`{who}` is more than one {noun}"),
            format!("name one by its pseudonym: {}", listed.join(", ")),
        ));
    }
    found.pop().ok_or_else(|| {
        EngineError::unknown(
            format!("no {noun} is known as `{who}`"),
            "give an address, a pseudonym (s_…), a directory's key or a tenant's id; \
             `exeunt accounts` lists all accounts",
        )
    })
}
