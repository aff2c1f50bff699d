//! The verifier against published examples, and against what a forger would try.

#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, Utc};

use super::{Nonces, Refused, Request, Secrets, base_string, check, read_header, sign};

const OURS: Secrets<'static> = Secrets {
    consumer_key: "ck",
    consumer_secret: "cs",
    token_key: "tk",
    token_secret: "ts",
};
const PARAMETERS: &str = "oauth_consumer_key%3Dck%26oauth_nonce%3Dn%26oauth_signature_method\
    %3DHMAC-SHA1%26oauth_timestamp%3D1700000000%26oauth_token%3Dtk%26oauth_version%3D1.0";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn header(signature: &str) -> String {
    format!(
        "OAuth oauth_nonce=\"n\", oauth_timestamp=\"1700000000\", oauth_version=\"1.0\", \
         oauth_signature_method=\"HMAC-SHA1\", oauth_consumer_key=\"ck\", oauth_token=\"tk\", \
         oauth_signature=\"{}\"",
        super::encode(signature)
    )
}

fn request<'a>(method: &'a str, path: &'a str, header: &'a str) -> Request<'a> {
    Request {
        method,
        host: "127.0.0.1:1",
        path,
        query: "",
        form: None,
        header,
    }
}

fn is_let_in(request: &Request<'_>) -> Result<(), Refused> {
    check(
        request,
        &OURS,
        &mut Nonces::default(),
        at(1_700_000_000),
        300,
    )
}

#[test]
fn a_json_body_is_not_signed() {
    let header = header("fC5nZG/BshEbDxhCZ0Tbk01o/Js=");
    let asked = request("POST", "/1/account/people", &header);
    let text = base_string(&asked, &read_header(&header).unwrap());
    let uri = "http%3A%2F%2F127.0.0.1%3A1%2F1%2Faccount%2Fpeople";
    assert_eq!(text, format!("POST&{uri}&{PARAMETERS}"));
    assert_eq!(is_let_in(&asked), Ok(()));
}

#[test]
fn the_query_is_signed() {
    let header = header("WBXO+p8J1aRIZcASK4aeHMyITao=");
    let asked = request("GET", "/1/account/members", &header);
    assert_eq!(is_let_in(&asked), Err(Refused::Signature));
    let asked = Request {
        query: "include_external_users=1",
        ..asked
    };
    let text = base_string(&asked, &read_header(&header).unwrap());
    let uri = "http%3A%2F%2F127.0.0.1%3A1%2F1%2Faccount%2Fmembers";
    let own = "include_external_users%3D1";
    assert_eq!(text, format!("GET&{uri}&{own}%26{PARAMETERS}"));
    assert_eq!(is_let_in(&asked), Ok(()));
}

#[test]
fn a_form_is_signed() {
    let header = header("esMj5xFJToO5K8Nr9rATmN5kd1E=");
    let asked = Request {
        form: Some(b"name=a+b"),
        ..request("POST", "/1/account/projects", &header)
    };
    let text = base_string(&asked, &read_header(&header).unwrap());
    let uri = "http%3A%2F%2F127.0.0.1%3A1%2F1%2Faccount%2Fprojects";
    assert_eq!(text, format!("POST&{uri}&name%3Da%2520b%26{PARAMETERS}"));
    assert_eq!(is_let_in(&asked), Ok(()));
    let other = Request {
        form: Some(b"name=a+c"),
        ..asked
    };
    assert_eq!(is_let_in(&other), Err(Refused::Signature));
}

#[test]
fn the_photo_request_of_rfc_5849_is_let_in() {
    let secrets = Secrets {
        consumer_key: "dpf43f3p2l4k3l03",
        consumer_secret: "kd94hf93k423kf44",
        token_key: "nnch734d00sl2jdk",
        token_secret: "pfkkdhi9sl3r4s00",
    };
    let asked = Request {
        method: "GET",
        host: "photos.example.net:80",
        path: "/photos",
        query: "file=vacation.jpg&size=original",
        form: None,
        header: "OAuth realm=\"Photos\",\n oauth_consumer_key=\"dpf43f3p2l4k3l03\",\n \
                 oauth_token=\"nnch734d00sl2jdk\",\n oauth_signature_method=\"HMAC-SHA1\",\n \
                 oauth_timestamp=\"137131202\",\n oauth_nonce=\"chapoH\",\n \
                 oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\"",
    };
    let mut nonces = Nonces::default();
    let answer = check(&asked, &secrets, &mut nonces, at(137_131_202), 300);
    assert_eq!(answer, Ok(()));
}

