//! Questions in a terminal, and how somebody stops in the middle of them.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::escape;
use crate::config::secret::Secret;

/// The most that is taken of one answer: nobody types more, and everything ends.
const LONGEST: usize = 64 * 1024;

/// Nobody types two lines within so short a time.
const PASTED: Duration = Duration::from_millis(150);

/// Why the questions ended before their end.
#[derive(Debug)]
pub(super) enum End {
    /// The person stopped.
    Stopped,
    /// Something cannot go on.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for End {
    fn from(error: E) -> Self {
        End::Failed(error.into())
    }
}

/// What Ctrl-C means at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mode {
    /// Somebody is asked, or something is read: stop at once.
    Asking = 0,
    /// The terminal shows nothing of what is typed: the one who reads it stops.
    Hidden = 1,
    /// Calls are made: whoever makes them finishes the one in flight.
    Calling = 2,
}

#[derive(Debug)]
struct State {
    mode: AtomicU8,
    stop: AtomicBool,
    stopped: Mutex<Vec<String>>,
}

/// Asks, and knows what to say when somebody stops.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Where to speak.
    pub(super) out: Output,
    state: Arc<State>,
}

impl Ask {
    /// Makes one that hears Ctrl-C from now on. Questions are asked also of those who want quiet.
    pub(super) fn new(output: &Output) -> Self {
        let out = Output {
            quiet: false,
            ..output.clone()
        };
        let state = Arc::new(State {
            mode: AtomicU8::new(Mode::Asking as u8),
            stop: AtomicBool::new(false),
            stopped: Mutex::new(Vec::new()),
        });
        let ask = Self { out, state };
        let hears = ask.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                hears.interrupted();
            }
        });
        ask
    }

    fn interrupted(&self) {
        let mode = self.state.mode.load(Ordering::SeqCst);
        let again = mode == Mode::Calling as u8 && self.state.stop.swap(true, Ordering::SeqCst);
        if mode == Mode::Calling as u8 && !again {
            self.say("\nStopping after the account in hand; Ctrl-C again stops at once.");
        } else if mode != Mode::Hidden as u8 {
            self.say_stopped();
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    }

    fn mode(&self, mode: Mode) {
        self.state.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// From now on, until the result is dropped, Ctrl-C is a matter of those who make calls.
    pub(super) fn calling(&self) -> Calling<'_> {
        self.mode(Mode::Calling);
        Calling(self)
    }

    /// Sets what is said to whoever stops from here on.
    pub(super) fn if_stopped(&self, lines: &[&str]) {
        let mut stopped = self.state.stopped.lock();
        let stopped = stopped.as_deref_mut();
        if let Ok(stopped) = stopped {
            *stopped = lines.iter().map(|l| (*l).to_owned()).collect();
        }
    }

    /// Says what stopping means now.
    pub(super) fn say_stopped(&self) {
        self.out.error_line("");
        let stopped = self.state.stopped.lock();
        for line in stopped.unwrap_or_else(PoisonError::into_inner).iter() {
            self.out.note(line);
        }
    }

    /// Says one or more lines.
    pub(super) fn say(&self, lines: &str) {
        if lines.is_empty() {
            self.out.note("");
        }
        for line in lines.lines() {
            self.out.note(line);
        }
    }

    /// Shows a command to copy: whole, however long it is.
    pub(super) fn command(&self, command: &str) {
        self.out.error_line(&format!("  {}", escape(command)));
    }

    /// Begins a new part.
    pub(super) fn part(&self, title: &str) {
        self.out.note("");
        self.out.note(title);
        self.out.note("");
    }

    /// Reads one line, without the space around it; the end of the input is a wish to stop.
    pub(super) fn line(&self, question: &str) -> Result<String, End> {
        self.out.ask(question);
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => Err(End::Stopped),
            Ok(_) if line.len() > LONGEST => Ok(String::new()),
            Ok(_) => Ok(line.trim().to_owned()),
        }
    }

    /// Asks until one of the numbered answers is chosen; returns its position. Enter takes the
    /// usual one, where there is one.
    pub(super) fn choose(
        &self,
        question: &str,
        of: usize,
        usual: Option<usize>,
    ) -> Result<usize, End> {
        let shown = match usual {
            Some(usual) => format!("{question} [{}]:", usual + 1),
            None => format!("{question} (1 to {of}):"),
        };
        loop {
            let typed = self.line(&shown)?;
            if typed.is_empty()
                && let Some(usual) = usual
            {
                return Ok(usual);
            }
            match typed.parse::<usize>() {
                Ok(number) if (1..=of).contains(&number) => return Ok(number - 1),
                _ => self.say(&format!("Type one of the numbers from 1 to {of}.")),
            }
        }
    }

    /// Reads lines up to an empty one. An empty line within what was pasted at once is not the end:
    /// the lines behind it would answer the next questions.
    pub(super) fn lines(&self) -> Result<Vec<String>, End> {
        let mut lines = Vec::new();
        let mut before = None;
        loop {
            let line = self.line(">")?;
            let pasted = before.replace(Instant::now());
            let pasted = pasted.is_some_and(|at: Instant| at.elapsed() < PASTED);
            match (line.is_empty(), pasted) {
                (true, true) => {}
                (true, false) => return Ok(lines),
                (false, _) => lines.push(line),
            }
        }
    }

    /// Asks for a whole number within bounds.
    pub(super) fn number(
        &self,
        question: &str,
        usual: u64,
        least: u64,
        most: u64,
    ) -> Result<u64, End> {
        loop {
            let typed = self.line(&format!("{question} [{usual}]:"))?;
            if typed.is_empty() {
                return Ok(usual);
            }
            match typed.parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => return Ok(number),
                _ => self.say(&format!("Type a number from {least} to {most}.")),
            }
        }
    }

    /// Asks for yes or no; Enter is no.
    pub(super) fn yes(&self, question: &str) -> Result<bool, End> {
        loop {
            let typed = self.line(&format!("{question} [y/N]:"))?;
            match typed.to_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "" | "n" | "no" => return Ok(false),
                _ => self.say("Type y for yes or n for no."),
            }
        }
    }

    /// Reads something that is not shown; nothing if nothing was pasted.
    pub(super) fn secret(&self, question: &str) -> Result<Option<Secret>, End> {
        loop {
            self.out.ask(question);
            self.mode(Mode::Hidden);
            let read = rpassword::read_password();
            self.mode(Mode::Asking);
            self.out.error_line("");
            let typed = match read {
                Ok(typed) => Secret::new(typed.trim()),
                Err(_) => return Err(End::Stopped),
            };
            if typed.expose().len() > LONGEST {
                self.say("That is longer than any key or token. Paste it again.");
            } else if typed.expose().is_empty() {
                return Ok(None);
            } else {
                return Ok(Some(typed));
            }
        }
    }
}

/// While it lives, Ctrl-C does not end the program at once.
#[derive(Debug)]
pub(super) struct Calling<'a>(&'a Ask);

impl Calling<'_> {
    /// Whether the person wants to stop.
    pub(super) fn stop(&self) -> bool {
        self.0.state.stop.load(Ordering::SeqCst)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.mode(Mode::Asking);
    }
}

/// Refuses where nobody can be asked.
pub(super) fn needs_terminal() -> Result<(), Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(
        "`exeunt clean` asks its questions in a terminal, and there is none",
        "without one, write exeunt.toml (`exeunt init`) and use `exeunt plan`, `approve`, `apply`",
    ))
}
