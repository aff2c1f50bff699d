//! Who takes over from whom, as people say it (`exeunt successor`).

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::code;
use crate::domain::event::Draft;
use crate::domain::event::SuccessorNamed;
use crate::domain::event::SuccessorWithdrawn;
use crate::domain::fold::pair_key;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::rows::SuccessorRow;
use crate::domain::succession::can_take_over;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::approve::Signer;
use crate::engine::leave::Meant;
use crate::engine::said::Words;
use crate::ledger::vault::Profile;

/// The class of an approver who may name a successor: what is handed over comes not back.
const CLASS: &str = "remove";

/// Who takes over from one person, or one account, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuccessorItem {
    /// The tenant.
    pub tenant: SourceName,
    /// The directory of a person; absent of an account.
    pub directory: Option<SourceName>,
    /// From whom: the pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// The account that takes over.
    pub successor: Subject,
    /// Its address.
    pub successor_email: Option<String>,
    /// Why it cannot now, as a code; absent where it can.
    pub because: Option<&'static str>,
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

impl Engine {
    /// Finds from whom somebody takes over: as [`Engine::who_leaves`] does, but in every directory.
    pub fn who_is_succeeded(&self, who: &str) -> Result<Meant, EngineError> {
        self.who_is_meant(who, false)
    }

