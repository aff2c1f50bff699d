//! A tenant, or two, of any size, and a list of everybody with leave dates.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use serde_json::Value;
use uuid::Uuid;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

/// Leavers are disabled by whatever run sees them.
pub(crate) const LEAVERS: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n";

/// So is whoever is silent for 90 days and was warned a day before.
pub(crate) const IDLE: &str = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\n\
     ring = \"enforce\"\nafter_days = 90\nnotice_days = [1]\nsteps = [{ do = \"disable\" }]\n\
     approvals = { disable = 0 }\n";

const LIST: &str = "[[directory]]\nname = \"staff\"\nkind = \"csv\"\npath = \"staff.csv\"\n\
     columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
     contains = \"everybody\"\n";

const SIGNED_IN: u16 = 1029;

pub(crate) struct Town {
    pub(crate) ws: Workspace,
    /// The tenant `portal`, then `lab` where there is one.
    tenants: Vec<DocSpaceHandle>,
    /// By key: the leave date, empty if there is none.
    staff: RefCell<BTreeMap<String, String>>,
    /// Logins that are not in the tenants' logs yet, which are in the order of time.
    logins: RefCell<Vec<(DateTime<Utc>, usize, Uuid)>>,
    /// By key: whose address it is, where it is not the key's own.
    also: RefCell<BTreeMap<String, String>>,
}

pub(crate) fn mail(name: &str) -> String {
    format!("{name}@town.test")
}

impl Town {
    /// On 2 March 2026, so many tenants that know nobody yet but an owner and the account of the key,
    /// who stand on the list as well.
    pub(crate) fn new(tenants: usize, sections: &[&str]) -> Self {
        let now = DateTime::parse_from_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let population = Population {
            accounts: 2,
            domain: "town.test".to_owned(),
            ..Population::default()
        };
        let options = DocSpaceOptions {
            population,
            now: Some(now.to_utc()),
            settings: Settings {
                cookie_enabled: true,
                ..Settings::default()
            },
            ..DocSpaceOptions::default()
        };
        let start = |_| DocSpace::start(options.clone()).unwrap();
        let tenants: Vec<_> = (0..tenants).map(start).collect();
        let ws = Workspace::clocked(tenants[0].control());
        let mut parts = vec![LIST.to_owned()];
        for (tenant, name) in tenants.iter().zip(["portal", "lab"]) {
            parts.push(section(&ws, tenant, name));
        }
        parts.extend(sections.iter().map(|s| (*s).to_owned()));
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        ws.configure(&parts);
        let staff = tenants[0].control().users();
        let name = |user: &User| user.email.split('@').next().unwrap().to_owned();
        let staff = staff.iter().map(|user| (name(user), String::new()));
        let town = Self {
            ws,
            staff: RefCell::new(staff.collect()),
            logins: RefCell::default(),
            also: RefCell::default(),
            tenants,
        };
        town.write();
        town
    }

    /// One tenant of so many accounts, whose people all stand on the list; the first contact is over:
    /// `early`, who had left before, is disabled.
    pub(crate) fn of(accounts: usize, sections: &[&str]) -> Self {
        let town = Self::new(1, sections);
        for n in 0..accounts - 3 {
            town.hire(0, &format!("p{n:03}"));
        }
        town.settle();
        assert_eq!(town.control(0).users().len(), accounts);
        town
    }

    /// Goes through the first contact with `early`, who has an account everywhere.
    pub(crate) fn settle(&self) {
        for tenant in 0..self.tenants.len() {
            self.hire(tenant, "early");
        }
        self.leaves(&["early"]);
        let mut logins = self.logins.take();
        logins.sort();
        for (at, tenant, id) in logins {
            self.control(tenant).add_login(id, at, SIGNED_IN);
        }
        self.ws.run(&["init"]).exits(0);
        self.ws.run(&["run"]).exits(5).says("first plan");
        self.release();
        self.ws.run(&["run"]).exits(0);
        for tenant in 0..self.tenants.len() {
            assert!(self.is_out(tenant, "early"));
        }
        self.hours(1);
    }

    pub(crate) fn control(&self, tenant: usize) -> Control {
        self.tenants[tenant].control()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.control(0).now()
    }

    pub(crate) fn seconds(&self, seconds: i64) {
        for tenant in &self.tenants {
            tenant.control().advance(seconds);
        }
    }

