//! What a client of the directory sees, with and without faults.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta, Utc};
use ldap3::{
    LdapConnAsync, LdapError, Scope, SearchEntry,
    adapters::{Adapter, EntriesOnly, PagedResults},
};
use serde_json::{Value, json};

use crate::sandbox::ldap::{
    Fault, FaultRule, Ldap, LdapHandle, LdapOptions, LdapSettings, NewPerson, On,
};

fn directory(people: usize) -> LdapHandle {
    Ldap::start(LdapOptions {
        people,
        ..LdapOptions::default()
    })
    .unwrap()
}

async fn open(directory: &LdapHandle) -> ldap3::Ldap {
    let (connection, ldap) = LdapConnAsync::new(&directory.url()).await.unwrap();
    tokio::spawn(connection.drive());
    ldap
}

async fn bound(directory: &LdapHandle) -> ldap3::Ldap {
    let mut ldap = open(directory).await;
    let bind = ldap
        .simple_bind(directory.bind_dn(), directory.bind_password())
        .await
        .unwrap();
    bind.success().unwrap();
    ldap
}

/// A walk over all pages: the entries, the first error, the result code at the end.
async fn walk(
    directory: &LdapHandle,
    page: i32,
    filter: &str,
    attributes: Vec<&str>,
) -> (Vec<SearchEntry>, Option<LdapError>, u32) {
    let mut ldap = bound(directory).await;
    let adapters: Vec<Box<dyn Adapter<_, _>>> = vec![
        Box::new(EntriesOnly::new()),
        Box::new(PagedResults::new(page)),
    ];
    let mut search = ldap
        .with_timeout(Duration::from_secs(3))
        .streaming_search_with(
            adapters,
            directory.base(),
            Scope::Subtree,
            filter,
            attributes,
        )
        .await
        .unwrap();
    let (mut entries, mut error) = (Vec::new(), None);
    loop {
        match search.next().await {
            Ok(Some(entry)) => entries.push(SearchEntry::construct(entry)),
            Ok(None) => break,
            Err(found) => {
                error = Some(found);
                break;
            }
        }
    }
    (entries, error, search.finish().await.rc)
}

const PEOPLE: &str = "(objectClass=inetOrgPerson)";

#[tokio::test]
async fn pages_give_everybody_once() {
    let directory = directory(2_500);
    let (entries, error, code) = walk(&directory, 400, PEOPLE, vec!["uid", "entryUUID"]).await;
    assert!(error.is_none());
    assert_eq!((entries.len(), code), (2_500, 0));
    let mut ids: Vec<_> = entries
        .iter()
        .map(|e| e.attrs["entryUUID"][0].clone())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2_500);
    let log = directory.control().searches();
    assert_eq!(
        log.iter().map(|s| s.page).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
    assert_eq!(
        (log[0].page_size, log[0].filter.as_str()),
        (Some(400), PEOPLE)
    );
    assert_eq!(log[0].attributes, ["uid", "entryUUID"]);
}

#[tokio::test]
async fn twenty_thousand_people_are_there_at_once() {
    let started = Instant::now();
    let directory = directory(20_000);
    let ready = started.elapsed();
    let (entries, _, code) = walk(&directory, 1_000, PEOPLE, vec!["uid"]).await;
    assert_eq!((entries.len(), code), (20_000, 0));
    assert!(
        ready < Duration::from_secs(10),
        "a debug build took {ready:?}"
    );
}

#[tokio::test]
async fn operational_attributes_come_only_when_asked_for() {
    let directory = directory(3);
    let control = directory.control();
    let uid = control.people()[0].first("uid").unwrap().to_owned();
    control.disable(&uid);
    let mut ldap = bound(&directory).await;
    let filter = format!("(uid={uid})");
    let read = async |ldap: &mut ldap3::Ldap, attributes: Vec<&str>| {
        let found = ldap
            .search(directory.base(), Scope::Subtree, &filter, attributes)
            .await;
        SearchEntry::construct(found.unwrap().success().unwrap().0.remove(0)).attrs
    };
    let plain = read(&mut ldap, vec!["*"]).await;
    assert_eq!(plain["mail"].len(), 2, "several addresses");
    assert!(plain.contains_key("cn") && plain.contains_key("sn"));
    assert!(plain.contains_key("employeeNumber"));
    assert!(!plain.contains_key("entryUUID") && !plain.contains_key("pwdAccountLockedTime"));
    let all = read(&mut ldap, vec!["*", "+"]).await;
    assert_eq!(all["pwdAccountLockedTime"], ["000001010000Z"]);
    assert!(all.contains_key("createTimestamp") && all.contains_key("modifyTimestamp"));
    let named = read(&mut ldap, vec!["ENTRYUUID"]).await;
    assert_eq!(named.keys().collect::<Vec<_>>(), ["entryUUID"]);
}

