//! A server that answers wrongly, or stops answering.

use crate::common::fake_ldap::FakeLdap;
use crate::common::fake_ldap::Fault;
use crate::common::workspace::Workspace;
use crate::directory::ways::ldap_section;
use crate::directory::ways::settled;
use crate::directory::ways::ways;

struct Stage {
    ws: Workspace,
    server: FakeLdap,
}

impl Stage {
    fn start() -> Self {
        let server = FakeLdap::start();
        let ws = Workspace::new();
        let section = ldap_section(&ws, "openldap", &[server.url()], "dc=x", "");
        let ws = settled(ws, &section);
        Self { ws, server }
    }
}

ways! { Stage:
    the_connection_is_closed_at_once "failed" "read.unreachable" 69
        |s| s.server.set(Fault::ClosedAtOnce);
    the_connection_is_closed_at_the_bind "failed" "read.unreachable" 69
        |s| s.server.set(Fault::ClosedAtBind);
    the_server_never_answers_the_bind "failed" "read.unreachable" 69
        |s| s.server.set(Fault::HangAtBind);
    another_program_answers_at_the_port "failed" "read.unreachable" 69
        |s| s.server.set(Fault::Garbage);
    the_password_is_refused "failed" "read.credentials" 4
        |s| s.server.set(Fault::Bind(49));
    the_bind_account_is_inactive "failed" "read.credentials" 4
        |s| s.server.set(Fault::Bind(53));
    the_server_is_too_busy_for_the_bind "partial" "read.busy" 5
        |s| s.server.set(Fault::Bind(51));
    the_server_wants_encryption "failed" "read.configuration" 78
        |s| s.server.set(Fault::Bind(13));
    the_root_entry_is_answered_busy "partial" "read.busy" 5
        |s| s.server.set(Fault::BusyRoot);
    the_clock_of_the_server_cannot_be_read "failed" "read.unreadable" 5
        |s| s.server.set(Fault::BadClock);
    the_clock_of_the_server_is_hours_off "none" "read.clock" 75
        |s| s.server.set(Fault::WrongClock);
    another_product_answers "suspect" "read.identity-changed" 5
        |s| s.server.set(Fault::OtherVendor);
    the_connection_drops_within_page_1 "partial" "read.cut" 5
        |s| s.server.set(Fault::DropWithinPage1);
    the_connection_drops_before_page_2 "partial" "read.cut" 5
        |s| s.server.set(Fault::DropOnPage2);
    the_server_says_that_it_disconnects "partial" "read.cut" 5
        |s| s.server.set(Fault::DisconnectNotice);
    the_server_hangs_on_page_2 "partial" "read.timeout" 5
        |s| s.server.set(Fault::HangOnPage2);
    the_server_is_busy_on_page_2 "partial" "read.busy" 5
        |s| s.server.set(Fault::BusyOnPage2);
    the_server_is_unavailable_on_page_2 "partial" "read.busy" 5
        |s| s.server.set(Fault::OnPage2(52));
    the_server_is_unwilling_on_page_2 "failed" "read.refused" 5
        |s| s.server.set(Fault::OnPage2(53));
    the_server_fails_on_page_2 "failed" "read.refused" 5
        |s| s.server.set(Fault::OnPage2(80));
    the_time_limit_is_reached_on_page_2 "partial" "read.time-limit" 5
        |s| s.server.set(Fault::OnPage2(3));
    an_administrative_limit_is_reached "partial" "read.admin-limit" 5
        |s| s.server.set(Fault::OnPage2(11));
    the_size_limit_is_reached_after_a_full_page "partial" "read.size-limit" 5
        |s| s.server.set(Fault::AfterPage1(4));
    the_search_is_refused_without_rights "failed" "read.rights" 4
        |s| s.server.set(Fault::OnPage1(50));
    the_server_forgets_who_is_bound "failed" "read.rights" 4
        |s| s.server.set(Fault::OnPage1(1));
    the_server_hands_the_base_to_another "failed" "read.configuration" 78
        |s| s.server.set(Fault::OnPage1(10));
    the_server_cannot_page "failed" "read.configuration" 78
        |s| s.server.set(Fault::OnPage1(12));
    the_server_ignores_pages "failed" "read.paging-ignored" 5
        |s| s.server.set(Fault::PagingIgnored);
    the_paging_control_is_malformed "failed" "read.unreadable" 5
        |s| s.server.set(Fault::PagingBroken);
    the_pages_never_end "partial" "read.timeout" 5
        |s| s.server.set(Fault::EndlessPages);
    the_same_page_comes_for_ever "failed" "read.duplicate-key" 5
        |s| s.server.set(Fault::SamePageForEver);
    the_last_page_is_empty "suspect" "read.drop" 5
        |s| { s.ws.reconfigure("[limits.absent]", "[limits]\nmax_drop_floor = 2\n[limits.absent]"); s.ws.run(&["sync"]).exits(0); s.server.set(Fault::EmptyLastPage) };
    success_and_nobody "suspect" "read.empty" 5
        |s| s.server.set(Fault::Nobody);
    success_and_one_of_six "suspect" "read.drop" 5
        |s| s.server.set(Fault::OnlyOne);
    success_and_only_a_referral "suspect" "read.empty" 5
        |s| s.server.set(Fault::ReferralInstead);
    a_key_comes_twice "failed" "read.duplicate-key" 5
        |s| s.server.set(Fault::SameKeyTwice);
    a_key_comes_twice_in_other_letters "failed" "read.duplicate-key" 5
        |s| s.server.set(Fault::SameKeyOtherCase);
    an_entry_has_no_key "suspect" "read.without-keys" 5
        |s| s.server.set(Fault::EntryWithoutKey);
    no_entry_shows_its_key "suspect" "read.without-keys" 5
        |s| s.server.set(Fault::NoKeys);
    the_keys_are_no_keys "suspect" "read.without-keys" 5
        |s| s.server.set(Fault::BadKeys);
    a_date_cannot_be_read "failed" "read.unreadable" 5
        |s| s.server.set(Fault::BadDate);
    an_entry_is_larger_than_it_may_be "failed" "read.too-large" 5
        |s| s.server.set(Fault::HugeEntry);
    a_length_of_four_gigabytes_is_announced "partial" "read.timeout" 5
        |s| s.server.set(Fault::HugeLength);
    bytes_come_that_are_not_ldap "failed" "read.unreadable" 5
        |s| s.server.set(Fault::NotASequence);
    a_message_is_empty_inside "failed" "read.unreadable" 5
        |s| s.server.set(Fault::SequenceOfNothing);
}
