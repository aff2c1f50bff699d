//! A DocSpace tenant on loopback, with the service's behaviour and its traps.
//!
//! What the sandbox decides where nothing is known of the service: 401 and 429 have empty bodies,
//! a `count` outside 1..=100 is refused with 400, a seat is any active user but a guest.

mod audit;
mod control;
mod faults;
mod model;
mod people;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body as HttpBody, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

pub use crate::sandbox::docspace::{
    control::{Control, GateAt, RequestRecord},
    faults::{Fault, FaultRule, Matcher},
    model::{
        AuditEvent, Kind, LoginEvent, PERSONAL_MARKERS, RateLimit, ResetForm, Settings, Status,
        User,
    },
};
use crate::sandbox::{
    clock::SandboxClock,
    docspace::{
        control::{Log, Rules},
        model::World,
        wire::{Answer, Body},
    },
    host::{self, Cut, Host, lock},
    population::{Population, Prng},
};

/// The longest request body the tenant reads.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// What a tenant starts with.
#[derive(Clone, Debug)]
pub struct DocSpaceOptions {
    /// A loopback address; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The generated users and events; the API key acts as its number 1.
    pub population: Population,
    /// The tenant's settings.
    pub settings: Settings,
    /// The sandbox's present at the start; none is the real one.
    pub now: Option<DateTime<Utc>>,
}

impl Default for DocSpaceOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: Population::default(),
            settings: Settings::default(),
            now: None,
        }
    }
}

/// Starts DocSpace tenants.
#[derive(Debug)]
pub struct DocSpace;

/// A running tenant; it stops when this is dropped.
pub struct DocSpaceHandle {
    address: SocketAddr,
    token: String,
    shared: Arc<Shared>,
    host: Host,
}

impl fmt::Debug for DocSpaceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocSpaceHandle")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What the server and its controls share.
pub(crate) struct Shared {
    clock: SandboxClock,
    token: Mutex<String>,
    world: Mutex<World>,
    rules: Mutex<Rules>,
    log: Mutex<Log>,
    reading: AtomicUsize,
    writing: AtomicUsize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("now", &self.clock.now())
            .finish_non_exhaustive()
    }
}

impl DocSpace {
    /// Starts a tenant on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: DocSpaceOptions) -> io::Result<DocSpaceHandle> {
        let listener = host::bind(options.bind)?;
        let address = listener.local_addr()?;
        let clock = SandboxClock::default();
        if let Some(now) = options.now {
            clock.set(now);
        }
        let secret = Prng::new(options.population.seed ^ 0x5EC2_E700).uuid();
        let token = format!("sk-{}", secret.simple());
        let mut world = World::new(options.settings, uuid::Uuid::nil());
        world.populate(&options.population, clock.now());
        let shared = Arc::new(Shared {
            clock,
            token: Mutex::new(token.clone()),
            world: Mutex::new(world),
            rules: Mutex::default(),
            log: Mutex::default(),
            reading: AtomicUsize::new(0),
            writing: AtomicUsize::new(0),
        });
        let router = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&shared));
        let host = Host::start("sandbox-docspace", move || host::serve(listener, router))?;
        Ok(DocSpaceHandle {
            address,
            token,
            shared,
            host,
        })
    }
}

impl DocSpaceHandle {
    /// Returns the tenant's address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the API key the tenant was started with.
    pub fn token(&self) -> &str {
        &self.token
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

/// A request with what faults and gates are matched against.
#[derive(Debug)]
struct Incoming {
    method: String,
    path: String,
    query: String,
    authorized: bool,
    body: Bytes,
}

/// What becomes of a connection.
#[derive(Debug)]
enum Outcome {
    Answer(Answer),
    Truncated(Answer),
    Cut,
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<HttpBody> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return respond(
            &shared,
            &Answer::error(413, "Request body too large"),
            false,
        );
    };
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    if let Some(name) = path.strip_prefix("/_sandbox/") {
        return respond(&shared, &control_call(&shared, name, &body), false);
    }
    let authorized = is_authorized(&parts.headers, &lock(&shared.token));
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let incoming = Incoming {
        method,
        path,
        query,
        authorized,
        body,
    };
    let _in_flight = InFlight::enter(&shared, &incoming.method);
    // A task of its own: a client that goes away does not undo what it asked for.
    let work = tokio::spawn(process(Arc::clone(&shared), incoming));
    match work.await {
        Ok(Outcome::Answer(answer)) => respond(&shared, &answer, false),
        Ok(Outcome::Truncated(answer)) => respond(&shared, &answer, true),
        Ok(Outcome::Cut) => {
            cut.now();
            respond(&shared, &Answer::raw(500, "text/plain", ""), false)
        }
        Err(_) => respond(&shared, &Answer::error(500, "The sandbox failed"), false),
    }
}

fn is_authorized(headers: &HeaderMap, token: &str) -> bool {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.split_once(' '))
        .is_some_and(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && key == token)
}

