//! Files that are missing, broken, or something else than they were.

use std::fs;
use std::time::Duration;
use std::time::SystemTime;

use crate::common::workspace::Workspace;
use crate::directory::ways::settled;
use crate::directory::ways::ways;

const HEAD: &str = "No;Mail;Last day;Status\n";

struct Stage {
    ws: Workspace,
}

impl Stage {
    fn start() -> Self {
        let ws = Workspace::new();
        ws.write("people.csv", &people());
        let section = "[[directory]]\nname = \"corp\"\nkind = \"csv\"\npath = \"people.csv\"\n\
             contains = \"everybody\"\ncolumns = { key = \"No\", mail = \"Mail\", \
             leave_date = \"Last day\", disabled = \"Status\" }\n";
        let ws = settled(ws, section);
        Self { ws }
    }

    fn is(&self, text: &str) {
        self.ws.write("people.csv", text);
    }

    fn is_bytes(&self, bytes: &[u8]) {
        fs::write(self.ws.path("people.csv"), bytes).unwrap();
    }

    fn with(&self, old: &str, new: &str) {
        let text = people();
        assert!(text.contains(old));
        self.is(&text.replacen(old, new, 1));
    }

    /// The file with so many days of age.
    fn aged(&self, days: u64) {
        let file = fs::File::options()
            .write(true)
            .open(self.ws.path("people.csv"));
        let then = SystemTime::now() - Duration::from_secs(days * 86_400);
        file.unwrap().set_modified(then).unwrap();
    }

    fn removed(&self) {
        fs::remove_file(self.ws.path("people.csv")).unwrap();
    }
}

fn people() -> String {
    let rows = (1..=9).map(|n| format!("10{n};person{n}@house.test;2099-12-3{};active\n", n % 2));
    format!("{HEAD}{}", rows.collect::<String>())
}

ways! { Stage:
    the_file_is_older_than_it_may_be "suspect" "read.stale-file" 5
        |s| {
            s.ws.reconfigure("contains =", "max_age_days = 7\ncontains =");
            s.aged(8);
        };
    an_older_file_was_put_back "suspect" "read.older-than-last" 5
        |s| {
            s.with("109;person9@house.test;2099-12-31;active\n", "");
            s.aged(3);
        };
    the_file_is_missing "failed" "read.configuration" 78
        |s| s.removed();
    a_folder_stands_where_the_file_was "failed" "read.configuration" 78
        |s| { s.removed(); fs::create_dir(s.ws.path("people.csv")).unwrap(); };
    the_file_is_a_broken_link "failed" "read.configuration" 78
        |s| {
            s.removed();
            std::os::unix::fs::symlink("nowhere.csv", s.ws.path("people.csv")).unwrap();
        };
    the_file_has_no_bytes "failed" "read.unreadable" 5
        |s| s.is("");
    the_file_has_only_its_header "suspect" "read.empty" 5
        |s| s.is(HEAD);
    the_file_is_cut_within_a_row "failed" "read.unreadable" 5
        |s| s.is(people().rsplit_once("2099").unwrap().0.trim_end_matches(';'));
    the_file_is_cut_after_a_row "suspect" "read.drop" 5
        |s| s.is(&people().lines().take(5).map(|l| format!("{l}\n")).collect::<String>());
    the_file_is_in_another_encoding "failed" "read.unreadable" 5
        |s| s.is_bytes(&people().replace("person1", "p\u{e9}rson").chars().map(|c| c as u8).collect::<Vec<u8>>());
    the_file_is_no_text "failed" "read.unreadable" 5
        |s| s.is_bytes(b"PK\x03\x04\x14\0\x08\0\xff\xfe\0\0\0\0");
    the_separator_is_another_one "failed" "read.unreadable" 5
        |s| s.is(&people().replace(';', "|"));
    the_column_of_keys_is_missing "failed" "read.unreadable" 5
        |s| s.with("No;", "Number;");
    a_column_stands_there_twice "failed" "read.unreadable" 5
        |s| s.with("Status", "Mail");
    a_row_has_too_few_cells "failed" "read.unreadable" 5
        |s| s.with("103;person3@house.test;", "103;");
    a_row_has_too_many_cells "failed" "read.unreadable" 5
        |s| s.with("104;", "104;;");
    a_row_has_no_key "suspect" "read.without-keys" 5
        |s| s.with("105;", ";");
    two_rows_have_the_same_key "failed" "read.unreadable" 5
        |s| s.with("106;", "107;");
    a_quotation_mark_is_not_closed "failed" "read.unreadable" 5
        |s| s.with("104;", "\"104;");
    a_day_is_no_day "failed" "read.unreadable" 5
        |s| s.with("2099-12-31", "soon");
    a_day_can_be_read_in_two_ways "failed" "read.unreadable" 5
        |s| s.with("2099-12-31", "03/04/2026");
    a_day_that_is_not_in_the_calendar "failed" "read.unreadable" 5
        |s| s.with("2099-12-31", "2026-02-30");
    a_status_that_nobody_knows "failed" "read.unreadable" 5
        |s| s.with("active", "perhaps");
    the_file_is_another_one_with_the_same_columns "suspect" "read.drop" 5
        |s| s.is(&people().replace("\n10", "\n20"));
    another_column_is_the_key "suspect" "read.identity-changed" 5
        |s| {
            s.with("No;", "Old;");
            s.is(&people().replace("No;", "Nr;"));
            s.ws.reconfigure("key = \"No\"", "key = \"Nr\"");
        };
}
