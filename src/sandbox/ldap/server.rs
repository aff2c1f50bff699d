//! One connection to the directory: binds, searches, and polite refusals of all else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use ldap3_proto::{
    LdapCodec,
    control::LdapControl,
    proto::{
        LdapBindCred, LdapBindRequest, LdapBindResponse, LdapExtendedRequest, LdapExtendedResponse,
        LdapMsg, LdapOp, LdapPartialAttribute, LdapResult, LdapResultCode, LdapSearchRequest,
        LdapSearchResultEntry, LdapSearchResultReference, LdapSearchScope, OID_WHOAMI,
    },
};
use tokio::{
    io::{ReadHalf, WriteHalf},
    net::TcpStream,
};
use tokio_util::codec::{FramedRead, FramedWrite};

use crate::sandbox::{
    host::lock,
    ldap::{
        BindRecord, SearchRecord, Shared,
        faults::{Fault, On},
        filter,
        tree::{Entry, Tree, attribute, generalized, is_operational, is_within, normal, parent},
    },
};

const OID_PAGING: &str = "1.2.840.113556.1.4.319";
const OID_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// Serves a connection until it ends.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, number: u64) {
    let (reader, writer) = tokio::io::split(stream);
    let mut connection = Connection {
        shared,
        number,
        bound: None,
        cursors: BTreeMap::new(),
        next_cookie: 1,
        reader: FramedRead::new(reader, LdapCodec::default()),
        writer: FramedWrite::new(writer, LdapCodec::default()),
    };
    while let Some(Ok(message)) = connection.reader.next().await {
        if connection.answer(message).await.is_err() {
            return;
        }
    }
}

/// The connection is over.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// What a paged search has still to give.
struct Cursor {
    ids: Vec<u64>,
    position: usize,
    page: u32,
}

struct Connection {
    shared: Arc<Shared>,
    number: u64,
    bound: Option<String>,
    cursors: BTreeMap<Vec<u8>, Cursor>,
    next_cookie: u64,
    reader: FramedRead<ReadHalf<TcpStream>, LdapCodec>,
    writer: FramedWrite<WriteHalf<TcpStream>, LdapCodec>,
}

/// One page of an answer, ready to be sent.
struct Page {
    entries: Vec<LdapSearchResultEntry>,
    code: LdapResultCode,
    matched: String,
    paging: Option<LdapControl>,
}

impl Page {
    fn failed(code: LdapResultCode) -> Self {
        Self {
            entries: Vec::new(),
            code,
            matched: String::new(),
            paging: None,
        }
    }
}

impl Page {
    /// Changes what is about to be sent.
    fn spoil(&mut self, fault: &Fault) {
        match fault {
            Fault::Code { code, after } => {
                (self.code, self.paging) = (code_of(*code), None);
                self.entries.truncate(*after);
            }
            Fault::Empty => {
                self.entries.clear();
                if let Some(LdapControl::SimplePagedResults { cookie, .. }) = &mut self.paging {
                    cookie.clear();
                }
            }
            Fault::HugeEntry { bytes } => {
                if let Some(entry) = self.entries.first_mut() {
                    entry.attributes.push(LdapPartialAttribute {
                        atype: "jpegPhoto".to_owned(),
                        vals: vec![vec![b'a'; *bytes]],
                    });
                }
            }
            _ => {}
        }
    }
}

fn result(code: LdapResultCode, message: &str) -> LdapResult {
    LdapResult {
        code,
        matcheddn: String::new(),
        message: message.to_owned(),
        referral: Vec::new(),
    }
}

impl Connection {
    async fn send(&mut self, id: i32, op: LdapOp, ctrl: Vec<LdapControl>) -> Result<(), Over> {
        Ok(self
            .writer
            .send(LdapMsg {
                msgid: id,
                op,
                ctrl,
            })
            .await?)
    }

