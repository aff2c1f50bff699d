//! Warnings that do not arrive: whoever was not warned is not disabled.

use exeunt::sandbox::cast;
use serde_json::Value;

use crate::json::fits;
use crate::notices::post::DIETER;
use crate::notices::post::ERIKA;
use crate::notices::post::Post;
use crate::notices::post::Received;

const BLOCKED: &str = "block.notice-undelivered";

/// A report of a mail system about a mail.
fn report(mail: &Received, action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.house.test\nSubject: Report\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b1\n\n\
         --b1\nContent-Type: text/plain\n\nA report.\n\n\
         --b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.house.test\n\n\
         Final-Recipient: rfc822; {}\nAction: {action}\nStatus: {status}\n\n\
         --b1\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{}>\nSubject: x\n\n--b1--\n",
        mail.to, mail.id
    )
}

fn results(document: &Value) -> Vec<&str> {
    let items = document["items"].as_array().unwrap();
    items
        .iter()
        .map(|i| i["result"].as_str().unwrap())
        .collect()
}

#[test]
fn a_refused_recipient_is_not_disabled_until_an_approver_says_so() {
    let post = Post::new("submission", "");
    let dieter = cast(DIETER).email;
    post.relay.list("refuse", &[dieter]);
    let ran = post.ws.run(&["run"]).exits(0);
    ran.says("1 warning given; 1 refused by the relay for good");
    let bounced = post.ws.entries_of("notice.bounced");
    assert_eq!(bounced.len(), 1);
    assert_eq!(bounced[0]["data"]["reason"], "no-such-recipient");
    assert_eq!(bounced[0]["data"]["said_by"], "relay");
    assert!(!bounced[0].to_string().contains('@'), "{}", bounced[0]);

    post.days_later(31);
    post.runs();
    assert!(post.is_disabled(ERIKA) && !post.is_disabled(DIETER));
    assert_eq!(post.blocked(DIETER), [BLOCKED]);
    assert!(post.mails_to(DIETER).is_empty());
    let listed = post.ws.json(&["notices", "list"]);
    fits("notices-list", &listed);
    assert_eq!(listed["items"][0]["email"], dieter);
    post.ws
        .run(&["notices", "list"])
        .says("nobody at that address");

    let proceed = [
        "notices",
        "proceed",
        dieter,
        "--told",
        "Ada",
        "--reason",
        "left long ago",
    ];
    post.ws
        .run(&proceed)
        .exits(0)
        .says("although no warning arrived");
    let said = post.ws.entries_of("notice.proceeded");
    assert_eq!(said[0]["data"]["how"], "without");
    assert!(!said[0].to_string().contains("Ada"), "{}", said[0]);
    post.runs();
    assert!(post.is_disabled(DIETER));
    post.ws
        .run(&["why", dieter])
        .exits(0)
        .says("the mail relay refused it");
    post.ws.run(&proceed).exits(64).says("notices list");
    post.ws.is_sound();
}

#[test]
fn a_bounce_that_comes_later_blocks_and_a_new_warning_begins_anew() {
    let post = Post::warned();
    let mail = post.mail_to(DIETER);
    let text = report(&mail, "failed", "5.1.1");
    let mbox = format!(
        "From x Mon Mar  2 10:00:00 2026\n{text}\nFrom y Mon Mar  2\nSubject: Holiday\n\nHi\n"
    );
    post.ws.write("mbox", &mbox);
    let ran = post
        .ws
        .run(&["notices", "bounced", "mbox", "--json"])
        .exits(3);
    let document = ran.json();
    fits("notices-bounced", &document);
    assert_eq!(results(&document), ["bounced", "unreadable"]);
    let again = post
        .ws
        .run(&["notices", "bounced", "mbox", "--json"])
        .exits(3);
    assert_eq!(results(&again.json()), ["known", "unreadable"]);
    assert_eq!(post.ws.entries_of("notice.bounced").len(), 1);

    post.days_later(31);
    post.runs();
    assert!(post.is_disabled(ERIKA) && !post.is_disabled(DIETER));
    assert_eq!(post.blocked(DIETER), [BLOCKED]);

    let dieter = cast(DIETER).email;
    let args = [
        "notices",
        "again",
        dieter,
        "--reason",
        "the address is right now",
    ];
    post.ws.run(&args).exits(0).says("warned anew");
    post.ws.run(&["run"]).exits(0).says("given");
    assert_eq!(post.mails_to(DIETER).len(), 2);
    post.days_later(29);
    post.runs();
    assert!(!post.is_disabled(DIETER));
    post.days_later(2);
    post.runs();
    assert!(post.is_disabled(DIETER));
    post.ws.is_sound();
}

#[test]
fn reports_of_other_kinds_change_nothing_that_they_should_not() {
    let post = Post::warned();
    let (dieter, erika) = (post.mail_to(DIETER), post.mail_to(ERIKA));
    let reported = |text: &str| {
        post.ws.write("report.eml", text);
        let ran = post.ws.run(&["notices", "bounced", "report.eml", "--json"]);
        let document = ran.json();
        fits("notices-bounced", &document);
        results(&document).join(" ")
    };
    assert_eq!(reported(&report(&dieter, "delayed", "4.4.1")), "open");
    assert_eq!(
        reported(&report(&dieter, "delivered", "2.0.0")),
        "delivered"
    );
    assert_eq!(reported(&report(&dieter, "delivered", "2.0.0")), "known");
    let foreign = Received {
        id: "0000@elsewhere.test".to_owned(),
        ..dieter.clone()
    };
    assert_eq!(reported(&report(&foreign, "failed", "5.1.1")), "not-ours");
    // without the mail's id, the recipient says whose it is
    let unnamed = report(&erika, "failed", "5.2.2").replace("Message-ID:", "X-Gone:");
    assert_eq!(reported(&unnamed), "bounced");
    assert_eq!(post.ws.entries_of("notice.delivered").len(), 1);
    let bounced = post.ws.entries_of("notice.bounced");
    assert_eq!(bounced[0]["data"]["reason"], "mailbox-full");
    // a report that it arrived does not take back that it did not
    assert_eq!(reported(&report(&erika, "delivered", "2.0.0")), "known");
    post.days_later(31);
    post.runs();
    assert!(post.is_disabled(DIETER) && !post.is_disabled(ERIKA));
    post.ws.is_sound();
}

#[test]
fn a_bounce_after_the_approval_stops_the_step() {
    let post = Post::warned();
    post.ws.reconfigure("disable = 0", "disable = 1");
    post.days_later(31);
    post.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    let approve = ["approve", "plan.json", "--confirm", "2"];
    post.ws.run(&approve).exits(0);
    post.ws.write(
        "report.eml",
        &report(&post.mail_to(DIETER), "failed", "5.1.1"),
    );
    post.ws.run(&["notices", "bounced", "report.eml"]).exits(0);
    post.ws
        .run(&[
            "breaker",
            "release",
            "plan.json",
            "--reason",
            "looked at it",
        ])
        .exits(0);
    post.ws.run(&["apply", "plan.json"]).says("withheld");
    assert!(post.is_disabled(ERIKA) && !post.is_disabled(DIETER));
    post.ws.is_sound();
}
