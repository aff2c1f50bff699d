//! What was answered, as the exeunt.toml that it becomes, and back.

use std::collections::BTreeMap;

use toml::Table;
use toml::Value;

use crate::config::Config;
use crate::domain::account::Do;
use crate::domain::rows::When;
use crate::provider::KINDS;
use crate::provider::Kind;

/// How an exeunt.toml begins that the guide wrote.
pub(super) const MARK: &str = "# Written by `exeunt clean`.";

/// The directory of the secrets, below that of the clean-up.
pub(super) const SECRETS: &str = "secrets";

/// Everything that was answered so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    /// Which product it is.
    pub(super) kind: &'static Kind,
    /// The name of the tenant here: its host.
    pub(super) name: String,
    /// Its address.
    pub(super) url: String,
    /// Its own keys.
    pub(super) given: BTreeMap<String, Given>,
    /// Whom programs work as, where the tenant cannot show it.
    pub(super) machines: Vec<String>,
    /// Who is never touched.
    pub(super) protect: Vec<String>,
    /// Who takes over what removed accounts own.
    pub(super) successor: Option<String>,
    /// Whom it is about and what is done.
    pub(super) rule: Option<Rule>,
    /// Whether this is a rehearsal at another time.
    pub(super) sandbox: bool,
}

/// A key of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// Written down.
    Text(String),
    /// Several words.
    List(Vec<String>),
    /// Names with values.
    Table(BTreeMap<String, String>),
    /// In a file of its own.
    File,
}

impl Given {
    /// Its value in exeunt.toml.
    fn toml(&self, key: &str) -> String {
        match self {
            Given::Text(text) => quoted(text),
            Given::List(words) => {
                let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
                format!("[{}]", words.join(", "))
            }
            Given::Table(pairs) => {
                let pairs = pairs.iter();
                let pairs: Vec<_> = pairs
                    .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
            Given::File => format!("{{ file = {} }}", quoted(&kept_in(key))),
        }
    }

    /// Reads what [`Given::toml`] wrote.
    fn of(key: &str, value: &Value) -> Option<Self> {
        let text = |value: &Value| Some(value.as_str()?.to_owned());
        match value {
            Value::String(text) => Some(Given::Text(text.clone())),
            Value::Array(words) => words
                .iter()
                .map(text)
                .collect::<Option<_>>()
                .map(Given::List),
            Value::Table(table) => {
                let pairs = table.iter().map(|(n, v)| Some((n.clone(), text(v)?)));
                let pairs: BTreeMap<_, _> = pairs.collect::<Option<_>>()?;
                let is_file = pairs.len() == 1 && pairs.get("file") == Some(&kept_in(key));
                Some(if is_file {
                    Given::File
                } else {
                    Given::Table(pairs)
                })
            }
            _ => None,
        }
    }
}

/// The file of a secret, below the directory of the clean-up.
fn kept_in(key: &str) -> String {
    format!("{SECRETS}/{key}")
}

/// Whom it is about and what is done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    /// Whom.
    pub(super) when: When,
    /// After how many days.
    pub(super) after_days: u64,
    /// How many days before the step people are warned.
    pub(super) notice_days: u64,
    /// What is done.
    pub(super) does: Do,
}

