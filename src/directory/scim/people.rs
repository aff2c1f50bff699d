//! What a SCIM service says about a person: pure functions over JSON (RFC 7643).

use serde_json::Value;

use crate::directory::LeftWhen;
use crate::domain::person::PersonFacts;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;
use crate::http::listing::Fault;
use crate::scim::wire;
use crate::scim::wire::member;
use crate::scim::wire::text;

/// The extension with the number in the staff register and the manager (RFC 7643, 4.3).
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// One user as a person.
///
/// A user without `active` is there as far as is known; `active` that is neither yes nor no is an
/// error, and so is a user without an id.
pub(super) fn record(user: &Value, left_when: &[LeftWhen]) -> Result<PersonRecord, Fault> {
    if !user.is_object() {
        return Err(Fault::Unreadable("a user is not an object".to_owned()));
    }
    let key = wire::id(user)
        .ok_or_else(|| Fault::NotWhole("read.without-key", "a user has no usable id".to_owned()))?;
    let login = text(user, "userName")?.map(str::to_owned);
    let mut mails = wire::addresses(user)?;
    if mails.is_empty() {
        mails.extend(login.clone().filter(|name| name.contains('@')));
    }
    let disabled = wire::active(user)? == Some(false);
    let left_by = left_when.iter().find(|rule| applies(rule, user));
    Ok(PersonRecord {
        key,
        mails,
        name: wire::name(user)?,
        login,
        employee_number: employee_number(user)?,
        manager: manager(user),
        recorded_at: modified(user),
        facts: PersonFacts {
            disabled_by: disabled.then(|| "active".to_owned()),
            left_by: left_by.map(|rule| rule.attribute.clone()),
            ..PersonFacts::default()
        },
        ..PersonRecord::default()
    })
}

/// The number in the staff register; else the id that whoever provisions gave.
fn employee_number(user: &Value) -> Result<Option<String>, Fault> {
    let number = member(user, ENTERPRISE).and_then(|more| member(more, "employeeNumber"));
    let number = match number {
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(text)) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        _ => None,
    };
    match number {
        Some(number) => Ok(Some(number)),
        None => Ok(text(user, "externalId")?.map(str::to_owned)),
    }
}

/// The manager's id, as an object or (in some services) as a text.
fn manager(user: &Value) -> Option<String> {
    let manager = member(member(user, ENTERPRISE)?, "manager")?;
    let id = manager
        .as_str()
        .or_else(|| member(manager, "value")?.as_str())?;
    Some(id.to_owned()).filter(|id| !id.trim().is_empty())
}

/// When the user was last changed; nothing rests on it, so what cannot be read is left out.
fn modified(user: &Value) -> Option<Time> {
    Time::parse(member(member(user, "meta")?, "lastModified")?.as_str()?)
}

/// Whether an attribute of the user, or of its enterprise extension, has one of the values.
fn applies(rule: &LeftWhen, user: &Value) -> bool {
    let name = rule.attribute.as_str();
    let value = member(user, name)
        .or_else(|| member(member(user, ENTERPRISE)?, name))
        .unwrap_or(&Value::Null);
    match value {
        Value::String(text) => rule.holds(text),
        Value::Bool(flag) => rule.holds(&flag.to_string()),
        Value::Number(number) => rule.holds(&number.to_string()),
        _ => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_read_with_all_that_it_says() {
        let user = json!({
            "id": "u1", "userName": "ada@corp.test", "externalId": "E1", "active": "False",
            "displayName": "Ada", "userType": "Employee",
            "emails": [{ "value": "home@x.test" }, { "value": "ada@x.test", "primary": true }],
            "meta": { "lastModified": "2026-11-20T10:00:00Z" },
            ENTERPRISE: {
                "employeeNumber": "77", "department": "Closed",
                "manager": { "value": "u9" },
            },
        });
        let rule = |attribute: &str, value: &str| LeftWhen {
            attribute: attribute.to_owned(),
            values: vec![value.to_owned()],
        };
        let rules = [rule("userType", "contractor"), rule("department", "CLOSED")];
        let ada = record(&user, &rules).unwrap();
        assert_eq!(ada.key, "u1");
        assert_eq!(ada.mails, ["ada@x.test", "home@x.test"]);
        assert_eq!(ada.login.as_deref(), Some("ada@corp.test"));
        assert_eq!(ada.employee_number.as_deref(), Some("77"));
        assert_eq!(ada.manager.as_deref(), Some("u9"));
        assert_eq!(ada.recorded_at, Time::parse("2026-11-20T10:00:00Z"));
        assert_eq!(ada.facts.disabled_by.as_deref(), Some("active"));
        assert_eq!(ada.facts.left_by.as_deref(), Some("department"));
    }

    #[test]
    fn little_is_enough_and_an_unclear_state_is_an_error() {
        let bare = json!({ "id": 7, "userName": "b@x.test", "externalId": "E2" });
        let bob = record(&bare, &[]).unwrap();
        assert_eq!(
            (bob.key.as_str(), bob.mails.as_slice()),
            ("7", &["b@x.test".to_owned()][..])
        );
        assert_eq!(bob.employee_number.as_deref(), Some("E2"));
        assert_eq!(bob.facts, PersonFacts::default());
        for wrong in [
            json!({ "userName": "x" }),
            json!({ "id": "1", "active": "perhaps" }),
            json!({ "id": "1", "active": 0 }),
            json!({ "id": "1", "emails": "a@x" }),
            json!("u1"),
        ] {
            assert!(record(&wrong, &[]).is_err(), "{wrong}");
        }
    }
}
