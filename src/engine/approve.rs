//! What people say: approvals, rejections, releases, halts, the policy.

use std::collections::BTreeSet;
use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::ApproverConfig;
use crate::config::policy::signed;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::event::BackupMade;
use crate::domain::event::BreakerReleased;
use crate::domain::event::Draft;
use crate::domain::event::HaltLifted;
use crate::domain::event::HaltSet;
use crate::domain::event::Payload;
use crate::domain::event::PlanApproved;
use crate::domain::event::PlanRejected;
use crate::domain::event::PolicyAdopted;
use crate::domain::event::ReadReleased;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::plan as rules;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::Step;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;
use crate::domain::trust;
use crate::domain::trust::Remedy;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::ledger::By;
use crate::ledger::backup::Backup;

/// A person who says something, with the proof of it.
#[derive(Debug)]
pub struct Signer {
    /// Under whose name the entry stands.
    pub by: By,
    /// `signature` or `os-user`.
    pub proof: &'static str,
    key: Option<Ed25519KeyPair>,
    approver: Option<ApproverConfig>,
}

impl Signer {
    pub(super) fn sign(&self, text: &str) -> Option<String> {
        let signature = self.key.as_ref()?.sign(text.as_bytes());
        Some(format!("ed25519:{}", STANDARD.encode(signature.as_ref())))
    }
}

