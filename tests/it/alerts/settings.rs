//! What is wrong in `[alert]` is said with its line, before anything is opened.

use crate::common::workspace::Workspace;

const GOOD: &str = "webhook = { url = \"https://hooks.example.com/x\", secret = { env = \"S\" } }";

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_would_be_right() {
    let mail = "mail = \"it@example.com\"";
    let cases: &[(&str, &str, &[&str])] = &[
        ("every_hours = 0", "6:15", &["every_hours = 24"]),
        ("every_hours = 745", "6:15", &["744 hours"]),
        ("every_hours = -1", "6:15", &["a number below 0"]),
        ("summary = \"mondays\"", "6:11", &["did you mean `monday`?"]),
        (
            "kinds = [\"leaver-latte\"]",
            "6:10",
            &["did you mean `leaver-late`?"],
        ),
        ("kinds = []", "6:9", &["leave `kinds` out"]),
        (
            "kinds = [\"halt-on\", \"halt-on\"]",
            "6:9",
            &["`halt-on` stands in `kinds` twice"],
        ),
        (
            "webhook = { url = \"http://hooks.example.com/x\", secret = { env = \"S\" } }",
            "6:19",
            &["plain http is for loopback", "https://"],
        ),
        (
            "webhook = { url = \"https://u:p4ss@hooks.example.com/x\", secret = { env = \"S\" } }",
            "6:19",
            &["a user, a password"],
        ),
        (
            "webhook = { url = \"https://hooks.example.com/x\", secret = \"hush-hush-hush-1\" }",
            "6:59",
            &["a secret itself", "{ env = \"NAME\" }"],
        ),
        (
            "webhook = { url = \"https://hooks.example.com/x\" }",
            "6:11",
            &["`secret` is missing"],
        ),
        (
            "heartbeat_url = \"hc.example.com\"",
            "6:17",
            &["this is no address", "as in https://"],
        ),
        (mail, "6:8", &["there is no [smtp]"]),
        ("every_hour = 3", "6:1", &["did you mean `every_hours`?"]),
    ];
    for (line, at, says) in cases {
        let ws = Workspace::new();
        let text =
            format!("[ledger]\norigin = \"house.example/exeunt\"\n\n[alert]\n# here\n{line}\n");
        ws.write("exeunt.toml", &text);
        let mut ran = ws
            .run(&["init"])
            .exits(78)
            .says(&format!("exeunt.toml:{at}:"));
        for word in *says {
            ran = ran.says(word);
        }
        ran.says_not("p4ss").says_not("hush");
        assert!(!ws.path("exeunt.db").exists(), "{line}");
    }
    let ws = Workspace::new();
    let smtp = "[smtp]\nhost = \"relay.example.com\"\nfrom = \"exeunt@example.com\"\n";
    for (mail, says) in [
        ("\"it\"", "`it` is no address"),
        ("[]", "1 to 20 addresses"),
    ] {
        ws.write("exeunt.toml", &format!("{smtp}[alert]\nmail = {mail}\n"));
        ws.run(&["init"]).exits(78).says(says);
    }
    ws.write("exeunt.toml", &format!("{smtp}[alert]\n{mail}\n{GOOD}\n"));
    ws.run(&["init"]).exits(0);
}
