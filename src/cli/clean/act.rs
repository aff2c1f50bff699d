//! From the answers to what is done: plan, number, calls, result.

use std::path::Path;
use std::sync::Arc;

use crate::cli::apply::applied_exit;
use crate::cli::apply::doubt;
use crate::cli::apply::end_why;
use crate::cli::apply::end_word;
use crate::cli::apply::may_act;
use crate::cli::args::Cli;
use crate::cli::clean::answers::Answers;
use crate::cli::clean::answers::Rule;
use crate::cli::clean::ask::Ask;
use crate::cli::clean::ask::End;
use crate::cli::clean::preview::next_due;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::plan::tripped;
use crate::cli::setup;
use crate::config::Config;
use crate::domain::account::Do;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::engine::Engine;
use crate::engine::actuate::StepEnd;
use crate::engine::actuate::Taken;
use crate::engine::decide::Judged;
use crate::engine::plan::Planned;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::InitOptions;
use crate::ledger::Ledger;
use crate::ledger::entropy::SystemEntropy;

/// What it came to.
pub(super) enum Came {
    /// The end.
    To(Exit),
    /// The person wants to protect more people first.
    Protect,
}

/// A clean-up whose questions are answered.
pub(super) struct Stage<'a> {
    pub(super) ask: &'a Ask,
    /// The command line of an ordinary command in its directory.
    pub(super) cli: Cli,
    /// Speaks of ordinary commands as they must be typed here.
    pub(super) out: Output,
    pub(super) dir: &'a Path,
    pub(super) answers: &'a Answers,
    pub(super) rule: Rule,
    /// The command that goes on.
    pub(super) again: String,
}

/// What the person said to a list.
enum Said {
    Go,
    Stop,
    Protect,
}

