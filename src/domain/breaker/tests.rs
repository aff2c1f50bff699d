use proptest::prelude::*;

use crate::domain::breaker::*;
use crate::domain::code::Code;
use crate::domain::event::CommandResult;
use crate::domain::id::EntryId;

mod others;

fn now() -> Time {
    Time::from_seconds(1_800_000_000)
}

fn hours(hours: i64) -> Time {
    now().plus_seconds(hours * 3600)
}

fn step(account: usize) -> Step {
    Step {
        account: Subject::new(format!("s_{account:04}")),
        tenant: SourceName::new("portal"),
        policy: "rule".to_owned(),
        does: Do::Disable,
        class: Class::Explicit,
        because: Code::new("leaver.disabled"),
        directories: vec![SourceName::new("corp")],
        successor: None,
        succession: None,
        decision: 1,
    }
}

fn steps(accounts: std::ops::Range<usize>) -> Vec<Step> {
    accounts.map(step).collect()
}

fn inactive(accounts: std::ops::Range<usize>) -> Vec<Step> {
    let mut steps = steps(accounts);
    for step in &mut steps {
        step.class = Class::Inactive;
        step.directories.clear();
    }
    steps
}

fn done(seq: u64, step: &Step, at: Time, result: CommandResult) -> CommandRow {
    CommandRow {
        intent: EntryId::new(format!("intent-{seq}")),
        seq,
        account: step.account.clone(),
        tenant: step.tenant.clone(),
        does: step.does,
        aim: None,
        class: step.class,
        directories: step.directories.clone(),
        plan: EntryId::new("plan-before"),
        step: 0,
        attempt: 1,
        call: String::new(),
        successor: None,
        at,
        deadline: at,
        outcome: Some((seq + 1, result, Code::new("call.done"))),
        settled: None,
        confirmed: None,
        lost: None,
    }
}

fn released(step: &Step) -> Released {
    Released {
        class: step.class,
        does: step.does,
        accounts: vec![step.account.clone()],
    }
}

fn contact(scope: &str, accounts: &[Step], at: Time) -> ContactRow {
    ContactRow {
        scope: scope.to_owned(),
        seq: 10,
        at,
        accounts: accounts.iter().map(|s| s.account.clone()).collect(),
        named: accounts.iter().map(released).collect(),
        ramp_per_day: 2,
    }
}

fn known() -> Vec<ContactRow> {
    let at = hours(-9999);
    vec![
        contact("tenant:portal", &[], at),
        contact("directory:corp", &[], at),
    ]
}

struct World {
    commands: Vec<CommandRow>,
    releases: Vec<ReleaseRow>,
    contacts: Vec<ContactRow>,
    beside: Vec<Step>,
    base: u64,
}

impl World {
    fn new(base: u64) -> Self {
        Self {
            commands: Vec::new(),
            releases: Vec::new(),
            contacts: known(),
            beside: Vec::new(),
            base,
        }
    }

    fn assess(&self, steps: &[Step], now: Time) -> Assessment {
        let sources = |name: &str| BTreeMap::from([(SourceName::new(name), self.base)]);
        let bases = Bases {
            tenants: sources("portal"),
            directories: sources("corp"),
            accounts: self.base,
        };
        let wanted = Wanted {
            steps,
            beside: &self.beside,
            digest: Some("digest"),
            bases: &bases,
            commands: &self.commands,
            releases: &self.releases,
            contacts: &self.contacts,
            limits: &Limits::default(),
        };
        assess(&wanted, now)
    }

    /// The positions of the steps that may go.
    fn goes(&self, steps: &[Step], now: Time) -> Vec<usize> {
        let stopped = self.assess(steps, now).stopped;
        (0..steps.len())
            .filter(|i| !stopped.contains_key(i))
            .collect()
    }
}

#[test]
fn the_limits_are_those_of_the_design() {
    let limits = |base| limits_of(&BreakerLimits::default(), base);
    assert_eq!(limits(0), (3, 6));
    assert_eq!(limits(79), (3, 6), "5 % is rounded down");
    assert_eq!(limits(80), (4, 6));
    assert_eq!(limits(1_000), (50, 50));
    assert_eq!(limits(2_000), (50, 100));
    assert_eq!(limits(100_000), (100, 300));
    assert_eq!(limits(1_000_000), (1_000, 3_000));
    assert!(limits(u64::MAX).0 > 1_000_000, "and nothing overflows");
}

