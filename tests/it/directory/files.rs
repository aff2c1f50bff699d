//! Files through the same trait as servers.

mod hr;

use exeunt::directory::Contains;
use exeunt::directory::Directory;
use exeunt::directory::FilePlace;
use exeunt::directory::ProbeState;
use exeunt::directory::csv::CsvColumns;
use exeunt::directory::csv::CsvDirectory;
use exeunt::directory::csv::CsvSettings;
use exeunt::directory::ldif::LdifDirectory;
use exeunt::directory::ldif::LdifSettings;

async fn everything_that_every_file_does(directory: &dyn Directory, path: &std::path::Path) {
    let read = directory.read(&|_| ()).await.unwrap();
    assert_eq!(read.proof.count, 2);
    assert!(directory.look_up("7").await.unwrap().is_some());
    assert_eq!(directory.look_up("9").await.unwrap(), None);
    assert_eq!(directory.clock().await.unwrap(), None);
    assert!(directory.is_loopback() && directory.lists_everybody());
    let probes = directory.check().await;
    assert!(
        probes.iter().all(|probe| probe.state == ProbeState::Good),
        "{probes:?}"
    );

    std::fs::remove_file(path).unwrap();
    assert_eq!(
        directory.read(&|_| ()).await.unwrap_err().fault(),
        "read.configuration"
    );
    assert_eq!(
        directory.look_up("9").await.unwrap_err().fault(),
        "read.configuration"
    );
    assert_eq!(directory.check().await[0].state, ProbeState::Bad);
}

#[tokio::test]
async fn a_csv_file_is_a_directory() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("people.csv");
    std::fs::write(&path, "\u{feff}Nr;Mail\r\n8;b@x.test\r\n7;a@x.test\r\n").unwrap();
    let directory = CsvDirectory::new(CsvSettings {
        name: "hr".to_owned(),
        place: FilePlace::at(&path),
        columns: CsvColumns {
            key: "Nr".to_owned(),
            mail: "Mail".to_owned(),
            ..CsvColumns::default()
        },
        contains: Contains::Everybody,
        ..CsvSettings::default()
    });
    everything_that_every_file_does(&directory.unwrap(), &path).await;
}

#[tokio::test]
async fn an_ldif_file_is_a_directory() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("people.ldif");
    let ldif = "dn: uid=a,dc=x\nemployeeNumber: 7\n\ndn: uid=b,dc=x\nemployeeNumber: 8\n";
    std::fs::write(&path, ldif).unwrap();
    let directory = LdifDirectory::new(LdifSettings {
        name: "export".to_owned(),
        place: FilePlace::at(&path),
        key: "employeeNumber".to_owned(),
        mail: vec!["mail".to_owned()],
        contains: Contains::Everybody,
        ..LdifSettings::default()
    });
    everything_that_every_file_does(&directory.unwrap(), &path).await;
}