    async fn answer(&mut self, message: LdapMsg) -> Result<(), Over> {
        let id = message.msgid;
        let unwilling = || {
            result(
                LdapResultCode::UnwillingToPerform,
                "the sandbox is changed by its controls",
            )
        };
        let op = match message.op {
            LdapOp::BindRequest(bind) => return self.bind(id, &bind).await,
            LdapOp::SearchRequest(search) => return self.search(id, &search, &message.ctrl).await,
            LdapOp::ExtendedRequest(request) => LdapOp::ExtendedResponse(self.extended(&request)),
            LdapOp::ModifyRequest(_) => LdapOp::ModifyResponse(unwilling()),
            LdapOp::AddRequest(_) => LdapOp::AddResponse(unwilling()),
            LdapOp::DelRequest(_) => LdapOp::DelResponse(unwilling()),
            LdapOp::ModifyDNRequest(_) => LdapOp::ModifyDNResponse(unwilling()),
            LdapOp::CompareRequest(_) => LdapOp::CompareResult(unwilling()),
            // Searches are answered in one go: there is nothing left to abandon.
            LdapOp::AbandonRequest(_) => return Ok(()),
            _ => return Err(Over),
        };
        self.send(id, op, Vec::new()).await
    }

    fn extended(&self, request: &LdapExtendedRequest) -> LdapExtendedResponse {
        if request.name == OID_WHOAMI {
            let who = self
                .bound
                .as_ref()
                .map_or_else(String::new, |dn| format!("dn:{dn}"));
            return LdapExtendedResponse::new_success(None, Some(&who));
        }
        LdapExtendedResponse {
            res: result(
                LdapResultCode::ProtocolError,
                "unsupported extended operation",
            ),
            name: None,
            value: None,
        }
    }

    fn judge(&self, bind: &LdapBindRequest) -> LdapResultCode {
        let password = match &bind.cred {
            _ if bind.version != 3 => return LdapResultCode::ProtocolError,
            LdapBindCred::Simple(password) => password,
            _ => return LdapResultCode::AuthMethodNotSupported,
        };
        if password.is_empty() {
            // A name without a password is the "unauthenticated" bind, which servers refuse.
            let anonymous = bind.dn.is_empty();
            return if anonymous {
                LdapResultCode::Success
            } else {
                LdapResultCode::UnwillingToPerform
            };
        }
        let right = normal(&bind.dn) == normal(&self.shared.bind_dn)
            && *password == *lock(&self.shared.password);
        if right {
            LdapResultCode::Success
        } else {
            LdapResultCode::InvalidCredentials
        }
    }

