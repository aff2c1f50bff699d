//! Lists of an HR department: leave dates to come and past, one file twice, an older one, one that
//! nobody writes any more.

use std::fs::File;
use std::time::Duration;
use std::time::SystemTime;

use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use uuid::Uuid;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::safety::house::LEAVERS;
use crate::safety::house::emails;

const EVERYBODY: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     contains = \"everybody\"\ncolumns = { key = \"No\", mail = \"Mail\", leave_date = \"Leaves\", \
     recorded = \"Recorded\" }\n";

const ONLY_LEAVERS: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     contains = \"leavers\"\ncolumns = { key = \"No\", mail = \"Mail\", leave_date = \"Leaves\", \
     recorded = \"Recorded\" }\n";

/// Two complete reads show an absence, however soon they follow each other.
const AT_ONCE: &str = "[limits.absent]\nover_minutes = 0\n";

const NAMES: [&str; 3] = ["ada@house.test", "bob@house.test", "cleo@house.test"];

struct Hr {
    tenant: DocSpaceHandle,
    ws: Workspace,
}

impl Hr {
    fn start(directory: &str) -> Self {
        let population = Population {
            accounts: 2,
            ..Population::default()
        };
        let options = DocSpaceOptions {
            population,
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        let ws = Workspace::clocked(tenant.control());
        let portal = ws.tenant(&tenant, "");
        ws.configure(&[directory, &portal, LEAVERS, AT_ONCE]);
        ws.run(&["init"]).exits(0);
        for (n, email) in NAMES.iter().enumerate() {
            let id = Uuid::from_u128(0xacc0_0000 + n as u128);
            let made = tenant.control().now() - chrono::TimeDelta::days(300);
            let user = User::new(id, "Some", "Body", email, Kind::User, made);
            tenant.control().add_user(user);
        }
        Self { tenant, ws }
    }

    /// The UTC day so many days from now, as the tenant tells the time.
    fn day(&self, days: i64) -> String {
        let at = self.tenant.control().now() + chrono::TimeDelta::days(days);
        at.format("%Y-%m-%d").to_string()
    }

    /// Writes the list: number, address, leave date, recorded; as of so many hours ago.
    fn write(&self, hours_ago: u64, rows: &[&str]) {
        self.ws.write(
            "hr.csv",
            &format!("No,Mail,Leaves,Recorded\n{}\n", rows.join("\n")),
        );
        self.date("hr.csv", hours_ago);
    }

    fn date(&self, name: &str, hours_ago: u64) {
        let now: SystemTime = self.tenant.control().now().into();
        let file = File::options().append(true).open(self.ws.path(name));
        let then = now - Duration::from_secs(hours_ago * 3600);
        file.unwrap().set_modified(then).unwrap();
    }

    fn sync(&self) -> Ran {
        self.ws.run(&["sync"])
    }

    fn departed(&self) -> Vec<String> {
        let mut departed = emails(&self.ws.items(&["departed"]));
        departed.sort();
        departed
    }

    fn read(&self) -> serde_json::Value {
        self.ws.last_read("hr")
    }
}

#[test]
fn a_date_to_come_is_no_departure_until_it_has_passed() {
    let hr = Hr::start(EVERYBODY);
    let (past, today) = (hr.day(-20), hr.day(0));
    let ada = format!("1,ada@house.test,{today},{past}");
    hr.write(
        1,
        &[&ada, "2,bob@house.test,,", "3,cleo@house.test,9999-12-31,"],
    );
    hr.sync().exits(0);
    assert!(hr.departed().is_empty(), "the last day is not over yet");
    hr.ws.run(&["run"]).exits(0);
    hr.tenant.control().advance(24 * 3600);
    // Nothing was read since: the date in the rows is enough.
    assert_eq!(hr.departed(), ["ada@house.test"]);
    hr.ws.run(&["run"]).exits(5).says("first plan");
    let digest = hr.ws.json(&["status"])["plans"][0]["digest"].clone();
    let release = [
        "breaker",
        "release",
        digest.as_str().unwrap(),
        "--reason",
        "true",
    ];
    hr.ws.run(&release).exits(0);
    hr.ws.run(&["run"]).exits(0);
    let status = |mail: &str| hr.tenant.control().find(mail).unwrap().status;
    assert_eq!(status("ada@house.test"), Status::Terminated);
    assert_eq!(status("bob@house.test"), Status::Active);
    assert_eq!(status("cleo@house.test"), Status::Active);
    hr.ws.is_sound();
}

#[test]
fn a_late_notice_counts_at_once_and_says_when_it_was_recorded() {
    let hr = Hr::start(EVERYBODY);
    let (left, recorded) = (hr.day(-20), hr.day(-3));
    hr.write(1, &["1,ada@house.test,,", "2,bob@house.test,,"]);
    hr.sync().exits(0);
    let ada = format!("1,ada@house.test,{left},{recorded}");
    hr.write(0, &[&ada, "2,bob@house.test,,"]);
    hr.sync().exits(0);
    let items = hr.ws.items(&["departed"]);
    assert_eq!(emails(&items), ["ada@house.test"]);
    assert_eq!(items[0]["strength"], "leave-date");
    let seen = hr.ws.entries_of("person.observed");
    let facts = &seen.last().unwrap()["data"]["facts"];
    let said = facts["recorded_at"].as_str().unwrap();
    assert!(said.starts_with(&format!("{recorded}T00:00:00")), "{facts}");
}

#[test]
fn the_same_file_twice_adds_nothing_but_its_read() {
    let hr = Hr::start(EVERYBODY);
    let past = hr.day(-20);
    let ada = format!("1,ada@house.test,{past},");
    hr.write(5, &[&ada, "2,bob@house.test,,"]);
    hr.sync().exits(0);
    // As it is, sent again, and put back from a backup with its older date.
    for hours_ago in [5, 1, 9] {
        hr.date("hr.csv", hours_ago);
        let before = hr.ws.entries().len();
        hr.sync().exits(0);
        let new = hr.ws.entries_since(before);
        let types: Vec<_> = new.iter().map(|e| e["type"].as_str().unwrap()).collect();
        let reads = ["run.started", "source.read", "source.read", "run.finished"];
        assert_eq!(types, reads, "{hours_ago}");
        assert_eq!(hr.read()["verdict"], "complete");
    }
}

#[test]
fn an_older_file_is_not_believed_until_it_is_released() {
    let hr = Hr::start(EVERYBODY);
    hr.write(
        2,
        &[
            "1,ada@house.test,,",
            "2,bob@house.test,,",
            "3,cleo@house.test,,",
        ],
    );
    hr.sync().exits(0);
    let past = hr.day(-20);
    let ada = format!("1,ada@house.test,{past},");
    let old = [ada.as_str(), "2,bob@house.test,,", "3,cleo@house.test,,"];
    hr.write(50, &old);
    hr.sync().exits(5).says("read.older-than-last");
    assert_eq!(hr.read()["verdict"], "suspect");
    assert!(hr.departed().is_empty());
    hr.ws.run(&["status"]).says("read.older-than-last");
    hr.ws.run(&["run"]);
    assert!(
        hr.tenant
            .control()
            .requests()
            .iter()
            .all(|r| r.method == "GET")
    );

    // The same, written anew, is the newest word.
    hr.write(0, &old);
    hr.sync().exits(0);
    assert_eq!(hr.departed(), ["ada@house.test"]);

    // Or somebody says that the older one is right.
    let all = [
        "1,ada@house.test,,",
        "2,bob@house.test,,",
        "3,cleo@house.test,,",
    ];
    hr.write(30, &all);
    hr.sync().exits(5);
    let digest = hr.read()["proof"]["digest"].as_str().unwrap().to_owned();
    let release = [
        "breaker", "release", &digest, "--read", "hr", "--reason", "mine",
    ];
    hr.ws.run(&release).exits(0);
    hr.sync().exits(0);
    assert!(hr.departed().is_empty());
}

#[test]
fn a_file_that_nobody_writes_any_more_is_not_believed() {
    let hr = Hr::start(&format!("{EVERYBODY}max_age_days = 3\n"));
    let people = ["1,ada@house.test,,", "2,bob@house.test,,"];
    hr.write(70, &people);
    hr.ws.run(&["check"]).exits(0).says("age");
    hr.sync().exits(0);
    hr.tenant.control().advance(3 * 3600);
    hr.sync().exits(5).says("read.stale-file");
    assert_eq!(hr.read()["verdict"], "suspect");
    hr.ws.run(&["status"]).says("read.stale-file");
    hr.ws.run(&["check"]).exits(5).says("more than 3 days ago");
    let digest = hr.read()["proof"]["digest"].as_str().unwrap().to_owned();
    let release = [
        "breaker", "release", &digest, "--read", "hr", "--reason", "mine",
    ];
    hr.ws.run(&release).exits(5);
    hr.write(0, &people);
    hr.sync().exits(0);
}

#[test]
fn who_is_taken_off_a_list_of_leavers_has_not_left_and_nobody_is_missed() {
    let hr = Hr::start(ONLY_LEAVERS);
    let (past, soon) = (hr.day(-20), hr.day(2));
    let ada = format!("1,ada@house.test,{past},");
    let bob = format!("2,bob@house.test,{soon},");
    hr.write(9, &[&ada, &bob, "3,cleo@house.test,,"]);
    hr.sync().exits(0);
    assert_eq!(hr.departed(), ["ada@house.test", "cleo@house.test"]);
    hr.write(8, &[&bob]);
    hr.sync().exits(0);
    assert!(hr.departed().is_empty(), "a correction");
    hr.tenant.control().advance(3 * 24 * 3600);
    assert_eq!(hr.departed(), ["bob@house.test"]);
    hr.write(7, &[&ada, &bob]);
    hr.sync().exits(0);
    assert_eq!(hr.departed(), ["ada@house.test", "bob@house.test"]);
}

#[test]
fn a_list_of_leavers_that_lost_most_of_them_lets_nobody_back_in_until_it_is_released() {
    let hr = Hr::start(ONLY_LEAVERS);
    let past = hr.day(-20);
    let mut rows: Vec<String> = (10..20)
        .map(|n| format!("{n},x{n}@house.test,{past},"))
        .collect();
    rows.insert(0, format!("1,ada@house.test,{past},"));
    let all: Vec<&str> = rows.iter().map(String::as_str).collect();
    hr.write(9, &all);
    hr.sync().exits(0);
    assert_eq!(hr.departed().len(), 11);
    hr.write(8, &[all[5], all[6]]);
    hr.sync().exits(5).says("read.drop");
    assert_eq!(hr.departed().len(), 11, "cut, as far as we know");
    assert_eq!(hr.read()["rehearsal"]["missing"], 9);
    assert!(hr.ws.entries_of("person.missed").is_empty());
    let digest = hr.read()["proof"]["digest"].as_str().unwrap().to_owned();
    let release = [
        "breaker",
        "release",
        &digest,
        "--read",
        "hr",
        "--reason",
        "a new year",
    ];
    hr.ws.run(&release).exits(0);
    hr.sync().exits(0);
    assert_eq!(hr.departed().len(), 2);
    // Whoever was taken off does not count any more: two of two left is within the limit.
    hr.write(7, &[all[5]]);
    hr.sync().exits(0);
}

#[test]
fn the_newest_of_dated_files_is_read_whatever_their_dates_of_writing() {
    let dated = EVERYBODY.replace(
        "path = \"hr.csv\"",
        "path = \"exports\"\ndated = \"hr-%Y-%m-%d.csv\"",
    );
    let hr = Hr::start(&dated);
    hr.sync().exits(78);
    std::fs::create_dir(hr.ws.path("exports")).unwrap();
    hr.sync().exits(78).says("hr-%Y-%m-%d.csv");
    let write = |days: i64, rows: &str| {
        let name = format!("exports/hr-{}.csv", hr.day(days));
        hr.ws
            .write(&name, &format!("No,Mail,Leaves,Recorded\n{rows}\n"));
        name
    };
    let past = hr.day(-20);
    let newest = write(-1, &format!("1,ada@house.test,{past},\n2,bob@house.test,,"));
    write(-2, "1,ada@house.test,,\n2,bob@house.test,,");
    hr.sync().exits(0);
    assert_eq!(hr.departed(), ["ada@house.test"]);
    // The newest one is taken away: what is left is old.
    std::fs::remove_file(hr.ws.path(&newest)).unwrap();
    hr.sync().exits(5).says("read.older-than-last");
    assert_eq!(hr.departed(), ["ada@house.test"]);
    write(0, "1,ada@house.test,,\n2,bob@house.test,,");
    hr.sync().exits(0);
    assert!(hr.departed().is_empty());
}

#[test]
fn what_is_in_doubt_is_refused_with_its_place_and_changes_nothing() {
    let hr = Hr::start(EVERYBODY);
    hr.write(5, &["1,ada@house.test,,", "2,bob@house.test,,"]);
    hr.sync().exits(0);
    let header = "No,Mail,Leaves,Recorded\n";
    for (text, says) in [
        (
            format!("{header}1,ada@house.test,03/04/2026,\n"),
            "2026-04-03 or 2026-03-04",
        ),
        (
            format!("{header}1,ada@house.test,03/04/26,\n"),
            "two digits",
        ),
        (
            format!("{header}1,ada@house.test,1900-01-01,\n"),
            "leave the cell empty",
        ),
        (
            format!("{header}1,ada@house.test,,\n1,b@house.test,,\n"),
            "line 2 already",
        ),
        (
            format!("{header}1,ada@house.test,,\n2,\"bob@hou"),
            "never closed",
        ),
        (format!("{header}1,ada@house.test,,\n2,bob"), "line 3"),
        ("No,No,Mail,Leaves,Recorded\n".to_owned(), "2 times"),
        ("No|Mail|Leaves|Recorded\n".to_owned(), "neither comma"),
    ] {
        hr.ws.write("hr.csv", &text);
        let before = hr.ws.entries().len();
        hr.sync().exits(5).says(says);
        assert_eq!(hr.ws.entries_since(before).len(), 4, "{text}");
        assert_eq!(hr.read()["verdict"], "failed", "{text}");
        assert!(hr.departed().is_empty(), "{text}");
    }
    std::fs::write(
        hr.ws.path("hr.csv"),
        b"No,Mail,Leaves,Recorded\n1,J\xf6,,\n",
    )
    .unwrap();
    hr.sync().exits(5).says("line 2").says("column 4");
}

#[test]
fn a_file_of_old_windows_programs_is_read_where_it_is_configured() {
    let directory = EVERYBODY.replace(
        "columns = {",
        "encoding = \"windows-1252\"\ndate_format = \"day-first\"\n\
         left_when = [{ attribute = \"State\", values = [\"left\"] }]\ncolumns = { name = \"Name\",",
    );
    let hr = Hr::start(&directory);
    let left = hr.tenant.control().now() - chrono::TimeDelta::days(9);
    let left = left.format("%d.%m.%Y");
    let text = format!(
        "No;Name;Mail;Leaves;Recorded;State\r\n1;J\u{f6}rg;ada@house.test;{left};;\r\n\
         2;Bob;bob@house.test;;;LEFT\r\n3;Cleo;cleo@house.test;;;here"
    );
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    std::fs::write(hr.ws.path("hr.csv"), bytes).unwrap();
    hr.sync().exits(0);
    assert!(hr.departed().contains(&"ada@house.test".to_owned()));
    let seen = hr.ws.entries_of("person.observed");
    let by_rule = |e: &&serde_json::Value| e["data"]["facts"]["left_by"] == "State";
    assert_eq!(seen.iter().filter(by_rule).count(), 1);
}