fn control_call(shared: &Arc<Shared>, name: &str, body: &Bytes) -> Answer {
    let args = if body.is_empty() {
        Ok(json!({}))
    } else {
        serde_json::from_slice(body)
    };
    let result = args
        .map_err(|error| error.to_string())
        .and_then(|args: Value| Control(Arc::clone(shared)).call(name, args));
    match result {
        Ok(value) => Answer::json(200, value),
        Err(message) => Answer::json(400, json!({ "error": message })),
    }
}

/// Counts a request as long as its client waits for it.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn enter(shared: &'a Shared, method: &str) -> Self {
        let counter = if method == "GET" {
            &shared.reading
        } else {
            &shared.writing
        };
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn process(shared: Arc<Shared>, incoming: Incoming) -> Outcome {
    let text = String::from_utf8_lossy(&incoming.body).into_owned();
    let body: Option<Value> = serde_json::from_slice(&incoming.body).ok();
    let query = if incoming.query.is_empty() { "" } else { "?" };
    let number = lock(&shared.log).push(RequestRecord {
        number: 0,
        at: shared.clock.now(),
        method: incoming.method.clone(),
        path: format!("{}{query}{}", incoming.path, incoming.query),
        body: body.clone(),
        status: None,
        fault: None,
    });
    let matches = |matcher: &Matcher| {
        matcher.matches(&incoming.method, &incoming.path, &incoming.query, &text)
    };
    let fault = {
        let mut rules = lock(&shared.rules);
        rules.faults.iter_mut().find_map(|(_, rule)| {
            (matches(&rule.matcher) && rule.hit()).then(|| rule.fault.clone())
        })
    };
    let gates = lock(&shared.rules).gates_for(GateAt::Before, matches);
    for gate in gates {
        gate.pass().await;
    }
    let outcome = answer(&shared, &incoming, body.as_ref(), fault.as_ref(), matches).await;
    let status = match &outcome {
        Outcome::Answer(answer) | Outcome::Truncated(answer) => Some(answer.status),
        Outcome::Cut => None,
    };
    lock(&shared.log).close(number, status, fault.as_ref().map(fault_name));
    outcome
}

async fn answer(
    shared: &Shared,
    incoming: &Incoming,
    body: Option<&Value>,
    fault: Option<&Fault>,
    matches: impl Fn(&Matcher) -> bool,
) -> Outcome {
    match fault {
        Some(Fault::Drop) => return Outcome::Cut,
        Some(Fault::Hang) => return std::future::pending().await,
        Some(fault) => {
            if let Some(answer) = faults::instead(fault) {
                return Outcome::Answer(answer);
            }
        }
        None => {}
    }
    let answer = limited(shared, incoming, || work(shared, incoming, body));
    let gates = lock(&shared.rules).gates_for(GateAt::After, matches);
    for gate in gates {
        gate.pass().await;
    }
    match fault {
        None => Outcome::Answer(answer),
        Some(Fault::LostAnswer) => Outcome::Cut,
        Some(Fault::HangAfter) => std::future::pending().await,
        Some(Fault::Truncated) => Outcome::Truncated(answer),
        Some(Fault::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            Outcome::Answer(answer)
        }
        Some(fault) => Outcome::Answer(faults::spoil(fault, answer)),
    }
}

fn fault_name(fault: &Fault) -> String {
    let name = serde_json::to_value(fault).ok();
    let name = name.as_ref().and_then(|value| value.get("kind")?.as_str());
    name.unwrap_or("fault").to_owned()
}

/// Works on a request, or refuses it with 429 where the limiter is on and full.
fn limited(shared: &Shared, incoming: &Incoming, work: impl FnOnce() -> Answer) -> Answer {
    let Some((remaining, wait, limit)) = charge(shared) else {
        return work();
    };
    let (counter, concurrent) = if incoming.method == "GET" {
        (&shared.reading, limit.concurrent_get)
    } else {
        (&shared.writing, limit.concurrent_other)
    };
    let crowded = counter.load(Ordering::SeqCst) > concurrent;
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let answer = if remaining.is_none() || crowded {
        let answer = Answer::raw(429, "application/json; charset=utf-8", "");
        answer.with("retry-after", seconds.max(1).to_string())
    } else {
        work()
    };
    let reset = match limit.reset {
        ResetForm::SecondsLeft => i64::try_from(seconds).unwrap_or(i64::MAX),
        ResetForm::Epoch => {
            shared.clock.now().timestamp() + i64::try_from(seconds).unwrap_or(i64::MAX)
        }
    };
    answer
        .with("x-ratelimit-limit", limit.requests.to_string())
        .with("x-ratelimit-remaining", remaining.unwrap_or(0).to_string())
        .with("x-ratelimit-reset", reset.to_string())
}