impl Rule {
    /// The name of its policy.
    pub(super) const fn name(&self) -> &'static str {
        match self.when {
            When::Inactive => "silent",
            When::NeverActivated => "invitations",
            _ => "everyone",
        }
    }

    /// Whom it is about, in words.
    pub(super) fn whom(&self) -> String {
        match self.when {
            When::Inactive => format!("accounts that nobody has used for {} days", self.after_days),
            When::NeverActivated => {
                format!("invitations not accepted within {} days", self.after_days)
            }
            _ => "everyone but the protected".to_owned(),
        }
    }

    fn toml(&self) -> String {
        let when = match self.when {
            When::Inactive => "inactive",
            When::NeverActivated => "never-activated",
            _ => "everyone",
        };
        let mut text = format!(
            "\n[[policy]]\nname = {}\nwhen = {}\nring = \"enforce\"\n",
            quoted(self.name()),
            quoted(when)
        );
        if self.after_days > 0 {
            text.push_str(&format!("after_days = {}\n", self.after_days));
        }
        if self.notice_days > 0 {
            text.push_str(&format!("notice_days = [{}]\n", self.notice_days));
        }
        let does = self.does.as_str();
        text.push_str(&format!("steps = [{{ do = \"{does}\" }}]\n"));
        text.push_str("approvals = { disable = 1, remove = 1 }\n");
        text
    }

    fn of(table: &Table) -> Option<Self> {
        let whole = |value: Option<&Value>| u64::try_from(value?.as_integer()?).ok();
        let step = table.get("steps")?.as_array()?.first()?.get("do")?;
        let notice = table.get("notice_days").and_then(Value::as_array);
        Some(Self {
            when: match table.get("when")?.as_str()? {
                "inactive" => When::Inactive,
                "never-activated" => When::NeverActivated,
                "everyone" => When::Everyone,
                _ => return None,
            },
            after_days: whole(table.get("after_days")).unwrap_or(0),
            notice_days: whole(notice.and_then(|n| n.first())).unwrap_or(0),
            does: match step.as_str()? {
                "disable" => Do::Disable,
                "remove" => Do::Remove,
                _ => return None,
            },
        })
    }
}

impl Answers {
    /// The exeunt.toml that says the same.
    pub(super) fn toml(&self) -> String {
        let mut text = format!(
            "{MARK}\n# `exeunt clean` goes on with it as long as nobody changes it by hand;\n\
             # all other commands go on with it in any case.\n\n\
             [ledger]\norigin = {}\n",
            quoted(&format!("{}/exeunt-clean", self.name))
        );
        if self.sandbox {
            text.push_str("sandbox = true\n");
        }
        text.push_str(&format!(
            "\n[[tenant]]\nname = {}\nprovider = {}\nurl = {}\n",
            quoted(&self.name),
            quoted(self.kind.name),
            quoted(&self.url)
        ));
        for (key, given) in &self.given {
            text.push_str(&format!("{key} = {}\n", given.toml(key)));
        }
        if let Some(successor) = &self.successor {
            text.push_str(&format!("successor = {}\n", quoted(successor)));
        }
        if !self.machines.is_empty() {
            text.push_str(&addresses("service_accounts", &self.machines));
        }
        text.push_str(&addresses("protect", &self.protect));
        if let Some(rule) = &self.rule {
            text.push_str(&rule.toml());
        }
        text
    }

    /// Reads what [`Answers::toml`] wrote; nothing if anybody has changed it since.
    pub(super) fn of(text: &str) -> Option<Self> {
        let table: Table = text.parse().ok()?;
        let tenant = table.get("tenant")?.as_array()?.first()?.as_table()?;
        let string = |key: &str| Some(tenant.get(key)?.as_str()?.to_owned());
        let kind = KINDS
            .iter()
            .find(|k| Some(k.name) == string("provider").as_deref())?;
        let mut given = BTreeMap::new();
        for key in kind.keys.iter().filter(|k| k.name != "successor") {
            if let Some(value) = tenant.get(key.name) {
                given.insert(key.name.to_owned(), Given::of(key.name, value)?);
            }
        }
        let listed = |key: &str| {
            let listed = tenant.get(key)?.as_array()?.iter();
            let listed = listed.filter_map(|a| Some(a.as_str()?.to_owned()));
            Some(listed.collect::<Vec<_>>())
        };
        let policy = table.get("policy").and_then(Value::as_array);
        let policy = policy.and_then(|p| p.first()).and_then(Value::as_table);
        let sandbox = table.get("ledger")?.get("sandbox");
        let found = Self {
            kind,
            name: string("name")?,
            url: string("url")?,
            given,
            machines: listed("service_accounts").unwrap_or_default(),
            protect: listed("protect")?,
            successor: string("successor"),
            rule: policy.and_then(Rule::of),
            sandbox: sandbox.and_then(Value::as_bool).unwrap_or(false),
        };
        (found.toml() == text).then_some(found)
    }

