//! Searches by rules: over one blueprint in pages, and over all entities at once.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    port::{
        entities::{entity, must_have_blueprint, places},
        model::Place,
        settings::LastPage,
        wire::{self, Refused},
        world::World,
    },
    tenant::{Answer, Call},
};

/// The longest page, and the one for whoever asks for no length.
const LONGEST_PAGE: usize = 1_000;
const USUAL_PAGE: usize = 200;

/// How deep rules may stand in rules.
const DEEPEST: usize = 8;

/// A rule, its relations looked up already.
enum Rule {
    Group { all: bool, rules: Vec<Rule> },
    Among(BTreeSet<Place>),
    Property { name: String, test: Test },
}

enum Test {
    Equal(Value),
    Unequal(Value),
    In(Vec<Value>),
    Contains(String),
    Empty,
    NotEmpty,
}

fn group(world: &World, body: &Map<String, Value>, depth: usize) -> Result<Rule, Refused> {
    if depth > DEEPEST {
        return Err(wire::invalid("rules stand too deep"));
    }
    let all = match body.get("combinator").and_then(Value::as_str) {
        Some("and") => true,
        Some("or") => false,
        _ => return Err(wire::invalid("combinator must be 'and' or 'or'")),
    };
    let rules = body.get("rules").and_then(Value::as_array);
    let rules = rules.ok_or_else(|| wire::invalid("rules must be an array"))?;
    let rules: Result<Vec<Rule>, Refused> = rules
        .iter()
        .map(|rule| match rule.as_object() {
            Some(fields) if fields.contains_key("rules") => group(world, fields, depth + 1),
            Some(fields) => single(world, fields),
            None => Err(wire::invalid("a rule must be an object")),
        })
        .collect();
    Ok(Rule::Group { all, rules: rules? })
}

fn single(world: &World, rule: &Map<String, Value>) -> Result<Rule, Refused> {
    let text = |name: &str| rule.get(name).and_then(Value::as_str);
    let operator = text("operator").ok_or_else(|| wire::invalid("a rule must have 'operator'"))?;
    if operator == "relatedTo" {
        return related(world, rule).map(Rule::Among);
    }
    let name = text("property").ok_or_else(|| wire::invalid("a rule must have 'property'"))?;
    let value = rule.get("value").cloned();
    let needed = || wire::invalid("a rule must have 'value'");
    let test = match operator {
        "=" => Test::Equal(value.ok_or_else(needed)?),
        "!=" => Test::Unequal(value.ok_or_else(needed)?),
        "in" => match value {
            Some(Value::Array(values)) => Test::In(values),
            _ => return Err(wire::invalid("value must be an array")),
        },
        "contains" => match value {
            Some(Value::String(part)) => Test::Contains(part),
            _ => return Err(wire::invalid("value must be a string")),
        },
        "isEmpty" => Test::Empty,
        "isNotEmpty" => Test::NotEmpty,
        _ => {
            return Err(wire::invalid(&format!(
                "operator '{operator}' is not known"
            )));
        }
    };
    let name = name.to_owned();
    Ok(Rule::Property { name, test })
}

/// Returns the entities that a `relatedTo` rule is about: `downstream` those that point at the
/// given one, `upstream` those that it points at, neither: both.
fn related(world: &World, rule: &Map<String, Value>) -> Result<BTreeSet<Place>, Refused> {
    let blueprint = rule.get("blueprint").and_then(Value::as_str);
    let blueprint = blueprint.ok_or_else(|| wire::invalid("relatedTo must have 'blueprint'"))?;
    let values = match rule.get("value") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(list) => wire::texts("value", list)?,
        None => return Err(wire::invalid("relatedTo must have 'value'")),
    };
    let (down, up) = match rule.get("direction").map(Value::as_str) {
        None => (true, true),
        Some(Some("downstream")) => (true, false),
        Some(Some("upstream")) => (false, true),
        _ => return Err(wire::invalid("direction is not one of its values")),
    };
    let required = rule.get("required").and_then(Value::as_bool);
    let starts = values
        .into_iter()
        .map(|value| (blueprint.to_owned(), value));
    let starts: Vec<Place> = starts.collect();
    let mut found = BTreeSet::new();
    if down {
        found.extend(reach(world, &starts, |place| {
            world.sources(place, required)
        }));
    }
    if up {
        found.extend(reach(world, &starts, |place| {
            targets(world, place, required)
        }));
    }
    Ok(found)
}

fn targets(world: &World, place: &Place, required: Option<bool>) -> BTreeSet<Place> {
    let targets = world
        .entities
        .get(place)
        .map(|entity| world.targets(entity));
    let targets = targets.unwrap_or_default().into_iter();
    targets
        .filter(|(needs, _)| required.is_none_or(|required| required == *needs))
        .map(|(_, target)| target)
        .collect()
}

fn reach(
    world: &World,
    starts: &[Place],
    step: impl Fn(&Place) -> BTreeSet<Place>,
) -> BTreeSet<Place> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<Place> = starts.to_vec();
    while let Some(place) = waiting.pop() {
        for next in step(&place) {
            if found.insert(next.clone()) && world.settings.related_transitively {
                waiting.push(next);
            }
        }
    }
    found
}

impl Rule {
    fn matches(&self, place: &Place, entity: &Value) -> bool {
        match self {
            Self::Group { all: true, rules } => {
                rules.iter().all(|rule| rule.matches(place, entity))
            }
            Self::Group { all: false, rules } => {
                rules.is_empty() || rules.iter().any(|rule| rule.matches(place, entity))
            }
            Self::Among(places) => places.contains(place),
            Self::Property { name, test } => {
                let value = match name.strip_prefix('$') {
                    Some(meta) => entity.get(meta),
                    None => entity
                        .get("properties")
                        .and_then(|properties| properties.get(name)),
                };
                test.holds(value.unwrap_or(&Value::Null))
            }
        }
    }

