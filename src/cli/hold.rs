//! `exeunt hold`: whom no step touches, until when, and who says so.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::HoldAddArgs;
use crate::cli::args::HoldCommand;
use crate::cli::args::HoldLiftArgs;
use crate::cli::args::HoldListArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::said::moment;
use crate::cli::said::source;
use crate::cli::said::words;
use crate::cli::setup;
use crate::domain::hold::HoldKind;
use crate::domain::hold::SOON_DAYS;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::hold::HoldBrief;
use crate::engine::hold::HoldCount;
use crate::engine::hold::HoldItem;
use crate::engine::hold::NewHold;
use crate::engine::hold::Placed;
use crate::engine::leave::Meant;
use crate::engine::tell;
use crate::ledger::Access;

/// `exeunt hold`.
pub fn hold(cli: &Cli, command: &HoldCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        HoldCommand::Add(args) => add(cli, args, output),
        HoldCommand::List(args) => list(cli, args, output),
        HoldCommand::Lift(args) => lift(cli, args, output),
    }
}

fn add(cli: &Cli, args: &HoldAddArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    if args.owner.trim().is_empty() {
        let says = "nobody is named who answers for the hold";
        return Err(Failure::usage(says, "--owner NAME"));
    }
    let comes_up = comes_up(args)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let meant = meant(&engine, args)?;
    let signer = engine.signer(&os_user(), args.word.key.as_deref())?;
    let new = NewHold {
        kind: args.kind,
        comes_up,
        owner: &args.owner,
        words,
    };
    let placed = engine.place_hold(&signer, &meant, new)?;
    show_placed(&engine, args.kind, &placed, output)?;
    Ok(Exit::Done)
}

/// When the hold ends; of a legal one, when it is to be looked at again.
fn comes_up(args: &HoldAddArgs) -> Result<Time, Failure> {
    let legal = args.kind == HoldKind::Legal;
    match (&args.until, &args.review) {
        (None, Some(review)) if legal => moment(review),
        (Some(until), None) if !legal => moment(until),
        _ if legal => Err(Failure::usage(
            "a legal hold has no end, and a date on which it is looked at again",
            "--review 2026-05-01 in place of --until",
        )),
        _ => Err(Failure::usage(
            "only a legal hold has a date of review; every other one has an end",
            "--until 2026-05-01 in place of --review",
        )),
    }
}

fn meant(engine: &Engine, args: &HoldAddArgs) -> Result<Meant, Failure> {
    if let Some(who) = &args.who {
        return Ok(engine.who_is_held(who)?);
    }
    let account = args.account.as_deref().unwrap_or_default();
    let tenant = source(args.tenant.as_ref());
    Ok(Meant {
        accounts: vec![engine.one_account(account, tenant.as_ref())?],
        ..Meant::default()
    })
}

fn show_placed(
    engine: &Engine,
    kind: HoldKind,
    placed: &Placed,
    output: &Output,
) -> Result<(), Failure> {
    let moment = engine.at(None)?;
    let items = engine.holds(&moment, None)?;
    let item = items.into_iter().find(|item| item.id == placed.id);
    let Some(item) = item else {
        // its end has come between the two
        return Ok(());
    };
    let whom = names(engine, item.over.iter().map(|one| &one.subject))?;
    let accounts = plural(item.accounts.len() as u64, "account");
    let until = tell::hold_end(item.until, item.review);
    output.note(&format!(
        "hold #{} ({}) over {}, {until}: {accounts}",
        placed.id,
        tell::hold_kind(kind),
        whom.join(" and ")
    ));
    if kind == HoldKind::Legal {
        output.note(
            "nothing is removed, handed over or erased; whoever leaves is disabled all the same",
        );
    }
    for account in &placed.called_off {
        let name = engine.called(account)?;
        output.note(&format!("{name}: what was to come is called off"));
    }
    let planned = planned(engine, &item)?;
    if planned > 0 {
        let steps = plural(planned, "planned step");
        output.note(&format!(
            "{steps} will be withheld when the plan is applied"
        ));
    }
    let lift = format!("exeunt hold lift {} --reason \"…\"", placed.id);
    output.hint(&match kind {
        HoldKind::Legal => format!("an approver ends it: {lift}"),
        _ => format!("an approver ends it before that: {lift}"),
    });
    Ok(())
}

/// How many steps of open plans are about accounts that a hold covers.
fn planned(engine: &Engine, item: &HoldItem) -> Result<u64, Failure> {
    let open = engine.open_steps(engine.clock.now())?;
    let steps = open.iter().flat_map(|(_, steps)| steps);
    let covered = |account: &Subject| item.accounts.iter().any(|own| own.subject == *account);
    Ok(steps.filter(|step| covered(&step.step.account)).count() as u64)
}

