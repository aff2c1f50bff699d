//! An LDAP server that misbehaves in one way: two pages of three people, and a fault.

use std::sync::Arc;
use std::sync::Mutex;
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
    /// Hangs up before anything is said.
    ClosedAtOnce,
    /// Hangs up instead of answering the bind.
    ClosedAtBind,
    /// Never answers the bind.
    HangAtBind,
    /// Says something that is not LDAP.
    Garbage,
    /// Refuses the bind with this result.
    Bind(i64),
    /// Ends page 1 with this result, without anybody.
    OnPage1(i64),
    /// Ends page 2 with this result, without anybody.
    OnPage2(i64),
    /// Gives a full page, this result, and no way on.
    AfterPage1(i64),
    /// Success, and nobody.
    Nobody,
    /// Success, and one of six.
    OnlyOne,
    /// Success, and a reference to another server instead of everybody.
    ReferralInstead,
    /// The first page again and again.
    SamePageForEver,
    /// Page 2 ends well before everybody has come, with a cookie that leads to nothing.
    EmptyLastPage,
    /// Keys that are none.
    BadKeys,
    /// No entry lets its key be seen.
    NoKeys,
    /// The same key in two entries of one page, in other letters.
    SameKeyOtherCase,
    /// An answer to a question that nobody asked, in the middle of a page.
    ForeignAnswer,
    /// A length of four gigabytes, then nothing.
    HugeLength,
    /// The clock of the server is two hours off.
    WrongClock,
    /// The clock of the server cannot be read.
    BadClock,
    /// The root entry says that it is busy.
    BusyRoot,
    /// Another product answers.
    OtherVendor,
}

/// A server whose fault can be changed while it runs; it ends when it is dropped.
pub(crate) struct FakeLdap {
    url: String,
    fault: Arc<Mutex<Fault>>,
    _runtime: tokio::runtime::Runtime,
}

impl FakeLdap {
    /// Starts one without a fault.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let fault = Arc::new(Mutex::new(Fault::None));
        let shown = Arc::clone(&fault);
        let url = runtime.block_on(async move { start_with(shown).await });
        Self {
            url,
            fault,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

/// The key of the `n`th person.
pub(crate) fn key(n: usize) -> String {
    format!("f0000000-0000-4000-8000-{n:012}")
}

/// Starts the server; its task ends with the test's runtime. Gives its URL.
pub(crate) async fn start(fault: Fault) -> String {
    start_with(Arc::new(Mutex::new(fault))).await
}

async fn start_with(fault: Arc<Mutex<Fault>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let fault = *fault.lock().unwrap();
            tokio::spawn(serve(socket, fault));
        }
    });
    format!("ldap://127.0.0.1:{port}")
}

async fn serve(socket: TcpStream, fault: Fault) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut wire = Framed::new(socket, LdapCodec::default());
    match fault {
        Fault::ClosedAtOnce => return None,
        Fault::Garbage => return send_bytes(&mut wire, b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
        _ => {}
    }
    while let Some(Ok(message)) = wire.next().await {
        let id = message.msgid;
        match message.op {
            LdapOp::BindRequest(_) => {
                let code = match fault {
                    Fault::ClosedAtBind => return None,
                    Fault::HangAtBind => {
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                        return None;
                    }
                    Fault::Bind(code) => named(code),
                    _ => LdapResultCode::Success,
                };
                let answer = LdapBindResponse {
                    res: result(code),
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

pub(crate) type Wire = Framed<TcpStream, LdapCodec>;

async fn single(wire: &mut Wire, id: i32, search: &LdapSearchRequest, fault: Fault) -> Option<()> {
    let is_root = search.base.is_empty();
    if is_root && fault == Fault::BusyRoot {
        return send_end(wire, id, LdapResultCode::Busy, vec![]).await;
    }
    let now = match fault {
        Fault::OwnClock => Some("20261122100000.0Z".to_owned()),
        Fault::BadClock => Some("noon".to_owned()),
        Fault::WrongClock => {
            let then = chrono::Utc::now() - chrono::TimeDelta::hours(2);
            Some(then.format("%Y%m%d%H%M%S.0Z").to_string())
        }
        _ => None,
    };
    if is_root && let Some(now) = now {
        send_entry(wire, id, "", &[("currentTime", now.as_bytes())]).await?;
    } else if is_root && fault == Fault::OtherVendor {
        send_entry(wire, id, "", &[("vendorName", b"Another")]).await?;
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
        Fault::OnPage1(code) => return send_end(wire, id, named(code), control(b"")).await,
        Fault::OnPage2(code) if second => {
            return send_end(wire, id, named(code), control(b"")).await;
        }
        Fault::Nobody => return send_end(wire, id, LdapResultCode::Success, control(b"")).await,
        Fault::OnlyOne => {
            send_person(wire, id, 1, fault).await?;
            return send_end(wire, id, LdapResultCode::Success, control(b"")).await;
        }
        Fault::ReferralInstead => {
            send_referral(wire, id).await?;
            return send_end(wire, id, LdapResultCode::Success, control(b"")).await;
        }
        Fault::EmptyLastPage if second => {
            return send_end(wire, id, LdapResultCode::Success, control(b"")).await;
        }
        Fault::HugeLength if second => {
            return send_bytes(wire, &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1]).await;
        }
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
    let second = second && fault != Fault::SamePageForEver;
    for n in if second { 4..7 } else { 1..4 } {
        if n == 2 && fault == Fault::ForeignAnswer {
            send_person(wire, id + 7, 9, fault).await?;
        }
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
        Fault::AfterPage1(code) => send_end(wire, id, named(code), control(b"")).await,
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
        Fault::NoKeys => String::new(),
        Fault::BadKeys => format!("person-{n}"),
        Fault::SameKeyOtherCase if n == 6 => key(5).to_uppercase(),
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
    let mail = format!("person{n}@example.test");
    let mut values = vec![
        ("cn", name.as_bytes()),
        ("mail", mail.as_bytes()),
        ("pwdEndTime", end.as_bytes()),
    ];
    if !key.is_empty() {
        values.push(("entryUUID", key.as_bytes()));
    }
    send_entry(wire, id, &format!("uid=u{n},dc=x"), &values).await
}

pub(crate) async fn send_entry(
    wire: &mut Wire,
    id: i32,
    dn: &str,
    values: &[(&str, &[u8])],
) -> Option<()> {
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

pub(crate) async fn send_end(
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

pub(crate) fn control(cookie: &[u8]) -> Vec<LdapControl> {
    vec![LdapControl::SimplePagedResults {
        size: 0,
        cookie: cookie.to_vec(),
    }]
}

/// A result by its number.
fn named(code: i64) -> LdapResultCode {
    LdapResultCode::try_from(code).unwrap()
}

pub(crate) fn result(code: LdapResultCode) -> LdapResult {
    LdapResult {
        code,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    }
}