    /// How a key must be given: `None` if the guide cannot ask for it (a number: settings that
    /// nobody needs for a clean-up).
    pub(super) fn form(&self, key: &str) -> Option<Given> {
        let reads = |given: &Given| {
            let mut tried = self.clone();
            tried.given.insert(key.to_owned(), given.clone());
            toml::from_str::<Config>(&tried.toml()).is_ok()
        };
        let word = "x".to_owned();
        // A table of anything would take a reference to a file too, and mean something else by it.
        let forms = [
            Given::Text(word.clone()),
            Given::List(vec![word.clone()]),
            Given::Table(BTreeMap::from([(word.clone(), word)])),
            Given::File,
        ];
        forms.into_iter().find(reads)
    }
}

/// A list of addresses, one on a line.
fn addresses(key: &str, list: &[String]) -> String {
    let lines: String = list
        .iter()
        .map(|a| format!("    {},\n", quoted(a)))
        .collect();
    format!("{key} = [\n{lines}]\n")
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn answers(kind: &'static Kind) -> Answers {
        Answers {
            kind,
            name: "portal.example.com".to_owned(),
            url: "https://portal.example.com".to_owned(),
            given: BTreeMap::new(),
            machines: Vec::new(),
            protect: vec![
                "o'hara@example.com".to_owned(),
                "\"q\\\"@example.com".to_owned(),
            ],
            successor: None,
            rule: None,
            sandbox: false,
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_a_change_by_hand_shows() {
        for kind in KINDS {
            let mut answers = answers(kind);
            for key in kind.keys {
                if key.name != "successor" && key.secret {
                    answers.given.insert(key.name.to_owned(), Given::File);
                }
            }
            let rules = [
                (When::Inactive, 90, 14),
                (When::NeverActivated, 30, 0),
                (When::Everyone, 0, 0),
            ];
            for (when, after_days, notice_days) in rules {
                answers.rule = Some(Rule {
                    when,
                    after_days,
                    notice_days,
                    does: kind.steps.first().unwrap().does,
                });
                let text = answers.toml();
                assert_eq!(Answers::of(&text).unwrap(), answers, "{text}");
                Config::parse(&text, "exeunt.toml").unwrap();
                assert_eq!(Answers::of(&format!("{text}\n# mine")), None);
                let other = text.replace("ring = \"enforce\"", "ring = \"observe\"");
                assert_eq!(Answers::of(&other), None);
            }
        }
    }

    #[test]
    fn every_key_is_given_in_its_own_form() {
        let kind = KINDS.first().unwrap();
        let answers = answers(kind);
        let secret = kind.keys.iter().find(|k| k.secret).unwrap();
        assert_eq!(answers.form(secret.name), Some(Given::File));
        assert_eq!(answers.form("client_id"), Some(Given::File));
        let is = |key: &str, is: fn(&Given) -> bool| answers.form(key).as_ref().is_some_and(is);
        assert!(is("workspace", |g| matches!(g, Given::Text(_))));
        assert!(is("admin_values", |g| matches!(g, Given::List(_))));
        assert!(is("headers", |g| matches!(g, Given::Table(_))));
        assert_eq!(answers.form("session_days"), None);
    }

    #[test]
    fn lists_and_tables_are_read_again() {
        for kind in KINDS {
            let mut answers = answers(kind);
            for key in kind.keys.iter().filter(|k| k.name != "successor") {
                let given = match answers.form(key.name) {
                    Some(Given::List(_)) => Given::List(vec!["a \"b\"".into(), "c".into()]),
                    Some(Given::Table(_)) => {
                        let pairs = [("x-a", "1"), ("file", "2 = \"3\"")];
                        Given::Table(pairs.map(|(n, v)| (n.into(), v.into())).into())
                    }
                    Some(given) => given,
                    None => continue,
                };
                answers.given.insert(key.name.to_owned(), given);
            }
            answers.machines = vec![
                "nightly@example.com".to_owned(),
                "o'hara@b.example".to_owned(),
            ];
            let text = answers.toml();
            assert_eq!(Answers::of(&text).unwrap(), answers, "{text}");
        }
    }
}
