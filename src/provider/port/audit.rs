//! A walk over the audit log: pure functions over JSON.
//!
//! The log has no cursor: each page asks for what is not later than the oldest event so far, so its
//! first events are those of that millisecond again. An answer that is not ordered from the newest
//! back, or ignores what it is asked, ends the walk; what was seen until then stays seen.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use chrono::SecondsFormat;
use serde_json::Value;

use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::provider::json;
use crate::provider::port::people::Ids;
use crate::provider::port::people::lower;

/// How many events one page asks for; Port states no maximum and may send fewer.
pub(super) const PAGE: usize = 1000;
/// How long Port keeps events, in days.
pub(super) const RETENTION_DAYS: i64 = 365;
/// How far a walk goes back behind the newest event that is known: some are written late.
const OVERLAP_S: i64 = 3600;
/// How far Port's clock may be ahead of ours, so that its newest events are not cut off.
const AHEAD_S: i64 = 900;
/// A page of so many events that are all known already is a full one, not the end of the log.
const SMALLEST_FULL_PAGE: usize = 10;
const MILLISECOND: i64 = 1000;

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another page, up to [`Walk::to`].
    More,
    /// The log ends here, or what comes is known from an earlier walk.
    Done,
}

/// One walk, from the newest event back.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    ids: &'a Ids,
    /// Up to when the next page reaches, and from when.
    pub(super) to: Time,
    pub(super) from: Time,
    now: Time,
    /// The newest event of the last whole walk, if this one goes on from there.
    watermark: Option<Time>,
    reached: bool,
    newest: Option<Time>,
    last: Option<Time>,
    /// The identifiers of the events in the oldest millisecond so far.
    edge: BTreeSet<String>,
    largest: usize,
    pub(super) pages: u64,
    pub(super) events: u64,
    pub(super) seen: BTreeMap<String, Sightings>,
}

struct Event<'a> {
    id: &'a str,
    at: Time,
    who: Option<&'a Value>,
    failed: bool,
}

