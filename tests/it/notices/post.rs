//! The small company of the sandbox at a fixed time, with a relay over which people are warned.

use chrono::DateTime;
use exeunt::sandbox::Role;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;
use mail_parser::MessageParser;

use crate::common::relay::Relay;
use crate::common::workspace::Workspace;

/// Those who are silent for 90 days and were warned are disabled; nobody else is touched.
const IDLE: &str = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 90\nnotice_days = [30, 7]\nsteps = [{ do = \"disable\" }]\n\
     approvals = { disable = 0 }\n";

/// Dieter has not been seen for long; nor has Erika, who only fails to sign in.
pub(crate) const DIETER: Role = Role::Idle;
pub(crate) const ERIKA: Role = Role::FailedOnly;

pub(crate) struct Post {
    pub(crate) story: Story,
    pub(crate) ws: Workspace,
    pub(crate) relay: Relay,
}

/// A mail as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) reply_to: String,
    pub(crate) text: String,
}

impl Post {
    /// With a ledger, nothing read yet; `lines` are those of `[notices]`.
    pub(crate) fn new(mode: &str, lines: &str) -> Self {
        let now = DateTime::parse_from_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let options = StoryOptions {
            now: Some(now.to_utc()),
            ..StoryOptions::default()
        };
        let story = Story::start(&options).unwrap();
        let relay = Relay::start(mode);
        let ws = Workspace::clocked(story.docspace().control());
        let portal = ws.tenant(story.docspace(), "");
        let notices = format!("[notices]\nchannel = \"smtp\"\n{lines}\n");
        // without a directory, activity alone decides
        ws.configure(&[&portal, IDLE, &notices, &relay.section("")]);
        ws.run(&["init"]).exits(0);
        Self { story, ws, relay }
    }

    /// With both of them warned.
    pub(crate) fn warned() -> Self {
        let post = Self::new("submission", "");
        post.ws.run(&["run"]).exits(0).says("2 warnings given");
        assert_eq!(post.mails().len(), 2);
        post
    }

    /// Lets time pass, and has a run in it.
    pub(crate) fn days_later(&self, days: u32) {
        self.story.pass_days(days);
        self.ws.run(&["sync"]).exits(0);
        // the first plan of a tenant waits for a look at it
        let status = self.ws.json(&["status"]);
        for plan in status["plans"].as_array().unwrap() {
            let digest = plan["digest"].as_str().unwrap();
            self.release(digest);
        }
    }

    fn release(&self, digest: &str) {
        let args = ["breaker", "release", digest, "--reason", "looked at it"];
        self.ws.run(&args);
    }

    /// A run that may find its first plan stopped; if so it is released, and another one follows.
    pub(crate) fn runs(&self) {
        if self.ws.run(&["run"]).code == Some(5) {
            let status = self.ws.json(&["status"]);
            self.release(status["plans"][0]["digest"].as_str().unwrap());
            self.ws.run(&["run"]).exits(0);
        }
    }

    pub(crate) fn is_disabled(&self, role: Role) -> bool {
        let account = cast(role).account.unwrap();
        let user = self.story.docspace().control().user(account).unwrap();
        user.status == Status::Terminated
    }

    /// What the newest decision about somebody's account is blocked by.
    pub(crate) fn blocked(&self, role: Role) -> Vec<String> {
        let args = [
            "log",
            "--type",
            "decision.made",
            "--subject",
            cast(role).email,
        ];
        let items = self.ws.items(&args);
        let blocked = items.last().unwrap()["data"]["decision"]["blocked"].clone();
        let blocked = blocked.as_array().cloned().unwrap_or_default();
        blocked
            .iter()
            .map(|c| c.as_str().unwrap().to_owned())
            .collect()
    }

    /// Every mail that the relay took.
    pub(crate) fn mails(&self) -> Vec<Received> {
        self.relay
            .mails()
            .iter()
            .map(|mail| received(mail))
            .collect()
    }

    /// The mails to one of them.
    pub(crate) fn mails_to(&self, role: Role) -> Vec<Received> {
        let mut mails = self.mails();
        mails.retain(|mail| mail.to == cast(role).email);
        mails
    }

    /// The newest mail to one of them.
    pub(crate) fn mail_to(&self, role: Role) -> Received {
        let newest = self.mails_to(role).pop();
        newest.unwrap_or_else(|| panic!("no mail to {} in {:#?}", cast(role).email, self.mails()))
    }
}

fn received(mail: &str) -> Received {
    let parsed = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let one = |list: Option<&mail_parser::Address<'_>>| {
        let address = list.and_then(|l| l.first()).and_then(|a| a.address());
        address.unwrap_or_default().to_owned()
    };
    Received {
        id: parsed.message_id().unwrap().to_owned(),
        to: one(parsed.to()),
        subject: parsed.subject().unwrap().to_owned(),
        reply_to: one(parsed.reply_to()),
        text: parsed.body_text(0).unwrap().into_owned(),
    }
}
