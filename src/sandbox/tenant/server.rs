//! From a connection to the service and back: gates, faults, limits, headers.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body as HttpBody, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::sandbox::{
    clock::SandboxClock,
    host::{Cut, lock},
    tenant::{
        Answer, Body, Call, Control, Fault, GateAt, Matcher, RequestRecord, Service,
        control::Rules,
        faults,
        log::{Log, shown_body, shown_path},
    },
};

/// The longest request body a tenant reads.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// What the server and its controls share.
pub(crate) struct Shared<S> {
    pub(crate) clock: SandboxClock,
    pub(crate) service: Mutex<S>,
    pub(crate) rules: Mutex<Rules>,
    pub(crate) log: Mutex<Log>,
    pub(crate) latency: Mutex<Option<Duration>>,
    origin: String,
    reading: AtomicUsize,
    writing: AtomicUsize,
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("now", &self.clock.now())
            .finish_non_exhaustive()
    }
}

impl<S> Shared<S> {
    pub(crate) fn new(origin: String, service: S) -> Self {
        Self {
            clock: SandboxClock::default(),
            service: Mutex::new(service),
            rules: Mutex::default(),
            log: Mutex::default(),
            latency: Mutex::default(),
            origin,
            reading: AtomicUsize::new(0),
            writing: AtomicUsize::new(0),
        }
    }

    fn in_flight(&self, method: &str) -> &AtomicUsize {
        if method == "GET" {
            &self.reading
        } else {
            &self.writing
        }
    }
}

/// A request with what faults and gates are matched against.
#[derive(Debug)]
struct Incoming {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What becomes of a connection.
#[derive(Debug)]
enum Outcome {
    Answer(Answer),
    Truncated(Answer),
    Cut,
}

/// Answers one request.
pub(crate) async fn handle<S: Service>(
    State(shared): State<Arc<Shared<S>>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<HttpBody> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        let answer = S::refusal(413, "Request body too large");
        return respond(&shared.clock, &answer, false);
    };
    let path = parts.uri.path().to_owned();
    if let Some(name) = path.strip_prefix("/_sandbox/") {
        let answer = control_call(&shared, name, &body);
        return respond(&shared.clock, &answer, false);
    }
    let incoming = Incoming {
        method: parts.method.to_string(),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    let _in_flight = InFlight::enter(shared.in_flight(&incoming.method));
    // A task of its own: a client that goes away does not undo what it asked for.
    let work = tokio::spawn(process(Arc::clone(&shared), incoming));
    match work.await {
        Ok(Outcome::Answer(answer)) => respond(&shared.clock, &answer, false),
        Ok(Outcome::Truncated(answer)) => respond(&shared.clock, &answer, true),
        Ok(Outcome::Cut) => {
            cut.now();
            respond(&shared.clock, &Answer::raw(500, "text/plain", ""), false)
        }
        Err(_) => {
            let answer = S::refusal(500, "The sandbox failed");
            respond(&shared.clock, &answer, false)
        }
    }
}

fn control_call<S: Service>(shared: &Arc<Shared<S>>, name: &str, body: &Bytes) -> Answer {
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
    fn enter(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn process<S: Service>(shared: Arc<Shared<S>>, incoming: Incoming) -> Outcome {
    let text = String::from_utf8_lossy(&incoming.body).into_owned();
    let content_type = incoming.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let number = lock(&shared.log).push(RequestRecord {
        number: 0,
        at: shared.clock.now(),
        method: incoming.method.clone(),
        path: shown_path(&incoming.path, &incoming.query),
        body: shown_body(content_type.unwrap_or_default(), &incoming.body),
        status: None,
        fault: None,
    });
    let matches = |matcher: &Matcher| {
        matcher.matches(&incoming.method, &incoming.path, &incoming.query, &text)
    };
    let (fault, gates) = {
        let mut rules = lock(&shared.rules);
        let fault = rules.hit(matches);
        (fault, rules.gates_for(GateAt::Before, matches))
    };
    for gate in gates {
        gate.pass().await;
    }
    let latency = *lock(&shared.latency);
    if let Some(latency) = latency {
        tokio::time::sleep(latency).await;
    }
    let outcome = answer(&shared, &incoming, fault.as_ref(), matches).await;
    let status = match &outcome {
        Outcome::Answer(answer) | Outcome::Truncated(answer) => Some(answer.status),
        Outcome::Cut => None,
    };
    lock(&shared.log).close(number, status, fault.as_ref().map(faults::name));
    outcome
}

async fn answer<S: Service>(
    shared: &Shared<S>,
    incoming: &Incoming,
    fault: Option<&Fault>,
    matches: impl Fn(&Matcher) -> bool,
) -> Outcome {
    match fault {
        Some(Fault::Drop) => return Outcome::Cut,
        Some(Fault::Hang) => return std::future::pending().await,
        Some(fault) => {
            if let Some(answer) = faults::instead::<S>(fault) {
                return Outcome::Answer(answer);
            }
        }
        None => {}
    }
    let answer = work(shared, incoming);
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
        Some(fault) => Outcome::Answer(faults::spoil::<S>(fault, answer)),
    }
}

/// Works on a request in one go under the lock, or refuses it where too many are in flight.
fn work<S: Service>(shared: &Shared<S>, incoming: &Incoming) -> Answer {
    let mut service = lock(&shared.service);
    let in_flight = shared.in_flight(&incoming.method).load(Ordering::SeqCst);
    if service
        .concurrency(&incoming.method)
        .is_some_and(|limit| in_flight > limit)
    {
        return S::refusal(429, "Too many requests").with("retry-after", "1");
    }
    service.answer(&Call {
        method: &incoming.method,
        path: &incoming.path,
        query: &incoming.query,
        headers: &incoming.headers,
        body: &incoming.body,
        now: shared.clock.now(),
        origin: &shared.origin,
        in_flight,
    })
}

fn respond(clock: &SandboxClock, answer: &Answer, truncated: bool) -> Response<HttpBody> {
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
    let date = clock.claimed().format("%a, %d %b %Y %H:%M:%S GMT");
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    set("date", &date.to_string());
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
