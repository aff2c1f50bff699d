//! A server that first passes calls on to a tenant and keeps what came back, and then gives the
//! same answers by itself, each after a pause: whoever asks it measures calls, and not what a
//! tenant needs to make its answers.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Response;

/// Method, path with query, and body: what makes two calls the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Debug, Default)]
struct Reel {
    /// In the order in which they came.
    calls: Vec<Call>,
    /// What came back, for calls that were made several times in their order.
    answers: BTreeMap<Call, VecDeque<Answer>>,
    /// What is left of it in this showing.
    left: BTreeMap<Call, VecDeque<Answer>>,
    pause: Option<Duration>,
}

#[derive(Debug)]
struct Shared {
    to: String,
    own: String,
    client: reqwest::Client,
    reel: Mutex<Reel>,
}

/// A running tape before one tenant.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

/// A client without any of our own rules: no retries, no proxy, nothing unpacked.
pub(crate) fn plain_client() -> reqwest::Client {
    // A second installation in the same process is refused, and the first one serves.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_gzip();
    client.build().unwrap()
}

impl Tape {
    /// Starts recording before the tenant at `to`.
    pub(crate) async fn before(to: &str) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            own: own.clone(),
            client: plain_client(),
            reel: Mutex::default(),
        });
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: own, shared }
    }

    /// What was asked so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.reel.lock().unwrap().calls.clone()
    }

    /// From now on answers from the beginning of the tape, each after this pause.
    pub(crate) fn play(&self, pause: Duration) {
        let mut reel = self.shared.reel.lock().unwrap();
        reel.left = reel.answers.clone();
        reel.pause = Some(pause);
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().unwrap().to_string(),
        body: to_bytes(body, 16 << 20).await.unwrap(),
    };
    let pause = shared.reel.lock().unwrap().pause;
    let answer = match pause {
        Some(pause) => {
            tokio::time::sleep(pause).await;
            shared.recorded(&call)
        }
        None => shared.record(call, &parts.headers).await,
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer.body)).unwrap()
}

impl Shared {
    /// The next recorded answer to a call; the last one stays.
    fn recorded(&self, call: &Call) -> Answer {
        let mut reel = self.reel.lock().unwrap();
        let left = reel.left.get_mut(call);
        let left = left.unwrap_or_else(|| panic!("not on the tape: {} {}", call.method, call.path));
        if left.len() > 1 {
            left.pop_front().unwrap()
        } else {
            left[0].clone()
        }
    }

    async fn record(&self, call: Call, headers: &HeaderMap) -> Answer {
        let method = reqwest::Method::from_bytes(call.method.as_bytes()).unwrap();
        let mut request = self
            .client
            .request(method, format!("{}{}", self.to, call.path));
        for (name, value) in headers {
            if !["host", "content-length", "accept-encoding"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        let answer = request.body(call.body.clone()).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.text().await.unwrap().replace(&self.to, &self.own);
        let answer = Answer {
            status,
            headers,
            body: Bytes::from(body),
        };
        let mut reel = self.reel.lock().unwrap();
        reel.calls.push(call.clone());
        reel.answers
            .entry(call)
            .or_default()
            .push_back(answer.clone());
        answer
    }
}
