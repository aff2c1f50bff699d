//! A workspace in this process, and a directory in which the real binary is run beside it.

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use exeunt::sandbox::alteryx::Alteryx;
use exeunt::sandbox::alteryx::AlteryxHandle;
use exeunt::sandbox::alteryx::AlteryxOptions;
use exeunt::sandbox::alteryx::Person;
use exeunt::sandbox::alteryx::Settings;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::tenant::Control;
use exeunt::sandbox::tenant::RequestRecord;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

/// A workspace with an owner (1001) and the token's user (1002), both administrators.
pub(super) struct Stage {
    pub(super) work: Workspace,
    pub(super) tenant: AlteryxHandle,
}

pub(super) fn ago(days: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(days)
}

pub(super) fn start(settings: Settings, accounts: usize) -> AlteryxHandle {
    Alteryx::start(AlteryxOptions {
        settings,
        population: Population {
            accounts,
            ..Population::default()
        },
        ..AlteryxOptions::default()
    })
    .unwrap()
}

impl Stage {
    /// The tenant is called `class`; `extra` are further keys of it, `policies` follow.
    pub(super) fn set(extra: &str, policies: &str) -> Self {
        let tenant = start(Settings::default(), 2);
        let work = Workspace::new();
        let credentials = tenant.credentials();
        work.write("class.refresh", &credentials.tokens.refresh_token);
        work.write("class.client", &credentials.client_id);
        let section = format!(
            "[[tenant]]\nname = \"class\"\nprovider = \"alteryx\"\nurl = \"{}\"\n\
             token_url = \"{}\"\nrefresh_token = {{ file = \"class.refresh\" }}\n\
             client_id = {{ file = \"class.client\" }}\nworkspace = \"{}\"\n\
             headers = {{ x-api-project-id = \"{}\", x-alteryx-workspace-gid = \"{}\" }}\n\
             request_limit_s = 3\nattempts = 2\n{extra}\n",
            tenant.url(),
            tenant.token_url(),
            credentials.workspace_id,
            credentials.project_id,
            credentials.gid,
        );
        work.configure(&[&section, policies]);
        let stage = Self { work, tenant };
        stage.work.run(&["init"]).exits(0);
        stage
    }

    pub(super) fn control(&self) -> Control<Alteryx> {
        self.tenant.control()
    }

    /// Adds somebody who was there for a year and last signed in half a year ago.
    pub(super) fn add(&self, mail: &str) -> u64 {
        let mut person = Person::new(mail, mail, ago(400));
        person.last_login = Some(ago(180));
        self.control().with(|space| space.add_person(person))
    }

    pub(super) fn is_member(&self, id: u64) -> bool {
        let gone = |space: &mut Alteryx| space.person(id).unwrap().removed;
        self.control().with(gone).is_none()
    }

    /// The requests that change something, as `METHOD path`, in their order.
    pub(super) fn changes(&self) -> Vec<String> {
        let requests = self.control().requests().into_iter();
        let changes = requests.filter(|r| r.method != "GET" && r.path != "/as/token");
        changes
            .map(|r: RequestRecord| format!("{} {}", r.method, r.path))
            .collect()
    }

    /// How often a new pair of tokens was asked for.
    pub(super) fn refreshes(&self) -> usize {
        let requests = self.control().requests();
        requests.iter().filter(|r| r.path == "/as/token").count()
    }

    /// Puts a refresh token of a new API token where the configuration points.
    pub(super) fn new_token(&self) {
        let (url, now) = (self.tenant.url(), Utc::now());
        let pair = self.control().with(|s| s.issue_tokens(&url, now));
        self.work.write("class.refresh", &pair.refresh_token);
    }

    /// Runs the program until it dies at a point.
    pub(super) fn dies_at(&self, point: &str, args: &[&str]) {
        let mut command = self.work.command(args);
        let output = command.env("EXEUNT_KILL_AT", point).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            None,
            "{args:?} lived past {point}: {shown}"
        );
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        self.work.run(args)
    }
}
