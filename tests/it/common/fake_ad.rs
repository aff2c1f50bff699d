//! A domain controller in this process, for what Samba does not imitate: the limits of Windows
//! (1,000 entries to a page, 1,500 values to an attribute), several controllers, and rights and
//! clocks that change between two reads.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::StreamExt as _;
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapBindResponse;
use ldap3_proto::proto::LdapMsg;
use ldap3_proto::proto::LdapOp;
use ldap3_proto::proto::LdapPartialAttribute;
use ldap3_proto::proto::LdapResult;
use ldap3_proto::proto::LdapResultCode;
use ldap3_proto::proto::LdapSearchRequest;
use ldap3_proto::proto::LdapSearchResultEntry;
use ldap3_proto::proto::LdapSearchScope;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

pub(crate) const BASE: &str = "DC=fake,DC=test";
pub(crate) const GROUP: &str = "CN=Everybody,OU=Groups,DC=fake,DC=test";
const SERVICE: &str = "CN=NTDS Settings,CN=DC1,CN=Configuration,DC=fake,DC=test";
/// MaxPageSize of Windows.
const MOST_ENTRIES: usize = 1000;
/// MaxValRange of Windows.
const MOST_VALUES: usize = 1500;

/// What the controller is and holds.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    /// Its own name.
    pub(crate) host: &'static str,
    /// How many people there are, numbered from 1.
    pub(crate) people: usize,
    /// The numbers of those who are disabled.
    pub(crate) disabled: Vec<usize>,
    /// The numbers of those who are in no group.
    pub(crate) outside: Vec<usize>,
    /// The numbers of those who were deleted, beside `people`.
    pub(crate) deleted: Vec<usize>,
    /// Whether deleted entries are shown to the account.
    pub(crate) shows_deleted: bool,
    pub(crate) change: u64,
    pub(crate) database: [u8; 16],
    /// Whether the controller says that it has caught up.
    pub(crate) synchronised: bool,
    /// Whether `userAccountControl` is shown to the account.
    pub(crate) shows_control: bool,
    /// Whether `objectGUID` is shown to the account.
    pub(crate) shows_guid: bool,
    /// Whether the control for pages is understood.
    pub(crate) pages: bool,
    /// Whether groups within groups are followed by the controller.
    pub(crate) chain: bool,
    /// Breaks off the second part of a group's members.
    pub(crate) gap_in_members: bool,
    /// Hangs up.
    pub(crate) down: bool,
}

impl Default for Domain {
    fn default() -> Self {
        Self {
            host: "dc1.fake.test",
            people: 6,
            disabled: Vec::new(),
            outside: Vec::new(),
            deleted: Vec::new(),
            shows_deleted: true,
            change: 5000,
            database: [7; 16],
            synchronised: true,
            shows_control: true,
            shows_guid: true,
            pages: true,
            chain: true,
            gap_in_members: false,
            down: false,
        }
    }
}

/// One controller; it ends when it is dropped.
pub(crate) struct FakeAd {
    url: String,
    domain: Arc<Mutex<Domain>>,
    _runtime: tokio::runtime::Runtime,
}

impl FakeAd {
    pub(crate) fn start(domain: Domain) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let domain = Arc::new(Mutex::new(domain));
        let served = Arc::clone(&domain);
        let url = runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    let domain = served.lock().unwrap().clone();
                    tokio::spawn(serve(socket, domain));
                }
            });
            format!("ldap://127.0.0.1:{port}")
        });
        Self {
            url,
            domain,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Domain)) {
        change(&mut self.domain.lock().unwrap());
    }
}

/// The key of a person.
pub(crate) fn key(n: usize) -> String {
    uuid::Uuid::from_bytes_le(guid(n)).hyphenated().to_string()
}

/// As the directory keeps it; not text in any case.
fn guid(n: usize) -> [u8; 16] {
    let mut bytes = [0x80; 16];
    let (_, last) = bytes.split_at_mut(8);
    last.copy_from_slice(&(n as u64).to_be_bytes());
    bytes
}

type Wire = Framed<TcpStream, LdapCodec>;
type Values = Vec<(String, Vec<Vec<u8>>)>;

