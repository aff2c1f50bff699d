//! Against a real OpenLDAP server.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use exeunt::directory::Directory as _;
use exeunt::directory::DirectoryError;
use exeunt::directory::Probe;
use exeunt::directory::ProbeState;
use exeunt::directory::ldap::BindPassword;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapSettings;
use exeunt::domain::person::PersonFacts;
use exeunt::domain::time::Time;
use url::Url;

use crate::common::slapd;
use crate::common::slapd::BASE;
use crate::common::slapd::BLIND;
use crate::common::slapd::LIMITED;
use crate::common::slapd::PASSWORD;
use crate::common::slapd::PEOPLE;
use crate::common::slapd::SYNC;
use crate::common::slapd::Slapd;
use crate::common::slapd::key;
use crate::safety::estate::APPROVED;
use crate::safety::estate::AT_ONCE;
use crate::safety::estate::Estate;

fn settings(slapd: &Slapd) -> LdapSettings {
    settings_as(slapd, SYNC)
}

fn settings_as(slapd: &Slapd, bind: &str) -> LdapSettings {
    super::settings(&slapd.url(), BASE, bind, PASSWORD)
}

fn directory(settings: LdapSettings) -> LdapDirectory {
    LdapDirectory::new(settings).unwrap()
}

#[tokio::test]
async fn everybody_is_seen_with_the_right_facts() {
    let slapd = Slapd::start();
    let read = super::read(settings(&slapd)).await.unwrap();
    let wanted: Vec<String> = (1..13).filter(|n| *n != 9).map(key).collect();
    assert_eq!(super::keys(&read), wanted);
    let person = |n: u32| {
        read.people
            .iter()
            .find(|person| person.key == key(n))
            .unwrap()
    };
    let facts = |n: u32| &person(n).facts;

    for n in [1, 7, 8, 10, 11, 12] {
        assert_eq!(facts(n), &PersonFacts::default(), "{n}");
    }
    assert_eq!(
        facts(2).disabled_by.as_deref(),
        Some("pwdAccountLockedTime")
    );
    assert!(!facts(2).locked_for_a_while);
    assert!(facts(3).locked_for_a_while && facts(3).disabled_by.is_none());
    assert_eq!(facts(4).expires_at, Time::parse("2026-01-31T00:00:00Z"));
    assert_eq!(facts(4).disabled_by, None);
    assert_eq!(facts(5).expires_at, Time::parse("2099-12-31T00:00:00Z"));
    assert_eq!(facts(6).disabled_by.as_deref(), Some("pwdStartTime"));

    assert_eq!(person(7).login.as_deref(), Some("married"));
    assert!(person(8).place.as_ref().unwrap().contains("ou=leavers"));
    assert_eq!(person(10).mails, person(11).mails);
    let grace = person(12);
    assert_eq!(
        grace.name.as_deref(),
        Some("Grace, \"O\u{2019}H\u{e4}ra\" 'x'")
    );
    assert_eq!(grace.mails, ["Grace.Ohara@House.test", "grace@house.test"]);
    assert_eq!(grace.employee_number.as_deref(), Some("12"));
    assert_eq!(directory(settings(&slapd)).clock().await.unwrap(), None);
}

#[tokio::test]
async fn pages_of_any_size_give_the_same_people_and_the_same_proof() {
    let slapd = Slapd::start();
    let whole = super::read(settings(&slapd)).await.unwrap();
    assert_eq!(whole.proof.pages, 1);
    for size in [1, 3, 11] {
        let mut settings = settings(&slapd);
        settings.page_size = size;
        let read = super::read(settings).await.unwrap();
        assert_eq!(read.people, whole.people);
        assert_eq!(read.proof.digest, whole.proof.digest);
        assert_eq!(read.proof.identity, whole.proof.identity);
        assert!(read.proof.pages >= u64::from(11 / size), "{:?}", read.proof);
    }
    let about = format!("{:?}", whole.proof.about);
    assert!(about.contains(BASE) && !about.contains(SYNC), "{about}");

    let mut other = settings(&slapd);
    other.filter = Some("(uid=active)".to_owned());
    let read = super::read(other).await.unwrap();
    assert_eq!(super::keys(&read), [key(1)]);
    assert_ne!(read.proof.identity, whole.proof.identity);
    assert_ne!(read.proof.digest, whole.proof.digest);

    let mut nobody = settings(&slapd);
    nobody.filter = Some("(uid=nobody)".to_owned());
    let read = super::read(nobody).await.unwrap();
    assert_eq!((read.proof.count, read.proof.pages), (0, 1));
}