    /// Names who takes over what somebody owns in a tenant, before every other way of finding one.
    /// That is another successor: an approver's word. Returns from whom.
    pub fn name_successor(
        &self,
        signer: &Signer,
        meant: &Meant,
        tenant: &SourceName,
        to: &AccountRow,
        words: Words<'_>,
    ) -> Result<Vec<Subject>, EngineError> {
        self.may(signer, CLASS)?;
        self.handing_over(tenant)?;
        let from = succeeded(meant, tenant)?;
        let now = self.clock.now();
        let own = meant.belong.iter().chain(&meant.accounts);
        let own: BTreeSet<_> = own.map(|account| &account.subject).collect();
        if own.contains(&to.subject) {
            return Err(EngineError::refused(
                "successor.oneself",
                "nobody takes over from themselves",
                "name the account of somebody else",
            ));
        }
        if let Some(code) = self.cannot_succeed(now, to)? {
            return Err(EngineError::refused(
                code,
                format!(
                    "{} cannot take over in {tenant}: {}",
                    self.called(&to.subject)?,
                    code::says(code)
                ),
                "name a member who is active and stays",
            ));
        }
        let run = self.start("successor set", signer.by.clone(), None)?;
        let mut drafts = Vec::new();
        let mut batch = self.ledger.vault()?.batch()?;
        for sub in &from {
            let named = SuccessorNamed {
                tenant: tenant.clone(),
                to: to.subject.clone(),
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("successor {sub} {tenant} {}", to.subject)),
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &named).about(sub);
            for (field, text) in words.fields() {
                batch.conceal(&mut draft, field, sub, text.as_bytes())?;
            }
            drafts.push(draft);
        }
        batch.commit()?;
        self.ledger.append_all(&run.by, drafts)?;
        self.ledger.sync()?;
        self.finish(&run, 0)?;
        Ok(from)
    }

    /// Takes back who takes over from somebody in a tenant: an approver's word as well, since
    /// somebody else may take over then. Returns from whom.
    pub fn withdraw_successor(
        &self,
        signer: &Signer,
        meant: &Meant,
        tenant: &SourceName,
        words: Words<'_>,
    ) -> Result<Vec<Subject>, EngineError> {
        self.may(signer, CLASS)?;
        let view = self.ledger.view()?;
        let people = meant.people.iter().map(|p| &p.subject);
        let accounts = meant.accounts.iter().chain(&meant.belong);
        let mut rows = Vec::new();
        for sub in people.chain(accounts.map(|a| &a.subject)) {
            let key = pair_key(sub, tenant.as_str());
            rows.extend(view.row::<SuccessorRow>(Kind::Successor, &key)?);
        }
        if rows.is_empty() {
            return Err(EngineError::refused(
                "successor.not-named",
                format!("nobody has named who takes over from them in {tenant}"),
                "`exeunt successor list` shows what was said",
            ));
        }
        let run = self.start("successor clear", signer.by.clone(), None)?;
        let mut drafts = Vec::new();
        let mut batch = self.ledger.vault()?.batch()?;
        for row in &rows {
            let sub = &row.subject;
            let withdrawn = SuccessorWithdrawn {
                tenant: tenant.clone(),
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("no-successor {sub} {tenant}")),
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &withdrawn).about(sub);
            draft.cause = view.entry(row.seq)?.map(|entry| entry.id);
            for (field, text) in words.fields() {
                batch.conceal(&mut draft, field, sub, text.as_bytes())?;
            }
            drafts.push(draft);
        }
        batch.commit()?;
        self.ledger.append_all(&run.by, drafts)?;
        self.ledger.sync()?;
        self.finish(&run, 0)?;
        Ok(rows.into_iter().map(|row| row.subject).collect())
    }

    /// Everybody for whom a successor was named, the newest word first.
    pub fn named_successors(&self) -> Result<Vec<SuccessorItem>, EngineError> {
        let now = self.clock.now();
        let view = self.ledger.view()?;
        let mut items = Vec::new();
        for (_, row) in view.rows::<SuccessorRow>(Kind::Successor)? {
            let person = view.row::<PersonRow>(Kind::Person, row.subject.as_str())?;
            let to = view.row::<AccountRow>(Kind::Account, row.to.as_str())?;
            let because = match &to {
                Some(to) => self.cannot_succeed(now, to)?,
                None => Some("block.successor-unknown"),
            };
            let mail = |sub: &Subject| -> Result<Option<String>, EngineError> {
                Ok(self.profile(sub)?.first(Profile::MAIL).map(str::to_owned))
            };
            items.push(SuccessorItem {
                directory: person.map(|person| person.directory),
                email: mail(&row.subject)?,
                erased_by: None,
                successor_email: mail(&row.to)?,
                because,
                by: self.who_said(row.by.as_ref())?,
                proof: row.proof,
                at: row.at,
                reason: self.words_of(row.seq, "reason")?,
                ticket: self.words_of(row.seq, "ticket")?,
                seq: row.seq,
                tenant: row.tenant,
                subject: row.subject,
                successor: row.to,
            });
        }
        items.sort_by_key(|item| std::cmp::Reverse(item.seq));
        Ok(items)
    }

    /// Why an account cannot take over, as far as the newest read shows.
    fn cannot_succeed(
        &self,
        now: Time,
        to: &AccountRow,
    ) -> Result<Option<&'static str>, EngineError> {
        Ok(if to.gone.is_some() {
            Some("block.successor-unknown")
        } else if !can_take_over(&to.facts) {
            Some("block.successor-unfit")
        } else if self.is_leaving(now, &to.subject)? {
            Some("block.successor-leaving")
        } else {
            None
        })
    }

    /// Refuses a tenant that is not there, or where nothing is ever handed over.
    fn handing_over(&self, tenant: &SourceName) -> Result<(), EngineError> {
        let source = self.tenant(tenant).ok_or_else(|| {
            let known: Vec<_> = self.tenants.iter().map(|t| t.name.as_str()).collect();
            let hint = crate::config::mistake::nearest(tenant.as_str(), &known);
            EngineError::unknown(format!("there is no tenant `{tenant}`"), hint)
        })?;
        match source.hands_over() {
            true => Ok(()),
            false => Err(EngineError::refused(
                "successor.nothing-handed-over",
                format!(
                    "{tenant} is a tenant of {}, where nothing can be handed over",
                    source.adapter.kind().title
                ),
                "`exeunt provider show` says what becomes of what removed accounts own",
            )),
        }
    }
}

/// From whom somebody takes over: the persons, and the accounts in the tenant that are named
/// themselves.
fn succeeded(meant: &Meant, tenant: &SourceName) -> Result<Vec<Subject>, EngineError> {
    let people = meant.people.iter().map(|person| person.subject.clone());
    let own = meant.accounts.iter().filter(|a| a.tenant == *tenant);
    let from: Vec<_> = people.chain(own.map(|a| a.subject.clone())).collect();
    match from.is_empty() {
        false => Ok(from),
        true => Err(EngineError::unknown(
            format!("they have no account in {tenant}"),
            "`exeunt accounts` lists all accounts",
        )),
    }
}
