//! The second part: a company in five tenants without a directory.

use std::path::Path;

use crate::cli::demo::Theatre;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::rehearse;
use crate::domain::time::Time;
use crate::sandbox::five::BEN;
use crate::sandbox::five::Five;
use crate::sandbox::five::KAI;
use crate::sandbox::five::LIN;
use crate::sandbox::five::MARTA;
use crate::sandbox::five::NORA;
use crate::sandbox::five::SAM;
use crate::sandbox::five::VERA;

/// How many days the second part takes.
pub(super) const DAYS: u32 = 31;

/// Where its exeunt.toml and ledger are, below the demo's directory.
pub(super) const DIR: &str = "five";

const POLICIES: &str = r#"
[[policy]]
name = "silent"
when = "inactive"
ring = "enforce"
among = { tenants = ["studio"] }
after_days = 180
notice_days = [30]
steps = [{ do = "remove" }]
approvals = { remove = 1 }

[[policy]]
name = "idle"
when = "inactive"
ring = "enforce"
among = { tenants = ["rooms"] }
after_days = 90
notice_days = [30]
steps = [{ do = "disable" }]
approvals = { disable = 1 }

[[policy]]
name = "disabled-for-long"
when = "disabled"
ring = "enforce"
among = { tenants = ["catalogue"] }
after_days = 30
steps = [{ do = "remove" }]
approvals = { remove = 1 }

[[policy]]
name = "never-came"
when = "never-activated"
ring = "enforce"
among = { tenants = ["data"] }
after_days = 90
steps = [{ do = "remove" }]
approvals = { remove = 1 }

[[policy]]
name = "semester"
when = "everyone"
ring = "enforce"
among = { tenants = ["lab"] }
steps = [{ do = "remove" }]
approvals = { remove = 1 }
"#;

/// Writes exeunt.toml and the secrets of the five tenants.
pub(super) fn write(five: &Five) -> Result<(), Failure> {
    let mut toml = "# A rehearsal: everything here is on this machine's loopback addresses.\n\
                    [ledger]\norigin = \"sandbox.example/five\"\nsandbox = true\n\n"
        .to_owned();
    let mut files = Vec::new();
    for (name, tenant) in five.tenants() {
        toml.push_str(&tenant.toml(name));
        let more = match name {
            "studio" => format!("successor = \"{SAM}\"\n"),
            "lab" => format!("successor = \"{VERA}\"\nprotect = [\"{VERA}\"]\n"),
            _ => String::new(),
        };
        toml.push_str(&more);
        toml.push('\n');
        files.extend(tenant.files(name));
    }
    toml.push_str(POLICIES);
    files.push(("exeunt.toml".to_owned(), toml));
    rehearse::write_files(Path::new(DIR), &files)
}

/// Plays the second part.
pub(super) async fn play(five: &Five, theatre: &Theatre<'_>) -> Result<(), Failure> {
    let now = || Time::from_micros(five.studio.control.now().timestamp_micros());
    first_day(theatre, now()).await?;
    five.pass_days(DAYS);
    a_month_later(theatre, now()).await?;
    semester(theatre, now()).await?;
    second_thoughts(theatre, now()).await
}

async fn first_day(theatre: &Theatre<'_>, now: Time) -> Result<(), Failure> {
    theatre.scene(
        "Five tenants",
        "Another company has no directory that it trusts. It works in ProjectPlace (studio), \
         Alteryx\n(lab), Port (catalogue), Huwise (data) and DocSpace (rooms). What each of them \
         can do differs:",
    );
    theatre
        .types(&["provider", "list"], now, Exit::Done)
        .await?;
    theatre.types(&["init"], now, Exit::Done).await?;
    theatre.types(&["run"], now, Exit::Done).await
}

async fn a_month_later(theatre: &Theatre<'_>, now: Time) -> Result<(), Failure> {
    theatre.scene(
        "A month later",
        "Whoever was silent was warned a month ago. Now the plan says what each of them owns, who \
         gets\nit, and what can be undone. An administrator who is silent as well is withheld.",
    );
    theatre.types(&["sync"], now, Exit::Done).await?;
    let plan = ["plan", "--out", "plan.json", "--csv", "review.csv"];
    theatre.types(&plan, now, Exit::Done).await?;
    theatre.says(
        "The list review.csv can go to somebody who knows these people, and come back with rows \
         marked.\nHere, all of it is right:",
    );
    let approve = ["approve", "plan.json", "--confirm", "5"];
    theatre.types(&approve, now, Exit::Done).await?;
    let release = [
        "breaker",
        "release",
        "plan.json",
        "--reason",
        "looked at it",
    ];
    theatre.types(&release, now, Exit::Done).await?;
    theatre
        .types(&["apply", "plan.json"], now, Exit::Done)
        .await?;
    theatre.types(&["why", MARTA], now, Exit::Done).await?;
    theatre.types(&["why", NORA], now, Exit::Done).await
}

async fn semester(theatre: &Theatre<'_>, now: Time) -> Result<(), Failure> {
    theatre.scene(
        "The end of the semester",
        "Everybody leaves the lab but those who are protected. Such a policy runs only when it is \
         called\nby its name, and what somebody made there goes to the successor first.",
    );
    let plan = ["plan", "--policy", "semester", "--out", "semester.json"];
    theatre.types(&plan, now, Exit::Done).await?;
    let approve = ["approve", "semester.json", "--confirm", "2"];
    theatre.types(&approve, now, Exit::Done).await?;
    theatre
        .types(&["apply", "semester.json"], now, Exit::Done)
        .await?;
    theatre.types(&["why", LIN], now, Exit::Done).await
}

async fn second_thoughts(theatre: &Theatre<'_>, now: Time) -> Result<(), Failure> {
    theatre.scene(
        "Second thoughts",
        "One of them was on parental leave. What was disabled can be given back; what was removed \
         cannot,\nand Exeunt says so. What everything was like before is kept.",
    );
    let reason = "on parental leave";
    let restore = ["restore", BEN, "--reason", reason, "--confirm", "1"];
    theatre.types(&restore, now, Exit::Done).await?;
    let gone = ["restore", KAI, "--reason", reason, "--confirm", "1"];
    theatre.types(&gone, now, Exit::Refused).await?;
    theatre.types(&["before-images"], now, Exit::Done).await?;
    theatre.types(&["sync"], now, Exit::Done).await?;
    theatre.types(&["verify"], now, Exit::Done).await?;
    theatre.types(&["status"], now, Exit::Done).await
}
