//! The question itself was changed in exeunt.toml.

use crate::common::slapd::BASE;
use crate::common::slapd::BLIND;
use crate::common::slapd::LIMITED;
use crate::common::slapd::PEOPLE;
use crate::common::slapd::SYNC;
use crate::common::slapd::Slapd;
use crate::common::workspace::Workspace;
use crate::directory::ways::ldap_section;
use crate::directory::ways::settled;
use crate::directory::ways::ways;

struct Stage {
    ws: Workspace,
    slapd: Slapd,
}

impl Stage {
    fn start() -> Self {
        let slapd = Slapd::start();
        let ws = Workspace::new();
        let section = ldap_section(&ws, "openldap", &[&slapd.url()], PEOPLE, "");
        let ws = settled(ws, &section);
        Self { ws, slapd }
    }

    fn base(&self, base: &str) {
        let old = format!("base = \"{PEOPLE}\"");
        self.ws.reconfigure(&old, &format!("base = \"{base}\""));
    }

    fn bind(&self, name: &str) {
        self.ws.reconfigure(SYNC, name);
    }

    fn filter(&self, filter: &str) {
        let line = format!("page_size = 3\nfilter = \"{filter}\"");
        self.ws.reconfigure("page_size = 3", &line);
    }
}

ways! { Stage:
    the_base_is_another_unit "suspect" "read.base-changed" 5
        |s| s.base(&format!("ou=leavers,{BASE}"));
    the_base_is_wider_than_before "suspect" "read.base-changed" 5
        |s| s.base(BASE);
    the_base_is_not_there "failed" "read.configuration" 78
        |s| s.base(&format!("ou=gone,{BASE}"));
    the_filter_leaves_people_out "suspect" "read.filter-changed" 5
        |s| s.filter("(uid=active)");
    the_filter_finds_nobody "suspect" "read.empty" 5
        |s| s.filter("(uid=nobody)");
    the_filter_finds_more_than_people "suspect" "read.filter-changed" 5
        |s| s.filter("(objectClass=*)");
    the_account_is_another_one "suspect" "read.bind-changed" 5
        |s| s.bind(LIMITED);
    the_account_is_another_one_that_sees_nobody "suspect" "read.empty" 5
        |s| s.bind(BLIND);
    the_server_is_another_one "suspect" "read.server-changed" 5
        |s| s.ws.reconfigure(&s.slapd.url(), &s.slapd.starttls_url());
    somebody_is_seen_who_must_not_be "suspect" "read.forbidden-present" 5
        |s| s.ws.reconfigure("page_size = 3", "page_size = 3\nforbidden = [\"uid=active\"]");
    a_canary_is_named_that_nobody_is "suspect" "read.canary-missing" 5
        |s| s.ws.reconfigure("page_size = 3", "page_size = 3\ncanaries = [\"uid=bird\"]");
}
