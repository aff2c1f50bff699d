//! `exeunt verify`: of the ledger, or of evidence that somebody was handed.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::VerifyArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::setup;
use crate::config::Config;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::judge::Judged;
use crate::evidence::judge::Reader;
use crate::evidence::judge::Verdict;
use crate::evidence::judge::gravest;
use crate::evidence::policy::Policy;
use crate::ledger::verify::Asked;
use crate::ledger::verify::Reopened;
use crate::ledger::verify::Report;
use crate::ledger::verify::verify_asked;

/// `exeunt verify`.
pub fn verify(cli: &Cli, args: &VerifyArgs, output: &Output) -> Result<Exit, Failure> {
    let reader = reader(args)?;
    if args.files.is_empty() {
        return ledger(cli, args, &reader, output);
    }
    let mut all = Vec::new();
    for file in &args.files {
        let entry = entry_of(file, args)?;
        let judged = reader
            .file(file, entry.as_deref())
            .map_err(|e| unread(file, &e))?;
        all.push((file, judged));
    }
    let word = gravest(all.iter().flat_map(|(_, judged)| verdicts(judged)));
    if output.json {
        let items: Vec<Value> = all
            .iter()
            .map(|(file, judged)| item(file, judged))
            .collect();
        output.document(&json!({ "verdict": word, "items": items }));
        return Ok(exit(word));
    }
    for (file, judged) in &all {
        show(file, judged, output);
    }
    output.data(
        "what no evidence shows: what was never recorded, what was false already when it was \
         recorded, and everything after the checkpoint",
    );
    Ok(exit(word))
}

fn verdicts(judged: &Judged) -> impl Iterator<Item = &Verdict> {
    judged.verdicts().into_iter().map(|(_, verdict)| verdict)
}

fn exit(word: &str) -> Exit {
    match word {
        "good" => Exit::Done,
        "false" => Exit::False,
        _ => Exit::CannotJudge,
    }
}

/// What the reader trusts and kept.
fn reader(args: &VerifyArgs) -> Result<Reader, Failure> {
    let mut reader = Reader::default();
    if let Some(path) = &args.policy {
        not_in_the_evidence(path, args)?;
        let text = fs::read_to_string(path).map_err(|e| unread(path, &e))?;
        let policy = Policy::parse(&text).map_err(|e| {
            Failure::usage(
                format!("{} is no policy: {e}", path.display()),
                "lines `log KEY` and one `quorum none` (C2SP tlog-policy)",
            )
        })?;
        reader.policy = Some(policy);
    }
    for path in &args.kept {
        let bytes = fs::read(path).map_err(|e| unread(path, &e))?;
        reader.keep(&bytes).map_err(|what| {
            Failure::usage(
                format!("{} is no checkpoint: {what}", path.display()),
                "name a checkpoint that you kept",
            )
        })?;
    }
    Ok(reader)
}

/// Whoever made the evidence could have put their own key beside it.
fn not_in_the_evidence(policy: &Path, args: &VerifyArgs) -> Result<(), Failure> {
    let Ok(policy) = policy.canonicalize() else {
        return Ok(());
    };
    let mut handed = args
        .files
        .iter()
        .filter_map(|file| file.canonicalize().ok());
    if handed.any(|file| policy.starts_with(file)) {
        return Err(Failure::usage(
            "the policy came with the evidence",
            "whom you trust, you say yourself: write a policy of your own",
        ));
    }
    Ok(())
}

/// The bytes that a proof is about.
fn entry_of(file: &Path, args: &VerifyArgs) -> Result<Option<Vec<u8>>, Failure> {
    if file.is_dir() {
        return Ok(None);
    }
    let beside = file.with_extension("json");
    let path = match &args.entry {
        Some(path) => path,
        None if beside.as_path() != file && beside.exists() => &beside,
        None => return Ok(None),
    };
    fs::read(path).map(Some).map_err(|e| unread(path, &e))
}

fn unread(path: &Path, why: &std::io::Error) -> Failure {
    Failure {
        exit: Exit::CannotJudge,
        code: "cannot-judge".to_owned(),
        ..Failure::plain(format!("{} cannot be read: {why}", path.display()))
    }
}

fn verdict(verdict: &Verdict) -> Value {
    json!({ "verdict": verdict.word(), "says": verdict.says() })
}

fn item(file: &Path, judged: &Judged) -> Value {
    let said = judged.said.as_ref();
    json!({
        "file": file, "kind": judged.kind.as_str(),
        "origin": said.map(|said| &said.origin), "size": said.map(|said| said.size),
        "integrity": verdict(&judged.integrity),
        "authenticity": verdict(&judged.authenticity),
        "append_only": verdict(&judged.append_only),
    })
}

fn show(file: &Path, judged: &Judged, output: &Output) {
    let what = match &judged.said {
        Some(said) => format!(
            "{}: {} of {}, {}",
            file.display(),
            judged.kind.as_str(),
            said.origin,
            plural(said.size, "entry")
        ),
        None => format!("{}: {}", file.display(), judged.kind.as_str()),
    };
    output.data(&what);
    for (name, verdict) in judged.verdicts() {
        show_verdict(name, verdict, output);
    }
}

