//! `[[tenant]]` with `provider = "projectplace"`: exactly one of the two sets of keys.

use exeunt::config::Config;
use exeunt::config::build::try_without_secrets;

use crate::common::workspace::Workspace;

const OAUTH2: &str = "client_id = { env = \"A\" }\nclient_secret = { env = \"B\" }\n";
const OAUTH1: &str = "application_key = { env = \"A\" }\napplication_secret = { env = \"B\" }\n\
     token_key = { env = \"C\" }\ntoken_secret = { env = \"D\" }\n";

/// What is wrong with such a tenant, if anything is.
fn mistake(keys: &str) -> Option<String> {
    let text = format!(
        "[[tenant]]\nname = \"place\"\nprovider = \"projectplace\"\n\
         url = \"https://api.projectplace.com\"\n{keys}"
    );
    let config = Config::parse(&text, "exeunt.toml");
    let tried = config.and_then(|config| try_without_secrets(&config));
    tried
        .err()
        .map(|m| format!("{m} {}", m.right.clone().unwrap_or_default()))
}

#[test]
fn either_set_of_keys_will_do() {
    let more = "successor = \"heir@example.com\"\nsession_days = 7\n";
    for keys in [OAUTH1, OAUTH2] {
        assert_eq!(mistake(&format!("{keys}{more}")), None);
    }
    let elsewhere = "token_url = \"https://acme.projectplace.com/oauth2/access_token\"\n";
    assert_eq!(mistake(&format!("{OAUTH2}{elsewhere}")), None);
}

#[test]
fn none_both_half_and_strange_keys_are_mistakes() {
    let half = "application_key = { env = \"A\" }\ntoken_key = { env = \"C\" }\n";
    for (keys, says) in [
        (String::new(), "there is no credential"),
        (format!("{OAUTH1}{OAUTH2}"), "one of the two sets only"),
        (
            "client_id = { env = \"A\" }\n".to_owned(),
            "`client_secret` is missing",
        ),
        (half.to_owned(), "`application_secret` is missing"),
        (
            format!("{OAUTH1}token_url = \"https://x.example\"\n"),
            "OAuth 1 asks for no tokens",
        ),
        (
            format!("{OAUTH2}token_url = \"nowhere\"\n"),
            "`token_url` is no address",
        ),
        (
            format!("{OAUTH2}token = {{ env = \"T\" }}\n"),
            "a tenant of Planview ProjectPlace has no `token`",
        ),
    ] {
        let found = mistake(&keys).unwrap();
        assert!(found.contains(says), "{found}");
    }
}

#[test]
fn a_sandbox_ledger_refuses_tokens_from_elsewhere() {
    let ws = Workspace::new();
    ws.write("corp.csv", "id,mail\n1,ada@firm.test\n");
    ws.write("secret", "hush");
    let corp = "[[directory]]\nname = \"corp\"\nkind = \"csv\"\npath = \"corp.csv\"\n\
         contains = \"everybody\"\ncolumns = { key = \"id\", mail = \"mail\" }\n";
    let plan = "[[tenant]]\nname = \"plan\"\nprovider = \"projectplace\"\n\
         url = \"http://127.0.0.1:9\"\nattempts = 1\ntoken_url = \"http://127.0.0.1:9/token\"\n\
         client_id = { file = \"secret\" }\nclient_secret = { file = \"secret\" }\n";
    ws.configure(&[corp, plan]);
    ws.run(&["init"]).exits(0);
    ws.run(&["check"]).says_not("this ledger is a sandbox");
    ws.reconfigure("http://127.0.0.1:9/token", "https://acme.invalid/token");
    ws.run(&["check"])
        .exits(78)
        .says("this ledger is a sandbox, and `plan` is not on a loopback address");
}
