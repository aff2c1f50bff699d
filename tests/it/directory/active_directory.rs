//! Against a real domain controller (Samba): what each sign of leaving looks like, and what only
//! looks like one.

use exeunt::directory::Directory as _;
use exeunt::directory::DirectoryError;
use exeunt::directory::PeopleRead;
use exeunt::directory::Probe;
use exeunt::directory::ProbeState;
use exeunt::directory::ldap::Flavor;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapSettings;
use exeunt::domain::person::PersonRecord;
use exeunt::domain::time::Time;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use url::Url;
use uuid::Uuid;

use crate::common::fake_ad;
use crate::common::fake_ad::Domain;
use crate::common::fake_ad::FakeAd;
use crate::common::samba::BASE;
use crate::common::samba::GROUPS;
use crate::common::samba::KEEPER;
use crate::common::samba::LEAVERS;
use crate::common::samba::PASSWORD;
use crate::common::samba::READER;
use crate::common::samba::STAFF;
use crate::common::samba::STAFFED;
use crate::common::samba::Samba;
use crate::common::workspace::Workspace;
use crate::common::workspace::copy;

fn settings(samba: &Samba, bind: &str) -> LdapSettings {
    let mut settings = super::settings(&samba.tls_url(), STAFF, bind, PASSWORD);
    settings.flavor = Flavor::ActiveDirectory;
    settings.ca_file = Some(samba.ca());
    settings
}

fn person<'a>(read: &'a PeopleRead, key: &str) -> &'a PersonRecord {
    let found = read.people.iter().find(|p| p.key == key);
    found.unwrap_or_else(|| panic!("nobody has the key {key}"))
}

#[tokio::test]
async fn everybody_is_seen_with_the_right_facts() {
    let samba = Samba::shared();
    let read = super::read(settings(samba, READER)).await.unwrap();
    let mut wanted = STAFFED.map(|login| samba.key(login));
    wanted.sort();
    assert_eq!(super::keys(&read), wanted);
    let of = |login: &str| person(&read, &samba.key(login));
    let facts = |login: &str| &of(login).facts;
    let left: Vec<_> = STAFFED
        .into_iter()
        .filter(|l| facts(l).disabled_by.is_some() || facts(l).deleted_by.is_some())
        .collect();
    assert_eq!(left, ["bob"]);
    assert_eq!(
        facts("bob").disabled_by.as_deref(),
        Some("userAccountControl")
    );
    assert_eq!(
        facts("carol").expires_at,
        Time::parse("2026-01-31T00:00:00Z")
    );
    assert_eq!(
        facts("olga").expires_at,
        Time::parse("2099-12-31T00:00:00Z")
    );
    assert_eq!(facts("alice").expires_at, None);
    assert!(facts("ivan").locked_for_a_while && !facts("alice").locked_for_a_while);

    assert_eq!(of("grace").mails, ["Grace.OHara@Example.test"]);
    assert_eq!(
        of("grace").name.as_deref(),
        Some("Grace, O'Hara (\u{c9}ire) #1")
    );
    assert!(of("karl").mails.is_empty());
    assert_eq!(of("judy.new").mails, ["judy.married@example.test"]);
    assert_eq!(of("alice").employee_number.as_deref(), Some("1001"));
    assert_eq!(of("alice").login.as_deref(), Some("alice"));

    assert_eq!(of("heidi").last_login, Time::parse("2025-06-01T08:00:00Z"));
    assert_eq!(of("frank").last_login, None);
    assert!(of("alice").last_login > Time::parse("2026-01-01T00:00:00Z"));
    // It is written only when it is two weeks old.
    assert!(of("heidi").login_precision_s >= 14 * 86_400);

    let mark = read.proof.server.unwrap();
    assert_eq!(mark.name, "dc1.corp.example.test");
    assert!(mark.database.is_some() && mark.change.is_some(), "{mark:?}");
    let directory = LdapDirectory::new(settings(samba, READER)).unwrap();
    assert!(directory.clock().await.unwrap().is_some());
}