impl Stage<'_> {
    /// Reads, plans, asks, acts, and says what came of it.
    pub(super) async fn act(&self) -> Result<Came, End> {
        self.ask
            .part("Reading the tenant, and writing down what is seen");
        let engine = self.open()?;
        if let Some(exit) = self.read(&engine).await? {
            return Ok(Came::To(exit));
        }
        let planned = self.plan(&engine)?;
        let warn = self.count(&planned.judged, Ruling::Warn);
        let mut exit = Exit::Done;
        if let Some(plan) = &planned.plan {
            match self.ask_about(&engine, plan, &planned.judged).await? {
                Said::Protect => return Ok(Came::Protect),
                Said::Go => exit = self.carry_out(&engine, plan).await?,
                Said::Stop => self.ask.say("Nothing was changed."),
            }
        } else {
            self.show_staying(&engine, &planned.judged)?;
            if warn == 0 {
                self.ask.say("There is nothing to do now.");
            }
        }
        if warn > 0 && exit != Exit::Interrupted {
            self.warn(&engine, &planned.judged, warn).await?;
        }
        self.say_next(&engine)?;
        Ok(Came::To(exit))
    }

    /// Opens the ledger; makes it first where there is none.
    fn open(&self) -> Result<Engine, End> {
        let config = Config::load(&self.cli.config)?;
        let paths = setup::paths(&config)?;
        if !paths.ledger.exists() {
            let options = InitOptions {
                origin: config.ledger.origin.clone(),
                sandbox: config.ledger.sandbox,
            };
            let clock = setup::clock(&self.cli)?;
            Ledger::init(&paths, &options, clock, Arc::new(SystemEntropy))?;
        }
        Ok(setup::open(&self.cli, Access::Full, &self.out)?)
    }

    fn count(&self, judged: &[Judged], ruling: Ruling) -> u64 {
        judged
            .iter()
            .filter(|j| j.decision.verdict == ruling)
            .count() as u64
    }

    /// Makes one plan of everything that is due. Earlier ones that the person did not carry out,
    /// or of which a step fell away, are planned anew, so that there is one list and one number.
    fn plan(&self, engine: &Engine) -> Result<Planned, End> {
        let planned = self.plan_once(engine)?;
        let Some(plan) = &planned.plan else {
            return Ok(planned);
        };
        let mut stale = planned.is_new && !planned.open.is_empty();
        for step in engine.steps_left(plan)? {
            let account = &step.step.account;
            let now = planned
                .judged
                .iter()
                .find(|j| j.facts.account.subject == *account);
            stale |= now.is_none_or(|j| j.decision.verdict != Ruling::Act);
        }
        if !stale {
            return Ok(planned);
        }
        let signer = engine.signer(&os_user(), None)?;
        for old in planned.open.iter().chain([plan]) {
            engine.reject(&signer, old, Some("clean: planned anew"))?;
        }
        self.plan_once(engine)
    }

    fn plan_once(&self, engine: &Engine) -> Result<Planned, End> {
        let run = engine.start("clean", engine.claimed(&os_user())?, None)?;
        let judged = engine.decide_all(&run, self.called())?;
        let planned = engine.plan(&run, judged, Some(self.rule.name()))?;
        engine.finish(&run, 0)?;
        Ok(planned)
    }

    /// The policy for everyone holds only when it is called by name.
    fn called(&self) -> Option<String> {
        (self.rule.when == When::Everyone).then(|| self.rule.name().to_owned())
    }

    /// Shows a plan and has its number typed.
    async fn ask_about(
        &self,
        engine: &Engine,
        plan: &PlanRow,
        judged: &[Judged],
    ) -> Result<Said, End> {
        let steps = engine.steps_left(plan)?;
        let owned = engine.belongings(&steps).await?;
        self.show_steps(engine, &steps, judged, &owned)?;
        self.show_staying(engine, judged)?;
        let count = steps.len() as u64;
        self.explain_brakes(engine, plan, count)?;
        self.ask.say("");
        self.ask.say("Nothing has been changed yet.");
        let does = self.rule.does.as_str();
        let question = format!(
            "Type {count} to {does} {}, p to protect more people, Enter to stop:",
            if count == 1 {
                "this account"
            } else {
                "these accounts"
            }
        );
        loop {
            let typed = self.ask.line(&question)?;
            match typed.as_str() {
                "" => return Ok(Said::Stop),
                "p" | "P" => return Ok(Said::Protect),
                typed if typed == count.to_string() => return Ok(Said::Go),
                _ => self
                    .ask
                    .say(&format!("The list has {}.", plural(count, "account"))),
            }
        }
    }

    /// Approves and releases what the person confirmed, and makes the calls.
    async fn carry_out(&self, engine: &Engine, plan: &PlanRow) -> Result<Exit, End> {
        let calling = self.ask.calling();
        self.ask.if_stopped(&[
            "Stopped at once. The account in hand may be in doubt, and a minute or two later the \
             tenant can be asked what came of it:",
            &self.again,
        ]);
        let count = engine.steps_left(plan)?.len();
        let signer = engine.signer(&os_user(), None)?;
        if !engine.approvals(plan)?.1 {
            engine.approve(&signer, plan)?;
        }
        if tripped(engine, plan)?
            .iter()
            .any(|brake| brake.window != "ramp")
        {
            let reason = format!("clean: confirmed by typing {count}");
            engine.release_plan(&signer, plan, &reason)?;
        }
        let plan = engine.plan_named(plan.plan.as_str())?;
        let claim = engine.ledger.claim_lease()?;
        may_act(engine, engine.compare_clocks(&[]).await?.outside)?;
        engine.still_good(&plan, engine.clock.now())?;
        let service = engine.service()?;
        let lease = engine.ledger.take_over(claim, &service)?;
        let run = engine.start("clean", service, Some(&lease))?;
        let settled = engine.settle(&run).await?;
        self.ask.say("");
        let mut number = 0;
        let mut told = |taken: &Taken| {
            number += 1;
            self.tell(engine, taken, number, count);
        };
        let taken = engine
            .carry_out(&run, &plan, &|| calling.stop(), &mut told)
            .await?;
        let mut exit = applied_exit(&taken, Exit::Done).graver(doubt(settled.in_doubt));
        if calling.stop() {
            exit = exit.graver(Exit::Interrupted);
        }
        engine.finish(&run, exit.code())?;
        let dir = self.dir.display();
        self.ask
            .if_stopped(&[&format!("Stopped. What was done stands in {dir}.")]);
        drop(calling);
        self.say_result(&taken, count, exit);
        Ok(exit)
    }

    fn tell(&self, engine: &Engine, taken: &Taken, number: usize, of: usize) {
        if matches!(&taken.end, StepEnd::Stopped(code) if code.as_str() == "block.ramp") {
            return;
        }
        let name = engine.called(&taken.step.step.account).unwrap_or_default();
        let (word, why) = (end_word(&taken.end), end_why(&taken.end));
        let line = format!("  {number} of {of}  {word:<8} {name}  {why}");
        self.ask.say(line.trim_end());
    }

    fn say_result(&self, taken: &[Taken], count: usize, exit: Exit) {
        let of = |is: fn(&StepEnd) -> bool| taken.iter().filter(|t| is(&t.end)).count() as u64;
        let done = of(|e| matches!(e, StepEnd::Done | StepEnd::Already));
        let doubt = of(|e| matches!(e, StepEnd::Unknown(_)));
        let ramp = of(|e| matches!(e, StepEnd::Stopped(c) if c.as_str() == "block.ramp"));
        let left = (count as u64).saturating_sub(done + doubt + ramp);
        self.ask.say("");
        let does = match self.rule.does {
            Do::Disable => "disabled",
            _ => "removed",
        };
        self.ask
            .say(&format!("{} {does}.", plural(done, "account")));
        if doubt > 0 {
            self.ask.say(&format!(
                "Of {} the answer was lost. In a minute or two the tenant can be asked what came \
                 of it: {}",
                plural(doubt, "account"),
                self.again
            ));
        }
        if ramp > 0 {
            self.ask
                .say(&format!("{ramp} more from tomorrow on: {}", self.again));
        }
        if exit == Exit::Interrupted {
            self.ask.say(&format!(
                "You stopped; {left} are left. To go on: {}",
                self.again
            ));
        } else if left > 0 {
            self.ask
                .say(&format!("{left} were not touched, for the reasons above."));
        }
    }

    /// Warns those who are only inactive, if the person types their number.
    async fn warn(&self, engine: &Engine, judged: &[Judged], count: u64) -> Result<(), End> {
        let notices = self.dir.join(&engine.config.notices.file);
        let people = if count == 1 { "person" } else { "people" };
        self.ask.part(&format!("To be warned: {count} {people}"));
        self.show_warned(engine, judged)?;
        self.ask.say("");
        self.ask.say(&format!(
            "Nobody is touched for being inactive without a warning, and at the earliest {} after \
             it. Exeunt writes one notice for each of them into {}. It does not send mail: send \
             the notices, or tell the people in your own words. Whoever signs in meanwhile stays.",
            plural(self.rule.notice_days, "day"),
            notices.display()
        ));
        let question = format!("Type {count} to write the warnings, Enter to stop:");
        loop {
            match self.ask.line(&question)?.as_str() {
                "" => {
                    self.ask.say("Nobody was warned.");
                    return Ok(());
                }
                typed if typed == count.to_string() => break,
                _ => self.ask.say(&format!("There are {count}.")),
            }
        }
        let _calling = self.ask.calling();
        let claim = engine.ledger.claim_lease()?;
        let service = engine.service()?;
        let lease = engine.ledger.take_over(claim, &service)?;
        let run = engine.start("clean", service, Some(&lease))?;
        let judged = engine.decide_all(&run, None)?;
        let warned = engine.warn(&run, &judged, true).await?;
        engine.finish(&run, 0)?;
        self.ask.say(&format!(
            "{} written to {}.",
            plural(warned.given, "warning"),
            notices.display()
        ));
        if warned.failed > 0 {
            self.ask.say(&format!(
                "{} could not be warned (no address); they stay as they are.",
                warned.failed
            ));
        }
        Ok(())
    }

    /// Says when to come back, where the evidence is and how to give accounts back.
    fn say_next(&self, engine: &Engine) -> Result<(), End> {
        let judged = engine.judge_all(&engine.ledger.view()?, self.called(), engine.clock.now())?;
        if let Some(due) = next_due(&judged) {
            let waiting = self.count(&judged, Ruling::Wait);
            self.ask.say("");
            self.ask.say(&format!(
                "Waiting for its day: {}. Come back on {} or later and run: {}",
                plural(waiting, "account"),
                tell::moment(due),
                self.again
            ));
        }
        self.say_evidence(engine);
        Ok(())
    }

    fn say_evidence(&self, engine: &Engine) {
        self.ask.part("The evidence");
        self.ask.say(&format!(
            "Everything that was seen, decided and done stands in {}. Keep it, and keep a copy \
             of {} apart from it.",
            self.dir.display(),
            self.dir.join(&engine.config.ledger.keys).display()
        ));
        let steps = self.answers.kind.steps.iter();
        let back = steps
            .filter(|s| s.does == self.rule.does)
            .any(|s| s.reversible());
        let why = "Why an account was touched, or not:";
        let mut commands = vec![(why, "exeunt why ADDRESS")];
        commands.push(("Whether anything of it was changed since:", "exeunt verify"));
        let restore = "exeunt restore ADDRESS --reason \"…\"";
        commands.extend(back.then_some(("To give an account back:", restore)));
        for (says, command) in commands {
            self.ask.say(says);
            self.ask.command(&self.out.as_typed(command));
        }
    }

    /// A clean-up without rules is a mistake of ours, told as one.
    pub(super) fn rule_of(answers: &Answers) -> Result<Rule, Failure> {
        answers
            .rule
            .ok_or_else(|| Failure::plain("there are no rules to clean up by"))
    }
}
