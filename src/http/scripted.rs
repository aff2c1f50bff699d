//! A loopback server for tests that answers with exactly the bytes it is told to.

use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// One request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes these bytes and closes.
    Bytes(Vec<u8>),
    /// Writes these bytes after a while and closes.
    Late(std::time::Duration, Vec<u8>),
    /// Never answers.
    Silence,
}

impl Reply {
    /// An answer with headers of the test's choice (each `name: value`).
    pub(crate) fn new(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n",
            body.len()
        );
        for header in headers {
            bytes.push_str(header);
            bytes.push_str("\r\n");
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        Reply::Bytes(bytes)
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Reply::new(
            status,
            &[
                "content-type: application/json",
                "date: Sun, 22 Nov 2026 10:00:00 GMT",
            ],
            body.to_string(),
        )
    }
}

type Handler = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// The server; it goes away with the runtime of its test.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers each request as `handler` says; its second argument counts the requests from 0.
    pub(crate) async fn start(
        handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<Handler>) = (seen.clone(), Arc::new(handler));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, log.clone(), handler.clone()));
            }
        });
        Self { url, seen, task }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Request>>>, handler: Arc<Handler>) {
    let Some(request) = receive(&mut stream).await else {
        return;
    };
    let reply = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        handler(&request, seen.len() - 1)
    };
    if let Reply::Late(after, _) = &reply {
        tokio::time::sleep(*after).await;
    }
    match reply {
        Reply::Bytes(bytes) | Reply::Late(_, bytes) => {
            // the client may have gone away at a limit of its own
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Silence => {
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).await.ok().filter(|&n| n > 0)?;
        bytes.extend_from_slice(buffer.get(..n)?);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "))
            .map_or(0, |n| n.parse::<usize>().unwrap());
        if body.len() >= length {
            let line = text.lines().next()?;
            let mut words = line.split(' ');
            return Some(Request {
                method: words.next()?.to_owned(),
                target: words.next()?.to_owned(),
                head,
                body: body.to_owned(),
            });
        }
    }
}
