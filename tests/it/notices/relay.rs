//! The mailer by itself, against a real relay.

use std::time::Duration;

use exeunt::domain::time::Time;
use exeunt::notify::smtp::Login;
use exeunt::notify::smtp::Mail;
use exeunt::notify::smtp::Mailer;
use exeunt::notify::smtp::MailerSettings;
use exeunt::notify::smtp::Security;
use exeunt::notify::smtp::error::MailError;
use zeroize::Zeroizing;

use crate::common::relay::PASSWORD;
use crate::common::relay::Relay;
use crate::common::relay::USER;

fn settings(relay: &Relay) -> MailerSettings {
    exeunt::tls::install_provider();
    MailerSettings {
        host: "localhost".to_owned(),
        port: relay.port(),
        security: Security::Starttls,
        login: Some(login(PASSWORD)),
        ca_file: Some(relay.file("ca.pem")),
        from: "Exeunt <exeunt@house.test>".to_owned(),
        reply_to: None,
        bounces_to: Some("bounces@house.test".to_owned()),
        connect_limit: Duration::from_secs(5),
        limit: Duration::from_secs(10),
    }
}

fn login(password: &str) -> Login {
    Login {
        user: Zeroizing::new(USER.to_owned()),
        password: Zeroizing::new(password.to_owned()),
    }
}

fn mail(to: &str) -> Mail {
    Mail {
        id: "0123-abc".to_owned(),
        to: to.to_owned(),
        subject: "Votre compte sera désactivé".to_owned(),
        text: "Bonjour,\n\n.\nÀ bientôt\n".to_owned(),
        language: Some("fr"),
        reply_to: Some("help@house.test".to_owned()),
        date: Time::parse("2026-03-01T08:00:00Z").unwrap(),
    }
}

async fn sends(settings: MailerSettings, to: &str) -> Result<(), MailError> {
    Mailer::new(settings).unwrap().send(&mail(to)).await
}

#[tokio::test]
async fn a_mail_goes_out_encrypted_signed_in_and_to_one_person() {
    let relay = Relay::start("submission");
    sends(settings(&relay), "ada@house.test").await.unwrap();
    let [mail] = &relay.mails()[..] else {
        panic!("{:?}", relay.mails())
    };
    for line in [
        "X-Envelope: bounces@house.test -> ada@house.test\n",
        "X-Secure: yes; signed in: yes\n",
        "Message-ID: <0123-abc@house.test>\n",
        "Reply-To: help@house.test\n",
    ] {
        assert!(mail.contains(line), "{line}\n{mail}");
    }
}

#[tokio::test]
async fn tls_from_the_first_byte_on_works_too() {
    let relay = Relay::start("tls");
    let wrapped = MailerSettings {
        security: Security::Tls,
        ..settings(&relay)
    };
    sends(wrapped, "ada@house.test").await.unwrap();
    assert_eq!(relay.mails().len(), 1);
}

#[tokio::test]
async fn nothing_is_said_where_starttls_was_taken_out() {
    let relay = Relay::start("stripped");
    let error = sends(settings(&relay), "ada@house.test").await.unwrap_err();
    assert!(matches!(error, MailError::NoTls { .. }), "{error:?}");
    assert!(relay.mails().is_empty());
}

#[tokio::test]
async fn a_relay_that_nobody_vouches_for_gets_no_password() {
    let relay = Relay::start("submission");
    let unknown = MailerSettings {
        ca_file: None,
        ..settings(&relay)
    };
    let error = sends(unknown, "ada@house.test").await.unwrap_err();
    assert!(matches!(error, MailError::Tls { .. }), "{error:?}");
    let other_name = MailerSettings {
        host: "127.0.0.1".to_owned(),
        ..settings(&relay)
    };
    let error = sends(other_name, "ada@house.test").await.unwrap_err();
    assert!(matches!(error, MailError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_and_not_repeated() {
    let relay = Relay::start("submission");
    let wrong = MailerSettings {
        login: Some(login("hush-hush-hush")),
        ..settings(&relay)
    };
    let error = sends(wrong, "ada@house.test").await.unwrap_err();
    let MailError::Credentials { status, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(status.as_deref(), Some("5.7.8"));
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn refused_for_good_for_now_and_for_everybody_are_three_things() {
    let relay = Relay::start("submission");
    relay.list("refuse", &["gone@house.test"]);
    relay.list("later", &["later@house.test"]);
    relay.list("policy", &["denied@house.test"]);
    relay.list("greedy", &["greedy@house.test"]);
    let error = |to: &'static str| sends(settings(&relay), to);
    let gone = error("gone@house.test").await.unwrap_err();
    let MailError::Recipient { status, .. } = &gone else {
        panic!("{gone:?}")
    };
    assert_eq!(status.as_deref(), Some("5.1.1"));
    let later = error("later@house.test").await.unwrap_err();
    assert!(matches!(later, MailError::Later { .. }), "{later:?}");
    for to in ["denied@house.test", "greedy@house.test"] {
        let refused = error(to).await.unwrap_err();
        assert!(matches!(refused, MailError::Refused { .. }), "{refused:?}");
    }
    assert!(relay.mails().is_empty());
}

#[tokio::test]
async fn a_relay_that_is_down_or_silent_is_unreachable() {
    let mut relay = Relay::start("submission");
    relay.stop();
    let error = sends(settings(&relay), "ada@house.test").await.unwrap_err();
    assert!(matches!(error, MailError::Unreachable { .. }), "{error:?}");
    // something that accepts connections and says nothing
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = MailerSettings {
        port: silent.local_addr().unwrap().port(),
        limit: Duration::from_millis(500),
        ..settings(&relay)
    };
    let error = sends(settings, "ada@house.test").await.unwrap_err();
    assert!(matches!(error, MailError::Unreachable { .. }), "{error:?}");
}
