use super::*;

fn settings() -> MailerSettings {
    MailerSettings {
        host: "localhost".to_owned(),
        port: 25,
        security: Security::Plain,
        login: None,
        ca_file: None,
        from: "Exeunt <exeunt@house.test>".to_owned(),
        reply_to: Some("help@house.test".to_owned()),
        bounces_to: None,
        connect_limit: Duration::from_secs(1),
        limit: Duration::from_secs(2),
    }
}

fn mail() -> Mail {
    Mail {
        id: "abc-1".to_owned(),
        to: "ada@house.test".to_owned(),
        subject: "Ihr Konto wird gelöscht".to_owned(),
        text: "Guten Tag,\n.\nBis dann\n".to_owned(),
        language: Some("de"),
        reply_to: None,
        date: Time::parse("2026-03-01T08:00:00Z").unwrap(),
    }
}

fn text(mail: &Mail) -> String {
    let mailer = Mailer::new(settings()).unwrap();
    String::from_utf8(message::ready(&mailer, mail).unwrap().bytes).unwrap()
}

#[test]
fn a_mail_says_from_whom_it_is_and_where_answers_go_and_is_the_same_when_tried_again() {
    let first = text(&mail());
    for line in [
        "From: Exeunt <exeunt@house.test>\r\n",
        "To: ada@house.test\r\n",
        "Reply-To: help@house.test\r\n",
        "Message-ID: <abc-1@house.test>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Language: de\r\n",
        "Date: Sun, 01 Mar 2026 08:00:00 +0000\r\n",
    ] {
        assert!(first.contains(line), "{line}\n{first}");
    }
    assert_eq!(first, text(&mail()));
}

#[test]
fn nothing_from_outside_makes_a_header_or_a_second_recipient() {
    let mailer = Mailer::new(settings()).unwrap();
    let bad: [fn(&mut Mail); 7] = [
        |m| m.subject = "Hello\r\nBcc: eve@evil.test".to_owned(),
        |m| m.subject = "Hello\nBcc: eve@evil.test".to_owned(),
        |m| m.to = "ada@house.test\r\nBcc: eve@evil.test".to_owned(),
        |m| m.to = "ada@house.test, eve@evil.test".to_owned(),
        |m| m.to = "nobody".to_owned(),
        |m| m.reply_to = Some("help@house.test\r\nBcc: eve@evil.test".to_owned()),
        |m| m.id = "a@b>\r\nBcc: eve@evil.test".to_owned(),
    ];
    for change in bad {
        let mut mail = mail();
        change(&mut mail);
        assert!(message::ready(&mailer, &mail).is_err(), "{mail:?}");
    }
}

#[test]
fn the_clear_is_for_loopback_only() {
    let with = |host: &str, security| {
        let settings = MailerSettings {
            host: host.to_owned(),
            security,
            ..settings()
        };
        Mailer::new(settings).is_ok()
    };
    assert!(with("127.0.0.1", Security::Plain));
    assert!(with("::1", Security::Plain));
    assert!(!with("relay.house.test", Security::Plain));
    assert!(!with("localhost.evil.test", Security::Plain));
    assert!(with("relay.house.test", Security::Starttls));
    assert!(!with("relay house", Security::Starttls));
}

#[test]
fn neither_user_nor_password_is_shown() {
    let login = Login {
        user: Zeroizing::new("ada".to_owned()),
        password: Zeroizing::new("hush".to_owned()),
    };
    let mailer = Mailer::new(MailerSettings {
        login: Some(login),
        ..settings()
    });
    let shown = format!("{:?}", mailer.unwrap());
    assert!(!shown.contains("hush"), "{shown}");
}
