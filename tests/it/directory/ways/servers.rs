//! A real OpenLDAP server whose data, rights, limits or certificate change.

use crate::common::slapd::BASE;
use crate::common::slapd::PEOPLE;
use crate::common::slapd::SYNC;
use crate::common::slapd::Slapd;
use crate::common::workspace::Workspace;
use crate::common::workspace::copy;
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
        copy(&slapd.ca(), &ws.path("ca.pem"));
        let extra = "tls = { ca_file = \"ca.pem\" }\ncanaries = [\"uid=ending\"]";
        let url = slapd.tls_url();
        let section = ldap_section(&ws, "openldap", &[&url], PEOPLE, extra);
        let ws = settled(ws, &section);
        Self { ws, slapd }
    }

    fn delete(&self, people: &[&str]) {
        for uid in people {
            self.slapd.delete(&format!("uid={uid},{PEOPLE}"));
        }
    }
}

/// Replaces one line of the database's own configuration.
fn database(attribute: &str, values: &[&str]) -> String {
    let values: String = values
        .iter()
        .map(|v| format!("{attribute}: {v}\n"))
        .collect();
    format!(
        "dn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nreplace: {attribute}\n{values}\n"
    )
}

ways! { Stage:
    the_server_is_stopped "failed" "read.unreachable" 69
        |s| s.slapd.stop();
    the_right_to_read_is_lost "suspect" "read.empty" 5
        |s| s.slapd.configure(&database("olcAccess", &[
            "{0}to attrs=userPassword by anonymous auth by * none",
            &format!("{{1}}to * by dn.exact=\"{SYNC}\" search by * none"),
        ]));
    the_right_to_read_a_part_is_lost "suspect" "read.canary-missing" 5
        |s| s.slapd.configure(&database("olcAccess", &[
            "{0}to attrs=userPassword by anonymous auth by * none",
            "{1}to filter=(uid=end*) by * none",
            &format!("{{2}}to * by dn.exact=\"{SYNC}\" read by * none"),
        ]));
    the_right_to_read_keys_is_lost "suspect" "read.without-keys" 5
        |s| s.slapd.configure(&database("olcAccess", &[
            "{0}to attrs=userPassword by anonymous auth by * none",
            &format!("{{1}}to attrs=entryUUID by dn.exact=\"{SYNC}\" search by * none"),
            &format!("{{2}}to * by dn.exact=\"{SYNC}\" read by * none"),
        ]));
    the_size_limit_of_the_account_is_lowered "partial" "read.size-limit" 5
        |s| s.slapd.configure(&database("olcLimits", &[
            &format!("{{0}}dn.exact=\"{SYNC}\" size=5 time=unlimited"),
        ]));
    the_password_was_changed "failed" "read.credentials" 4
        |s| s.slapd.modify(&format!(
            "dn: {SYNC}\nchangetype: modify\nreplace: userPassword\nuserPassword: another\n"
        ));
    the_bind_account_was_deleted "failed" "read.credentials" 4
        |s| s.slapd.delete(SYNC);
    the_unit_was_renamed "failed" "read.configuration" 78
        |s| s.slapd.rename(PEOPLE, "ou=staff", BASE);
    the_server_came_back_with_other_data "suspect" "read.drop" 5
        |s| s.slapd.replace_people();
    everybody_was_deleted "suspect" "read.empty" 5
        |s| {
            s.delete(&[
                "active", "locked", "forgetful", "ended", "ending", "never", "married", "twin1",
                "twin2",
            ]);
            s.slapd.delete(&format!("cn=Grace\\2C \\22O\u{2019}H\u{e4}ra\\22 'x',{PEOPLE}"));
        };
    many_were_deleted_at_once "suspect" "read.drop" 5
        |s| s.delete(&["active", "forgetful", "twin1", "twin2"]);
    the_canary_was_deleted "suspect" "read.canary-missing" 5
        |s| s.delete(&["ending"]);
    the_certificate_is_of_another_authority "failed" "read.configuration" 78
        |s| copy(&s.slapd.other_ca(), &s.ws.path("ca.pem"));
    the_certificate_has_expired "failed" "read.configuration" 78
        |s| s.slapd.certify(true, "DNS:localhost");
    the_certificate_has_another_name "failed" "read.configuration" 78
        |s| s.slapd.certify(false, "DNS:elsewhere.test");
}
