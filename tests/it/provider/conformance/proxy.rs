//! Stands between an adapter and its tenant: sees every token, and changes answers as told.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Response;
use serde_json::Value;
use tokio::sync::oneshot;

/// One answer on its way back.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Changes an answer on its way back.
pub(crate) type Hook = Box<dyn FnMut(&mut Told) + Send>;

struct Shared {
    to: String,
    own: String,
    client: reqwest::Client,
    hook: Mutex<Option<Hook>>,
    tokens: Mutex<BTreeSet<String>>,
    /// Ids with secrets as HTTP Basic has them: only where tokens are asked for.
    basic: Mutex<BTreeSet<String>>,
}

/// A running proxy; it stops when this is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Proxy {
    /// Starts one before a tenant.
    pub(crate) fn before(to: &str) -> Self {
        // A second installation in the same process is refused, and the first one serves.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_gzip();
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            own: url.clone(),
            client: client.build().unwrap(),
            hook: Mutex::default(),
            tokens: Mutex::default(),
            basic: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let state = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(listener, state, stopped));
        Self {
            url,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Changes answers from now on.
    pub(crate) fn set_hook(&self, hook: impl FnMut(&mut Told) + Send + 'static) {
        *self.shared.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// Leaves answers as they are.
    pub(crate) fn clear(&self) {
        *self.shared.hook.lock().unwrap() = None;
    }

    /// Every credential and every token that went through.
    pub(crate) fn tokens(&self) -> BTreeSet<String> {
        let mut all = self.carried();
        all.extend(self.shared.basic.lock().unwrap().iter().cloned());
        all
    }

    /// Those that a tenant could repeat in an answer to any request.
    pub(crate) fn carried(&self) -> BTreeSet<String> {
        self.shared.tokens.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let router = Router::new().fallback(pass).with_state(shared);
        tokio::select! {
            _ = async { axum::serve(listener, router).await } => {}
            _ = stopped => {}
        }
    });
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    shared.note_request(&parts.headers);
    let body = to_bytes(body, 16 << 20).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let method = reqwest::Method::from_bytes(parts.method.as_str().as_bytes()).unwrap();
    let mut call = shared
        .client
        .request(method, format!("{}{path}", shared.to));
    for (name, value) in &parts.headers {
        if !["host", "content-length", "accept-encoding"].contains(&name.as_str()) {
            call = call.header(name.as_str(), value.as_bytes());
        }
    }
    let Ok(answer) = call.body(body).send().await else {
        return Response::builder().status(502).body(Body::empty()).unwrap();
    };
    let status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let Ok(bytes) = answer.bytes().await else {
        return Response::builder().status(502).body(Body::empty()).unwrap();
    };
    let bytes = replace(&bytes, shared.to.as_bytes(), shared.own.as_bytes());
    shared.note_answer(&bytes);
    let mut told = Told {
        method: parts.method.to_string(),
        path,
        status,
        body: bytes,
    };
    if let Some(hook) = shared.hook.lock().unwrap().as_mut() {
        hook(&mut told);
    }
    let mut response = Response::builder().status(told.status);
    for (name, value) in &headers {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            response = response.header(name.as_str(), value.as_bytes());
        }
    }
    response.body(Body::from(told.body)).unwrap()
}

/// Puts the proxy's address where the tenant names its own.
fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) => text
            .replace(
                std::str::from_utf8(old).unwrap(),
                std::str::from_utf8(new).unwrap(),
            )
            .into_bytes(),
        Err(_) => text.to_vec(),
    }
}

impl Shared {
    fn note_request(&self, headers: &HeaderMap) {
        for name in ["authorization", "apikey", "x-api-key"] {
            let Some(value) = headers.get(name).and_then(|v| v.to_str().ok()) else {
                continue;
            };
            let (kind, secret) = value.rsplit_once(' ').unwrap_or(("", value));
            let kept = match kind {
                "Basic" => &self.basic,
                _ => &self.tokens,
            };
            kept.lock().unwrap().insert(secret.to_owned());
        }
    }

    fn note_answer(&self, body: &[u8]) {
        if let Ok(value) = serde_json::from_slice(body) {
            note(&value, &mut self.tokens.lock().unwrap());
        }
    }
}

/// Gathers the tokens that an answer hands out.
fn note(value: &Value, tokens: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| note(item, tokens)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_lowercase().replace(['_', '-'], "");
                let whole = ["accesstoken", "refreshtoken", "idtoken"].contains(&name.as_str());
                match value {
                    Value::String(text) if whole && text.len() >= 8 => {
                        tokens.insert(text.clone());
                    }
                    other => note(other, tokens),
                }
            }
        }
        _ => {}
    }
}