#[tokio::test]
async fn pages_of_any_size_give_the_same_people() {
    let samba = Samba::shared();
    let whole = super::read(settings(samba, READER)).await.unwrap();
    for size in [1, 5] {
        let mut settings = settings(samba, READER);
        settings.page_size = size;
        let read = super::read(settings).await.unwrap();
        assert_eq!(super::keys(&read), super::keys(&whole), "{size}");
        assert_eq!(read.proof.digest, whole.proof.digest);
        assert!(read.proof.pages > whole.proof.pages);
    }
    // The domain's root refers to its own other partitions on every search, where no people are.
    let mut wide = settings(samba, READER);
    wide.base = BASE.to_owned();
    let read = super::read(wide).await.unwrap();
    assert!(read.proof.count > whole.proof.count);
    assert!(read.proof.referrals > 0);
}

#[tokio::test]
async fn tombstones_are_seen_by_whom_they_are_shown_to() {
    let samba = Samba::shared();
    let read = super::read(settings(samba, KEEPER)).await.unwrap();
    let deleted: Vec<_> = read
        .people
        .iter()
        .filter(|p| p.facts.deleted_by.is_some())
        .collect();
    let logins: Vec<_> = deleted.iter().filter_map(|p| p.login.clone()).collect();
    let mut sorted = logins.clone();
    sorted.sort();
    assert_eq!(sorted, ["dave", "mona", "nils"]);
    let of = |login: &str| {
        deleted
            .iter()
            .find(|p| p.login.as_deref() == Some(login))
            .unwrap()
    };
    // With the recycle bin, the address is kept; without it, it is gone.
    assert_eq!(of("dave").mails, ["dave@example.test"]);
    assert!(of("nils").mails.is_empty());
    assert_ne!(of("mona").key, samba.key("mona"));
    for person in &deleted {
        assert!(person.facts.deleted_at.is_some(), "{person:?}");
        let name = person.name.as_deref().unwrap_or_default();
        assert!(!name.contains('\n') && !name.contains("DEL:"), "{name:?}");
    }
    assert_eq!(
        read.proof.count,
        STAFFED.len() as u64,
        "the deleted do not count as there"
    );
    let states = [READER, KEEPER].map(|bind| check_of(settings(samba, bind)));
    let [reader, keeper] = states;
    let about = |probes: &[Probe]| {
        let found = probes
            .iter()
            .find(|p| p.what.contains("tombstone") || p.what.contains("deleted"));
        found.map(|p| (p.state, p.hint.is_some())).unwrap()
    };
    assert_eq!(about(&keeper.await).0, ProbeState::Good);
    assert_eq!(about(&reader.await), (ProbeState::Limited, true));
}

async fn check_of(settings: LdapSettings) -> Vec<Probe> {
    LdapDirectory::new(settings).unwrap().check().await
}

#[tokio::test]
async fn a_look_up_tells_the_deleted_from_those_who_are_there() {
    let samba = Samba::shared();
    let keeper = LdapDirectory::new(settings(samba, KEEPER)).unwrap();
    for login in ["alice", "grace", "judy.new", "bob"] {
        let key = samba.key(login);
        let found = keeper.look_up(&key).await.unwrap().unwrap();
        assert_eq!((found.key, found.facts.deleted_by), (key, None), "{login}");
    }
    let dave = samba.values("dave", "objectGUID").remove(0);
    let found = keeper.look_up(&dave).await.unwrap();
    assert!(found.is_none_or(|p| p.facts.deleted_by.is_some()));
    let nobody = "11111111-2222-4333-8444-555555555555";
    assert_eq!(keeper.look_up(nobody).await.unwrap(), None);
    let reader = LdapDirectory::new(settings(samba, READER)).unwrap();
    assert_eq!(reader.look_up(&dave).await.unwrap(), None);
}

