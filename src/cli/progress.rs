//! Progress on stderr: one line that changes in a terminal, one line at the end elsewhere.

use std::io::IsTerminal;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::cli::output::escape;
use crate::engine::report::Report;

/// Shows progress on stderr: the moving line is there only while something is counted.
#[derive(Debug)]
pub struct Shown {
    bar: Mutex<Option<ProgressBar>>,
    quiet: bool,
    moves: bool,
}

impl Shown {
    /// Makes one; `quiet` shows nothing, and without a terminal nothing moves.
    pub fn new(quiet: bool, no_progress: bool) -> Self {
        let moves = !quiet && !no_progress && std::io::stderr().is_terminal();
        Self {
            bar: Mutex::new(None),
            quiet,
            moves,
        }
    }

    /// Takes the moving line away.
    fn clear(&self) {
        let bar = self.bar.lock().ok().and_then(|mut bar| bar.take());
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, line: &str) {
        self.clear();
        if !self.quiet {
            drop(writeln!(std::io::stderr().lock(), "{}", escape(line)));
        }
    }
}

impl Report for Shown {
    fn progress(&self, source: &str, what: &str, count: u64) {
        if !self.moves {
            return;
        }
        if let Ok(mut bar) = self.bar.lock() {
            let bar = bar.get_or_insert_with(spinner);
            bar.set_message(format!("{}: {count} {what}", escape(source)));
        }
    }

    fn finished(&self, source: &str, line: &str) {
        self.line(&format!("{source}: {line}"));
    }

    fn note(&self, line: &str) {
        self.line(line);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.clear();
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
