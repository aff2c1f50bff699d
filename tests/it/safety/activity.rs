//! Who counts as inactive, and what it costs to know.

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use uuid::Uuid;

use crate::common::workspace::Workspace;
use crate::safety::house::emails;

const LOGIN: u16 = 1029;
const FAILED: u16 = 1005;
const LOGINS: &str = "/api/2.0/security/audit/login/filter";
const AUDITS: &str = "/api/2.0/security/audit/events/filter";

/// A tenant without a directory, under a policy that only looks.
struct Office {
    tenant: DocSpaceHandle,
    ws: Workspace,
}

impl Office {
    fn new(settings: Settings) -> Self {
        let population = Population {
            accounts: 2,
            ..Population::default()
        };
        let options = DocSpaceOptions {
            population,
            settings,
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        let ws = Workspace::new();
        let portal = ws.tenant(&tenant, "");
        let policy = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nafter_days = 90\n\
                      notice_days = [30]\nsteps = [{ do = \"disable\" }]\n";
        ws.configure(&[&portal, policy]);
        ws.run(&["init"]).exits(0);
        let office = Self { tenant, ws };
        // The owner and the key's user are active, and their logins show that there is a log.
        for (id, ago) in [(office.owner(), 170), (office.control().key_user(), 169)] {
            office.login(id, TimeDelta::days(ago));
        }
        office
    }

    fn control(&self) -> Control {
        self.tenant.control()
    }

    fn owner(&self) -> Uuid {
        let users = self.control().users();
        users.iter().find(|u| u.kind == Kind::Owner).unwrap().id
    }

    fn now(&self) -> DateTime<Utc> {
        self.control().now()
    }

    /// Adds somebody who has been there for a year.
    fn person(&self, name: &str) -> Uuid {
        let number = name
            .bytes()
            .fold(7, |n: u128, byte| n * 256 + u128::from(byte));
        let id = Uuid::from_u128(number);
        let made = self.now() - TimeDelta::days(400);
        let email = format!("{name}@office.example");
        self.control()
            .add_user(User::new(id, name, "Person", &email, Kind::User, made));
        id
    }

    /// Events must come in the order of their time, as in the real log.
    fn login(&self, id: Uuid, ago: TimeDelta) {
        self.control().add_login(id, self.now() - ago, LOGIN);
    }

    fn sync(&self) {
        self.ws.run(&["sync"]).exits(0);
    }

    fn inactive(&self) -> Vec<String> {
        let mut found = emails(&self.ws.items(&["inactive"]));
        found.retain(|email| email.ends_with("@office.example"));
        found.sort();
        found
    }

    fn unknown(&self, name: &str) -> Option<String> {
        let items = self.ws.items(&["unknown"]);
        let own = items
            .iter()
            .find(|i| i["email"] == format!("{name}@office.example"))?;
        Some(own["because"].as_str().unwrap().to_owned())
    }

    /// How many requests have come to a path since the last call of `clear_requests`.
    fn asked(&self, path: &str) -> usize {
        self.control()
            .requests()
            .iter()
            .filter(|r| r.path.starts_with(path))
            .count()
    }
}

/// Sessions last a day, and that can be read.
fn one_day() -> Settings {
    Settings {
        cookie_enabled: true,
        cookie_minutes: 1440,
        ..Settings::default()
    }
}

#[test]
fn silence_is_found_and_one_login_among_ten_thousand_newer_ones_is_too() {
    let office = Office::new(one_day());
    for name in ["silent", "failing", "hidden", "before", "within"] {
        office.person(name);
    }
    let busy = office.person("busy");
    // Two who are half a day on either side of 90 days and a session's life.
    let half = TimeDelta::hours(12);
    office.login(office.person("before"), TimeDelta::days(91) + half);
    office.login(office.person("within"), TimeDelta::days(91) - half);
    office.login(office.person("hidden"), TimeDelta::days(60));
    let failing = office.person("failing");
    let (start, control) = (office.now() - TimeDelta::days(50), office.control());
    for n in 0..10_000 {
        let (who, action) = if n % 10 == 0 {
            (failing, FAILED)
        } else {
            (busy, LOGIN)
        };
        control.add_login(who, start + TimeDelta::minutes(7 * n), action);
    }
    control.clear_requests();
    office.sync();
    let wanted = ["before", "failing", "silent"].map(|n| format!("{n}@office.example"));
    assert_eq!(office.inactive(), wanted);
    let items = office.ws.items(&["inactive"]);
    let of = |name: &str| {
        let email = format!("{name}@office.example");
        items.iter().find(|i| i["email"] == email).unwrap().clone()
    };
    assert_eq!(of("silent")["because"], "inactive.never-logged-in");
    assert_eq!(of("before")["because"], "inactive.no-login");
    assert!(!of("before")["evidence"].as_array().unwrap().is_empty());
    assert_eq!(office.ws.items(&["unknown"]).len(), 0);

    // One walk: 10,005 events in pages that share five with their neighbour, what asks whether the
    // log can be believed, and at most fifty pages that were asked for beyond its end.
    let pages = 10_005_usize.div_ceil(95);
    assert!(
        (pages..=pages + 3 + 50).contains(&office.asked(LOGINS)),
        "{}",
        office.asked(LOGINS)
    );
    assert_eq!(office.asked(AUDITS), 0);
    let others: Vec<_> = control
        .requests()
        .iter()
        .filter(|r| !r.path.starts_with(LOGINS))
        .map(|r| r.path.clone())
        .collect();
    assert!(others.len() < 12, "no call per user: {others:?}");
    assert_eq!(
        office.asked("/api/2.0/people/filter"),
        1,
        "eight people are one page"
    );
    let one = |r: &&String| r.contains(&failing.to_string()) || r.contains(&busy.to_string());
    assert_eq!(others.iter().filter(one).count(), 0);

    // Only what is new is read, and recorded.
    office.login(office.person("silent"), TimeDelta::minutes(5));
    control.clear_requests();
    let before = office.ws.entries().len();
    office.sync();
    assert!(office.asked(LOGINS) <= 2 + 2, "{}", office.asked(LOGINS));
    assert_eq!(office.inactive(), wanted[..2]);
    let new: Vec<_> = office.ws.entries().split_off(before);
    let logins: Vec<_> = new
        .iter()
        .filter(|e| e["type"] == "login.observed")
        .collect();
    assert_eq!(logins.len(), 1, "{logins:?}");
}

/// The life of a session is not limited, so that a login may be long ago for somebody who works
/// every day.
fn endless_sessions() -> Office {
    let office = Office::new(Settings {
        cookie_enabled: false,
        ..Settings::default()
    });
    let (quiet, working) = (office.person("quiet"), office.person("working"));
    for id in [quiet, working] {
        office.login(id, TimeDelta::days(150));
    }
    let control = office.control();
    control.add_audit(quiet, office.now() - TimeDelta::days(149), 5000);
    control.add_audit(working, office.now() - TimeDelta::days(10), 5000);
    office
}

#[test]
fn without_a_session_lifetime_the_audit_trail_must_be_silent_too() {
    let office = endless_sessions();
    office.control().clear_requests();
    office.sync();
    assert_eq!(office.inactive(), ["quiet@office.example"]);
    assert_eq!(office.unknown("working"), None);
    assert!(office.asked(AUDITS) <= 1 + 2 && office.asked(AUDITS) > 0);
    office.control().clear_requests();
    office.sync();
    assert!(office.asked(AUDITS) <= 2 + 2 && office.asked(LOGINS) <= 2 + 2);
    assert_eq!(office.inactive(), ["quiet@office.example"]);
}

#[test]
fn without_session_lifetime_and_audit_trail_nobody_is_inactive() {
    let office = endless_sessions();
    let fault = Fault::Status {
        status: 403,
        body: None,
    };
    let rule = FaultRule::always(Matcher::new("GET", AUDITS), fault);
    office.control().add_fault(rule);
    office.sync();
    assert!(office.inactive().is_empty());
    assert_eq!(
        office.unknown("quiet").as_deref(),
        Some("unknown.read-failed")
    );
    // "working" too: their one login was long ago.
    assert!(office.unknown("working").is_some());
    office
        .ws
        .run(&["unknown"])
        .exits(0)
        .says("unknown.read-failed");
}

#[test]
fn a_session_lifetime_that_is_refused_is_not_taken_for_short() {
    let office = Office::new(one_day());
    let working = office.person("working");
    office.login(working, TimeDelta::days(150));
    let control = office.control();
    control.add_audit(office.owner(), office.now() - TimeDelta::days(120), 5000);
    control.add_audit(working, office.now() - TimeDelta::days(10), 5000);
    let fault = Fault::Status {
        status: 403,
        body: None,
    };
    let cookies = Matcher::new("GET", "/api/2.0/settings/cookiesettings");
    control.add_fault(FaultRule::always(cookies, fault));
    office.sync();
    assert!(office.inactive().is_empty());
    control.clear_faults();
    office.sync();
    assert!(
        office.inactive().is_empty(),
        "what was once seen stays known"
    );
}

#[test]
fn a_history_that_is_kept_for_too_short_proves_nothing() {
    for (kept, proved) in [(90, false), (92, true)] {
        let office = Office::new(Settings {
            login_history_days: kept,
            ..one_day()
        });
        office.person("silent");
        for day in [80, 5] {
            office.login(office.owner(), TimeDelta::days(day));
        }
        office.sync();
        assert_eq!(office.inactive().is_empty(), !proved, "{kept}");
        let unknown = office.unknown("silent");
        let short = (!proved).then_some("unknown.horizon-short");
        assert_eq!(unknown.as_deref(), short, "{kept}");
    }
}

/// An event of the far future makes nobody active for ever, nor anybody else silent.
#[test]
fn a_login_in_the_future_is_no_login() {
    let office = Office::new(one_day());
    office.person("silent");
    let odd = office.person("odd");
    office.login(odd, TimeDelta::days(120));
    office.sync();
    assert_eq!(
        office.inactive(),
        ["odd@office.example", "silent@office.example"]
    );
    office.login(odd, TimeDelta::days(-400));
    office.sync();
    assert!(office.inactive().is_empty());
    for name in ["odd", "silent"] {
        assert_eq!(office.unknown(name).as_deref(), Some("unknown.future-date"));
    }
    let logins = office.ws.entries_of("login.observed");
    let limit = (office.now() + TimeDelta::days(2)).to_rfc3339();
    for login in &logins {
        assert!(
            login["data"]["newest"].as_str().unwrap() < limit.as_str(),
            "{login}"
        );
    }
    office.ws.is_sound();
}
