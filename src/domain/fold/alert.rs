//! Runs, and what operators were told, as rows.

use crate::domain::alert::AlertKind;
use crate::domain::alert::Told;
use crate::domain::alert::alert_key;
use crate::domain::code::Code;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::rows::ChannelRow;
use crate::domain::rows::Failing;
use crate::domain::rows::Gap;
use crate::domain::rows::Kind;
use crate::domain::rows::MOST_GAPS;
use crate::domain::rows::Mark;
use crate::domain::rows::RunEnd;
use crate::domain::rows::RunsRow;
use crate::domain::rows::ToldMark;

/// The one row about runs.
pub const RUNS: &str = "run";

/// For how many days a channel is known to have been told of a gap.
const GAP_DAYS: i64 = 30;

/// A run began. One that promises no cadence takes the promise back.
pub(super) fn run_started<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let started = entry.payload::<event::RunStarted>();
    let Some(started) = started.filter(|started| started.command == "run") else {
        return Ok(Vec::new());
    };
    let before = row::<RunsRow, R>(rows, Kind::Runs, RUNS)?;
    let Some(every_hours) = started.every_hours else {
        let gone = before.map(|_| Change {
            kind: Kind::Runs,
            key: RUNS.to_owned(),
            body: None,
        });
        return Ok(gone.into_iter().collect());
    };
    let mark = Mark {
        seq: entry.seq,
        since: entry.rec,
    };
    let mut body = before.unwrap_or_else(|| RunsRow {
        first: mark.clone(),
        every_hours,
        run: entry.run.clone(),
        started: mark.clone(),
        finished: None,
        gaps: Vec::new(),
    });
    if let Some(end) = body.finished.as_ref().filter(|end| entry.rec > end.until()) {
        // a run that broke off has not ended the gap before it
        body.gaps.retain(|gap| gap.from != end.at);
        body.gaps.push(Gap {
            from: end.at,
            to: entry.rec,
            every_hours: end.every_hours,
            seq: entry.seq,
        });
        let many = body.gaps.len().saturating_sub(MOST_GAPS);
        body.gaps.drain(..many);
    }
    body.every_hours = every_hours;
    body.run = entry.run.clone();
    body.started = mark;
    Ok(vec![set(Kind::Runs, RUNS, &body)])
}

/// A run came to its end.
pub(super) fn run_finished<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(finished) = entry.payload::<event::RunFinished>() else {
        return Ok(Vec::new());
    };
    let body = row::<RunsRow, R>(rows, Kind::Runs, RUNS)?;
    let Some(mut body) = body.filter(|body| body.run == entry.run) else {
        return Ok(Vec::new());
    };
    body.finished = Some(RunEnd {
        seq: entry.seq,
        at: entry.rec,
        exit: finished.exit,
        every_hours: body.every_hours,
    });
    Ok(vec![set(Kind::Runs, RUNS, &body)])
}

fn channel<R: ReadRows>(rows: &R, name: &str) -> Result<ChannelRow, R::Error> {
    let known = row::<ChannelRow, R>(rows, Kind::Channel, name)?;
    Ok(known.unwrap_or_else(|| ChannelRow {
        channel: name.to_owned(),
        told: Default::default(),
        accepted: None,
        failing: None,
        summary: None,
    }))
}

/// Notes whether a channel took a message.
fn noted(body: &mut ChannelRow, entry: &Entry, because: Option<Code>) -> bool {
    let Some(because) = because else {
        body.accepted = Some(Mark {
            seq: entry.seq,
            since: entry.rec,
        });
        body.failing = None;
        return true;
    };
    let first = body.failing.take();
    body.failing = Some(Failing {
        seq: first.as_ref().map_or(entry.seq, |f| f.seq),
        since: first.map_or(entry.rec, |f| f.since),
        last: entry.rec,
        because,
    });
    false
}

pub(super) fn alert_sent<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(sent) = entry.payload::<event::AlertSent>() else {
        return Ok(Vec::new());
    };
    let mut body = channel(rows, &sent.channel)?;
    if noted(&mut body, entry, sent.because) {
        let old = entry.rec.plus_days(-GAP_DAYS);
        body.told
            .retain(|_, mark| mark.kind != AlertKind::RunMissing || mark.at > old);
        for alert in sent.alerts {
            let key = alert_key(alert.kind, &alert.about);
            if alert.word == Told::Over {
                body.told.remove(&key);
                continue;
            }
            let mark = ToldMark {
                kind: alert.kind,
                about: alert.about,
                seq: entry.seq,
                at: entry.rec,
                state: alert.state,
                newest: alert.newest,
            };
            body.told.insert(key, mark);
        }
    }
    Ok(vec![set(Kind::Channel, &sent.channel, &body)])
}

pub(super) fn summary_sent<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(sent) = entry.payload::<event::SummarySent>() else {
        return Ok(Vec::new());
    };
    let mut body = channel(rows, &sent.channel)?;
    if noted(&mut body, entry, sent.because) {
        body.summary = Some(Mark {
            seq: entry.seq,
            since: entry.rec,
        });
    }
    Ok(vec![set(Kind::Channel, &sent.channel, &body)])
}
