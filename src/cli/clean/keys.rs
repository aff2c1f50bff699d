//! The keys of a tenant: asked for one by one, each in its form, until an adapter can be made.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::args::USUAL_CONFIG;
use crate::cli::clean::answers::Answers;
use crate::cli::clean::answers::Given;
use crate::cli::clean::answers::SECRETS;
use crate::cli::clean::ask::Ask;
use crate::cli::clean::ask::End;
use crate::cli::clean::place;
use crate::config::Config;
use crate::config::build;
use crate::config::secret::Secret;
use crate::provider::Key;

/// The keys that no adapter needs to be made, but that decide what can be seen, each with what is
/// to be known before it is typed.
const FURTHER: &[(&str, &str)] = &[
    (
        "headers",
        "Some gateways turn away what lacks their own headers.",
    ),
    (
        "workspace",
        "With it, keys of any other organisation are refused, also if somebody pastes them later.",
    ),
    (
        "last_login",
        "Without it nobody can be told to be unused, and that rule is not offered.",
    ),
    (
        "admin_values",
        "Without them no administrator is known as one: name all of them when you are asked who \
         must stay.",
    ),
];

/// Whether a key is one of those that are asked for when an adapter can be made. One that the
/// product needs is not: it comes before.
fn is_further(key: &Key) -> bool {
    !key.needed && FURTHER.iter().any(|(name, _)| *name == key.name)
}

/// What is asked for later, when it is known who is there.
const LATER: &str = "successor";

/// How much a key is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Not now.
    No,
    /// It may be left out.
    Maybe,
    /// Nothing works without it.
    Must,
}

/// Asks for the keys of a tenant until its adapter can be made of them. `again` asks also for what
/// is mostly as usual.
pub(super) fn keys(ask: &Ask, dir: &Path, answers: &mut Answers, again: bool) -> Result<(), End> {
    ask.say("");
    ask.say(&format!("Exeunt needs {}.", answers.kind.needs));
    ask.say(&format!(
        "Secrets go into files of their own that only you can read, in {}.",
        dir.join(SECRETS).display()
    ));
    let mut usual = answers.given.clone();
    let kind = answers.kind;
    usual.retain(|name, _| kind.keys.iter().any(|k| k.name == name && is_further(k)));
    loop {
        let mut secrets = BTreeMap::new();
        let mut asked = BTreeSet::new();
        answers.given.clear();
        while let Some((key, want)) = next(answers, &asked, again) {
            asked.insert(key.name);
            one(ask, key, want, answers, &mut secrets)?;
        }
        match lacks(answers) {
            Some(says) => ask.say(&format!("That is not enough: {says}. Once more, please.")),
            None => {
                answers.given.extend(usual.clone());
                further(ask, answers)?;
                place::make(dir)?;
                place::keep_secrets(dir, &secrets)?;
                place::keep(dir, answers)?;
                return Ok(());
            }
        }
    }
}

/// The next key to ask for.
fn next(answers: &Answers, asked: &BTreeSet<&str>, again: bool) -> Option<(&'static Key, Want)> {
    let keys = answers.kind.keys.iter();
    let left = keys.filter(|k| k.name != LATER && !asked.contains(k.name));
    let (needed, others): (Vec<_>, Vec<_>) = left.partition(|k| k.needed);
    let mut wanted = needed
        .into_iter()
        .chain(others)
        .map(|key| (key, want(answers, key, again)));
    wanted.find(|(_, want)| *want != Want::No)
}

fn want(answers: &Answers, key: &Key, again: bool) -> Want {
    if key.needed {
        return Want::Must;
    }
    if is_further(key) {
        return Want::No;
    }
    match leader(answers, key.name) {
        Some(leader) if !answers.given.contains_key(leader) => Want::No,
        Some(_) if is_missed(answers, key) => Want::Must,
        Some(_) if again => Want::Maybe,
        Some(_) => Want::No,
        // One way of signing in is enough.
        None if key.secret && !has_begun(answers) && lacks(answers).is_some() => Want::Maybe,
        None => Want::No,
    }
}

/// Whether something was given of what can be left out: the way of signing in is chosen.
fn has_begun(answers: &Answers) -> bool {
    let mut keys = answers.kind.keys.iter();
    keys.any(|k| !k.needed && k.secret && answers.given.contains_key(k.name))
}

/// The key without which another one is of no use.
fn leader(answers: &Answers, key: &str) -> Option<&'static str> {
    let has = |name: &str| answers.kind.keys.iter().any(|k| k.name == name);
    let leader = match key {
        "client_id" => "refresh_token",
        "client_secret" | "token_url" => "client_id",
        "application_secret" | "token_key" | "token_secret" => "application_key",
        _ => return None,
    };
    has(leader).then_some(leader)
}

/// Whether nothing works without a key, even with all the others of its set.
fn is_missed(answers: &Answers, key: &Key) -> bool {
    let mut whole = completed(answers);
    whole.given.remove(key.name);
    lacks(&whole).is_some()
}

/// The answers with something in place of what is not given yet, so that a mistake is one of what
/// was given.
fn completed(answers: &Answers) -> Answers {
    let mut whole = answers.clone();
    let keys = answers.kind.keys.iter().filter(|k| k.name != LATER);
    let is_first = |k: &&Key| !k.needed && k.secret && leader(answers, k.name).is_none();
    let first = keys.clone().find(is_first);
    let first = first.filter(|_| !has_begun(answers)).map(|k| k.name);
    // In rounds, since one that follows may lead another.
    for _ in 0..3 {
        for key in keys.clone() {
            let led = leader(&whole, key.name).is_some_and(|l| whole.given.contains_key(l));
            let given = stand_in(answers, key);
            if let (true, Some(given)) = (key.needed || led || first == Some(key.name), given) {
                whole.given.entry(key.name.to_owned()).or_insert(given);
            }
        }
    }
    whole
}

