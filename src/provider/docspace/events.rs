//! Walks over the login history and the audit trail: pure functions over JSON.
//!
//! The server pages before it filters, and it silently falls back to the last 20 events of the
//! whole portal where the tariff has no audit. So nothing is ever filtered on the server, and the
//! fallback is looked for before and after each walk.
//!
//! Several pages may be asked for at once, and nobody knows which of them the server read first: an
//! event that comes in between pushes the others down, and a page that was read before its newer
//! neighbour would leave a hole. So each page begins with the last events of the one before, and is
//! taken only if it has at least one event in common with what was taken already. Every page is an
//! unbroken piece of the log, and two such pieces that share an event are one without a hole. A
//! page that shares none is asked for once more, alone and after its neighbour: what came meanwhile
//! can then only repeat events, never skip them.

use std::collections::BTreeMap;
use std::collections::HashSet;

use serde_json::Value;

use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::provider::docspace::people;

/// How many events one page holds; the server's own maximum.
pub(super) const PAGE: usize = 100;
/// How many events of a page stand at the end of the one before too, if nothing happens in between.
const OVERLAP: usize = 5;
/// How far apart pages begin.
const STEP: u64 = (PAGE - OVERLAP) as u64;
/// How often in a row a page may share nothing with what was taken, or bring nothing new.
const MOST_VAIN: u64 = 3;
/// The longest retention that the server allows, in days; a larger number is not believed.
const MAX_RETENTION_DAYS: u64 = 180;
/// How far ids and dates may disagree about the order of two neighbours, in seconds: two servers
/// of one portal write with two clocks.
const SWAP_SECONDS: i64 = 60;
/// How many events at or below the watermark end a walk: more than one, since neighbours may have
/// changed places.
const BELOW_ENOUGH: usize = 10;

/// The events that are logins of the account itself.
const LOGIN_SUCCESS: [u64; 13] = [
    1000, 1001, 1007, 1010, 1011, 1012, 1015, 1019, 1021, 1024, 1027, 1028, 1029,
];
/// Attempts that failed: anybody can make them.
const LOGIN_FAILURE: [u64; 14] = [
    1002, 1003, 1004, 1005, 1008, 1009, 1013, 1014, 1018, 1020, 1022, 1023, 1025, 1026,
];
/// Logout, session started, session completed.
const LOGIN_OTHER: [u64; 3] = [1006, 1016, 1017];

/// What an event means for the account that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Activity,
    Nothing,
    /// A kind of login event that we do not know: it may be a new way to log in.
    Unknown,
}

fn meaning(signal: Signal, action: u64) -> Meaning {
    let failure = LOGIN_FAILURE.contains(&action);
    match signal {
        Signal::Audit if failure => Meaning::Nothing,
        Signal::Audit => Meaning::Activity,
        Signal::Login if LOGIN_SUCCESS.contains(&action) => Meaning::Activity,
        Signal::Login if failure || LOGIN_OTHER.contains(&action) => Meaning::Nothing,
        // the server numbers its kinds of login from 1000 on
        Signal::Login if (1000..1100).contains(&action) => Meaning::Unknown,
        Signal::Login | Signal::Seen => Meaning::Nothing,
    }
}

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The next page.
    More,
    /// This page once more, since it does not join what was taken: alone, from [`Walk::starts`].
    Again,
    /// The log ends here, or what comes is known from an earlier walk.
    Done,
}

/// One walk, from the newest event back.
#[derive(Debug)]
pub(super) struct Walk {
    signal: Signal,
    stop_at: Option<u64>,
    count_above: Option<u64>,
    ids: HashSet<u64>,
    newest_id: Option<u64>,
    last: Option<(u64, Time)>,
    oldest: Option<Time>,
    below: usize,
    reset: bool,
    gap: bool,
    offset: u64,
    misses: u64,
    idle: u64,
    /// Pages taken.
    pub(super) pages: u64,
    /// What was seen, by account id.
    pub(super) seen: BTreeMap<String, Sightings>,
}

/// How long the server keeps events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retention {
    /// In days, 1 to 180.
    pub(super) days: u64,
    /// When the setting was changed last, where the server says so.
    pub(super) changed: Option<Time>,
}

