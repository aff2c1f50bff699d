//! What a provider says of itself: its configuration, its resource types, its schemas.

use serde_json::{Value, json};

use crate::sandbox::{
    scim::{
        settings::{Activity, Etag, Filters, Login, Paging, Settings},
        wire::{ENTERPRISE, LIST, USER, answer, refusal},
    },
    tenant::{Answer, Call},
};

const META: &str = "urn:ietf:params:scim:schemas:core:2.0";

/// Answers a request for one of these; none if it is for something else.
pub(crate) fn discover(settings: &Settings, call: &Call<'_>, rest: &[&str]) -> Option<Answer> {
    let body = match rest {
        ["ServiceProviderConfig"] => Some(config(settings, call.origin)),
        ["ResourceTypes"] => Some(list(vec![resource_type(settings, call.origin)])),
        ["ResourceTypes", "User"] => Some(resource_type(settings, call.origin)),
        ["Schemas"] => Some(list(schemas(settings, call.origin))),
        ["Schemas", urn] => schemas(settings, call.origin)
            .into_iter()
            .find(|schema| schema.get("id") == Some(&json!(urn))),
        _ => return None,
    };
    Some(match body.filter(|_| settings.discovery) {
        None => refusal(404, "Not found"),
        Some(_) if call.method != "GET" => refusal(405, "Method not allowed"),
        Some(body) => answer(settings, 200, body),
    })
}

fn list(resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

fn config(settings: &Settings, origin: &str) -> Value {
    let patch = settings.patch.claimed.unwrap_or(settings.patch.supported);
    let filter = matches!(settings.filters, Filters::Full | Filters::Names);
    let scheme = |kind: &str, name: &str| json!({ "type": kind, "name": name, "description": name, "primary": false });
    let mut schemes = Vec::new();
    if settings.login != Login::ClientCredentials {
        schemes.push(scheme("oauthbearertoken", "Fixed token"));
    }
    if settings.login != Login::Bearer {
        schemes.push(scheme("oauth2", "Client credentials"));
    }
    let mut body = json!({
        "schemas": [format!("{META}:ServiceProviderConfig")],
        "patch": { "supported": patch },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": filter, "maxResults": settings.max_page },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": settings.etag != Etag::None },
        "authenticationSchemes": schemes,
        "meta": meta(settings, origin, "ServiceProviderConfig", "ServiceProviderConfig"),
    });
    if settings.paging != Paging::Index
        && let Some(fields) = body.as_object_mut()
    {
        let by_default = match settings.paging {
            Paging::Cursor => "cursor",
            _ => "index",
        };
        let pagination = json!({
            "cursor": true,
            "index": settings.paging == Paging::Both,
            "defaultPaginationMethod": by_default,
            "defaultPageSize": settings.default_page,
            "maxPageSize": settings.max_page,
            "cursorTimeout": settings.cursor_seconds,
        });
        fields.insert("pagination".into(), pagination);
    }
    body
}

fn meta(settings: &Settings, origin: &str, kind: &str, path: &str) -> Value {
    let location = format!("{origin}{}/{path}", settings.base);
    json!({ "resourceType": kind, "location": location })
}

fn extension(settings: &Settings) -> Option<(&str, &Activity)> {
    let activity = settings.activity.as_ref()?;
    Some((activity.schema.as_deref()?, activity))
}

fn resource_type(settings: &Settings, origin: &str) -> Value {
    let mut extensions = Vec::new();
    if settings.enterprise {
        extensions.push(json!({ "schema": ENTERPRISE, "required": false }));
    }
    if let Some((urn, _)) = extension(settings) {
        extensions.push(json!({ "schema": urn, "required": false }));
    }
    json!({
        "schemas": [format!("{META}:ResourceType")],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": USER,
        "schemaExtensions": extensions,
        "meta": meta(settings, origin, "ResourceType", "ResourceTypes/User"),
    })
}

fn schemas(settings: &Settings, origin: &str) -> Vec<Value> {
    let schema = |urn: &str, name: &str, attributes: Vec<Value>| {
        json!({
            "schemas": [format!("{META}:Schema")],
            "id": urn,
            "name": name,
            "description": name,
            "attributes": attributes,
            "meta": meta(settings, origin, "Schema", &format!("Schemas/{urn}")),
        })
    };
    let mut user = user_attributes();
    let login = settings
        .activity
        .as_ref()
        .map(|activity| attribute(&activity.attribute, "dateTime", false, "readOnly", &[]));
    let extension = extension(settings);
    if extension.is_none() {
        user.extend(login.clone());
    }
    let mut all = vec![schema(USER, "User", user)];
    if settings.enterprise {
        let manager = attribute("value", "string", false, "readWrite", &[]);
        let attributes = vec![
            attribute("employeeNumber", "string", false, "readWrite", &[]),
            attribute("manager", "complex", false, "readWrite", &[manager]),
        ];
        all.push(schema(ENTERPRISE, "EnterpriseUser", attributes));
    }
    if let Some((urn, _)) = extension {
        all.push(schema(urn, "Activity", login.into_iter().collect()));
    }
    all
}

fn user_attributes() -> Vec<Value> {
    let text = |name: &str| attribute(name, "string", false, "readWrite", &[]);
    let valued = |name: &str| {
        let parts = [
            text("value"),
            text("type"),
            attribute("primary", "boolean", false, "readWrite", &[]),
        ];
        attribute(name, "complex", true, "readWrite", &parts)
    };
    let name = [text("formatted"), text("givenName"), text("familyName")];
    vec![
        text("userName"),
        attribute("name", "complex", false, "readWrite", &name),
        text("displayName"),
        text("userType"),
        attribute("active", "boolean", false, "readWrite", &[]),
        valued("emails"),
        valued("roles"),
        valued("entitlements"),
    ]
}

fn attribute(name: &str, kind: &str, several: bool, mutability: &str, parts: &[Value]) -> Value {
    let mut attribute = json!({
        "name": name,
        "type": kind,
        "multiValued": several,
        "description": name,
        "required": name == "userName",
        "caseExact": false,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": if name == "userName" { "server" } else { "none" },
    });
    if let Some(fields) = attribute.as_object_mut()
        && !parts.is_empty()
    {
        fields.insert("subAttributes".into(), json!(parts));
    }
    attribute
}