#[test]
fn at_the_limit_all_go_and_beyond_it_none() {
    let world = World::new(20);
    assert_eq!(world.goes(&steps(0..3), now()).len(), 3);
    let four = steps(0..4);
    let assessment = world.assess(&four, now());
    assert_eq!(assessment.stopped.len(), 4);
    let tripped: Vec<_> = assessment
        .states
        .iter()
        .filter(|s| s.tripped)
        .map(|s| (s.scope.as_str(), s.window.as_str(), s.limit, s.wanted))
        .collect();
    assert_eq!(
        tripped,
        [
            ("all", "24h", 3, 4),
            ("directory:corp", "24h", 3, 4),
            ("tenant:portal", "24h", 3, 4)
        ]
    );
}

#[test]
fn what_was_done_counts_and_what_failed_does_not() {
    let mut world = World::new(20);
    let before = steps(10..13);
    world.commands = vec![
        done(20, &before[0], hours(-1), CommandResult::Done),
        done(22, &before[1], hours(-2), CommandResult::Unknown),
        done(24, &before[2], hours(-3), CommandResult::Refused),
    ];
    assert_eq!(world.goes(&steps(0..1), now()).len(), 1);
    assert_eq!(world.goes(&steps(0..2), now()).len(), 0);
    // a day later only the seven days are left
    assert_eq!(world.goes(&steps(0..3), hours(24)).len(), 3);
    world.commands.extend([
        done(30, &step(40), hours(-30), CommandResult::Already),
        done(32, &step(41), hours(-30), CommandResult::Done),
    ]);
    assert_eq!(world.goes(&steps(0..3), hours(24)).len(), 0);
    assert_eq!(world.goes(&steps(0..2), hours(24)).len(), 2);
}

#[test]
fn classes_and_actions_are_stopped_apart() {
    let world = World::new(20);
    let mut all = steps(0..4);
    all.extend(inactive(10..13));
    let mut removals = steps(20..22);
    for step in &mut removals {
        step.does = Do::Remove;
    }
    all.extend(removals);
    assert_eq!(world.goes(&all, now()), [4, 5, 6, 7, 8]);
}

#[test]
fn a_clear_out_meets_no_brake() {
    let mut world = World::new(20);
    world.contacts.clear();
    let mut all = steps(0..20);
    for step in &mut all {
        step.class = Class::Everyone;
    }
    let assessment = world.assess(&all, now());
    assert!(assessment.stopped.is_empty() && !assessment.needs_release());
}

#[test]
fn the_first_plan_is_always_stopped_for_tenant_and_directory_alike() {
    let mut world = World::new(1_000);
    world.contacts.remove(0);
    let assessment = world.assess(&steps(0..1), now());
    let stops = assessment.stops(0);
    assert_eq!(stops.len(), 1);
    assert_eq!(stops[0].scope, "tenant:portal");
    assert_eq!(stops[0].window, "first-contact");
    assert!(assessment.needs_release());

    world.contacts = vec![contact("tenant:portal", &[], hours(-99))];
    let mut all = steps(0..1);
    all.extend(inactive(1..2));
    assert_eq!(
        world.goes(&all, now()),
        [1],
        "only what rests on the directory"
    );
    let release = world.assess(&all, now()).releasable(&all);
    assert_eq!(
        release.first_contact,
        BTreeSet::from(["directory:corp".to_owned()])
    );
    assert_eq!(release.named(), [released(&all[0])]);
}

