//! Further signs of a departure, against a real OpenLDAP server: a group, units of leavers, values
//! and dates that the configuration names. What cannot be told is an error and makes nobody leave.

use exeunt::directory::Directory as _;
use exeunt::directory::LeftWhen;
use exeunt::directory::PeopleRead;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapSettings;
use exeunt::directory::ldap::LdapSignals;
use exeunt::domain::person::PersonFacts;
use exeunt::domain::time::Time;

use crate::common::slapd::BASE;
use crate::common::slapd::PASSWORD;
use crate::common::slapd::PEOPLE;
use crate::common::slapd::SYNC;
use crate::common::slapd::Slapd;
use crate::common::slapd::key;

fn settings(slapd: &Slapd, signals: LdapSignals) -> LdapSettings {
    let mut settings = super::settings(&slapd.url(), PEOPLE, SYNC, PASSWORD);
    settings.signals = signals;
    settings
}

fn group(name: &str) -> LdapSignals {
    LdapSignals {
        group: Some(format!("cn={name},ou=groups,{BASE}")),
        ..LdapSignals::default()
    }
}

fn facts(read: &PeopleRead, number: u32) -> &PersonFacts {
    let found = read.people.iter().find(|p| p.key == key(number));
    &found.unwrap().facts
}

/// A group that holds a group that holds it again, and people in both.
fn nest(slapd: &Slapd) {
    slapd.modify(&format!(
        "dn: cn=staff,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\ncn: staff\n\
         member: cn=Crew,OU=Groups,{BASE}\nmember: uid=twin1,{PEOPLE}\n\
         member: cn=Grace\\, \\\"O\u{2019}H\u{e4}ra\\\" 'x',{PEOPLE}\n\
         member: uid=left long ago,{PEOPLE}\n\n\
         dn: cn=crew,ou=groups,{BASE}\nchangetype: modify\nadd: member\n\
         member: cn=staff,ou=groups,{BASE}\n\n\
         dn: cn=nobody,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\n\
         cn: nobody\nmember: cn=empty,ou=groups,{BASE}\n\n\
         dn: cn=empty,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\n\
         cn: empty\nmember: cn=nobody,ou=groups,{BASE}\n"
    ));
}

#[tokio::test]
async fn whoever_is_in_no_group_of_the_group_is_outside() {
    let slapd = Slapd::start();
    nest(&slapd);
    let settings = settings(&slapd, group("staff"));
    let read = super::read(settings.clone()).await.unwrap();
    let inside: Vec<u32> = (1..13)
        .filter(|n| ![8, 9].contains(n) && !facts(&read, *n).outside_group)
        .collect();
    assert_eq!(inside, [1, 10, 12]);
    let directory = LdapDirectory::new(settings).unwrap();
    for (number, outside) in [(1, false), (11, true), (12, false)] {
        let found = directory.look_up(&key(number)).await.unwrap().unwrap();
        assert_eq!(found.facts.outside_group, outside, "{number}");
        assert!(read.people.contains(&found), "a look-up says the same");
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_or_holds_nobody_makes_nobody_leave() {
    let slapd = Slapd::start();
    nest(&slapd);
    for (name, wanted) in [
        ("gone", "read.configuration"),
        ("nobody", "read.group-empty"),
    ] {
        let settings = settings(&slapd, group(name));
        let error = super::read(settings.clone()).await.unwrap_err();
        assert_eq!(error.fault(), wanted, "{error}");
        let directory = LdapDirectory::new(settings).unwrap();
        let error = directory.look_up(&key(1)).await.unwrap_err();
        assert_eq!(error.fault(), wanted, "{error}");
        let probes = directory.check().await;
        let probe = probes.iter().find(|p| p.what == "group").unwrap();
        assert!(probe.hint.is_some(), "{probe:?}");
    }
    let mut person = group("staff");
    person.group = Some(format!("uid=active,{PEOPLE}"));
    let error = super::read(settings(&slapd, person)).await.unwrap_err();
    assert!(error.to_string().contains("is no group"), "{error}");
}

#[tokio::test]
async fn units_of_leavers_are_read_also_outside_the_base() {
    let slapd = Slapd::start();
    let unit = |text: String| LdapSignals {
        leavers_units: vec![text],
        ..LdapSignals::default()
    };
    let plain = super::read(settings(&slapd, LdapSignals::default()))
        .await
        .unwrap();
    assert!(!super::keys(&plain).contains(&key(8).as_str()));
    let with_unit = settings(&slapd, unit(format!("OU=Leavers, {BASE}")));
    let read = super::read(with_unit.clone()).await.unwrap();
    assert_eq!(read.people.len(), plain.people.len() + 1);
    assert!(facts(&read, 8).in_leavers_unit && !facts(&read, 1).in_leavers_unit);
    let directory = LdapDirectory::new(with_unit.clone()).unwrap();
    let found = directory.look_up(&key(8)).await.unwrap().unwrap();
    assert!(found.facts.in_leavers_unit);

    // As a part of the base it is not read twice.
    let mut wide = with_unit;
    wide.base = BASE.to_owned();
    let read = super::read(wide).await.unwrap();
    assert!(facts(&read, 8).in_leavers_unit && !facts(&read, 1).in_leavers_unit);

    slapd.rename(&format!("ou=leavers,{BASE}"), "ou=former", BASE);
    let error = directory.read(&|_| ()).await.unwrap_err();
    assert_eq!(error.fault(), "read.configuration", "{error}");
    assert!(error.to_string().contains("renamed"), "{error}");
    let error = directory.look_up(&key(9)).await.unwrap_err();
    assert_eq!(error.fault(), "read.configuration", "{error}");
}

#[tokio::test]
async fn values_and_dates_that_are_named_say_who_has_left() {
    let slapd = Slapd::start();
    let set = |uid: &str, attribute: &str, value: &str| {
        slapd.modify(&format!(
            "dn: uid={uid},{PEOPLE}\nchangetype: modify\nreplace: {attribute}\n\
             {attribute}: {value}\n"
        ));
    };
    set("active", "employeeType", "TERMINATED");
    set("twin1", "employeeType", "staff");
    set("twin2", "departmentNumber", "2026-11-30");
    set("twin1", "departmentNumber", "0");
    let settings = settings(
        &slapd,
        LdapSignals {
            left_when: vec![LeftWhen {
                attribute: "employeeType".to_owned(),
                values: vec!["retired".to_owned(), "terminated".to_owned()],
            }],
            leave_date: Some("departmentNumber".to_owned()),
            ..LdapSignals::default()
        },
    );
    let read = super::read(settings.clone()).await.unwrap();
    assert_eq!(facts(&read, 1).left_by.as_deref(), Some("employeeType"));
    assert_eq!(facts(&read, 10), &PersonFacts::default());
    assert_eq!(
        facts(&read, 11).leave_at,
        Time::parse("2026-12-01T00:00:00Z")
    );
    let shown = format!("{:?}", read.proof);
    assert!(!shown.to_lowercase().contains("terminated"), "{shown}");
    let server = read.proof.server.unwrap();
    assert!(server.name.starts_with("ldap://"), "{server:?}");
    assert!(read.people.iter().all(|p| p.recorded_at.is_some()));

    set("twin1", "departmentNumber", "soon");
    let error = super::read(settings).await.unwrap_err();
    assert_eq!(error.fault(), "read.unreadable");
    assert!(error.to_string().contains("departmentNumber"), "{error}");
}
