//! Mistakes in `exeunt.toml`, as whoever wrote it sees them.

use crate::common::workspace::Workspace;

const TOKENS: &str = "refresh_token = { env = \"R\" }\nclient_id = { env = \"C\" }\n\
     token_url = \"https://pingauth.alteryxcloud.com/as\"\n";

#[test]
fn what_cannot_work_is_said_before_anything_is_made() {
    let number = "workspace = \"31429\"\n";
    let fixed = "access_token = { env = \"A\" }\n";
    for (keys, says) in [
        (format!("{TOKENS}{fixed}{number}"), "are both set"),
        (number.to_owned(), "`refresh_token` is missing"),
        (TOKENS.to_owned(), "`workspace` is missing"),
        (
            format!("{TOKENS}workspace = \"01JKBMKPZ94N0GG5F8N9HY2FJA\"\n"),
            "not its gid",
        ),
        (
            format!("refresh_token = {{ env = \"R\" }}\n{number}"),
            "`token_url` is missing",
        ),
        (
            format!("{}{number}", TOKENS.replace("https", "http")),
            "`token_url` cannot be used",
        ),
        (
            format!("{TOKENS}{number}paths = {{ peple = \"v4/people\" }}\n"),
            "`paths` has no `peple`",
        ),
        (
            format!("{TOKENS}{number}headers = {{ authorization = \"x\" }}\n"),
            "sets it itself",
        ),
        (
            format!("{TOKENS}{number}api_key = {{ env = \"K\" }}\n"),
            "has no `api_key`",
        ),
    ] {
        let work = Workspace::new();
        let head = "[[tenant]]\nname = \"class\"\nprovider = \"alteryx\"\n\
             url = \"https://us1.alteryxcloud.com\"\n";
        work.configure(&[&format!("{head}{keys}")]);
        work.run(&["init"]).exits(78).says(says);
        assert!(!work.path("exeunt.db").exists(), "{says}");
    }
}

/// In a sandbox ledger time may be moved, so that tokens too must come from this machine.
#[test]
fn a_rehearsal_asks_nobody_outside_for_tokens() {
    let work = Workspace::new();
    for secret in ["R", "C"] {
        work.write(secret, "secret");
    }
    let tokens = TOKENS.replace("env", "file");
    let head = "[[tenant]]\nname = \"class\"\nprovider = \"alteryx\"\nworkspace = \"1\"\n\
         url = \"http://127.0.0.1:9\"\n";
    work.configure(&[&format!("{head}{tokens}")]);
    work.run(&["init"]).exits(0);
    work.run(&["sync"])
        .exits(78)
        .says("not on a loopback address");
}
