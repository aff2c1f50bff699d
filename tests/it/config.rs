//! Mistakes in exeunt.toml: where, what, what would be right; nothing is made or appended.

use std::fs;

use crate::common::workspace::Workspace;

mod schema;

/// A configuration that is right; nothing listens where it points.
const GOOD: &str = r#"[ledger]
url = "sqlite:exeunt.db"
vault = "sqlite:exeunt-vault.db"
origin = "example.com/exeunt"

[[directory]]
name = "corp"
kind = "ldap"
flavor = "openldap"
url = ["ldap://127.0.0.1:9"]
bind_dn = "cn=exeunt,dc=example,dc=com"
bind_password = { file = "password" }
base = "dc=example,dc=com"

[[directory]]
name = "hr"
kind = "csv"
path = "people.csv"
columns = { key = "id", mail = "mail", name = "name" }
contains = "everybody"

[[tenant]]
name = "portal"
provider = "docspace"
url = "https://portal.example.com"
token = { file = "token" }
protect = ["boss@example.com"]

[[approver]]
name = "Ada"
key = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lsh="

[[policy]]
name = "leavers"
when = "departed"
ring = "enforce"
steps = [{ do = "disable" }]

[[policy]]
name = "idle"
when = "inactive"
ring = "enforce"
among = { tenants = ["portal"], directory = "hr" }
after_days = 90
notice_days = [30, 7]
steps = [{ do = "disable" }]
approvals = { disable = 1 }

[smtp]
host = "127.0.0.1"
port = 9
user = "exeunt"
password = { file = "password" }
from = "Exeunt <exeunt@example.com>"

[notices]
channel = "smtp"
language = "de"
reply_to = "help@example.com"
"#;

/// A public key of the right length.
const KEY: &str = "ERERERERERERERERERERERERERERERERERERERERERE=";

fn good() -> String {
    GOOD.replace("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lsh=", KEY)
}

struct Wrong {
    /// What is replaced, and by what.
    change: (&'static str, &'static str),
    /// The line and column that the message names.
    at: &'static str,
    /// What it says, and what it advises.
    says: &'static [&'static str],
}

const fn wrong(
    change: (&'static str, &'static str),
    at: &'static str,
    says: &'static [&'static str],
) -> Wrong {
    Wrong { change, at, says }
}