fn show_verdict(name: &str, verdict: &Verdict, output: &Output) {
    let word = match verdict {
        Verdict::Good(_) => "good",
        Verdict::False(_) => "FALSE",
        Verdict::CannotJudge(_) => "CANNOT JUDGE",
        Verdict::NotAsked(_) => "not asked",
    };
    let mut lines = verdict.says().lines();
    let first = lines.next().unwrap_or_default();
    output.data(&format!("  {}: {word}: {first}", name.replace('_', "-")));
    for line in lines {
        output.data(&format!("    {line}"));
    }
}

/// The ledger itself.
fn ledger(cli: &Cli, args: &VerifyArgs, reader: &Reader, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(&cli.config)?;
    let paths = setup::paths(&config)?;
    let published = setup::published(&config);
    let asked = Asked {
        published: published.as_ref(),
        sizes: reader.kept.iter().map(|kept| kept.said.size).collect(),
    };
    let mut report = verify_asked(&paths, &asked)?;
    let (authenticity, append_only) = signed(reader, &report);
    if let Verdict::Good(_) = &append_only {
        for kept in &reader.kept {
            report.anchor(kept.said.size);
        }
    }
    let mut all = vec![integrity(&report)];
    // without a policy only the ledger's own word is asked for
    if args.policy.is_some() || !args.kept.is_empty() {
        all.extend([authenticity.clone(), append_only.clone()]);
    }
    let word = gravest(&all);
    if output.json {
        output.document(&document(word, &report, &authenticity, &append_only));
        return Ok(exit(word));
    }
    show_ledger(&report, output);
    show_verdict("authenticity", &authenticity, output);
    show_verdict("append-only", &append_only, output);
    output.data(
        "what no check of a ledger shows: what was never recorded, and what was false already \
         when it was recorded",
    );
    Ok(exit(word))
}

fn document(word: &str, report: &Report, authenticity: &Verdict, append_only: &Verdict) -> Value {
    let bad = report.bad.as_ref();
    let open = &report.unanchored;
    json!({
        "verdict": word,
        "entries": report.entries, "head": report.head,
        "bad": bad.map(|b| json!({ "seq": b.seq, "what": b.what })),
        "cannot_judge": report.unjudged,
        "checkpoint": report.checkpoint, "checkpoints": report.checkpoints,
        "authenticity": verdict(authenticity), "append_only": verdict(append_only),
        "unanchored": { "from": open.from, "entries": open.entries },
        "reopened": report.reopened.iter().map(|r| json!({
            "seq": r.seq, "kept": r.kept, "known": r.known,
            "entries_lost": r.entries_lost, "values_lost": r.values_lost,
        })).collect::<Vec<_>>(),
    })
}

fn integrity(report: &Report) -> Verdict {
    match (&report.bad, &report.unjudged) {
        (Some(bad), _) => Verdict::False(bad.what.clone()),
        (None, Some(what)) => Verdict::CannotJudge(what.clone()),
        (None, None) => Verdict::Good("every byte was checked".to_owned()),
    }
}

/// Whether the newest checkpoint is the log's, and goes on from what the reader kept.
fn signed(reader: &Reader, report: &Report) -> (Verdict, Verdict) {
    let none = || Verdict::CannotJudge("the ledger has no checkpoint yet".to_owned());
    let Some(text) = &report.checkpoint else {
        return (none(), none());
    };
    let Ok((said, note)) = Checkpoint::in_note(text.as_bytes()) else {
        return (none(), none());
    };
    let root_at = |size: u64| report.roots.get(&size).copied();
    // what was kept may be newer than the newest signature here: the entries decide
    let append_only = match (&report.bad, root_at(report.entries)) {
        (None, Some(root)) => {
            let all = Checkpoint {
                origin: said.origin.clone(),
                size: report.entries,
                root,
            };
            reader.append_only(&all, text, root_at)
        }
        _ => Verdict::CannotJudge("the entries are not sound".to_owned()),
    };
    (reader.authenticity(&said, &note), append_only)
}

fn show_ledger(report: &Report, output: &Output) {
    match (&report.bad, &report.unjudged) {
        (Some(bad), _) => {
            let at = bad.seq.map(|seq| format!(" at entry {seq}"));
            let at = at.unwrap_or_default();
            output.data(&format!("FALSE{at}: {}", bad.what));
        }
        (None, Some(what)) => output.data(&format!("CANNOT JUDGE the end: {what}")),
        (None, None) => output.data(&format!(
            "good: {}; every byte, link, position, order of calls and plan was checked",
            plural(report.entries, "entry")
        )),
    }
    output.data(&format!("head {}", report.head));
    for reopened in &report.reopened {
        show_reopened(reopened, output);
    }
    let open = &report.unanchored;
    if open.entries > 0 {
        output.data(&format!(
            "not known outside this machine: {}, from {} on; whoever has this machine could rewrite \
             them",
            plural(open.entries, "entry"),
            open.from
        ));
    }
}

fn show_reopened(reopened: &Reopened, output: &Output) {
    if reopened.entries_lost {
        let knew = reopened.known.map_or_else(
            || "how many there had been, nobody knows".to_owned(),
            |known| format!("the head lock knew {}", plural(known, "entry")),
        );
        output.data(&format!(
            "reopened at entry {}: an approver let a copy of {} go on ({knew}); what stood in those \
             that are lost is not shown here",
            reopened.seq,
            plural(reopened.kept, "entry")
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
