//! What operators hear of: each alert provoked, taken by a receiver that judges the signature with
//! OpenSSL.

mod kinds;
mod mail;
mod runs;
mod settings;

use crate::common::receiver::Received;
use crate::common::receiver::Receiver;
use crate::common::workspace::Workspace;

pub(crate) const SECRET: &str = "correct-horse-battery-staple";

/// Adds `[alert]` with this receiver to exeunt.toml.
pub(crate) fn alerted(ws: &Workspace, receiver: &Receiver, more: &str) {
    ws.write("alert.secret", SECRET);
    let text = ws.read("exeunt.toml");
    let url = &receiver.url;
    ws.write(
        "exeunt.toml",
        &format!(
            "{text}\n[alert]\nwebhook = {{ url = \"{url}\", secret = {{ file = \"alert.secret\" }} }}\n\
             {more}\n"
        ),
    );
}

/// `(word, kind)` of everything that came, each message signed and without anybody's name.
#[track_caller]
pub(crate) fn heard(receiver: &Receiver) -> Vec<(String, String)> {
    let mut words = Vec::new();
    for message in receiver.taken() {
        is_sound(&message);
        let alerts = message.alerts().into_iter();
        words.extend(alerts.map(|(word, kind, _)| (word, kind)));
    }
    words.sort();
    words
}

#[track_caller]
pub(crate) fn is_sound(message: &Received) {
    message.is_signed_with(SECRET);
    assert_eq!(message.line, "POST /hook?token=t0p HTTP/1.1");
    assert_eq!(message.header("content-type"), "application/json");
    assert!(
        !message.body.contains('@') && !message.body.contains("s_"),
        "a mail address or a pseudonym leaves the machine: {}",
        message.body
    );
}

pub(crate) fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(word, kind)| ((*word).to_owned(), (*kind).to_owned()))
        .collect()
}
