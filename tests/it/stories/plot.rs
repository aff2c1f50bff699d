//! A tenant, a directory in an LDIF file and HR's list in a CSV file, at a fixed time.

use std::cell::RefCell;

use chrono::DateTime;
use chrono::TimeDelta;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use insta::assert_snapshot;
use insta::with_settings;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::stage::scrubbed;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

pub(crate) const CORP: &str = "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"corp.ldif\"\n\
     key = \"uid\"\ncontains = \"everybody\"\n";
pub(crate) const HR: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n";
const LIMITS: &str = "[limits]\nmax_drop_percent = 100\nmax_drop_floor = 1000\n\
     [limits.absent]\nover_minutes = 0\n";

/// Leavers are disabled, and so many must approve.
pub(crate) fn leavers(approvals: u8) -> String {
    format!(
        "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
         steps = [{{ do = \"disable\" }}]\napprovals = {{ disable = {approvals} }}\n"
    )
}

/// One entry of the directory.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) uid: String,
    pub(crate) mail: String,
    pub(crate) unit: &'static str,
    pub(crate) disabled: bool,
}

pub(crate) struct Plot {
    pub(crate) tenant: DocSpaceHandle,
    pub(crate) ws: Workspace,
    corp: RefCell<Vec<Entry>>,
    hr: RefCell<Vec<(String, String, String)>>,
}

impl Plot {
    /// Starts on 2 March 2026 with the directory and HR's list, and goes through the first contact:
    /// Fay, who had left before, is disabled.
    pub(crate) fn start(approvals: u8) -> Self {
        Self::with(HR, &leavers(approvals))
    }

    pub(crate) fn with(hr: &str, policies: &str) -> Self {
        let now = DateTime::parse_from_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let population = Population {
            accounts: 2,
            ..Population::default()
        };
        let options = DocSpaceOptions {
            population,
            now: Some(now.to_utc()),
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        let ws = Workspace::clocked(tenant.control());
        let portal = ws.tenant(&tenant, "");
        ws.configure(&[CORP, hr, &portal, LIMITS, policies]);
        let plot = Self {
            tenant,
            ws,
            corp: RefCell::default(),
            hr: RefCell::default(),
        };
        plot.account("fay");
        plot.employ("fay");
        plot.change("fay", |fay| fay.disabled = true);
        plot.hired("fay", "2026-02-01");
        plot.ws.run(&["init"]).exits(0);
        plot.ws.run(&["run"]);
        let digest = plot.plans().first().unwrap()["digest"].clone();
        let digest = digest.as_str().unwrap();
        if policies.contains("disable = 1") {
            plot.approve(digest);
        }
        plot.ws
            .run(&["breaker", "release", digest, "--reason", "looked at it"])
            .exits(0);
        plot.run();
        assert_eq!(plot.status("fay"), Status::Terminated);
        plot.days(1);
        plot
    }

    pub(crate) fn control(&self) -> Control {
        self.tenant.control()
    }

    /// Makes an account `NAME@house.test`, 300 days old.
    pub(crate) fn account(&self, name: &str) -> Uuid {
        let number = 0xacc0_0000 + u128::from(name.bytes().map(u64::from).sum::<u64>());
        let id = Uuid::from_u128(number);
        let made = self.control().now() - TimeDelta::days(300);
        let user = User::new(id, "Some", name, &mail(name), Kind::User, made);
        self.control().add_user(user);
        id
    }

    pub(crate) fn status(&self, name: &str) -> Status {
        self.control().find(&mail(name)).unwrap().status
    }

    /// Puts somebody into the directory.
    pub(crate) fn employ(&self, uid: &str) {
        self.corp.borrow_mut().push(Entry {
            uid: uid.to_owned(),
            mail: mail(uid),
            unit: "people",
            disabled: false,
        });
        self.write();
    }

    pub(crate) fn change(&self, uid: &str, change: impl FnOnce(&mut Entry)) {
        let mut corp = self.corp.borrow_mut();
        change(corp.iter_mut().find(|entry| entry.uid == uid).unwrap());
        drop(corp);
        self.write();
    }

    /// Takes somebody out of the directory.
    pub(crate) fn delete(&self, uid: &str) {
        self.corp.borrow_mut().retain(|entry| entry.uid != uid);
        self.write();
    }

    /// Puts somebody on HR's list, or gives them another leave date there (none if empty).
    pub(crate) fn hired(&self, id: &str, left: &str) {
        let mut hr = self.hr.borrow_mut();
        hr.retain(|(known, _, _)| known != id);
        hr.push((id.to_owned(), mail(id), left.to_owned()));
        drop(hr);
        self.write();
    }

    /// Takes somebody off HR's list.
    pub(crate) fn unlisted(&self, id: &str) {
        self.hr.borrow_mut().retain(|(known, _, _)| known != id);
        self.write();
    }

    fn write(&self) {
        let mut ldif = String::new();
        for entry in self.corp.borrow().iter() {
            let Entry {
                uid, mail, unit, ..
            } = entry;
            ldif.push_str(&format!(
                "dn: uid={uid},ou={unit},dc=house,dc=test\nobjectClass: person\nuid: {uid}\n\
                 mail: {mail}\n"
            ));
            if entry.disabled {
                ldif.push_str("pwdAccountLockedTime: 000001010000Z\n");
            }
            ldif.push('\n');
        }
        self.ws.write("corp.ldif", &ldif);
        let mut csv = "id,mail,left\n".to_owned();
        for (id, mail, left) in self.hr.borrow().iter() {
            csv.push_str(&format!("{id},{mail},{left}\n"));
        }
        self.ws.write("hr.csv", &csv);
    }

    pub(crate) fn days(&self, days: i64) {
        self.control().advance(days * 86_400);
    }

    /// Runs, and an hour passes.
    #[track_caller]
    pub(crate) fn run(&self) -> Ran {
        let ran = self.ws.run(&["run"]).exits(0);
        self.control().advance(3600);
        ran
    }

    /// As [`Plot::run`], while a leaver is later than the target allows.
    #[track_caller]
    pub(crate) fn run_late(&self) -> Ran {
        let ran = self.ws.run(&["run"]).exits(3);
        self.control().advance(3600);
        ran
    }

    /// Reads, and an hour passes.
    #[track_caller]
    pub(crate) fn sync(&self) -> Ran {
        let ran = self.ws.run(&["sync"]).exits(0);
        self.control().advance(3600);
        ran
    }

    /// The open plans.
    pub(crate) fn plans(&self) -> Vec<Value> {
        // 3 where a leaver is late
        let status = self.ws.run(&["status", "--json"]);
        assert!(matches!(status.code, Some(0 | 3)), "{}", status.err);
        status.json()["plans"].as_array().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn approve(&self, digest: &str) {
        self.ws.run(&["approve", digest, "--confirm", "1"]).exits(0);
    }

    /// Approves and applies the one open plan, which must give an account back.
    #[track_caller]
    pub(crate) fn give_back(&self) {
        let plans = self.plans();
        assert_eq!(plans.len(), 1, "{plans:?}");
        assert_eq!(
            (&plans[0]["needed"], &plans[0]["approved"]),
            (&1.into(), &false.into())
        );
        let digest = plans[0]["digest"].as_str().unwrap().to_owned();
        self.ws
            .run(&["apply", &digest])
            .exits(5)
            .says("0 of 1 approvals");
        self.approve(&digest);
        self.ws.run(&["apply", &digest]).exits(0).says("restore");
    }

    /// The entries of one type since the first contact, about one account or person.
    pub(crate) fn about(&self, kind: &str, who: &str) -> Vec<Value> {
        self.ws.items(&["log", "--type", kind, "--subject", who])
    }

    /// Holds what `why` says to its snapshot, and the ledger to its rules.
    #[track_caller]
    pub(crate) fn tells(&self, name: &str, who: &str) {
        let json = self.ws.json(&["why", who]);
        crate::json::fits("why", &json);
        for account in json["accounts"].as_array().unwrap() {
            assert_eq!(account["decision"]["again"], "same", "{json:#}");
        }
        let ran = self.ws.run(&["why", who]).exits(0);
        let text = scrubbed(&format!("$ exeunt {}\n{}", ran.args, ran.out));
        with_settings!(
            { snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
            { assert_snapshot!(format!("story_{name}"), text) }
        );
        self.ws.is_sound();
    }
}

pub(crate) fn mail(name: &str) -> String {
    format!("{name}@house.test")
}
