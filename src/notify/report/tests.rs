use std::fs;

use super::*;

fn bounce(action: &str, status: &str, original: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.house.test\nTo: bounces@house.test\n\
         Subject: Undelivered\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"b1\"\n\n\
         --b1\nContent-Type: text/plain\n\nSorry.\n\n\
         --b1\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.house.test\nArrival-Date: Sun, 1 Mar 2026 08:00:00 +0000\n\n\
         Final-Recipient: rfc822; Ada@House.test\nAction: {action}\nStatus: {status}\n\
         Diagnostic-Code: smtp; 550\n  {status} no such user\n\n{original}--b1--\n"
    )
}

const RETURNED: &str = "--b1\nContent-Type: message/rfc822\n\n\
     From: exeunt@house.test\nTo: ada@house.test\nMessage-ID: <0123abc@house.test>\n\
     Subject: Hello\n\nText\n\n";
const HEADERS: &str = "--b1\nContent-Type: text/rfc822-headers\n\n\
     From: exeunt@house.test\nMessage-ID: <0123abc@house.test>\n\n";

fn one(text: &str) -> Option<Report> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mail");
    fs::write(&file, text).unwrap();
    let mut found = read(&file).unwrap();
    assert_eq!(found.len(), 1);
    found.pop().unwrap().report
}

fn end(text: &str) -> End {
    let report = one(text).unwrap();
    assert_eq!(report.mail.as_deref(), Some("0123abc"));
    assert_eq!(report.outcomes.len(), 1, "{report:?}");
    assert_eq!(
        report.outcomes[0].recipient.as_deref(),
        Some("Ada@House.test")
    );
    report.outcomes[0].end
}

#[test]
fn a_report_says_which_mail_to_whom_and_how_it_ended() {
    use End::Failed;
    let ends = [
        ("failed", "5.1.1", Failed(Reason::NoSuchRecipient)),
        ("failed", "5.2.2", Failed(Reason::MailboxFull)),
        ("failed", "4.4.7", Failed(Reason::Expired)),
        ("failed", "5.7.1", Failed(Reason::Blocked)),
        ("failed", "5.6.0", Failed(Reason::Other)),
        ("delayed", "4.4.1", End::Open),
        ("relayed", "2.0.0", End::Open),
        ("delivered", "2.0.0", End::Delivered),
    ];
    for (action, status, wanted) in ends {
        assert_eq!(end(&bounce(action, status, RETURNED)), wanted, "{action}");
        assert_eq!(end(&bounce(action, status, HEADERS)), wanted, "{action}");
        let wired = bounce(action, status, RETURNED).replace('\n', "\r\n");
        assert_eq!(end(&wired), wanted, "{action}");
    }
}

#[test]
fn what_cannot_be_read_is_no_report() {
    let plain = "From: a@b.test\nSubject: Out of office\n\nBack on Monday\n";
    assert_eq!(one(plain), None);
    let no_action = bounce("failed", "5.1.1", RETURNED).replace("Action:", "Akshun:");
    assert_eq!(one(&no_action), None);
    assert_eq!(one(""), None);
    assert_eq!(one("\u{0}\u{1}garbage"), None);
    let cut = bounce("failed", "5.1.1", RETURNED);
    for length in 0..cut.len() {
        // however much of it is missing, it never says that something was delivered
        let report = one(&cut[..length]);
        let ends = report.map(|r| r.outcomes).unwrap_or_default();
        assert!(ends.iter().all(|o| o.end != End::Delivered), "{length}");
    }
}

#[test]
fn mailboxes_and_maildirs_are_taken_apart() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mbox");
    let first = bounce("failed", "5.1.1", RETURNED).replace("Sorry.", ">From here on\n>>From");
    let second = "Subject: Hello\n\nNot a report\n";
    let text = format!(
        "From MAILER-DAEMON Sun Mar  1 08:00:00 2026\n{first}\nFrom ada Mon Mar  2 08:00:00 2026\n{second}"
    );
    fs::write(&file, text).unwrap();
    let found = read(&file).unwrap();
    let known: Vec<_> = found.iter().map(|f| f.report.is_some()).collect();
    assert_eq!(known, [true, false]);
    assert_eq!(found[1].message, "message 2");

    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(home.path().join("dir").join(folder)).unwrap();
    }
    fs::write(home.path().join("dir/new/1.a"), &first).unwrap();
    fs::write(home.path().join("dir/cur/2.b"), second).unwrap();
    fs::write(home.path().join("dir/tmp/3.c"), &first).unwrap();
    let found = read(&home.path().join("dir")).unwrap();
    assert_eq!(found.len(), 2);
    assert!(read(home.path()).is_err());
}