#[test]
fn the_named_accounts_of_a_first_plan_go_by_the_ramp_and_others_by_the_windows() {
    let mut world = World::new(20);
    let named = inactive(0..5);
    world.contacts = vec![contact("tenant:portal", &named, hours(-1))];
    assert_eq!(world.goes(&named, now()), [0, 1], "two a day");
    let ramp = &world.contacts[0];
    assert_eq!(ramp_left(ramp, &world.commands, now()), 2);

    world.commands = vec![done(20, &named[0], now(), CommandResult::Done)];
    assert_eq!(ramp_left(&world.contacts[0], &world.commands, now()), 1);
    assert_eq!(world.goes(&named[1..], now()), [0]);
    assert_eq!(world.goes(&named[1..], hours(25)), [0, 1]);

    // others are counted as ever, and the ramp does not use up their limit
    let mut all = named[1..].to_vec();
    all.extend(inactive(10..13));
    assert_eq!(world.goes(&all, now()), [0, 4, 5, 6]);
    let states = world.assess(&all, now()).states;
    let ramp: Vec<_> = states.iter().filter(|s| s.window == "ramp").collect();
    assert_eq!(ramp.len(), 1);
    assert_eq!((ramp[0].limit, ramp[0].done, ramp[0].wanted), (2, 1, 4));
}

#[test]
fn a_named_account_that_was_changed_has_had_its_release() {
    let mut world = World::new(20);
    let named = inactive(0..5);
    world.contacts = vec![contact("tenant:portal", &named, hours(-999))];
    world.commands = named
        .iter()
        .zip(20..)
        .map(|(s, seq)| done(seq * 2, s, hours(-900), CommandResult::Done))
        .collect();
    let mut removals = named;
    for step in &mut removals {
        step.does = Do::Remove;
    }
    assert!(
        world.goes(&removals, now()).is_empty(),
        "five are more than three"
    );
}

/// The release of disabling idle accounts says nothing about removing them, nor about leavers.
#[test]
fn a_release_names_what_is_done_and_why() {
    let mut world = World::new(20);
    let named = inactive(0..4);
    let mut contact = contact("tenant:portal", &named, hours(-1));
    contact.ramp_per_day = 9;
    world.contacts = vec![contact];
    assert_eq!(world.goes(&named, now()).len(), 4, "by the ramp");
    let mut removals = named.clone();
    for step in &mut removals {
        step.does = Do::Remove;
    }
    assert!(
        world.goes(&removals, now()).is_empty(),
        "four meet the windows"
    );
    let mut leavers = named;
    for step in &mut leavers {
        step.class = Class::Explicit;
    }
    assert!(
        world.goes(&leavers, now()).is_empty(),
        "of another class too"
    );
}

/// One request of a removal that takes several.
fn part(seq: u64, step: &Step, does: Do, at: Time) -> CommandRow {
    let mut command = done(seq, step, at, CommandResult::Done);
    (command.does, command.aim) = (does, Some(step.does).filter(|aim| *aim != does));
    command
}

#[test]
fn a_removal_of_several_requests_counts_once_from_the_first_on() {
    let mut world = World::new(20);
    let mut all = steps(0..9);
    for step in &mut all {
        step.does = Do::Remove;
    }
    // one has been disabled, one handed over too, one is gone
    world.commands = vec![
        part(20, &all[0], Do::Disable, hours(-1)),
        part(22, &all[1], Do::Disable, hours(-1)),
        part(24, &all[1], Do::Transfer, hours(-1)),
        part(26, &all[2], Do::Disable, hours(-1)),
        part(28, &all[2], Do::Transfer, hours(-1)),
        part(30, &all[2], Do::Remove, hours(-1)),
    ];
    assert!(world.goes(&all[3..4], now()).is_empty(), "three are done");
    assert_eq!(world.goes(&all[0..2], now()).len(), 2, "and go on");
    assert_eq!(
        world.goes(&steps(20..23), now()).len(),
        3,
        "none was disabled"
    );
    world.commands.truncate(3);
    assert_eq!(world.goes(&all[3..4], now()).len(), 1, "two are begun");
    assert!(world.goes(&all[3..5], now()).is_empty());
}

