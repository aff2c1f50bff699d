//! `exeunt demo`: the whole story on a loopback sandbox, with the commands that a person would
//! type.

use std::path::Path;

use clap::Parser as _;

use crate::cli::args::Cli;
use crate::cli::args::DemoArgs;
use crate::cli::args::USUAL_CONFIG;
use crate::cli::dispatch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::rehearse;
use crate::cli::rehearse::Places;
use crate::clock::Clock as _;
use crate::clock::SystemClock;
use crate::domain::time::Time;
use crate::sandbox::Leaving;
use crate::sandbox::Role;
use crate::sandbox::Story;
use crate::sandbox::StoryOptions;
use crate::sandbox::cast;
use crate::sandbox::five::Five;

mod five;

/// How many days the story takes: it begins so long ago that it ends now.
const DAYS: u32 = 33;

/// Shows scenes and types commands as a person would.
struct Theatre<'a> {
    output: &'a Output,
    /// The configuration that commands are for.
    config: &'static str,
}

struct Stage<'a> {
    story: Story,
    theatre: Theatre<'a>,
}

/// Plays the story.
pub async fn demo(args: &DemoArgs, output: &Output) -> Result<Exit, Failure> {
    let failure = |e: std::io::Error| Failure::plain(format!("the sandbox cannot start: {e}"));
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new()
            .prefix("exeunt-demo-")
            .tempdir()
            .map_err(failure)?
            .keep(),
    };
    std::fs::create_dir_all(&dir).map_err(failure)?;
    let program = program();
    // From here on everything happens in that directory, so that what is shown is what is typed.
    std::env::set_current_dir(&dir).map_err(failure)?;
    let here = std::env::current_dir().map_err(failure)?;
    let begins = SystemClock::default().now().plus_days(-i64::from(DAYS));
    let options = StoryOptions {
        now: Some(begins.chrono()),
        ..StoryOptions::default()
    };
    let story = Story::start(&options).map_err(failure)?;
    if Path::new("exeunt.db").exists() {
        return Err(Failure::usage(
            format!("{} holds a ledger already", here.display()),
            "give the demo a directory of its own",
        ));
    }
    rehearse::write(Path::new("."), &Places::of(&story), "enforce")?;
    // The demo is for people: tables, whatever stdout is.
    let shown = Output {
        terminal: true,
        json: false,
        options: "".into(),
        ..output.clone()
    };
    let stage = Stage {
        story,
        theatre: Theatre {
            output: &shown,
            config: USUAL_CONFIG,
        },
    };
    stage.play().await?;
    second_part(&shown).await?;
    stage.epilogue(&here, &program);
    Ok(Exit::Done)
}

impl Theatre<'_> {
    fn scene(&self, title: &str, text: &str) {
        self.output.raw("");
        self.output.raw(&format!(
            "── {title} ─────────────────────────────────────────────"
        ));
        self.output.raw(text);
        self.output.raw("");
    }

    fn says(&self, text: &str) {
        self.output.raw(text);
        self.output.raw("");
    }

    /// Types a command as a person would, at a moment of the story; anything but the expected end ends
    /// the demo.
    async fn types(&self, words: &[&str], now: Time, expected: Exit) -> Result<(), Failure> {
        let shown: Vec<String> = words
            .iter()
            .map(|w| {
                if w.contains(' ') {
                    format!("\"{w}\"")
                } else {
                    (*w).to_owned()
                }
            })
            .collect();
        let option = match self.config {
            USUAL_CONFIG => String::new(),
            other => format!("-C {other} "),
        };
        self.output
            .raw(&format!("$ exeunt {option}{}", shown.join(" ")));
        let now = now.to_string();
        let fixed = [
            "exeunt",
            "-C",
            self.config,
            "--now",
            now.as_str(),
            "--no-progress",
        ];
        let cli = Cli::try_parse_from(fixed.into_iter().chain(words.iter().copied()))
            .map_err(|e| Failure::plain(e.to_string()))?;
        // A command of the story is a command: it shows its own errors.
        let exit = Box::pin(dispatch(&cli, self.output)).await;
        if exit != Exit::Done {
            self.output.raw(&format!("(exit code {})", exit.code()));
        }
        self.output.raw("");
        if exit == expected {
            return Ok(());
        }
        Err(Failure::plain(format!(
            "`exeunt {}` ended with {} where the story has {}",
            shown.join(" "),
            exit.code(),
            expected.code()
        )))
    }
}

