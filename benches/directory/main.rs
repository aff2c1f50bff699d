//! How long a full read of people from a real slapd takes, against ldapsearch that reads the same
//! attributes with the same page size from the same server, by turns; and how time and memory
//! grow with the number of people.
//!
//! `cargo bench --bench directory`; needs slapd and ldap-utils (tests/run installs them).
//! `EXEUNT_PEOPLE` is a list of sizes (usually 20000,50000,100000,200000), `EXEUNT_TURNS` how often
//! both sides read.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement"
)]

#[path = "../../tests/it/common"]
#[expect(dead_code, reason = "made for the tests, which use all of it")]
mod common {
    pub(crate) mod machine;
    pub(crate) mod slapd;
}

use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use exeunt::directory::Directory as _;
use exeunt::directory::ldap::BindPassword;
use exeunt::directory::ldap::Flavor;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapLimits;
use exeunt::directory::ldap::LdapSettings;
use exeunt::directory::ldap::LdapSignals;

use crate::common::slapd::BASE;
use crate::common::slapd::PASSWORD;
use crate::common::slapd::SYNC;
use crate::common::slapd::Slapd;

const PAGE: u16 = 500;
const FILTER: &str = "(objectClass=inetOrgPerson)";

/// How a connection is made: the name of the way and the server's URL.
type Way = (&'static str, String);

fn adapter(slapd: &Slapd, url: &str) -> LdapDirectory {
    let settings = LdapSettings {
        name: "house".to_owned(),
        urls: vec![url.parse().unwrap()],
        starttls: false,
        ca_file: Some(slapd.ca()),
        bind_dn: SYNC.to_owned(),
        bind_password: BindPassword::new(PASSWORD),
        base: BASE.to_owned(),
        filter: Some(FILTER.to_owned()),
        flavor: Flavor::OpenLdap,
        signals: LdapSignals::default(),
        page_size: PAGE,
        limits: LdapLimits::default(),
    };
    LdapDirectory::new(settings).unwrap()
}

/// Reads everybody as the program does.
async fn read(adapter: &LdapDirectory, people: u64) -> Duration {
    let begun = Instant::now();
    let read = adapter.read(&|_| {}).await.unwrap();
    let took = begun.elapsed();
    assert!(read.proof.count >= people, "{} people", read.proof.count);
    took
}

/// Reads the same with ldapsearch, which writes it to nowhere.
fn search(url: &str, attributes: &[String]) -> Duration {
    let mut command = Command::new("ldapsearch");
    command
        // the certificate names localhost, and ldapsearch asks for the name of the machine
        .env("LDAPTLS_REQCERT", "allow")
        .args(["-x", "-LLL", "-o", "ldif-wrap=no", "-H", url, "-D", SYNC])
        .args(["-w", PASSWORD, "-b", BASE, "-E"])
        .arg(format!("pr={PAGE}/noprompt"))
        .arg(FILTER)
        .args(attributes)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    assert!(command.status().unwrap().success(), "ldapsearch failed");
    begun.elapsed()
}

/// The one in the middle, in seconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// The most memory that this process has had so far, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

fn numbers(name: &str, usual: &str) -> Vec<u64> {
    let text = std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    text.split(',').map(|n| n.trim().parse().unwrap()).collect()
}

#[tokio::main]
async fn main() {
    let turns = numbers("EXEUNT_TURNS", "5")[0];
    println!("people\tway\tldapsearch s\tread s\tratio\tpeak MiB");
    for people in numbers("EXEUNT_PEOPLE", "20000,50000,100000,200000") {
        let slapd = Slapd::start();
        slapd.bulk(u32::try_from(people).unwrap());
        let ways: [Way; 2] = [("plain", slapd.url()), ("ldaps", slapd.tls_url())];
        for (way, url) in ways {
            let adapter = adapter(&slapd, &url);
            let (mut searches, mut reads) = (Vec::new(), Vec::new());
            for _ in 0..turns {
                searches.push(search(&url, adapter.asked()));
                reads.push(read(&adapter, people).await);
            }
            let (plain, ours) = (median(searches), median(reads));
            println!(
                "{people}\t{way}\t{plain:.2}\t{ours:.2}\t{:.2}\t{}",
                ours / plain,
                peak()
            );
        }
    }
}
