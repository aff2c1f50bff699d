//! Steps that wait in other plans.

use crate::domain::account::Do;
use crate::domain::breaker::tests::World;
use crate::domain::breaker::tests::contact;
use crate::domain::breaker::tests::done;
use crate::domain::breaker::tests::hours;
use crate::domain::breaker::tests::inactive;
use crate::domain::breaker::tests::now;
use crate::domain::breaker::tests::steps;
use crate::domain::event::CommandResult;
use crate::domain::id::SourceName;

#[test]
fn what_waits_in_other_plans_is_wanted_as_well() {
    let mut world = World::new(20);
    world.beside = steps(10..12);
    assert_eq!(world.goes(&steps(0..1), now()).len(), 1);
    assert_eq!(world.goes(&steps(0..2), now()).len(), 0);
    let assessment = world.assess(&steps(0..2), now());
    assert!(assessment.states.iter().all(|state| state.wanted == 4));
    // neither another class nor another action
    assert_eq!(world.goes(&inactive(0..3), now()).len(), 3);
    for step in &mut world.beside {
        step.does = Do::Remove;
    }
    assert_eq!(world.goes(&steps(0..3), now()).len(), 3);
}

#[test]
fn an_account_in_two_plans_counts_once() {
    let mut world = World::new(20);
    world.beside = steps(0..3);
    assert_eq!(world.goes(&steps(0..3), now()).len(), 3);
}

#[test]
fn what_waits_for_the_release_of_a_first_plan_holds_up_nobody_else() {
    let mut world = World::new(20);
    world.beside = steps(10..20);
    for step in &mut world.beside {
        step.directories = vec![SourceName::new("new")];
    }
    assert_eq!(world.goes(&steps(0..3), now()).len(), 3);
    // and what goes on a ramp meets no window
    let ramp = world.beside.clone();
    world
        .contacts
        .push(contact("directory:new", &ramp, hours(-1)));
    assert_eq!(world.goes(&steps(0..3), now()).len(), 3);
}

#[test]
fn a_drip_that_has_tripped_a_brake_stays_stopped_when_the_window_has_moved_on() {
    let mut world = World::new(300);
    let before = steps(100..115);
    let three_a_day = |n: usize| {
        done(
            20 + n as u64,
            &before[n],
            hours(-24 * (5 - n as i64 / 3)),
            CommandResult::Done,
        )
    };
    world.commands = (0..15).map(three_a_day).collect();
    assert_eq!(world.goes(&steps(0..3), now()).len(), 0);
    // two days later three are out of the window, and the plans of two days wait beside the new one
    world.beside = steps(3..9);
    assert_eq!(world.goes(&steps(0..3), hours(49)).len(), 0);
}

#[test]
fn forty_leavers_a_day_among_a_hundred_thousand_are_believed_and_a_hundred_and_one_are_not() {
    let world = World::new(100_000);
    assert_eq!(world.goes(&steps(0..40), now()).len(), 40);
    assert_eq!(world.goes(&steps(0..100), now()).len(), 100);
    assert_eq!(world.goes(&steps(0..101), now()).len(), 0);
}