impl Walk {
    /// Begins a walk at `now` that may stop where `known` ends.
    ///
    /// With `retention` (days) unknown, or a pause since the last whole walk that is as long, the
    /// known events prove nothing about the time between, and the walk goes to the end of the log.
    pub(super) fn new(
        signal: Signal,
        known: Option<&SignalProof>,
        retention: Option<Retention>,
        now: Time,
    ) -> Self {
        let watermark = known.and_then(|k| k.watermark);
        let until = known.and_then(|k| k.until);
        let kept = retention.map_or(0, |r| i64::try_from(r.days).unwrap_or(0) * DAY_SECONDS);
        let gap = until.is_some_and(|u| now.seconds_since(u) >= kept);
        let continues = watermark.is_some() && until.is_some() && !gap;
        Self {
            signal,
            stop_at: watermark.filter(|_| continues),
            count_above: watermark,
            ids: HashSet::new(),
            newest_id: None,
            last: None,
            oldest: None,
            below: 0,
            reset: false,
            gap,
            offset: 0,
            misses: 0,
            idle: 0,
            pages: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Whether the walk goes to the end of the log, and not to where an earlier one began.
    pub(super) fn is_first(&self) -> bool {
        self.stop_at.is_none()
    }

    /// Events seen, each once.
    pub(super) fn events(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }

    /// Where the next pages begin, as many as are to be asked for at once.
    pub(super) fn starts(&self, count: usize) -> impl Iterator<Item = u64> + use<> {
        let from = self.offset;
        (0..)
            .map(move |n: u64| from.saturating_add(n.saturating_mul(STEP)))
            .take(count)
    }

    /// Takes the next page in order: one answer (the whole envelope, already judged to be a
    /// success), or says by a code why it ends the walk. Successes that came before the fault stay.
    pub(super) fn take(&mut self, body: &Value) -> Result<Next, &'static str> {
        self.pages += 1;
        let items = people::items(body).map_err(|_| "activity.unreadable")?;
        if items.len() > PAGE {
            return Err("activity.downgraded");
        }
        if self.pages == 1 {
            self.look_for_reset(items);
        }
        if !self.joins(items) {
            return self.ask_again();
        }
        self.misses = 0;
        let before = self.ids.len();
        for item in items {
            self.event(item)?;
        }
        if items.len() < PAGE || (self.stop_at.is_some() && self.below >= BELOW_ENOUGH) {
            return Ok(Next::Done);
        }
        self.idle = match self.ids.len() == before {
            true => self.idle + 1,
            false => 0,
        };
        if self.idle > MOST_VAIN {
            // hundreds of new events between requests, or a server that ignores the offset
            return Err("activity.stuck");
        }
        self.offset = self.offset.saturating_add(STEP);
        Ok(Next::More)
    }

    /// Whether a page shares an event with what was taken: then nothing lies between them. An empty
    /// page is the end of the log, wherever it was asked for; one that cannot be read is looked at,
    /// to say so.
    fn joins(&self, items: &[Value]) -> bool {
        let known = |item: &Value| match people::unsigned(item, "id") {
            Some(id) => self.ids.contains(&id),
            None => true,
        };
        self.ids.is_empty() || items.is_empty() || items.iter().any(known)
    }

    /// The first time, new events have come between two pages that were asked for at once. Later,
    /// events above have gone: the page begins half a page earlier.
    fn ask_again(&mut self) -> Result<Next, &'static str> {
        self.misses += 1;
        if self.misses > MOST_VAIN {
            return Err("activity.cut");
        }
        if self.misses > 1 {
            self.offset = self.offset.saturating_sub(PAGE as u64 / 2);
        }
        Ok(Next::Again)
    }

    /// Takes the successes of an answer that proves nothing: they still keep people from being
    /// taken for silent.
    pub(super) fn take_successes(&mut self, body: &Value) {
        for item in people::items(body).map(Vec::as_slice).unwrap_or_default() {
            // what cannot be read shows no success, and the walk is given up already
            let _ = self.event(item);
        }
    }

    /// Ids only grow; a newest one below the watermark is another log than the one that we knew.
    fn look_for_reset(&mut self, items: &[Value]) {
        let newest = items.iter().filter_map(|i| people::unsigned(i, "id")).max();
        self.reset = match (self.count_above, newest) {
            (Some(watermark), Some(newest)) => newest < watermark,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if self.reset {
            self.stop_at = None;
            self.count_above = None;
        }
    }

    fn event(&mut self, item: &Value) -> Result<(), &'static str> {
        let unreadable = "activity.unreadable";
        let id = people::unsigned(item, "id").ok_or(unreadable)?;
        let date = item
            .get("date")
            .and_then(Value::as_str)
            .and_then(Time::parse)
            .ok_or(unreadable)?;
        let action = people::unsigned(item, "actionId").ok_or(unreadable)?;
        // new events push old ones down: they come twice, never not at all
        if !self.ids.insert(id) {
            return Ok(());
        }
        let meaning = meaning(self.signal, action);
        if meaning == Meaning::Activity {
            let account = people::id(item, "userId").ok_or(unreadable)?;
            self.saw(account, id, date);
        }
        if let Some((last_id, last_date)) = self.last {
            let rises = id > last_id && last_date.seconds_since(date) > SWAP_SECONDS;
            let returns = date.seconds_since(last_date) > SWAP_SECONDS;
            if rises || returns {
                return Err("activity.disordered");
            }
        }
        self.last = Some((id, date));
        self.newest_id = self.newest_id.max(Some(id));
        self.oldest = Some(self.oldest.map_or(date, |o| o.min(date)));
        if self.stop_at.is_some_and(|watermark| id <= watermark) {
            self.below += 1;
        }
        if meaning == Meaning::Unknown {
            return Err("activity.unknown-action");
        }
        Ok(())
    }

