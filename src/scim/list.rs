//! The list of users, page by page, and when it is whole (RFC 7644, 3.4.2.4; RFC 9865).
//!
//! The first page is asked for without a place, so that the server's own way of paging shows:
//! cursors, or positions from 1, or (against the RFC) from 0. A named total is not believed alone:
//! some servers name the length of the page. One more user is asked for where the list should end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::http::Page;
use crate::http::Payload;
use crate::http::Request;
use crate::http::listing::Fault;
use crate::http::listing::Listed;
use crate::http::listing::Listing;
use crate::http::listing::sha256;
use crate::scim::features::Features;
use crate::scim::wire;

/// How many users a page is asked for; servers give fewer if they like.
const PAGE: u64 = 500;

/// What is asked for where a server refuses that.
const SMALL_PAGE: u64 = 100;

/// Where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// At the beginning, by the server's own way.
    Start,
    /// After what has come.
    Position,
    /// At a cursor; the empty one is the beginning.
    Cursor(String),
}

/// What to do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for the next page.
    On,
    /// The list is whole.
    Done,
    /// The answer is no list, and says nothing that can be gone on with.
    Failed,
}

/// One walk through the list.
#[derive(Debug)]
pub struct Walk<R> {
    /// What has come so far.
    pub listing: Listing<R>,
    place: Place,
    size: u64,
    /// Whether each page begins at the last user of the one before: servers that count from 0 and
    /// do not say so skip nobody then.
    overlap: bool,
    /// The number of the first user.
    first: u64,
    /// Everybody whom the total names has come; one more is asked for.
    probing: bool,
    /// The server is known to page by cursors: no next one means the end.
    by_cursor: bool,
    /// A digest of the users of the first page.
    opening: Option<String>,
    /// Digests of the cursors that were named.
    cursors: BTreeSet<String>,
}

impl<R: Listed> Walk<R> {
    /// Begins a walk; `overlap` says whether each page begins at the last user of the one before.
    pub fn new(features: Features, overlap: bool) -> Self {
        let place = match features.cursor {
            true => Place::Cursor(String::new()),
            false => Place::Start,
        };
        Self {
            listing: Listing::default(),
            place,
            size: features.page.map_or(PAGE, |most| most.min(PAGE)),
            overlap,
            first: u64::from(!overlap),
            probing: false,
            by_cursor: features.cursor,
            opening: None,
            cursors: BTreeSet::new(),
        }
    }

    /// The request for the next page.
    pub fn request(&self) -> Request {
        let size = match self.probing {
            true if self.overlap => 2,
            true => 1,
            false => self.size,
        };
        let request = Request::get("Users").query("count", size.to_string());
        match &self.place {
            Place::Start => request,
            Place::Position => {
                let came = match self.overlap {
                    true => self.listing.distinct(),
                    false => self.listing.received,
                };
                let position = self.first.saturating_add(came);
                request.query("startIndex", position.to_string())
            }
            Place::Cursor(cursor) => request.query("cursor", cursor.as_str()),
        }
    }

    /// Takes an answer; `record` reads one user.
    pub fn take(
        &mut self,
        answer: &Page,
        record: &dyn Fn(&Value) -> Result<R, Fault>,
    ) -> Result<Step, Fault> {
        match (answer.status, &answer.payload) {
            (200, Payload::Json(body)) => self.take_page(body, record),
            (501, _) => self.refused(501),
            (status @ (400 | 404), Payload::Json(body)) if wire::is_error(body) => {
                self.refused(status)
            }
            _ => Ok(Step::Failed),
        }
    }

    /// The server says that it has no page like that.
    fn refused(&mut self, status: u16) -> Result<Step, Fault> {
        let first = self.listing.pages == 0;
        match &self.place {
            Place::Cursor(cursor) if !cursor.is_empty() => {
                let detail = format!("the server lost the place in the list (HTTP {status})");
                Err(Fault::NotWhole("read.moved", detail))
            }
            // as many as were named have come: past them there is nothing
            Place::Position if self.probing => Ok(Step::Done),
            Place::Start if status == 400 && self.size > SMALL_PAGE => {
                self.size = SMALL_PAGE;
                Ok(Step::On)
            }
            Place::Start | Place::Position if first || self.listing.pages == 1 => {
                // positions are not taken: from the beginning by cursors
                self.listing = Listing::default();
                self.place = Place::Cursor(String::new());
                self.by_cursor = status == 501;
                Ok(Step::On)
            }
            _ => Ok(Step::Failed),
        }
    }

    fn take_page(
        &mut self,
        body: &Value,
        record: &dyn Fn(&Value) -> Result<R, Fault>,
    ) -> Result<Step, Fault> {
        let page = wire::page(body)?;
        if self.listing.pages == 0 && page.start == Some(0) && !page.users.is_empty() {
            self.first = 0;
        }
        let before = self.listing.distinct();
        let beyond = page.users.is_empty() && self.place == Place::Position;
        if let Some(total) = page.total.filter(|total| !(beyond && *total == 0)) {
            self.listing.state_total(total)?;
        }
        let records = page.users.iter().map(record);
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<_> = records.iter().map(|r| r.id()).collect();
        let these = sha256(&ids);
        let again = *self.opening.get_or_insert_with(|| these.clone()) == these;
        self.listing.take(records)?;
        let news = self.listing.distinct() > before;
        if let Some(next) = page.next {
            return self.follow(next, news || page.users.is_empty());
        }
        match self.place {
            Place::Cursor(_) => self.last_by_cursor(),
            _ => self.by_position(news, again, page.users.is_empty()),
        }
    }

    fn follow(&mut self, next: String, moves: bool) -> Result<Step, Fault> {
        if !moves || !self.cursors.insert(sha256(&[&next])) {
            return Err(ignored("the server gives the same page again"));
        }
        self.by_cursor = true;
        self.place = Place::Cursor(next);
        Ok(Step::On)
    }

    fn last_by_cursor(&self) -> Result<Step, Fault> {
        if self.listing.total().is_none() && !self.by_cursor {
            let detail = "there is neither a total nor a cursor".to_owned();
            return Err(Fault::NotWhole("read.no-total", detail));
        }
        self.listing.whole()?;
        Ok(Step::Done)
    }

    fn by_position(&mut self, news: bool, again: bool, empty: bool) -> Result<Step, Fault> {
        let everybody = self.listing.total() == Some(self.listing.distinct());
        let named = self.listing.total().is_some();
        if everybody && (self.probing || empty) || empty && !named {
            return Ok(Step::Done);
        }
        if !news && !empty && again {
            return Err(ignored("the first page came again"));
        }
        let over = self.listing.total() < Some(self.listing.distinct());
        if named && (!news || over || self.probing) {
            self.listing.whole()?;
        }
        if !news {
            return Err(ignored("a page has only users who came before"));
        }
        self.probing = everybody;
        self.place = Place::Position;
        Ok(Step::On)
    }
}

fn ignored(detail: &str) -> Fault {
    Fault::NotWhole("read.paging-ignored", detail.to_owned())
}
