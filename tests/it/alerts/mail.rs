//! Alerts and the summary as mails, taken by a real relay.

use exeunt::sandbox::cast;

use crate::alerts::alerted;
use crate::alerts::heard;
use crate::alerts::pairs;
use crate::common::receiver::Receiver;
use crate::common::relay::PASSWORD;
use crate::common::relay::Relay;
use crate::notices::post::DIETER;
use crate::notices::post::Post;
use crate::stories::plot::Plot;

#[test]
fn whoever_no_warning_reaches_is_told_of_as_a_number() {
    let post = Post::new("submission", "");
    let receiver = Receiver::start();
    alerted(&post.ws, &receiver, "");
    post.relay.list("refuse", &[cast(DIETER).email]);
    post.ws.run(&["run"]).exits(0);
    assert_eq!(heard(&receiver), pairs(&[("new", "notice-undelivered")]));
    post.ws
        .run(&["alerts"])
        .exits(3)
        .says("1 account in the tenant portal")
        .says("exeunt notices list");
}

#[test]
fn each_address_gets_its_own_mail_once_and_hears_later_what_the_relay_did_not_take() {
    let plot = Plot::start(1);
    let mut relay = Relay::start("submission");
    plot.ws.write("smtp-password", PASSWORD);
    let text = plot.ws.read("exeunt.toml");
    let alert = "[alert]\nmail = [\"ops@house.test\", \"boss@house.test\"]\nsummary = \"never\"\n\
                 kinds = [\"plan-waiting\"]\n";
    plot.ws.write(
        "exeunt.toml",
        &format!("{text}\n{}\n{alert}", relay.section("")),
    );
    relay.list("refuse", &["boss@house.test"]);
    plot.account("ada");
    plot.employ("ada");
    plot.change("ada", |ada| ada.disabled = true);
    let ran = plot.ws.run(&["run"]).exits(0);
    ran.says("1 alert given by mail")
        .says("NOT GIVEN: alerts by mail-2");
    let mails = relay.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    for line in [
        "-> ops@house.test\n",
        "Subject: [exeunt] plan waiting (house.example/exeunt)\n",
        "waits for 1 approval",
        "    exeunt approve ",
    ] {
        assert!(mails[0].contains(line), "{line}\n{}", mails[0]);
    }
    assert!(!mails[0].contains("ada"), "{}", mails[0]);
    plot.ws
        .run(&["status"])
        .exits(0)
        .says("ALERTS ARE NOT DELIVERED by mail-2 since");
    relay.list("refuse", &[]);
    plot.run();
    let mails = relay.mails();
    assert_eq!(mails.len(), 2, "ops hears of it once");
    assert!(mails[1].contains("-> boss@house.test\n"), "{}", mails[1]);
    plot.days(1);
    relay.stop();
    plot.ws.run(&["run"]).exits(3).says("cannot be reached");
    plot.ws.run(&["status"]).exits(3).says("does not answer");
    relay.again("submission");
    plot.ws.run(&["alerts", "--send"]).exits(3);
    // a relay that was started anew numbers its mails anew
    let mails = relay.mails();
    assert!(mails[0].contains("again: plan waiting"), "{}", mails[0]);
    plot.ws.run(&["status"]).exits(3).says_not("NOT DELIVERED");
    plot.ws.is_sound();
}
