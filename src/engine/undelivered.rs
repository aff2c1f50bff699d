//! Warnings that did not arrive: what reports say, whom nothing reaches, and how it goes on.

use serde::Serialize;

use crate::domain::event::Draft;
use crate::domain::event::NoticeBounced;
use crate::domain::event::NoticeDelivered;
use crate::domain::event::NoticeProceeded;
use crate::domain::id::Email;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::NoticeMark;
use crate::domain::rows::NoticeRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::engine::said::Words;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;
use crate::notify::report::End;
use crate::notify::report::Found;
use crate::notify::report::Outcome;
use crate::notify::report::Report;

/// The class of an approver who may say how it goes on: it can lead to a removal.
const CLASS: &str = "remove";

/// How it goes on after warnings that did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How<'a> {
    /// The steps come as if the person had been warned; this person was told in their place.
    Without {
        /// Who answers for the account and was told.
        told: &'a str,
    },
    /// The person is warned anew.
    Again,
}

impl How<'_> {
    const fn as_str(self) -> &'static str {
        match self {
            How::Without { .. } => "without",
            How::Again => "again",
        }
    }
}

/// One account whose warning did not arrive, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndeliveredItem {
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
    /// The policy.
    pub policy: String,
    /// When the warning was given.
    pub at: Time,
    /// When the first step would have come.
    pub acts_at: Time,
    /// Why it did not arrive, as a class.
    pub reason: Option<String>,
    /// The entry that says so.
    pub seq: Option<Seq>,
}

/// What one message of a mailbox came to, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportItem {
    /// Which message.
    pub message: String,
    /// `bounced`, `delivered`, `open` (still being tried), `known`, `not-ours`, `unreadable`.
    pub result: &'static str,
    /// The tenant of the account that the mail was about.
    pub tenant: Option<SourceName>,
    /// The account's pseudonym.
    pub subject: Option<Subject>,
    /// The address to which the mail went.
    pub email: Option<String>,
    /// The policy.
    pub policy: Option<String>,
    /// Why it did not arrive, as a class.
    pub reason: Option<&'static str>,
}

/// One warning with the row that it stands in.
type Given = (NoticeRow, NoticeMark);

impl Engine {
    /// Every account whose warning did not arrive and about which nobody has said how it goes on.
    pub fn undelivered(&self) -> Result<Vec<UndeliveredItem>, EngineError> {
        let view = self.ledger.view()?;
        let mut items = Vec::new();
        for (_, row) in view.rows::<NoticeRow>(Kind::Notice)? {
            let Some(mark) = open_mark(&row) else {
                continue;
            };
            let account = view.row::<AccountRow>(Kind::Account, row.account.as_str())?;
            let Some(account) = account.filter(|a| a.gone.is_none()) else {
                continue;
            };
            let profile = self.profile(&row.account)?;
            items.push(UndeliveredItem {
                tenant: account.tenant,
                account: profile.first(Profile::KEY).map(str::to_owned),
                subject: row.account.clone(),
                email: profile.first(Profile::MAIL).map(str::to_owned),
                erased_by: None,
                policy: row.policy.clone(),
                at: mark.at,
                acts_at: mark.acts_at,
                reason: mark.reason.clone(),
                seq: mark.bounced,
            });
        }
        Ok(items)
    }

    /// Says how it goes on with everybody meant by `who` whose warning did not arrive: an approver's
    /// word.
    pub fn proceed(
        &self,
        signer: &Signer,
        (who, tenant): (&str, Option<&SourceName>),
        how: How<'_>,
        words: Words<'_>,
    ) -> Result<Vec<UndeliveredItem>, EngineError> {
        self.may(signer, CLASS)?;
        let meant = self.find(who)?.accounts;
        let all = self.undelivered()?.into_iter();
        let items: Vec<_> = all
            .filter(|item| meant.contains(&item.subject))
            .filter(|item| tenant.is_none_or(|tenant| *tenant == item.tenant))
            .collect();
        if items.is_empty() {
            return Err(EngineError::unknown(
                format!("no warning to `{who}` is known not to have arrived"),
                "`exeunt notices list` shows whom no warning reaches",
            ));
        }
        let run = self.start("notices proceed", signer.by.clone(), None)?;
        let drafts = self.proceed_drafts(signer, &items, how, words)?;
        self.ledger.append_all(&run.by, drafts)?;
        // it is reported as done: no restored copy may have forgotten it
        self.ledger.sync()?;
        self.finish(&run, 0)?;
        Ok(items)
    }

