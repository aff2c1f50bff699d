//! The small company of the sandbox at a fixed time, with a policy that asks for approvals.

use chrono::DateTime;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use serde_json::Value;

use crate::common::workspace::Workspace;

const POLICIES: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n\n\
     [[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nring = \"enforce\"\nafter_days = 90\n\
     notice_days = [30, 7]\nsteps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";

pub(crate) struct Stage {
    pub(crate) story: Story,
    pub(crate) ws: Workspace,
}

impl Stage {
    /// The company, and an exeunt.toml for it; no ledger yet.
    pub(crate) fn new() -> Self {
        let now = DateTime::parse_from_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let options = StoryOptions {
            now: Some(now.to_utc()),
            ..StoryOptions::default()
        };
        let story = Story::start(&options).unwrap();
        let ws = Workspace::clocked(story.docspace().control());
        let corp = ws.sandbox_directory(story.ldap(), "");
        let portal = ws.tenant(story.docspace(), "");
        ws.configure(&[&corp, &portal, POLICIES]);
        Self { story, ws }
    }

    /// With a ledger into which everything was read.
    pub(crate) fn read() -> Self {
        let stage = Self::new();
        stage.ws.run(&["init"]).exits(0);
        stage.ws.run(&["sync"]).exits(0);
        stage
    }

    /// With a plan in `plan.json` that disables Bob.
    pub(crate) fn planned() -> Self {
        let stage = Self::read();
        stage.ws.run(&["plan", "--out", "plan.json"]).exits(0);
        stage
    }

    /// With that plan approved and released.
    pub(crate) fn ready() -> Self {
        let stage = Self::planned();
        let confirm = ["approve", "plan.json", "--confirm", "1"];
        stage.ws.run(&confirm).exits(0);
        stage.release();
        stage
    }

    pub(crate) fn release(&self) {
        let release = [
            "breaker",
            "release",
            "plan.json",
            "--reason",
            "looked at it",
        ];
        self.ws.run(&release).exits(0);
    }

    pub(crate) fn hours_later(&self, hours: i64) {
        self.story.docspace().control().advance(hours * 3600);
        self.story.ldap().control().advance(hours * 3600);
    }

    /// How many entries the ledger has.
    pub(crate) fn entries(&self) -> u64 {
        let verified: Value = self.ws.json(&["verify"]);
        verified["entries"].as_u64().unwrap()
    }
}

/// Takes out what differs from run to run: times of day, pseudonyms, digests, positions, ports, the
/// directory of the test. What is left is held by the snapshots.
pub(crate) fn scrubbed(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn line(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (shown, taken) = token(rest);
        match taken {
            0 => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
            taken => {
                out.push_str(shown);
                rest = &rest[taken..];
            }
        }
        // The inside of a word is no token of its own.
        if taken == 0 && c.is_ascii_alphanumeric() {
            let word = rest.find(|c: char| !c.is_ascii_alphanumeric());
            let (inside, after) = rest.split_at(word.unwrap_or(rest.len()));
            out.push_str(inside);
            rest = after;
        }
    }
    out
}

/// What stands at the beginning of a text and must not stay, and how long it is.
fn token(text: &str) -> (&'static str, usize) {
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let hex = |t: &str| t.bytes().take_while(u8::is_ascii_hexdigit).count();
    if text.starts_with("s_") && hex(&text[2..]) == 32 {
        return ("s_PSEUDONYM", 34);
    }
    if text.starts_with('#') && digits(&text[1..]) > 0 {
        return ("#N", 1 + digits(&text[1..]));
    }
    if let Some(port) = text.strip_prefix("127.0.0.1:") {
        return ("127.0.0.1:PORT", 10 + digits(port));
    }
    if hex(text) >= 12 && text[..hex(text)].bytes().any(|b| b.is_ascii_digit()) {
        return ("DIGEST", hex(text));
    }
    let bytes = text.as_bytes();
    let time = |at: usize| {
        bytes.get(at).is_some_and(u8::is_ascii_digit) && bytes.get(at + 2) == Some(&b':')
    };
    if digits(text) == 2 && time(0) && digits(&text[3..]) == 2 {
        return ("HH:MM", 5);
    }
    let count = digits(text);
    if count > 0 {
        let after = &text[count..];
        if after.starts_with(" entries") || after.starts_with(" rows") || after.starts_with(" from")
        {
            return ("N", count);
        }
        if after.starts_with(" second") {
            let s = usize::from(after.as_bytes().get(7) == Some(&b's'));
            return ("N seconds", count + 7 + s);
        }
    }
    ("", 0)
}

#[test]
fn nothing_that_differs_stays() {
    let text = "2026-03-02 09:00 UTC s_0123456789abcdef0123456789abcdef [#12 #3] plan 0f1e2d3c4b5a";
    let want = "2026-03-02 HH:MM UTC s_PSEUDONYM [#N #N] plan DIGEST";
    assert_eq!(scrubbed(text), want);
    assert_eq!(scrubbed("13 accounts, 3 days"), "13 accounts, 3 days");
    assert_eq!(scrubbed("from 0 on; 54 entries"), "from 0 on; N entries");
}