/// Section 3.4.1.1; the secrets and the signature are those of the erratum to its example.
#[test]
fn the_base_string_of_rfc_5849_comes_out() {
    let secrets = Secrets {
        consumer_key: "9djdj82h48djs9d2",
        consumer_secret: "j49sk3j29djd",
        token_key: "kkk9d7dh3k39sjv7",
        token_secret: "dh893hdasih9",
    };
    let asked = Request {
        method: "post",
        host: "EXAMPLE.COM",
        path: "/request",
        query: "b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        form: Some(b"c2&a3=2+q"),
        header: "OAuth realm=\"Example\", oauth_consumer_key=\"9djdj82h48djs9d2\", \
                 oauth_token=\"kkk9d7dh3k39sjv7\", oauth_signature_method=\"HMAC-SHA1\", \
                 oauth_timestamp=\"137131201\", oauth_nonce=\"7d8f3e4a\", \
                 oauth_signature=\"r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D\"",
    };
    assert_eq!(
        base_string(&asked, &read_header(asked.header).unwrap()),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D\
         %253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce\
         %3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26\
         oauth_token%3Dkkk9d7dh3k39sjv7"
    );
    let mut nonces = Nonces::default();
    let answer = check(&asked, &secrets, &mut nonces, at(137_131_201), 300);
    assert_eq!(answer, Ok(()));
}

#[test]
fn a_signature_is_good_for_one_request_of_its_time() {
    let plain = request("GET", "/1/account", "");
    let mut nonces = Nonces::default();
    let mut send = |nonce: &str, stamp: i64, now: i64| {
        let header = sign(&plain, &OURS, nonce, stamp);
        let asked = Request {
            header: &header,
            ..plain
        };
        check(&asked, &OURS, &mut nonces, at(now), 300)
    };
    assert_eq!(send("a", 1_000, 1_000), Ok(()));
    assert_eq!(send("a", 1_000, 1_001), Err(Refused::Nonce));
    assert_eq!(
        send("a", 1_001, 1_001),
        Ok(()),
        "a nonce belongs to its second"
    );
    assert_eq!(send("b", 1_000, 1_301), Err(Refused::Timestamp));
    assert_eq!(send("b", 1_301, 1_000), Err(Refused::Timestamp));
    assert_eq!(send("b", 1_300, 1_000), Ok(()));
    assert_eq!(
        send("b", 1_300, 1_600),
        Err(Refused::Nonce),
        "still remembered"
    );
}

#[test]
fn a_wrong_signature_uses_up_no_nonce() {
    let plain = request("GET", "/1/account", "");
    let good = sign(&plain, &OURS, "a", 1_000);
    let forged = good.replace("oauth_signature=\"", "oauth_signature=\"AAAA");
    let mut nonces = Nonces::default();
    let mut send = |header: &str| {
        let asked = Request { header, ..plain };
        check(&asked, &OURS, &mut nonces, at(1_000), 300)
    };
    assert_eq!(send(&forged), Err(Refused::Signature));
    assert_eq!(send(&good), Ok(()));
}

#[test]
fn what_is_changed_on_the_way_is_refused() {
    let plain = request("GET", "/1/account", "");
    let header = sign(&plain, &OURS, "a", 1_700_000_000);
    let good = Request {
        header: &header,
        ..plain
    };
    assert_eq!(is_let_in(&good), Ok(()));
    for changed in [
        Request {
            method: "POST",
            ..good
        },
        Request {
            host: "127.0.0.1:2",
            ..good
        },
        Request {
            path: "/1/account/people",
            ..good
        },
        Request {
            query: "a=1",
            ..good
        },
        Request {
            form: Some(b"a=1"),
            ..good
        },
    ] {
        assert_eq!(is_let_in(&changed), Err(Refused::Signature));
    }
    let told = |from: &str, to: &str| {
        let header = header.replace(from, to);
        assert_ne!(header, good.header, "{from}");
        is_let_in(&Request {
            header: &header,
            ..good
        })
    };
    assert_eq!(told("\"ck\"", "\"xx\""), Err(Refused::UnknownKey));
    assert_eq!(told("\"tk\"", "\"xx\""), Err(Refused::UnknownKey));
    assert_eq!(told("1700000000", "1700000001"), Err(Refused::Signature));
    assert_eq!(told("HMAC-SHA1", "PLAINTEXT"), Err(Refused::Unsupported));
    assert_eq!(told("\"1.0\"", "\"2.0\""), Err(Refused::Unsupported));
    assert_eq!(told("1700000000", "now"), Err(Refused::Malformed));
    assert_eq!(told("oauth_nonce", "nonce"), Err(Refused::Malformed));
    assert_eq!(
        told("oauth_version", "oauth_token"),
        Err(Refused::Malformed)
    );
    assert_eq!(told("OAuth ", "Basic "), Err(Refused::Malformed));
}

#[test]
fn a_key_with_special_characters_is_encoded_before_it_signs() {
    let secrets = Secrets {
        consumer_secret: "c&s ü",
        ..OURS
    };
    let plain = request("GET", "/1/account", "");
    let header = sign(&plain, &secrets, "a", 1_700_000_000);
    let asked = Request {
        header: &header,
        ..plain
    };
    let mut nonces = Nonces::default();
    let answer = check(&asked, &secrets, &mut nonces, at(1_700_000_000), 300);
    assert_eq!(answer, Ok(()));
    assert_eq!(is_let_in(&asked), Err(Refused::Signature));
}
