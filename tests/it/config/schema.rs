//! The JSON Schema of exeunt.toml knows every key that the program accepts, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use exeunt::config::Config;
use exeunt::domain::policy::LeaverTargets;
use exeunt::domain::policy::Limits;
use jsonschema::Validator;
use serde_json::Value;

use super::good;

const SCHEMA: &str = include_str!("../../../schema/exeunt.toml.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

fn as_json(text: &str) -> Value {
    let value: toml::Value = toml::from_str(text).unwrap();
    serde_json::to_value(value).unwrap()
}

/// The words that the program would have accepted in place of what stands there.
fn accepted(text: &str) -> BTreeSet<String> {
    let error = toml::from_str::<Config>(text).unwrap_err().to_string();
    let (_, expected) = error
        .split_once("expected ")
        .unwrap_or_else(|| panic!("{error}"));
    let words = expected.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

fn keys(schema: &Value) -> BTreeSet<String> {
    let properties = schema["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

/// Each table: where the schema has it, and a text with a key in it that nobody knows.
const TABLES: &[(&str, &str)] = &[
    ("", "nokey = 1"),
    ("/properties/ledger", "[ledger]\nnokey = 1"),
    ("/properties/directory/items", "[[directory]]\nnokey = 1"),
    (
        "/properties/directory/items/properties/tls",
        "[[directory]]\ntls = { nokey = 1 }",
    ),
    (
        "/properties/directory/items/properties/columns",
        "[[directory]]\ncolumns = { nokey = 1 }",
    ),
    (
        "/properties/directory/items/properties/left_when/items",
        "[[directory]]\nleft_when = [{ nokey = 1 }]",
    ),
    ("/properties/tenant/items", "[[tenant]]\nnokey = 1"),
    ("/properties/approver/items", "[[approver]]\nnokey = 1"),
    ("/properties/policy/items", "[[policy]]\nnokey = 1"),
    (
        "/properties/policy/items/properties/among",
        "[[policy]]\namong = { nokey = 1 }",
    ),
    (
        "/properties/policy/items/properties/steps/items",
        "[[policy]]\nsteps = [{ nokey = 1 }]",
    ),
    (
        "/properties/policy/items/properties/approvals",
        "[[policy]]\napprovals = { nokey = 1 }",
    ),
    ("/properties/limits", "[limits]\nnokey = 1"),
    (
        "/properties/limits/properties/breakers",
        "[limits.breakers]\nnokey = 1",
    ),
    (
        "/properties/limits/properties/absent",
        "[limits.absent]\nnokey = 1",
    ),
    ("/properties/leavers", "[leavers]\nnokey = 1"),
    ("/properties/notices", "[notices]\nnokey = 1"),
    ("/properties/notify", "[notify]\nnokey = 1"),
    ("/properties/smtp", "[smtp]\nnokey = 1"),
    ("/properties/alert", "[alert]\nnokey = 1"),
    (
        "/properties/alert/properties/webhook",
        "[alert]\nwebhook = { nokey = 1 }",
    ),
];

#[test]
fn every_key_that_the_program_accepts_is_in_it_and_none_other() {
    let schema = schema();
    for (place, text) in TABLES {
        let table = schema.pointer(place).unwrap();
        let mut program = accepted(text);
        if place.is_empty() {
            // the other name of [notices], which the message may leave out
            program.insert("notify".to_owned());
        }
        assert_eq!(keys(table), program, "{place}");
        assert_eq!(table["additionalProperties"], false, "{place}");
    }
    let forms = schema["$defs"]["secret"]["oneOf"].as_array().unwrap();
    let forms: BTreeSet<_> = forms.iter().flat_map(keys).collect();
    assert_eq!(forms, accepted("[[tenant]]\ntoken = { nokey = 1 }"));
}

/// Each list of words: where the schema has it, and a text with a word that nobody knows.
const WORDS: &[(&str, &str)] = &[
    (
        "directory/items/properties/kind",
        "[[directory]]\nkind = \"x\"",
    ),
    (
        "directory/items/properties/role",
        "[[directory]]\nrole = \"x\"",
    ),
    (
        "directory/items/properties/flavor",
        "[[directory]]\nflavor = \"x\"",
    ),
    (
        "directory/items/properties/encoding",
        "[[directory]]\nencoding = \"x\"",
    ),
    (
        "directory/items/properties/contains",
        "[[directory]]\ncontains = \"x\"",
    ),
    (
        "tenant/items/properties/correlate/items",
        "[[tenant]]\ncorrelate = [\"x\"]",
    ),
    ("policy/items/properties/when", "[[policy]]\nwhen = \"x\""),
    ("policy/items/properties/ring", "[[policy]]\nring = \"x\""),
    (
        "policy/items/properties/among/properties/types/items",
        "[[policy]]\namong = { types = [\"x\"] }",
    ),
    (
        "tenant/items/properties/succession/items",
        "[[tenant]]\nsuccession = [\"x\"]",
    ),
    (
        "tenant/items/properties/language",
        "[[tenant]]\nlanguage = \"x\"",
    ),
    ("notices/properties/channel", "[notices]\nchannel = \"x\""),
    ("notices/properties/language", "[notices]\nlanguage = \"x\""),
    ("smtp/properties/security", "[smtp]\nsecurity = \"x\""),
    ("alert/properties/summary", "[alert]\nsummary = \"x\""),
    ("alert/properties/kinds/items", "[alert]\nkinds = [\"x\"]"),
];

fn words(schema: &Value, place: &str) -> BTreeSet<String> {
    let list = schema.pointer(&format!("/properties/{place}")).unwrap();
    let list = list["enum"].as_array().unwrap();
    list.iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_word_that_the_program_accepts_is_in_it_and_none_other() {
    let schema = schema();
    for (place, text) in WORDS {
        assert_eq!(words(&schema, place), accepted(text), "{place}");
    }
    let kinds = exeunt::provider::KINDS.iter();
    let kinds: BTreeSet<_> = kinds.map(|kind| kind.name.to_owned()).collect();
    assert_eq!(words(&schema, "tenant/items/properties/provider"), kinds);
    // handing over, revoking and giving back are never steps of a policy
    let mut does = accepted("[[policy]]\nsteps = [{ do = \"x\" }]");
    for never in ["transfer", "revoke", "restore"] {
        assert!(does.remove(never), "{never}");
    }
    for key in ["do", "substitute"] {
        let place = format!("policy/items/properties/steps/items/properties/{key}");
        assert_eq!(words(&schema, &place), does, "{place}");
    }
}

/// What every editor shows while somebody types: no key without it.
fn described(place: &str, property: &Value, required: bool) {
    let says = property["description"].as_str().unwrap_or_default();
    assert!(says.len() > 8, "{place} is not described");
    let absent = property.get("default").is_some() || says.contains("If absent: ");
    assert!(required || absent, "{place}: what if it is absent?");
    if property["type"] == "integer" {
        let units = [
            "day",
            "hour",
            "minute",
            "second",
            "percent",
            "thousandth",
            "many",
            "number",
        ];
        let unit = units.iter().any(|unit| says.contains(unit));
        assert!(
            unit || says.contains("How often"),
            "{place}: in which unit?"
        );
    }
}

fn each_property(place: &str, schema: &Value, see: &mut impl FnMut(&str, &Value, bool)) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{key}");
        see(&place, property, required.contains(&key.as_str().into()));
        each_property(&place, property, see);
        each_property(&place, &property["items"], see);
        for form in property["oneOf"].as_array().into_iter().flatten() {
            each_property(&place, form, see);
        }
    }
}

#[test]
fn every_key_has_a_description_and_a_default_or_what_its_absence_means() {
    let mut count = 0;
    each_property("", &schema(), &mut |place, property, required| {
        described(place, property, required);
        count += 1;
    });
    assert!(count > 120, "{count}");
}

/// The defaults of a table of numbers, as the schema has them.
fn defaults(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().unwrap();
    let each = properties.iter().map(|(key, property)| {
        let inner = property.get("properties").map(|_| defaults(property));
        (key.clone(), inner.unwrap_or(property["default"].clone()))
    });
    Value::Object(each.collect())
}

#[test]
fn its_defaults_are_those_of_the_program() {
    let schema = schema();
    let of = |name: &str| defaults(&schema["properties"][name]);
    assert_eq!(
        of("limits"),
        serde_json::to_value(Limits::default()).unwrap()
    );
    let targets = serde_json::to_value(LeaverTargets::default()).unwrap();
    assert_eq!(of("leavers"), targets);
    let config: Config = toml::from_str("").unwrap();
    let ledger = of("ledger");
    assert_eq!(ledger["url"], config.ledger.url);
    assert_eq!(ledger["vault"], config.ledger.vault);
    assert_eq!(ledger["origin"], config.ledger.origin);
    assert_eq!(ledger["head"], config.ledger.head.to_str().unwrap());
    assert_eq!(ledger["keys"], config.ledger.keys.to_str().unwrap());
    assert_eq!(ledger["sandbox"], config.ledger.sandbox);
    let notices = config.notices.file.to_str().unwrap();
    assert_eq!(of("notices")["file"], notices);
}

/// The blocks of TOML in a document.
fn blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn what_is_documented_fits_it() {
    let validator = validator();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![good()];
    for file in [
        "README.md",
        "docs/OPERATIONS.md",
        "docs/DIRECTORIES.md",
        "docs/PROVIDERS.md",
    ] {
        texts.extend(blocks(&std::fs::read_to_string(root.join(file)).unwrap()));
    }
    let template = root.join("src/cli/exeunt.toml");
    texts.push(std::fs::read_to_string(template).unwrap());
    // what is a whole configuration to the program is one to the schema
    texts.retain(|text| toml::from_str::<Config>(text).is_ok());
    for text in &texts {
        let json = as_json(text);
        let wrong: Vec<_> = validator
            .iter_errors(&json)
            .map(|e| e.to_string())
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{text}");
    }
    assert!(texts.len() > 8, "{}", texts.len());
}

/// Mistakes of shape: what is replaced, and by what.
const SHAPES: &[(&str, &str)] = &[
    ("origin =", "orgin ="),
    ("[[tenant]]", "[[tennant]]"),
    ("bind_dn =", "bind_nd ="),
    ("token = { file = \"token\" }", "token = \"sk-hush\""),
    ("token = { file = \"token\" }", "token = [\"sk-hush\"]"),
    (
        "token = { file = \"token\" }",
        "token = { file = \"token\", env = \"X\" }",
    ),
    (
        "token = { file = \"token\" }",
        "token = { value = \"sk-hush\" }",
    ),
    ("[\"ldap://127.0.0.1:9\"]", "7"),
    ("provider = \"docspace\"", "provider = \"docspaec\""),
    ("kind = \"csv\"", "kind = \"cvs\""),
    ("flavor = \"openldap\"", "flavor = \"open-ldap\""),
    ("sqlite:exeunt.db", "postgres://db.example.com/exeunt"),
    ("sqlite:exeunt-vault.db", "exeunt-vault.db"),
    ("origin = \"example.com/exeunt\"", "origin = \"our log\""),
    ("name = \"name\" }", "naem = \"name\" }"),
    ("after_days = 90", "after_days = \"90\""),
    ("after_days = 90", "after_days = -90"),
    ("ring = \"enforce\"", "ring = \"enforced\""),
    ("when = \"departed\"\n", ""),
    ("when = \"departed\"", "when = \"gone\""),
    (
        "steps = [{ do = \"disable\" }]",
        "steps = [{ does = \"disable\" }]",
    ),
    (
        "steps = [{ do = \"disable\" }]",
        "steps = [{ do = \"transfer\" }]",
    ),
    (
        "steps = [{ do = \"disable\" }]",
        "steps = { do = \"disable\" }",
    ),
    (
        "protect = [\"boss@example.com\"]",
        "protect = { roles = [\"admin\"] }",
    ),
    (
        "protect = [\"boss@example.com\"]",
        "protect = \"boss@example.com\"",
    ),
];

#[test]
fn a_mistake_of_shape_is_one_to_the_program_and_to_the_editor() {
    let validator = validator();
    for (old, new) in SHAPES {
        let text = good();
        assert!(text.contains(old), "{old}");
        let text = text.replacen(old, new, 1);
        assert!(Config::parse(&text, "exeunt.toml").is_err(), "{new}");
        assert!(!validator.is_valid(&as_json(&text)), "{new}");
    }
}
