//! `exeunt report`: how things stand before anything may act, as text, as JSON, or as a page.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::cli::args::Cli;
use crate::cli::args::ReportArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::page;
use crate::cli::private_file;
use crate::cli::setup;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;
use crate::engine::survey::Counts;
use crate::engine::survey::SourceShown;
use crate::engine::survey::Survey;
use crate::engine::survey::TenantSurvey;
use crate::ledger::Access;

/// `exeunt report`.
pub fn report(cli: &Cli, args: &ReportArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(None)?;
    let survey = engine.survey(&moment)?;
    if let Some(file) = &args.out {
        private_file::write(file, page::page(&survey).as_bytes())?;
    }
    if output.json {
        output.document(&document(&survey, args.out.as_ref()));
        return Ok(Exit::Done);
    }
    show(&survey, output);
    match &args.out {
        Some(file) => {
            let file = file.display();
            output.note(&format!(
                "wrote {file}: it names people; only you can read it"
            ));
        }
        None => output.hint("`exeunt report --out report.html` writes a page to read and print"),
    }
    Ok(Exit::Done)
}

fn show(survey: &Survey, output: &Output) {
    for line in cannot_say(survey) {
        output.data(&line);
    }
    let people = match survey.people_left {
        1 => "1 person has left".to_owned(),
        n => format!("{n} people have left"),
    };
    if leavers_are_known(survey) || survey.people_left > 0 {
        output.data(&format!("{people}, as the authoritative directories say."));
    }
    let mut rows = Vec::new();
    for tenant in &survey.tenants {
        let counts = &tenant.counts;
        let mut row = vec![tenant.tenant.to_string()];
        row.extend(sorts(counts).map(|(_, number)| number.to_string()));
        row.push(ramp_says(tenant));
        rows.push(row);
    }
    let header = [
        "tenant",
        "leavers in",
        "idle",
        "unknown",
        "in use",
        "invited",
        "disabled",
        "would follow",
    ];
    output.table(&header, &rows);
}

/// The sorts of accounts with their numbers, in the order of the page; together they are all.
pub(super) fn sorts(counts: &Counts) -> [(&'static str, u64); 6] {
    [
        ("leavers still in", counts.leavers),
        ("idle", counts.idle),
        ("unknown", counts.unknown),
        ("in use", counts.in_use),
        ("invited", counts.invited),
        ("disabled", counts.disabled),
    ]
}

fn directories(survey: &Survey) -> impl Iterator<Item = &SourceShown> {
    let sources = survey.sources.iter();
    sources.filter(|source| source.kind == SourceKind::Directory)
}

/// Whether it is known of everybody if they have left.
pub(super) fn leavers_are_known(survey: &Survey) -> bool {
    directories(survey).count() > 0 && directories(survey).all(|source| source.relied_on)
}

/// What the report cannot say, since something was not read or not believed.
pub(super) fn cannot_say(survey: &Survey) -> Vec<String> {
    let mut lines = Vec::new();
    if directories(survey).count() == 0 {
        lines.push("No directory is configured, so that nobody is known to have left.".to_owned());
    }
    let doubtful = survey.sources.iter().filter(|source| !source.relied_on);
    for source in doubtful {
        let why = match (source.verdict, source.read_at) {
            (None, _) | (_, None) => "was never read".to_owned(),
            (Some(Verdict::Complete), Some(at)) => {
                format!("was read last on {}, which is too long ago", at.day())
            }
            (Some(verdict), Some(at)) => format!(
                "was not read to its end on {} ({})",
                at.day(),
                format!("{verdict:?}").to_lowercase()
            ),
        };
        let what = match source.kind {
            SourceKind::Directory => "who has left is NOT KNOWN there",
            SourceKind::Tenant => "whose accounts still work is NOT KNOWN there",
        };
        lines.push(format!("{} {why}: {what}.", source.source));
    }
    lines
}

/// What would follow, in one sentence.
pub(super) fn ramp_says(tenant: &TenantSurvey) -> String {
    let ramp = &tenant.ramp;
    let Some(ends) = ramp.ends() else {
        return "nothing".to_owned();
    };
    let from = ramp.days.first().map(|day| day.day);
    let days = match from {
        Some(from) if from != ends => format!("from {} to {}", from.day(), ends.day()),
        _ => format!("on {}", ends.day()),
    };
    let warned = match tenant.warnings {
        0 => String::new(),
        n => format!("{} first, then ", plural(n, "warning")),
    };
    format!("{warned}{} {days}", plural(ramp.steps(), "step"))
}

/// The survey with the file that the page was written to.
#[derive(Serialize)]
struct Document<'s> {
    #[serde(flatten)]
    survey: &'s Survey,
    file: Option<&'s PathBuf>,
}

fn document(survey: &Survey, file: Option<&PathBuf>) -> Value {
    serde_json::to_value(Document { survey, file }).unwrap_or_default()
}

/// A day as a page and a table show it.
pub(super) fn day(at: Option<Time>) -> String {
    at.map_or("–".to_owned(), Time::day)
}
