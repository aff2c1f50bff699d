//! A directory of its own with an exeunt.toml, in which the real binary is run.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use chrono::DateTime;
use chrono::Utc;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::ldap::LdapHandle;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::slapd;
use crate::common::slapd::Slapd;

/// The name at the operating system under which the commands run.
pub(crate) const OPERATOR: &str = "otto.operator";

/// What time it is.
type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// One working directory; gone when it is dropped.
pub(crate) struct Workspace {
    home: TempDir,
    clock: Option<Clock>,
}

impl Workspace {
    /// Makes an empty one, in which commands use the machine's clock.
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("exw").tempdir().unwrap();
        Self { home, clock: None }
    }

    /// Makes an empty one, in which commands run at a tenant's time (sandbox ledgers only).
    pub(crate) fn clocked(clock: Control) -> Self {
        Self::at(move || clock.now())
    }

    /// Makes an empty one, in which commands use this clock.
    pub(crate) fn at(clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self {
            clock: Some(Box::new(clock)),
            ..Self::new()
        }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes exeunt.toml: a ledger for rehearsals, then the sections.
    pub(crate) fn configure(&self, sections: &[&str]) {
        let head = "[ledger]\norigin = \"house.example/exeunt\"\nsandbox = true\n\n";
        self.write("exeunt.toml", &format!("{head}{}", sections.join("\n")));
    }

    /// Replaces text in exeunt.toml; the text must be there.
    pub(crate) fn reconfigure(&self, old: &str, new: &str) {
        let text = self.read("exeunt.toml");
        assert!(text.contains(old), "`{old}` is not in:\n{text}");
        self.write("exeunt.toml", &text.replace(old, new));
    }

    /// The section of a sandbox tenant called `portal`, whose key is put into a file; short
    /// limits, no second try of reads.
    pub(crate) fn tenant(&self, tenant: &DocSpaceHandle, extra: &str) -> String {
        self.write("portal.token", tenant.token());
        format!(
            "[[tenant]]\nname = \"portal\"\nprovider = \"docspace\"\nurl = \"{}\"\n\
             token = {{ file = \"portal.token\" }}\nrequest_limit_s = 5\nattempts = 1\n{extra}\n",
            tenant.url()
        )
    }

    /// The section of a sandbox directory called `corp`.
    pub(crate) fn sandbox_directory(&self, directory: &LdapHandle, extra: &str) -> String {
        let (url, base) = (directory.url(), directory.base());
        self.ldap(
            &url,
            directory.bind_dn(),
            directory.bind_password(),
            base,
            extra,
        )
    }

    /// The section of a real directory called `corp`, read with all rights.
    pub(crate) fn slapd_directory(&self, directory: &Slapd, extra: &str) -> String {
        let (url, base) = (directory.url(), slapd::BASE);
        self.ldap(&url, slapd::SYNC, slapd::PASSWORD, base, extra)
    }

    fn ldap(&self, url: &str, bind: &str, password: &str, base: &str, extra: &str) -> String {
        self.write("corp.password", password);
        format!(
            "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"openldap\"\n\
             url = [\"{url}\"]\nbind_dn = \"{bind}\"\nbase = \"{base}\"\n\
             bind_password = {{ file = \"corp.password\" }}\nanswer_limit_s = 5\n{extra}\n"
        )
    }

    /// The command, ready to be run, with nothing in its environment that is not given here.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exeunt"));
        command
            .current_dir(self.home.path())
            .env_clear()
            .env("EXEUNT_USER", OPERATOR);
        if let Some(clock) = &self.clock {
            command.env("EXEUNT_NOW", clock().to_rfc3339());
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::new(args, &self.command(args).output().unwrap())
    }

    /// Starts a command; [`finish`] waits for its end.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs a command that must end well, and reads its JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        self.run(&args).exits(0).json()
    }

    /// The `items` of a command's JSON.
    pub(crate) fn items(&self, args: &[&str]) -> Vec<Value> {
        self.json(args)["items"].as_array().unwrap().clone()
    }

    /// Every entry of the ledger, in order.
    pub(crate) fn entries(&self) -> Vec<Value> {
        self.items(&["log", "--from", "0", "--limit", "1000000"])
    }

    /// The entries from a position on.
    pub(crate) fn entries_since(&self, from: usize) -> Vec<Value> {
        self.items(&["log", "--from", &from.to_string(), "--limit", "10000000"])
    }

    /// The entries of one type.
    pub(crate) fn entries_of(&self, kind: &str) -> Vec<Value> {
        let mut entries = self.entries();
        entries.retain(|entry| entry["type"] == kind);
        entries
    }

    /// The newest read of a source: its entry's data.
    pub(crate) fn last_read(&self, source: &str) -> Value {
        let reads = self.entries_of("source.read");
        let newest = reads
            .iter()
            .rfind(|entry| entry["data"]["source"] == source);
        newest.unwrap()["data"].clone()
    }

    /// The whole ledger as a person would judge it: `verify` and `rebuild` find nothing.
    pub(crate) fn is_sound(&self) {
        self.run(&["verify"]).exits(0).says("good:");
        self.run(&["rebuild"]).exits(0);
    }
}

/// Waits for a command that was started.
pub(crate) fn finish(child: Child, args: &[&str]) -> Ran {
    Ran::new(args, &child.wait_with_output().unwrap())
}

/// Copies a file.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
}

/// What a command that has ended showed.
pub(crate) struct Ran {
    pub(crate) args: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn new(args: &[&str], output: &Output) -> Self {
        Self {
            args: args.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// All that a person saw.
    pub(crate) fn screen(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    fn whole(&self) -> String {
        let (args, code) = (&self.args, self.code);
        format!(
            "exeunt {args}\nended with {code:?}\n{}\n--\n{}",
            self.out, self.err
        )
    }

    /// Fails if it ended otherwise.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(self.code == Some(code), "not {code}: {}", self.whole());
        self
    }

    /// Fails if the text is not on the screen; a code stands there as its sentence.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let sentence = exeunt::domain::code::says(text);
        let sentence = sentence.trim_end_matches('.').to_lowercase();
        let there = self.screen().to_lowercase().contains(&sentence);
        assert!(there, "no `{sentence}`: {}", self.whole());
        self
    }

    /// Fails if the text is on the screen.
    #[track_caller]
    pub(crate) fn says_not(self, text: &str) -> Self {
        assert!(!self.screen().contains(text), "`{text}`: {}", self.whole());
        self
    }

    /// Its data as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.out);
        parsed.unwrap_or_else(|e| panic!("{e}: {}", self.whole()))
    }
}
