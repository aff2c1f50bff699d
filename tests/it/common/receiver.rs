//! A loopback HTTP server that keeps what it is sent and answers with the status that is wanted.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;

use serde_json::Value;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// `(word, kind, about)` of each alert in it.
    pub(crate) fn alerts(&self) -> Vec<(String, String, String)> {
        let json = self.json();
        let alerts = json["data"]["alerts"].as_array().unwrap();
        let text = |a: &Value, key: &str| a[key].as_str().unwrap().to_owned();
        let all = alerts
            .iter()
            .map(|a| (text(a, "word"), text(a, "kind"), text(a, "about")));
        all.collect()
    }

    /// Fails unless OpenSSL makes the same signature with this secret.
    #[track_caller]
    pub(crate) fn is_signed_with(&self, secret: &str) {
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        assert!(!id.is_empty() && time.parse::<i64>().is_ok(), "{self:?}");
        let signed = format!("{id}.{time}.{}", self.body);
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-hmac", secret, "-binary"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = openssl.stdin.take().unwrap();
        stdin.write_all(signed.as_bytes()).unwrap();
        drop(stdin);
        let made = openssl.wait_with_output().unwrap().stdout;
        let made = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, made);
        assert_eq!(self.header("webhook-signature"), format!("v1,{made}"));
    }
}

/// The server; it answers until the tests end.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    status: Arc<AtomicU16>,
    kept: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            url: format!("http://{}/hook?token=t0p", listener.local_addr().unwrap()),
            status: Arc::new(AtomicU16::new(204)),
            kept: Arc::default(),
        };
        let own = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                own.answer(stream);
            }
        });
        receiver
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(n, _)| n == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, v)| v.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        self.kept.lock().unwrap().push(Received {
            line: line.trim_end().to_owned(),
            headers,
            body: String::from_utf8(body).unwrap(),
        });
        let status = self.status.load(Ordering::SeqCst);
        let answer = format!(
            "HTTP/1.1 {status} x\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            self.url
        );
        drop(reader.get_mut().write_all(answer.as_bytes()));
    }

    /// Answers with another status from here on.
    pub(crate) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What came since this was asked for last.
    pub(crate) fn taken(&self) -> Vec<Received> {
        std::mem::take(&mut *self.kept.lock().unwrap())
    }
}
