//! One run over all tenants, one of which fails: the others are read and acted on unharmed, and the
//! failure is said.

use std::collections::BTreeSet;

use exeunt::domain::account::Do;
use exeunt::provider::KINDS;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::Value;
use serde_json::json;

use crate::common::workspace::Workspace;
use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::truth;
use crate::provider::conformance::truth::Standing;

/// How many have left: all their accounts together are fewer than a first plan's day lets through.
const LEAVERS: usize = 1;

/// Every tenant of the estate, a list of people, and a policy for those who have left.
struct Estate {
    ws: Workspace,
    tenants: Vec<One>,
    leavers: Vec<String>,
}

fn population() -> Population {
    Population {
        admins: 1,
        ..Population::of(24, 100)
    }
}

fn steps_of(provider: &str) -> Do {
    let kind = KINDS.iter().find(|kind| kind.name == provider).unwrap();
    kind.steps[0].does
}

impl Estate {
    async fn open() -> Self {
        let tenants: Vec<_> = cases()
            .into_iter()
            .map(|(_, start)| Plan::new(start, population()).open())
            .collect();
        let mut plain: Option<BTreeSet<String>> = None;
        let mut heirs = Vec::new();
        for one in &tenants {
            let (people, heir) = one.staff().await;
            let here: BTreeSet<_> = people.into_iter().filter_map(|p| p.email).collect();
            plain = Some(match plain {
                Some(plain) => plain.intersection(&here).cloned().collect(),
                None => here,
            });
            heirs.push(heir.email.unwrap());
        }
        let leavers: Vec<_> = plain.unwrap().into_iter().take(LEAVERS).collect();
        assert_eq!(leavers.len(), LEAVERS);
        let ws = Workspace::new();
        write_people(&ws, &population(), &[]);
        let mut sections = vec![HR.to_owned()];
        for (one, heir) in tenants.iter().zip(heirs) {
            sections.push(section(&ws, one, &heir));
        }
        sections.push(policies(&tenants));
        let sections: Vec<_> = sections.iter().map(String::as_str).collect();
        ws.configure(&sections);
        ws.run(&["init"]).exits(0);
        ws.run(&["sync"]).exits(0);
        // They leave after their accounts were first seen: some tenants tell no other age.
        write_people(&ws, &population(), &leavers);
        Self {
            ws,
            tenants,
            leavers,
        }
    }

    fn gone_from(&self, one: &One) -> bool {
        let done = |e: &String| truth::standing(one, e) != Standing::Usable;
        let count = self.leavers.iter().filter(|e| done(e)).count();
        assert!(count == 0 || count == LEAVERS, "{}: {count}", one.name());
        count == LEAVERS
    }
}

/// The section of the list of people.
pub(crate) const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"people.csv\"\n\
     contains = \"everybody\"\ncolumns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n";

/// Writes the list of people, in which some have left just now.
pub(crate) fn write_people(ws: &Workspace, population: &Population, leavers: &[String]) {
    let mut text = "id,mail,left\n".to_owned();
    for number in 0..population.accounts {
        let person = population.identity(number);
        let left = match leavers.contains(&person.mail) {
            true => chrono::Utc::now().to_rfc3339(),
            false => String::new(),
        };
        text += &format!("{},{},{left}\n", person.employee_number, person.mail);
    }
    ws.write("people.csv", &text);
}

/// The section of a tenant under its provider's name, with its secrets in files.
pub(crate) fn section(ws: &Workspace, one: &One, heir: &str) -> String {
    for (file, secret) in one.rehearsal.files(one.name()) {
        ws.write(&file, &secret);
    }
    if one.name() == "alteryx" {
        // The adapter of this test has used the first one, which works once.
        let origin = json!({ "origin": one.rehearsal.url });
        let pair = one.rehearsal.control.call("issue_tokens", origin).unwrap();
        ws.write(
            "alteryx.refresh_token",
            pair["refresh_token"].as_str().unwrap(),
        );
    }
    let keys = one.adapter.kind().keys;
    let successor = match keys.iter().any(|key| key.name == "successor") {
        true => format!("successor = \"{heir}\"\n"),
        false => String::new(),
    };
    let toml = one.rehearsal.toml(one.name());
    format!("{toml}{successor}attempts = 1\nrequest_limit_s = 5\n")
}

/// The mildest step that each tenant can do, once one person has approved.
pub(crate) fn policies(tenants: &[One]) -> String {
    let mut text = String::new();
    for does in [Do::Disable, Do::Remove] {
        let of = |one: &&One| steps_of(one.name()) == does;
        let named: Vec<_> = tenants.iter().filter(of).map(One::name).collect();
        if named.is_empty() {
            continue;
        }
        let does = does.as_str();
        text += &format!(
            "[[policy]]\nname = \"leavers-{does}\"\nwhen = \"departed\"\nring = \"enforce\"\n\
             among = {{ tenants = {named:?} }}\nsteps = [{{ do = \"{does}\" }}]\n\
             approvals = {{ {does} = 1 }}\n\n"
        );
    }
    text
}

