//! `exeunt verify`: whether the ledger is what it says.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::setup;
use crate::config::Config;
use crate::ledger::verify::Reopened;

/// `exeunt verify`.
pub fn verify(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(&cli.config)?;
    let paths = setup::paths(&config)?;
    let report = crate::ledger::verify::verify(&paths)?;
    let exit = Exit::of(report.exit_code());
    let open = &report.unanchored;
    if output.json {
        let bad = report
            .bad
            .as_ref()
            .map(|b| json!({ "seq": b.seq, "what": b.what }));
        output.document(&json!({
            "verdict": match exit { Exit::Done => "good", Exit::False => "false", _ => "cannot-judge" },
            "entries": report.entries, "head": report.head, "bad": bad,
            "cannot_judge": report.unjudged,
            "unanchored": { "from": open.from, "entries": open.entries },
            "reopened": report.reopened.iter().map(|r| json!({
                "seq": r.seq, "kept": r.kept, "known": r.known,
                "entries_lost": r.entries_lost, "values_lost": r.values_lost,
            })).collect::<Vec<_>>(),
        }));
        return Ok(exit);
    }
    match (&report.bad, &report.unjudged) {
        (Some(bad), _) => {
            let at = bad
                .seq
                .map(|seq| format!(" at entry {seq}"))
                .unwrap_or_default();
            output.data(&format!("FALSE{at}: {}", bad.what));
        }
        (None, Some(what)) => output.data(&format!("CANNOT JUDGE the end: {what}")),
        (None, None) => output.data(&format!(
            "good: {}; every byte, link, position, order of calls and plan was checked",
            entries(report.entries)
        )),
    }
    output.data(&format!("head {}", report.head));
    for reopened in &report.reopened {
        show_reopened(reopened, output);
    }
    if open.entries > 0 {
        output.data(&format!(
            "not known outside this machine: {}, from {} on; whoever has this machine could rewrite \
             them",
            entries(open.entries),
            open.from
        ));
    }
    output.data(
        "what no check of a ledger shows: what was never recorded, and what was false already \
         when it was recorded",
    );
    Ok(exit)
}

fn show_reopened(reopened: &Reopened, output: &Output) {
    if reopened.entries_lost {
        let knew = reopened.known.map_or_else(
            || "how many there had been, nobody knows".to_owned(),
            |known| format!("the head lock knew {}", entries(known)),
        );
        output.data(&format!(
            "reopened at entry {}: an approver let a copy of {} go on ({knew}); what stood in those \
             that are lost is not shown here",
            reopened.seq,
            entries(reopened.kept)
        ));
    }
    if let Some(lost) = reopened.values_lost {
        output.data(&format!(
            "another vault from entry {} on: an approver let the ledger go on without the values of {}",
            reopened.seq,
            plural(lost, "pseudonym")
        ));
    }
}

fn entries(count: u64) -> String {
    if count == 1 {
        "1 entry".to_owned()
    } else {
        format!("{count} entries")
    }
}
