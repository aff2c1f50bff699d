//! The small company of the sandbox with a ledger whose first contact is over.

use chrono::TimeDelta;
use chrono::Utc;
use exeunt::sandbox::Role;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::Status;
use serde_json::Value;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

/// Leavers are disabled at once, by whatever run sees them.
pub(crate) const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n";

/// So are those who are silent for 90 days and were warned.
pub(crate) const IDLE: &str = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\n\
     ring = \"enforce\"\nafter_days = 90\nnotice_days = [30, 7]\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n";

/// Nothing but an error, or what is plainly impossible, keeps a read from being believed.
pub(crate) const GULLIBLE: &str = "[limits]\nmax_drop_percent = 100\nmax_drop_floor = 1000\n";

pub(crate) struct House {
    pub(crate) story: Story,
    pub(crate) ws: Workspace,
}

impl House {
    /// Starts the story 40 days ago, and goes through the first contact: Bob, who had left before,
    /// is disabled. With `IDLE`, Dieter and Erika are warned.
    pub(crate) fn settled(directory: &str, policies: &[&str]) -> Self {
        let options = StoryOptions {
            now: Some(Utc::now() - TimeDelta::days(40)),
            ..StoryOptions::default()
        };
        let story = Story::start(&options).unwrap();
        let ws = Workspace::clocked(story.docspace().control());
        let corp = ws.sandbox_directory(story.ldap(), directory);
        let portal = ws.tenant(story.docspace(), "");
        let policies = policies.join("\n");
        ws.configure(&[&corp, &portal, &policies]);
        ws.run(&["init"]).exits(0);
        let house = Self { story, ws };
        house.ws.run(&["run"]).exits(5).says("first plan");
        house.release();
        house.ws.run(&["run"]).exits(0).says("done");
        assert_eq!(house.status(Role::AlreadyDisabled), Status::Terminated);
        house.forget_requests();
        house
    }

    /// A month later: whoever was warned is due, and a read shows it.
    pub(crate) fn a_month_later(self) -> Self {
        self.story.pass_days(31);
        self.ws.run(&["sync"]).exits(0);
        self.hours_later(1);
        self
    }

    /// Releases the one open plan.
    pub(crate) fn release(&self) {
        let status = self.ws.json(&["status"]);
        let digest = status["plans"][0]["digest"].as_str().unwrap();
        self.ws
            .run(&["breaker", "release", digest, "--reason", "looked at it"])
            .exits(0);
    }

    pub(crate) fn tenant(&self) -> Control {
        self.story.docspace().control()
    }

    pub(crate) fn directory(&self) -> exeunt::sandbox::ldap::Control {
        self.story.ldap().control()
    }

    pub(crate) fn status(&self, role: Role) -> Status {
        self.tenant()
            .user(cast(role).account.unwrap())
            .unwrap()
            .status
    }

    pub(crate) fn hours_later(&self, hours: i64) {
        self.tenant().advance(hours * 3600);
        self.directory().advance(hours * 3600);
    }

    pub(crate) fn forget_requests(&self) {
        self.tenant().clear_requests();
    }

    /// Fails if anything but reads came to the tenant since [`Self::forget_requests`].
    #[track_caller]
    pub(crate) fn nothing_was_sent(&self) {
        let requests = self.tenant().requests();
        let changes: Vec<_> = requests.iter().filter(|r| r.method != "GET").collect();
        assert!(changes.is_empty(), "{changes:?}");
    }

    /// Runs twice with hours between, so that what is believed would count; nothing may be sent.
    #[track_caller]
    pub(crate) fn runs_in_vain(&self, code: i32) -> Ran {
        self.forget_requests();
        self.ws.run(&["run"]).exits(code);
        self.hours_later(2);
        let ran = self.ws.run(&["run"]).exits(code);
        self.nothing_was_sent();
        ran
    }

    /// The addresses of the accounts that a plan would act on now.
    pub(crate) fn planned(&self) -> Vec<String> {
        let plan = self.ws.json(&["plan"]);
        let steps = plan["steps"].as_array().unwrap();
        let mut emails: Vec<_> = steps
            .iter()
            .map(|s| s["email"].as_str().unwrap().to_owned())
            .collect();
        emails.sort();
        emails
    }

    /// Who has left, by address.
    pub(crate) fn departed(&self) -> Vec<String> {
        emails(&self.ws.items(&["departed"]))
    }

    /// The newest decision about somebody's account, from the entries.
    pub(crate) fn decision(&self, role: Role) -> Value {
        let who = cast(role).email;
        let found = self
            .ws
            .items(&["log", "--type", "decision.made", "--subject", who]);
        found
            .last()
            .map(|entry| entry["data"]["decision"].clone())
            .unwrap_or_default()
    }
}

/// The addresses of some items.
pub(crate) fn emails(items: &[Value]) -> Vec<String> {
    items
        .iter()
        .map(|i| i["email"].as_str().unwrap_or_default().to_owned())
        .collect()
}
