//! `[[tenant]]` with `provider = "projectplace"`: exactly one of the two sets of keys.

use exeunt::config::Config;
use exeunt::config::build::try_without_secrets;

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