/// Counts a request against the window: what remains (none: nothing did), the time until the
/// oldest leaves the window, the limit.
fn charge(shared: &Shared) -> Option<(Option<usize>, Duration, RateLimit)> {
    let mut world = lock(&shared.world);
    let limit = world.settings.rate_limit.clone()?;
    let window = Duration::from_millis(limit.window_ms);
    let now = Instant::now();
    while world
        .recent
        .front()
        .is_some_and(|at| now.duration_since(*at) >= window)
    {
        world.recent.pop_front();
    }
    let free = limit.requests.saturating_sub(world.recent.len());
    let remaining = free.checked_sub(1);
    if remaining.is_some() {
        world.recent.push_back(now);
    }
    let oldest = world.recent.front().copied().unwrap_or(now);
    Some((
        remaining,
        window.saturating_sub(now.duration_since(oldest)),
        limit,
    ))
}

/// Works on a request in one go under the lock: a change is there as a whole or not at all.
fn work(shared: &Shared, incoming: &Incoming, body: Option<&Value>) -> Answer {
    let Some(path) = incoming.path.strip_prefix("/api/2.0/") else {
        return Answer::raw(404, "text/html; charset=utf-8", "");
    };
    let now = shared.clock.now();
    let mut world = lock(&shared.world);
    if !incoming.authorized || world.caller().is_none() {
        return Answer::raw(401, "application/json; charset=utf-8", "");
    }
    let params = wire::params(&incoming.query);
    let href = format!("https://sandbox.invalid{}", incoming.path);
    let segments: Vec<String> = path
        .split('/')
        .map(|part| {
            percent_encoding::percent_decode_str(part)
                .decode_utf8_lossy()
                .into_owned()
        })
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (incoming.method.as_str(), segments.as_slice()) {
        ("GET", ["people"]) => people::active(&mut world, &href, &params),
        ("GET", ["people", "@self"]) => people::own(&world, &href),
        ("GET", ["people", "email"]) => people::by_mail(&world, &href, &params),
        ("GET", ["people", "filter"]) => people::filter(&mut world, &href, &params),
        ("GET", ["people", id]) => people::by_id(&world, &href, id),
        ("PUT", ["people", "status", status]) => {
            people::put_status(&mut world, &href, status, body, now)
        }
        ("GET", ["security", "audit", "login", "filter"]) => {
            audit::logins(&mut world, &href, &params, now)
        }
        ("GET", ["security", "audit", "events", "filter"]) => {
            audit::events(&mut world, &href, &params, now)
        }
        ("GET", ["security", "audit", "settings", "lifetime"]) => audit::lifetime(&world, &href),
        ("GET", ["settings", "cookiesettings"]) => audit::cookies(&world, &href),
        _ => Answer::error(404, "The resource could not be found"),
    }
}

fn respond(shared: &Shared, answer: &Answer, truncated: bool) -> Response<HttpBody> {
    let (content_type, bytes) = match &answer.body {
        Body::Json(value) => (
            "application/json; charset=utf-8",
            value.to_string().into_bytes(),
        ),
        Body::Raw(content_type, bytes) => (*content_type, bytes.clone()),
    };
    let length = bytes.len();
    let body = if truncated {
        cut_short(bytes)
    } else {
        HttpBody::from(bytes)
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let date = shared
        .clock
        .claimed()
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("date", &date);
    set("content-type", content_type);
    if truncated {
        set("content-length", &length.to_string());
    }
    for (name, value) in &answer.headers {
        set(name, value);
    }
    response
}

/// Makes a body that sends its first half and then breaks off.
fn cut_short(mut bytes: Vec<u8>) -> HttpBody {
    bytes.truncate(bytes.len() / 2);
    let half = stream::once(async move { Ok::<_, io::Error>(Bytes::from(bytes)) });
    let end = stream::once(async {
        // Long enough for the first half to go out.
        tokio::time::sleep(Duration::from_millis(30)).await;
        Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "cut by the sandbox",
        ))
    });
    HttpBody::from_stream(half.chain(end))
}