async fn serve(socket: TcpStream, domain: Domain) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    if domain.down {
        return None;
    }
    let mut wire = Framed::new(socket, LdapCodec::default());
    while let Some(Ok(message)) = wire.next().await {
        let id = message.msgid;
        match message.op {
            LdapOp::BindRequest(_) => {
                let answer = LdapBindResponse {
                    res: result(LdapResultCode::Success),
                    saslcreds: None,
                };
                let answer = LdapMsg::new(id, LdapOp::BindResponse(answer));
                wire.send(answer).await.ok()?;
            }
            LdapOp::SearchRequest(search) => {
                answer(&mut wire, id, &search, &message.ctrl, &domain).await?;
            }
            _ => return None,
        }
    }
    Some(())
}

async fn answer(
    wire: &mut Wire,
    id: i32,
    search: &LdapSearchRequest,
    controls: &[LdapControl],
    domain: &Domain,
) -> Option<()> {
    let found = match found(search, controls, domain) {
        Ok(found) => found,
        Err(code) => return end(wire, id, code, vec![]).await,
    };
    let paged = controls.iter().find_map(|control| match control {
        LdapControl::SimplePagedResults { size, cookie } => Some((*size, cookie.clone())),
        _ => None,
    });
    let (from, most) = match &paged {
        Some((size, cookie)) if domain.pages => {
            let from = std::str::from_utf8(cookie).ok()?.parse().unwrap_or(0);
            (from, usize::try_from(*size).ok()?.min(MOST_ENTRIES))
        }
        _ => (0, MOST_ENTRIES),
    };
    let rest = found.len().saturating_sub(from);
    for (dn, values) in found.into_iter().skip(from).take(most) {
        let attributes = values
            .into_iter()
            .map(|(atype, vals)| LdapPartialAttribute { atype, vals });
        let entry = LdapSearchResultEntry {
            dn,
            attributes: attributes.collect(),
        };
        let message = LdapMsg::new(id, LdapOp::SearchResultEntry(entry));
        wire.send(message).await.ok()?;
    }
    if paged.is_some() && domain.pages {
        let cookie = if rest > most {
            (from + most).to_string().into_bytes()
        } else {
            Vec::new()
        };
        let control = LdapControl::SimplePagedResults { size: 0, cookie };
        return end(wire, id, LdapResultCode::Success, vec![control]).await;
    }
    let code = if rest > most {
        LdapResultCode::SizeLimitExceeded
    } else {
        LdapResultCode::Success
    };
    end(wire, id, code, vec![]).await
}

/// The entries that a search asks for, told by its base and the words of its filter.
fn found(
    search: &LdapSearchRequest,
    controls: &[LdapControl],
    domain: &Domain,
) -> Result<Vec<(String, Values)>, LdapResultCode> {
    let filter = format!("{:?}", search.filter);
    let base = search.base.as_str();
    if base.is_empty() {
        return Ok(vec![(String::new(), root(domain))]);
    }
    if base == SERVICE {
        let values = vec![("invocationId".to_owned(), vec![domain.database.to_vec()])];
        return Ok(vec![(SERVICE.to_owned(), values)]);
    }
    if base.starts_with("CN=Deleted Objects") {
        let asked = controls.iter().any(|control| {
            let text = format!("{control:?}");
            text.contains("ShowDeleted") || text.contains(".417") || text.contains(".2064")
        });
        let shown = asked && domain.shows_deleted;
        let all = shown.then(|| domain.deleted.iter().map(|n| deleted(*n)).collect());
        return Ok(all.unwrap_or_default());
    }
    if base == GROUP && search.scope == LdapSearchScope::Base {
        return Ok(vec![(GROUP.to_owned(), group(search, domain))]);
    }
    if filter.contains("1.2.840.113556.1.4.1941") {
        let asks_groups = filter.contains("\"group\"");
        if !domain.chain || asks_groups {
            return Ok(Vec::new());
        }
        let inside = (1..=domain.people).filter(|n| !domain.outside.contains(n));
        return Ok(inside.map(|n| person(n, domain)).collect());
    }
    if filter.contains("groupOfNames") {
        let class = ("objectClass".to_owned(), vec![b"group".to_vec()]);
        return Ok(vec![(GROUP.to_owned(), vec![class])]);
    }
    if base == BASE && search.scope == LdapSearchScope::Base {
        let class = ("objectClass".to_owned(), vec![b"domain".to_vec()]);
        return Ok(vec![(BASE.to_owned(), vec![class])]);
    }
    if base != BASE {
        return Err(LdapResultCode::NoSuchObject);
    }
    Ok((1..=domain.people).map(|n| person(n, domain)).collect())
}