impl Engine {
    /// The person at the command line: by the approver's key if one is given, else by the name at
    /// the operating system, which only claims.
    pub fn signer(&self, os_user: &str, key: Option<&Path>) -> Result<Signer, EngineError> {
        let Some(path) = key else {
            return Ok(Signer {
                by: self.claimed(os_user)?,
                proof: "os-user",
                key: None,
                approver: self.approver_at(os_user).cloned(),
            });
        };
        let unreadable = |what: String| EngineError::File {
            what: format!("{}: {what}", path.display()),
        };
        let der = PrivatePkcs8KeyDer::from_pem_file(path)
            .map_err(|e| unreadable(format!("no PKCS#8 key in PEM: {e}")))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| unreadable("not an Ed25519 key".to_owned()))?;
        let public = STANDARD.encode(pair.public_key().as_ref());
        let known = self
            .config
            .approver
            .iter()
            .find(|a| a.key.as_deref() == Some(&public));
        let Some(approver) = known else {
            return Err(EngineError::refused(
                "approval.unknown-key",
                format!(
                    "the key {} belongs to no [[approver]] of exeunt.toml",
                    path.display()
                ),
                format!("its public key is {public}"),
            ));
        };
        let by = self.operator(&approver.name, "approver")?;
        let approver = Some(approver.clone());
        Ok(Signer {
            by,
            proof: "signature",
            key: Some(pair),
            approver,
        })
    }

    /// The person at the command line by what the operating system says: an approver who is known
    /// there is the same person with a key and without.
    pub fn claimed(&self, os_user: &str) -> Result<By, EngineError> {
        match self.approver_at(os_user) {
            Some(approver) => self.operator(&approver.name, "approver"),
            None => self.operator(os_user, "os-user"),
        }
    }

    fn approver_at(&self, os_user: &str) -> Option<&ApproverConfig> {
        let mut approvers = self.config.approver.iter();
        approvers.find(|a| a.os_user.as_deref() == Some(os_user))
    }

    /// Whether two-person rules are in force: from two approvers on, in the policy that rules or
    /// in exeunt.toml. They end when that has been adopted, not when a file is changed.
    pub fn two_person_rules(&self) -> Result<bool, EngineError> {
        let adopted = self.adopted_policy()?;
        let ruled = adopted.is_some_and(|(_, set)| set.two_person_rules());
        let names: BTreeSet<_> = self.config.approver.iter().map(|a| &a.name).collect();
        Ok(ruled || names.len() >= 2)
    }

    /// Refuses a claim where proofs are needed, an approver whose classes do not cover `class`, and
    /// one to whom the approvers of the policy that rules have not agreed.
    pub(super) fn may(&self, signer: &Signer, class: &str) -> Result<(), EngineError> {
        if self.two_person_rules()? && signer.proof != "signature" {
            return Err(EngineError::refused(
                "approval.needs-signature",
                "with two approvers or more, a name at the command line is no approval",
                "sign with --key FILE",
            ));
        }
        let Some(approver) = &signer.approver else {
            return Ok(());
        };
        if !approver.may(class) {
            return Err(EngineError::refused(
                "approval.class",
                format!("this approver may not approve `{class}`"),
                format!("may approve: {}", approver.classes.join(", ")),
            ));
        }
        let adopted = self.adopted_policy()?;
        let Some((version, set)) = adopted.filter(|(_, set)| set.two_person_rules()) else {
            return Ok(());
        };
        if !self.can_compare(version)? {
            // who was adopted nobody can tell any more: until a policy is adopted anew, those of
            // exeunt.toml speak
            return Ok(());
        }
        let key = approver.key.as_deref().unwrap_or_default();
        let right = self.fingerprint(&signed(&approver.name, key, class))?;
        if !set.signers.contains(&right) {
            return Err(EngineError::refused(
                "approval.not-adopted",
                format!("{} may not approve `{class}` yet", approver.name),
                "an approver of the policy that rules adopts the new one: exeunt policy approve",
            ));
        }
        Ok(())
    }

    /// How many approvals a plan needs, and how many it has that count.
    pub fn approvals(&self, plan: &PlanRow) -> Result<(u64, bool), EngineError> {
        let steps: Vec<Step> = self.steps_of(plan)?.into_iter().map(|s| s.step).collect();
        let Some((_, set)) = self.adopted_policy()? else {
            return Ok((u64::MAX, false));
        };
        let needed = rules::approvals_needed(&steps, &set);
        Ok((needed, rules::is_approved(plan, needed)))
    }

    /// Refuses a plan that cannot be carried out any more.
    pub fn still_good(&self, plan: &PlanRow, now: Time) -> Result<(), EngineError> {
        let again = "make a new one with `exeunt plan`";
        if plan.rejected.is_some() {
            return Err(EngineError::refused(
                "plan.rejected",
                "the plan was rejected",
                again,
            ));
        }
        if plan.replaced_by.is_some() {
            return Err(EngineError::refused(
                "plan.replaced",
                "the plan was replaced by a smaller one",
                again,
            ));
        }
        if !self.rules_still(plan)? {
            let what = "the plan was made under another policy than the one that rules";
            return Err(EngineError::refused("plan.other-policy", what, again));
        }
        // Expiry forbids the first intent of a step, not its repeats, which decide again.
        let begun = self.steps_left(plan)?.iter().any(|s| s.intent.is_some());
        if rules::is_expired(plan, now) && !begun {
            let what = format!("the plan expired at {}", plan.expires_at.to_seconds_text());
            return Err(EngineError::refused("plan.expired", what, again));
        }
        Ok(())
    }

    /// Approves a plan's digest.
    pub fn approve(&self, signer: &Signer, plan: &PlanRow) -> Result<(), EngineError> {
        let run = self.start("approve", signer.by.clone(), None)?;
        self.still_good(plan, run.now)?;
        self.may_approve(signer, plan)?;
        let two = self.two_person_rules()?;
        let approved = PlanApproved {
            plan: plan.plan.clone(),
            digest: plan.digest.clone(),
            self_approved: !two,
            proof: signer.proof.to_owned(),
            signature: signer.sign(&plan.digest),
        };
        self.say(&run, &approved, None)?;
        self.finish(&run, 0)
    }

    /// Refuses whoever may not approve a plan.
    pub(super) fn may_approve(&self, signer: &Signer, plan: &PlanRow) -> Result<(), EngineError> {
        let mut asked = BTreeSet::new();
        for step in self.steps_of(plan)? {
            // whoever may approve that an account is disabled may approve that it is given back
            let class = match step.step.does {
                Do::Restore => Do::Disable,
                does => does,
            };
            if asked.insert(class) {
                self.may(signer, class.as_str())?;
            }
        }
        let asked = self.asked_for(plan)?;
        let own = asked.is_some() && asked == signer.by.actor.sub;
        if own && self.two_person_rules()? {
            return Err(EngineError::refused(
                "approval.own-plan",
                "whoever made a plan cannot approve it",
                "another approver must approve it",
            ));
        }
        Ok(())
    }

    /// Who asked for a plan: for a smaller one, whoever asked for the one that it was cut from.
    fn asked_for(&self, plan: &PlanRow) -> Result<Option<Subject>, EngineError> {
        let view = self.ledger.view()?;
        let mut first = plan.clone();
        while let Some(parent) = &first.parent {
            match view.row::<PlanRow>(Kind::Plan, parent.as_str())? {
                Some(row) if row.seq < first.seq => first = row,
                _ => break,
            }
        }
        Ok(view.entry(first.seq)?.and_then(|e| e.actor.sub))
    }

    /// Rejects a plan: nothing of it is carried out.
    pub fn reject(
        &self,
        signer: &Signer,
        plan: &PlanRow,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        let run = self.start("approve", signer.by.clone(), None)?;
        let rejected = PlanRejected {
            plan: plan.plan.clone(),
            digest: plan.digest.clone(),
        };
        self.say(&run, &rejected, reason)?;
        self.finish(&run, 0)
    }

    /// Lets a plan through that brakes have stopped.
    pub fn release_plan(
        &self,
        signer: &Signer,
        plan: &PlanRow,
        reason: &str,
    ) -> Result<BreakerReleased, EngineError> {
        self.may(signer, "release")?;
        let run = self.start("breaker release", signer.by.clone(), None)?;
        self.still_good(plan, run.now)?;
        let Some((_, set)) = self.adopted_policy()? else {
            return Err(EngineError::refused(
                "plan.no-policy",
                "no policy rules",
                "run `exeunt sync`",
            ));
        };
        let steps: Vec<Step> = self.steps_left(plan)?.into_iter().map(|s| s.step).collect();
        let assessment = self.assess(&steps, Some(&plan.digest), &set, run.now)?;
        if !assessment.needs_release() {
            return Err(EngineError::refused(
                "breaker.not-tripped",
                "no brake stops this plan",
                "carry it out with `exeunt apply`",
            ));
        }
        let open = assessment.releasable(&steps);
        let released = BreakerReleased {
            plan: plan.plan.clone(),
            digest: plan.digest.clone(),
            first_contact: open.first_contact.iter().cloned().collect(),
            windows: open.windows.iter().cloned().collect(),
            accounts: Vec::new(),
            named: open.named(),
            ramp_per_day: set.limits.ramp_per_day,
        };
        self.say(&run, &released, Some(reason))?;
        self.finish(&run, 0)?;
        Ok(released)
    }

    /// Believes a suspect read: the next one that shows the same is complete in spite of its drop.
    pub fn release_read(
        &self,
        signer: &Signer,
        source: &str,
        digest: &str,
        reason: &str,
    ) -> Result<(), EngineError> {
        self.may(signer, "release")?;
        let name = SourceName::new(source);
        let mut row = self.source_row(SourceKind::Directory, &name)?;
        if row.is_none() {
            row = self.source_row(SourceKind::Tenant, &name)?;
        }
        let Some(row) = row else {
            return Err(EngineError::unknown(
                format!("`{source}` was never read"),
                "run `exeunt sync`",
            ));
        };
        let last = row
            .last
            .proof
            .as_ref()
            .map(|p| p.digest.as_str())
            .unwrap_or_default();
        let suspect = row.last.verdict == Verdict::Suspect;
        let hex = last.trim_start_matches("sha256:");
        let same = last == digest || (digest.len() >= 8 && hex.starts_with(digest));
        if !suspect || !same {
            return Err(EngineError::refused(
                "read.not-suspect",
                format!("the newest read of {source} is not a suspect one with this digest"),
                format!(
                    "the newest read is {:?} with digest {last}",
                    row.last.verdict
                ),
            ));
        }
        let never = |code: &&Code| trust::remedy(code) == Remedy::Nothing;
        if let Some(code) = row.last.because.iter().find(never) {
            return Err(EngineError::refused(
                "read.not-releasable",
                format!("a read with {code} is never believed"),
                "mend the cause; `exeunt check` tests the source",
            ));
        }
        if !trust::is_releasable(&row.last.because) {
            return Err(EngineError::refused(
                "read.waits-for-second",
                format!("the newest read of {source} waits for a second one, not for a release"),
                format!("exeunt sync {source}"),
            ));
        }
        let run = self.start("breaker release", signer.by.clone(), None)?;
        let released = ReadReleased {
            source: name,
            digest: last.to_owned(),
        };
        self.say(&run, &released, Some(reason))?;
        self.finish(&run, 0)
    }

    /// Adopts the proposed policy.
    pub fn adopt_proposed(&self, signer: &Signer, reason: &str) -> Result<u64, EngineError> {
        self.may(signer, "policy")?;
        let view = self.ledger.view()?;
        let Some(proposed) = view.row::<PolicyRow>(Kind::Policy, "proposed")? else {
            return Err(EngineError::unknown(
                "no policy is proposed",
                "`exeunt policy propose` proposes that of exeunt.toml",
            ));
        };
        let asked = view.entry(proposed.seq)?.and_then(|e| e.actor.sub);
        if self.two_person_rules()? && asked.is_some() && asked == signer.by.actor.sub {
            return Err(EngineError::refused(
                "approval.own-policy",
                "whoever proposed a policy cannot approve it",
                "another approver must approve it",
            ));
        }
        let run = self.start("policy approve", signer.by.clone(), None)?;
        let adopted = PolicyAdopted {
            policy: proposed.policy,
            unattended: false,
        };
        let seq = self.say(&run, &adopted, Some(reason))?;
        self.finish(&run, 0)?;
        Ok(seq)
    }

    /// Stops every call, or those to one tenant.
    pub fn halt(
        &self,
        signer: &Signer,
        tenant: Option<&str>,
        until: Option<Time>,
        reason: &str,
    ) -> Result<(), EngineError> {
        let run = self.start("halt", signer.by.clone(), None)?;
        let set = HaltSet {
            tenant: tenant.map(SourceName::new),
            until,
        };
        self.say(&run, &set, Some(reason).filter(|r| !r.is_empty()))?;
        self.finish(&run, 0)
    }

    /// Lets calls go on.
    pub fn lift_halt(
        &self,
        signer: &Signer,
        tenant: Option<&str>,
        reason: &str,
    ) -> Result<(), EngineError> {
        let run = self.start("halt", signer.by.clone(), None)?;
        let lifted = HaltLifted {
            tenant: tenant.map(SourceName::new),
        };
        self.say(&run, &lifted, Some(reason).filter(|r| !r.is_empty()))?;
        self.finish(&run, 0)
    }

    /// Notes that ledger, vault and keys were copied.
    pub fn backup_made(&self, run: &Run, backup: &Backup) -> Result<Seq, EngineError> {
        let made = BackupMade {
            entries: backup.entries,
            link: backup.link.clone(),
            vault: backup.vault.clone(),
        };
        self.say(run, &made, None)
    }

    /// Appends what a person says; the reason is theirs, so it is committed to and kept with them.
    pub(super) fn say<P: Payload>(
        &self,
        run: &Run,
        payload: &P,
        reason: Option<&str>,
    ) -> Result<u64, EngineError> {
        let words: Vec<_> = reason.map(|r| ("reason", r)).into_iter().collect();
        self.say_about(run, None, payload, &words)
    }

    /// Appends what a person says about somebody, with their own words, by field name.
    pub(super) fn say_about<P: Payload>(
        &self,
        run: &Run,
        about: Option<&Subject>,
        payload: &P,
        words: &[(&str, &str)],
    ) -> Result<u64, EngineError> {
        let mut draft = Draft::new(self.ledger.entry_id()?, payload);
        draft.sub = about.cloned();
        if !words.is_empty() {
            let Some(sub) = run.by.actor.sub.clone() else {
                return Err(EngineError::File {
                    what: "nobody said this".to_owned(),
                });
            };
            let mut batch = self.ledger.vault()?.batch()?;
            for (field, word) in words {
                batch.conceal(&mut draft, field, &sub, word.as_bytes())?;
            }
            batch.commit()?;
        }
        let appended = self.ledger.append_all(&run.by, vec![draft])?;
        self.ledger.sync()?;
        Ok(appended.first)
    }
}
