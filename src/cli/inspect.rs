//! Commands that only read.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::AsOfArgs;
use crate::cli::args::Cli;
use crate::cli::args::InactiveArgs;
use crate::cli::args::LogArgs;
use crate::cli::args::RebuildArgs;
use crate::cli::args::WhyArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::hold;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::setup;
use crate::domain::account::Signal;
use crate::domain::code;
use crate::domain::code::Code;
use crate::domain::id::Subject;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Decision;
use crate::domain::rows::Kind;
use crate::domain::rows::Ruling;
use crate::engine::Engine;
use crate::engine::facts::Rows as _;
use crate::engine::replay::DepartedAccount;
use crate::engine::replay::DepartedItem;
use crate::engine::replay::Moment;
use crate::engine::replay::accounts_in;
use crate::engine::replay::state_word;
use crate::engine::tell;
use crate::engine::why::AccountStory;
use crate::engine::why::Again;
use crate::engine::why::Explained;
use crate::engine::why::Happening;
use crate::engine::why::StoryDeparture;
use crate::ledger::Access;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;

pub(super) fn document(moment: &Moment<'_>, items: Value) -> Value {
    json!({
        "head": { "seq": moment.seq, "link": moment.link },
        "as_of": moment.now,
        "items": items,
    })
}

pub(super) fn items<T: serde::Serialize>(items: &[T]) -> Value {
    serde_json::to_value(items).unwrap_or_default()
}

/// `exeunt inactive`.
pub fn inactive(cli: &Cli, args: &InactiveArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(args.common.as_of.as_deref())?;
    let found = engine.inactive(&moment, args.days, &args.common.tenant)?;
    if output.json {
        output.document(&document(&moment, items(&found)));
        return Ok(Exit::Done);
    }
    let mut rows: Vec<_> = found
        .iter()
        .map(|i| {
            let last = i.since.map_or("never seen".to_owned(), |t| t.day());
            let name = i.email.clone().unwrap_or_else(|| i.subject.to_string());
            let policy = i
                .policy
                .clone()
                .unwrap_or_else(|| format!("{} days", i.days));
            vec![
                name,
                i.tenant.clone(),
                last,
                i.horizon.day(),
                policy,
                seqs(&i.evidence),
            ]
        })
        .collect();
    rows.sort();
    output.table(
        &[
            "account",
            "tenant",
            "last seen",
            "log since",
            "policy",
            "evidence",
        ],
        &rows,
    );
    output.note(&format!(
        "{} proved inactive",
        plural(rows.len() as u64, "account")
    ));
    output.hint("`exeunt unknown` lists the accounts of which nothing can be said");
    Ok(Exit::Done)
}

