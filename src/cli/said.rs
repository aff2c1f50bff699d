//! `exeunt link` and `exeunt orphan`: what people say about accounts.

use std::io::IsTerminal as _;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::LinkAddArgs;
use crate::cli::args::LinkCommand;
use crate::cli::args::LinkRemoveArgs;
use crate::cli::args::OrphanCommand;
use crate::cli::args::RetryArgs;
use crate::cli::args::WordArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::setup;
use crate::domain::id::SourceName;
use crate::domain::rows::AccountRow;
use crate::domain::rows::OrphanWord;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::approve::Signer;
use crate::engine::replay::parse_moment;
use crate::engine::said::Pair;
use crate::engine::said::SaidItem;
use crate::engine::said::Words;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::vault::Profile;

/// `exeunt link`.
pub fn link(cli: &Cli, command: &LinkCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        LinkCommand::Add(args) => link_add(cli, args, output),
        LinkCommand::List => link_list(cli, output),
        LinkCommand::Remove(args) => link_remove(cli, args, output),
    }
}

pub(super) fn words(args: &WordArgs) -> Result<Words<'_>, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage(
            "the reason is empty",
            "say why: --reason TEXT",
        ));
    }
    Ok(Words {
        reason: &args.reason,
        ticket: args.ticket.as_deref(),
    })
}

fn signer(engine: &Engine, args: &WordArgs) -> Result<Signer, Failure> {
    Ok(engine.signer(&os_user(), args.key.as_deref())?)
}

pub(super) fn source(name: Option<&String>) -> Option<SourceName> {
    name.map(SourceName::new)
}

fn link_add(cli: &Cli, args: &LinkAddArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let tenant = source(args.tenant.as_ref());
    let directory = source(args.directory.as_ref());
    let pair = Pair {
        account: engine.one_account(&args.account, tenant.as_ref())?,
        person: engine.one_person(&args.person, directory.as_ref())?,
    };
    let account = engine.called(&pair.account.subject)?;
    let person = engine.called(&pair.person.subject)?;
    if engine.has_left(&pair.person, engine.clock.now())? {
        confirm(&account, &person, args.confirm.as_deref(), output)?;
    }
    let signer = signer(&engine, &args.word)?;
    engine.state_link(&signer, &pair, words)?;
    output.note(&format!(
        "{account} in {} belongs to {person} of {} from here on, whatever the other rules say",
        pair.account.tenant, pair.person.directory
    ));
    output.hint("next: exeunt plan");
    Ok(Exit::Done)
}

/// Has the account typed: saying that it is a leaver's can take it away from whoever uses it.
fn confirm(
    account: &str,
    person: &str,
    given: Option<&str>,
    output: &Output,
) -> Result<(), Failure> {
    let typed = match given {
        Some(typed) => Some(typed.to_owned()),
        None if std::io::stdin().is_terminal() => {
            output.note(&format!(
                "{person} has left: the account will count as a leaver's"
            ));
            output.ask(&format!(
                "Type the account ({account}) to say that it is theirs:"
            ));
            let mut line = String::new();
            drop(std::io::stdin().read_line(&mut line));
            Some(line)
        }
        None => None,
    };
    if typed.is_some_and(|typed| typed.trim().eq_ignore_ascii_case(account)) {
        return Ok(());
    }
    Err(Failure::refused(
        "link.not-confirmed",
        format!(
            "{person} has left, so that this could take {account} away from whoever uses it; it \
             was not confirmed, and nothing was recorded"
        ),
        format!("make sure, then type the account when asked, or give --confirm {account}"),
    ))
}

fn link_remove(cli: &Cli, args: &LinkRemoveArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let (tenant, directory) = (
        source(args.tenant.as_ref()),
        source(args.directory.as_ref()),
    );
    let account = engine.one_account(&args.account, tenant.as_ref())?;
    let called = engine.called(&account.subject)?;
    if args.forget {
        let mut said = engine.said_directories(&account.subject)?;
        said.retain(|d| directory.as_ref().is_none_or(|wanted| wanted == d));
        let signer = signer(&engine, &args.word)?;
        let Some(first) = said.first().or(directory.as_ref()) else {
            return Err(Failure::refused(
                "link.not-linked",
                format!("nothing has been said about {called}"),
                "`exeunt link list` shows what has been said",
            ));
        };
        if said.len() > 1 {
            return Err(Failure::usage(
                "something was said about more than one directory",
                "name one: --directory DIRECTORY",
            ));
        }
        engine.forget_link(&signer, &account, first, words)?;
        output.note(&format!(
            "what was said about {called} and {first} is taken back; the other rules decide again"
        ));
        return Ok(Exit::Done);
    }
    let person = match &args.person {
        Some(person) => engine.one_person(person, directory.as_ref())?,
        None => engine.linked_person(&account, directory.as_ref())?,
    };
    let pair = Pair { account, person };
    let signer = signer(&engine, &args.word)?;
    engine.deny_link(&signer, &pair, words)?;
    output.note(&format!(
        "{called} does not belong to {} of {}, and no rule gives it to them again",
        engine.called(&pair.person.subject)?,
        pair.person.directory
    ));
    output.hint("`exeunt findings` shows accounts that belong to nobody");
    Ok(Exit::Done)
}