#[tokio::test]
async fn filters_and_scopes_find_what_they_should() {
    let directory = directory(40);
    let control = directory.control();
    let add = |uid: &str, last_name: &str| {
        control.add_person(NewPerson {
            uid: uid.to_owned(),
            first_name: "Zoe".to_owned(),
            last_name: last_name.to_owned(),
            mail: vec![format!("{uid}@example.org")],
            employee_number: String::new(),
            entry_uuid: None,
            container: None,
        })
    };
    let id = add("zoe.one", "One (x*y)");
    add("zoe.two", "Two");
    control.disable("zoe.two");
    let mut ldap = bound(&directory).await;
    let base = directory.base();
    let mut count = async |filter: &str| {
        let found = ldap
            .search(base, Scope::Subtree, filter, vec!["uid"])
            .await
            .unwrap();
        found.success().unwrap().0.len()
    };
    assert_eq!(count("(uid=ZOE.one)").await, 1);
    assert_eq!(count("(mail=zoe.*@example.*)").await, 2);
    assert_eq!(count("(mail=*EXAMPLE.org)").await, 2);
    assert_eq!(count("(&(givenName=Zoe)(pwdAccountLockedTime=*))").await, 1);
    assert_eq!(
        count("(&(givenName=Zoe)(!(pwdAccountLockedTime=*)))").await,
        1
    );
    assert_eq!(count("(|(uid=zoe.one)(uid=zoe.two))").await, 2);
    assert_eq!(count("(sn=One \\28x\\2ay\\29)").await, 1);
    assert_eq!(count(&format!("(entryUUID={id})")).await, 1);
    assert_eq!(count("(employeeNumber>=E000030)").await, 11);
    let mut one = bound(&directory).await;
    let found = one
        .search(base, Scope::OneLevel, "(objectClass=*)", vec!["1.1"])
        .await
        .unwrap();
    assert_eq!(found.success().unwrap().0.len(), 3, "the containers");
    let missing = format!("uid=nobody,ou=people,{base}");
    let found = one
        .search(&missing, Scope::Base, "(objectClass=*)", vec!["*"])
        .await
        .unwrap();
    assert_eq!(
        (found.1.rc, found.1.matched),
        (32, format!("ou=people,{base}"))
    );
}

#[tokio::test]
async fn the_root_entry_tells_who_it_is_and_what_time_it_is() {
    let directory = directory(0);
    directory.control().advance(86_400);
    let mut ldap = open(&directory).await;
    let found = ldap
        .search("", Scope::Base, "(objectClass=*)", vec!["*", "+"])
        .await
        .unwrap();
    let root = SearchEntry::construct(found.success().unwrap().0.remove(0)).attrs;
    assert_eq!(root["namingContexts"], [directory.base()]);
    assert_eq!(root["vendorName"], ["Exeunt sandbox"]);
    assert_eq!(root["supportedLDAPVersion"], ["3"]);
    assert!(root["supportedControl"].contains(&"1.2.840.113556.1.4.319".to_owned()));
    let now = NaiveDateTime::parse_from_str(&root["currentTime"][0], "%Y%m%d%H%M%SZ").unwrap();
    assert!(
        (now.and_utc() - Utc::now() - TimeDelta::days(1))
            .num_seconds()
            .abs()
            < 60
    );
}

