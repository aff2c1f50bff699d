//! How many calls a full read of 5,000 accounts takes.

use exeunt::sandbox::population::Population;

use crate::provider::conformance::activity::Seen;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;

/// The fewest and the most calls for 5,000 accounts and as many logins.
///
/// The fewest: what pages of the size that the tenant gives can hold. The most: with what has to be
/// known besides (who we are, how long sessions last, whether a page is the last).
fn bounds(provider: &str) -> (usize, usize) {
    match provider {
        // 50 pages of people, some 50 of logins, and what a walk is tried with before and after; a
        // first walk does not know where the log ends, and asks for up to 50 pages behind it
        "docspace" => (100, 170),
        // 50 pages of people with logins; all members and administrators in one piece each
        "projectplace" => (51, 60),
        // 50 pages of people, the administrators, the workspace, and who we are
        "alteryx" => (51, 60),
        // users in one piece and pages of entities, of a thousand each; the audit log
        "port" => (7, 20),
        // pages of users and groups
        "huwise" => (5, 15),
        // 50 pages of users, and what the server can do
        "scim" => (50, 55),
        // a provider that is new here
        _ => (1, 300),
    }
}

#[tokio::test]
async fn a_full_read_takes_the_calls_it_needs_and_few_more() {
    let mut counts = Vec::new();
    for (name, start) in cases() {
        let one = Plan::new(start, Population::mixed(5_000, 5_000)).open();
        Seen::of(&one).await.unwrap();
        let calls = one.rehearsal.control.requests().len();
        counts.push((name, calls));
    }
    for (name, calls) in &counts {
        let (fewest, most) = bounds(name);
        assert!(
            (fewest..=most).contains(calls),
            "{name}: {calls}, not {fewest} to {most}; of all: {counts:?}"
        );
    }
}
