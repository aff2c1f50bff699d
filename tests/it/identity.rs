//! Whose accounts are: a list of people, a SCIM tenant that knows identifiers, and the real binary.

use chrono::TimeDelta;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::scim::Scim;
use exeunt::sandbox::scim::ScimHandle;
use exeunt::sandbox::scim::ScimOptions;
use exeunt::sandbox::scim::User;
use serde_json::Value;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::json::fits;

mod orphans;
mod returning;
mod rules;
mod said;

/// Leavers are removed at once, when one person has approved.
pub(crate) const REMOVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"remove\" }]\napprovals = { remove = 1 }\n\
     [limits.absent]\nover_minutes = 0\n";

/// One entry of the list of people.
#[derive(Clone)]
struct Person {
    key: String,
    number: String,
    mails: Vec<String>,
    left: bool,
}

fn person(key: &str, number: &str, mails: &[&str]) -> Person {
    Person {
        key: key.to_owned(),
        number: number.to_owned(),
        mails: mails.iter().map(|m| (*m).to_owned()).collect(),
        left: false,
    }
}

fn left(key: &str, number: &str, mails: &[&str]) -> Person {
    Person {
        left: true,
        ..person(key, number, mails)
    }
}

/// The list of people as an LDIF file.
const LDIF: &str = "[[directory]]\nname = \"staff\"\nkind = \"ldif\"\npath = \"staff.ldif\"\n\
     key = \"uid\"\nleave_date = \"hrEnd\"\ncontains = \"everybody\"\n";

/// The same as a CSV file, which has one address for each.
const CSV: &str = "[[directory]]\nname = \"staff\"\nkind = \"csv\"\npath = \"staff.csv\"\n\
     contains = \"everybody\"\ncolumns = { key = \"uid\", mail = \"mail\", \
     employee_number = \"number\", leave_date = \"end\" }\n";

struct Town {
    tenant: ScimHandle,
    ws: Workspace,
}

impl Town {
    /// A tenant `desk` without users and a directory `staff`; `tenant` are more lines of the tenant,
    /// `more` more sections.
    fn new(tenant: &str, more: &str) -> Self {
        Self::with(LDIF, tenant, more)
    }

    fn with(staff: &str, tenant: &str, more: &str) -> Self {
        let population = Population {
            accounts: 0,
            ..Population::default()
        };
        let desk = Scim::start(ScimOptions {
            population,
            ..ScimOptions::default()
        })
        .unwrap();
        let ws = Workspace::new();
        ws.write("desk.token", &desk.credentials().bearer);
        let portal = format!(
            "[[tenant]]\nname = \"desk\"\nprovider = \"scim\"\nurl = \"{}\"\n\
             token = {{ file = \"desk.token\" }}\nrequest_limit_s = 5\nattempts = 1\n{tenant}\n",
            desk.base_url()
        );
        ws.configure(&[staff, &portal, more]);
        ws.run(&["init"]).exits(0);
        Self { tenant: desk, ws }
    }

    /// Writes the list of people anew.
    fn people(&self, people: &[Person]) {
        let mut text = String::new();
        for one in people {
            let (key, number) = (&one.key, &one.number);
            text.push_str(&format!(
                "dn: uid={key},dc=town\nuid: {key}\nemployeeNumber: {number}\n"
            ));
            for mail in &one.mails {
                text.push_str(&format!("mail: {mail}\n"));
            }
            if one.left {
                text.push_str("hrEnd: 2026-01-31\n");
            }
            text.push('\n');
        }
        self.ws.write("staff.ldif", &text);
        let rows = people.iter().map(|one| {
            let (mail, end) = (
                one.mails.join(" "),
                if one.left { "2026-01-31" } else { "" },
            );
            format!("{},{},{mail},{end}\n", one.key, one.number)
        });
        let rows: String = rows.collect();
        self.ws
            .write("staff.csv", &format!("uid,number,mail,end\n{rows}"));
    }

    /// Adds an account that is a year old.
    fn account(&self, id: &str, email: &str, change: impl FnOnce(&mut User)) {
        let control = self.tenant.control();
        let mut user = User::new(email, control.now() - TimeDelta::days(3650));
        user.id = id.to_owned();
        user.email = Some(email.to_owned());
        change(&mut user);
        control.with(|scim| scim.add_user(user));
    }

    fn sync(&self) -> Ran {
        self.ws.run(&["sync"]).exits(0)
    }

    /// The pseudonym of an account.
    fn sub(&self, id: &str) -> String {
        let items = self.ws.items(&["accounts"]);
        let own = items.iter().find(|i| i["account"] == id);
        own.unwrap_or_else(|| panic!("no account {id}"))["subject"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The pseudonym of a person, by key.
    fn person(&self, key: &str) -> String {
        let seen = self
            .ws
            .items(&["log", "--type", "person.observed", "--subject", key]);
        seen[0]["sub"].as_str().unwrap().to_owned()
    }

    /// The newest word of the rules about an account: `external-id ada`, a code, or `nobody`.
    fn link(&self, id: &str, people: &[&str]) -> String {
        let sub = self.sub(id);
        let mut says = "nobody".to_owned();
        for entry in self.ws.entries() {
            if entry["sub"] != sub.as_str() {
                continue;
            }
            let data = &entry["data"];
            match entry["type"].as_str().unwrap() {
                "link.made" => {
                    let keys = people.iter().find(|key| data["person"] == self.person(key));
                    says = format!("{} {}", data["rule"].as_str().unwrap(), keys.unwrap());
                }
                "link.withheld" => says = data["because"].as_str().unwrap().to_owned(),
                "link.cut" => says = "nobody".to_owned(),
                _ => {}
            }
        }
        says
    }

    /// The findings, as kind and account, sorted.
    fn findings(&self) -> Vec<(String, String)> {
        self.findings_at(&[])
    }

    fn findings_at(&self, args: &[&str]) -> Vec<(String, String)> {
        let document = self.ws.json(&[args, &["findings"]].concat());
        fits("findings", &document);
        let mut found: Vec<_> = document["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                let text = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
                (text("kind").replace("finding.", ""), text("account"))
            })
            .collect();
        found.sort();
        found
    }

    /// The ids of the accounts that a plan would act on.
    fn planned(&self) -> Vec<String> {
        let plan = self.ws.json(&["plan"]);
        let steps = plan["steps"].as_array().unwrap();
        let mut ids: Vec<_> = steps
            .iter()
            .map(|s| s["account"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }

    /// Plans, approves, releases and carries out.
    fn carry_out(&self) {
        let ws = &self.ws;
        ws.run(&["plan", "--out", "plan.json"]).exits(0);
        let plan: Value = serde_json::from_str(&ws.read("plan.json")).unwrap();
        let steps = plan["steps"].as_array().unwrap().len().to_string();
        ws.run(&["approve", "plan.json", "--confirm", &steps])
            .exits(0);
        let release = ["breaker", "release", "plan.json", "--reason", "looked"];
        ws.run(&release).exits(0);
        ws.run(&["apply", "plan.json"]).exits(0);
    }
}

fn kinds(found: &[(&str, &str)]) -> Vec<(String, String)> {
    found
        .iter()
        .map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned()))
        .collect()
}
