//! Faults that a test orders.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::tenant::{Answer, Body, Service};

const JSON: &str = "application/json; charset=utf-8";

/// Which requests a fault or a gate is about; what is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// The HTTP method, in capitals.
    pub method: Option<String>,
    /// What the path (without the query) begins with.
    pub path: String,
    /// A text that the query holds.
    pub query: Option<String>,
    /// A text that the body holds, such as a user's id.
    pub body: Option<String>,
}

impl Matcher {
    /// Matches requests by method and path prefix.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// Matches only where the query holds the text.
    #[must_use]
    pub fn with_query(self, text: &str) -> Self {
        Self {
            query: Some(text.to_owned()),
            ..self
        }
    }

    /// Matches only where the body holds the text.
    #[must_use]
    pub fn with_body(self, text: &str) -> Self {
        Self {
            body: Some(text.to_owned()),
            ..self
        }
    }

    pub(crate) fn matches(&self, method: &str, path: &str, query: &str, body: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && path.starts_with(&self.path)
            && self.query.as_ref().is_none_or(|text| query.contains(text))
            && self.body.as_ref().is_none_or(|text| body.contains(text))
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// A status with a body: none gives the service's error envelope, "" an empty body.
    Status {
        /// The HTTP status.
        status: u16,
        /// The body, sent as JSON.
        #[serde(default)]
        body: Option<String>,
    },
    /// A page for people, as a proxy in front of the service makes them.
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// 429, or what a limiter says.
    TooMany {
        /// Seconds in `Retry-After`; none leaves the header out.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// A redirect.
    Redirect {
        /// 302, 307 or another.
        status: u16,
        /// Where to.
        location: String,
    },
    /// The connection ends before the request is worked on.
    Drop,
    /// The request is worked on, then the connection ends without an answer.
    LostAnswer,
    /// The answer is late; the change is made at once.
    Delay {
        /// Real milliseconds.
        ms: u64,
    },
    /// The request is not worked on and never answered.
    Hang,
    /// The request is worked on and never answered.
    HangAfter,
    /// The answer announces its length and ends in the middle.
    Truncated,
    /// The answer is cut in the middle but says that it is whole.
    MalformedJson,
    /// The answer's items have their ids as numbers and their numbers as texts.
    WrongTypes,
    /// A date of the first item that no format knows.
    BadDate,
    /// A field of the first item (or of the envelope) is missing.
    MissingField {
        /// Its name.
        field: String,
    },
    /// A field of the first item (or of the only object) has another value.
    SetField {
        /// Its name.
        field: String,
        /// The value.
        value: Value,
    },
    /// The envelope's `total` is higher than the truth.
    TotalTooHigh {
        /// By how much.
        by: u64,
    },
    /// The last items of the page are left out.
    ShortPage {
        /// How many.
        by: usize,
    },
    /// The answer is followed by so many bytes of blanks.
    HugeBody {
        /// How many bytes.
        bytes: usize,
    },
    /// The answer is empty, with status 200.
    EmptyBody,
    /// An error envelope under status 200, as a list that fails while it is streamed.
    ErrorInside,
}

/// A fault with its place: after `skip` matching requests, for `times` of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which requests.
    #[serde(default)]
    pub matcher: Matcher,
    /// How many matching requests are let through first.
    #[serde(default)]
    pub skip: u32,
    /// How many are hit; none: all until the rule is removed.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// Makes a rule for all matching requests.
    pub fn always(matcher: Matcher, fault: Fault) -> Self {
        Self {
            matcher,
            skip: 0,
            times: None,
            fault,
        }
    }

    /// Makes a rule for the next matching request alone.
    pub fn once(matcher: Matcher, fault: Fault) -> Self {
        Self {
            matcher,
            skip: 0,
            times: Some(1),
            fault,
        }
    }

    /// Makes a rule for the nth matching request alone, counted from 1.
    pub fn nth(matcher: Matcher, n: u32, fault: Fault) -> Self {
        Self {
            matcher,
            skip: n.saturating_sub(1),
            times: Some(1),
            fault,
        }
    }

    /// Counts a matching request and tells whether it is hit.
    pub(crate) fn hit(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// Returns the name of a fault's kind.
pub(crate) fn name(fault: &Fault) -> String {
    let name = serde_json::to_value(fault).ok();
    let name = name.as_ref().and_then(|value| value.get("kind")?.as_str());
    name.unwrap_or("fault").to_owned()
}

/// Returns the answer of a fault that keeps the request from being worked on.
pub(crate) fn instead<S: Service>(fault: &Fault) -> Option<Answer> {
    const HTML: &str = "<!DOCTYPE html><html><head><title>Service</title></head>\
                        <body><h1>We will be back soon</h1></body></html>";
    Some(match fault {
        Fault::Status { status, body: None } => S::refusal(*status, "Ordered by a test"),
        Fault::Status {
            status,
            body: Some(body),
        } => Answer::raw(*status, JSON, body.as_bytes()),
        Fault::Html { status } => Answer::raw(*status, "text/html; charset=utf-8", HTML),
        Fault::TooMany { retry_after } => {
            let answer = S::refusal(429, "Too many requests");
            match retry_after {
                Some(seconds) => answer.with("retry-after", seconds.to_string()),
                None => answer,
            }
        }
        Fault::Redirect { status, location } => {
            Answer::raw(*status, "text/html", "").with("location", location.clone())
        }
        Fault::ErrorInside => {
            let mut answer = S::refusal(403, "Access denied");
            answer.status = 200;
            answer
        }
        _ => return None,
    })
}

/// Spoils an answer that was made in earnest.
pub(crate) fn spoil<S: Service>(fault: &Fault, mut answer: Answer) -> Answer {
    match fault {
        Fault::MalformedJson => {
            answer.body = bytes(answer.body, |text| text.truncate(text.len() / 2))
        }
        Fault::HugeBody { bytes: more } => {
            answer.body = bytes(answer.body, |text| {
                text.resize(text.len().saturating_add(*more), b' ');
            });
        }
        Fault::EmptyBody => {
            answer.status = 200;
            answer.body = bytes(answer.body, Vec::clear);
        }
        _ => {
            if let Body::Json(body) = &mut answer.body {
                spoil_json::<S>(fault, body);
            }
        }
    }
    answer
}

fn bytes(body: Body, change: impl FnOnce(&mut Vec<u8>)) -> Body {
    let (content_type, mut text) = match body {
        Body::Json(value) => (JSON, value.to_string().into_bytes()),
        Body::Raw(content_type, text) => (content_type, text),
    };
    change(&mut text);
    Body::Raw(content_type, text)
}

fn spoil_json<S: Service>(fault: &Fault, body: &mut Value) {
    let first = |body| S::items(body).into_iter().next();
    match fault {
        Fault::WrongTypes => S::items(body).into_iter().for_each(twist),
        Fault::BadDate => {
            if let Some(item) = first(body) {
                each_field(item, S::DATES, &mut |value| {
                    *value = json!("31.12.2026 at noon")
                });
            }
        }
        Fault::MissingField { field } => {
            let absent = first(body).is_none_or(|item| item.remove(field).is_none());
            if absent && let Some(envelope) = body.as_object_mut() {
                envelope.remove(field);
            }
        }
        Fault::SetField { field, value } => {
            if let Some(item) = first(body) {
                item.insert(field.clone(), value.clone());
            }
        }
        Fault::TotalTooHigh { by } => {
            if let Some(envelope) = body.as_object_mut() {
                each_field(envelope, S::TOTALS, &mut |total| {
                    let stated = total
                        .as_str()
                        .map_or(total.as_u64(), |text| text.parse().ok());
                    *total = json!(stated.unwrap_or(0).saturating_add(*by));
                });
            }
        }
        Fault::ShortPage { by } => {
            let Some(list) = S::list(body) else { return };
            list.truncate(list.len().saturating_sub(*by));
            let count = list.len();
            if let Some(envelope) = body.as_object_mut() {
                each_field(envelope, S::COUNTS, &mut |value| *value = json!(count));
            }
        }
        _ => {}
    }
}

/// Turns ids into numbers, numbers into texts, and truths into words.
fn twist(item: &mut Map<String, Value>) {
    for (name, value) in item.iter_mut() {
        *value = match value {
            Value::String(_) if name.to_lowercase().ends_with("id") => json!(17),
            Value::Number(number) => json!(format!("number {number}")),
            Value::Bool(_) => json!("perhaps"),
            _ => continue,
        };
    }
}

/// Changes the fields of these names in an object and the objects in it, but not in its lists.
fn each_field(
    object: &mut Map<String, Value>,
    names: &[&str],
    change: &mut impl FnMut(&mut Value),
) {
    for (name, value) in object.iter_mut() {
        if names.contains(&name.as_str()) {
            change(value);
        } else if let Value::Object(inner) = value {
            each_field(inner, names, change);
        }
    }
}
