//! `run` every five minutes, and another one started in the same moment.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::Duration;
use std::time::Instant;

use chrono::TimeDelta;
use exeunt::sandbox::docspace::GateAt;
use exeunt::sandbox::docspace::Matcher;
use serde_json::Value;

use crate::attack::firm::key;
use crate::common::crash::status_calls;
use crate::common::workspace::finish;
use crate::unattended::town::IDLE;
use crate::unattended::town::LEAVERS;
use crate::unattended::town::Town;
use crate::unattended::town::mail;

/// What arrives here is a matter of the clock; how much at once is tried elsewhere.
const NO_BRAKES: &str = "[limits.breakers]\nfloor_24h = 1000\nfloor_7d = 1000\n";

const ROUNDS: usize = 6;

/// Where the one that acts is killed.
#[derive(Debug, Clone, Copy)]
enum Killed {
    Reading,
    BeforeCall,
    AfterCall,
}

/// Waits until one of two has ended; which it was.
fn first_to_end(pair: &mut [Option<Child>; 2]) -> usize {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "neither ends");
        for (n, child) in pair.iter_mut().enumerate() {
            if child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return n;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn held(town: &Town, gate: u64) {
    let begun = Instant::now();
    while town.control(0).held(gate) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody asks");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts two in the same moment. One goes on alone, the other one says so and sends nothing.
fn two_at_once(town: &Town, killed: Option<Killed>) {
    let tenant = town.control(0);
    let reading = tenant.pause(
        Matcher::new("GET", "/api/2.0/people/filter"),
        GateAt::Before,
    );
    let at = match killed {
        Some(Killed::AfterCall) => GateAt::After,
        _ => GateAt::Before,
    };
    let call = matches!(killed, Some(Killed::BeforeCall | Killed::AfterCall))
        .then(|| tenant.pause(status_calls(), at));
    let mut pair = [(); 2].map(|()| Some(town.ws.start(&["run"])));
    let second = first_to_end(&mut pair);
    finish(pair[second].take().unwrap(), &["run"])
        .exits(11)
        .says("another process is at work")
        .says("nothing was sent");
    held(town, reading);
    let mut first = pair[1 - second].take().unwrap();
    if matches!(killed, Some(Killed::Reading)) {
        first.kill().unwrap();
        first.wait().unwrap();
        tenant.release(reading);
        return;
    }
    tenant.release(reading);
    let Some(call) = call else {
        finish(first, &["run"]).exits(0);
        return;
    };
    held(town, call);
    first.kill().unwrap();
    first.wait().unwrap();
    tenant.release(call);
}

/// Every intent has exactly one end, and no account got more requests than intents.
#[track_caller]
fn every_request_once(town: &Town, names: &[String]) {
    let entries = town.ws.entries();
    let mut intents: BTreeMap<&str, (&Value, usize)> = BTreeMap::new();
    for entry in &entries {
        let cause = entry["cause"].as_str().unwrap_or_default();
        match entry["type"].as_str().unwrap() {
            "command.intended" => {
                intents.insert(entry["id"].as_str().unwrap(), (&entry["sub"], 0));
            }
            "command.outcome" if entry["data"]["result"] != "unknown" => {
                intents.get_mut(cause).unwrap().1 += 1;
            }
            "command.settled" => intents.get_mut(cause).unwrap().1 += 1,
            _ => {}
        }
    }
    for (id, (_, ends)) in &intents {
        assert_eq!(*ends, 1, "{id} has {ends} ends");
    }
    let tenant = town.control(0);
    let mut puts = 0;
    for name in names {
        let id = town.user(0, name).id;
        assert_eq!(tenant.status_changes(id), 1, "{name}");
        assert!(tenant.status_puts(id) >= 1, "{name}");
        puts += tenant.status_puts(id);
    }
    assert!(puts <= intents.len() as u64, "{puts} requests");
    let about: std::collections::BTreeSet<_> =
        intents.values().map(|(sub, _)| sub.to_string()).collect();
    assert_eq!(about.len(), names.len(), "nobody else was meant");
}

#[test]
fn every_five_minutes_with_a_second_one_beside_it_sends_each_request_once_and_loses_none() {
    let town = Town::new(1, &[LEAVERS, IDLE, NO_BRAKES]);
    for n in 0..2 * ROUNDS {
        town.hire(0, &format!("lee{n:02}"));
    }
    // whoever is warned in one round of the first day, which begins in an hour, is due in the same
    // round of the second
    for n in 0..ROUNDS {
        let silent = TimeDelta::days(90) - TimeDelta::minutes(60 + 5 * n as i64 - 2);
        town.hire_silent(0, &format!("ida{n:02}"), silent);
    }
    town.settle();
    let mut names = vec!["early".to_owned()];
    names.extend((0..ROUNDS).map(|n| format!("ida{n:02}")));
    let killed = [
        None,
        Some(Killed::AfterCall),
        None,
        Some(Killed::Reading),
        Some(Killed::BeforeCall),
        None,
    ];
    for day in 0..2 {
        for (round, killed) in killed.iter().enumerate() {
            let lee = format!("lee{:02}", day * ROUNDS + round);
            town.leaves(&[&lee]);
            two_at_once(&town, *killed);
            names.push(lee);
            town.seconds(300);
        }
        town.hours(24);
    }
    for _ in 0..2 {
        town.run().exits(0);
        town.hours(1);
    }
    for name in &names {
        let why = || town.ws.run(&["why", &mail(name)]).out;
        assert!(town.is_out(0, name), "{name} was lost: {}", why());
    }
    every_request_once(&town, &names);
    assert_eq!(town.ws.entries_of("notice.sent").len(), ROUNDS);
    assert_eq!(town.plans().len(), 0);
    town.ws.is_sound();
}

/// Two approvers; a disabling needs both.
fn of_two(home: &Town) -> String {
    let mut text = LEAVERS.replace("disable = 0", "disable = 2");
    for name in ["Ada", "Bob"] {
        let public = key(&home.ws.path(&format!("{name}.pem")));
        text.push_str(&format!(
            "[[approver]]\nname = \"{name}\"\nkey = \"{public}\"\n"
        ));
    }
    text
}

/// The open plans as `status` has them: digest, approvals, steps left.
fn open(town: &Town) -> Vec<(String, u64, u64)> {
    let plans = town.plans().into_iter();
    plans
        .map(|plan| {
            let digest = plan["digest"].as_str().unwrap().to_owned();
            let number = |field: &str| plan[field].as_u64().unwrap();
            (digest, number("approvals"), number("steps_left"))
        })
        .collect()
}

fn sign(town: &Town, digest: &str, name: &str, steps: &str) {
    let key = format!("{name}.pem");
    town.ws
        .run(&["approve", digest, "--key", &key, "--confirm", steps])
        .exits(0);
}

#[test]
fn an_open_plan_keeps_its_digest_and_its_approvals_while_its_steps_are_the_same() {
    let town = Town::of(20, &[LEAVERS]);
    let policy = town.ws.read("exeunt.toml").replace(LEAVERS, &of_two(&town));
    town.ws.write("exeunt.toml", &policy);
    town.run().exits(0);
    town.leaves(&["p001", "p002"]);
    town.run().exits(0).says("0 of 2 approvals");
    let digest = open(&town)[0].0.clone();
    assert_eq!(open(&town), [(digest.clone(), 0, 2)]);
    sign(&town, &digest, "Ada", "2");
    // the same facts, read again and again, with a second run beside one of them
    for round in 0..4 {
        town.seconds(300);
        match round {
            2 => two_at_once(&town, None),
            _ => {
                town.run().exits(0).says("1 of 2 approvals");
            }
        }
        assert_eq!(open(&town), [(digest.clone(), 1, 2)]);
    }
    // somebody else leaves: a plan of their own, and the first one stays as it was
    town.leaves(&["p003"]);
    town.run().exits(0);
    let both = open(&town);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0], (digest.clone(), 1, 2));
    assert_eq!((both[1].1, both[1].2), (0, 1));
    // one of the two stays after all: what is left of the plan has its approvals still
    town.stays(&["p002"]);
    town.run().exits(0);
    assert_eq!(open(&town)[0], (digest.clone(), 1, 1));
    sign(&town, &digest, "Bob", "1");
    town.run().exits(0);
    assert!(town.is_out(0, "p001"));
    assert_eq!(town.out(0), 2);
    assert_eq!(open(&town), both[1..]);
    assert_eq!(town.ws.entries_of("plan.created").len(), 3);
    town.ws.is_sound();
}

#[test]
fn a_step_whose_reason_has_changed_is_planned_anew_and_needs_its_approvals_anew() {
    let town = Town::of(20, &[LEAVERS]);
    let policy = town.ws.read("exeunt.toml").replace(LEAVERS, &of_two(&town));
    town.ws.write("exeunt.toml", &policy);
    town.run().exits(0);
    town.leaves(&["p001", "p002"]);
    town.run().exits(0);
    let digest = open(&town)[0].0.clone();
    sign(&town, &digest, "Ada", "2");
    sign(&town, &digest, "Bob", "2");
    // before it is carried out, somebody says of one of them that they leave at once
    let reason = ["leave", "p001@town.test", "--reason", "at once", "--key"];
    town.ws.run(&[&reason[..], &["Ada.pem"]].concat()).exits(0);
    town.run().exits(0);
    assert!(town.is_out(0, "p002") && !town.is_out(0, "p001"));
    town.run().exits(0);
    let left = open(&town);
    assert_eq!(left.len(), 1);
    assert_ne!(left[0].0, digest);
    assert_eq!((left[0].1, left[0].2), (0, 1));
    assert_eq!(town.out(0), 2);
    town.ws.is_sound();
}
