//! Against servers that misbehave: an error or something reported, never a short list.

use std::time::Duration;

use exeunt::directory::Directory as _;
use exeunt::directory::DirectoryError;
use exeunt::directory::PeopleRead;
use exeunt::directory::ProbeState;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapSettings;
use exeunt::domain::time::Time;
use url::Url;

use crate::common::fake_ldap;
use crate::common::fake_ldap::Fault;

async fn settings(fault: Fault) -> LdapSettings {
    let url = fake_ldap::start(fault).await;
    let mut settings = super::settings(&url, "dc=x", "cn=sync", "secret");
    settings.page_size = 3;
    settings.limits.entry = Duration::from_millis(700);
    settings
}

async fn read(fault: Fault) -> Result<PeopleRead, DirectoryError> {
    super::read(settings(fault).await).await
}

async fn fault_of(fault: Fault) -> &'static str {
    match read(fault).await {
        Ok(read) => panic!("{fault:?}: {} people were believed", read.people.len()),
        Err(error) => error.fault(),
    }
}

#[tokio::test]
async fn without_a_fault_everybody_is_read_once() {
    let read = read(Fault::None).await.unwrap();
    let wanted: Vec<String> = (1..7).map(fake_ldap::key).collect();
    assert_eq!(super::keys(&read), wanted);
    assert_eq!((read.proof.pages, read.proof.count), (2, 6));
    assert_eq!((read.proof.without_key, read.proof.referrals), (0, 0));
}

#[tokio::test]
async fn every_break_on_the_way_voids_the_read() {
    for (fault, wanted) in [
        (Fault::DropWithinPage1, "read.cut"),
        (Fault::DropOnPage2, "read.cut"),
        (Fault::HangOnPage2, "read.timeout"),
        (Fault::BusyOnPage2, "read.busy"),
        (Fault::PagingIgnored, "read.paging-ignored"),
        (Fault::PagingBroken, "read.unreadable"),
        (Fault::SameKeyTwice, "read.duplicate-key"),
        (Fault::DisconnectNotice, "read.cut"),
        (Fault::HugeEntry, "read.too-large"),
        (Fault::NotASequence, "read.unreadable"),
        (Fault::SequenceOfNothing, "read.unreadable"),
        (Fault::BadDate, "read.unreadable"),
    ] {
        assert_eq!(fault_of(fault).await, wanted, "{fault:?}");
    }
}

#[tokio::test]
async fn the_message_says_on_which_page() {
    let DirectoryError::NotWhole { detail, .. } = read(Fault::DropOnPage2).await.unwrap_err()
    else {
        panic!("another error")
    };
    assert!(detail.contains("on page 2"), "{detail}");
}

#[tokio::test]
async fn a_server_that_drips_or_never_ends_meets_the_deadline() {
    for fault in [Fault::DripOnPage2, Fault::EndlessPages] {
        let mut settings = settings(fault).await;
        settings.limits.whole = Duration::from_millis(600);
        assert_eq!(
            super::read(settings).await.unwrap_err().fault(),
            "read.timeout",
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn more_people_than_the_limit_void_the_read() {
    for limit in [2, 5] {
        let mut settings = settings(Fault::None).await;
        settings.limits.entries = limit;
        assert_eq!(
            super::read(settings).await.unwrap_err().fault(),
            "read.too-many"
        );
    }
}

#[tokio::test]
async fn entries_without_key_and_referrals_are_reported() {
    let read = read(Fault::EntryWithoutKey).await.unwrap();
    assert_eq!((read.proof.count, read.proof.without_key), (5, 1));
    let read = super::read(settings(Fault::Referral).await).await.unwrap();
    assert_eq!((read.proof.count, read.proof.referrals), (6, 1));
}

#[tokio::test]
async fn the_next_server_is_asked_only_if_one_cannot_be_reached() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("ldap://127.0.0.1:{}", listener.local_addr().unwrap().port())
    };
    let mut settings = settings(Fault::None).await;
    settings.urls.insert(0, Url::parse(&closed).unwrap());
    assert_eq!(super::read(settings.clone()).await.unwrap().proof.count, 6);

    settings.urls.pop();
    let error = super::read(settings.clone()).await.unwrap_err();
    assert_eq!(error.fault(), "read.unreachable");
    assert!(error.to_string().contains(&closed), "{error}");

    let broken = fake_ldap::start(Fault::DropOnPage2).await;
    let sound = fake_ldap::start(Fault::None).await;
    settings.urls = [broken, sound]
        .map(|url| Url::parse(&url).unwrap())
        .to_vec();
    assert_eq!(super::read(settings).await.unwrap_err().fault(), "read.cut");
}

#[tokio::test]
async fn nobody_found_is_no_proof_where_nothing_can_be_read_or_a_referral_came() {
    let key = fake_ldap::key(1);
    let directory = LdapDirectory::new(settings(Fault::None).await).unwrap();
    let error = directory.look_up(&key).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Rights { .. }), "{error}");
    let directory = LdapDirectory::new(settings(Fault::ReferralOnly).await).unwrap();
    assert_eq!(
        directory.look_up(&key).await.unwrap_err().fault(),
        "read.referral"
    );
    let error = directory.look_up("alice").await.unwrap_err();
    assert!(
        matches!(error, DirectoryError::Configuration { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_time_of_the_server_is_read_where_it_tells_it() {
    let directory = LdapDirectory::new(settings(Fault::OwnClock).await).unwrap();
    assert_eq!(
        directory.clock().await.unwrap(),
        Time::parse("2026-11-22T10:00:00Z")
    );
    let directory = LdapDirectory::new(settings(Fault::None).await).unwrap();
    assert_eq!(directory.clock().await.unwrap(), None);
}

#[tokio::test]
async fn a_check_names_what_breaks() {
    let directory = LdapDirectory::new(settings(Fault::PagingIgnored).await).unwrap();
    let probes = directory.check().await;
    let people = probes.iter().find(|probe| probe.what == "people").unwrap();
    assert_eq!(people.state, ProbeState::Bad);
    assert!(
        people.says.contains("did not page its answer"),
        "{people:?}"
    );
}