#[tokio::test]
async fn binds_and_changes_are_refused_politely() {
    let directory = directory(5);
    let mut ldap = open(&directory).await;
    let base = directory.base();
    let anonymous = ldap
        .search(base, Scope::Subtree, PEOPLE, vec!["uid"])
        .await
        .unwrap();
    assert_eq!((anonymous.0.len(), anonymous.1.rc), (0, 50));
    assert_eq!(
        ldap.simple_bind(directory.bind_dn(), "wrong")
            .await
            .unwrap()
            .rc,
        49
    );
    assert_eq!(
        ldap.simple_bind("cn=other", directory.bind_password())
            .await
            .unwrap()
            .rc,
        49
    );
    assert_eq!(
        ldap.simple_bind(directory.bind_dn(), "").await.unwrap().rc,
        53
    );
    let right = ldap
        .simple_bind(directory.bind_dn(), directory.bind_password())
        .await
        .unwrap();
    assert_eq!(right.rc, 0);
    assert_eq!(ldap.delete(base).await.unwrap().rc, 53);
    assert_eq!(ldap.extended(ldap3::exop::WhoAmI).await.unwrap().1.rc, 0);
    directory.control().add_fault(FaultRule {
        on: On::Bind,
        ..FaultRule::always(Fault::Code { code: 49, after: 0 })
    });
    let mut second = open(&directory).await;
    let refused = second
        .simple_bind(directory.bind_dn(), directory.bind_password())
        .await;
    assert_eq!(refused.unwrap().rc, 49);
    let codes: Vec<_> = directory
        .control()
        .binds()
        .iter()
        .map(|bind| bind.code)
        .collect();
    assert_eq!(codes, [49, 49, 53, 0, 49]);
}

#[tokio::test]
async fn a_list_cut_on_page_two_looks_whole_to_the_careless() {
    for fault in [
        Fault::Drop { after: 0 },
        Fault::Hang { after: 0 },
        Fault::Drop { after: 3 },
    ] {
        let directory = directory(100);
        directory
            .control()
            .add_fault(FaultRule::on_page(2, fault.clone()));
        let (entries, error, code) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
        let extra = usize::from(fault == Fault::Drop { after: 3 }) * 3;
        assert_eq!(entries.len(), 40 + extra, "{fault:?}");
        assert!(error.is_some(), "{fault:?}");
        assert_eq!(code, 0, "the left-over result of page 1: {fault:?}");
    }
}

#[tokio::test]
async fn codes_limits_and_missing_controls_reach_the_client() {
    let directory = directory(100);
    let control = directory.control();
    for code in [1, 4, 32, 50, 51] {
        control.add_fault(FaultRule::on_page(2, Fault::Code { code, after: 0 }));
        let (entries, error, got) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
        assert_eq!((entries.len(), error.is_none(), got), (40, true, code));
        control.clear_faults();
    }
    control.add_fault(FaultRule::on_page(
        1,
        Fault::IgnorePaging { entries: Some(40) },
    ));
    let (entries, _, code) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
    assert_eq!((entries.len(), code), (40, 0), "one page and success");
    control.clear_faults();
    control.add_fault(FaultRule::always(Fault::Empty));
    let (entries, _, code) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
    assert_eq!((entries.len(), code), (0, 0));
    control.clear_faults();
    control.set_settings(LdapSettings {
        size_limit: Some(60),
        ..control.settings()
    });
    let (entries, _, code) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
    assert_eq!((entries.len(), code), (60, 4));
}

