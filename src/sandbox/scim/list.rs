//! Lists of users, by number (RFC 7644) and by cursor (RFC 9865).

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::sandbox::{
    scim::{
        filter::Filter,
        model::{Cursor, World},
        resource,
        select::Selection,
        settings::{IndexRefused, Paging, Settings},
        wire::{LIST, answer, bad, param, refusal},
    },
    tenant::{Answer, Call},
};

type Params = [(String, String)];

/// Answers `GET /Users`.
pub(crate) fn list(world: &mut World, settings: &Settings, call: &Call<'_>) -> Answer {
    let params = call.params();
    let result = page(world, settings, call, &params);
    result.map_or_else(|refused| refused, |body| answer(settings, 200, body))
}

/// What was asked for, as far as it does not depend on the way of paging.
struct Asked<'a> {
    call: &'a Call<'a>,
    params: &'a Params,
    selection: Selection,
    count: usize,
}

fn page(
    world: &mut World,
    settings: &Settings,
    call: &Call<'_>,
    params: &Params,
) -> Result<Value, Answer> {
    let asked = Asked {
        call,
        params,
        selection: Selection::read(settings, params)?,
        count: count(settings, params)?,
    };
    let cursor = param(params, "cursor").filter(|_| settings.paging != Paging::Index);
    let start = start(settings, params)?;
    if cursor.is_some() && start.is_some() {
        return Err(bad("invalidValue", "cursor or startIndex"));
    }
    if start.is_some() && settings.paging == Paging::Cursor {
        let why = "startIndex is not supported";
        match settings.index_refused {
            IndexRefused::NotImplemented => return Err(refusal(501, why)),
            IndexRefused::BadRequest => return Err(bad("invalidValue", why)),
            IndexRefused::Ignored => {}
        }
    }
    let (mut body, rows) = if cursor.is_some() || settings.paging == Paging::Cursor {
        by_cursor(world, settings, &asked, cursor.unwrap_or_default())?
    } else {
        by_number(world, settings, &asked, start)?
    };
    body.insert("schemas".into(), json!([LIST]));
    if !settings.bare_pages {
        body.insert("itemsPerPage".into(), json!(rows.len()));
    }
    if !(rows.is_empty() && settings.omit_empty) {
        body.insert("Resources".into(), Value::Array(rows));
    }
    Ok(Value::Object(body))
}

type Page = (Map<String, Value>, Vec<Value>);

fn by_number(
    world: &mut World,
    settings: &Settings,
    asked: &Asked<'_>,
    start: Option<usize>,
) -> Result<Page, Answer> {
    let ids = listing(world, settings, param(asked.params, "filter"))?;
    let first = usize::from(!settings.zero_based);
    let start = start.unwrap_or(first);
    let at = start.saturating_sub(first).min(ids.len());
    let end = at.saturating_add(asked.count).min(ids.len());
    let rows = rows(world, settings, asked, ids.get(at..end));
    let mut body = Map::new();
    let total = total(settings, ids.len(), rows.len());
    body.insert("totalResults".into(), json!(total));
    if !settings.bare_pages {
        body.insert("startIndex".into(), json!(start));
    }
    Ok((body, rows))
}

fn by_cursor(
    world: &mut World,
    settings: &Settings,
    asked: &Asked<'_>,
    cursor: &str,
) -> Result<Page, Answer> {
    let (ids, at) = find_cursor(world, settings, asked, cursor)?;
    let end = at.saturating_add(asked.count).min(ids.len());
    let rows = rows(world, settings, asked, ids.get(at..end));
    let mut body = Map::new();
    if settings.cursor_total {
        let total = total(settings, ids.len(), rows.len());
        body.insert("totalResults".into(), json!(total));
    }
    if end < ids.len() && asked.count > 0 {
        let seconds = TimeDelta::seconds(i64::from(settings.cursor_seconds));
        let next = world.keep(Cursor {
            ids,
            at: end,
            query: query(asked.params),
            ends: asked.call.now + seconds,
        });
        body.insert("nextCursor".into(), json!(next));
    }
    Ok((body, rows))
}

fn total(settings: &Settings, all: usize, page: usize) -> i64 {
    let truth = if settings.total_of_page { page } else { all };
    i64::try_from(truth)
        .unwrap_or(i64::MAX)
        .saturating_add(settings.total_shift)
}

fn number(params: &Params, name: &str) -> Result<Option<i64>, Answer> {
    let Some(text) = param(params, name) else {
        return Ok(None);
    };
    let number = text.parse();
    number
        .map(Some)
        .map_err(|_| bad("invalidValue", &format!("{name} is not a number")))
}

/// Returns how many users a page may have: a negative count is 0, a great one is cut.
fn count(settings: &Settings, params: &Params) -> Result<usize, Answer> {
    let count = match number(params, "count")? {
        Some(count) => usize::try_from(count).unwrap_or(0),
        None => settings.default_page,
    };
    Ok(count.min(settings.max_page))
}

/// Returns the number of the first user that is wanted.
fn start(settings: &Settings, params: &Params) -> Result<Option<usize>, Answer> {
    let Some(start) = number(params, "startIndex")? else {
        return Ok(None);
    };
    let first = i64::from(!settings.zero_based);
    if start < first && settings.strict_start {
        return Err(bad("invalidValue", "startIndex is too small"));
    }
    Ok(Some(
        usize::try_from(start.max(first)).unwrap_or(usize::MAX),
    ))
}

fn rows(
    world: &World,
    settings: &Settings,
    asked: &Asked<'_>,
    ids: Option<&[String]>,
) -> Vec<Value> {
    let users = ids.unwrap_or_default().iter();
    let users = users.filter_map(|id| world.user(id).filter(|user| !user.hidden));
    users
        .map(|user| resource::shown(settings, user, asked.call.origin))
        .map(|row| asked.selection.cut(row))
        .collect()
}

/// Returns the ids that a filter finds, from the last time if nothing has changed.
fn listing(
    world: &mut World,
    settings: &Settings,
    filter: Option<&str>,
) -> Result<Arc<Vec<String>>, Answer> {
    let key = filter.unwrap_or_default();
    if let Some((known, ids)) = &world.listing
        && known == key
    {
        return Ok(Arc::clone(ids));
    }
    let filter = Filter::read(settings.filters, filter)?;
    let listed = world.users().filter(|user| {
        !user.hidden && (user.active || settings.lists_inactive) && filter.finds(user)
    });
    let ids = Arc::new(listed.map(|user| user.id.clone()).collect::<Vec<_>>());
    world.listing = Some((key.to_owned(), Arc::clone(&ids)));
    Ok(ids)
}

/// Returns what makes two queries the same but for the page.
fn query(params: &Params) -> String {
    let same =
        |name: &String| !name.eq_ignore_ascii_case("cursor") && !name.eq_ignore_ascii_case("count");
    let parts = params.iter().filter(|(name, _)| same(name));
    format!("{:?}", parts.collect::<Vec<_>>())
}

fn find_cursor(
    world: &mut World,
    settings: &Settings,
    asked: &Asked<'_>,
    name: &str,
) -> Result<(Arc<Vec<String>>, usize), Answer> {
    if name.is_empty() {
        let ids = listing(world, settings, param(asked.params, "filter"))?;
        return Ok((ids, 0));
    }
    let place = world.place(name, settings.cursor_once);
    let place = place.filter(|place| place.query == query(asked.params));
    let place = place.ok_or_else(|| bad("invalidCursor", "The cursor is not known"))?;
    if place.ends <= asked.call.now {
        return Err(bad("expiredCursor", "The cursor has expired"));
    }
    Ok((place.ids, place.at))
}
