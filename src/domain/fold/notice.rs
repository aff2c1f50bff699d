//! Folds what became of warnings.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::pair_key;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::id::Subject;
use crate::domain::rows::Kind;
use crate::domain::rows::NoticeMark;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::ProceedMark;

pub(super) fn sent<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(sent), Some(sub)) = (entry.payload::<event::NoticeSent>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let mut body = before(rows, sub, &sent.policy)?;
    body.sent.push(NoticeMark {
        seq: entry.seq,
        at: entry.rec,
        days: sent.days,
        acts_at: sent.acts_at,
        state: sent.state,
        mail: sent.message,
        bounced: None,
        reason: None,
    });
    Ok(changed(&body))
}

pub(super) fn bounced<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(bounced), Some(sub)) = (entry.payload::<event::NoticeBounced>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let mut body = before(rows, sub, &bounced.policy)?;
    let mail = Some(&bounced.message);
    let known = body.sent.iter_mut().rev();
    match known.into_iter().find(|m| m.mail.as_ref() == mail) {
        Some(mark) => {
            mark.state = "bounced".to_owned();
            mark.bounced = Some(entry.seq);
            mark.reason = Some(bounced.reason);
        }
        // refused at once, so that it never was sent
        None => body.sent.push(NoticeMark {
            seq: entry.seq,
            at: entry.rec,
            days: bounced.days,
            acts_at: bounced.acts_at,
            state: "bounced".to_owned(),
            mail: Some(bounced.message),
            bounced: Some(entry.seq),
            reason: Some(bounced.reason),
        }),
    }
    Ok(changed(&body))
}

pub(super) fn delivered<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(delivered), Some(sub)) = (entry.payload::<event::NoticeDelivered>(), &entry.sub)
    else {
        return Ok(Vec::new());
    };
    let mut body = before(rows, sub, &delivered.policy)?;
    let marks = body.sent.iter_mut();
    // a report that it did not arrive weighs more than one that it did
    for mark in marks.filter(|m| m.bounced.is_none() && m.mail.as_ref() == Some(&delivered.message))
    {
        mark.state = "delivered".to_owned();
    }
    Ok(changed(&body))
}

pub(super) fn proceeded<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(said), Some(sub)) = (entry.payload::<event::NoticeProceeded>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let mut body = before(rows, sub, &said.policy)?;
    body.proceeded = Some(ProceedMark {
        seq: entry.seq,
        at: entry.rec,
        again: said.how == "again",
    });
    Ok(changed(&body))
}

fn before<R: ReadRows>(rows: &R, sub: &Subject, policy: &str) -> Result<NoticeRow, R::Error> {
    let found = row::<NoticeRow, R>(rows, Kind::Notice, &pair_key(sub, policy))?;
    Ok(found.unwrap_or_else(|| NoticeRow {
        account: sub.clone(),
        policy: policy.to_owned(),
        sent: Vec::new(),
        proceeded: None,
    }))
}

fn changed(body: &NoticeRow) -> Vec<Change> {
    vec![set(
        Kind::Notice,
        pair_key(&body.account, &body.policy),
        body,
    )]
}