#[tokio::test]
async fn what_refuses_a_bind_is_told_as_the_controller_tells_it() {
    let samba = Samba::shared();
    for (login, password, wanted) in [
        ("reader", "wrong", "52e"),
        ("bob", PASSWORD, "disabled"),
        ("carol", PASSWORD, "expired"),
        ("ivan", PASSWORD, "locked"),
    ] {
        // Ivan may be locked out for good; nobody else is tried wrongly more than once.
        let bind = format!("{login}@corp.example.test");
        let mut settings = settings(samba, &bind);
        settings.bind_password = exeunt::directory::ldap::BindPassword::new(password);
        let error = super::read(settings).await.unwrap_err();
        let DirectoryError::Credentials { advice, .. } = &error else {
            panic!("{login}: {error:?}")
        };
        assert!(advice.contains(wanted), "{login}: {advice}");
    }
    let mut plain = settings(samba, READER);
    plain.urls = vec![Url::parse(&samba.url()).unwrap()];
    plain.ca_file = None;
    let error = super::read(plain).await.unwrap_err();
    assert_eq!(error.fault(), "read.configuration");
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[tokio::test]
async fn groups_within_groups_say_who_is_outside() {
    let samba = Samba::shared();
    let mut settings = settings(samba, READER);
    settings.signals.group = Some(format!("CN=SaaS-Users,{GROUPS}"));
    let read = super::read(settings.clone()).await.unwrap();
    let outside = |login: &str| person(&read, &samba.key(login)).facts.outside_group;
    let inside: Vec<_> = STAFFED
        .into_iter()
        .filter(|login| !outside(login))
        .collect();
    assert_eq!(inside, ["alice", "bob", "carol", "frank", "heidi"]);
    let one = LdapDirectory::new(settings).unwrap();
    for (login, wanted) in [("heidi", false), ("grace", true)] {
        let found = one.look_up(&samba.key(login)).await.unwrap().unwrap();
        assert_eq!(found.facts.outside_group, wanted, "{login}");
    }
}

/// A workspace with the domain, and a tenant in which these addresses have accounts.
struct Estate {
    ws: Workspace,
    tenant: DocSpaceHandle,
}

impl Estate {
    fn start(samba: &Samba, bind: &str, extra: &str, accounts: &[&str]) -> Self {
        let options = DocSpaceOptions {
            population: Population {
                accounts: 2,
                ..Population::default()
            },
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        for (n, email) in accounts.iter().enumerate() {
            let id = Uuid::from_u128(0xadad_0000 + n as u128);
            let made = tenant.control().now() - chrono::TimeDelta::days(300);
            let user = User::new(id, "Some", "Body", email, Kind::User, made);
            tenant.control().add_user(user);
        }
        let ws = Workspace::clocked(tenant.control());
        copy(&samba.ca(), &ws.path("ca.pem"));
        ws.write("corp.password", PASSWORD);
        let corp = format!(
            "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"active-directory\"\n\
             url = [\"{}\"]\ntls = {{ ca_file = \"ca.pem\" }}\nbind_dn = \"{bind}\"\n\
             bind_password = {{ file = \"corp.password\" }}\nbase = \"{STAFF}\"\n{extra}\n",
            samba.tls_url()
        );
        let portal = ws.tenant(&tenant, "");
        let policy = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
                      steps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n\
                      [limits.absent]\nover_minutes = 0\n";
        ws.configure(&[&corp, &portal, policy]);
        ws.run(&["init"]).exits(0);
        Self { ws, tenant }
    }

    fn sync(&self) {
        self.ws.run(&["sync"]).exits(0);
    }

    /// Who has left, by address (`-` without one) and strength, sorted.
    fn departed(&self) -> Vec<String> {
        let items = self.ws.items(&["departed"]);
        let mut all: Vec<_> = items
            .iter()
            .map(|item| {
                let email = item["email"].as_str().unwrap_or("-");
                format!("{email} {}", item["strength"].as_str().unwrap())
            })
            .collect();
        all.sort();
        all
    }

    /// The addresses of the accounts that a plan would disable.
    fn planned(&self) -> Vec<String> {
        let plan = self.ws.json(&["plan"]);
        let steps = plan["steps"].as_array().unwrap();
        let mut all: Vec<_> = steps
            .iter()
            .map(|s| s["email"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    }
}

fn signs() -> String {
    format!(
        "leavers_units = [\"{LEAVERS}\"]\n\
         left_when = [{{ attribute = \"employeeType\", values = [\"Terminated\"] }}]"
    )
}

#[test]
fn every_sign_is_found_and_nobody_else_has_left() {
    let accounts = [
        "alice.active@example.test",
        "bob@example.test",
        "carol@example.test",
        "dave@example.test",
        "erin@example.test",
        "frank@example.test",
        "grace.ohara@example.test",
        "heidi@example.test",
        "ivan@example.test",
        "judy.married@example.test",
        "lena@example.test",
        "mona@example.test",
        "olga@example.test",
    ];
    let estate = Estate::start(Samba::shared(), KEEPER, &signs(), &accounts);
    estate.sync();
    let wanted = [
        "- tombstone",
        "bob@example.test disabled",
        "carol@example.test expired",
        "dave@example.test tombstone",
        "erin@example.test leavers-unit",
        "lena@example.test attribute",
        // the former one; she who was hired again stands there with a key of her own
        "mona@example.test tombstone",
    ];
    assert_eq!(estate.departed(), wanted);
    estate.sync();
    assert_eq!(estate.departed(), wanted);
    let planned = estate.planned();
    let leavers = ["bob", "carol", "dave", "erin", "lena"].map(|n| format!("{n}@example.test"));
    assert_eq!(planned, leavers, "Mona, hired again, is no leaver");
    assert_eq!(
        estate
            .tenant
            .control()
            .requests()
            .iter()
            .filter(|r| r.method != "GET")
            .count(),
        0
    );
    estate.ws.is_sound();
}

#[test]
fn what_happens_to_people_while_exeunt_watches() {
    let samba = Samba::start();
    let own = |name: &str| format!("CN={name},{STAFF}");
    // Enough people that two who are deleted are no sudden drop.
    let keeps = Estate::start(&samba, KEEPER, &signs(), &["judy.married@example.test"]);
    let reads = Estate::start(&samba, READER, &signs(), &["judy.married@example.test"]);
    keeps.sync();
    reads.sync();
    let [before, before_reader] = [keeps.departed(), reads.departed()];
    let gone = |known: &[String], estate: &Estate| -> Vec<String> {
        let now = estate.departed();
        now.into_iter().filter(|d| !known.contains(d)).collect()
    };

    // Deleted: seen at once where tombstones are shown, after two reads where they are not.
    samba.delete(&own("Frank Never"));
    // Renamed with everything that has a name, and moved within: the same person.
    samba.set(&own("Judy Married"), "mail", "judy.third@example.test");
    samba.rename(&own("Judy Married"), "CN=Judy Third", STAFF);
    // Locked out by wrong passwords.
    for _ in 0..4 {
        assert!(!samba.binds("heidi", "wrong"));
    }
    keeps.sync();
    reads.sync();
    assert_eq!(gone(&before, &keeps), ["frank@example.test tombstone"]);
    assert_eq!(gone(&before_reader, &reads), Vec::<String>::new());
    reads.sync();
    assert_eq!(gone(&before_reader, &reads), ["frank@example.test absent"]);

    // The account with her old address is Judy's still.
    samba.set(&own("Judy Third"), "userAccountControl", "514");
    samba.rename(&own("Olga Futureend"), "CN=Olga Futureend", LEAVERS);
    samba.set(&own("Heidi Idle"), "employeeType", "terminated");
    keeps.sync();
    let now = gone(&before, &keeps);
    let wanted = [
        "frank@example.test tombstone",
        "heidi@example.test attribute",
        "judy.third@example.test disabled",
        "olga@example.test leavers-unit",
    ];
    assert_eq!(now, wanted);
    let items = keeps.ws.items(&["departed"]);
    let judy = items
        .iter()
        .find(|i| i["email"] == "judy.third@example.test")
        .unwrap();
    assert_eq!(judy["accounts"].as_array().unwrap().len(), 1, "{judy}");

    // They come back.
    samba.set(&own("Judy Third"), "userAccountControl", "512");
    samba.rename(
        &format!("CN=Olga Futureend,{LEAVERS}"),
        "CN=Olga Futureend",
        STAFF,
    );
    samba.set(&own("Heidi Idle"), "employeeType", "employee");
    keeps.sync();
    assert_eq!(gone(&before, &keeps), ["frank@example.test tombstone"]);

    // An account ends by the clock alone: nothing changes in the directory, nothing is read again.
    let soon = chrono::Utc::now() + chrono::TimeDelta::minutes(2);
    let ends = crate::common::samba::filetime(&soon.to_rfc3339());
    samba.set(&own("Karl Nomail"), "accountExpires", &ends);
    keeps.sync();
    assert_eq!(gone(&before, &keeps), ["frank@example.test tombstone"]);
    keeps.tenant.control().advance(180);
    let wanted = ["- expired", "frank@example.test tombstone"];
    assert_eq!(gone(&before, &keeps), wanted);

    // The unit is renamed: nobody has left.
    samba.rename(STAFF, "OU=Personnel", BASE);
    for _ in 0..2 {
        keeps.ws.run(&["sync"]).exits(78).says("renamed");
    }
    assert_eq!(gone(&before, &keeps), wanted);
}

/// The settings for controllers in this process.
fn fake(servers: &[&FakeAd]) -> LdapSettings {
    let mut settings = super::settings(servers[0].url(), fake_ad::BASE, "cn=sync", PASSWORD);
    settings.urls = servers
        .iter()
        .map(|s| Url::parse(s.url()).unwrap())
        .collect();
    settings.flavor = Flavor::ActiveDirectory;
    settings
}

#[test]
fn the_limits_of_windows_cut_nothing() {
    let many = Domain {
        people: 2500,
        outside: vec![7, 2400],
        chain: false,
        deleted: vec![3000],
        ..Domain::default()
    };
    let server = FakeAd::start(many);
    let mut settings = fake(&[&server]);
    settings.page_size = 2000;
    settings.signals.group = Some(fake_ad::GROUP.to_owned());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let read = runtime.block_on(super::read(settings.clone())).unwrap();
    assert_eq!(read.proof.count, 2500);
    let outside: Vec<_> = read
        .people
        .iter()
        .filter(|p| p.facts.outside_group)
        .collect();
    let mut keys: Vec<_> = outside.iter().map(|p| p.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [fake_ad::key(7), fake_ad::key(2400)]);
    let gone = person(&read, &fake_ad::key(3000));
    assert_eq!(gone.facts.deleted_at, Time::parse("2026-11-01T08:00:00Z"));

    server.change(|d| d.shows_deleted = false);
    let read = runtime.block_on(super::read(settings)).unwrap();
    assert_eq!(read.people.len(), 2500);
    assert_eq!(read.proof.about["tombstones"], "not-allowed");
}

#[test]
fn another_controller_answers_when_one_is_down() {
    let first = FakeAd::start(Domain {
        change: 9000,
        ..Domain::default()
    });
    let second = FakeAd::start(Domain {
        change: 400,
        database: [9; 16],
        ..Domain::default()
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let settings = fake(&[&first, &second]);
    let one = runtime.block_on(super::read(settings.clone())).unwrap();
    first.change(|d| d.down = true);
    let other = runtime.block_on(super::read(settings.clone())).unwrap();
    // The same question, though another database with other numbers answered.
    assert_eq!(one.proof.identity, other.proof.identity);
    assert_eq!(one.proof.digest, other.proof.digest);
    let marks = [one, other].map(|read| read.proof.server.unwrap());
    assert_eq!(marks.each_ref().map(|m| m.change), [Some(9000), Some(400)]);
    assert_ne!(marks[0].database, marks[1].database);
    second.change(|d| d.down = true);
    let error = runtime.block_on(super::read(settings)).unwrap_err();
    assert_eq!(error.fault(), "read.unreachable");
}