/// Seen without looking at anything but the file.
const IN_THE_FILE: &[Wrong] = &[
    wrong(
        ("origin =", "orgin ="),
        "4:1",
        &["no key `orgin`", "did you mean `origin`?"],
    ),
    wrong(
        ("[[tenant]]", "[[tennant]]"),
        "22:3",
        &["no key `tennant`", "did you mean `tenant`?"],
    ),
    wrong(
        ("bind_dn =", "bind_nd ="),
        "11:1",
        &["no key `bind_nd`", "did you mean `bind_dn`?"],
    ),
    wrong(
        (
            "token = { file = \"token\" }",
            "token = \"sk-HUSH-hush-0123\"",
        ),
        "26:9",
        &["a secret itself", "{ env = \"NAME\" }"],
    ),
    wrong(
        (
            "token = { file = \"token\" }",
            "token = [\"sk-HUSH-hush-0123\"]",
        ),
        "26:9",
        &["a secret itself", "{ env = \"NAME\" }"],
    ),
    wrong(
        ("token = { file = \"token\" }", "token = sk-HUSH-hush-0123"),
        "26:9",
        &["this is not TOML"],
    ),
    wrong(
        (
            "token = { file = \"token\" }",
            "token = { file = \"token\", env = \"X\" }",
        ),
        "26:9",
        &["exactly one place"],
    ),
    wrong(
        (
            "token = { file = \"token\" }",
            "token = { value = \"sk-HUSH-hush-0123\" }",
        ),
        "26:11",
        &["no key `value`", "env, file, command"],
    ),
    wrong(
        ("token = { file = \"token\" }\n", ""),
        "22:1",
        &["`token` is missing", "token = { env = \"NAME\" }"],
    ),
    wrong(
        ("ldap://127.0.0.1:9", "ldap://ldap.example.com"),
        "10:7",
        &["in the clear", "ldaps://", "tls.starttls"],
    ),
    wrong(
        ("https://portal", "http://portal"),
        "25:7",
        &["http", "loopback"],
    ),
    wrong(
        ("https://portal", "https://ada:HUSH-hush@portal"),
        "25:7",
        &["must not hold a user or password"],
    ),
    wrong(("https://portal", "portal"), "25:7", &["url"]),
    wrong(
        ("ldap://127.0.0.1:9", "ldap"),
        "10:7",
        &["no url", "ldaps://HOST"],
    ),
    wrong(
        ("[\"ldap://127.0.0.1:9\"]", "7"),
        "10:7",
        &["a whole number", "a text in quotes, or a list"],
    ),
    wrong(
        ("[\"ldap://127.0.0.1:9\"]", "[]"),
        "10:7",
        &["names no url"],
    ),
    wrong(
        ("provider = \"docspace\"", "provider = \"docspaec\""),
        "24:12",
        &["no provider `docspaec`", "did you mean `docspace`?"],
    ),
    wrong(
        ("provider = \"docspace\"", "provider = \"port\""),
        "26:9",
        &["a tenant of Port has no `token`", "client_id"],
    ),
    wrong(
        ("kind = \"csv\"", "kind = \"cvs\""),
        "17:8",
        &["`cvs` is not one of", "did you mean `csv`?"],
    ),
    wrong(
        ("kind = \"csv\"", "kind = \"scim\""),
        "18:8",
        &["a directory of the kind `scim` has no `path`"],
    ),
    wrong(
        (
            "contains = \"everybody\"",
            "contains = \"everybody\"\ndate_format = \"european\"",
        ),
        "21:15",
        &["no way to write a day", "day-first"],
    ),
    wrong(
        (
            "contains = \"everybody\"",
            "contains = \"everybody\"\nencoding = \"latin-1\"",
        ),
        "21:12",
        &["`latin-1` is not one of", "utf-8"],
    ),
    wrong(
        (
            "contains = \"everybody\"",
            "contains = \"everybody\"\nleft_when = [{ attribute = \"a\", values = [] }]",
        ),
        "21:13",
        &["without an attribute or a value"],
    ),
    wrong(
        (
            "base = \"dc=example,dc=com\"",
            "base = \"dc=example,dc=com\"\nmax_age_days = 3",
        ),
        "14:16",
        &["a directory of the kind `ldap` has no `max_age_days`"],
    ),
    wrong(
        ("flavor = \"openldap\"", "flavor = \"open-ldap\""),
        "9:10",
        &["did you mean `openldap`?"],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"openldap\"\nexact_last_login = true",
        ),
        "10:20",
        &["only Active Directory has", "leave it out"],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"active-directory\"\nleavers_units = [\"Leavers\"]",
        ),
        "10:17",
        &["`leavers_units` is no distinguished name", "ou=People"],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"active-directory\"\ngroup = \"SaaS-Users\"",
        ),
        "10:9",
        &["`group` is no distinguished name"],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"389ds\"\nleave_date = \"last day\"",
        ),
        "10:14",
        &["`leave_date` names what cannot be an attribute"],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"openldap\"\npreserved_base = \"cn=deleted users,dc=x\"",
        ),
        "10:18",
        &["only FreeIPA has", "flavor = \"389ds\""],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"openldap\"\nleft_when = [{ attribute = \"employeeType\", values = [] }]",
        ),
        "10:13",
        &["left_when without values"],
    ),
    wrong(
        (
            "flavor = \"openldap\"",
            "flavor = \"openldap\"\nleft_when = [{ attribute = \"employeeType\" }]",
        ),
        "10:14",
        &["`values` is missing", "terminated"],
    ),
    wrong(
        (
            "path = \"people.csv\"",
            "path = \"people.csv\"\ngroup = \"cn=staff,dc=x\"",
        ),
        "19:9",
        &["kind `csv` has no `group`"],
    ),
    wrong(
        (
            "sqlite:exeunt.db",
            "postgres://exeunt:HUSH-hush@db.example.com/exeunt",
        ),
        "2:7",
        &["`postgres:` is not built yet", "url = \"sqlite:FILE\""],
    ),
    wrong(
        ("sqlite:exeunt-vault.db", "exeunt-vault.db"),
        "3:9",
        &["no address of a database"],
    ),
    wrong(
        ("origin = \"example.com/exeunt\"", "origin = \"our log\""),
        "4:10",
        &["`origin`"],
    ),
    wrong(
        ("contains = \"everybody\"\n", ""),
        "15:1",
        &["`contains` is missing", "\"leavers\""],
    ),
    wrong(
        ("columns = { key = \"id\", mail", "columns = { mail"),
        "19:11",
        &["`columns.key` is missing", "first line"],
    ),
    wrong(
        (
            "columns = { key = \"id\", mail = \"mail\"",
            "columns = { key = \"mail\", mail = \"mail\"",
        ),
        "15:1",
        &["mail address as the key"],
    ),
    wrong(
        ("name = \"name\" }", "naem = \"name\" }"),
        "19:40",
        &["did you mean `name`?"],
    ),
    wrong(
        (
            "path = \"people.csv\"",
            "path = \"people.csv\"\nbase = \"dc=example\"",
        ),
        "19:8",
        &["kind `csv` has no `base`", "correct `kind`"],
    ),
    wrong(
        (
            "path = \"people.csv\"",
            "path = \"people.csv\"\nleave_date = \"left\"",
        ),
        "19:14",
        &["columns = { leave_date"],
    ),
    wrong(
        ("name = \"hr\"", "name = \"corp\""),
        "16:8",
        &["two", "called `corp`"],
    ),
    wrong(
        ("name = \"hr\"", "name = \"h r\""),
        "16:8",
        &["letters, digits"],
    ),
    wrong(
        ("name = \"leavers\"", "name = \"idle\""),
        "40:8",
        &["two policies are called"],
    ),
    wrong(
        ("tenants = [\"portal\"]", "tenants = [\"potral\"]"),
        "43:21",
        &["called `potral`", "did you mean `portal`?"],
    ),
    wrong(
        ("directory = \"hr\"", "directory = \"HQ\""),
        "43:45",
        &["called `HQ`", "hr"],
    ),
    wrong(
        (
            "protect = [\"boss@example.com\"]",
            "protect = [\"the boss\"]",
        ),
        "27:11",
        &[
            "`the boss` in `protect` is not an address",
            "name@example.com",
        ],
    ),
    wrong(
        ("protect = [\"boss@example.com\"]", "protect = 3"),
        "27:11",
        &["a list of addresses"],
    ),
    wrong(
        (
            "protect = [\"boss@example.com\"]",
            "protect = { roles = [\"x\"] }",
        ),
        "27:11",
        &["not built yet"],
    ),
    wrong(
        (
            "ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\n\n",
            "ring = \"enforce\"\n\n",
        ),
        "33:1",
        &["`steps` is missing", "do = \"disable\""],
    ),
    wrong(
        (
            "ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\n\n",
            "ring = \"enforce\"\nsteps = []\n\n",
        ),
        "37:9",
        &["there are no steps"],
    ),
    wrong(
        ("ring = \"enforce\"\nsteps", "ring = \"enforced\"\nsteps"),
        "36:8",
        &["did you mean `enforce`?"],
    ),
    wrong(
        (
            "when = \"departed\"",
            "when = \"departed\"\non = \"20.1.2027\"",
        ),
        "36:6",
        &["`20.1.2027` is no day", "2027-01-20"],
    ),
    wrong(
        (
            "when = \"departed\"",
            "when = \"departed\"\non = \"2027-01-20\"",
        ),
        "36:6",
        &["only a policy for everyone"],
    ),
    wrong(
        (
            "when = \"departed\"",
            "when = \"departed\"\npilot_percent = 101",
        ),
        "36:17",
        &["101 is no share", "0 to 100"],
    ),
    wrong(
        (
            "when = \"departed\"",
            "when = \"everyone\"\napprovals = { disable = 0 }",
        ),
        "36:25",
        &["always approved", "at least 1"],
    ),
    wrong(
        ("notice_days = [30, 7]", "notice_days = [120]"),
        "45:15",
        &["a notice of 120 days", "fewer days"],
    ),
    wrong(
        ("notice_days = [30, 7]", "notice_days = []"),
        "45:15",
        &["must be warned first"],
    ),
    wrong(
        ("notice_days = [30, 7]", "notice_days = 30"),
        "45:15",
        &["a whole number", "a list"],
    ),
    wrong(
        ("after_days = 90", "after_days = \"90\""),
        "44:14",
        &["a text", "from 0 up"],
    ),
    wrong(
        ("after_days = 90", "after_days = -1"),
        "44:14",
        &["below 0", "from 0 up"],
    ),
    wrong(
        ("after_days = 90", "after_days = 0"),
        "44:14",
        &["at least 1"],
    ),
    wrong(
        ("after_days = 90", "after_days = 90\nafter_days = 91"),
        "45:1",
        &["second time"],
    ),
    wrong(
        ("key = \"ERER", "key = \"RERE="),
        "31:7",
        &["not an Ed25519 public key", "base64"],
    ),
    wrong(
        ("name = \"Ada\"", "name = \"Ada\"\nclasses = [\"disabel\"]"),
        "31:11",
        &["no class `disabel`", "did you mean `disable`?"],
    ),
    wrong(
        (
            "[[approver]]",
            "[limits]\nmax_drop_percent = 101\n\n[[approver]]",
        ),
        "30:20",
        &["101 is no share"],
    ),
    wrong(
        ("[[approver]]", "[limits.absent]\nreads = 1\n\n[[approver]]"),
        "30:9",
        &["one read alone", "at least 2"],
    ),
    wrong(("[[tenant]]", "[[tenant"), "22:9", &["this is not TOML"]),
    // the relay and the notices
    wrong(
        (
            "host = \"127.0.0.1\"",
            "host = \"smtp://relay.example.com\"",
        ),
        "50:8",
        &["the name of the relay alone", "`port` beside it"],
    ),
    wrong(("port = 9", "port = 0"), "51:8", &["no port 0", "587"]),
    wrong(
        ("port = 9", "port = \"587\""),
        "51:8",
        &["a text", "from 0 up"],
    ),
    wrong(
        (
            "host = \"127.0.0.1\"\nport = 9",
            "host = \"relay.example.com\"\nsecurity = \"none\"",
        ),
        "51:12",
        &["only by TLS", "starttls"],
    ),
    wrong(
        ("port = 9", "security = \"ssl\""),
        "51:12",
        &["not one of the words", "starttls"],
    ),
    wrong(
        (
            "user = \"exeunt\"\npassword = { file = \"password\" }",
            "user = \"exeunt\"",
        ),
        "52:8",
        &["without `password`"],
    ),
    wrong(
        (
            "user = \"exeunt\"\npassword = { file = \"password\" }",
            "password = { file = \"password\" }",
        ),
        "52:12",
        &["without `user`"],
    ),
    wrong(
        (
            "user = \"exeunt\"\npassword = { file = \"password\" }",
            "user = \"exeunt\"\npassword = \"sk-HUSH-hush-0123\"",
        ),
        "53:12",
        &["a secret itself", "{ env = \"NAME\" }"],
    ),
    wrong(
        (
            "from = \"Exeunt <exeunt@example.com>\"",
            "from = \"Exeunt\"",
        ),
        "54:8",
        &["no address that mails can come from", "exeunt@example.com"],
    ),
    wrong(
        ("port = 9", "limit_s = 0"),
        "51:11",
        &["no limit", "1 to 600"],
    ),
    wrong(
        ("port = 9", "port = 9\nca_file = \"no.pem\""),
        "52:11",
        &["cannot read certificates", "PEM"],
    ),
    wrong(
        (
            "language = \"de\"",
            "language = \"de\"\ntemplates = \"nowhere\"",
        ),
        "59:13",
        &["there is no directory", "notices export"],
    ),
    wrong(
        ("channel = \"smtp\"", "channel = \"webhook\""),
        "57:11",
        &["`webhook` is not built yet"],
    ),
    wrong(
        ("language = \"de\"", "language = \"es\""),
        "58:12",
        &["not one of the words"],
    ),
    wrong(
        ("reply_to = \"help@example.com\"", "reply_to = \"help\""),
        "59:12",
        &["no address", "help@example.com"],
    ),
];

