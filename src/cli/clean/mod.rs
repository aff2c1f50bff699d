//! `exeunt clean`: one tenant is cleaned up with questions and answers, for those who own it and
//! know no TOML.
//!
//! It works on the ordinary engine and leaves an ordinary directory behind: exeunt.toml, secrets,
//! ledger, vault, keys. Nothing that the other commands refuse is let through here: a brake is
//! released, and a policy that loosens is adopted, by the person, who is the only approver, after
//! it was said what that means. A person who is only inactive is warned first; the guide then says
//! on which day to come back.

mod act;
mod answers;
mod ask;
mod connect;
mod keys;
mod place;
mod preview;
mod protect;
mod read;
mod rules;
mod words;

use std::path::Path;
use std::path::PathBuf;

use crate::cli::args::CleanArgs;
use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::args::USUAL_CONFIG;
use crate::cli::clean::act::Came;
use crate::cli::clean::act::Stage;
use crate::cli::clean::answers::Answers;
use crate::cli::clean::ask::Ask;
use crate::cli::clean::ask::End;
use crate::cli::clean::connect::Again;
use crate::cli::clean::protect::Book;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::quoted;
use crate::domain::account::AccountRecord;
use crate::domain::rows::When;

/// `exeunt clean`.
pub async fn clean(cli: &Cli, args: &CleanArgs, output: &Output) -> Result<Exit, Failure> {
    if cli.json {
        return Err(Failure::usage(
            "`exeunt clean` talks with a person, so that there is no JSON of it",
            "write exeunt.toml (`exeunt init`) and use `exeunt plan --json`",
        ));
    }
    if cli.config != Path::new(USUAL_CONFIG) {
        return Err(Failure::usage(
            "`exeunt clean` writes an exeunt.toml of its own and takes no other",
            "name its directory with --dir DIR; leave -C and EXEUNT_CONFIG out",
        ));
    }
    ask::needs_terminal()?;
    let guide = Guide {
        cli,
        args,
        ask: Ask::new(output),
    };
    match guide.go().await {
        Ok(exit) => Ok(exit),
        Err(End::Failed(failure)) => Err(failure),
        Err(End::Stopped) => {
            guide.ask.say_stopped();
            Ok(Exit::Interrupted)
        }
    }
}

/// An exeunt.toml that the guide leaves alone.
fn by_hand(dir: &Path) -> Failure {
    let file = dir.join(USUAL_CONFIG);
    Failure::usage(
        format!(
            "{} was written or changed by hand, so the guide leaves it alone",
            file.display()
        ),
        format!(
            "go on with the other commands: exeunt -C {} plan; or give another --dir",
            quoted(&file.display().to_string())
        ),
    )
}

/// One clean-up on its way.
struct Guide<'a> {
    cli: &'a Cli,
    args: &'a CleanArgs,
    ask: Ask,
}

/// What is known before the first question about people.
struct Begun {
    dir: PathBuf,
    answers: Answers,
    /// Whether the rules that are known already hold.
    keep: bool,
    /// Whether the directory was made by this guide just now.
    fresh: bool,
}