impl<'a> Walk<'a> {
    /// Begins a walk that may stop where `known` ends, if Port still has what came after that.
    pub(super) fn new(ids: &'a Ids, known: Option<&SignalProof>, now: Time) -> Self {
        let oldest = now.plus_days(-RETENTION_DAYS);
        let mark = known.filter(|k| k.horizon.is_some() && k.until.is_some_and(|u| u > oldest));
        let mark = mark.and_then(|k| i64::try_from(k.watermark?).ok());
        let watermark = mark.map(Time::from_micros).filter(|at| *at > oldest);
        let overlap = |at: Time| at.plus_seconds(-OVERLAP_S).max(oldest);
        Self {
            ids,
            to: now.plus_seconds(AHEAD_S),
            from: watermark.map_or(oldest, overlap),
            now,
            watermark,
            reached: false,
            newest: None,
            last: None,
            edge: BTreeSet::new(),
            largest: 0,
            pages: 0,
            events: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Whether the log does not have the event any more at which the last walk began.
    pub(super) fn lost_its_mark(&self) -> bool {
        self.watermark.is_some() && !self.reached
    }

    /// Takes one answer (already judged to be a success), or says by a code why it ends the walk.
    /// Successes that came before the fault stay.
    pub(super) fn take(&mut self, body: &Value) -> Result<Next, &'static str> {
        self.pages += 1;
        let items = json::list(body, "audits").map_err(|_| "activity.unreadable")?;
        let events: Vec<_> = items
            .iter()
            .map(event)
            .collect::<Option<_>>()
            .ok_or_else(|| {
                self.take_what_can_be_read(items);
                "activity.unreadable"
            })?;
        let mut edge = std::mem::take(&mut self.edge);
        let mut fresh = 0_usize;
        for event in &events {
            if event.at > self.to {
                return Err("activity.stuck");
            }
            if edge.contains(event.id) {
                continue;
            }
            if self.last.is_some_and(|last| event.at > last) {
                return Err("activity.disordered");
            }
            if self
                .last
                .is_none_or(|last| millisecond(event.at) < millisecond(last))
            {
                edge.clear();
            }
            edge.insert(event.id.to_owned());
            self.last = Some(event.at);
            self.saw(event);
            fresh += 1;
        }
        self.edge = edge;
        let largest = self.largest;
        self.largest = largest.max(events.len());
        match (fresh, self.last) {
            (0, _) if events.len() >= SMALLEST_FULL_PAGE && events.len() >= largest => {
                // more events in one millisecond than a page holds, or always the same page
                Err("activity.stuck")
            }
            (0, _) | (_, None) => Ok(Next::Done),
            (_, Some(last)) => {
                let edge = millisecond(last)
                    .saturating_add(1)
                    .saturating_mul(MILLISECOND);
                self.to = Time::from_micros(edge);
                Ok(Next::More)
            }
        }
    }

    /// What proves nothing still keeps people from being taken for silent.
    fn take_what_can_be_read(&mut self, items: &[Value]) {
        for event in items.iter().filter_map(event) {
            if !self.edge.contains(event.id) {
                self.saw(&event);
            }
        }
    }

    fn saw(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.newest = self.newest.max(Some(event.at));
        self.reached |= self.watermark.is_some_and(|mark| event.at <= mark);
        let Some(account) = event.who.and_then(|by| account(self.ids, by)) else {
            return;
        };
        if event.failed {
            return;
        }
        let sightings = self.seen.entry(account.to_owned()).or_default();
        sightings.newest = sightings.newest.max(Some(event.at));
        if self.watermark.is_none_or(|mark| event.at > mark) {
            *sightings.days.entry(event.at.day()).or_default() += 1;
        }
    }

    /// Ends the walk with what it proves; `outcome` is the code of what went wrong, if anything.
    pub(super) fn finish(
        mut self,
        outcome: Result<(), String>,
        known: Option<&SignalProof>,
    ) -> (SignalProof, BTreeMap<String, Sightings>) {
        let mut proof = SignalProof {
            signal: Signal::Audit,
            complete: false,
            fault: None,
            horizon: known.and_then(|k| k.horizon),
            until: known.and_then(|k| k.until),
            precision_s: u64::try_from(DAY_SECONDS).ok(),
            watermark: known.and_then(|k| k.watermark),
            pages: self.pages,
            events: self.events,
        };
        if let Err(code) = outcome {
            proof.fault = Some(code);
            for sightings in self.seen.values_mut() {
                sightings.days.clear();
            }
            return (proof, self.seen);
        }
        let kept = proof.horizon.filter(|_| self.watermark.is_some());
        if kept.is_none() && proof.horizon.is_some() && proof.watermark.is_some() {
            proof.fault = Some("activity.gap".to_owned());
        }
        proof.complete = true;
        proof.horizon = kept.or_else(|| Some(self.now.plus_days(-RETENTION_DAYS)));
        proof.until = Some(self.now);
        let newest = self.newest.and_then(|at| u64::try_from(at.micros()).ok());
        proof.watermark = proof.watermark.max(newest);
        (proof, self.seen)
    }
}

/// A moment as the log takes it: `2022-04-23T18:25:43.511Z`.
pub(super) fn moment(at: Time) -> String {
    at.chrono().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn millisecond(at: Time) -> i64 {
    at.micros().div_euclid(MILLISECOND)
}

fn event(item: &Value) -> Option<Event<'_>> {
    let trigger = item.get("trigger")?;
    Some(Event {
        id: item.get("identifier")?.as_str()?,
        at: Time::parse(trigger.get("at")?.as_str()?)?,
        who: trigger.get("by"),
        failed: item.get("status").and_then(Value::as_str) == Some("FAILURE"),
    })
}

/// The account of whoever did something: by its id, else by its address.
fn account<'i>(ids: &'i Ids, by: &Value) -> Option<&'i str> {
    let user = by.get("user");
    let names = [
        by.get("userId"),
        user.and_then(|u| u.get("id")),
        user.and_then(|u| u.get("email")),
    ];
    let mut names = names.into_iter().flatten().filter_map(Value::as_str);
    names.find_map(|name| ids.get(&lower(name)).map(String::as_str))
}