/// A directory with a right configuration and what it needs.
fn workspace(toml: &str) -> Workspace {
    let ws = Workspace::new();
    ws.write("exeunt.toml", toml);
    ws.write("token", "sk-HUSH-hush-0123");
    ws.write("password", "HUSH-hush");
    ws
}

fn files(ws: &Workspace) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(ws.path("."))
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Whatever a mistake is about, nobody reads of our types, and no secret is repeated.
fn is_decent(screen: &str, case: &str) {
    let words = [
        "HUSH",
        "untagged",
        "struct ",
        "variant",
        "u64",
        "expected one of",
        "sequence",
        "serde",
        "hint: did you mean ``",
        "invalid type",
    ];
    for word in words {
        assert!(!screen.contains(word), "{case}\n`{word}`: {screen}");
    }
}

#[test]
fn a_right_configuration_makes_a_ledger() {
    let ws = workspace(&good());
    ws.run(&["init"]).exits(0);
    assert!(ws.path("exeunt.db").is_file());
}

#[test]
fn mistakes_in_the_file() {
    let mut failed = Vec::new();
    for case in IN_THE_FILE {
        let (old, new) = case.change;
        let good = good();
        assert!(good.contains(old), "{old}");
        let ws = workspace(&good.replacen(old, new, 1));
        let before = files(&ws);
        let ran = ws.run(&["init"]);
        let text = ran.screen();
        is_decent(&text, new);
        let place = format!("exeunt.toml:{}:", case.at);
        let missing: Vec<_> = case
            .says
            .iter()
            .filter(|says| !text.contains(**says))
            .collect();
        let right = ran.code == Some(78) && text.contains(&place) && missing.is_empty();
        if !right || files(&ws) != before {
            failed.push(format!(
                "{new}\n  wanted {place} {missing:?}\n  {:?} {text}",
                ran.code
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(IN_THE_FILE.len() >= 50);
}

#[test]
fn mistakes_append_nothing_to_a_ledger() {
    let ws = workspace(&good());
    ws.run(&["init"]).exits(0);
    let before = ws.json(&["verify"]);
    for case in IN_THE_FILE.iter().step_by(4) {
        let (old, new) = case.change;
        ws.write("exeunt.toml", &good().replacen(old, new, 1));
        for command in ["check", "sync", "plan", "run", "status"] {
            let ran = ws.run(&[command]).exits(78);
            is_decent(&ran.screen(), new);
        }
    }
    ws.write("exeunt.toml", &good());
    assert_eq!(ws.json(&["verify"]), before);
}

#[test]
fn secrets_that_are_not_there() {
    let ws = workspace(&good());
    ws.run(&["init"]).exits(0);
    let before = ws.json(&["verify"]);
    ws.write("empty", "\n");
    ws.write("two", "HUSH-hush\nsecond line\n");
    let token = "token = { file = \"token\" }";
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            token,
            "token = { env = \"NO_SUCH_NAME\" }",
            "26:9",
            &["NO_SUCH_NAME is not set"],
        ),
        (
            token,
            "token = { file = \"nowhere\" }",
            "26:9",
            &["nowhere cannot be read"],
        ),
        (token, "token = { file = \"empty\" }", "26:9", &["is empty"]),
        (token, "token = { file = \"two\" }", "26:9", &["line break"]),
        (
            token,
            "token = { command = [\"/nowhere/at-all\"] }",
            "26:9",
            &["cannot be started"],
        ),
        (
            token,
            "token = { command = [\"/bin/false\"] }",
            "26:9",
            &["ended with"],
        ),
        (token, "token = { command = [] }", "26:9", &["empty"]),
        (
            "{ file = \"password\" }",
            "{ file = \"empty\" }",
            "12:17",
            &["is empty"],
        ),
        (
            "{ file = \"password\" }",
            "{ env = \"NO_PASSWORD\" }",
            "12:17",
            &["NO_PASSWORD is not set"],
        ),
        (
            "[\"boss@example.com\"]",
            "{ file = \"nobody\" }",
            "27:11",
            &["nobody cannot be read"],
        ),
    ];
    for (old, new, at, says) in cases {
        ws.write("exeunt.toml", &good().replacen(old, new, 1));
        for command in ["check", "sync", "run"] {
            let ran = ws
                .run(&[command])
                .exits(78)
                .says(&format!("exeunt.toml:{at}: "));
            is_decent(&ran.screen(), new);
            for text in *says {
                assert!(ran.err.contains(text), "{new}: `{text}` in {}", ran.err);
            }
        }
    }
    ws.write("exeunt.toml", &good());
    assert_eq!(ws.json(&["verify"]), before);
}

#[test]
fn there_is_no_configuration() {
    let ws = Workspace::new();
    for command in ["check", "sync", "plan", "status", "verify"] {
        ws.run(&[command])
            .exits(78)
            .says("exeunt.toml: there is no such file")
            .says("exeunt init");
    }
    ws.run(&["-C", "other.toml", "status"])
        .exits(78)
        .says("other.toml: there is no such file");
    assert!(files(&ws).is_empty());
}
