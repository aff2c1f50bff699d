//! A mail relay on loopback (aiosmtpd): what it took can be read; gone when it is dropped.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

use crate::common::machine::authority;
use crate::common::machine::certificate;
use crate::common::machine::must_have;

pub(crate) const USER: &str = "exeunt";
pub(crate) const PASSWORD: &str = "open sesame of the tests";

pub(crate) struct Relay {
    home: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Relay {
    /// Starts a relay: `submission` (STARTTLS and a login are required), `tls`, `stripped` or
    /// `open`.
    pub(crate) fn start(mode: &str) -> Self {
        must_have(&["/usr/bin/aiosmtpd"]);
        let home = tempfile::tempdir().unwrap();
        authority(home.path(), "ca");
        certificate(home.path(), "DNS:localhost");
        fs::write(home.path().join("password"), PASSWORD).unwrap();
        let mut relay = Self {
            home,
            port: 0,
            server: None,
        };
        relay.run(mode);
        relay
    }

    fn run(&mut self, mode: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/common/smtp_server.py");
        // the system's Python: that is where the package is installed
        let mut server = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(self.home.path())
            .args([mode, &self.port.to_string()])
            .env_remove("PYTHONPATH")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        self.port = line.trim().parse().unwrap();
        self.server = Some(server);
    }

    /// Takes it down; its port answers no more.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Starts it again on the same port.
    pub(crate) fn again(&mut self, mode: &str) {
        self.stop();
        self.run(mode);
    }

    /// The port on which it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A file of it: `ca.pem`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The section of exeunt.toml for it, with `lines` at its end.
    pub(crate) fn section(&self, lines: &str) -> String {
        format!(
            "\n[smtp]\nhost = \"localhost\"\nport = {}\nca_file = \"{}\"\nuser = \"{USER}\"\n\
             password = {{ file = \"{}\" }}\nfrom = \"Exeunt <exeunt@house.test>\"\n\
             {lines}\n",
            self.port,
            self.file("ca.pem").display(),
            self.file("password").display(),
        )
    }

    /// Which addresses are refused: `refuse` for good, `later` for now, `policy`, `greedy`.
    pub(crate) fn list(&self, what: &str, addresses: &[&str]) {
        fs::write(self.home.path().join(what), addresses.join("\n")).unwrap();
    }

    /// Every mail that was taken, in order, with what the envelope said above it.
    pub(crate) fn mails(&self) -> Vec<String> {
        let folder = self.home.path().join("mails");
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        let read = |path| fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        names.iter().map(read).collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}