impl Guide<'_> {
    async fn go(&self) -> Result<Exit, End> {
        self.ask.say(
            "Exeunt cleans up one tenant together with you. It asks, looks, and shows what it \
             would do and why. Nothing is changed before you have typed a number at the end. \
             Ctrl-C stops at any time.",
        );
        self.stops(None);
        let mut begun = self.begin().await?;
        let mut accounts = self.connect(&mut begun).await?;
        protect::say_protected_anyway(&self.ask, &accounts);
        if self.machines(&accounts, &mut begun)? {
            accounts = self.connect(&mut begun).await?;
            protect::say_protected_anyway(&self.ask, &accounts);
        }
        let book = Book::new(&accounts);
        if begun.keep {
            let listed = begun.answers.protect.clone();
            begun.answers.protect = protect::clear_up(&self.ask, &book, &listed)?;
        } else {
            self.questions(&book, &accounts, &mut begun.answers)?;
        }
        loop {
            place::keep(&begun.dir, &begun.answers)?;
            let cli = self.cli_in(&begun.dir);
            let stage = Stage {
                ask: &self.ask,
                out: self.ask.out.clone().for_config(&cli.config),
                cli,
                dir: &begun.dir,
                answers: &begun.answers,
                rule: Stage::rule_of(&begun.answers)?,
                again: self.again(),
            };
            match stage.act().await? {
                Came::To(exit) => return Ok(exit),
                Came::Protect => {
                    let listed = begun.answers.protect.clone();
                    begun.answers.protect = protect::ask_all(&self.ask, &book, &listed)?;
                }
            }
        }
    }

    /// The command that goes on.
    fn again(&self) -> String {
        match &self.args.dir {
            None => "exeunt clean".to_owned(),
            Some(dir) => format!("exeunt clean --dir {}", quoted(&dir.display().to_string())),
        }
    }

    /// Sets what is said to whoever stops.
    fn stops(&self, kept: Option<(&str, &Path)>) {
        let again = self.again();
        match kept {
            None => self.ask.if_stopped(&[
                "Stopped. Nothing was written, and nothing was changed.",
                &format!("To begin again: {again}"),
            ]),
            Some((name, dir)) => {
                let dir = dir.display();
                self.ask.if_stopped(&[
                    &format!("Stopped. Nothing was changed in {name}."),
                    &format!("What you entered so far is kept in {dir}."),
                    &format!("To go on, in this directory: {again}"),
                ]);
            }
        }
    }

    /// The command line under which the ordinary commands would work in a directory.
    fn cli_in(&self, dir: &Path) -> Cli {
        Cli {
            config: dir.join(USUAL_CONFIG),
            json: false,
            quiet: self.cli.quiet,
            no_progress: self.cli.no_progress,
            now: self.cli.now.clone(),
            command: Command::Status,
        }
    }

    /// Goes on with what is known, or asks for product and address.
    async fn begin(&self) -> Result<Begun, End> {
        if let Some((dir, answers)) = self.known()? {
            return self.go_on(dir, answers);
        }
        let kind = connect::product(&self.ask)?;
        let url = connect::address(&self.ask, kind).await?;
        let answers = Answers {
            kind,
            name: connect::name(&url),
            url: connect::shown(&url),
            given: std::collections::BTreeMap::new(),
            machines: Vec::new(),
            protect: Vec::new(),
            successor: None,
            rule: None,
            sandbox: self.cli.now.is_some(),
        };
        let (dir, known) = connect::directory(&self.ask, self.args.dir.as_deref(), &answers.name)?;
        if let Some(known) = known {
            return self.go_on(dir, known);
        }
        let mut begun = Begun {
            fresh: !dir.exists(),
            dir,
            answers,
            keep: false,
        };
        keys::keys(&self.ask, &begun.dir, &mut begun.answers, false)?;
        Ok(begun)
    }

    /// A clean-up that is there already and that the person wants to go on with.
    fn known(&self) -> Result<Option<(PathBuf, Answers)>, End> {
        if let Some(dir) = &self.args.dir {
            return match place::look(dir)? {
                place::Known::Nothing => Ok(None),
                place::Known::Ours(answers) => Ok(Some((dir.clone(), *answers))),
                place::Known::ByHand => Err(by_hand(dir).into()),
            };
        }
        let mut all = place::all();
        if all.is_empty() {
            return Ok(None);
        }
        self.ask.part("Go on with a clean-up that is here?");
        for (number, (dir, answers)) in all.iter().enumerate() {
            let (title, dir) = (answers.kind.title, dir.display());
            self.ask.say(&format!(
                "  {}  {} ({title}), in {dir}",
                number + 1,
                answers.name
            ));
        }
        self.ask
            .say(&format!("  {}  another tenant", all.len() + 1));
        let chosen = self.ask.choose("Its number", all.len() + 1, Some(0))?;
        Ok((chosen < all.len()).then(|| all.swap_remove(chosen)))
    }

    /// Shows what is known and asks whether it still holds.
    fn go_on(&self, dir: PathBuf, mut answers: Answers) -> Result<Begun, End> {
        self.stops(Some((&answers.name, &dir)));
        let ask = &self.ask;
        ask.part(&format!("{} at {}", answers.kind.title, answers.url));
        let mut keep = false;
        if let Some(rule) = &answers.rule {
            ask.say(&format!("  whom       {}", rule.whom()));
            ask.say(&format!("  what       {}", rule.does.as_str()));
            let listed = answers.protect.join(", ");
            let listed = if listed.is_empty() {
                "nobody by name"
            } else {
                &listed
            };
            ask.say(&format!("  protected  {listed}"));
            if !answers.machines.is_empty() {
                ask.say(&format!("  programs   {}", answers.machines.join(", ")));
            }
            if let Some(successor) = &answers.successor {
                ask.say(&format!("  takes over {successor}"));
            }
            ask.say("");
            ask.say("  1  go on with that");
            ask.say("  2  change it");
            keep = ask.choose("Its number", 2, Some(0))? == 0;
            if !keep {
                keys::further(ask, &mut answers)?;
                place::keep(&dir, &answers)?;
            }
        }
        Ok(Begun {
            dir,
            answers,
            keep,
            fresh: false,
        })
    }

    /// Reads the list of accounts; whatever keeps that from working is cleared up with the person.
    async fn connect(&self, begun: &mut Begun) -> Result<Vec<AccountRecord>, End> {
        loop {
            self.stops(Some((&begun.answers.name, &begun.dir)));
            let adapter = match connect::adapter(self.cli, &begun.dir) {
                Ok(adapter) => adapter,
                Err(End::Failed(failure)) => {
                    self.ask.say(&failure.says);
                    keys::keys(&self.ask, &begun.dir, &mut begun.answers, true)?;
                    continue;
                }
                Err(end) => return Err(end),
            };
            let error = match connect::look(&self.ask, adapter.as_ref()).await {
                Ok(accounts) => return Ok(accounts),
                Err(error) => error,
            };
            match connect::again(&self.ask, &error, begun.answers.kind)? {
                Again::Same => {}
                Again::Keys => keys::keys(&self.ask, &begun.dir, &mut begun.answers, true)?,
                Again::Address => self.move_to(begun).await?,
            }
        }
    }

    /// Has named whom programs work as, only where it matters: the tenant does not show it. Whether
    /// the tenant is to be read anew because of that.
    fn machines(&self, accounts: &[AccountRecord], begun: &mut Begun) -> Result<bool, End> {
        let known = begun.answers.machines.clone();
        let hidden = protect::hides_machines(accounts);
        if begun.keep && hidden {
            self.ask.say(
                "The tenant does not show whom programs work as. To name those accounts, run this \
                 again and choose to change it.",
            );
        }
        let book = Book::new(accounts);
        begun.answers.machines = match begun.keep {
            true => protect::clear_up(&self.ask, &book, &known)?,
            false if hidden || !known.is_empty() => {
                protect::ask_machines(&self.ask, &book, &known)?
            }
            false => known.clone(),
        };
        if begun.answers.machines == known {
            return Ok(false);
        }
        place::keep(&begun.dir, &begun.answers)?;
        Ok(true)
    }

    /// Takes another address in place of a wrong one.
    async fn move_to(&self, begun: &mut Begun) -> Result<(), End> {
        if !begun.fresh {
            self.ask.say(&format!(
                "The clean-up in {} belongs to {}. For another address, stop and begin one of \
                 its own: exeunt clean --dir DIR",
                begun.dir.display(),
                begun.answers.url
            ));
            return Ok(());
        }
        let url = connect::address(&self.ask, begun.answers.kind).await?;
        let name = connect::name(&url);
        let (dir, known) = match &self.args.dir {
            Some(dir) => (dir.clone(), None),
            None if name == begun.answers.name => (begun.dir.clone(), None),
            None => connect::directory(&self.ask, None, &name)?,
        };
        if let Some(known) = known {
            place::forget(&begun.dir);
            *begun = self.go_on(dir, known)?;
            return Ok(());
        }
        place::move_to(&begun.dir, &begun.answers.name, &dir, &name)?;
        begun.dir = dir;
        begun.answers.name = name;
        begun.answers.url = connect::shown(&url);
        self.ask.say("What you pasted is tried there.");
        Ok(place::keep(&begun.dir, &begun.answers)?)
    }

    /// Asks who stays, whom it is about, and what is done.
    fn questions(
        &self,
        book: &Book<'_>,
        accounts: &[AccountRecord],
        answers: &mut Answers,
    ) -> Result<(), End> {
        answers.protect = protect::ask_all(&self.ask, book, &answers.protect)?;
        loop {
            rules::ask_rule(&self.ask, accounts, answers)?;
            let everyone = answers.rule.is_some_and(|r| r.when == When::Everyone);
            if !everyone || !answers.protect.is_empty() {
                return Ok(());
            }
            self.ask.say("");
            self.ask.say("You have protected nobody by name.");
            if self.ask.yes("Is it really about everyone?")? {
                return Ok(());
            }
            answers.protect = protect::ask_all(&self.ask, book, &answers.protect)?;
        }
    }
}