    async fn bind(&mut self, id: i32, bind: &LdapBindRequest) -> Result<(), Over> {
        let mut code = self.judge(bind);
        match self.shared.fault(On::Bind, 1, &bind.dn, "") {
            Some(Fault::Drop { .. }) => return Err(Over),
            Some(Fault::Hang { .. }) => return self.hang().await,
            Some(Fault::Disconnect { .. }) => return self.disconnect().await,
            Some(Fault::Code { code: wanted, .. }) => code = code_of(wanted),
            Some(Fault::Delay { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            _ => {}
        }
        let success = code == LdapResultCode::Success;
        self.bound = (success && !bind.dn.is_empty()).then(|| bind.dn.clone());
        let record = BindRecord {
            connection: self.number,
            dn: bind.dn.clone(),
            code: code.clone() as i64,
        };
        lock(&self.shared.log).bound(record);
        let res = result(code, "");
        self.send(
            id,
            LdapOp::BindResponse(LdapBindResponse {
                res,
                saslcreds: None,
            }),
            Vec::new(),
        )
        .await
    }

    /// Says nothing more, but notices when the client goes away.
    async fn hang(&mut self) -> Result<(), Over> {
        while let Some(Ok(_)) = self.reader.next().await {}
        Err(Over)
    }

    async fn disconnect(&mut self) -> Result<(), Over> {
        let notice = LdapExtendedResponse {
            res: result(LdapResultCode::Unavailable, "the sandbox is going away"),
            name: Some(OID_DISCONNECTION.to_owned()),
            value: None,
        };
        self.send(0, LdapOp::ExtendedResponse(notice), Vec::new())
            .await?;
        Err(Over)
    }

    async fn search(
        &mut self,
        id: i32,
        search: &LdapSearchRequest,
        controls: &[LdapControl],
    ) -> Result<(), Over> {
        let paging = controls.iter().find_map(|control| match control {
            LdapControl::SimplePagedResults { size, cookie } => Some((*size, cookie.clone())),
            _ => None,
        });
        let root = search.base.is_empty() && search.scope == LdapSearchScope::Base;
        let on = if root { On::RootDse } else { On::Search };
        let number = paging.as_ref().map_or(1, |(_, cookie)| {
            self.cursors.get(cookie).map_or(1, |cursor| cursor.page + 1)
        });
        let filter = filter::text(&search.filter);
        let fault = self.shared.fault(on, number, &search.base, &filter);
        let page = if controls.iter().any(is_unknown_and_critical) {
            Page::failed(LdapResultCode::UnavailableCriticalExtension)
        } else if root {
            self.root(search)
        } else {
            self.page(search, paging.clone(), fault.as_ref())
        };
        lock(&self.shared.log).searched(SearchRecord {
            number: 0,
            at: self.shared.clock.now(),
            connection: self.number,
            bound: self.bound.clone(),
            base: search.base.clone(),
            scope: scope_name(&search.scope).to_owned(),
            filter,
            attributes: search.attrs.clone(),
            page: number,
            page_size: paging.map(|(size, _)| size),
            entries: page.entries.len(),
            code: page.code.clone() as i64,
        });
        self.give(id, page, fault).await
    }

    /// Sends a page, as far as a fault lets it.
    async fn give(&mut self, id: i32, mut page: Page, fault: Option<Fault>) -> Result<(), Over> {
        let mut reference = None;
        let mut sent = usize::MAX;
        match &fault {
            Some(Fault::Drop { after } | Fault::Hang { after } | Fault::Disconnect { after }) => {
                sent = *after;
            }
            Some(Fault::Delay { ms }) => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Some(Fault::Referral { url }) => reference = Some(url.clone()),
            Some(fault) => page.spoil(fault),
            None => {}
        }
        for entry in std::mem::take(&mut page.entries).into_iter().take(sent) {
            let op = LdapOp::SearchResultEntry(entry);
            self.writer
                .feed(LdapMsg {
                    msgid: id,
                    op,
                    ctrl: Vec::new(),
                })
                .await?;
        }
        if let Some(url) = reference {
            let op = LdapOp::SearchResultReference(LdapSearchResultReference { uris: vec![url] });
            self.writer
                .feed(LdapMsg {
                    msgid: id,
                    op,
                    ctrl: Vec::new(),
                })
                .await?;
        }
        SinkExt::<LdapMsg>::flush(&mut self.writer).await?;
        match fault {
            Some(Fault::Drop { .. }) => return Err(Over),
            Some(Fault::Hang { .. }) => return self.hang().await,
            Some(Fault::Disconnect { .. }) => return self.disconnect().await,
            _ => {}
        }
        let mut done = result(page.code, "");
        done.matcheddn = page.matched;
        self.send(
            id,
            LdapOp::SearchResultDone(done),
            page.paging.into_iter().collect(),
        )
        .await
    }

    /// Reads the root entry, which everybody may.
    fn root(&self, search: &LdapSearchRequest) -> Page {
        let entry = self.shared.root();
        let seen = filter::matches(&search.filter, &entry);
        let entries = if seen {
            vec![render(&entry, search, &[], root_operational)]
        } else {
            vec![]
        };
        Page {
            entries,
            ..Page::failed(LdapResultCode::Success)
        }
    }

    fn page(
        &mut self,
        search: &LdapSearchRequest,
        paging: Option<(i64, Vec<u8>)>,
        fault: Option<&Fault>,
    ) -> Page {
        let shared = Arc::clone(&self.shared);
        let settings = lock(&shared.settings).clone();
        if self.bound.is_none() && !settings.allow_anonymous {
            return Page::failed(LdapResultCode::InsufficentAccessRights);
        }
        let tree = lock(&shared.tree);
        let (size, mut cursor) = match self.open_cursor(&tree, search, paging, fault) {
            Ok(opened) => opened,
            Err(page) => return page,
        };
        let (most, ignored) = match fault {
            Some(Fault::IgnorePaging { entries }) => (entries.unwrap_or(usize::MAX), true),
            _ => (page_size(size, settings.page_limit), size.is_none()),
        };
        let asked = usize::try_from(search.sizelimit)
            .ok()
            .filter(|limit| *limit > 0);
        let allowed = [settings.size_limit, asked].into_iter().flatten().min();
        let room = allowed.map_or(usize::MAX, |limit| limit.saturating_sub(cursor.position));
        let withheld: &[String] = match fault {
            Some(Fault::Withhold { attributes }) => attributes,
            _ => &[],
        };
        let end = cursor
            .position
            .saturating_add(most.min(room))
            .min(cursor.ids.len());
        let ids = cursor.ids.get(cursor.position..end).unwrap_or_default();
        let entries: Vec<_> = ids
            .iter()
            .filter_map(|id| tree.entries.get(id))
            .map(|entry| render(entry, search, withheld, is_operational))
            .collect();
        let more = end < cursor.ids.len();
        if more && most > room {
            return Page {
                entries,
                ..Page::failed(LdapResultCode::SizeLimitExceeded)
            };
        }
        let endless = fault == Some(&Fault::EndlessPaging);
        cursor.position = if endless && !more { 0 } else { end };
        // A page size of 0 with a cookie abandons the search.
        let goes_on = (more || endless) && size != Some(0);
        let paging = (!ignored).then(|| self.keep(goes_on.then_some(cursor)));
        Page {
            entries,
            paging,
            ..Page::failed(LdapResultCode::Success)
        }
    }

    /// Goes on with the search of a cookie, or begins one; the error is the answer.
    fn open_cursor(
        &mut self,
        tree: &Tree,
        search: &LdapSearchRequest,
        paging: Option<(i64, Vec<u8>)>,
        fault: Option<&Fault>,
    ) -> Result<(Option<i64>, Cursor), Page> {
        if let Some((size, cookie)) = &paging
            && !cookie.is_empty()
        {
            // Another connection's or an old one: slapd does not take it either.
            let refused = || Page::failed(LdapResultCode::UnwillingToPerform);
            let cursor = self.cursors.remove(cookie).ok_or_else(refused)?;
            return Ok((
                Some(*size),
                Cursor {
                    page: cursor.page + 1,
                    ..cursor
                },
            ));
        }
        match select(tree, search, fault) {
            Ok(ids) => Ok((
                paging.map(|(size, _)| size),
                Cursor {
                    ids,
                    position: 0,
                    page: 1,
                },
            )),
            Err(matched) => Err(Page {
                matched,
                ..Page::failed(LdapResultCode::NoSuchObject)
            }),
        }
    }

    /// Keeps what is left of a search and makes the control that tells of it.
    fn keep(&mut self, left: Option<Cursor>) -> LdapControl {
        let mut cookie = Vec::new();
        if let Some(cursor) = left {
            cookie = format!("{}-{}", self.number, self.next_cookie).into_bytes();
            self.next_cookie += 1;
            self.cursors.insert(cookie.clone(), cursor);
        }
        LdapControl::SimplePagedResults { size: 0, cookie }
    }
}

/// Returns how many entries a page may have.
fn page_size(asked: Option<i64>, limit: Option<usize>) -> usize {
    let Some(size) = asked else { return usize::MAX };
    let size = usize::try_from(size).unwrap_or(0);
    limit.map_or(size, |limit| size.min(limit))
}

fn is_unknown_and_critical(control: &LdapControl) -> bool {
    match control {
        LdapControl::SimplePagedResults { .. } => false,
        LdapControl::ManageDsaIT { .. } => false,
        LdapControl::Unknown { criticality, .. }
        | LdapControl::ShowDeleted { criticality }
        | LdapControl::ExtendedDn { criticality, .. }
        | LdapControl::SyncRequest { criticality, .. } => *criticality,
        _ => false,
    }
}

/// Returns what a search finds; the error is the nearest name that exists above a missing base.
fn select(
    tree: &Tree,
    search: &LdapSearchRequest,
    fault: Option<&Fault>,
) -> Result<Vec<u64>, String> {
    let base = normal(&search.base);
    let Some((base_id, base_entry)) = tree.get(&base) else {
        let mut above = parent(&base);
        while !above.is_empty() && tree.get(above).is_none() {
            above = parent(above);
        }
        return Err(above.to_owned());
    };
    let only_base = fault == Some(&Fault::OnlyBase);
    if search.scope == LdapSearchScope::Base || only_base {
        // Somebody without rights still sees that the base is there, whatever the filter says.
        let seen = only_base || filter::matches(&search.filter, base_entry);
        return Ok(if seen { vec![base_id] } else { Vec::new() });
    }
    let in_scope = |entry: &Entry| match search.scope {
        LdapSearchScope::OneLevel => parent(&entry.key) == base,
        LdapSearchScope::Children => entry.key != base && is_within(&entry.key, &base),
        _ => is_within(&entry.key, &base),
    };
    let found = tree
        .entries
        .iter()
        .filter(|(_, entry)| in_scope(entry) && filter::matches(&search.filter, entry));
    Ok(found.map(|(id, _)| *id).collect())
}

/// Makes of an entry what the search asked for.
fn render(
    entry: &Entry,
    search: &LdapSearchRequest,
    withheld: &[String],
    operational: impl Fn(&str) -> bool,
) -> LdapSearchResultEntry {
    let asked = |name: &str| {
        search
            .attrs
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(name))
    };
    let (every_user, every_operational) = (search.attrs.is_empty() || asked("*"), asked("+"));
    let attributes = entry
        .attributes
        .iter()
        .filter(|a| {
            !withheld
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&a.name))
        })
        .filter(|a| {
            let by_class = if operational(&a.name) {
                every_operational
            } else {
                every_user
            };
            by_class || asked(&a.name)
        })
        .map(|a| LdapPartialAttribute {
            atype: a.name.to_string(),
            vals: if search.typesonly {
                Vec::new()
            } else {
                a.values
                    .iter()
                    .map(|value| value.clone().into_bytes())
                    .collect()
            },
        })
        .collect();
    LdapSearchResultEntry {
        dn: entry.dn.clone(),
        attributes,
    }
}

