//! A pseudo-terminal (util-linux `script`) with somebody at it.

use std::io::Read as _;
use std::io::Write as _;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use crate::common::workspace::Workspace;

/// How long a text may take to appear; generous, since machines are busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a person takes until they paste after a question: a terminal hides what is typed from
/// a moment after the question on.
const A_MOMENT: Duration = Duration::from_millis(400);

/// A command in a terminal of 80 columns, and what it shows.
pub(crate) struct Screen {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<Vec<u8>>>,
    /// Up to where the screen was read.
    read: usize,
}

impl Screen {
    /// Starts `exeunt` with some arguments.
    pub(crate) fn start(ws: &Workspace, args: &str) -> Self {
        Self::of(&ws.command(&[]), args)
    }

    /// The same where and as another command would run.
    pub(crate) fn of(plain: &Command, args: &str) -> Self {
        let exeunt = env!("CARGO_BIN_EXE_exeunt");
        let typed = format!("stty cols 80 rows 50; exec {exeunt} --no-progress {args}");
        let mut command = Command::new("script");
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command
            .env("NO_COLOR", "1")
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh");
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap());
        }
        command.args(["-qefc", &typed, "/dev/null"]);
        command.current_dir(plain.get_current_dir().unwrap());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let keys = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let screen = shown.clone();
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut some) {
                screen.lock().unwrap().extend_from_slice(&some[..count]);
            }
        });
        Self {
            child,
            keys,
            shown,
            read: 0,
        }
    }

    /// All that was shown, with every stretch of blanks and line breaks as one blank.
    pub(crate) fn text(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let text = String::from_utf8_lossy(&shown);
        let mut out = String::new();
        for c in text.chars() {
            match c.is_whitespace() {
                true if out.ends_with(' ') => {}
                true => out.push(' '),
                false => out.push(c),
            }
        }
        out
    }

    /// The lines as they stand on the screen.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shown = self.shown.lock().unwrap();
        let text = String::from_utf8_lossy(&shown).replace('\r', "");
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until a text appears that was not read yet.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> &mut Self {
        let began = Instant::now();
        loop {
            let shown = self.text();
            if let Some(at) = shown.get(self.read..).and_then(|rest| rest.find(text)) {
                self.read += at + text.len();
                return self;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "no `{text}` after:\n{}\n--\n{}",
                shown.get(..self.read).unwrap_or_default(),
                shown.get(self.read..).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) -> &mut Self {
        if line.is_empty() {
            // An empty line that comes at once is part of what was pasted.
            std::thread::sleep(A_MOMENT);
        }
        self.keys.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    /// Waits for a question and answers it.
    #[track_caller]
    pub(crate) fn says(&mut self, question: &str, answer: &str) -> &mut Self {
        self.sees(question).types(answer)
    }

    /// Pastes what is not to be shown.
    #[track_caller]
    pub(crate) fn pastes(&mut self, question: &str, secret: &str) -> &mut Self {
        self.sees(question)
            .sees("It is not shown while you paste it:");
        std::thread::sleep(A_MOMENT);
        self.types(secret)
    }

    /// Presses Ctrl-C.
    pub(crate) fn ctrl_c(&mut self) -> &mut Self {
        self.presses(3)
    }

    /// Presses Ctrl-D: nothing more will be typed.
    pub(crate) fn ctrl_d(&mut self) -> &mut Self {
        self.presses(4)
    }

    fn presses(&mut self, key: u8) -> &mut Self {
        std::thread::sleep(A_MOMENT);
        self.keys.write_all(&[key]).unwrap();
        self.keys.flush().unwrap();
        self
    }

    /// Waits for the end; nothing on the screen was wider than it.
    #[track_caller]
    pub(crate) fn ends(mut self, code: i32) -> String {
        let began = Instant::now();
        let ended = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(began.elapsed() < PATIENCE, "no end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        };
        std::thread::sleep(A_MOMENT);
        assert_eq!(ended, Some(code), "{}", self.text());
        for line in self.lines() {
            // Commands to copy stay whole, and a terminal breaks what is typed itself.
            let ours = !line.contains("exeunt -C") && !line.contains("]:") && !line.contains(": ");
            assert!(!ours || line.chars().count() <= 80, "too wide: {line}");
        }
        self.text()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