/// Reads while one tenant fails.
fn reads_the_others(estate: &Estate, failing: usize, failure: &Failure) {
    let ws = &estate.ws;
    let one = &estate.tenants[failing];
    let rule = FaultRule::always(Matcher::default(), failure.fault.clone());
    one.rehearsal.control.add_fault(rule);
    ws.run(&["sync"]).exits(failure.code).says(one.name());
    for other in &estate.tenants {
        let read = ws.last_read(other.name());
        if other.name() == one.name() {
            assert_ne!(read["verdict"], "complete", "{read}");
            let because = read["because"].to_string();
            let said = failure.because.iter().any(|code| because.contains(code));
            assert!(said, "{}: {because}", one.name());
        } else {
            assert_eq!(read["verdict"], "complete", "{read}");
        }
    }
    one.rehearsal.control.clear_faults();
}

/// How a tenant fails, with what `sync` ends with and says.
struct Failure {
    fault: Fault,
    code: i32,
    because: &'static [&'static str],
}

fn failures() -> [Failure; 3] {
    let status = |status| Fault::Status { status, body: None };
    let failure = |fault, code, because| Failure {
        fault,
        code,
        because,
    };
    [
        failure(status(503), 69, &["read.unreachable"]),
        failure(status(401), 4, &["read.credentials", "read.rights"]),
        failure(Fault::Drop, 69, &["read.unreachable"]),
    ]
}

/// An estate with an approved plan for all its tenants, which waits for nothing but the deed.
async fn approved() -> Estate {
    let estate = Estate::open().await;
    let ws = &estate.ws;
    ws.run(&["sync"]).exits(0);
    ws.run(&["plan", "--out", "plan.json"]).exits(0);
    let plan: Value = serde_json::from_str(&ws.read("plan.json")).unwrap();
    let steps = plan["steps"].as_array().unwrap().len();
    assert_eq!(steps, LEAVERS * estate.tenants.len(), "{plan}");
    let steps = steps.to_string();
    ws.run(&["approve", "plan.json", "--confirm", &steps])
        .exits(0);
    let release = ["breaker", "release", "plan.json", "--reason", "they left"];
    ws.run(&release).exits(0);
    estate
}

/// Acts while one tenant fails, then once more.
async fn acts_on_the_others(command: &[&str], failure: &Failure, failing: usize) {
    let estate = approved().await;
    let ws = &estate.ws;
    let one = &estate.tenants[failing];
    let rule = FaultRule::always(Matcher::default(), failure.fault.clone());
    one.rehearsal.control.add_fault(rule);
    let ran = ws.run(command).exits(3).says(one.name());
    let screen = ran.screen();
    for other in &estate.tenants {
        let is_failing = other.name() == one.name();
        let about = format!("{} fails: {}: {screen}", one.name(), other.name());
        assert_eq!(estate.gone_from(other), !is_failing, "{about}");
    }
    if command.contains(&"--json") {
        names_the_failing_one(&ran.json(), one.name(), failure, estate.tenants.len());
    }
    one.rehearsal.control.clear_faults();
    ws.run(command).exits(0);
    assert!(estate.gone_from(one), "{}", one.name());
    ws.is_sound();
}

/// Fails unless exactly one source is not whole, says why, and has the only step that is not done.
fn names_the_failing_one(document: &Value, failing: &str, failure: &Failure, tenants: usize) {
    assert_eq!(document["exit"], 3, "{document}");
    let sources = document["sources"].as_array().unwrap();
    // the directory is one of them
    assert_eq!(sources.len(), tenants + 1, "{document}");
    for source in sources {
        let fails = source["source"] == failing;
        assert_eq!(source["verdict"] != "complete", fails, "{source}");
        let because = source["because"].to_string();
        let said = failure.because.iter().any(|code| because.contains(code));
        assert!(said || !fails, "{source}");
    }
    let items = document["items"].as_array().unwrap();
    assert_eq!(items.len(), LEAVERS * tenants, "{document}");
    for item in items {
        let fails = item["tenant"] == failing;
        assert_eq!(item["result"] != "done", fails, "{item}");
        assert_eq!(item["because"].is_string(), fails, "{item}");
    }
}

#[tokio::test]
async fn while_one_tenant_fails_the_others_are_read() {
    let estate = Estate::open().await;
    let failures = failures();
    for failing in 0..estate.tenants.len() {
        reads_the_others(&estate, failing, &failures[failing % failures.len()]);
    }
    estate.ws.run(&["sync"]).exits(0);
}

#[tokio::test]
async fn while_one_tenant_fails_the_others_are_acted_on_and_it_is_made_up_for() {
    let failures = failures();
    for failing in 0..cases().len() {
        let failure = &failures[(failing + 1) % failures.len()];
        acts_on_the_others(&["apply", "plan.json"], failure, failing).await;
    }
}

#[tokio::test]
async fn one_run_acts_on_the_others_while_one_tenant_fails_and_the_next_makes_up_for_it() {
    let failures = failures();
    for failing in 0..cases().len() {
        let failure = &failures[failing % failures.len()];
        acts_on_the_others(&["run", "--json"], failure, failing).await;
    }
}