/// In the root entry everything but the class is operational.
fn root_operational(name: &str) -> bool {
    !name.eq_ignore_ascii_case("objectClass")
}

impl Shared {
    /// Makes the root entry.
    pub(crate) fn root(&self) -> Entry {
        let base = lock(&self.tree).base.clone();
        let mut entry = Entry {
            dn: String::new(),
            key: String::new(),
            attributes: vec![
                attribute("objectClass", &["top"]),
                attribute("namingContexts", &[&base]),
                attribute("supportedControl", &[OID_PAGING, "2.16.840.1.113730.3.4.2"]),
                attribute("supportedExtension", &[OID_WHOAMI]),
                attribute("supportedLDAPVersion", &["3"]),
                attribute("vendorName", &["Exeunt sandbox"]),
                attribute("vendorVersion", &[env!("CARGO_PKG_VERSION")]),
                attribute("currentTime", &[&generalized(self.clock.claimed())]),
            ],
        };
        for (name, values) in lock(&self.root_changes).iter() {
            entry.set(name.clone(), values.clone());
        }
        entry
    }

    fn fault(&self, on: On, page: u32, base: &str, filter: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        faults
            .rules
            .iter_mut()
            .find_map(|(_, rule)| rule.hit(on, page, base, filter).then(|| rule.fault.clone()))
    }
}

fn code_of(number: u32) -> LdapResultCode {
    LdapResultCode::try_from(i64::from(number)).unwrap_or(LdapResultCode::Other)
}

fn scope_name(scope: &LdapSearchScope) -> &'static str {
    match scope {
        LdapSearchScope::Base => "base",
        LdapSearchScope::OneLevel => "one",
        LdapSearchScope::Subtree => "sub",
        LdapSearchScope::Children => "children",
    }
}
