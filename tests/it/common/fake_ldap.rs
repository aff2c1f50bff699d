//! An LDAP server that misbehaves in one way: two pages of three people, and a fault.

use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::StreamExt as _;
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapBindResponse;
use ldap3_proto::proto::LdapExtendedResponse;
use ldap3_proto::proto::LdapMsg;
use ldap3_proto::proto::LdapOp;
use ldap3_proto::proto::LdapPartialAttribute;
use ldap3_proto::proto::LdapResult;
use ldap3_proto::proto::LdapResultCode;
use ldap3_proto::proto::LdapSearchRequest;
use ldap3_proto::proto::LdapSearchResultEntry;
use ldap3_proto::proto::LdapSearchResultReference;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    DropWithinPage1,
    DropOnPage2,
    HangOnPage2,
    BusyOnPage2,
    PagingIgnored,
    PagingBroken,
    EntryWithoutKey,
    SameKeyTwice,
    Referral,
    DisconnectNotice,
    HugeEntry,
    NotASequence,
    SequenceOfNothing,
    EndlessPages,
    DripOnPage2,
    BadDate,
    OwnClock,
    ReferralOnly,
}

/// The key of the `n`th person.
pub(crate) fn key(n: usize) -> String {
    format!("f0000000-0000-4000-8000-{n:012}")
}

/// Starts the server; its task ends with the test's runtime. Gives its URL.
pub(crate) async fn start(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, fault));
        }
    });
    format!("ldap://127.0.0.1:{port}")
}

async fn serve(socket: TcpStream, fault: Fault) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut wire = Framed::new(socket, LdapCodec::default());
    while let Some(Ok(message)) = wire.next().await {
        let id = message.msgid;
        match message.op {
            LdapOp::BindRequest(_) => {
                let answer = LdapBindResponse {
                    res: result(LdapResultCode::Success),
                    saslcreds: None,
                };
                wire.send(LdapMsg::new(id, LdapOp::BindResponse(answer)))
                    .await
                    .ok()?;
            }
            LdapOp::SearchRequest(search) => {
                let cookie = message.ctrl.iter().find_map(|control| match control {
                    LdapControl::SimplePagedResults { cookie, .. } => Some(cookie.clone()),
                    _ => None,
                });
                match cookie {
                    None => single(&mut wire, id, &search, fault).await?,
                    Some(cookie) => page(&mut wire, id, &cookie, fault).await?,
                }
            }
            _ => return None,
        }
    }
    Some(())
}

type Wire = Framed<TcpStream, LdapCodec>;

async fn single(wire: &mut Wire, id: i32, search: &LdapSearchRequest, fault: Fault) -> Option<()> {
    let is_root = search.base.is_empty();
    if is_root && fault == Fault::OwnClock {
        send_entry(wire, id, "", &[("currentTime", b"20261122100000.0Z")]).await?;
    } else if is_root {
        send_entry(wire, id, "", &[("vendorName", b"Fake")]).await?;
    } else if fault == Fault::ReferralOnly {
        send_referral(wire, id).await?;
    }
    send_end(wire, id, LdapResultCode::Success, vec![]).await
}

