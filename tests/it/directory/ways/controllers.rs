//! Domain controllers: limits and rights of Windows, groups, units, several controllers.

use crate::common::fake_ad::BASE;
use crate::common::fake_ad::Domain;
use crate::common::fake_ad::FakeAd;
use crate::common::fake_ad::GROUP;
use crate::common::workspace::Workspace;
use crate::directory::ways::ldap_section;
use crate::directory::ways::settled;
use crate::directory::ways::ways;

struct Stage {
    ws: Workspace,
    first: FakeAd,
    second: FakeAd,
}

impl Stage {
    fn start() -> Self {
        let domain = Domain {
            chain: false,
            ..Domain::default()
        };
        let other = Domain {
            host: "dc2.fake.test",
            ..domain.clone()
        };
        let [first, second] = [domain, other].map(FakeAd::start);
        let ws = Workspace::new();
        let extra = format!("group = \"{GROUP}\"");
        let urls = [first.url(), second.url()];
        let section = ldap_section(&ws, "active-directory", &urls, BASE, &extra);
        let ws = settled(ws, &section);
        Self { ws, first, second }
    }

    fn change(&self, change: impl Fn(&mut Domain)) {
        self.first.change(&change);
        self.second.change(&change);
    }
}

ways! { Stage:
    a_controller_answers_that_never_has "suspect" "read.other-server" 5
        |s| s.first.change(|d| d.down = true);
    the_controller_was_put_back_to_an_older_state "suspect" "read.change-stepped-back" 5
        |s| s.change(|d| { d.change = 100; d.people = 5; });
    the_controller_has_another_database "suspect" "read.database-changed" 5
        |s| s.change(|d| d.database = [9; 16]);
    all_controllers_are_down "failed" "read.unreachable" 69
        |s| s.change(|d| d.down = true);
    the_controllers_have_not_caught_up "partial" "read.busy" 5
        |s| s.change(|d| d.synchronised = false);
    the_controller_gives_its_largest_page_and_no_more "partial" "read.size-limit" 5
        |s| { s.ws.reconfigure(&format!("group = \"{GROUP}\""), ""); s.change(|d| { d.people = 1200; d.pages = false; }); };
    the_controller_does_not_page "failed" "read.paging-ignored" 5
        |s| s.change(|d| d.pages = false);
    nobody_shows_whether_they_are_disabled "failed" "read.rights" 4
        |s| s.change(|d| d.shows_control = false);
    nobody_shows_their_object_guid "suspect" "read.without-keys" 5
        |s| s.change(|d| d.shows_guid = false);
    the_domain_is_empty "suspect" "read.empty" 5
        |s| { s.ws.reconfigure(&format!("group = \"{GROUP}\""), ""); s.change(|d| d.people = 0); };
    the_group_of_those_who_stay_is_empty "failed" "read.group-empty" 5
        |s| s.change(|d| d.outside = (1..=6).collect());
    the_group_of_those_who_stay_was_renamed "failed" "read.configuration" 78
        |s| s.ws.reconfigure("CN=Everybody", "CN=Everyone");
    the_parts_of_a_large_group_do_not_fit "partial" "read.cut" 5
        |s| s.change(|d| { d.people = 2000; d.gap_in_members = true; });
    the_unit_of_leavers_was_renamed "failed" "read.configuration" 78
        |s| s.ws.reconfigure("page_size = 3", &format!(
            "page_size = 3\nleavers_units = [\"OU=Gone,{BASE}\"]"
        ));
}
