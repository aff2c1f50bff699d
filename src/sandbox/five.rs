//! A small company in five tenants, one of each provider, for the demo and its tests.
//!
//! Nobody of it stands in a directory: what becomes of an account is decided by how it is used.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::sandbox::{
    alteryx::{self, AlteryxHandle},
    docspace::{self, DocSpaceHandle},
    estate::{Rehearsal, Setting},
    huwise::{self, HuwiseHandle},
    population::Population,
    port::{self, PortHandle},
    projectplace::{self, ProjectPlaceHandle},
};

const DAY: i64 = 86_400;

/// Who takes over in the studio, and works there every day.
pub const SAM: &str = "sam.okoye@example.com";
/// Head administrator of two workspaces and a team of the studio; silent for 220 days.
pub const MARTA: &str = "marta.keller@example.com";
/// An external member of the studio; silent for 240 days.
pub const IVO: &str = "ivo.brandt@partner.example.test";
/// Administers the studio; silent for 300 days, and protected.
pub const NORA: &str = "nora.lind@example.com";
/// Teaches in the lab, is protected, and takes over.
pub const VERA: &str = "vera.hoff@example.com";
/// Works in the lab until the semester ends, with three flows.
pub const LIN: &str = "lin.zhao@student.example.test";
/// Another one until the semester ends.
pub const TOM: &str = "tom.reyes@student.example.test";
/// Disabled in the catalogue itself; made two services there; last came 130 days ago.
pub const KAI: &str = "kai.nyman@example.com";
/// Invited to the data portal 120 days ago, and never came.
pub const RUI: &str = "rui.costa@example.com";
/// Silent in the rooms for 150 days; on parental leave, as it turns out.
pub const BEN: &str = "ben.adler@example.com";

/// The five running tenants; they stop when this is dropped.
#[derive(Debug)]
pub struct Five {
    /// ProjectPlace.
    pub studio: Rehearsal,
    /// Alteryx.
    pub lab: Rehearsal,
    /// Port.
    pub catalogue: Rehearsal,
    /// Huwise.
    pub data: Rehearsal,
    /// DocSpace.
    pub rooms: Rehearsal,
}

impl Five {
    /// Starts the tenants with their people.
    ///
    /// # Errors
    /// No thread or socket could be made.
    pub fn start(now: DateTime<Utc>) -> io::Result<Self> {
        let setting = Setting {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: Population {
                idle_percent: 0,
                ..Population::of(2, 40)
            },
            now: Some(now),
        };
        let five = Self {
            studio: projectplace::rehearse(&setting)?,
            lab: alteryx::rehearse(&setting)?,
            catalogue: port::rehearse(&setting)?,
            data: huwise::rehearse(&setting)?,
            // its log must grow with time, so that everything in it is entered in order
            rooms: docspace::rehearse(&Setting {
                population: Population::of(2, 0),
                ..setting
            })?,
        };
        five.fill_studio(now);
        five.fill_lab(now);
        five.fill_catalogue(now);
        five.fill_data(now);
        five.fill_rooms(now);
        Ok(five)
    }