    pub(crate) fn hours(&self, hours: i64) {
        self.seconds(hours * 3600);
    }

    /// Gives somebody an account that was used yesterday, and a line in the list; before [`Town::settle`].
    pub(crate) fn hire(&self, tenant: usize, name: &str) {
        self.hire_silent(tenant, name, TimeDelta::days(1));
    }

    /// As [`Town::hire`], for somebody who signed in so long ago.
    pub(crate) fn hire_silent(&self, tenant: usize, name: &str, silent: TimeDelta) {
        let control = self.control(tenant);
        let id = Uuid::from_u128(0x70e0_0000 + control.users().len() as u128);
        let made = self.now() - TimeDelta::days(400);
        let user = User::new(id, "Some", name, &mail(name), Kind::User, made);
        control.add_user(user);
        let login = (self.now() - silent, tenant, id);
        self.logins.borrow_mut().push(login);
        self.staff
            .borrow_mut()
            .insert(name.to_owned(), String::new());
        self.write();
    }

    /// Writes it into the list that people left half an hour ago.
    pub(crate) fn leaves(&self, names: &[&str]) {
        let left = (self.now() - TimeDelta::minutes(30)).to_rfc3339();
        for name in names {
            self.staff
                .borrow_mut()
                .insert((*name).to_owned(), left.clone());
        }
        self.write();
    }

    /// Puts somebody on the list under a key of its own, with the address of another one.
    pub(crate) fn lists(&self, key: &str, address_of: &str) {
        self.staff
            .borrow_mut()
            .insert(key.to_owned(), String::new());
        self.also
            .borrow_mut()
            .insert(key.to_owned(), address_of.to_owned());
        self.write();
    }

    /// Takes it back that people leave.
    pub(crate) fn stays(&self, names: &[&str]) {
        for name in names {
            self.staff
                .borrow_mut()
                .insert((*name).to_owned(), String::new());
        }
        self.write();
    }

    /// Takes people off the list.
    pub(crate) fn loses(&self, names: &[&str]) {
        self.staff
            .borrow_mut()
            .retain(|name, _| !names.contains(&name.as_str()));
        self.write();
    }

    fn write(&self) {
        let mut csv = "id,mail,left\n".to_owned();
        for (name, left) in self.staff.borrow().iter() {
            let also = self.also.borrow();
            let address = mail(also.get(name).unwrap_or(name));
            csv.push_str(&format!("{name},{address},{left}\n"));
        }
        self.ws.write("staff.csv", &csv);
    }

    pub(crate) fn user(&self, tenant: usize, name: &str) -> User {
        self.control(tenant).find(&mail(name)).unwrap()
    }

    pub(crate) fn is_out(&self, tenant: usize, name: &str) -> bool {
        self.user(tenant, name).status == Status::Terminated
    }

    /// How many accounts of a tenant are disabled.
    pub(crate) fn out(&self, tenant: usize) -> usize {
        let mut users = self.control(tenant).users();
        users.retain(|user| user.status == Status::Terminated);
        users.len()
    }

    /// `run`, whatever it comes to.
    pub(crate) fn run(&self) -> Ran {
        self.ws.run(&["run"])
    }

    /// The open plans; a late leaver is no fault.
    pub(crate) fn plans(&self) -> Vec<Value> {
        self.status()["plans"].as_array().unwrap().clone()
    }

    pub(crate) fn status(&self) -> Value {
        self.ws.run(&["status", "--json"]).json()
    }

    /// Releases every open plan that a brake stops; how many.
    pub(crate) fn release(&self) -> usize {
        let mut released = 0;
        for plan in self.plans() {
            let digest = plan["digest"].as_str().unwrap();
            let ran = self
                .ws
                .run(&["breaker", "release", digest, "--reason", "read by HR"]);
            released += usize::from(ran.code == Some(0));
        }
        released
    }
}

fn section(ws: &Workspace, tenant: &DocSpaceHandle, name: &str) -> String {
    let file = format!("{name}.token");
    ws.write(&file, tenant.token());
    format!(
        "[[tenant]]\nname = \"{name}\"\nprovider = \"docspace\"\nurl = \"{}\"\n\
         token = {{ file = \"{file}\" }}\nrequest_limit_s = 5\nattempts = 1\n",
        tenant.url()
    )
}