    fn saw(&mut self, account: String, id: u64, date: Time) {
        let sightings = self.seen.entry(account).or_default();
        sightings.newest = sightings.newest.max(Some(date));
        if self.count_above.is_none_or(|watermark| id > watermark) {
            *sightings.days.entry(date.day()).or_default() += 1;
        }
    }

    /// Ends the walk with what it proves.
    ///
    /// `outcome` is the code of what went wrong on the way, if anything did; what was known before
    /// is then left as it is.
    pub(super) fn finish(
        mut self,
        outcome: Result<(), String>,
        known: Option<&SignalProof>,
        retention: Option<Retention>,
        precision_s: Option<u64>,
        now: Time,
    ) -> (SignalProof, BTreeMap<String, Sightings>) {
        let mut proof = SignalProof {
            signal: self.signal,
            complete: false,
            fault: None,
            horizon: known.and_then(|k| k.horizon),
            until: known.and_then(|k| k.until),
            precision_s,
            watermark: known.and_then(|k| k.watermark),
            pages: self.pages,
            events: self.events(),
        };
        let whole = outcome.and_then(|()| {
            if self.events() < 2 {
                // a portal without history and one that hides it look the same
                return Err("activity.ambiguous".to_owned());
            }
            retention.ok_or_else(|| "activity.retention-unreadable".to_owned())
        });
        match whole {
            Err(code) => {
                proof.fault = Some(code);
                for sightings in self.seen.values_mut() {
                    sightings.days.clear();
                }
            }
            Ok(retention) => {
                let continues = self.stop_at.is_some() && self.below > 0;
                let kept = known.and_then(|k| k.horizon).filter(|_| continues);
                proof.complete = true;
                proof.horizon = Some(kept.unwrap_or_else(|| self.fresh_horizon(retention, now)));
                proof.until = Some(now);
                proof.watermark = self.newest_id;
                proof.fault = self.note(known, continues);
            }
        }
        (proof, self.seen)
    }

    /// What the tenant still remembers. Where the retention was changed within that time, what was
    /// there before may have been cleared under a shorter one: before the change, only the time
    /// from the oldest event on is certain, since clearing begins with the oldest.
    fn fresh_horizon(&self, retention: Retention, now: Time) -> Time {
        let days = i64::try_from(retention.days).unwrap_or(1);
        let remembered = now.plus_days(days.saturating_neg());
        match retention.changed {
            Some(changed) if changed > remembered => {
                let certain = self.oldest.map_or(changed, |o| o.min(changed));
                remembered.max(certain)
            }
            _ => remembered,
        }
    }

    fn note(&self, known: Option<&SignalProof>, continues: bool) -> Option<String> {
        known.and_then(|k| k.horizon)?;
        if self.reset {
            Some("activity.log-reset".to_owned())
        } else if self.gap || !continues {
            Some("activity.gap".to_owned())
        } else {
            None
        }
    }
}

/// How many events came back where one was asked for; more than one is the fallback, which ignores
/// what it is asked.
pub(super) fn probe(body: &Value) -> Result<(), &'static str> {
    match people::items(body)
        .map_err(|_| "activity.unreadable")?
        .len()
    {
        0 | 1 => Ok(()),
        _ => Err("activity.downgraded"),
    }
}

/// The retention of a signal, from `security/audit/settings/lifetime`.
pub(super) fn retention(signal: Signal, body: &Value) -> Option<Retention> {
    let field = match signal {
        Signal::Login => "loginHistoryLifeTime",
        Signal::Audit => "auditTrailLifeTime",
        Signal::Seen => return None,
    };
    let response = body.get("response")?;
    let days = people::unsigned(response, field)?;
    if days == 0 {
        return None;
    }
    let changed = match response.get("lastModified") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_str().and_then(setting_time)?),
    };
    Some(Retention {
        days: days.min(MAX_RETENTION_DAYS),
        changed,
    })
}

/// A moment in a setting: .NET leaves the offset out where it keeps none, such as in the year 1
/// that stands for "never".
fn setting_time(text: &str) -> Option<Time> {
    Time::parse(text).or_else(|| Time::parse(&format!("{text}Z")))
}

/// How long a session lasts, in seconds, from `settings/cookiesettings`.
///
/// `None` where it is not bounded by the setting: switched off, a session is honoured for a year;
/// switched on with 0, it never ends.
pub(super) fn session_seconds(body: &Value) -> Option<u64> {
    let response = body.get("response")?;
    let enabled = response.get("enabled")?.as_bool()?;
    let minutes = people::unsigned(response, "lifeTime")?;
    (enabled && minutes > 0).then(|| minutes.saturating_mul(60))
}
