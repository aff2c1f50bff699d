//! Many people, many accounts, many events: how many requests a sync makes, and that a second one
//! with nothing changed appends nothing but its reads.
//!
//! `EXEUNT_SCALE=20000 cargo test --release --test it scale -- --nocapture` is the full size; the
//! usual run takes a tenth.

use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::population::Population;

use crate::common::slapd::Slapd;
use crate::common::workspace::Workspace;

/// How many pages of 100 hold so many items; a last page that is full needs one more to see the end.
fn pages(items: usize) -> usize {
    items / 100 + 1
}

/// How many requests a walk over so many events takes at most: pages begin with the last five events
/// of the one before, and up to sixteen are asked for at once, where the end may be the first.
fn walk(events: usize) -> usize {
    events / 95 + 1 + 16
}

/// The most memory that a child of this process has held, in KiB.
fn peak_of(ws: &Workspace, args: &[&str]) -> u64 {
    let mut child = ws.start(args);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find(|l| l.starts_with("VmHWM:"));
            let kib = line
                .and_then(|l| l.split_whitespace().nth(1))
                .and_then(|n| n.parse().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let ended = crate::common::workspace::finish(child, args).exits(0);
    assert!(ended.screen().contains("complete"), "{}", ended.screen());
    peak
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are for docs/PERFORMANCE.md"
)]
fn the_events_are_walked_once_and_a_second_sync_appends_only_its_reads() {
    let scale: usize = std::env::var("EXEUNT_SCALE").map_or(2_000, |text| text.parse().unwrap());
    let events = scale * 10;
    let slapd = Slapd::start();
    slapd.bulk(u32::try_from(scale).unwrap());
    let tenant = DocSpace::start(DocSpaceOptions {
        population: Population::mixed(scale, events),
        ..DocSpaceOptions::default()
    })
    .unwrap();
    let control = tenant.control();
    let ws = Workspace::new();
    ws.configure(&[&ws.slapd_directory(&slapd, ""), &ws.tenant(&tenant, "")]);
    ws.run(&["init"]).exits(0);

    let begun = std::time::Instant::now();
    let peak = peak_of(&ws, &["sync"]);
    println!(
        "{scale}: first sync {:.1} s, {peak} KiB",
        begun.elapsed().as_secs_f32()
    );
    let requests = control.requests();
    let walked = requests
        .iter()
        .filter(|r| r.path.contains("/audit/login/filter"))
        .count();
    let kept = control.logins().len();
    let listed = requests
        .iter()
        .filter(|r| r.path.contains("/people/filter"))
        .count();
    // One walk, with a probe for a hidden log before and after it, and what a first walk asks for
    // beyond the end that it does not know.
    assert!(
        walked <= walk(kept) + 3 + 50,
        "{walked} requests for {kept} events"
    );
    assert!(
        walked >= kept / 100,
        "{walked} requests cannot have seen {kept} events"
    );
    assert!(
        listed <= pages(control.users().len()) + 1,
        "{listed} requests for {scale} accounts"
    );
    // Memory follows the number of accounts, not the number of events: a bound with room, per
    // account and for the program itself.
    let most = 60_000 + u64::try_from(scale).unwrap() * 12;
    assert!(peak < most, "{peak} KiB for {scale} accounts");

    control.clear_requests();
    let before = ws.entries_since(0).len();
    let begun = std::time::Instant::now();
    let peak = peak_of(&ws, &["sync"]);
    println!(
        "{scale}: second sync {:.1} s, {peak} KiB",
        begun.elapsed().as_secs_f32()
    );
    let walked = control
        .requests()
        .iter()
        .filter(|r| r.path.contains("/audit/login/filter"))
        .count();
    assert!(walked <= 5, "{walked} requests for no new event");
    let new = ws.entries_since(before);
    let kinds: Vec<_> = new.iter().map(|e| e["type"].as_str().unwrap()).collect();
    let about: Vec<_> = new
        .iter()
        .filter(|e| e["type"] == "person.observed")
        .collect();
    assert_eq!(
        kinds
            .iter()
            .filter(|k| **k != "person.observed")
            .collect::<Vec<_>>(),
        [
            &"run.started",
            &"source.read",
            &"source.read",
            &"run.finished"
        ]
    );
    // The directory notes the bind account's own sign-in, which may change its entry.
    assert!(about.len() <= 1, "{about:?}");
}
