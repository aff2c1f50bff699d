//! A real OpenLDAP server with the people of its seed, and a tenant in which some have accounts.

use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::RequestRecord;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use uuid::Uuid;

use crate::common::slapd::PEOPLE;
use crate::common::slapd::Slapd;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

/// Leavers are disabled once one person has approved.
pub(crate) const APPROVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";

/// Two complete reads show an absence, however soon they follow each other.
pub(crate) const AT_ONCE: &str = "[limits.absent]\nover_minutes = 0\n";

pub(crate) struct Estate {
    pub(crate) slapd: Slapd,
    pub(crate) tenant: DocSpaceHandle,
    pub(crate) ws: Workspace,
}

impl Estate {
    /// Starts both, with accounts for these addresses.
    pub(crate) fn start(accounts: &[&str], sections: &[&str]) -> Self {
        let slapd = Slapd::start();
        let population = Population {
            accounts: 2,
            ..Population::default()
        };
        let options = DocSpaceOptions {
            population,
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        let ws = Workspace::clocked(tenant.control());
        let corp = ws.slapd_directory(&slapd, "");
        let portal = ws.tenant(&tenant, "");
        ws.configure(&[&corp, &portal, &sections.join("\n")]);
        ws.run(&["init"]).exits(0);
        let estate = Self { slapd, tenant, ws };
        for (n, email) in accounts.iter().enumerate() {
            let id = Uuid::from_u128(0xacc0_0000 + n as u128);
            let made = estate.control().now() - chrono::TimeDelta::days(300);
            let user = User::new(id, "Some", "Body", email, Kind::User, made);
            estate.control().add_user(user);
        }
        estate
    }

    pub(crate) fn control(&self) -> Control {
        self.tenant.control()
    }

    pub(crate) fn user(&self, email: &str) -> User {
        self.control().find(email).unwrap()
    }

    pub(crate) fn set(&self, uid: &str, attribute: &str, value: &str) {
        self.slapd.modify(&format!(
            "dn: uid={uid},{PEOPLE}\nchangetype: modify\nreplace: {attribute}\n\
             {attribute}: {value}\n"
        ));
    }

    pub(crate) fn clear(&self, uid: &str, attribute: &str) {
        self.slapd.modify(&format!(
            "dn: uid={uid},{PEOPLE}\nchangetype: modify\ndelete: {attribute}\n"
        ));
    }

    /// What was asked of the tenant that is not a reading.
    pub(crate) fn sent(&self) -> Vec<RequestRecord> {
        let mut sent = self.control().requests();
        sent.retain(|request| request.method != "GET");
        sent
    }

    pub(crate) fn sync(&self) -> Ran {
        self.ws.run(&["sync"]).exits(0)
    }

    /// Reads, plans into plan.json, approves and releases it.
    pub(crate) fn approved_plan(&self, steps: u64) {
        self.sync();
        self.ws.run(&["plan", "--out", "plan.json"]).exits(0);
        self.ws
            .run(&["approve", "plan.json", "--confirm", &steps.to_string()])
            .exits(0);
        let release = [
            "breaker",
            "release",
            "plan.json",
            "--reason",
            "they have left",
        ];
        self.ws.run(&release).exits(0);
    }
}
