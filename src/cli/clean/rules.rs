//! Whom the clean-up is about and what is done with them.

use crate::cli::clean::answers::Answers;
use crate::cli::clean::answers::Rule;
use crate::cli::clean::ask::Ask;
use crate::cli::clean::ask::End;
use crate::cli::clean::protect::Book;
use crate::cli::clean::protect::Lookup;
use crate::cli::output::plural;
use crate::cli::plan_file::undo_says;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::rows::When;
use crate::provider::Step;

/// The key that names the attribute of the last login, where one must be named.
const LAST_LOGIN: &str = "last_login";

/// The longest time that can be asked for, in days.
const LONGEST: u64 = 3650;

/// Asks whom, what and, where something is handed over, to whom.
pub(super) fn ask_rule(
    ask: &Ask,
    accounts: &[AccountRecord],
    answers: &mut Answers,
) -> Result<(), End> {
    let mut rule = whom(ask, accounts, answers)?;
    let Some(step) = what(ask, answers)? else {
        return Err(End::Stopped);
    };
    rule.does = step.does;
    answers.rule = Some(rule);
    answers.successor = match step.hands_over {
        true => successor(ask, accounts, answers)?,
        false => None,
    };
    Ok(())
}

fn whom(ask: &Ask, accounts: &[AccountRecord], answers: &Answers) -> Result<Rule, End> {
    ask.part("Whom is it about?");
    say_unseen(ask, accounts, answers);
    let invited = accounts
        .iter()
        .filter(|a| a.facts.state == AccountState::Invited)
        .count();
    let rest = accounts.iter().filter(|a| is_fair_game(a, answers)).count();
    let mut offered = Vec::new();
    if shows_use(accounts, answers) {
        let says = "accounts that nobody has used for a long time (they are warned first)";
        offered.push((When::Inactive, says.to_owned()));
    }
    if invited > 0 {
        let says = format!("invitations that were never accepted (open: {invited})");
        offered.push((When::NeverActivated, says));
    }
    let says = format!(
        "everyone but the protected ({})",
        plural(rest as u64, "account")
    );
    offered.push((When::Everyone, says));
    for (number, (_, says)) in offered.iter().enumerate() {
        ask.say(&format!("  {}  {says}", number + 1));
    }
    let chosen = ask.choose("Its number", offered.len(), None)?;
    let mut rule = Rule {
        when: offered
            .get(chosen)
            .map_or(When::Inactive, |(when, _)| *when),
        after_days: 0,
        notice_days: 0,
        does: Do::Disable,
    };
    match rule.when {
        When::Inactive => {
            rule.after_days = ask.number("Unused for how many days?", 90, 2, LONGEST)?;
            let usual = 14.min(rule.after_days - 1);
            let question = "How many days after the warning may they be touched at the earliest?";
            rule.notice_days = ask.number(question, usual, 1, rule.after_days - 1)?;
        }
        When::NeverActivated => {
            rule.after_days = ask.number("Open for how many days?", 30, 1, LONGEST)?;
        }
        _ => {}
    }
    Ok(rule)
}

/// Whether the tenant can show who uses an account. Where an attribute must be named for that, it
/// must be one that somebody has.
fn shows_use(accounts: &[AccountRecord], answers: &Answers) -> bool {
    let named = answers.kind.keys.iter().any(|k| k.name == LAST_LOGIN);
    !answers.kind.signals.is_empty() && (!named || accounts.iter().any(|a| !a.seen.is_empty()))
}

/// Says that an attribute was named for the last login which nobody has.
fn say_unseen(ask: &Ask, accounts: &[AccountRecord], answers: &Answers) {
    if answers.given.contains_key(LAST_LOGIN) && !shows_use(accounts, answers) {
        ask.say(
            "No account shows a last login in the attribute that you typed, so nobody can be told \
             to be unused. To type another one, run this again and choose to change it.",
        );
    }
}

/// Whether an account is neither protected nor disabled.
fn is_fair_game(account: &AccountRecord, answers: &Answers) -> bool {
    let address = account.email.as_ref().map(|a| a.trim().to_lowercase());
    let listed = address.is_some_and(|address| {
        answers.protect.contains(&address) || answers.machines.contains(&address)
    });
    account.facts.protected.is_empty()
        && account.facts.managed_by.is_none()
        && account.facts.kind != AccountKind::Service
        && account.facts.state != AccountState::Disabled
        && !listed
}

fn what(ask: &Ask, answers: &Answers) -> Result<Option<&'static Step>, End> {
    ask.part("What is to be done with them?");
    let offered: Vec<_> = answers
        .kind
        .steps
        .iter()
        .filter(|s| s.does.is_step())
        .collect();
    for (number, step) in offered.iter().enumerate() {
        ask.say(&format!(
            "  {}  {}. {}",
            number + 1,
            step.does.as_str(),
            step.effect
        ));
        ask.say(&format!("     {}", undo_says(step.undo)));
    }
    let usual = offered.iter().position(|step| step.reversible());
    let chosen = ask.choose("Its number", offered.len(), usual)?;
    Ok(offered.get(chosen).copied())
}

/// Asks who gets what removed accounts own: somebody who is there, can sign in and stays.
fn successor(
    ask: &Ask,
    accounts: &[AccountRecord],
    answers: &mut Answers,
) -> Result<Option<String>, End> {
    let mut keys = answers.kind.keys.iter();
    let Some(key) = keys.find(|k| k.name == "successor") else {
        return Ok(None);
    };
    ask.part("Who gets what they own?");
    ask.say(&format!("What is asked for is {}.", key.says));
    let book = Book::new(accounts);
    ask.say("Whoever takes over is protected. Without anybody, accounts that own something stay.");
    let usual = answers.successor.clone().unwrap_or_default();
    let shown = if usual.is_empty() { "nobody" } else { &usual };
    let question = format!("The address of who takes over, or `nobody` [{shown}]:");
    loop {
        let typed = ask.line(&question)?;
        let typed = if typed.is_empty() { &usual } else { &typed };
        if typed.is_empty() || typed == "nobody" {
            return Ok(None);
        }
        let address = match book.find(typed) {
            Lookup::Found(address) => address,
            Lookup::Nobody(address) => {
                ask.say(&format!("Nobody here has the address {address}."));
                for near in book.near(&address) {
                    ask.say(&format!("  near: {near} ({})", book.called(&near)));
                }
                continue;
            }
            Lookup::NoAddress => {
                ask.say(&format!("`{typed}` is not an address."));
                continue;
            }
        };
        if !book.account(&address).is_some_and(can_take_over) {
            ask.say("That account cannot take over: it is a guest, a machine, or cannot sign in.");
            continue;
        }
        ask.say(&format!(
            "  found          {address} ({})",
            book.called(&address)
        ));
        if !answers.protect.contains(&address) {
            answers.protect.push(address.clone());
        }
        return Ok(Some(address));
    }
}

fn can_take_over(account: &AccountRecord) -> bool {
    account.facts.state == AccountState::Active && account.facts.kind == AccountKind::Human
}