#[tokio::test]
async fn only_the_right_certificate_under_the_right_name_is_accepted() {
    let slapd = Slapd::start();
    let over = |url: String, starttls: bool, ca| {
        let mut settings = settings(&slapd);
        settings.urls = vec![Url::parse(&url).unwrap()];
        settings.starttls = starttls;
        settings.ca_file = Some(ca);
        super::read(settings)
    };
    assert_eq!(
        over(slapd.tls_url(), false, slapd.ca())
            .await
            .unwrap()
            .proof
            .count,
        11
    );
    assert_eq!(
        over(slapd.starttls_url(), true, slapd.ca())
            .await
            .unwrap()
            .proof
            .count,
        11
    );

    for (url, starttls) in [(slapd.tls_url(), false), (slapd.starttls_url(), true)] {
        let error = over(url, starttls, slapd.other_ca()).await.unwrap_err();
        assert_eq!(error.fault(), "read.configuration");
        let says = error.to_string();
        assert!(says.contains("CA") && says.contains("other.pem"), "{says}");
    }
    for (url, starttls) in [(slapd.wrong_name_url(), false), (slapd.url(), true)] {
        let error = over(url, starttls, slapd.ca()).await.unwrap_err();
        let says = error.to_string();
        assert!(
            says.contains("another host name") && says.contains("localhost"),
            "{says}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_with_advice_and_never_shown() {
    let slapd = Slapd::start();
    let mut settings = settings(&slapd);
    settings.bind_password = BindPassword::new("not the password");
    let error = super::read(settings.clone()).await.unwrap_err();
    let DirectoryError::Credentials { bind, advice, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(bind, SYNC);
    assert!(advice.contains("49"), "{advice}");
    assert!(!format!("{error:?} {error}").contains("not the password"));
    let probes = directory(settings).check().await;
    let last = probes.last().unwrap();
    assert_eq!(
        (last.what.as_str(), last.state),
        ("credentials", ProbeState::Bad)
    );
    assert!(last.hint.as_ref().unwrap().contains("ldapwhoami"));
}

#[tokio::test]
async fn lost_read_rights_are_told_apart_from_nobody_there() {
    let slapd = Slapd::start();
    let read = super::read(settings_as(&slapd, BLIND)).await.unwrap();
    assert_eq!((read.proof.count, read.people.len()), (0, 0));
    let blind = directory(settings_as(&slapd, BLIND));
    for n in [1, 9] {
        let error = blind.look_up(&key(n)).await.unwrap_err();
        assert!(matches!(error, DirectoryError::Rights { .. }), "{error:?}");
    }
    let probes = blind.check().await;
    let bad = |what: &str| {
        probes
            .iter()
            .any(|p| p.what == what && p.state == ProbeState::Bad)
    };
    assert!(bad("base") && bad("people"), "{probes:?}");
}

#[tokio::test]
async fn a_base_that_is_gone_is_a_matter_of_configuration() {
    let slapd = Slapd::start();
    for base in [format!("ou=gone,{BASE}"), "dc=elsewhere,dc=test".to_owned()] {
        let mut settings = settings(&slapd);
        settings.base = base.clone();
        let error = super::read(settings.clone()).await.unwrap_err();
        assert_eq!(error.fault(), "read.configuration", "{error}");
        assert!(error.to_string().contains(&base), "{error}");
        let error = directory(settings).look_up(&key(1)).await.unwrap_err();
        assert_eq!(error.fault(), "read.configuration", "{error}");
    }
}

#[tokio::test]
async fn a_look_up_finds_who_was_renamed_or_moved_and_misses_only_who_is_gone() {
    let slapd = Slapd::start();
    let mut settings = settings(&slapd);
    settings.filter = Some(format!("(&{}(!(uid=mover)))", LdapSettings::DEFAULT_FILTER));
    let directory = directory(settings);
    for n in [1, 7, 8] {
        let person = directory.look_up(&key(n)).await.unwrap().unwrap();
        assert_eq!(person.key, key(n));
    }
    let upper = key(1).to_uppercase();
    assert!(directory.look_up(&upper).await.unwrap().is_some());
    assert_eq!(directory.look_up(&key(9)).await.unwrap(), None);

    slapd.delete(&format!("uid=twin1,{PEOPLE}"));
    slapd.rename(
        &format!("uid=active,{PEOPLE}"),
        "uid=ada",
        &format!("ou=leavers,{BASE}"),
    );
    assert_eq!(directory.look_up(&key(10)).await.unwrap(), None);
    let moved = directory.look_up(&key(1)).await.unwrap().unwrap();
    assert!(moved.place.unwrap().starts_with("uid=ada,ou=leavers"));
    // The same login and address again is another person.
    slapd.modify(&format!(
        "dn: uid=twin1,{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: twin1\n\
         cn: Tom Twin\nsn: Twin\nmail: twin@house.test\n"
    ));
    assert_eq!(directory.look_up(&key(10)).await.unwrap(), None);
}

#[tokio::test]
async fn a_check_says_what_is_there() {
    let slapd = Slapd::start();
    let mut settings = settings(&slapd);
    settings.urls = vec![Url::parse(&slapd.tls_url()).unwrap()];
    settings.ca_file = Some(slapd.ca());
    let probes = directory(settings.clone()).check().await;
    let all = [
        "connection",
        "credentials",
        "base",
        "people",
        "password policy",
    ];
    let named: Vec<&str> = probes.iter().map(|probe| probe.what.as_str()).collect();
    assert_eq!(named, all);
    assert!(
        probes.iter().all(|p: &Probe| p.state == ProbeState::Good),
        "{probes:?}"
    );

    settings.ca_file = Some(slapd.other_ca());
    let probes = directory(settings).check().await;
    assert_eq!(probes.len(), 1);
    assert_eq!(probes[0].state, ProbeState::Bad);
}

#[tokio::test]
async fn twenty_thousand_are_read_whole_or_not_at_all() {
    let slapd = Slapd::start();
    slapd.bulk(20_000);
    let seen = AtomicU64::new(0);
    let everybody = directory(settings(&slapd));
    let read = everybody
        .read(&|count| seen.store(count, Ordering::Relaxed))
        .await
        .unwrap();
    assert_eq!(read.proof.count, 20_011);
    assert_eq!(seen.load(Ordering::Relaxed), 20_011);
    assert_eq!(read.people.len(), 20_011);
    assert_eq!(read.proof.pages, 41);

    let mut limited = settings_as(&slapd, LIMITED);
    limited.page_size = 100;
    let error = super::read(limited.clone()).await.unwrap_err();
    assert_eq!(error.fault(), "read.size-limit", "{error}");
    let probes = directory(limited).check().await;
    let people = probes.iter().find(|probe| probe.what == "people").unwrap();
    assert!(
        people.hint.as_ref().unwrap().contains("olcLimits"),
        "{people:?}"
    );

    let mut small = settings(&slapd);
    small.page_size = 10;
    let crash = |count: u64| {
        if count == 500 {
            slapd.kill();
        }
    };
    let error = directory(small.clone()).read(&crash).await.unwrap_err();
    assert_eq!(error.fault(), "read.cut", "{error}");
    let error = super::read(small).await.unwrap_err();
    assert_eq!(error.fault(), "read.unreachable", "{error}");
}

#[tokio::test]
async fn a_changed_directory_gives_another_digest() {
    let slapd = Slapd::start();
    let before = super::read(settings(&slapd)).await.unwrap();
    slapd.delete(&format!("uid=twin2,{PEOPLE}"));
    let after = super::read(settings(&slapd)).await.unwrap();
    assert_eq!(after.proof.count + 1, before.proof.count);
    assert_ne!(after.proof.digest, before.proof.digest);
    assert_eq!(after.proof.identity, before.proof.identity);
    assert!(!super::keys(&after).contains(&slapd::key(11).as_str()));
}

#[tokio::test]
async fn units_groups_attributes_and_logins_say_what_they_say() {
    let slapd = Slapd::start();
    slapd.modify(&format!(
        "dn: uid=twin1,{PEOPLE}\nchangetype: modify\nreplace: employeeType\n\
         employeeType: Terminated\n\ndn: cn=inner,ou=groups,{BASE}\nchangetype: add\n\
         objectClass: groupOfNames\ncn: inner\nmember: uid=ending,{PEOPLE}\n\n\
         dn: cn=crew,ou=groups,{BASE}\nchangetype: modify\nadd: member\n\
         member: cn=inner,ou=groups,{BASE}\n"
    ));
    slapd.log_in("active");
    let mut settings = settings(&slapd);
    settings.base = PEOPLE.to_owned();
    // Written in other letters than the server does.
    settings.signals.leavers_units = vec!["OU=Leavers, dc=house,dc=test".to_owned()];
    settings.signals.group = Some(format!("cn=crew,ou=groups,{BASE}"));
    settings.signals.left_when = vec![exeunt::directory::LeftWhen {
        attribute: "employeeType".to_owned(),
        values: vec!["terminated".to_owned()],
    }];
    let read = super::read(settings.clone()).await.unwrap();
    let of = |n: u32| read.people.iter().find(|p| p.key == key(n)).unwrap();
    let those = |is: &dyn Fn(&PersonFacts) -> bool| -> Vec<u32> {
        let all = (1..13).filter(|n| *n != 9);
        all.filter(|n| is(&of(*n).facts)).collect()
    };
    assert_eq!(those(&|f| f.in_leavers_unit), [8]);
    assert_eq!(those(&|f| f.left_by.is_some()), [10]);
    assert_eq!(of(10).facts.left_by.as_deref(), Some("employeeType"));
    assert_eq!(those(&|f| !f.outside_group), [1, 5]);
    assert!(of(1).last_login.is_some(), "{:?}", of(1));
    assert_eq!(of(2).last_login, None);

    let one = directory(settings.clone());
    for (n, unit, outside) in [(1, false, false), (5, false, false), (8, true, true)] {
        let facts = one.look_up(&key(n)).await.unwrap().unwrap().facts;
        assert_eq!(
            (facts.in_leavers_unit, facts.outside_group),
            (unit, outside),
            "{n}"
        );
    }
    for spoil in ["ou=leavers", "cn=crew"] {
        let other = |text: &String| text.to_lowercase().replace(spoil, "cn=gone");
        let mut wrong = settings.clone();
        let signals = &mut wrong.signals;
        signals.leavers_units = signals.leavers_units.iter().map(other).collect();
        signals.group = signals.group.as_ref().map(other);
        let error = super::read(wrong).await.unwrap_err();
        assert_eq!(error.fault(), "read.configuration", "{error}");
    }
}

#[test]
fn somebody_hired_again_under_all_the_old_names_has_not_left() {
    let estate = Estate::start(&["ada@house.test"], &[APPROVED, AT_ONCE]);
    estate.sync();
    let people = estate.ws.items(&["departed"]).len();
    estate.slapd.delete(&format!("uid=active,{PEOPLE}"));
    estate.slapd.modify(&format!(
        "dn: uid=active,{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: active\n\
         cn: Ada Active\nsn: Active\nmail: ada@house.test\nemployeeNumber: 1\n"
    ));
    for _ in 0..3 {
        estate.sync();
    }
    // The one of before is gone; the account is not hers alone any more.
    assert_eq!(estate.ws.items(&["departed"]).len(), people + 1);
    let plan = estate.ws.json(&["plan"]);
    let steps = plan["steps"].as_array().unwrap();
    assert!(
        steps.iter().all(|s| s["email"] != "ada@house.test"),
        "{plan}"
    );
    estate.ws.is_sound();
}
