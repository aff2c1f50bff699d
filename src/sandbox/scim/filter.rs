//! The filters of RFC 7644, as far as servers have them: comparisons joined by `and`.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::sandbox::{
    scim::{
        model::User,
        settings::Filters,
        wire::{ENTERPRISE, USER, bad},
    },
    tenant::Answer,
};

/// What a user must be to be found.
#[derive(Debug)]
pub(crate) struct Filter(Vec<Test>);

#[derive(Debug)]
struct Test {
    field: Field,
    op: Op,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    UserName,
    ExternalId,
    DisplayName,
    UserType,
    Email,
    EmployeeNumber,
    Active,
    Created,
    LastModified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Filter {
    /// Reads a filter as far as the server has filters.
    pub(crate) fn read(allowed: Filters, text: Option<&str>) -> Result<Self, Answer> {
        let Some(text) = text.filter(|_| allowed != Filters::Ignored) else {
            return Ok(Self(Vec::new()));
        };
        let invalid = || bad("invalidFilter", "The filter is not supported");
        if allowed == Filters::None {
            return Err(invalid());
        }
        let mut words = words(text).ok_or_else(invalid)?.into_iter();
        let mut tests = Vec::new();
        loop {
            let mut next = || words.next().ok_or_else(invalid);
            let (field, op, value) = (next()?, next()?, next()?);
            let test = test(&field, &op, &value).ok_or_else(invalid)?;
            let names = matches!(test.field, Field::UserName | Field::ExternalId);
            if allowed == Filters::Names && !(names && tests.is_empty()) {
                return Err(invalid());
            }
            tests.push(test);
            match words.next() {
                None => return Ok(Self(tests)),
                Some(word) if word.eq_ignore_ascii_case("and") => {}
                Some(_) => return Err(invalid()),
            }
        }
    }

    /// Tells whether a user is found.
    pub(crate) fn finds(&self, user: &User) -> bool {
        self.0.iter().all(|test| test.holds(user))
    }
}

/// Splits a filter at blanks outside of texts; none if a text does not end or there are brackets.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => {
                quoted = !quoted;
                word.push(c);
            }
            '(' | ')' | '[' | ']' if !quoted => return None,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    if !word.is_empty() {
        words.push(word);
    }
    (!quoted).then_some(words)
}

fn test(field: &str, op: &str, value: &str) -> Option<Test> {
    let field = field_of(field)?;
    let op = match op.to_ascii_lowercase().as_str() {
        "eq" => Op::Equal,
        "gt" => Op::Greater,
        "ge" => Op::GreaterOrEqual,
        "lt" => Op::Less,
        "le" => Op::LessOrEqual,
        _ => return None,
    };
    let value: Value = serde_json::from_str(value).ok()?;
    let fits = match field {
        Field::Active => op == Op::Equal && value.is_boolean(),
        Field::Created | Field::LastModified => moment(&value).is_some(),
        _ => op == Op::Equal && value.is_string(),
    };
    fits.then_some(Test { field, op, value })
}

fn field_of(name: &str) -> Option<Field> {
    let name = name.to_ascii_lowercase();
    let core = name.strip_prefix(&format!("{}:", USER.to_ascii_lowercase()));
    let extension = name.strip_prefix(&format!("{}:", ENTERPRISE.to_ascii_lowercase()));
    Some(match (core.unwrap_or(&name), extension) {
        (_, Some("employeenumber")) => Field::EmployeeNumber,
        ("id", _) => Field::Id,
        ("username", _) => Field::UserName,
        ("externalid", _) => Field::ExternalId,
        ("displayname", _) => Field::DisplayName,
        ("usertype", _) => Field::UserType,
        ("emails" | "emails.value", _) => Field::Email,
        ("active", _) => Field::Active,
        ("meta.created", _) => Field::Created,
        ("meta.lastmodified", _) => Field::LastModified,
        _ => return None,
    })
}

fn moment(value: &Value) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    Some(at.with_timezone(&Utc))
}

impl Test {
    fn holds(&self, user: &User) -> bool {
        let text = |found: Option<&str>, exact: bool| {
            let (Some(found), Some(wanted)) = (found, self.value.as_str()) else {
                return false;
            };
            found == wanted || (!exact && found.to_lowercase() == wanted.to_lowercase())
        };
        match self.field {
            Field::Id => text(Some(&user.id), true),
            Field::UserName => text(Some(&user.user_name), false),
            Field::ExternalId => text(user.external_id.as_deref(), true),
            Field::DisplayName => {
                let name = format!("{} {}", user.given_name, user.family_name);
                text(Some(name.trim()), false)
            }
            Field::UserType => text(user.user_type.as_deref(), false),
            Field::Email => text(user.email.as_deref(), false),
            Field::EmployeeNumber => text(user.employee_number.as_deref(), false),
            Field::Active => self.value == Value::Bool(user.active),
            Field::Created => self.compares(user.created),
            Field::LastModified => self.compares(user.modified),
        }
    }

    fn compares(&self, at: DateTime<Utc>) -> bool {
        let order = moment(&self.value).map(|wanted| at.cmp(&wanted));
        match self.op {
            Op::Equal => order == Some(Ordering::Equal),
            Op::Greater => order == Some(Ordering::Greater),
            Op::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Op::Less => order == Some(Ordering::Less),
            Op::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}
