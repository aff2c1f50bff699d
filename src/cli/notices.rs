//! `exeunt notices`: what people are sent, whom nothing reaches, and how it goes on then.

pub mod args;

use std::io::ErrorKind;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::WordArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::notices::args::BouncedArgs;
use crate::cli::notices::args::ExportArgs;
use crate::cli::notices::args::NoticesCommand;
use crate::cli::notices::args::PreviewArgs;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::private_file;
use crate::cli::said::source;
use crate::cli::said::words;
use crate::cli::setup;
use crate::config::Config;
use crate::config::TenantConfig;
use crate::config::mistake::nearest;
use crate::config::notices as settings;
use crate::domain::account::Do;
use crate::domain::id::SourceName;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::engine::tell;
use crate::engine::undelivered::How;
use crate::engine::undelivered::ReportItem;
use crate::ledger::Access;
use crate::notify::Notice;
use crate::notify::NoticeAccount;
use crate::notify::report;
use crate::notify::text::Language;
use crate::provider::KINDS;

/// `exeunt notices`.
pub fn notices(cli: &Cli, command: &NoticesCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        NoticesCommand::Preview(args) => preview(cli, args, output),
        NoticesCommand::Export(args) => export(args, output),
        NoticesCommand::Bounced(args) => bounced(cli, args, output),
        NoticesCommand::List => list(cli, output),
        NoticesCommand::Proceed(args) => {
            let how = How::Without {
                told: args.told.trim(),
            };
            if args.told.trim().is_empty() {
                let says = "nobody is named who was told in place of the person";
                return Err(Failure::usage(says, "--told NAME"));
            }
            proceed(
                cli,
                (&args.who, args.tenant.as_ref()),
                how,
                &args.word,
                output,
            )
        }
        NoticesCommand::Again(args) => {
            let who = (args.who.as_str(), args.tenant.as_ref());
            proceed(cli, who, How::Again, &args.word, output)
        }
    }
}

/// What the examples of a preview say; always the same, so that two previews can be compared.
const EXAMPLE: (&str, &str, &str, &str) = (
    "Ada Example",
    "ada@example.com",
    "2027-03-18T08:00:00Z",
    "2026-12-01T09:30:00Z",
);

fn preview(cli: &Cli, args: &PreviewArgs, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(&cli.config)?;
    let texts = settings::texts(&config)?;
    let accounts = examples(&config, args)?;
    let language = match args.language.as_deref() {
        Some(code) => Language::ALL.iter().find(|l| l.code() == code).copied(),
        None => None,
    };
    let of_tenant = accounts
        .first()
        .map(|a| settings::language(&config, &SourceName::new(&a.tenant)));
    let notice = Notice {
        to: EXAMPLE.1.to_owned(),
        name: Some(EXAMPLE.0.to_owned()),
        language: language.or(of_tenant).unwrap_or_default(),
        at: Time::from_seconds(0),
        accounts,
    };
    let reply_to = settings::answers_to(&config);
    let written = texts.write(&notice, reply_to.as_deref());
    if output.json {
        output.document(&json!({
            "language": notice.language, "to": notice.to, "reply_to": reply_to,
            "subject": written.subject, "text": written.text,
        }));
        return Ok(Exit::Done);
    }
    output.data(&format!("To: {}", notice.to));
    if let Some(address) = &reply_to {
        output.data(&format!("Reply-To: {address}"));
    }
    output.data(&format!("Subject: {}", written.subject));
    output.data("");
    for line in written.text.lines() {
        output.data(line);
    }
    Ok(Exit::Done)
}

/// An account of the tenant that is asked for, else of the first; of each with `--several`.
fn examples(config: &Config, args: &PreviewArgs) -> Result<Vec<NoticeAccount>, Failure> {
    let tenants: Vec<&TenantConfig> = match &args.tenant {
        Some(name) => {
            let known: Vec<_> = config.tenant.iter().map(|t| t.name.as_str()).collect();
            let found = config.tenant.iter().find(|t| t.name == *name);
            vec![found.ok_or_else(|| {
                Failure::usage(
                    format!("there is no tenant `{name}`"),
                    nearest(name, &known),
                )
            })?]
        }
        None if args.several => config.tenant.iter().collect(),
        None => config.tenant.iter().take(1).collect(),
    };
    let mut examples: Vec<_> = tenants
        .iter()
        .filter_map(|t| example(&t.name, &t.provider))
        .collect();
    if examples.is_empty() {
        examples.extend(example("portal", "docspace"));
    }
    Ok(examples)
}

