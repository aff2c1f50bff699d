//! An LDAP server that says how far its record of changes has come, and that can be put back to an
//! older state, leave people out of its list, and be mute about some of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

use futures_util::SinkExt as _;
use futures_util::StreamExt as _;
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapBindResponse;
use ldap3_proto::proto::LdapFilter;
use ldap3_proto::proto::LdapMsg;
use ldap3_proto::proto::LdapOp;
use ldap3_proto::proto::LdapResultCode;
use ldap3_proto::proto::LdapSearchRequest;
use ldap3_proto::proto::LdapSearchScope;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

use crate::common::fake_ldap::Wire;
use crate::common::fake_ldap::control;
use crate::common::fake_ldap::key;
use crate::common::fake_ldap::result;
use crate::common::fake_ldap::send_end;
use crate::common::fake_ldap::send_entry;

pub(crate) const BASE: &str = "dc=x";

/// What the server is and has; may be changed between reads.
#[derive(Debug)]
pub(crate) struct State {
    /// Its own name.
    pub(crate) host: String,
    /// The number of its newest change.
    pub(crate) change: u64,
    /// Whom it has.
    pub(crate) there: BTreeSet<usize>,
    /// Whom it leaves out of lists, and finds by key.
    pub(crate) unlisted: BTreeSet<usize>,
    /// At whose keys it hangs up.
    pub(crate) mute: BTreeSet<usize>,
    /// Whose keys were asked for, with the number of the connection.
    pub(crate) looked_up: Vec<(usize, u64)>,
    connections: u64,
}

/// A running one; its thread ends with the tests.
pub(crate) struct FakeController {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl FakeController {
    /// Starts one with so many people, numbered from 1.
    pub(crate) fn start(host: &str, change: u64, people: usize) -> Self {
        let state = Arc::new(Mutex::new(State {
            host: host.to_owned(),
            change,
            there: (1..=people).collect(),
            unlisted: BTreeSet::new(),
            mute: BTreeSet::new(),
            looked_up: Vec::new(),
            connections: 0,
        }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("ldap://{}", listener.local_addr().unwrap());
        let served = state.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(accept(listener, served));
        });
        Self { url, state }
    }

    /// Changes what it is or has.
    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<Mutex<State>>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((socket, _)) = listener.accept().await {
        let number = {
            let mut state = state.lock().unwrap();
            state.connections += 1;
            state.connections
        };
        tokio::spawn(serve(socket, number, state.clone()));
    }
}

async fn serve(socket: TcpStream, number: u64, state: Arc<Mutex<State>>) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut wire = Framed::new(socket, LdapCodec::default());
    while let Some(Ok(message)) = wire.next().await {
        let id = message.msgid;
        match message.op {
            LdapOp::BindRequest(_) => {
                let answer = LdapBindResponse {
                    res: result(LdapResultCode::Success),
                    saslcreds: None,
                };
                wire.send(LdapMsg::new(id, LdapOp::BindResponse(answer)))
                    .await
                    .ok()?;
            }
            LdapOp::SearchRequest(search) => {
                let paged = message
                    .ctrl
                    .iter()
                    .any(|control| matches!(control, LdapControl::SimplePagedResults { .. }));
                answer(&mut wire, id, &search, number, &state).await?;
                let controls = if paged { control(b"") } else { Vec::new() };
                send_end(&mut wire, id, LdapResultCode::Success, controls).await?;
            }
            _ => return None,
        }
    }
    Some(())
}

/// Sends the entries of one search; `None` hangs up.
async fn answer(
    wire: &mut Wire,
    id: i32,
    search: &LdapSearchRequest,
    connection: u64,
    state: &Mutex<State>,
) -> Option<()> {
    if search.base.is_empty() {
        let (host, change) = {
            let state = state.lock().unwrap();
            (state.host.clone(), state.change.to_string())
        };
        let values = [
            ("dnsHostName", host.as_bytes()),
            ("highestCommittedUSN", change.as_bytes()),
            ("namingContexts", BASE.as_bytes()),
        ];
        return send_entry(wire, id, "", &values).await;
    }
    if search.scope == LdapSearchScope::Base {
        let values = [("entryUUID", key(0).into_bytes())];
        let values = values.each_ref().map(|(name, value)| (*name, &value[..]));
        return match search.base == BASE {
            true => send_entry(wire, id, BASE, &values).await,
            false => Some(()),
        };
    }
    let people: Vec<usize> = {
        let mut state = state.lock().unwrap();
        match wanted(&search.filter) {
            None => state.there.difference(&state.unlisted).copied().collect(),
            Some(key) => {
                let n = number_of(&key);
                state.looked_up.push((n, connection));
                if state.mute.contains(&n) {
                    return None;
                }
                state.there.iter().copied().filter(|p| *p == n).collect()
            }
        }
    };
    for n in people {
        let (key, mail) = (key(n), format!("u{n}@house.test"));
        let values = [
            ("cn", mail.as_bytes()),
            ("mail", mail.as_bytes()),
            ("entryUUID", key.as_bytes()),
        ];
        send_entry(wire, id, &format!("uid=u{n},{BASE}"), &values).await?;
    }
    Some(())
}

/// The key that a filter asks for, wherever it stands in it.
fn wanted(filter: &LdapFilter) -> Option<String> {
    match filter {
        LdapFilter::Equality(name, value) if name.eq_ignore_ascii_case("entryUUID") => {
            Some(value.clone())
        }
        LdapFilter::And(parts) | LdapFilter::Or(parts) => parts.iter().find_map(wanted),
        _ => None,
    }
}

fn number_of(key: &str) -> usize {
    key.rsplit('-').next().unwrap().parse().unwrap()
}
