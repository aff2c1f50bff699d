//! A server on loopback that gives prepared answers, one for each request, and then hangs up.

use std::collections::VecDeque;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Statuses by the first byte of an answer; none that is tried again after a pause.
const STATUSES: [u16; 10] = [200, 201, 204, 302, 400, 401, 403, 404, 409, 410];

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<(u16, Vec<u8>)>>,
    /// Whether somebody may be gone after what was answered.
    gone: AtomicBool,
}

pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, shared }
    }

    /// Takes the answers of an input: each ended by 0xFF, its first byte stands for the status.
    pub(crate) fn prepare(&self, data: &[u8]) {
        let answers = data.split(|byte| *byte == 0xff).filter_map(|answer| {
            let (status, body) = answer.split_first()?;
            let status = STATUSES[usize::from(status.wrapping_sub(b'0')) % STATUSES.len()];
            Some((status, body.to_vec()))
        });
        *self.shared.answers.lock().expect("a lock") = answers.take(64).collect();
        self.shared.gone.store(false, Ordering::SeqCst);
    }

    /// Whether an answer was given after which somebody may be gone: a 404, a 410, or a list.
    pub(crate) fn may_be_gone(&self) -> bool {
        self.shared.gone.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (mut length, mut first) = (0, String::new());
        reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, body) = answer(&first, shared)?;
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(head.as_bytes()).ok()?;
        if status != 204 {
            writer.write_all(&body).ok()?;
        }
    }
}

fn answer(first: &str, shared: &Shared) -> Option<(u16, Vec<u8>)> {
    // Port asks for a token first.
    if first.starts_with("POST /v1/auth/access_token") {
        let token = br#"{"ok":true,"accessToken":"a.b.c","expiresIn":10800,"tokenType":"Bearer"}"#;
        return Some((200, token.to_vec()));
    }
    let (status, body) = shared.answers.lock().expect("a lock").pop_front()?;
    // Some look an account up in a list, which can show that nobody has the name.
    if [404, 410].contains(&status) || body.contains(&b'[') {
        shared.gone.store(true, Ordering::SeqCst);
    }
    let body = if status == 204 { Vec::new() } else { body };
    Some((status, body))
}
