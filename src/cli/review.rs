//! The list for reviewers: a plan as CSV, and the same list as it comes back with rows marked.
//!
//! Spreadsheets run what looks like a formula, so a cell that begins like one gets an apostrophe
//! in front, which they show as text.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::plan_file;
use crate::cli::private_file;
use crate::domain::code;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::StepRow;
use crate::engine::Engine;
use crate::engine::owned::Belongings;
use crate::ledger::vault::Profile;

/// The columns, in their order; KEEP is for the reviewer.
const COLUMNS: [&str; 14] = [
    "KEEP",
    "PLAN",
    "STEP",
    "TENANT",
    "ACCOUNT",
    "EMAIL",
    "NAME",
    "DO",
    "WHY",
    "LAST ACTIVITY",
    "OWNS",
    "GOES TO",
    "UNDO",
    "SUBJECT",
];

/// The largest list that is read back, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Writes the list, readable by its owner only: it has names in it.
pub fn write(
    engine: &Engine,
    plan: &PlanRow,
    owned: &Belongings,
    path: &Path,
) -> Result<(), Failure> {
    let failure = |e: &dyn std::fmt::Display| private_file::failure(path, e);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|e| failure(&e))?;
    for step in engine.steps_left(plan)? {
        let cells = row(engine, plan, &step, owned)?;
        let cells = cells.iter().map(|cell| harmless(cell));
        writer.write_record(cells).map_err(|e| failure(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failure(&e))?;
    private_file::write(path, &bytes)
}

fn row(
    engine: &Engine,
    plan: &PlanRow,
    row: &StepRow,
    owned: &Belongings,
) -> Result<[String; 14], Failure> {
    let step = &row.step;
    let profile = engine.profile(&step.account)?;
    let cell = |name: &str| profile.first(name).unwrap_or_default().to_owned();
    let view = engine.ledger.view()?;
    let activity = view.row::<ActivityRow>(Kind::Activity, step.account.as_str())?;
    let last = activity.and_then(|a| a.newest.values().map(|m| m.since).max());
    let kind = engine.tenant(&step.tenant).map(|t| t.adapter.kind());
    let meant = kind.and_then(|k| k.steps.iter().find(|s| s.does == step.does));
    let successor = match &step.successor {
        Some(successor) => engine.called(successor)?,
        None => String::new(),
    };
    Ok([
        String::new(),
        plan.digest.clone(),
        (row.number + 1).to_string(),
        step.tenant.to_string(),
        cell(Profile::KEY),
        cell(Profile::MAIL),
        cell(Profile::NAME),
        step.does.as_str().to_owned(),
        code::says(step.because.as_str()),
        last.map(|at| at.to_seconds_text()).unwrap_or_default(),
        owned.counted(&step.account),
        successor,
        meant
            .map(|s| plan_file::undo_says(s.undo))
            .unwrap_or_default(),
        step.account.to_string(),
    ])
}

/// Keeps a spreadsheet from running a cell.
pub(super) fn harmless(cell: &str) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => format!("'{cell}"),
        _ => cell.to_owned(),
    }
}