    /// By the name in exeunt.toml.
    pub fn tenants(&self) -> [(&'static str, &Rehearsal); 5] {
        [
            ("studio", &self.studio),
            ("lab", &self.lab),
            ("catalogue", &self.catalogue),
            ("data", &self.data),
            ("rooms", &self.rooms),
        ]
    }

    /// Lets days pass in all tenants; whoever works every day does so.
    pub fn pass_days(&self, days: u32) {
        for _ in 0..days {
            for (_, tenant) in self.tenants() {
                tenant.control.advance(DAY);
            }
        }
        if let Some(studio) = self.studio.server::<ProjectPlaceHandle>() {
            let control = studio.control();
            let at = control.now() - TimeDelta::hours(3);
            control.with(|s| {
                let sam = s.find(SAM).map(|u| u.id);
                sam.map(|id| s.set_last_login(id, Some(at)))
            });
        }
    }

    fn fill_studio(&self, now: DateTime<Utc>) {
        use crate::sandbox::projectplace::{Role, Sort, User};
        let Some(studio) = self.studio.server::<ProjectPlaceHandle>() else {
            return;
        };
        let people = [
            (2001, "Sam Okoye", SAM, Role::Member, 1),
            (2002, "Marta Keller", MARTA, Role::Member, 220),
            (2003, "Ivo Brandt", IVO, Role::External, 240),
            (2004, "Nora Lind", NORA, Role::Admin, 300),
        ];
        studio.control().with(|s| {
            for (id, name, email, role, days) in people {
                // The ids are of the story's own: nobody else has them.
                let _ = s.add_user(User::new(id, name, email, role));
                s.set_last_login(id, Some(now - TimeDelta::days(days)));
            }
            let _ = s.add_artifact(Sort::Workspace, "Rollout North", 2002);
            let _ = s.add_artifact(Sort::Workspace, "Brand refresh", 2002);
            let _ = s.add_artifact(Sort::Team, "Delivery", 2002);
        });
    }

    fn fill_lab(&self, now: DateTime<Utc>) {
        use crate::sandbox::alteryx::Person;
        let Some(lab) = self.lab.server::<AlteryxHandle>() else {
            return;
        };
        let made = now - TimeDelta::days(160);
        lab.control().with(|s| {
            for (name, email, flows) in [
                ("Vera Hoff", VERA, 0),
                ("Lin Zhao", LIN, 3),
                ("Tom Reyes", TOM, 0),
            ] {
                let mut person = Person::new(name, email, made);
                person.last_login = Some(now - TimeDelta::days(2));
                let id = s.add_person(person);
                for _ in 0..flows {
                    s.add_asset(id, "flow", false);
                }
            }
        });
    }

    fn fill_catalogue(&self, now: DateTime<Utc>) {
        use crate::sandbox::port::{Entity, Status, User};
        let Some(catalogue) = self.catalogue.server::<PortHandle>() else {
            return;
        };
        let control = catalogue.control();
        let made = now - TimeDelta::days(400);
        let mut kai = User::new(KAI, "Kai", "Nyman", made);
        kai.status = Status::Disabled;
        kai.last_login = Some(now - TimeDelta::days(130));
        let maker = kai.id.clone();
        control.add_user(kai);
        for service in ["billing", "ledger-export"] {
            let entity = Entity::new("service", service, &maker, made);
            control.add_entity(entity.pointing("owner", KAI));
        }
    }

    fn fill_data(&self, now: DateTime<Utc>) {
        use crate::sandbox::huwise::User;
        let Some(data) = self.data.server::<HuwiseHandle>() else {
            return;
        };
        let mut rui = User::new("rui.costa", RUI, now - TimeDelta::days(120));
        rui.first_name = "Rui".to_owned();
        rui.last_name = "Costa".to_owned();
        rui.permissions
            .insert("explore_restricted_dataset".to_owned());
        data.control().with(|s| s.add_user(rui));
    }

    fn fill_rooms(&self, now: DateTime<Utc>) {
        use crate::sandbox::docspace::{Kind, User};
        let Some(rooms) = self.rooms.server::<DocSpaceHandle>() else {
            return;
        };
        let control = rooms.control();
        let id = Uuid::from_u128(0x5a9d_b0c5_0000_4000_8000_0000_0000_0501);
        let made = now - TimeDelta::days(500);
        control.add_user(User::new(id, "Ben", "Adler", BEN, Kind::User, made));
        let people = control.users();
        control.add_login(id, now - TimeDelta::days(150), 1000);
        for (hours, user) in (1..).zip(people.iter().filter(|u| u.id != id).rev()) {
            control.add_login(user.id, now - TimeDelta::hours(48 - hours), 1000);
        }
    }
}
