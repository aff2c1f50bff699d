//! The JSON of SCIM: users, lists and errors (RFC 7643, RFC 7644).

use serde_json::Value;

use crate::http::listing::Fault;

/// A field by its name without regard to case (RFC 7643, 2.1).
pub fn member<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = item.as_object()?;
    fields.get(name).or_else(|| {
        let mut fields = fields.iter();
        fields
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A text by its field's name; absent, null and blank are the same.
pub fn text<'a>(item: &'a Value, name: &str) -> Result<Option<&'a str>, Fault> {
    match member(item, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|t| !t.trim().is_empty())),
        Some(_) => Err(Fault::Unreadable(name.to_owned())),
    }
}

/// The id of a user, as text.
pub fn id(item: &Value) -> Option<String> {
    match member(item, "id")? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => number.as_u64().map(|n| n.to_string()),
        _ => None,
    }
}

/// `active` as a boolean or as text in any case; a user without it can sign in as far as is known.
pub fn active(item: &Value) -> Result<Option<bool>, Fault> {
    match member(item, "active") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(active)) => Ok(Some(*active)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Fault::Unreadable("active".to_owned())),
    }
}

/// All addresses, the primary one first, each once.
pub fn addresses(item: &Value) -> Result<Vec<String>, Fault> {
    let list = match member(item, "emails") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Fault::Unreadable("emails".to_owned())),
    };
    let is_primary = |entry: &&Value| match member(entry, "primary") {
        Some(Value::Bool(primary)) => *primary,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    let address = |entry: &Value| -> Option<String> {
        let text = entry
            .as_str()
            .or_else(|| member(entry, "value")?.as_str())?;
        Some(text.to_owned()).filter(|t| !t.trim().is_empty())
    };
    let primary = list.iter().find(is_primary);
    let mut found = Vec::new();
    for new in primary.into_iter().chain(list).filter_map(address) {
        if !found.contains(&new) {
            found.push(new);
        }
    }
    Ok(found)
}

/// The name to show: `displayName`, the parts of `name`, else `userName`.
pub fn name(item: &Value) -> Result<Option<String>, Fault> {
    if let Some(name) = text(item, "displayName")? {
        return Ok(Some(name.to_owned()));
    }
    if let Some(parts) = member(item, "name").filter(|n| n.is_object()) {
        if let Some(name) = text(parts, "formatted")? {
            return Ok(Some(name.to_owned()));
        }
        let (given, family) = (text(parts, "givenName")?, text(parts, "familyName")?);
        let whole: Vec<_> = given.into_iter().chain(family).collect();
        if !whole.is_empty() {
            return Ok(Some(whole.join(" ")));
        }
    }
    Ok(text(item, "userName")?.map(str::to_owned))
}

/// A page of users (RFC 7644, 3.4.2; RFC 9865 for cursors).
#[derive(Debug, Clone, PartialEq)]
pub struct Page<'a> {
    /// The users; an empty list may be left out.
    pub users: &'a [Value],
    /// How many there are, where the server says.
    pub total: Option<u64>,
    /// What to ask for next; only with cursors.
    pub next: Option<String>,
    /// The number of its first user, where the server says.
    pub start: Option<u64>,
}

/// Reads a `ListResponse`.
pub fn page(body: &Value) -> Result<Page<'_>, Fault> {
    if is_error(body) || !body.is_object() {
        return Err(Fault::Unreadable("no list of users".to_owned()));
    }
    let total = match member(body, "totalResults") {
        None | Some(Value::Null) => None,
        Some(_) => Some(
            unsigned(body, "totalResults")
                .ok_or_else(|| Fault::Unreadable("totalResults".to_owned()))?,
        ),
    };
    let users = match member(body, "Resources") {
        Some(Value::Array(list)) => list.as_slice(),
        // an empty page may leave it out, also past the end of a list that is not empty
        None | Some(Value::Null) if total.or(unsigned(body, "itemsPerPage")).is_some() => &[],
        _ => return Err(Fault::Unreadable("Resources is not a list".to_owned())),
    };
    Ok(Page {
        users,
        total,
        next: text(body, "nextCursor")?.map(str::to_owned),
        start: unsigned(body, "startIndex"),
    })
}

/// A number that is no less than 0, also as text in digits.
pub fn unsigned(item: &Value, name: &str) -> Option<u64> {
    match member(item, name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a body is a SCIM error (RFC 7644, 3.12).
pub fn is_error(body: &Value) -> bool {
    let schemas = member(body, "schemas").and_then(Value::as_array);
    let named = schemas
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|s| s.eq_ignore_ascii_case("urn:ietf:params:scim:api:messages:2.0:Error"));
    named || (member(body, "scimType").is_some() && member(body, "id").is_none())
}
