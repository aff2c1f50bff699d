//! Reads the tenant into the ledger, and lets the rules of the person rule.

use crate::cli::apply::may_act;
use crate::cli::clean::act::Stage;
use crate::cli::clean::ask::End;
use crate::cli::clean::words;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::failure::chain;
use crate::cli::observe::synced_exit;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::domain::code;
use crate::domain::rows::When;
use crate::domain::source::Verdict;
use crate::domain::trust;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::Adoption;
use crate::engine::observe::Synced;

impl Stage<'_> {
    /// Reads the tenant, once more if the person believes a list that is much shorter than the last
    /// one; how it ends if nothing can rest on what was read.
    pub(super) async fn read(&self, engine: &Engine) -> Result<Option<Exit>, End> {
        loop {
            let (synced, adoption) = self.read_once(engine).await?;
            let exit = synced_exit(&synced);
            if exit == Exit::Done {
                self.say_unknown(&synced);
                if self.adopt(engine, &adoption)? {
                    // what was protected until now stands so in what was read
                    continue;
                }
                return Ok(None);
            }
            let mut believed = false;
            for one in synced.iter().filter(|one| one.verdict != Verdict::Complete) {
                believed |= self.say_unread(engine, one)?;
            }
            if !believed {
                self.ask
                    .say("Nothing rests on such a read, and nothing was changed.");
                self.ask.say(&format!("When it is mended: {}", self.again));
                return Ok(Some(exit));
            }
        }
    }

    async fn read_once(&self, engine: &Engine) -> Result<(Vec<Synced>, Adoption), End> {
        let claim = engine.ledger.claim_lease()?;
        let compared = engine.compare_clocks(&[]).await?;
        may_act(engine, compared.outside)?;
        let by = engine.claimed(&os_user())?;
        let lease = engine.ledger.take_over(claim, &by)?;
        let run = engine.start("clean", by, Some(&lease))?;
        engine.ledger.sweep(&lease)?;
        let settled = engine.settle(&run).await?;
        if settled.in_doubt > 0 {
            self.ask.say(&format!(
                "Of {} it is not known yet what came of them; these accounts are left alone. In a \
                 minute or two the tenant can be asked: {}",
                plural(settled.in_doubt, "earlier call"),
                self.again
            ));
        }
        let synced = engine.sync(&run, &[]).await?;
        let adoption = engine.adopt_policy(&run)?;
        engine.finish(&run, synced_exit(&synced).code())?;
        Ok((synced, adoption))
    }

    /// Says why it cannot be told whether accounts are used, where that matters.
    fn say_unknown(&self, synced: &[Synced]) {
        let signals = synced.iter().flat_map(|one| &one.activity);
        for signal in signals.filter(|s| !s.complete && self.rule.when == When::Inactive) {
            let fault = signal.fault.as_deref().unwrap_or("read.not-whole");
            self.ask.say(&format!(
                "Whether anybody uses an account cannot be told now, so nobody counts as unused. {}",
                code::says(fault)
            ));
        }
    }

    /// Says why a read does not count; asks about one that only shows far fewer accounts. Whether
    /// the person believes it.
    fn say_unread(&self, engine: &Engine, one: &Synced) -> Result<bool, End> {
        if let Some(error) = &one.error {
            let (says, advice) = match error {
                EngineError::Provider(error) => words::plain(error, self.answers.kind),
                other => (chain(other), String::new()),
            };
            self.ask.say(&says);
            self.ask.say(&advice);
            return Ok(false);
        }
        for code in &one.because {
            self.ask.say(&code::says(code.as_str()));
        }
        let releasable = trust::is_releasable(&one.because);
        let Some(digest) = one.digest.as_ref().filter(|_| releasable) else {
            return Ok(false);
        };
        self.ask.say(&format!(
            "{} of the accounts that were known are missing. A list that was cut off would look \
             the same. If you know why they are gone, you can say so; that stands in the ledger \
             under your name.",
            one.missing
        ));
        let question = format!("Type {} to believe the list (Enter to stop):", one.missing);
        if self.ask.line(&question)? != one.missing.to_string() {
            return Ok(false);
        }
        let signer = engine.signer(&os_user(), None)?;
        let reason = format!("clean: confirmed by typing {}", one.missing);
        engine.release_read(&signer, one.source.as_str(), digest, &reason)?;
        Ok(true)
    }

    /// A safeguard that is loosened, in words; where there are none, as the rules have it.
    fn in_words(&self, line: &str) -> String {
        let (path, what) = line.split_once(": ").unwrap_or((line, ""));
        if path.starts_with("policies.") && what == "new, and it acts" {
            return format!(
                "a new rule: {} {}",
                self.rule.does.as_str(),
                self.rule.whom()
            );
        }
        match path.rsplit('.').next().unwrap_or_default() {
            "protect" => format!("protected addresses: {what}"),
            "service_accounts" => {
                "accounts stay no more only because a program may work as them".to_owned()
            }
            "successor" => "somebody else takes over what removed accounts own".to_owned(),
            "after_days" => format!("fewer days: {what}"),
            "notice_days" => format!("fewer days after the warning: {what}"),
            _ => line.to_owned(),
        }
    }

    /// Lets rules that loosen something rule only when the person says so; whether that was asked.
    fn adopt(&self, engine: &Engine, adoption: &Adoption) -> Result<bool, End> {
        let Adoption::Waits(loosened) = adoption else {
            return Ok(false);
        };
        self.ask.part("These rules go further than those of before");
        for line in loosened {
            self.ask.say(&format!("  {}", self.in_words(line)));
        }
        self.ask.say(
            "Rules that go further need an approver. Here that is you, alone; it stands in the \
             ledger under your name.",
        );
        if self.ask.line("Type `yes` to let them rule:")? != "yes" {
            return Err(Failure::refused(
                "approval.not-confirmed",
                "the new rules do not rule, so that nothing was planned or changed",
                format!("to choose again: {}", self.again),
            )
            .into());
        }
        let signer = engine.signer(&os_user(), None)?;
        engine.adopt_proposed(&signer, "clean: confirmed by typing yes")?;
        Ok(true)
    }
}