    fn proceed_drafts(
        &self,
        signer: &Signer,
        items: &[UndeliveredItem],
        how: How<'_>,
        words: Words<'_>,
    ) -> Result<Vec<Draft>, EngineError> {
        let mut batch = self.ledger.vault()?.batch()?;
        let mut drafts = Vec::new();
        for item in items {
            let (sub, policy) = (&item.subject, &item.policy);
            let said = NoticeProceeded {
                tenant: item.tenant.clone(),
                policy: policy.clone(),
                how: how.as_str().to_owned(),
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("proceed {sub} {policy} {}", how.as_str())),
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &said).about(sub);
            let told = match how {
                How::Without { told } => Some(("told", told)),
                How::Again => None,
            };
            for (field, text) in words.fields().into_iter().chain(told) {
                batch.conceal(&mut draft, field, sub, text.as_bytes())?;
            }
            drafts.push(draft);
        }
        batch.commit()?;
        Ok(drafts)
    }

    /// Records what reports say about warnings of ours; each message has at least one line.
    pub fn take_reports(&self, found: &[Found]) -> Result<Vec<ReportItem>, EngineError> {
        let run = self.start("notices bounced", self.service()?, None)?;
        let mut items = Vec::new();
        for message in found {
            match &message.report {
                Some(report) => items.extend(self.take_report(&run, &message.message, report)?),
                None => items.push(line(&message.message, "unreadable", None)),
            }
        }
        self.ledger.sync()?;
        self.finish(&run, 0)?;
        Ok(items)
    }

    fn take_report(
        &self,
        run: &Run,
        message: &str,
        report: &Report,
    ) -> Result<Vec<ReportItem>, EngineError> {
        let mut items = Vec::new();
        for outcome in &report.outcomes {
            let about = self.about(report, outcome)?;
            if about.is_empty() {
                items.push(line(message, "not-ours", outcome.recipient.clone()));
            }
            for (row, mark) in about {
                items.push(self.take_outcome(run, message, outcome, &row, &mark)?);
            }
        }
        Ok(items)
    }

    /// The warnings that a report is about: by the mail; where it does not name one, the newest mail
    /// to the recipient.
    fn about(&self, report: &Report, outcome: &Outcome) -> Result<Vec<Given>, EngineError> {
        let mut given = Vec::new();
        for (_, row) in self.ledger.view()?.rows::<NoticeRow>(Kind::Notice)? {
            let mails = row.sent.iter().filter(|m| m.mail.is_some()).cloned();
            given.extend(mails.map(|mark| (row.clone(), mark)));
        }
        let mail = match (&report.mail, &outcome.recipient) {
            (Some(mail), _) => Some(mail.clone()),
            (None, Some(recipient)) => {
                let theirs = match Email::parse(recipient) {
                    Some(address) => self.ledger.vault()?.find_address(&address)?,
                    None => Vec::new(),
                };
                let own = given
                    .iter()
                    .filter(|(row, _)| theirs.contains(&row.account));
                let newest = own.max_by_key(|(_, mark)| mark.at);
                newest.and_then(|(_, mark)| mark.mail.clone())
            }
            (None, None) => None,
        };
        given.retain(|(_, mark)| mail.is_some() && mark.mail == mail);
        Ok(given)
    }

    fn take_outcome(
        &self,
        run: &Run,
        message: &str,
        outcome: &Outcome,
        row: &NoticeRow,
        mark: &NoticeMark,
    ) -> Result<ReportItem, EngineError> {
        let account = &row.account;
        let found = self
            .ledger
            .view()?
            .row::<AccountRow>(Kind::Account, account.as_str())?;
        let mut item = line(message, "open", outcome.recipient.clone());
        item.subject = Some(account.clone());
        item.policy = Some(row.policy.clone());
        let Some(found) = found else {
            return Ok(item);
        };
        item.tenant = Some(found.tenant.clone());
        let id = self.ledger.entry_id()?;
        let message_id = mark.mail.clone().unwrap_or_default();
        let draft = match outcome.end {
            End::Open => return Ok(item),
            End::Failed(reason) => {
                item.result = "bounced";
                item.reason = Some(reason.as_str());
                let bounced = NoticeBounced {
                    tenant: found.tenant,
                    policy: row.policy.clone(),
                    days: mark.days,
                    acts_at: mark.acts_at,
                    message: message_id,
                    reason: reason.as_str().to_owned(),
                    said_by: "report".to_owned(),
                };
                Draft::new(id, &bounced)
            }
            End::Delivered => {
                item.result = "delivered";
                let delivered = NoticeDelivered {
                    tenant: found.tenant,
                    policy: row.policy.clone(),
                    days: mark.days,
                    message: message_id,
                };
                Draft::new(id, &delivered)
            }
        };
        if !self.append_outcome(run, draft.about(account), outcome, mark)? {
            item.result = "known";
        }
        Ok(item)
    }

    /// Appends what became of a warning, unless it is known already.
    fn append_outcome(
        &self,
        run: &Run,
        mut draft: Draft,
        outcome: &Outcome,
        mark: &NoticeMark,
    ) -> Result<bool, EngineError> {
        let fails = matches!(outcome.end, End::Failed(_));
        let known =
            |mark: &NoticeMark| mark.bounced.is_some() || (!fails && mark.state == "delivered");
        if known(mark) {
            return Ok(false);
        }
        draft.cause = self.ledger.view()?.entry(mark.seq)?.map(|entry| entry.id);
        if let (Some(recipient), Some(sub)) = (&outcome.recipient, draft.sub.clone()) {
            let mut batch = self.ledger.vault()?.batch()?;
            batch.conceal(&mut draft, "to", &sub, recipient.as_bytes())?;
            batch.commit()?;
        }
        let key = draft.sub.clone();
        let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
            let mut told = false;
            for (_, row) in view.rows::<NoticeRow>(Kind::Notice)? {
                let own = Some(&row.account) == key.as_ref();
                told |= own && row.sent.iter().any(|m| m.seq == mark.seq && known(m));
            }
            Ok(if told {
                Vec::new()
            } else {
                vec![draft.clone()]
            })
        })?;
        Ok(appended.count > 0)
    }
}

/// The newest warning that did not arrive, if nobody has said since how it goes on.
fn open_mark(row: &NoticeRow) -> Option<&NoticeMark> {
    let again = row.proceeded.as_ref().filter(|p| p.again);
    let open = row.sent.iter().filter(|mark| row.is_undelivered(mark));
    open.filter(|mark| again.is_none_or(|said| mark.at > said.at))
        .max_by_key(|mark| mark.bounced)
}

fn line(message: &str, result: &'static str, email: Option<String>) -> ReportItem {
    ReportItem {
        message: message.to_owned(),
        result,
        tenant: None,
        subject: None,
        email,
        policy: None,
        reason: None,
    }
}
