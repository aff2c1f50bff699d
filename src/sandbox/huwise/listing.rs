//! Who is in a list of users, and in what order.

use std::{cmp::Ordering, sync::Arc};

use crate::sandbox::{
    huwise::{
        model::{PERMISSIONS, User, World},
        settings::{Settings, Several, UnknownPermission},
        wire::{self, Window, invalid},
    },
    tenant::{Answer, Call},
};

/// The parameters that decide about a list; the others choose a page or a form.
const LISTING: [&str; 7] = [
    "search",
    "sort",
    "sort[]",
    "permissions",
    "permissions[]",
    "all_permissions",
    "all_permissions[]",
];

type Params = [(String, String)];
type Comparison = fn(&User, &User) -> Ordering;

/// Answers `GET /users/`.
pub(crate) fn list(world: &mut World, settings: &Settings, call: &Call<'_>) -> Answer {
    let params = call.params();
    let window = match Window::read(settings, &params) {
        Ok(window) => window,
        Err(answer) => return answer,
    };
    let names = match listing(world, settings, &params) {
        Ok(names) => names,
        Err(answer) => return answer,
    };
    let expand = expands(&params);
    window.answer(settings, call, &names, |name| {
        let user = world.user(name)?;
        Some(wire::user(world, settings, user, expand))
    })
}

/// Tells whether groups are to be written out.
pub(crate) fn expands(params: &Params) -> bool {
    wire::values(params, "expand").contains(&"groups".to_owned())
}

fn listing(
    world: &mut World,
    settings: &Settings,
    params: &Params,
) -> Result<Arc<Vec<String>>, Answer> {
    let asked = params
        .iter()
        .filter(|(name, _)| LISTING.contains(&name.as_str()));
    let key = format!("{:?}", asked.collect::<Vec<_>>());
    if let Some((known, names)) = &world.listing
        && *known == key
    {
        return Ok(Arc::clone(names));
    }
    let filter = Filter::read(settings, params)?;
    let mut users: Vec<&User> = world.users().filter(|u| filter.finds(world, u)).collect();
    // The first one counts most; a stable sort from the last one to the first gives that.
    for field in wire::values(params, "sort").iter().rev() {
        let (name, backwards) = match field.strip_prefix('-') {
            Some(name) => (name, true),
            None => (field.as_str(), false),
        };
        let compare = comparison(name).ok_or_else(|| invalid("sort", "Not a field to sort by."))?;
        users.sort_by(|a, b| {
            if backwards {
                compare(b, a)
            } else {
                compare(a, b)
            }
        });
    }
    let names = users.iter().map(|user| user.username.clone()).collect();
    let names = Arc::new(names);
    world.listing = Some((key, Arc::clone(&names)));
    Ok(names)
}

fn comparison(field: &str) -> Option<Comparison> {
    Some(match field {
        "username" => |a, b| a.username.cmp(&b.username),
        "first_name" => |a, b| a.first_name.cmp(&b.first_name),
        "last_name" => |a, b| a.last_name.cmp(&b.last_name),
        "last_seen_at" => |a, b| a.last_seen.cmp(&b.last_seen),
        _ => return None,
    })
}

/// Who is wanted.
struct Filter {
    search: Option<String>,
    direct: Vec<String>,
    any_way: Vec<String>,
    several: Several,
}

impl Filter {
    fn read(settings: &Settings, params: &Params) -> Result<Self, Answer> {
        let read = |name: &str| {
            let mut asked = wire::values(params, name);
            if !settings.permission_filters {
                asked.clear();
            }
            let unknown = |permission: &String| !PERMISSIONS.contains(&permission.as_str());
            match settings.unknown_permission {
                UnknownPermission::Refuse if asked.iter().any(unknown) => {
                    return Err(invalid(name, "Not a valid choice."));
                }
                UnknownPermission::Ignore => asked.retain(|permission| !unknown(permission)),
                _ => {}
            }
            Ok(asked)
        };
        let search = params.iter().find(|(name, _)| name == "search");
        Ok(Self {
            search: search.map(|(_, text)| text.to_lowercase()),
            direct: read("permissions")?,
            any_way: read("all_permissions")?,
            several: settings.several,
        })
    }

    fn finds(&self, world: &World, user: &User) -> bool {
        let direct = |permission: &String| user.permissions.contains(permission);
        let any_way = |permission: &String| world.holds(user, permission);
        self.search.as_ref().is_none_or(|text| {
            [
                &user.username,
                &user.first_name,
                &user.last_name,
                &user.email,
            ]
            .iter()
            .any(|field| field.to_lowercase().contains(text))
        }) && self.enough(&self.direct, direct)
            && self.enough(&self.any_way, any_way)
    }

    fn enough(&self, asked: &[String], holds: impl Fn(&String) -> bool) -> bool {
        match self.several {
            Several::All => asked.iter().all(holds),
            Several::Any => asked.is_empty() || asked.iter().any(holds),
        }
    }
}
