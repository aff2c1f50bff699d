//! The products in which the guide is tried; another one is its function here and its test in
//! `each`.

use exeunt::provider::KINDS;
use exeunt::sandbox::alteryx::AlteryxHandle;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::estate::Rehearsal;
use exeunt::sandbox::estate::Setting;
use exeunt::sandbox::estate::TENANTS;
use exeunt::sandbox::huwise::ApiKey;
use exeunt::sandbox::huwise::ForeignKeys;
use exeunt::sandbox::huwise::HuwiseHandle;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::population::identity;
use exeunt::sandbox::port::PortHandle;
use exeunt::sandbox::port::Status as PortStatus;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::scim::ScimHandle;

use crate::common::screen::Screen;

/// Something that is asked for on the way in.
pub(super) enum Asked {
    /// Pasted and not shown.
    Secret(&'static str, String),
    /// A line.
    Line(&'static str, String),
    /// A line that is kept with Enter when it is asked for again.
    Kept(&'static str, String),
    /// Lines up to an empty one, kept like that.
    Lines(&'static str, Vec<String>),
    /// Only when it is asked for again, and left out.
    Again(&'static str),
}

/// What somebody does with the questions for keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The last secret is a wrong one.
    Wrong,
    /// Everything is right.
    Right,
    /// Everything is right at the second time.
    Again,
}

/// A tenant with an owner, the user of the credential, and six others.
pub(super) struct Tenant {
    /// The product's own name in the list.
    pub(super) title: &'static str,
    pub(super) url: String,
    /// What is asked for, in its order.
    pub(super) asked: Vec<Asked>,
    /// The addresses of the six.
    pub(super) members: Vec<String>,
    /// Whether an account is out: disabled or gone.
    pub(super) is_out: Box<dyn Fn(&str) -> bool>,
    /// The number of what is to be done in the list, and its word in the result.
    pub(super) step: (&'static str, &'static str),
    /// How many are left for everyone's rule when the first of the six is protected.
    pub(super) left: usize,
    /// Whether it is asked who takes over what removed accounts own.
    pub(super) hands_over: bool,
    /// What one of the six is shown to own, where the product tells.
    pub(super) owns: Option<&'static str>,
    /// The server, which ends with this.
    pub(super) server: Box<dyn std::any::Any>,
}

impl Tenant {
    /// The secrets that are pasted.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let secrets = self.asked.iter().filter_map(|asked| match asked {
            Asked::Secret(_, secret) => Some(secret.as_str()),
            _ => None,
        });
        secrets.collect()
    }

    /// Chooses the product and types the address.
    pub(super) fn chosen(&self, screen: &mut Screen) {
        let at = KINDS.iter().position(|k| k.title == self.title).unwrap();
        screen
            .says("Which product is it?", &(at + 1).to_string())
            .says("The address of your", &self.url);
    }

    /// Answers the questions for keys.
    pub(super) fn enter(&self, screen: &mut Screen, way: Way) {
        let last = self.secrets().len();
        let mut number = 0;
        for asked in &self.asked {
            match asked {
                Asked::Secret(question, secret) => {
                    number += 1;
                    let wrong = way == Way::Wrong && number == last;
                    let secret = if wrong { "not-the-key" } else { secret };
                    screen.pastes(question, secret);
                }
                Asked::Again(_) if way != Way::Again => {}
                Asked::Kept(question, _) | Asked::Again(question) if way == Way::Again => {
                    screen.says(question, "");
                }
                Asked::Line(question, line) | Asked::Kept(question, line) => {
                    screen.says(question, line);
                }
                Asked::Lines(question, lines) => {
                    screen.sees(question);
                    for line in lines.iter().filter(|_| way != Way::Again) {
                        screen.types(line);
                    }
                    screen.types("");
                }
                Asked::Again(_) => {}
            }
        }
    }
}

/// Starts a DocSpace tenant with a population.
pub(super) fn portal(population: Population) -> DocSpaceHandle {
    DocSpace::start(DocSpaceOptions {
        population,
        // With sessions that end, logins alone tell who is silent.
        settings: Settings {
            cookie_enabled: true,
            ..Settings::default()
        },
        ..DocSpaceOptions::default()
    })
    .unwrap()
}

/// The address of a generated account.
pub(super) fn address(number: usize) -> String {
    identity(42, number, "example.com").mail
}

/// What the tests ask of a DocSpace tenant; it runs as long as the result.
pub(super) fn of(handle: DocSpaceHandle) -> Tenant {
    let control = handle.control();
    Tenant {
        title: "ONLYOFFICE DocSpace",
        url: handle.url(),
        asked: vec![Asked::Secret("Paste an API key", handle.token().to_owned())],
        members: (2..8).map(address).collect(),
        is_out: Box::new(move |address| {
            let user = control.find(address);
            user.is_none_or(|user| user.status == Status::Terminated)
        }),
        step: ("1", "disabled"),
        left: 5,
        hands_over: false,
        owns: None,
        server: Box::new(handle),
    }
}

pub(super) fn docspace() -> Tenant {
    of(portal(Population::of(8, 40)))
}

/// Starts a tenant of eight by its provider's name.
fn rehearsal(provider: &str) -> Rehearsal {
    let setting = Setting {
        bind: "127.0.0.1:0".parse().unwrap(),
        population: Population::of(8, 40),
        now: None,
    };
    let (_, start) = TENANTS.iter().find(|(name, _)| *name == provider).unwrap();
    start(&setting).unwrap()
}

/// A tenant whose keys are still to be listed.
fn plain(of: Rehearsal, is_out: Box<dyn Fn(&str) -> bool>) -> Tenant {
    let kind = KINDS.iter().find(|k| k.name == of.provider).unwrap();
    Tenant {
        title: kind.title,
        url: of.url.clone(),
        asked: Vec::new(),
        members: (2..8).map(address).collect(),
        is_out,
        step: ("1", "disabled"),
        left: 5,
        hands_over: false,
        owns: None,
        server: Box::new(of),
    }
}

fn secret(of: &Rehearsal, key: &str) -> String {
    let mut secrets = of.secrets.iter();
    secrets.find(|(name, _)| *name == key).unwrap().1.clone()
}

fn key(of: &Rehearsal, key: &str) -> String {
    let value = &of.keys.iter().find(|(name, _)| *name == key).unwrap().1;
    value.trim_matches('"').to_owned()
}

pub(super) fn projectplace() -> Tenant {
    let of = rehearsal("projectplace");
    let control = of.server::<ProjectPlaceHandle>().unwrap().control();
    let asked = vec![
        Asked::Secret("OAuth 2 client id", secret(&of, "client_id")),
        Asked::Secret("OAuth 2 client secret", secret(&of, "client_secret")),
        Asked::Again("where tokens are asked for"),
    ];
    let is_out = move |address: &str| control.with(|s| s.find(address).is_none());
    Tenant {
        asked,
        step: ("1", "removed"),
        hands_over: true,
        owns: Some("1 workspace"),
        ..plain(of, Box::new(is_out))
    }
}

pub(super) fn alteryx() -> Tenant {
    let of = rehearsal("alteryx");
    let handle = of.server::<AlteryxHandle>().unwrap();
    let (control, given) = (handle.control(), handle.credentials());
    let headers = vec![
        format!("x-api-project-id: {}", given.project_id),
        format!("X-Alteryx-Workspace-Gid:{}", given.gid),
    ];
    let asked = vec![
        Asked::Line("the number of the workspace", key(&of, "workspace")),
        Asked::Secret("the refresh token", secret(&of, "refresh_token")),
        Asked::Secret("the client id", secret(&of, "client_id")),
        Asked::Line("token endpoint URL", key(&of, "token_url")),
        Asked::Lines("an empty line", headers),
    ];
    let is_out = move |address: &str| {
        let person = control.with(|s| s.find(address).cloned());
        person.is_none_or(|p| p.removed.is_some() || p.suspended)
    };
    Tenant {
        asked,
        step: ("2", "removed"),
        hands_over: true,
        ..plain(of, Box::new(is_out))
    }
}

pub(super) fn port() -> Tenant {
    let of = rehearsal("port");
    let control = of.server::<PortHandle>().unwrap().control();
    let asked = vec![
        Asked::Secret("the client id", secret(&of, "client_id")),
        Asked::Secret("the client secret", secret(&of, "client_secret")),
        Asked::Kept("the id of the organisation", control.org_id()),
    ];
    let is_out = move |address: &str| {
        let user = control.user(address);
        user.is_none_or(|user| user.status == PortStatus::Disabled)
    };
    Tenant {
        asked,
        ..plain(of, Box::new(is_out))
    }
}

pub(super) fn huwise() -> Tenant {
    let of = rehearsal("huwise");
    let control = of.server::<HuwiseHandle>().unwrap().control();
    // As long as the list shows keys of one user alone, nobody is known to have none.
    let key = ApiKey {
        uid: String::new(),
        label: "nightly".to_owned(),
        key: String::new(),
        owner: control.with(|s| s.find(&address(0)).unwrap().username.clone()),
        permissions: None,
        created: control.now(),
        revoked: None,
    };
    control.with(|s| {
        s.settings().foreign_keys = ForeignKeys::Visible;
        s.add_key(key)
    });
    let asked = vec![Asked::Secret("an API key", secret(&of, "api_key"))];
    let is_out = move |address: &str| control.with(|s| s.find(address).is_none());
    Tenant {
        asked,
        step: ("1", "removed"),
        // One of the six administers there too.
        left: 4,
        ..plain(of, Box::new(is_out))
    }
}

/// A domain whose list of keys has only our own: whose else there are cannot be seen.
pub(super) fn huwise_alone() -> Tenant {
    let of = rehearsal("huwise");
    let control = of.server::<HuwiseHandle>().unwrap().control();
    let asked = vec![Asked::Secret("an API key", secret(&of, "api_key"))];
    let is_out = move |address: &str| control.with(|s| s.find(address).is_none());
    Tenant {
        asked,
        ..plain(of, Box::new(is_out))
    }
}

pub(super) fn scim() -> Tenant {
    let of = rehearsal("scim");
    let control = of.server::<ScimHandle>().unwrap().control();
    // An empty page without `Resources` behind the last one is not read as the end of the list.
    control.with(|s| s.settings().omit_empty = false);
    let asked = vec![
        Asked::Secret("bearer token", secret(&of, "token")),
        Asked::Kept("attribute with the last login", key(&of, "last_login")),
        Asked::Kept("of administrators", "nothing, admin".to_owned()),
    ];
    let is_out = move |address: &str| {
        let user = control.with(|s| {
            s.users()
                .find(|u| u.email.as_deref() == Some(address))
                .cloned()
        });
        user.is_none_or(|user| !user.active)
    };
    Tenant {
        asked,
        ..plain(of, Box::new(is_out))
    }
}
