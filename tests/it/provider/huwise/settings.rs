//! `[[tenant]]` with `provider = "huwise"`.

use exeunt::config::Config;
use exeunt::config::build::try_without_secrets;

/// What is wrong with such a tenant, if anything is.
fn mistake(url: &str, keys: &str, more: &str) -> Option<String> {
    let text = format!(
        "[[tenant]]\nname = \"data\"\nprovider = \"huwise\"\nurl = \"{url}\"\n{keys}{more}"
    );
    let config = Config::parse(&text, "exeunt.toml");
    let tried = config.and_then(|config| try_without_secrets(&config));
    tried
        .err()
        .map(|m| format!("{m} {}", m.right.clone().unwrap_or_default()))
}

const URL: &str = "https://acme.huwise.com";
const KEY: &str = "api_key = { env = \"HUWISE_API_KEY\" }\n";

#[test]
fn a_domain_and_a_key_are_enough() {
    assert_eq!(mistake(URL, KEY, ""), None);
    assert_eq!(mistake(URL, KEY, "session_days = 14\n"), None);
}

#[test]
fn what_means_nothing_here_is_a_mistake() {
    for (url, keys, more, says) in [
        (URL, "", "", "`api_key` is missing"),
        (
            URL,
            KEY,
            "token = { env = \"T\" }\n",
            "a tenant of Huwise has no `token`",
        ),
        (
            URL,
            KEY,
            "successor = \"a@example.com\"\n",
            "has no `successor`",
        ),
        ("http://acme.huwise.com", KEY, "", "https://"),
        (
            "https://acme.huwise.com/api/automation/v1.0",
            KEY,
            "",
            "the domain alone",
        ),
    ] {
        let found = mistake(url, keys, more).unwrap();
        assert!(found.contains(says), "{found}");
    }
}

#[test]
fn a_policy_cannot_ask_for_disabling_without_a_substitute() {
    let policy = |step: &str| {
        format!(
            "\n[[policy]]\nname = \"silent\"\nwhen = \"inactive\"\nafter_days = 400\n\
             notice_days = [30]\nsteps = [{step}]\napprovals = {{ remove = 1 }}\n"
        )
    };
    let found = mistake(URL, KEY, &policy("{ do = \"disable\" }")).unwrap();
    assert!(found.contains("data cannot disable an account"), "{found}");
    for step in [
        "{ do = \"remove\" }",
        "{ do = \"disable\", substitute = \"remove\" }",
    ] {
        assert_eq!(mistake(URL, KEY, &policy(step)), None, "{step}");
    }
}
