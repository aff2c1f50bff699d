//! An LDAP directory on loopback that behaves as OpenLDAP does, and misbehaves on order.
//!
//! Plain `ldap` only. Clients may bind, search and ask who they are; changes come through the
//! controls, in the process or at the directory's own HTTP address.

mod control;
mod faults;
mod filter;
mod server;
#[cfg(test)]
mod tests;
mod tree;

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use crate::sandbox::ldap::{
    control::{BindRecord, Control, SearchRecord},
    faults::{Fault, FaultRule, On},
    tree::{EntryView, NewPerson},
};
use crate::sandbox::{
    clock::SandboxClock,
    host::{self, Host},
    ldap::{
        control::{Faults, Log},
        tree::Tree,
    },
    population::{Prng, identity},
};

/// What a directory starts with.
#[derive(Clone, Debug)]
pub struct LdapOptions {
    /// A loopback address for LDAP; port 0 takes a free one.
    pub bind: SocketAddr,
    /// A loopback address for the controls over HTTP; port 0 takes a free one.
    pub control: SocketAddr,
    /// The base; its first component must be `dc`.
    pub base: String,
    /// How many people of the seed's population there are below `ou=people`.
    pub people: usize,
    /// The seed of the people, the same as a tenant's for the same people.
    pub seed: u64,
    /// The domain of their mail addresses.
    pub domain: String,
    /// What can be changed later too.
    pub settings: LdapSettings,
    /// The sandbox's present at the start; none is the real one.
    pub now: Option<DateTime<Utc>>,
}

impl Default for LdapOptions {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            bind: loopback,
            control: loopback,
            base: "dc=example,dc=test".to_owned(),
            people: 0,
            seed: 42,
            domain: "example.com".to_owned(),
            settings: LdapSettings::default(),
            now: None,
        }
    }
}

/// What the directory's administrator has set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LdapSettings {
    /// Whether somebody who did not bind may search; else 50 (insufficientAccessRights).
    pub allow_anonymous: bool,
    /// The most entries of one search, all pages together; then 4 (sizeLimitExceeded).
    pub size_limit: Option<usize>,
    /// The most entries of one page.
    pub page_limit: Option<usize>,
}

/// Starts directories.
#[derive(Debug)]
pub struct Ldap;

/// A running directory; it stops when this is dropped.
pub struct LdapHandle {
    address: SocketAddr,
    control_address: SocketAddr,
    password: String,
    base: String,
    shared: Arc<Shared>,
    host: Host,
}

impl fmt::Debug for LdapHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapHandle")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What the server and its controls share.
pub(crate) struct Shared {
    clock: SandboxClock,
    bind_dn: String,
    password: Mutex<String>,
    settings: Mutex<LdapSettings>,
    tree: Mutex<Tree>,
    root_changes: Mutex<BTreeMap<String, Vec<String>>>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("now", &self.clock.now())
            .finish_non_exhaustive()
    }
}

impl Ldap {
    /// Starts a directory on its own thread.
    ///
    /// # Errors
    /// An address is not loopback or in use, or no thread could be made.
    pub fn start(options: LdapOptions) -> io::Result<LdapHandle> {
        let listener = host::bind(options.bind)?;
        let control_listener = host::bind(options.control)?;
        let (address, control_address) = (listener.local_addr()?, control_listener.local_addr()?);
        let clock = SandboxClock::default();
        if let Some(now) = options.now {
            clock.set(now);
        }
        let password = Prng::new(options.seed ^ 0x0BAD_5EED)
            .uuid()
            .simple()
            .to_string();
        let shared = Arc::new(Shared {
            bind_dn: format!("cn=exeunt,ou=system,{}", options.base),
            password: Mutex::new(password.clone()),
            settings: Mutex::new(options.settings.clone()),
            tree: Mutex::new(populated(&options, clock.now())),
            clock,
            root_changes: Mutex::default(),
            faults: Mutex::default(),
            log: Mutex::default(),
        });
        let router = Router::new()
            .route("/_sandbox/{name}", post(control_call))
            .with_state(Arc::clone(&shared));
        let serving = Arc::clone(&shared);
        let host = Host::start("sandbox-ldap", move || async move {
            tokio::join!(
                accept(listener, serving),
                host::serve(control_listener, router)
            );
        })?;
        let base = options.base;
        Ok(LdapHandle {
            address,
            control_address,
            password,
            base,
            shared,
            host,
        })
    }
}

fn populated(options: &LdapOptions, now: DateTime<Utc>) -> Tree {
    let made = now - TimeDelta::days(700);
    let mut tree = Tree::new(&options.base, options.seed, made);
    for number in 0..options.people {
        let person = identity(options.seed, number, &options.domain);
        tree.add_person(
            NewPerson {
                mail: vec![
                    person.mail,
                    format!("{}@mail.{}", person.uid, options.domain),
                ],
                uid: person.uid,
                first_name: person.first_name,
                last_name: person.last_name,
                employee_number: person.employee_number,
                entry_uuid: Some(person.entry_uuid),
                container: None,
            },
            made,
        );
    }
    tree
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut number = 0;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without this a page waits 40 ms; failing to set it only slows.
                let _ = stream.set_nodelay(true);
                number += 1;
                tokio::spawn(server::serve(Arc::clone(&shared), stream, number));
            }
            // Out of descriptors or an aborted handshake: wait a little and go on.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn control_call(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> (StatusCode, axum::Json<Value>) {
    let args = if body.is_empty() {
        Ok(json!({}))
    } else {
        serde_json::from_slice(&body)
    };
    let result = args
        .map_err(|error| error.to_string())
        .and_then(|args: Value| Control(shared).call(&name, args));
    match result {
        Ok(value) => (StatusCode::OK, axum::Json(value)),
        Err(message) => (
            StatusCode::BAD_REQUEST,
            axum::Json(json!({ "error": message })),
        ),
    }
}

impl LdapHandle {
    /// Returns the directory's address, `ldap://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// Returns the address of the controls, `http://127.0.0.1:PORT`.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control_address)
    }

    /// Returns the base of everything.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the name to bind with.
    pub fn bind_dn(&self) -> &str {
        &self.shared.bind_dn
    }

    /// Returns the password the directory was started with.
    pub fn bind_password(&self) -> &str {
        &self.password
    }

    /// Returns the controls.
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.shared))
    }

    /// Ends every connection and the server.
    pub fn stop(mut self) {
        self.host.stop();
    }
}
