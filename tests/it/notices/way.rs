//! The way of a warning: one person, one mail; and what a relay can do to it.

use std::fs;

use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;

use crate::common::relay::PASSWORD;
use crate::notices::post::DIETER;
use crate::notices::post::ERIKA;
use crate::notices::post::Post;

#[test]
fn the_idle_get_a_mail_each_and_a_reminder_and_are_disabled_in_the_end() {
    let post = Post::warned();
    let sent = post.ws.entries_of("notice.sent");
    assert_eq!(sent.len(), 2);
    for entry in &sent {
        assert_eq!(entry["data"]["channel"], "smtp");
        assert_eq!(entry["data"]["state"], "accepted");
        // nothing of a person stands in it
        assert!(!entry.to_string().contains('@'), "{entry}");
    }
    let mail = post.mail_to(DIETER);
    assert_eq!(mail.reply_to, "exeunt@house.test");
    assert!(mail.id.ends_with("@house.test"), "{mail:?}");
    post.ws.run(&["run"]).exits(0);
    assert_eq!(post.mails().len(), 2, "nobody is warned twice");
    post.days_later(24);
    post.runs();
    assert_eq!(post.mails_to(DIETER).len(), 2, "reminded");
    assert_eq!(post.mails_to(ERIKA).len(), 2, "reminded");
    post.days_later(7);
    post.runs();
    assert!(post.is_disabled(DIETER) && post.is_disabled(ERIKA));
    post.ws.is_sound();
}

#[test]
fn several_accounts_of_one_person_are_one_mail_and_an_entry_each() {
    let post = Post::new("submission", "");
    let options = StoryOptions {
        now: Some(post.story.docspace().control().now()),
        ..StoryOptions::default()
    };
    let other = Story::start(&options).unwrap();
    let second = post.ws.tenant(other.docspace(), "");
    let second = second.replace("\"portal\"", "\"second\"");
    let second = second.replace("portal.token", "second.token");
    post.ws.write("second.token", other.docspace().token());
    post.ws.write("portal.token", post.story.docspace().token());
    let text = post.ws.read("exeunt.toml");
    post.ws.write("exeunt.toml", &format!("{text}\n{second}"));
    // the brake on warnings: no more than three accounts a day, and nobody's mail is cut in two
    let first = post.ws.run(&["run"]).exits(0).says("2 warnings given");
    first.says("2 warnings left for a later run");
    assert_eq!(post.mails().len(), 1);
    for story in [&post.story, &other] {
        story.pass_days(1);
    }
    post.ws.run(&["run"]).exits(0).says("2 warnings given");
    assert_eq!(post.ws.entries_of("notice.sent").len(), 4);
    let mails = post.mails();
    assert_eq!(mails.len(), 2, "{mails:#?}");
    let mail = post.mail_to(DIETER);
    assert!(mail.subject.starts_with("2 of your accounts"), "{mail:?}");
    assert!(mail.text.contains("(portal)") && mail.text.contains("(second)"));
    post.ws.is_sound();
}

#[test]
fn nobody_is_warned_in_rings_that_only_look() {
    for ring in ["observe", "report"] {
        let post = Post::new("submission", "");
        post.ws.reconfigure("\"enforce\"", &format!("\"{ring}\""));
        post.ws.run(&["run"]).exits(0).says_not("warning");
        assert!(post.mails().is_empty());
        assert!(post.ws.entries_of("notice.sent").is_empty());
    }
}

#[test]
fn a_warning_that_no_relay_took_does_not_count() {
    let mut post = Post::new("submission", "");
    post.relay.stop();
    let ran = post.ws.run(&["run"]).exits(69).says("cannot be reached");
    assert!(ran.err.contains("the next run tries again"), "{}", ran.err);
    assert!(post.ws.entries_of("notice.sent").is_empty());
    post.days_later(31);
    post.ws.run(&["run"]).exits(69);
    assert!(!post.is_disabled(DIETER));
    // the days of the notice begin when it left
    post.relay.again("submission");
    post.runs();
    assert_eq!(post.mails_to(DIETER).len(), 1);
    post.days_later(29);
    post.runs();
    assert!(!post.is_disabled(DIETER));
    post.days_later(2);
    post.runs();
    assert!(post.is_disabled(DIETER));
    post.ws.is_sound();
}

#[test]
fn a_wrong_password_ends_with_4_and_is_shown_nowhere() {
    let post = Post::new("submission", "");
    fs::write(post.relay.file("password"), "hush-hush-hush").unwrap();
    for (args, code) in [(["run"], 4), (["check"], 4)] {
        let ran = post.ws.run(&args).exits(code);
        let ran = ran.says("does not accept the user or the password");
        let ran = ran.says("put the right `user` and `password`");
        assert!(!ran.screen().contains("hush"), "{}", ran.screen());
    }
    assert!(post.mails().is_empty());
    fs::write(post.relay.file("password"), PASSWORD).unwrap();
    post.ws.run(&["check"]).exits(0).says("takes mails from us");
}

#[test]
fn no_password_goes_where_starttls_was_taken_out() {
    let post = Post::new("stripped", "");
    let ran = post.ws.run(&["run"]).exits(69);
    ran.says("does not offer STARTTLS");
    post.ws.run(&["check"]).exits(69);
    assert!(post.mails().is_empty());
    assert!(post.ws.entries_of("notice.sent").is_empty());
}

#[test]
fn a_recipient_who_is_refused_for_now_gets_it_later() {
    let post = Post::new("submission", "");
    post.relay.list("later", &[cast(DIETER).email]);
    let ran = post.ws.run(&["run"]).exits(0);
    ran.says("1 warning given; 1 could not be given");
    assert!(post.ws.entries_of("notice.bounced").is_empty());
    post.relay.list("later", &[]);
    post.ws.run(&["run"]).exits(0).says("1 warning given");
    assert_eq!(post.mails().len(), 2);
}