    /// Returns the places outside of which nothing can match, if the rule says so.
    fn candidates(&self, world: &World) -> Option<Vec<Place>> {
        match self {
            Self::Group { all: true, rules } => {
                rules.iter().find_map(|rule| rule.candidates(world))
            }
            Self::Group { .. } => None,
            Self::Among(places) => Some(places.iter().cloned().collect()),
            Self::Property {
                name,
                test: Test::Equal(Value::String(id)),
            } if name == "$createdBy" => {
                let places = world.by_creator.get(id);
                Some(places.into_iter().flatten().cloned().collect())
            }
            Self::Property { .. } => None,
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        match self {
            Self::Equal(wanted) => value == wanted,
            Self::Unequal(wanted) => value != wanted,
            Self::In(wanted) => wanted.contains(value),
            Self::Contains(part) => value.as_str().is_some_and(|text| text.contains(part)),
            Self::Empty => empty,
            Self::NotEmpty => !empty,
        }
    }
}

/// Returns the places that a query finds, among those of a blueprint or among all.
fn find(
    world: &mut World,
    blueprint: Option<&str>,
    query: &Map<String, Value>,
) -> Result<Vec<Place>, Refused> {
    let key = format!("{blueprint:?} {}", Value::Object(query.clone()));
    if let Some((known, revision, places)) = &world.found
        && (known, *revision) == (&key, world.revision)
    {
        return Ok(places.clone());
    }
    let rule = group(world, query, 0)?;
    let candidates = rule.candidates(world).unwrap_or_else(|| match blueprint {
        Some(blueprint) => places(world, blueprint),
        None => {
            let users = places(world, crate::sandbox::port::USER_BLUEPRINT);
            users
                .into_iter()
                .chain(world.entities.keys().cloned())
                .collect()
        }
    });
    let bare = matches!(&rule, Rule::Group { all: true, rules } if rules.is_empty());
    let found: Vec<Place> = candidates
        .into_iter()
        .filter(|place| blueprint.is_none_or(|blueprint| blueprint == place.0))
        .filter(|place| {
            bare || entity(world, place).is_some_and(|value| rule.matches(place, &value))
        })
        .collect();
    world.found = Some((key, world.revision, found.clone()));
    Ok(found)
}

/// Answers `POST /v1/entities/search`: everything at once, without what the settings let fail.
pub(crate) fn everywhere(world: &mut World, call: &Call<'_>) -> Result<Answer, Refused> {
    let body = wire::object(call)?;
    let mut found = find(world, None, &body)?;
    let failed = world.settings.failed_blueprints.clone();
    found.retain(|place| !failed.contains(&place.0));
    let blueprints: BTreeSet<&String> = found.iter().map(|(blueprint, _)| blueprint).collect();
    let entities = found.iter().filter_map(|place| entity(world, place));
    let body = json!({
        "ok": true,
        "matchingBlueprints": blueprints,
        "failedBlueprints": failed,
        "entities": entities.collect::<Vec<_>>(),
    });
    Ok(Answer::json(200, body))
}

/// Answers `POST /v1/blueprints/{blueprint}/entities/search`: one page.
///
/// A page is known by its offset, so that whoever deletes while walking skips entities.
pub(crate) fn page(world: &mut World, call: &Call<'_>, blueprint: &str) -> Result<Answer, Refused> {
    must_have_blueprint(world, blueprint)?;
    let body = wire::object(call)?;
    let query = body.get("query").and_then(Value::as_object);
    let query = query.ok_or_else(|| wire::invalid("body must have 'query'"))?;
    let limit = match body.get("limit") {
        None => USUAL_PAGE,
        Some(limit) => usize::try_from(limit.as_u64().unwrap_or(0)).unwrap_or(usize::MAX),
    };
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(wire::invalid("limit must be between 1 and 1000"));
    }
    let limit = limit
        .min(world.settings.page_clamp.unwrap_or(LONGEST_PAGE))
        .max(1);
    let start = match body.get("from") {
        None => 0,
        Some(from) => {
            read_cursor(from, blueprint).ok_or_else(|| wire::invalid("from is invalid"))?
        }
    };
    let found = find(world, Some(blueprint), query)?;
    let end = start.saturating_add(limit).min(found.len());
    let shown = found.get(start..end).unwrap_or_default();
    let entities: Vec<Value> = shown
        .iter()
        .filter_map(|place| entity(world, place))
        .collect();
    let next = match world.settings.last_page {
        LastPage::Endless => Some(json!(cursor(start, blueprint))),
        LastPage::EmptyPage if shown.len() == limit => Some(json!(cursor(end, blueprint))),
        _ if end < found.len() => Some(json!(cursor(end, blueprint))),
        LastPage::Null => Some(Value::Null),
        LastPage::Absent | LastPage::EmptyPage => None,
    };
    let mut answer = json!({ "ok": true, "entities": entities });
    if let (Some(fields), Some(next)) = (answer.as_object_mut(), next) {
        fields.insert("next".into(), next);
    }
    Ok(Answer::json(200, answer))
}

fn cursor(offset: usize, blueprint: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{blueprint}\n{offset}"))
}

fn read_cursor(from: &Value, blueprint: &str) -> Option<usize> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(from.as_str()?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (of, offset) = text.split_once('\n')?;
    (of == blueprint).then(|| offset.parse().ok()).flatten()
}