fn names<'s>(
    engine: &Engine,
    subjects: impl Iterator<Item = &'s Subject>,
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for sub in subjects {
        let name = engine.called(sub)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn list(cli: &Cli, args: &HoldListArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(None)?;
    let items = engine.holds(&moment, args.ending_within.map(i64::from))?;
    if output.json {
        output.document(&json!({ "now": moment.now, "items": items }));
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for item in &items {
        let over = item.over.iter().map(|one| &one.subject);
        let ends = match (item.until, item.review, item.overdue) {
            (_, Some(review), true) => format!("REVIEW OVERDUE since {}", review.day()),
            (_, Some(review), false) => format!("review by {}", review.day()),
            (until, None, _) => until.map(Time::day).unwrap_or_default(),
        };
        let reason = item.reason.clone().unwrap_or_default();
        rows.push(vec![
            format!("#{}", item.id),
            tell::hold_kind(item.kind),
            match item.unresolved {
                true => format!("LOST WITH THE VAULT: {}", names(&engine, over)?.join(", ")),
                false => names(&engine, over)?.join(", "),
            },
            item.accounts.len().to_string(),
            ends,
            item.owner.clone().unwrap_or_default(),
            match &item.ticket {
                Some(ticket) => format!("{reason} ({ticket})"),
                None => reason,
            },
        ]);
    }
    output.table(
        &["hold", "kind", "over", "accounts", "ends", "owner", "why"],
        &rows,
    );
    if rows.is_empty() {
        output.note(match args.ending_within {
            Some(_) => "no hold ends by then",
            None => "nobody is held",
        });
    }
    Ok(Exit::Done)
}

fn lift(cli: &Cli, args: &HoldLiftArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let id = args.id.trim_start_matches('#').parse().map_err(|_| {
        Failure::usage(
            format!("`{}` is no number of a hold", args.id),
            "`exeunt hold list` shows them",
        )
    })?;
    let engine = setup::open(cli, Access::Full, output)?;
    let signer = engine.signer(&os_user(), args.word.key.as_deref())?;
    let lifted = engine.lift_hold(&signer, id, words)?;
    let whom = names(&engine, lifted.iter())?;
    output.note(&format!(
        "hold #{id} over {} does not hold any more",
        whom.join(" and ")
    ));
    output.hint("whoever is inactive is warned anew, with the full notice; next: exeunt plan");
    Ok(Exit::Done)
}

/// The holds in `status`; nothing where nobody is held.
pub(super) fn show_count(count: &HoldCount, output: &Output) {
    if count.standing == 0 {
        return;
    }
    let named = |briefs: &[HoldBrief]| {
        let named = briefs.iter().map(|one| {
            let kind = tell::hold_kind(one.kind);
            format!("#{} ({kind}, {})", one.id, one.on.day())
        });
        named.collect::<Vec<_>>().join(", ")
    };
    let mut line = plural(count.standing, "hold");
    if !count.ending_soon.is_empty() {
        line.push_str(&format!(
            ", to end or to be looked at within {SOON_DAYS} days: {}",
            named(&count.ending_soon)
        ));
    }
    output.data(&output.as_typed(&format!("{line}: `exeunt hold list` shows them")));
    if !count.overdue.is_empty() {
        output.data(&format!(
            "LEGAL HOLDS OVERDUE for review, which hold all the same: {}",
            named(&count.overdue)
        ));
    }
    if !count.unresolved.is_empty() {
        output.data(&output.as_typed(&format!(
            "HOLDS OVER SOMEBODY WHO IS LOST with the vault, so that every account that could be meant is \
             withheld: {}: place each anew (`exeunt hold add`), then an approver lifts the old one \
             (`exeunt hold lift`)",
            named(&count.unresolved)
        )));
    }
}

/// The holds over an account in its story.
pub(super) fn show_over(holds: &[HoldItem], output: &Output) {
    for hold in holds {
        let owner = hold.owner.as_deref().unwrap_or("nobody who is known");
        let overdue = match hold.overdue {
            true => "; THE REVIEW IS OVERDUE",
            false => "",
        };
        output.data(&format!(
            "HELD ({}), {}, {owner} answers for it{overdue}  [#{}]",
            tell::hold_kind(hold.kind),
            tell::hold_end(hold.until, hold.review),
            hold.id
        ));
    }
    if !holds.is_empty() {
        output.data("");
    }
}
