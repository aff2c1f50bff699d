//! A process that runs, dies, or meets another one.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use exeunt::crash;
use exeunt::engine::Engine;
use exeunt::engine::EngineError;
use exeunt::engine::actuate::Taken;
use exeunt::ledger::LedgerError;

use crate::driver::Ran;
use crate::script::Word;
use crate::shared::Shared;
use crate::words::Speaker;

/// What another process does while one acts: it may read, may say something, and may not act.
pub(crate) fn other_process(
    engine: &Engine,
    shared: &Shared,
    word: Option<&Word>,
) -> Result<(), String> {
    match engine.ledger.claim_lease() {
        Err(LedgerError::Busy { .. }) => {}
        Err(error) => return Err(format!("a second process: {error}")),
        Ok(_) => return Err("a second process may act beside the first".to_owned()),
    }
    let read = async {
        let run = engine.start("sync", engine.service()?, None)?;
        engine.sync(&run, &[]).await?;
        engine.finish(&run, 0)
    };
    let mut read = pin!(read);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(done) = read.as_mut().poll(&mut context) {
            done.map_err(|e| format!("a second process cannot read: {e}"))?;
            return word.map_or(Ok(()), |word| Speaker { engine, shared }.say(word));
        }
    }
    Err("a second process does not come to its end".to_owned())
}

/// Polls to the end; nothing if the process was killed on the way.
pub(crate) fn drive<F: Future>(
    shared: &Shared,
    future: F,
    meanwhile: &mut dyn FnMut(),
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
            Ok(Poll::Ready(done)) => return Some(done),
            Ok(Poll::Pending) if shared.world().killed => return None,
            Ok(Poll::Pending) => meanwhile(),
            Err(payload) if payload.is::<crash::Killed>() => return None,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
}

/// Tells on demand what happens, to find out why something does not hold.
pub(crate) fn trace(tick: u64, line: impl FnOnce() -> String) {
    if std::env::var_os("EXEUNT_TRACE").is_some() {
        eprintln!("tick {tick}: {}", line());
    }
}

/// The same calls in the same order as `cli::run`.
pub(crate) async fn run_once(engine: &Engine) -> Result<Ran, EngineError> {
    let claim = engine.ledger.claim_lease()?;
    let compared = engine.compare_clocks(&[]).await?;
    let lease = engine.ledger.take_over(claim, &engine.service()?)?;
    let run = engine.start("run", engine.service()?, Some(&lease))?;
    engine.ledger.sweep(&lease)?;
    engine.settle(&run).await?;
    let synced = engine.sync(&run, &[]).await?;
    let adoption = engine.adopt_policy(&run)?;
    engine.follow_withdrawals(&run, &BTreeSet::new())?;
    let judged = engine.decide_all(&run, None)?;
    engine.warn(&run, &judged, false).await?;
    engine.plan(&run, judged, None)?;
    for plan in engine.open_plans(run.now)? {
        let (_, approved) = engine.approvals(&plan)?;
        if approved && compared.outside > 0 {
            let mut told = |taken: &Taken| {
                trace(0, || {
                    format!(
                        "{:?} {:?}: {:?}",
                        taken.step.step.does, taken.step.step.because, taken.end
                    )
                });
            };
            engine.carry_out(&run, &plan, &|| false, &mut told).await?;
        }
    }
    engine.finish(&run, 0)?;
    Ok(Ran { synced, adoption })
}
