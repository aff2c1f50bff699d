//! Ways in which a read can go wrong. After each of them nobody has departed by being absent, the
//! ledger says what was wrong, and `sync` ends with the right code and says what to do.

mod changed;
mod controllers;
mod files;
mod servers;
mod wire;

use std::collections::BTreeSet;

use crate::common::workspace::Workspace;

/// One way, as the table in docs/DIRECTORIES.md has it.
struct Way {
    /// The test's name, whose words are the way's name in the table.
    name: &'static str,
    /// The verdict in the ledger; `none` where nothing may be recorded.
    verdict: &'static str,
    code: &'static str,
    exit: i32,
}

/// Two complete reads show an absence, however soon they follow each other.
const AT_ONCE: &str = "[limits.absent]\nover_minutes = 0\n";

/// Makes a test of each way, and the list of them. `$stage` has a `ws` and starts sound.
macro_rules! ways {
    ($stage:ty: $($name:ident $verdict:literal $code:literal $exit:literal $spoil:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let stage = <$stage>::start();
                let spoil: fn(&$stage) = $spoil;
                let way = WAYS.iter().find(|w| w.name == stringify!($name)).unwrap();
                crate::directory::ways::goes_wrong(&stage.ws, way, || spoil(&stage));
            }
        )*
        pub(super) const WAYS: &[crate::directory::ways::Way] = &[$(
            crate::directory::ways::Way {
                name: stringify!($name),
                verdict: $verdict,
                code: $code,
                exit: $exit,
            },
        )*];
    };
}
use ways;

/// A good read, then the fault, then reads enough to show an absence if they were believed.
#[track_caller]
fn goes_wrong(ws: &Workspace, way: &Way, spoil: impl FnOnce()) {
    ws.run(&["sync"]).exits(0);
    spoil();
    let recorded = way.verdict != "none";
    // What a second read settles is doubted once.
    let doubted_once = [
        "read.other-server",
        "read.database-changed",
        "read.change-stepped-back",
    ];
    let times = if doubted_once.contains(&way.code) {
        1
    } else {
        2
    };
    for _ in 0..times {
        let ran = ws.run(&["sync"]).exits(way.exit);
        if recorded {
            let ran = ran.says(way.code).says("nothing rests on this read");
            let advises = way.verdict == "suspect" || ran.err.contains("hint:");
            assert!(advises, "nothing says what to do: {}", ran.screen());
        } else {
            ran.says("error:");
        }
    }
    let entries = ws.entries();
    let reads: Vec<_> = entries
        .iter()
        .filter(|e| e["type"] == "source.read")
        .collect();
    if recorded {
        let read = &reads.last().unwrap()["data"];
        assert_eq!(read["verdict"], way.verdict, "{read}");
        let because = read["because"].as_array().unwrap();
        assert!(because.iter().any(|c| c == way.code), "{read}");
    } else {
        assert_eq!(reads.len(), 1, "{reads:?}");
    }
    for kind in ["person.absent", "person.missed"] {
        assert!(
            entries.iter().all(|e| e["type"] != kind),
            "{kind}: {entries:?}"
        );
    }
    let departed = ws.items(&["departed"]);
    let explicit = |item: &serde_json::Value| item["strength"] != "absent";
    assert!(departed.iter().all(explicit), "{departed:?}");
}

/// A workspace whose only source is the directory `corp` of this section.
fn settled(ws: Workspace, section: &str) -> Workspace {
    ws.configure(&[section, AT_ONCE]);
    ws.run(&["init"]).exits(0);
    ws
}

/// A section for an LDAP directory on this machine.
fn ldap_section(ws: &Workspace, flavor: &str, urls: &[&str], base: &str, extra: &str) -> String {
    ws.write("corp.password", "a password of the tests");
    format!(
        "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"{flavor}\"\nurl = {urls:?}\n\
         bind_dn = \"cn=sync,ou=system,dc=house,dc=test\"\nbase = \"{base}\"\n\
         bind_password = {{ file = \"corp.password\" }}\npage_size = 3\nanswer_limit_s = 1\n\
         read_limit_s = 4\n{extra}\n"
    )
}

fn all() -> Vec<&'static Way> {
    let rooms = [
        wire::WAYS,
        servers::WAYS,
        changed::WAYS,
        controllers::WAYS,
        files::WAYS,
    ];
    rooms.into_iter().flatten().collect()
}

#[test]
fn the_documentation_lists_these_ways_and_no_others() {
    let text = std::fs::read_to_string("docs/DIRECTORIES.md").unwrap();
    let (_, section) = text
        .split_once("\n## Ways in which a read can go wrong\n")
        .unwrap();
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|l| l.starts_with("| "));
    let rows = lines.filter(|l| !l.starts_with("| way "));
    let documented: BTreeSet<Vec<String>> = rows
        .map(|row| {
            let cells = row.trim_matches('|').split(" | ").map(str::trim);
            let cells: Vec<_> = cells.map(str::to_owned).collect();
            let [way, verdict, exit, advice] = cells.as_slice() else {
                panic!("four columns: {row}")
            };
            assert!(!advice.is_empty(), "{row}");
            vec![way.clone(), verdict.clone(), exit.clone()]
        })
        .collect();
    let tested: BTreeSet<Vec<String>> = all()
        .iter()
        .map(|way| {
            vec![
                way.name.replace('_', " "),
                format!("{} `{}`", way.verdict, way.code),
                way.exit.to_string(),
            ]
        })
        .collect();
    let missing: Vec<_> = tested.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&tested).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in docs/DIRECTORIES.md: {missing:#?}\nno test: {unknown:#?}"
    );
    assert_eq!(tested.len(), all().len(), "each has a name of its own");
    assert!(tested.len() >= 40);
}
