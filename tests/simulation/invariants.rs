//! What must hold, judged by the truth.

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::time::DAY_SECONDS;
use exeunt::domain::time::Time;

use crate::script::TenantFault;
use crate::world::BOSS;
use crate::world::INVITED_DAYS;
use crate::world::TENANTS;
use crate::world::World;

/// So far the engine's clock may be from the truth while anything acts, and a little more.
const APART_S: i64 = 600;

/// Judges a request at the moment at which it reaches the tenant.
pub(crate) fn judge(world: &World, account: usize, does: Do, now: Time) -> Result<(), String> {
    let a = &world.accounts[account];
    let name = format!("{} of {} ({})", a.id, TENANTS[a.tenant], a.mail);
    if world.halted > world.tick {
        return Err(format!("{does:?} of {name} during a halt"));
    }
    if does == Do::Restore {
        let there = world.humans[a.human].employed && !world.is_said(account);
        return there
            .then_some(())
            .ok_or(format!("{name} is given back and its person has left"));
    }
    if !a.protected.is_empty() || a.mail == BOSS {
        return Err(format!("{does:?} of {name}, which is protected"));
    }
    let mut why_not = Vec::new();
    for rule in [departed, silent, invited, disabled] {
        match rule(world, account, does, now) {
            Ok(()) => return Ok(()),
            Err(why) => why_not.push(why),
        }
    }
    Err(format!("{does:?} of {name}: {}", why_not.join(", ")))
}

/// Judges a request that is about to be sent by the holds that stand: nobody may be touched who is
/// held, but under a legal hold whoever has left may be disabled.
pub(crate) fn held(world: &World, account: usize, does: Do, now: Time) -> Result<(), String> {
    let left = departed(world, account, does, now).is_ok();
    let certain = now.plus_seconds(APART_S);
    let mut over = world.holds_over(account).filter(|h| h.stands(certain));
    let forbids = over.find(|hold| match does {
        Do::Restore => false,
        Do::Disable => !(hold.legal && left),
        _ => true,
    });
    let a = &world.accounts[account];
    match forbids {
        None => Ok(()),
        Some(hold) => Err(format!(
            "{does:?} of {} of {} ({}), which is held (#{}, legal: {})",
            a.id, TENANTS[a.tenant], a.mail, hold.id, hold.legal
        )),
    }
}

fn holds(is: bool, otherwise: &str) -> Result<(), String> {
    is.then_some(()).ok_or_else(|| otherwise.to_owned())
}

fn departed(world: &World, account: usize, _: Do, now: Time) -> Result<(), String> {
    let human = world.accounts[account].human;
    let left = world.has_left(human, now) || world.is_said(account);
    holds(left, "its person stays")
}

fn silent(world: &World, account: usize, does: Do, now: Time) -> Result<(), String> {
    let a = &world.accounts[account];
    let days = |days: u64| days as i64 * DAY_SECONDS - APART_S;
    holds(
        does == Do::Disable && a.state == AccountState::Active,
        "it is not idle",
    )?;
    let fault = world.tenant_fault[a.tenant].map(|(fault, _)| fault);
    let log = matches!(
        fault,
        Some(TenantFault::LogFailed | TenantFault::LogDowngraded)
    );
    holds(!log, "its activity is unknown")?;
    let since = a.newest.unwrap_or(a.created).max(a.created);
    holds(
        now.seconds_since(since) >= days(world.idle_days),
        "it was used",
    )?;
    let warned = world.warned.iter().any(|w| {
        w.tenant == TENANTS[a.tenant]
            && w.to == a.mail
            && w.at > since
            && now.seconds_since(w.at) >= days(world.notice_days)
    });
    holds(warned, "no warning counts")
}

fn invited(world: &World, account: usize, _: Do, now: Time) -> Result<(), String> {
    let a = &world.accounts[account];
    let long = now.seconds_since(a.created) >= INVITED_DAYS * DAY_SECONDS - APART_S;
    let never = a.newest.is_none() && a.state != AccountState::Active;
    holds(never && long, "it is no old invitation")
}

fn disabled(world: &World, account: usize, does: Do, now: Time) -> Result<(), String> {
    let a = &world.accounts[account];
    let since = a.disabled_at.map(|at| now.seconds_since(at));
    let long = since.is_some_and(|s| s >= 60 * DAY_SECONDS - APART_S);
    holds(does == Do::Remove && long, "it was not disabled for long")
}