#[tokio::test]
async fn what_is_withheld_or_added_is_seen() {
    let directory = directory(10);
    let control = directory.control();
    let attributes = vec!["entryUUID".to_owned()];
    control.add_fault(FaultRule::always(Fault::Withhold { attributes }));
    let (entries, _, _) = walk(&directory, 40, PEOPLE, vec!["uid", "entryUUID"]).await;
    assert!(
        entries
            .iter()
            .all(|entry| !entry.attrs.contains_key("entryUUID"))
    );
    control.clear_faults();
    control.add_fault(FaultRule::always(Fault::OnlyBase));
    let (entries, _, code) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
    assert_eq!(
        (entries.len(), entries[0].dn.as_str(), code),
        (1, directory.base(), 0)
    );
    control.clear_faults();
    let url = "ldap://127.0.0.1:9/dc=elsewhere".to_owned();
    control.add_fault(FaultRule::always(Fault::Referral { url: url.clone() }));
    let mut ldap = bound(&directory).await;
    let found = ldap
        .search(directory.base(), Scope::Subtree, PEOPLE, vec!["uid"])
        .await
        .unwrap();
    assert_eq!((found.0.len(), found.1.refs), (10, vec![url]));
    control.clear_faults();
    control.add_fault(FaultRule::always(Fault::HugeEntry { bytes: 4_000_000 }));
    let (entries, _, _) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
    assert_eq!(entries[0].attrs["jpegPhoto"][0].len(), 4_000_000);
    control.clear_faults();
    control.add_fault(FaultRule::on_page(1, Fault::Disconnect { after: 2 }));
    let (entries, error, _) = walk(&directory, 40, PEOPLE, vec!["uid"]).await;
    assert_eq!((entries.len(), error.is_some()), (2, true));
}

#[tokio::test]
async fn pages_can_go_on_for_ever() {
    let directory = directory(10);
    directory
        .control()
        .add_fault(FaultRule::always(Fault::EndlessPaging));
    let mut ldap = bound(&directory).await;
    let adapters: Vec<Box<dyn Adapter<_, _>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(4))];
    let base = directory.base();
    let search = ldap.streaming_search_with(adapters, base, Scope::Subtree, PEOPLE, vec!["uid"]);
    let mut search = search.await.unwrap();
    for _ in 0..35 {
        assert!(search.next().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn people_move_rename_and_leave_under_the_same_key() {
    let directory = directory(5);
    let control = directory.control();
    let person = control.people()[2].clone();
    let key = person.first("entryUUID").unwrap().to_owned();
    let leavers = format!("ou=leavers,{}", directory.base());
    assert!(control.move_to(&key, &leavers));
    assert!(control.entry(&key).unwrap().dn.ends_with(&leavers));
    assert!(control.rename(&key, "new.name"));
    assert_eq!(
        control.entry(&key).unwrap().dn,
        format!("uid=new.name,{leavers}")
    );
    assert_eq!(
        control.entry("new.name").unwrap().first("entryUUID"),
        Some(key.as_str())
    );
    assert!(control.set_mail("new.name", vec!["other@example.com".into()]));
    assert!(control.entry("other@example.com").is_some());
    assert!(control.lock_out("new.name"));
    assert_ne!(
        control.entry(&key).unwrap().first("pwdAccountLockedTime"),
        Some("000001010000Z"),
        "a lock for a while is no sign of leaving"
    );
    assert!(control.expire(&key, Utc::now()) && control.enable(&key));
    assert!(control.entry(&key).unwrap().first("pwdEndTime").is_none());
    let url = format!("{}/_sandbox/", directory.control_url());
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = async |name: &str, args: Value| {
        let response = client
            .post(format!("{url}{name}"))
            .json(&args)
            .send()
            .await
            .unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    assert_eq!(
        call("disable", json!({ "who": "new.name" })).await,
        (200, json!(true))
    );
    let (_, entry) = call("entry", json!({ "who": key })).await;
    assert_eq!(
        entry["attributes"]["pwdAccountLockedTime"][0],
        "000001010000Z"
    );
    assert_eq!(
        call("remove", json!({ "who": "new.name" })).await,
        (200, json!(true))
    );
    assert_eq!(
        call("disable", json!({ "who": "new.name" })).await,
        (200, json!(false))
    );
    assert_eq!(call("disable", json!({})).await.0, 400);
    let rule = json!({ "page": 1, "fault": { "kind": "code", "code": 51 } });
    assert_eq!(call("add_fault", rule).await.0, 200);
    assert_eq!(walk(&directory, 40, PEOPLE, vec!["uid"]).await.2, 51);
    assert_eq!(control.people().len(), 4);
    assert!(control.remove(directory.base()), "the base can go too");
    control.clear_faults();
    assert_eq!(walk(&directory, 40, PEOPLE, vec!["uid"]).await.2, 32);
    let url = directory.url();
    directory.stop();
    assert!(
        LdapConnAsync::new(&url).await.is_err(),
        "nothing listens after stopping"
    );
}
