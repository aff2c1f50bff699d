//! The small company of the sandbox, its ledger in a directory of its own, and the real binary.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exeunt::sandbox::Role;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::Status;
use serde_json::Value;
use tempfile::TempDir;

/// Leavers are disabled without anybody's approval.
pub(crate) const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n";

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert!(all.contains(text), "no `{text}` in:\n{all}");
        self
    }
}

pub(crate) struct Firm {
    pub(crate) story: Story,
    pub(crate) home: TempDir,
}

impl Firm {
    /// Writes exeunt.toml (the directory `corp`, the tenant `portal`, and `more`) and makes the
    /// ledger.
    pub(crate) fn new(more: &str) -> Self {
        let story = Story::start(&StoryOptions::default()).unwrap();
        let firm = Self {
            story,
            home: TempDir::new().unwrap(),
        };
        firm.configure("", more);
        firm.ex(&["init"]).exits(0);
        firm
    }

    /// Writes exeunt.toml anew; `tenant` are more lines of the tenant `portal`.
    pub(crate) fn configure(&self, tenant: &str, more: &str) {
        let url = self.story.docspace().url();
        self.configure_at(&url, self.story.docspace().token(), tenant, more);
    }

    /// Writes exeunt.toml with the tenant `portal` at another address.
    pub(crate) fn configure_at(&self, url: &str, token: &str, tenant: &str, more: &str) {
        let ldap = self.story.ldap();
        let mut toml = "[ledger]\norigin = \"attack.example/exeunt\"\nsandbox = true\n".to_owned();
        write!(
            toml,
            "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"openldap\"\n\
             url = [\"{}\"]\nbind_dn = \"{}\"\nbind_password = {{ file = \"password\" }}\n\
             base = \"{}\"\n[[tenant]]\nname = \"portal\"\nprovider = \"docspace\"\n\
             url = \"{url}\"\ntoken = {{ file = \"token\" }}\nattempts = 1\n\
             request_limit_s = 5\n{tenant}\n{more}\n",
            ldap.url(),
            ldap.bind_dn(),
            ldap.base()
        )
        .unwrap();
        self.write("exeunt.toml", &toml);
        self.write("token", token);
        self.write("password", ldap.bind_password());
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs the program at the tenant's time.
    pub(crate) fn ex(&self, args: &[&str]) -> Ran {
        self.ex_as("olga", None, args)
    }

    /// Runs the program as somebody; `kill` names a point at which it dies.
    pub(crate) fn ex_as(&self, user: &str, kill: Option<&str>, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exeunt"));
        let now = self.tenant().now().to_rfc3339();
        command
            .env("EXEUNT_USER", user)
            .arg("-C")
            .arg(self.path("exeunt.toml"))
            .args(["--no-progress", "--now", &now])
            .args(args);
        if let Some(point) = kill {
            command.env("EXEUNT_KILL_AT", point);
        }
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ran = self.ex(&[&["--json"], args].concat());
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}\n{}", ran.out, ran.err))
    }

    /// The addresses in a list.
    pub(crate) fn emails(&self, args: &[&str]) -> Vec<String> {
        let document = self.json(args);
        let items = document.get("items").or(document.get("steps")).unwrap();
        let email = |i: &Value| i["email"].as_str().unwrap_or_default().to_owned();
        items.as_array().unwrap().iter().map(email).collect()
    }

    /// The entries of a type.
    pub(crate) fn entries(&self, kind: &str) -> Vec<Value> {
        self.json(&["log", "--type", kind])["items"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub(crate) fn tenant(&self) -> Control {
        self.story.docspace().control()
    }

    pub(crate) fn directory(&self) -> exeunt::sandbox::ldap::Control {
        self.story.ldap().control()
    }

    pub(crate) fn status(&self, role: Role) -> Status {
        let id = cast(role).account.unwrap();
        self.tenant().user(id).unwrap().status
    }

    pub(crate) fn hours_later(&self, hours: i64) {
        self.tenant().advance(hours * 3600);
        self.directory().advance(hours * 3600);
    }

    /// Makes a plan; its digest.
    #[track_caller]
    pub(crate) fn plan(&self) -> String {
        let plan = self.json(&["plan"]);
        plan["digest"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn release(&self, digest: &str) {
        self.ex(&["breaker", "release", digest, "--reason", "looked at it"])
            .exits(0);
    }
}

/// Makes a key in a file; returns its public part as the configuration has it.
pub(crate) fn key(path: &Path) -> String {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(made.as_ref())
    );
    std::fs::write(path, pem).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
    STANDARD.encode(pair.public_key().as_ref())
}