fn root(domain: &Domain) -> Values {
    let now = chrono::Utc::now().format("%Y%m%d%H%M%S.0Z").to_string();
    let synchronised = if domain.synchronised { "TRUE" } else { "FALSE" };
    let values = [
        ("currentTime", now.as_str()),
        ("dnsHostName", domain.host),
        ("dsServiceName", SERVICE),
        ("isSynchronized", synchronised),
        ("namingContexts", BASE),
        ("highestCommittedUSN", &domain.change.to_string()),
    ];
    texts(&values)
}

fn texts(values: &[(&str, &str)]) -> Values {
    let values = values.iter();
    values
        .map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]))
        .collect()
}

fn name(n: usize) -> String {
    format!("CN=Person {n},OU=Staff,{BASE}")
}

fn person(n: usize, domain: &Domain) -> (String, Values) {
    let login = format!("person{n}");
    let mail = format!("person{n}@fake.test");
    let mut values = texts(&[("sAMAccountName", &login), ("cn", &login), ("mail", &mail)]);
    if domain.shows_guid {
        values.push(("objectGUID".to_owned(), vec![guid(n).to_vec()]));
    }
    if domain.shows_control {
        let control = if domain.disabled.contains(&n) {
            "514"
        } else {
            "512"
        };
        values.extend(texts(&[("userAccountControl", control)]));
    }
    (name(n), values)
}

fn deleted(n: usize) -> (String, Values) {
    let dn = format!("CN=Person {n}\\0ADEL:{},CN=Deleted Objects,{BASE}", key(n));
    let mut values = texts(&[
        ("isDeleted", "TRUE"),
        ("lastKnownParent", &format!("OU=Staff,{BASE}")),
        ("sAMAccountName", &format!("person{n}")),
        ("whenChanged", "20261101080000.0Z"),
    ]);
    values.push(("objectGUID".to_owned(), vec![guid(n).to_vec()]));
    (dn, values)
}

/// The group; its members come in parts, as Windows gives them.
fn group(search: &LdapSearchRequest, domain: &Domain) -> Values {
    let mut values = texts(&[("objectClass", "group")]);
    let Some(asked) = search.attrs.iter().find(|a| a.starts_with("member")) else {
        return values;
    };
    let from: usize = asked
        .split_once("range=")
        .and_then(|(_, range)| range.split('-').next()?.parse().ok())
        .unwrap_or(0);
    let inside = (1..=domain.people).filter(|n| !domain.outside.contains(n));
    let all: Vec<_> = inside.map(|n| name(n).into_bytes()).collect();
    let part: Vec<_> = all.iter().skip(from).take(MOST_VALUES).cloned().collect();
    let next = from + part.len();
    if from == 0 && next == all.len() {
        values.push(("member".to_owned(), part));
        return values;
    }
    let begin = if domain.gap_in_members && from > 0 {
        from + 10
    } else {
        from
    };
    let range = if next == all.len() {
        format!("member;range={begin}-*")
    } else {
        format!("member;range={begin}-{}", next - 1)
    };
    // As Windows does: an empty `member` beside the part.
    values.push(("member".to_owned(), Vec::new()));
    values.push((range, part));
    values
}

async fn end(
    wire: &mut Wire,
    id: i32,
    code: LdapResultCode,
    controls: Vec<LdapControl>,
) -> Option<()> {
    let done = LdapOp::SearchResultDone(result(code));
    let sent = wire.send(LdapMsg::new_with_ctrls(id, done, controls));
    tokio::time::timeout(Duration::from_secs(10), sent)
        .await
        .ok()?
        .ok()
}

fn result(code: LdapResultCode) -> LdapResult {
    LdapResult {
        code,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    }
}