fn seqs(seqs: &[u64]) -> String {
    seqs.iter()
        .map(|s| format!("#{s}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// `exeunt departed`.
pub fn departed(cli: &Cli, args: &AsOfArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(args.as_of.as_deref())?;
    let mut found = engine.departed(&moment)?;
    if !args.tenant.is_empty() {
        found.retain(|p| p.accounts.iter().any(|a| args.tenant.contains(&a.tenant)));
    }
    if output.json {
        output.document(&document(&moment, items(&found)));
        return Ok(Exit::Done);
    }
    show_departed(&found, output);
    let noun = if found.len() == 1 {
        "person has"
    } else {
        "people have"
    };
    output.note(&format!("{} {noun} left", found.len()));
    Ok(Exit::Done)
}

/// One line for each account of each person, those who are late first.
fn show_departed(found: &[DepartedItem], output: &Output) {
    let mut rows = Vec::new();
    for person in found {
        let clocks = person.accounts.iter().map(|a| (Some(a), a.clock.as_ref()));
        let nothing = person.accounts.is_empty().then_some((None, None));
        for (account, clock) in clocks.chain(nothing) {
            let rank = clock.map(|c| (c.state, c.due));
            let row = departed_row(person, account, output.terminal);
            rows.push(((rank.is_none(), rank), row));
        }
    }
    rows.sort();
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    let header: &[&str] = match output.terminal {
        true => &["person", "left", "account", "clock", "evidence"],
        false => &[
            "person",
            "directory",
            "since",
            "because",
            "tenant",
            "state",
            "notice",
            "clock",
            "used after",
            "evidence",
        ],
    };
    output.table(header, &rows);
}

fn departed_row(
    person: &DepartedItem,
    account: Option<&DepartedAccount>,
    terminal: bool,
) -> Vec<String> {
    let name = person.email.clone().unwrap_or(person.subject.to_string());
    let clock = account.and_then(|a| a.clock.as_ref());
    let mut stands = clock.map(tell::clock).unwrap_or_default();
    let notice = clock.map(tell::notice).unwrap_or_default();
    let used = clock.and_then(|c| c.active_after);
    if let Some(held) = clock.and_then(|c| tell::held(&c.blocked)) {
        stands.push_str(&format!("; {held}"));
    }
    let tenant = account.map_or("no account", |a| a.tenant.as_str());
    let state = account.map_or("", |a| a.state.as_str());
    let since = person.since.day();
    if !terminal {
        return vec![
            name,
            person.directory.clone(),
            since,
            code::says(person.because.as_str()),
            tenant.to_owned(),
            state.to_owned(),
            notice,
            stands,
            used.map(tell::moment).unwrap_or_default(),
            seqs(&person.evidence),
        ];
    }
    if clock.is_some_and(|c| c.late_notice.is_some()) {
        stands.push_str(&format!("; {notice}"));
    }
    if let Some(used) = used {
        stands.push_str(&format!("; USED AFTER THAT, {}", used.day()));
    }
    let strength = serde_json::to_value(person.strength).unwrap_or_default();
    let because = strength.as_str().unwrap_or_default().replace('-', " ");
    let directory = &person.directory;
    vec![
        name,
        format!("{since} {because} ({directory})"),
        format!("{tenant} {state}").trim_end().to_owned(),
        stands,
        seqs(&person.evidence),
    ]
}

/// `exeunt accounts`.
pub fn accounts(cli: &Cli, args: &AsOfArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(args.as_of.as_deref())?;
    let mut values = Vec::new();
    let mut rows = Vec::new();
    for account in accounts_in(&moment.rows, &args.tenant)? {
        let profile = engine.profile(&account.subject)?;
        let activity = moment
            .rows
            .one::<ActivityRow>(Kind::Activity, account.subject.as_str())?;
        let last = activity.and_then(|a| a.newest.values().map(|m| m.since).max());
        values.push(json!({
            "tenant": account.tenant, "account": profile.first(Profile::KEY),
            "subject": account.subject, "email": profile.first(Profile::MAIL),
            "name": profile.first(Profile::NAME), "state": state_word(&account),
            "kind": account.facts.kind, "protected": account.facts.protected,
            "managed_by": account.facts.managed_by, "created_at": account.facts.created_at,
            "last_activity": last, "erased_by": null,
        }));
        let name = profile
            .first(Profile::MAIL)
            .unwrap_or(account.subject.as_str());
        let protected = items(&account.facts.protected.iter().collect::<Vec<_>>());
        let protected: Vec<_> = protected
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        rows.push(vec![
            name.to_owned(),
            account.tenant.to_string(),
            state_word(&account).to_owned(),
            last.map_or("-".to_owned(), |t| t.day()),
            protected.join(", "),
        ]);
    }
    if output.json {
        output.document(&document(&moment, Value::Array(values)));
        return Ok(Exit::Done);
    }
    rows.sort();
    output.table(
        &["account", "tenant", "state", "last active", "protected"],
        &rows,
    );
    Ok(Exit::Done)
}

/// `exeunt unknown`.
pub fn unknown(cli: &Cli, args: &InactiveArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(args.common.as_of.as_deref())?;
    let found = engine.unknown(&moment, args.days, &args.common.tenant)?;
    if output.json {
        output.document(&document(&moment, items(&found)));
        return Ok(Exit::Done);
    }
    let mut rows: Vec<_> = found
        .iter()
        .map(|i| {
            let name = i.email.clone().unwrap_or_else(|| i.subject.to_string());
            let from = i.provable_from.map_or("-".to_owned(), |t| t.day());
            vec![name, i.tenant.clone(), code::says(i.because.as_str()), from]
        })
        .collect();
    rows.sort();
    output.table(&["account", "tenant", "why", "provable from"], &rows);
    let count = plural(rows.len() as u64, "account");
    output.note(&format!(
        "{count} of unknown activity; unknown never removes anybody"
    ));
    Ok(Exit::Done)
}

/// `exeunt why`.
pub fn why(cli: &Cli, args: &WhyArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let stories = engine.why(&args.who, args.tenant.as_deref())?;
    let people = if stories.is_empty() {
        engine.people_happenings(&engine.find(&args.who)?)?
    } else {
        Vec::new()
    };
    if output.json {
        output.document(&json!({ "who": args.who, "accounts": stories, "happened": people }));
        return Ok(Exit::Done);
    }
    for story in &stories {
        show_story(&engine, story, output)?;
    }
    for happening in &people {
        show_happening(happening, output);
    }
    Ok(Exit::Done)
}

fn show_happening(happening: &Happening, output: &Output) {
    let when = tell::moment(happening.at);
    let line = format!("  {when}  {}  [#{}]", happening.says, happening.seq);
    output.data(&line);
}

fn show_story(engine: &Engine, story: &AccountStory, output: &Output) -> Result<(), Failure> {
    let name = story.email.as_deref().unwrap_or(story.subject.as_str());
    output.data(&format!(
        "{} in {}: {}   (pseudonym {})",
        name, story.tenant, story.state, story.subject
    ));
    output.data("");
    output.data("What happened:");
    for happening in &story.happened {
        show_happening(happening, output);
    }
    output.data("");
    for departure in &story.departures {
        show_departure(departure, output);
    }
    hold::show_over(&story.holds, output);
    match &story.decision {
        Some(explained) => show_explained(engine, story, explained, output)?,
        None => output.data("The rules have never had anything to say about this account."),
    }
    output.data("");
    if let Some(clock) = &story.clock {
        output.data("The clock of this leaver:");
        for line in tell::clock_lines(clock) {
            output.data(&format!("  {line}"));
        }
        output.data("");
    }
    Ok(())
}

fn show_explained(
    engine: &Engine,
    story: &AccountStory,
    explained: &Explained,
    output: &Output,
) -> Result<(), Failure> {
    output.data(&format!("What the rules say (entry #{}):", explained.seq));
    output.data(&format!("  {}", tell::decision(&explained.decision)));
    output.data(&format!("  as of {}", tell::moment(explained.now)));
    for line in &explained.arithmetic {
        output.data(&format!("  {line}"));
    }
    let evidence = &explained.decision.evidence;
    let noun = if evidence.len() == 1 {
        "entry"
    } else {
        "entries"
    };
    output.data(&format!("  it rests on {noun} {}", seqs(evidence)));
    let usable = matches!(story.state.as_str(), "active" | "invited");
    if explained.decision.leaver_still_in && usable {
        output.data("  LEAVER STILL IN: the person has left, and the account still works");
    }
    show_way(engine, story, &explained.decision, output)?;
    // what another system manages cannot be disabled in the tenant either
    let elsewhere = |code: &Code| code.as_str() == "block.provider-managed";
    if explained.decision.leaver_still_in
        && usable
        && !explained.decision.blocked.iter().any(elsewhere)
        && let Some(product) = story_product(engine, story)
    {
        output.data(&format!(
            "  until a step is taken, it can be disabled by hand in {product}"
        ));
    }
    output.data(match explained.again {
        Again::Same => "  decided again from the same entries: the same answer",
        Again::RulesChanged => {
            "  decided again: another answer, since the rules of this program have changed"
        }
        Again::Different => "  DECIDED AGAIN: ANOTHER ANSWER; run `exeunt verify`",
    });
    Ok(())
}

/// A hint without what sends to the command whose answer it stands in.
fn beyond_why(hint: &str) -> String {
    let parts = hint.split("; ").flat_map(|part| part.split(". "));
    let kept: Vec<_> = parts
        .filter(|part| !part.contains("`exeunt why`"))
        .collect();
    match kept.is_empty() {
        true => hint.to_owned(),
        false => kept.join("; "),
    }
}

/// What a step waits for that is planned and not taken yet, and what can be done where one is blocked.
fn show_way(
    engine: &Engine,
    story: &AccountStory,
    decision: &Decision,
    output: &Output,
) -> Result<(), Failure> {
    let mut codes: Vec<_> = decision.blocked.clone();
    if decision.verdict == Ruling::Act {
        for missing in engine.waits_for(&story.subject)? {
            output.data(&format!(
                "  IT WAITS: {}",
                code::says(missing.because.as_str())
            ));
            codes.push(missing.because);
        }
    }
    for hint in codes.iter().filter_map(|c| code::hint(c.as_str())) {
        let hint = beyond_why(&hint);
        output.data(&output.as_typed(&format!("  what can be done: {hint}")));
    }
    Ok(())
}

/// What says that somebody has left, with the times of each fact, and what came after it.
fn show_departure(departure: &StoryDeparture, output: &Output) {
    let name = departure.email.as_deref();
    let name = name.unwrap_or(departure.subject.as_str());
    let of = departure.directory.as_ref();
    let of = of.map_or_else(String::new, |directory| format!(" of {directory}"));
    output.data(&format!("What says that {name}{of} has left:"));
    for fact in &departure.facts {
        let recorded = match fact.recorded {
            Some(at) => format!(", recorded there {}", tell::moment(at)),
            None => String::new(),
        };
        output.data(&format!(
            "  {} since {}{recorded}, first seen {}  [#{}]",
            tell::strength(fact.strength),
            tell::moment(fact.effective),
            tell::moment(fact.seen),
            fact.seq
        ));
    }
    if let Some(day) = departure.login_after {
        let day = day.day();
        output.data(&format!(
            "  LOGGED IN AFTER THAT at the directory, on {day}"
        ));
    }
    for used in &departure.used_after {
        let what = match used.signal {
            Signal::Login => "a login",
            Signal::Audit => "an action of its own",
            Signal::Seen => "a use",
        };
        output.data(&format!(
            "  THE ACCOUNT WAS USED AFTER THAT: {what} on {}  [#{}]",
            tell::moment(used.at),
            used.seq
        ));
    }
    output.data("");
}

fn story_product(engine: &Engine, story: &AccountStory) -> Option<&'static str> {
    let name = crate::domain::id::SourceName::new(&story.tenant);
    engine.tenant(&name).map(|t| t.adapter.kind().title)
}

/// `exeunt log`.
pub fn log(cli: &Cli, args: &LogArgs, output: &Output) -> Result<Exit, Failure> {
    // The log can be read without the vault; names are shown where it is there.
    let engine = if args.subject.is_some() {
        Some(setup::open(cli, Access::ReadOnly, output)?)
    } else {
        setup::open(cli, Access::ReadOnly, output).ok()
    };
    let (_, bare) = setup::open_ledger(cli, Access::WithoutVault)?;
    let wanted = match (&engine, &args.subject) {
        (Some(engine), Some(who)) => {
            let found = engine.find(who)?;
            Some(
                found
                    .people
                    .into_iter()
                    .chain(found.accounts)
                    .collect::<Vec<_>>(),
            )
        }
        _ => None,
    };
    let name = |sub: &Subject| {
        let called = engine.as_ref().and_then(|e| e.called(sub).ok());
        called.unwrap_or_else(|| sub.to_string())
    };
    let view = bare.view()?;
    let size = view.head().size;
    // Without a position, the newest ones.
    let narrow = !args.kind.is_empty() || wanted.is_some();
    let from = match args.from {
        Some(from) => from,
        None if narrow => 0,
        None => size.saturating_sub(args.limit as u64),
    };
    let mut rows = Vec::new();
    let mut values = Vec::new();
    view.each_entry(from, size, |entry| {
        let kind = args.kind.is_empty() || args.kind.contains(&entry.kind);
        let about = wanted
            .as_ref()
            .is_none_or(|subs| entry.sub.as_ref().is_some_and(|sub| subs.contains(sub)));
        if kind && about && values.len() < args.limit {
            rows.push(vec![
                entry.seq.to_string(),
                entry.rec.to_seconds_text(),
                entry.kind.clone(),
                tell::sentence(&entry, &name),
            ]);
            values.push(serde_json::to_value(&entry).unwrap_or_default());
        }
        Ok::<(), LedgerError>(())
    })?;
    if output.json {
        output.document(&json!({ "items": values }));
        return Ok(Exit::Done);
    }
    output.table(&["entry", "recorded", "type", "what"], &rows);
    Ok(Exit::Done)
}

/// `exeunt rebuild`.
pub fn rebuild(cli: &Cli, args: &RebuildArgs, output: &Output) -> Result<Exit, Failure> {
    let (_, ledger) = setup::open_ledger(cli, Access::WithoutVault)?;
    let rebuilt = crate::ledger::rebuild::rebuild(&ledger.paths().ledger, args.write)?;
    if output.json {
        let named: Vec<_> = rebuilt
            .named
            .iter()
            .map(|d| json!({ "kind": d.kind.as_str(), "key": d.key, "how": format!("{:?}", d.how).to_lowercase() }))
            .collect();
        output.document(&json!({
            "entries": rebuilt.entries, "rows": rebuilt.rows, "differ": rebuilt.differ,
            "named": named, "tiles": rebuilt.tiles, "written": rebuilt.written,
        }));
    } else {
        output.data(&format!(
            "{} give {}; {} of the stored ones {}",
            plural(rebuilt.entries, "entry"),
            plural(rebuilt.rows, "row"),
            rebuilt.differ,
            if rebuilt.differ == 1 {
                "differs"
            } else {
                "differ"
            }
        ));
        for d in &rebuilt.named {
            let how = format!("{:?}", d.how).to_lowercase();
            output.data(&format!("  {}/{}: {how}", d.kind.as_str(), d.key));
        }
        if rebuilt.tiles > 0 {
            let tiles = plural(rebuilt.tiles, "tile");
            output.data(&format!(
                "{tiles} of the tree were not those of the entries"
            ));
        }
        if rebuilt.written {
            output.note("what differed was written anew");
        } else if rebuilt.differ + rebuilt.tiles > 0 {
            output.hint("`exeunt rebuild --write` puts the right ones in their place");
        }
    }
    let false_rows = rebuilt.differ + rebuilt.tiles > 0 && !rebuilt.written;
    Ok(if false_rows { Exit::False } else { Exit::Done })
}