fn example(tenant: &str, provider: &str) -> Option<NoticeAccount> {
    let kind = KINDS.iter().find(|k| k.name == provider)?;
    let step = kind.steps.first()?;
    Some(NoticeAccount {
        key: "example".to_owned(),
        tenant: tenant.to_owned(),
        provider: kind.name,
        product: kind.title.to_owned(),
        when: When::Inactive,
        does: match step.does {
            Do::Disable => Do::Disable,
            _ => Do::Remove,
        },
        effect: step.effect.to_owned(),
        acts_at: Time::parse(EXAMPLE.2)?,
        since: Time::parse(EXAMPLE.3)?,
    })
}

fn export(args: &ExportArgs, output: &Output) -> Result<Exit, Failure> {
    let failure = |why: &dyn std::fmt::Display| private_file::failure(&args.dir, why);
    std::fs::create_dir_all(&args.dir).map_err(|e| failure(&e))?;
    for language in Language::ALL {
        let path = args.dir.join(format!("{}.txt", language.code()));
        let made = std::fs::File::create_new(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, language.file().as_bytes()));
        match made {
            Ok(()) => output.note(&format!("wrote {}", path.display())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                output.note(&format!("left as it is: {}", path.display()));
            }
            Err(error) => return Err(private_file::failure(&path, &error)),
        }
    }
    output.hint(&format!(
        "edit them and put templates = \"{}\" into [notices]; `exeunt notices preview` shows them",
        args.dir.display()
    ));
    Ok(Exit::Done)
}

fn bounced(cli: &Cli, args: &BouncedArgs, output: &Output) -> Result<Exit, Failure> {
    let found = report::read(&args.file).map_err(|error| Failure {
        exit: Exit::Failed,
        says: format!("{} cannot be read: {error}", args.file.display()),
        code: "file".to_owned(),
        hint: Some("a mailbox file (mbox), a maildir, or one message".to_owned()),
    })?;
    let engine = setup::open(cli, Access::Full, output)?;
    let items = engine.take_reports(&found)?;
    let count = |result: &str| items.iter().filter(|i| i.result == result).count() as u64;
    let exit = match count("unreadable") {
        0 => Exit::Done,
        _ => Exit::Partly,
    };
    if output.json {
        output.document(&json!({
            "messages": found.len(), "items": items, "exit": exit.code(),
        }));
        return Ok(exit);
    }
    let row = |item: &ReportItem| {
        let tenant = item.tenant.as_ref().map(ToString::to_string);
        vec![
            item.result.to_owned(),
            item.email.clone().unwrap_or_default(),
            tenant.unwrap_or_default(),
            item.reason
                .map(tell::bounce_reason)
                .unwrap_or_default()
                .to_owned(),
            item.message.clone(),
        ]
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    output.table(&["result", "to", "tenant", "why", "message"], &rows);
    output.note(&format!(
        "{}: {} did not arrive, {} delivered, {} unreadable",
        plural(found.len() as u64, "message"),
        plural(count("bounced"), "warning"),
        count("delivered"),
        count("unreadable")
    ));
    if count("unreadable") > 0 {
        output.hint("look at the unreadable ones yourself: they may be bounces all the same");
    }
    if count("bounced") > 0 {
        output.hint("`exeunt notices list` shows whom no warning reaches, and what can be done");
    }
    Ok(exit)
}

fn list(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let items = engine.undelivered()?;
    if output.json {
        output.document(&json!({ "items": items }));
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for item in &items {
        let reason = item.reason.as_deref().map(tell::bounce_reason);
        rows.push(vec![
            engine.called(&item.subject)?,
            item.tenant.to_string(),
            item.policy.clone(),
            item.at.day(),
            reason.unwrap_or_default().to_owned(),
        ]);
    }
    output.table(&["account", "tenant", "policy", "warned", "why"], &rows);
    if items.is_empty() {
        output.note("every warning arrived, as far as is known");
        return Ok(Exit::Done);
    }
    output.hints(
        "nothing is done to them until an approver says how it goes on:",
        &[
            "exeunt notices again WHO --reason \"…\"".to_owned(),
            "exeunt notices proceed WHO --told \"who answers for the account\" --reason \"…\""
                .to_owned(),
        ],
    );
    Ok(Exit::Done)
}

fn proceed(
    cli: &Cli,
    (who, tenant): (&str, Option<&String>),
    how: How<'_>,
    word: &WordArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let words = words(word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let signer = engine.signer(&os_user(), word.key.as_deref())?;
    let tenant = source(tenant);
    let items = engine.proceed(&signer, (who, tenant.as_ref()), how, words)?;
    for item in &items {
        let name = engine.called(&item.subject)?;
        let says = match how {
            How::Without { .. } => "the steps come although no warning arrived",
            How::Again => "is warned anew, with the full notice",
        };
        output.note(&format!("{name} in {}: {says}", item.tenant));
    }
    output.hint("next: exeunt run");
    Ok(Exit::Done)
}