#[test]
fn what_has_begun_on_a_ramp_is_carried_to_its_end_and_takes_one_place() {
    let mut world = World::new(20);
    let mut named = inactive(0..4);
    for step in &mut named {
        step.does = Do::Remove;
    }
    world.contacts = vec![contact("tenant:portal", &named, hours(-2))];
    world.commands = vec![
        part(20, &named[0], Do::Disable, hours(-1)),
        part(22, &named[1], Do::Disable, hours(-1)),
    ];
    assert_eq!(
        world.goes(&named, now()),
        [0, 1],
        "two a day, and these two"
    );
    for (n, step) in named[..2].iter().enumerate() {
        let seq = 30 + n as u64 * 2;
        world.commands.push(part(seq, step, Do::Remove, now()));
    }
    assert!(world.goes(&named[2..], now()).is_empty());
    assert_eq!(world.goes(&named[2..], hours(24)), [0, 1]);
    // the ramp does not use up what the windows let through
    let mut others = inactive(10..13);
    for step in &mut others {
        step.does = Do::Remove;
    }
    assert_eq!(world.goes(&others, now()).len(), 3);
}

#[test]
fn a_release_lets_its_plan_through_and_starts_the_windows_anew() {
    let mut world = World::new(20);
    let four = steps(0..4);
    let release = world.assess(&four, now()).releasable(&four);
    assert_eq!(
        release.windows,
        BTreeSet::from([
            "all|explicit|disable".to_owned(),
            "directory:corp|explicit|disable".to_owned(),
            "tenant:portal|explicit|disable".to_owned(),
        ])
    );
    world.releases = vec![ReleaseRow {
        plan: EntryId::new("plan"),
        digest: "digest".to_owned(),
        seq: 50,
        at: now(),
        windows: release.windows.into_iter().collect(),
    }];
    assert_eq!(world.goes(&four, now()).len(), 4);
    world.releases[0].digest = "another".to_owned();
    assert!(
        world.goes(&four, now()).is_empty(),
        "the release is of a digest"
    );
    // what was done before the release, and by it, does not count
    world.commands = four
        .iter()
        .zip(51..)
        .map(|(s, seq)| {
            let mut command = done(seq * 2, s, now(), CommandResult::Done);
            command.plan = EntryId::new("plan");
            command
        })
        .collect();
    world
        .commands
        .push(done(40, &step(90), hours(-1), CommandResult::Done));
    assert_eq!(world.goes(&steps(10..13), now()).len(), 3);
    assert_eq!(world.goes(&steps(10..14), now()).len(), 0);
}

#[test]
fn a_release_covers_only_the_brakes_that_it_names() {
    let mut world = World::new(20);
    world.releases = vec![ReleaseRow {
        plan: EntryId::new("plan"),
        digest: "digest".to_owned(),
        seq: 50,
        at: now(),
        windows: vec!["tenant:portal|explicit|disable".to_owned()],
    }];
    let assessment = world.assess(&steps(0..4), now());
    let scopes: Vec<_> = assessment
        .stops(0)
        .iter()
        .map(|s| s.scope.clone())
        .collect();
    assert_eq!(scopes, ["all", "directory:corp"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Carries out whatever the brakes let go, run by run, and looks at every window afterwards.
    #[test]
    fn no_window_ever_holds_more_than_its_limit(
        runs in prop::collection::vec((0_i64..40, 0_usize..9, any::<bool>()), 1..20),
        base in 0_u64..400,
    ) {
        let mut world = World::new(base);
        let (mut now, mut next, mut seq) = (now(), 0, 100);
        for (wait_hours, count, departed) in runs {
            now = now.plus_seconds(wait_hours * 3600);
            let range = next..next + count;
            let wanted = if departed { steps(range) } else { inactive(range) };
            next += count;
            for i in world.goes(&wanted, now) {
                world.commands.push(done(seq, &wanted[i], now, CommandResult::Done));
                seq += 2;
            }
        }
        let (day, week) = limits_of(&BreakerLimits::default(), base);
        for (limit, hours) in [(day, 24), (week, 24 * 7)] {
            for end in &world.commands {
                let from = end.at.plus_seconds(-hours * 3600);
                let within = world.commands.iter().filter(|c| {
                    c.class == end.class && c.at >= from && c.at <= end.at
                });
                prop_assert!(within.count() as u64 <= limit);
            }
        }
    }
}