async fn page(wire: &mut Wire, id: i32, cookie: &[u8], fault: Fault) -> Option<()> {
    let second = !cookie.is_empty();
    match fault {
        Fault::DropOnPage2 if second => return None,
        Fault::HangOnPage2 if second => tokio::time::sleep(Duration::from_secs(3600)).await,
        Fault::BusyOnPage2 if second => {
            return send_end(wire, id, LdapResultCode::Busy, control(b"")).await;
        }
        Fault::DisconnectNotice if second => {
            let notice = LdapExtendedResponse {
                res: result(LdapResultCode::Unavailable),
                name: Some("1.3.6.1.4.1.1466.20036".to_owned()),
                value: None,
            };
            wire.send(LdapMsg::new(0, LdapOp::ExtendedResponse(notice)))
                .await
                .ok()?;
            return None;
        }
        Fault::NotASequence if second => return send_bytes(wire, &[4, 1, 0]).await,
        // Makes the client library's own decoder panic.
        Fault::SequenceOfNothing if second => {
            return send_bytes(wire, &[0x30, 3, 4, 1, 0]).await;
        }
        Fault::EndlessPages => {
            return send_end(wire, id, LdapResultCode::Success, control(b"again")).await;
        }
        _ => {}
    }
    for n in if second { 4..7 } else { 1..4 } {
        if n == 3 && fault == Fault::DropWithinPage1 {
            return None;
        }
        if n == 5 && fault == Fault::Referral {
            send_referral(wire, id).await?;
        }
        if second && fault == Fault::DripOnPage2 {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        send_person(wire, id, n, fault).await?;
    }
    match fault {
        Fault::PagingIgnored => send_end(wire, id, LdapResultCode::Success, vec![]).await,
        Fault::PagingBroken => {
            let broken = LdapControl::Unknown {
                oid: "1.2.840.113556.1.4.319".to_owned(),
                criticality: false,
                value: Some(b"0\x02".to_vec()),
            };
            send_end(wire, id, LdapResultCode::Success, vec![broken]).await
        }
        _ if second => send_end(wire, id, LdapResultCode::Success, control(b"")).await,
        _ => send_end(wire, id, LdapResultCode::Success, control(b"second")).await,
    }
}

async fn send_bytes(wire: &mut Wire, bytes: &[u8]) -> Option<()> {
    wire.get_mut().write_all(bytes).await.ok()
}

async fn send_person(wire: &mut Wire, id: i32, n: usize, fault: Fault) -> Option<()> {
    let key = match fault {
        Fault::SameKeyTwice if n == 5 => key(1),
        Fault::EntryWithoutKey if n == 5 => String::new(),
        _ => key(n),
    };
    let name = match fault {
        Fault::HugeEntry if n == 5 => "a".repeat(4_000_000),
        _ => format!("Person {n}"),
    };
    let end = match fault {
        Fault::BadDate if n == 5 => "31.1.2026",
        _ => "20991231000000Z",
    };
    let mut values = vec![("cn", name.as_bytes()), ("pwdEndTime", end.as_bytes())];
    if !key.is_empty() {
        values.push(("entryUUID", key.as_bytes()));
    }
    send_entry(wire, id, &format!("uid=u{n},dc=x"), &values).await
}

async fn send_entry(wire: &mut Wire, id: i32, dn: &str, values: &[(&str, &[u8])]) -> Option<()> {
    let attributes = values.iter().map(|(name, value)| LdapPartialAttribute {
        atype: (*name).to_owned(),
        vals: vec![value.to_vec()],
    });
    let entry = LdapSearchResultEntry {
        dn: dn.to_owned(),
        attributes: attributes.collect(),
    };
    wire.send(LdapMsg::new(id, LdapOp::SearchResultEntry(entry)))
        .await
        .ok()
}

async fn send_referral(wire: &mut Wire, id: i32) -> Option<()> {
    let reference = LdapSearchResultReference {
        uris: vec!["ldap://elsewhere.example.test/dc=x".to_owned()],
    };
    wire.send(LdapMsg::new(id, LdapOp::SearchResultReference(reference)))
        .await
        .ok()
}

async fn send_end(
    wire: &mut Wire,
    id: i32,
    code: LdapResultCode,
    controls: Vec<LdapControl>,
) -> Option<()> {
    let end = LdapOp::SearchResultDone(result(code));
    wire.send(LdapMsg::new_with_ctrls(id, end, controls))
        .await
        .ok()
}

fn control(cookie: &[u8]) -> Vec<LdapControl> {
    vec![LdapControl::SimplePagedResults {
        size: 0,
        cookie: cookie.to_vec(),
    }]
}

fn result(code: LdapResultCode) -> LdapResult {
    LdapResult {
        code,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    }
}