fn link_list(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let items = engine.said_links()?;
    if output.json {
        output.document(&json!({ "items": items }));
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = items.iter().map(said_row).collect();
    output.table(
        &["account", "tenant", "says", "directory", "by", "on", "why"],
        &rows,
    );
    if rows.is_empty() {
        output.note("nobody has said whose an account is");
    }
    Ok(Exit::Done)
}

fn said_row(item: &SaidItem) -> Vec<String> {
    let person = item.person_email.as_deref();
    let person = person.unwrap_or(item.person.as_str());
    let says = match item.says {
        "stated" => format!("belongs to {person}"),
        _ => format!("is not {person}’s"),
    };
    vec![
        item.email
            .clone()
            .unwrap_or_else(|| item.subject.to_string()),
        item.tenant
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        says,
        item.directory.to_string(),
        item.by.clone().unwrap_or_default(),
        item.at.day(),
        with_ticket(item),
    ]
}

fn with_ticket(item: &SaidItem) -> String {
    let reason = item.reason.clone().unwrap_or_default();
    match &item.ticket {
        Some(ticket) => format!("{reason} ({ticket})"),
        None => reason,
    }
}

/// `exeunt orphan`.
pub fn orphan(cli: &Cli, command: &OrphanCommand, output: &Output) -> Result<Exit, Failure> {
    let meant = |engine: &Engine, who: &str, tenant: Option<&String>| {
        engine.one_account(who, source(tenant).as_ref())
    };
    match command {
        OrphanCommand::List => orphan_list(cli, output),
        OrphanCommand::Claim(args) => {
            let words = words(&args.word)?;
            if args.owner.trim().is_empty() {
                let says = "nobody is named who answers for it";
                return Err(Failure::usage(says, "--owner NAME"));
            }
            let until = args.until.as_deref().map(moment).transpose()?;
            let engine = setup::open(cli, Access::Full, output)?;
            let account = meant(&engine, &args.account, args.tenant.as_ref())?;
            let signer = signer(&engine, &args.word)?;
            let until = engine.claim_orphan(&signer, &account, &args.owner, until, words)?;
            answered(&engine, &account, &args.owner, until, output)
        }
        OrphanCommand::Accept(args) => {
            let words = words(&args.word)?;
            let until = moment(&args.until)?;
            let engine = setup::open(cli, Access::Full, output)?;
            let account = meant(&engine, &args.account, args.tenant.as_ref())?;
            let signer = signer(&engine, &args.word)?;
            engine.accept_orphan(&signer, &account, until, words)?;
            answered(&engine, &account, "", until, output)
        }
        OrphanCommand::Release(args) => {
            let words = words(&args.word)?;
            let engine = setup::open(cli, Access::Full, output)?;
            let account = meant(&engine, &args.account, args.tenant.as_ref())?;
            let signer = signer(&engine, &args.word)?;
            engine.release_orphan(&signer, &account, words)?;
            output.note(&format!(
                "nobody answers for {} any more",
                engine.called(&account.subject)?
            ));
            Ok(Exit::Done)
        }
    }
}

pub(super) fn moment(text: &str) -> Result<Time, Failure> {
    parse_moment(text)
        .ok_or_else(|| Failure::usage(format!("`{text}` is no date"), "as in 2026-05-01"))
}

fn answered(
    engine: &Engine,
    account: &AccountRow,
    owner: &str,
    until: Time,
    output: &Output,
) -> Result<Exit, Failure> {
    let called = engine.called(&account.subject)?;
    let until = tell::moment(until);
    output.note(&if owner.is_empty() {
        format!("{called} may stay without a person until {until}")
    } else {
        format!("{owner} answers for {called} until {until}")
    });
    output.hint("policies for other reasons (inactive, disabled) still hold for it");
    Ok(Exit::Done)
}

/// `exeunt retry`.
pub fn retry(cli: &Cli, args: &RetryArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let account = engine.one_account(&args.account, source(args.tenant.as_ref()).as_ref())?;
    let signer = signer(&engine, &args.word)?;
    engine.retry(&signer, &account, words)?;
    output.note(&format!(
        "what failed for {} is tried again by the next run",
        engine.called(&account.subject)?
    ));
    output.hint("`exeunt run`; what was approved stays approved");
    Ok(Exit::Done)
}

fn orphan_list(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(None)?;
    let open = engine.orphans(&moment)?;
    let answered = engine.answered()?;
    if output.json {
        let mut orphans = Vec::new();
        for finding in &open {
            let profile = engine.profile(&finding.subject)?;
            orphans.push(json!({
                "tenant": finding.tenant, "account": profile.first(Profile::KEY),
                "subject": finding.subject, "email": profile.first(Profile::MAIL),
                "erased_by": null, "since": finding.since, "evidence": finding.evidence,
            }));
        }
        output.document(&json!({ "items": orphans, "answered": answered }));
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for finding in &open {
        let tenant = finding.tenant.as_ref().map(ToString::to_string);
        let age = tell::length(moment.now.seconds_since(finding.since).max(0));
        rows.push(vec![
            engine.called(&finding.subject)?,
            tenant.unwrap_or_default(),
            format!("nobody’s for {age}"),
            String::new(),
            String::new(),
        ]);
    }
    for item in &answered {
        let state = match item.says {
            _ if item.over => "over",
            OrphanWord::Claimed => "claimed",
            OrphanWord::Accepted => "accepted",
        };
        rows.push(vec![
            engine.called(&item.subject)?,
            item.tenant.to_string(),
            format!("{state}, until {}", item.until.day()),
            item.owner.clone().unwrap_or_default(),
            item.reason.clone().unwrap_or_default(),
        ]);
    }
    output.table(&["account", "tenant", "state", "owner", "why"], &rows);
    let count = plural(open.len() as u64, "account");
    output.note(&format!("{count} without anybody who answers for them"));
    if !open.is_empty() {
        output.hint(
            "`exeunt orphan claim`, `exeunt orphan accept`, `exeunt link add`, or a policy with \
             when = \"orphaned\"",
        );
    }
    Ok(Exit::Done)
}