fn stand_in(answers: &Answers, key: &Key) -> Option<Given> {
    Some(match answers.form(key.name)? {
        Given::Text(_) if key.name.ends_with("url") => {
            Given::Text("https://tokens.example.com".to_owned())
        }
        Given::Text(_) => Given::Text("1".to_owned()),
        given => given,
    })
}

/// What is still missing or wrong before an adapter can be made.
fn lacks(answers: &Answers) -> Option<String> {
    let config = Config::parse(&answers.toml(), USUAL_CONFIG);
    let tried = config.and_then(|config| build::try_without_secrets(&config));
    let mistake = tried.err()?;
    let right = mistake.right.map(|right| format!("; right: {right}"));
    Some(format!("{}{}", mistake.says, right.unwrap_or_default()))
}

/// Asks for one key until it is given as its form wants it, or left out.
fn one(
    ask: &Ask,
    key: &'static Key,
    want: Want,
    answers: &mut Answers,
    secrets: &mut BTreeMap<&'static str, Secret>,
) -> Result<(), End> {
    let Some(form) = answers.form(key.name) else {
        return Ok(());
    };
    ask.say("");
    loop {
        let given = match key.secret {
            true => {
                let unless = unless(want, " (Enter if you have none)");
                ask.say(&format!("Paste {}{unless}.", key.says));
                let secret = ask.secret("It is not shown while you paste it:")?;
                secret.map(|secret| {
                    secrets.insert(key.name, secret);
                    Given::File
                })
            }
            false => typed(ask, key, &form, unless(want, " (Enter if it is as usual)"))?,
        };
        match given {
            Some(given) => {
                answers.given.insert(key.name.to_owned(), given);
                let Some(says) = lacks(&completed(answers)) else {
                    return Ok(());
                };
                answers.given.remove(key.name);
                ask.say(&format!("That cannot be: {says}."));
            }
            None if want != Want::Must => return Ok(()),
            None => ask.say("Nothing was entered."),
        }
    }
}

const fn unless(want: Want, says: &'static str) -> &'static str {
    match want {
        Want::Must => "",
        _ => says,
    }
}

/// Has something typed that is no secret.
fn typed(ask: &Ask, key: &Key, form: &Given, unless: &str) -> Result<Option<Given>, End> {
    let says = key.says;
    if let Given::Table(_) = form {
        ask.say(&format!(
            "Type {says}, one `name: value` on a line; an empty line ends them."
        ));
        return Ok(pairs(ask)?.map(Given::Table));
    }
    let several = if matches!(form, Given::List(_)) {
        ", with commas between them"
    } else {
        ""
    };
    let line = ask.line(&format!("Type {says}{several}{unless}:"))?;
    Ok(match form {
        _ if line.is_empty() => None,
        Given::List(_) => {
            let words = line
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty());
            let words: Vec<_> = words.map(str::to_owned).collect();
            (!words.is_empty()).then_some(Given::List(words))
        }
        _ => Some(Given::Text(line)),
    })
}

/// Reads names and values; nothing if there are none.
fn pairs(ask: &Ask) -> Result<Option<BTreeMap<String, String>>, End> {
    let mut pairs = BTreeMap::new();
    loop {
        let mut wrong = false;
        for line in ask.lines()? {
            match line.split_once(':').map(|(n, v)| (n.trim(), v.trim())) {
                Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                    pairs.insert(name.to_lowercase(), value.to_owned());
                }
                _ => {
                    wrong = true;
                    ask.say(&format!("`{line}` is not a name, a colon and a value."));
                }
            }
        }
        if !wrong {
            return Ok((!pairs.is_empty()).then_some(pairs));
        }
        ask.say("Type it again, or an empty line to leave it out.");
    }
}

/// Asks for what is not needed to make an adapter but decides what can be seen.
pub(super) fn further(ask: &Ask, answers: &mut Answers) -> Result<(), End> {
    for (name, why) in FURTHER {
        let mut keys = answers.kind.keys.iter();
        let Some(key) = keys.find(|k| k.name == *name && is_further(k)) else {
            continue;
        };
        one_further(ask, key, why, answers)?;
    }
    Ok(())
}

fn one_further(ask: &Ask, key: &Key, why: &str, answers: &mut Answers) -> Result<(), End> {
    let Some(form) = answers.form(key.name) else {
        return Ok(());
    };
    ask.say("");
    ask.say(why);
    let known = answers.given.get(key.name).cloned();
    let unless = match &known {
        Some(known) => format!(" (Enter keeps {}, `none` takes it away)", in_words(known)),
        None => " (Enter if there is none)".to_owned(),
    };
    if let (Some(known), Given::Table(_)) = (&known, &form) {
        ask.say(&format!(
            "So far: {}. An empty line keeps that.",
            in_words(known)
        ));
    }
    loop {
        match typed(ask, key, &form, &unless)? {
            None => return Ok(()),
            Some(given) if known.is_some() && in_words(&given) == "none" => {
                answers.given.remove(key.name);
                return Ok(());
            }
            Some(given) => answers.given.insert(key.name.to_owned(), given),
        };
        let Some(says) = lacks(answers) else {
            return Ok(());
        };
        match &known {
            Some(known) => answers.given.insert(key.name.to_owned(), known.clone()),
            None => answers.given.remove(key.name),
        };
        ask.say(&format!("That cannot be: {says}."));
    }
}

fn in_words(given: &Given) -> String {
    match given {
        Given::Text(text) => text.clone(),
        Given::List(words) => words.join(", "),
        Given::Table(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(n, v)| format!("{n}: {v}")).collect();
            pairs.join(", ")
        }
        Given::File => "a file".to_owned(),
    }
}