/// Reads the list as a reviewer gave it back: the numbers of the steps that are to be taken.
///
/// Rows that are missing stay like those that are marked. A row that does not say what the plan
/// says is refused: somebody may have approved what they read there.
pub fn read(engine: &Engine, plan: &PlanRow, path: &Path) -> Result<BTreeSet<u64>, Failure> {
    let unreadable = |what: &dyn std::fmt::Display| {
        Failure::plain(format!("{} cannot be read: {what}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(|e| unreadable(&e))?.len();
    if size > MOST_BYTES {
        return Err(unreadable(&format!("it is larger than {MOST_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|e| unreadable(&format!("{e}; save it as CSV in UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| unreadable(&e))?.clone();
    let columns = Columns::find(&header).map_err(|e| unreadable(&e))?;
    let steps = engine.steps_left(plan)?;
    let (mut seen, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|e| unreadable(&e))?;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let number = columns
            .check(engine, plan, &steps, &record)
            .map_err(|why| match why {
                Odd::Says(what) => changed(path, line, what),
                Odd::Cannot(failure) => failure,
            })?;
        // also where one of the two rows says that it stays
        if !seen.insert(number) {
            return Err(changed(path, line, "its step stands there twice"));
        }
        if !columns.keeps(&record, line, path)? {
            taken.insert(number);
        }
    }
    Ok(taken)
}

/// Spreadsheets of several countries write `;` where others write `,`.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |c: char| first.matches(c).count();
    [(b',', count(',')), (b';', count(';')), (b'\t', count('\t'))]
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map_or(b',', |(sign, _)| sign)
}

fn changed(path: &Path, line: usize, what: &str) -> Failure {
    Failure::refused(
        "plan.file-changed",
        format!("{}:{line}: {what}", path.display()),
        "take the list anew with `exeunt plan --csv FILE`, and change KEEP only; nothing was \
         approved",
    )
}

/// Where the columns stand that are read back.
struct Columns {
    keep: usize,
    plan: usize,
    step: usize,
    tenant: usize,
    does: usize,
    subject: usize,
    /// What a reviewer reads, where it was not taken out.
    email: Option<usize>,
    name: Option<usize>,
    successor: Option<usize>,
}

/// Why a row is not taken.
enum Odd {
    /// It does not say what the plan says.
    Says(&'static str),
    /// That could not be found out.
    Cannot(Failure),
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, String> {
        let is = |cell: &str, name: &str| cell.trim().eq_ignore_ascii_case(name);
        let find = |name: &str| header.iter().position(|cell| is(cell, name));
        let at = |name: &str| find(name).ok_or_else(|| format!("it has no column {name}"));
        for name in COLUMNS {
            if header.iter().filter(|cell| is(cell, name)).count() > 1 {
                return Err(format!("it has two columns {name}"));
            }
        }
        Ok(Self {
            keep: at("KEEP")?,
            plan: at("PLAN")?,
            step: at("STEP")?,
            tenant: at("TENANT")?,
            does: at("DO")?,
            subject: at("SUBJECT")?,
            email: find("EMAIL"),
            name: find("NAME"),
            successor: find("GOES TO"),
        })
    }

    /// The number of the step of a row that says what the plan says.
    fn check(
        &self,
        engine: &Engine,
        plan: &PlanRow,
        steps: &[StepRow],
        record: &csv::StringRecord,
    ) -> Result<u64, Odd> {
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        if cell(self.plan) != plan.digest {
            return Err(Odd::Says("it belongs to another plan"));
        }
        let shown: Option<u64> = cell(self.step).parse().ok();
        let step = shown.and_then(|n| steps.iter().find(|s| s.number + 1 == n));
        let Some(step) = step else {
            return Err(Odd::Says("the plan has no such step"));
        };
        let same = cell(self.tenant) == step.step.tenant.as_str()
            && cell(self.does) == step.step.does.as_str()
            && cell(self.subject) == step.step.account.as_str();
        if !same {
            return Err(Odd::Says("it says something else than the plan"));
        }
        let read = self.read_by_people(engine, step).map_err(Odd::Cannot)?;
        for (at, is) in read {
            let shown = at.map(|at| cell(at).trim_start_matches('\'').trim());
            if shown.is_some_and(|shown| shown != is.trim_start_matches('\'').trim()) {
                return Err(Odd::Says("it names somebody else than the plan"));
            }
        }
        Ok(step.number)
    }

    /// The columns by which a reviewer knows whom a row is about, with what must stand there.
    fn read_by_people(
        &self,
        engine: &Engine,
        row: &StepRow,
    ) -> Result<[(Option<usize>, String); 3], Failure> {
        let profile = engine.profile(&row.step.account)?;
        let value = |name: &str| profile.first(name).unwrap_or_default().to_owned();
        let successor = match &row.step.successor {
            Some(successor) => engine.called(successor)?,
            None => String::new(),
        };
        Ok([
            (self.email, value(Profile::MAIL)),
            (self.name, value(Profile::NAME)),
            (self.successor, successor),
        ])
    }

    /// Whether the reviewer wants the account to stay; what is no clear mark is a question.
    fn keeps(&self, record: &csv::StringRecord, line: usize, path: &Path) -> Result<bool, Failure> {
        let mark = record.get(self.keep).unwrap_or_default().trim();
        match mark.to_lowercase().as_str() {
            "" | "no" | "n" | "false" | "0" => Ok(false),
            "keep" | "yes" | "y" | "x" | "true" | "1" => Ok(true),
            _ => Err(Failure::usage(
                format!("{}:{line}: `{mark}` in KEEP is no mark", path.display()),
                "`keep` keeps the account, an empty cell lets the step be taken",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(harmless("+49"), "'+49");
        assert_eq!(harmless("\t=1"), "'\t=1");
        assert_eq!(harmless("Ada"), "Ada");
        assert_eq!(harmless(""), "");
    }

    #[test]
    fn lists_from_other_countries_are_read() {
        assert_eq!(delimiter("KEEP;PLAN;STEP\n"), b';');
        assert_eq!(delimiter("KEEP,PLAN,STEP\n"), b',');
        assert_eq!(delimiter("KEEP\tPLAN\n"), b'\t');
    }
}