impl Stage<'_> {
    async fn play(&self) -> Result<(), Failure> {
        self.first_day().await?;
        self.somebody_leaves().await?;
        self.nobody_uses_them().await?;
        self.questions().await
    }

    async fn first_day(&self) -> Result<(), Failure> {
        let bob = cast(Role::AlreadyDisabled);
        self.theatre.scene(
            "The first day",
            &format!(
                "A company keeps its people in an LDAP directory (12 of them) and works in a \
                 DocSpace\ntenant (13 accounts). Both run here, on loopback. {} {} left some time \
                 ago: disabled in\nthe directory, and still able to sign in to the tenant. \
                 Nobody noticed.",
                bob.first_name, bob.last_name
            ),
        );
        self.types(&["init"], Exit::Done).await?;
        self.types(&["sync"], Exit::Done).await?;
        self.theatre
            .says("Reading changes nothing. What would be done, and why, is a plan:");
        self.types(&["plan", "--out", "plan.json"], Exit::Done)
            .await?;
        self.theatre.says(
            "It is the first plan for this tenant and this directory. A wrong filter would look \
             just\nlike this, so nothing goes through until a person has looked and said so:",
        );
        self.types(&["approve", "plan.json", "--confirm", "1"], Exit::Done)
            .await?;
        self.types(&["apply", "plan.json"], Exit::Refused).await?;
        let reason = "looked at the plan: Bob has left";
        self.types(
            &["breaker", "release", "plan.json", "--reason", reason],
            Exit::Done,
        )
        .await?;
        self.types(&["apply", "plan.json"], Exit::Done).await
    }

    async fn somebody_leaves(&self) -> Result<(), Failure> {
        let carol = cast(Role::Leaver);
        self.story.pass_days(1);
        self.story.leave(Role::Leaver, Leaving::Removed);
        self.theatre.scene(
            "A day later",
            &format!(
                "{} {} is not in the directory any more. Is she gone, or was the read short? One \
                 read does\nnot say. `run` is what cron would start: it reads, decides, warns, \
                 plans, and acts only\nwhere that is approved.",
                carol.first_name, carol.last_name
            ),
        );
        self.types(&["run"], Exit::Done).await?;
        self.story.pass_days(1);
        self.theatre.scene(
            "Another day later",
            "A second complete read without her, and the directory says \"no such entry\" when \
             asked by\nher key: now it is a departure.",
        );
        self.types(&["run"], Exit::Done).await?;
        self.types(&["plan", "--out", "plan.json"], Exit::Done)
            .await?;
        self.types(&["approve", "plan.json", "--confirm", "1"], Exit::Done)
            .await?;
        self.types(&["apply", "plan.json"], Exit::Done).await
    }

    async fn nobody_uses_them(&self) -> Result<(), Failure> {
        self.story.pass_days(10);
        self.story.sign_in(Role::Hidden);
        self.story.pass_days(DAYS - 12);
        let henrik = cast(Role::Hidden);
        self.theatre.scene(
            "A month later",
            &format!(
                "Two accounts have seen no login in all the history that the tenant keeps; at one \
                 of them\nsomebody keeps trying wrong passwords, which is no activity. Their \
                 owners were warned a\nmonth ago (the files are in notices/) and have not come \
                 back. {} {} was idle too, and\nsigned in meanwhile: a login ends the matter.",
                henrik.first_name, henrik.last_name
            ),
        );
        self.types(&["run"], Exit::Done).await?;
        self.types(&["plan", "--all", "--out", "plan.json"], Exit::Done)
            .await?;
        self.types(&["approve", "plan.json", "--confirm", "2"], Exit::Done)
            .await?;
        self.types(&["apply", "plan.json"], Exit::Done).await
    }

    async fn questions(&self) -> Result<(), Failure> {
        let carol = cast(Role::Leaver).email;
        self.theatre.scene(
            "Years later",
            "An auditor asks why an account was disabled, and whether the record can be believed.",
        );
        self.types(&["sync"], Exit::Done).await?;
        self.types(&["why", carol], Exit::Done).await?;
        self.types(&["verify"], Exit::Done).await?;
        self.types(&["status"], Exit::Done).await
    }

    async fn types(&self, words: &[&str], expected: Exit) -> Result<(), Failure> {
        let now = self.story.docspace().control().now();
        let now = Time::from_micros(now.timestamp_micros());
        self.theatre.types(words, now, expected).await
    }

    fn epilogue(&self, dir: &Path, program: &str) {
        self.theatre.scene(
            "The end",
            "The tenant and the directory are gone with this program; the ledger stays. Explore it:",
        );
        self.theatre.output.raw(&format!("  cd {}", dir.display()));
        for command in [
            "log",
            "accounts",
            "departed",
            "departed --as-of 10",
            "inactive",
            "findings",
            "why dieter.vogel@example.com",
            "rebuild",
        ] {
            self.theatre.output.raw(&format!("  {program} {command}"));
        }
        self.theatre.output.raw("");
        self.theatre
            .output
            .raw("Delete that directory when you like.");
    }
}

/// The second part, in a directory of its own, at the time that it takes before the present.
async fn second_part(output: &Output) -> Result<(), Failure> {
    let failure = |e: std::io::Error| Failure::plain(format!("the sandbox cannot start: {e}"));
    let begins = SystemClock::default()
        .now()
        .plus_days(-i64::from(five::DAYS));
    let tenants = Five::start(begins.chrono()).map_err(failure)?;
    five::write(&tenants)?;
    std::env::set_current_dir(five::DIR).map_err(failure)?;
    let theatre = Theatre {
        output,
        config: USUAL_CONFIG,
    };
    theatre.output.raw("");
    theatre.output.raw(&format!("$ cd {}", five::DIR));
    five::play(&tenants, &theatre).await?;
    std::env::set_current_dir("..").map_err(failure)
}

/// How this program is called from another directory: by its whole path, unless it is on the PATH.
fn program() -> String {
    let Ok(own) = std::env::current_exe() else {
        return "exeunt".to_owned();
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&paths).map(|dir| dir.join("exeunt"));
    let installed = found.any(|path| path.canonicalize().is_ok_and(|path| path == own));
    if installed {
        "exeunt".to_owned()
    } else {
        own.display().to_string()
    }
}
