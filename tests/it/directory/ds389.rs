//! Against a real 389 Directory Server.

use exeunt::directory::Directory as _;
use exeunt::directory::ldap::Flavor;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapSettings;
use serde_json::Value;

use crate::common::ds389::BASE;
use crate::common::ds389::Ds389;
use crate::common::ds389::LEAVERS;
use crate::common::ds389::PASSWORD;
use crate::common::ds389::PEOPLE;
use crate::common::ds389::READER;
use crate::common::workspace::Workspace;

fn settings(server: &Ds389) -> LdapSettings {
    let mut settings = super::settings(&server.url(), BASE, READER, PASSWORD);
    settings.filter = Some("(objectClass=inetOrgPerson)".to_owned());
    settings.flavor = Flavor::Ds389;
    settings
}

#[tokio::test]
async fn the_lock_is_seen_and_the_keys_stay() {
    let server = Ds389::start();
    let read = super::read(settings(&server)).await.unwrap();
    assert_eq!((read.proof.count, read.proof.without_key), (5, 0));
    let of = |login: &str| {
        let found = read
            .people
            .iter()
            .find(|p| p.login.as_deref() == Some(login));
        found.unwrap()
    };
    for (login, wanted) in [
        ("alice", None),
        ("bob", Some("nsAccountLock")),
        ("carol", None),
        ("erin", None),
        ("frank", Some("nsAccountLock")),
    ] {
        assert_eq!(of(login).facts.disabled_by.as_deref(), wanted, "{login}");
    }
    let directory = LdapDirectory::new(settings(&server)).unwrap();
    let key = &of("carol").key;
    assert_eq!(directory.look_up(key).await.unwrap().unwrap().key, *key);
    server.rename(&format!("uid=carol,{PEOPLE}"), "uid=caroline", LEAVERS);
    let moved = directory.look_up(key).await.unwrap().unwrap();
    assert_eq!(moved.login.as_deref(), Some("caroline"));
    server.delete(&format!("uid=caroline,{LEAVERS}"));
    assert_eq!(directory.look_up(key).await.unwrap(), None);
    let mut small = settings(&server);
    small.page_size = 1;
    assert_eq!(super::read(small).await.unwrap().proof.count, 4);
}

#[test]
fn every_sign_is_found_and_nobody_else_has_left() {
    let server = Ds389::start();
    let ws = Workspace::new();
    ws.write("corp.password", PASSWORD);
    let corp = format!(
        "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"389ds\"\nurl = [\"{}\"]\n\
         bind_dn = \"{READER}\"\nbind_password = {{ file = \"corp.password\" }}\n\
         base = \"{BASE}\"\nfilter = \"(objectClass=inetOrgPerson)\"\n\
         leavers_units = [\"{LEAVERS}\"]\n",
        server.url()
    );
    ws.configure(&[&corp, "[limits.absent]\nover_minutes = 0\n"]);
    ws.run(&["init"]).exits(0);
    ws.run(&["check"]).exits(0);
    ws.run(&["sync"]).exits(0);
    let departed = || {
        let items = ws.items(&["departed"]);
        let told = |item: &Value| {
            let email = item["email"].as_str().unwrap_or("-");
            format!("{email} {}", item["strength"].as_str().unwrap())
        };
        let mut all: Vec<_> = items.iter().map(told).collect();
        all.sort();
        all
    };
    let before = [
        "- disabled",
        "bob@example.test disabled",
        "erin@example.test leavers-unit",
    ];
    assert_eq!(departed(), before);
    // Deleted without a trace: two reads, and the server's word that nobody has the key.
    server.delete(&format!("uid=carol,{PEOPLE}"));
    server.set(&format!("uid=bob,{PEOPLE}"), "nsAccountLock", "false");
    ws.run(&["sync"]).exits(0);
    let one = ["- disabled", "erin@example.test leavers-unit"];
    assert_eq!(departed(), one);
    ws.run(&["sync"]).exits(0);
    let two = [
        "- disabled",
        "carol@example.test absent",
        "erin@example.test leavers-unit",
    ];
    assert_eq!(departed(), two);
    server.stop();
    ws.run(&["sync"]).exits(69);
    assert_eq!(departed(), two);
}
