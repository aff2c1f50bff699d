//! What triggers, and what stands in the way.

use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::decide::is_inactive;
use crate::domain::decide::tests::*;
use crate::domain::policy::Policy;
use crate::domain::policy::Ring;
use crate::domain::rows::Class;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::domain::source::Verdict;

/// For every trigger: facts under which its first step is due.
fn due() -> Vec<(When, Facts, Do)> {
    let mut inactive = facts();
    logged_in(&mut inactive, ago(200));
    warned(&mut inactive, &[(40, 30, "accepted"), (10, 7, "accepted")]);
    let mut invited = facts();
    invited.account.facts.state = AccountState::Invited;
    let mut disabled = facts();
    disabled_at(&mut disabled, ago(31));
    let mut orphaned = facts();
    orphaned.links = vec![unlinked("corp")];
    let mut everyone = facts();
    logged_in(&mut everyone, ago(1));
    everyone.called = Some("rule".to_owned());
    vec![
        (When::Departed, leaver_facts(), Do::Disable),
        (When::Inactive, inactive, Do::Disable),
        (When::NeverActivated, invited, Do::Disable),
        (When::Disabled, disabled, Do::Remove),
        (When::Orphaned, orphaned, Do::Disable),
        (When::Everyone, everyone, Do::Disable),
    ]
}

type Change = fn(&mut Facts, &mut Policy);

/// What blocks every trigger alike.
const BLOCKS: &[(&str, Change)] = &[
    ("block.in-doubt", |f, _| {
        f.commands = vec![command(70, Do::Disable, ago(1), None)];
    }),
    ("block.source-failed", |f, _| {
        f.tenant.last.verdict = Verdict::Failed;
    }),
    ("block.source-partial", |f, _| {
        f.tenant.last.verdict = Verdict::Partial;
    }),
    ("block.source-suspect", |f, _| {
        f.tenant.last.verdict = Verdict::Suspect;
    }),
    ("block.source-stale", |f, _| f.tenant.last.rec = ago(2)),
    ("block.protected-owner", |f, _| {
        f.account.facts.protected.insert(Protection::Owner);
    }),
    ("block.protected-admin", |f, _| {
        f.account.facts.protected.insert(Protection::Admin);
    }),
    ("block.protected-own-credential", |f, _| {
        f.account.facts.protected.insert(Protection::OwnCredential);
    }),
    ("block.protected-listed", |f, _| {
        f.account.facts.protected.insert(Protection::Listed);
    }),
    ("block.protected-unknown-role", |f, _| {
        f.account.facts.protected.insert(Protection::UnknownRole);
    }),
    ("block.protected-service", |f, _| {
        f.account.facts.kind = AccountKind::Service;
    }),
    ("block.provider-managed", |f, _| {
        f.account.facts.managed_by = Some("ldap".to_owned());
    }),
    ("block.step-impossible", |f, _| f.can.can.clear()),
    ("block.ring-observe", |_, p| p.ring = Ring::Observe),
    ("block.ring-report", |_, p| p.ring = Ring::Report),
    ("block.ring-pilot", |_, p| {
        p.ring = Ring::Pilot;
        p.pilot_percent = 0;
    }),
];

#[test]
fn every_trigger_acts_when_it_is_due_and_nothing_blocks_it() {
    for (when, facts, does) in due() {
        let decision = ruled(&facts, when);
        assert_eq!(decision.verdict, Ruling::Act, "{when:?}: {decision:?}");
        assert_eq!(decision.does, Some(does), "{when:?}");
        assert_eq!(decision.when, Some(when));
        assert_eq!(decision.leaver_still_in, when == When::Departed);
        assert!(decision.evidence.contains(&11), "the account's entry");
        assert!(decision.evidence.contains(&90), "the tenant's read");
        assert!(decision.evidence.is_sorted());
    }
}

#[test]
fn every_block_withholds_under_every_trigger() {
    for (when, facts, _) in due() {
        for (code, change) in BLOCKS {
            let (mut facts, mut policy) = (facts.clone(), policy(when));
            change(&mut facts, &mut policy);
            let decision = decide(&facts, &set(&[policy]), now());
            assert_eq!(decision.verdict, Ruling::Withhold, "{when:?} {code}");
            assert_eq!(blocked(&decision), [*code], "{when:?}");
            let still_in = when == When::Departed;
            assert_eq!(decision.leaver_still_in, still_in, "{when:?} {code}");
        }
    }
}

#[test]
fn without_a_policy_or_outside_its_scope_nothing_happens() {
    for (when, facts, _) in due() {
        let mut other = policy(when);
        other.among.tenants.insert(name("elsewhere"));
        let mut guests = policy(when);
        guests.among.types.insert(AccountKind::Guest);
        let mut scope = policy(when);
        scope.among.directory = Some(name("contractors"));
        let mut groups = policy(when);
        groups.among.groups.insert("staff".to_owned());
        for policies in [vec![], vec![other], vec![guests], vec![scope], vec![groups]] {
            let decision = decide(&facts, &set(&policies), now());
            if when == When::Departed {
                assert_eq!(decision.verdict, Ruling::Withhold);
                assert_eq!(blocked(&decision), ["block.no-policy"]);
                assert!(decision.leaver_still_in);
            } else {
                assert_eq!(decision.verdict, Ruling::Keep, "{when:?}");
                assert_eq!(decision.because.as_str(), "keep.no-rule");
            }
        }
    }
}

#[test]
fn an_account_that_is_gone_or_was_removed_is_left_alone() {
    for (when, mut facts, _) in due() {
        facts.commands = vec![command(91, Do::Remove, ago(0), Some(CommandResult::Done))];
        let decision = ruled(&facts, when);
        assert_eq!(decision.because.as_str(), "keep.removed", "{when:?}");
        assert!(!decision.leaver_still_in);
        facts.account.gone = Some(Mark {
            seq: 95,
            since: ago(0),
        });
        let decision = ruled(&facts, when);
        assert_eq!(decision.verdict, Ruling::Keep);
        assert_eq!(decision.because.as_str(), "keep.gone");
        assert!(!decision.leaver_still_in);
    }
}

#[test]
fn a_removal_that_a_later_read_does_not_show_is_decided_again() {
    let mut facts = leaver_facts();
    facts.commands = vec![command(80, Do::Remove, ago(1), Some(CommandResult::Done))];
    assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
}

#[test]
fn the_first_policy_that_matches_rules_and_a_departure_comes_first() {
    let mut facts = leaver_facts();
    logged_in(&mut facts, ago(400));
    let mut observe = policy(When::Inactive);
    observe.name = "observe".to_owned();
    observe.ring = Ring::Observe;
    let inactive = policy(When::Inactive);
    let mut departed = policy(When::Departed);
    departed.name = "leavers".to_owned();
    let all = set(&[observe, inactive, departed]);
    let decision = decide(&facts, &all, now());
    assert_eq!(decision.policy.as_deref(), Some("leavers"));
    facts.links.clear();
    let decision = decide(&facts, &all, now());
    assert_eq!(decision.policy.as_deref(), Some("observe"));
    assert_eq!(blocked(&decision), ["block.ring-observe"]);
}

#[test]
fn an_unknown_is_withheld_unless_another_policy_matches() {
    let mut facts = facts();
    facts.tenant.activity.clear();
    facts.links = vec![unlinked("corp")];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Withhold);
    assert_eq!(decision.because.as_str(), "unknown.never-walked");
    assert_eq!(blocked(&decision), ["block.unknown-activity"]);
    let mut orphaned = policy(When::Orphaned);
    orphaned.name = "orphans".to_owned();
    let both = set(&[policy(When::Inactive), orphaned]);
    let decision = decide(&facts, &both, now());
    assert_eq!(decision.policy.as_deref(), Some("orphans"));
}

#[test]
fn everyone_matches_only_when_called_or_on_its_date() {
    let mut facts = facts();
    logged_in(&mut facts, ago(1));
    assert_eq!(ruled(&facts, When::Everyone).verdict, Ruling::Keep);
    facts.called = Some("another".to_owned());
    assert_eq!(ruled(&facts, When::Everyone).verdict, Ruling::Keep);
    let mut everyone = policy(When::Everyone);
    everyone.on = Some(ago(-1));
    let one = |policy: &Policy| decide(&facts, &set(std::slice::from_ref(policy)), now());
    assert_eq!(one(&everyone).verdict, Ruling::Keep);
    everyone.on = Some(ago(1));
    assert_eq!(one(&everyone).verdict, Ruling::Act);
    assert_eq!(one(&everyone).class, Some(Class::Everyone));
}

#[test]
fn a_doubtful_identity_blocks_all_but_a_clear_out_and_unused_accounts() {
    for (when, mut facts, _) in due() {
        if when == When::Departed || when == When::Orphaned {
            continue;
        }
        let candidates = vec![person("s_1", "corp"), person("s_2", "corp")];
        facts.links = vec![doubtful("block.ambiguous-identity", candidates)];
        let decision = ruled(&facts, when);
        let expected = if when == When::Everyone {
            Ruling::Act
        } else {
            Ruling::Withhold
        };
        assert_eq!(decision.verdict, expected, "{when:?}");
        let candidates = vec![person("s_1", "corp")];
        facts.links = vec![doubtful("block.address-not-verified", candidates)];
        assert_eq!(ruled(&facts, when).verdict, Ruling::Act, "{when:?}");
    }
}

#[test]
fn an_orphan_has_nobody_in_a_directory_that_lists_everybody_and_was_read() {
    let verdict = |change: fn(&mut LinkFacts)| {
        let mut facts = facts();
        let mut link = unlinked("corp");
        change(&mut link);
        facts.links = vec![link];
        ruled(&facts, When::Orphaned).verdict
    };
    assert_eq!(verdict(|_| {}), Ruling::Act);
    assert_eq!(verdict(|l| l.authoritative = false), Ruling::Keep);
    assert_eq!(verdict(|l| l.lists_everybody = false), Ruling::Keep);
    assert_eq!(verdict(|l| l.source = None), Ruling::Keep);
    assert_eq!(
        verdict(|l| *l = linked(person("s_1", "corp"))),
        Ruling::Keep
    );
    let candidate = |l: &mut LinkFacts| {
        *l = doubtful("block.ambiguous-identity", vec![person("s_1", "corp")]);
    };
    assert_eq!(verdict(candidate), Ruling::Keep);
    let failed = |l: &mut LinkFacts| {
        l.source.as_mut().unwrap().last.verdict = Verdict::Failed;
    };
    assert_eq!(verdict(failed), Ruling::Withhold);
}

#[test]
fn nobody_is_an_orphan_while_a_directory_was_not_read() {
    for authoritative in [true, false] {
        let mut facts = facts();
        let mut unread = unlinked("subsidiary");
        unread.authoritative = authoritative;
        unread.source = None;
        facts.links = vec![unlinked("corp"), unread];
        assert_eq!(ruled(&facts, When::Orphaned).verdict, Ruling::Keep);
        let link = facts.links.last_mut().unwrap();
        link.source = unlinked("subsidiary").source;
        assert_eq!(ruled(&facts, When::Orphaned).verdict, Ruling::Act);
        let link = facts.links.last_mut().unwrap();
        link.source.as_mut().unwrap().last.verdict = Verdict::Failed;
        assert_eq!(ruled(&facts, When::Orphaned).verdict, Ruling::Withhold);
    }
}

#[test]
fn an_orphan_waits_from_the_first_time_that_it_was_found() {
    let mut facts = facts();
    facts.links = vec![unlinked("corp")];
    let mut orphaned = policy(When::Orphaned);
    orphaned.after_days = 10;
    let policies = set(&[orphaned]);
    let first = decide(&facts, &policies, now());
    assert_eq!(first.verdict, Ruling::Wait);
    assert_eq!(first.due, Some(ago(-10)));
    before(&mut facts, first);
    assert_eq!(decide(&facts, &policies, ago(-9)).verdict, Ruling::Wait);
    facts.tenant.last.rec = ago(-11);
    let link = facts.links.first_mut().unwrap();
    link.source.as_mut().unwrap().last.rec = ago(-11);
    assert_eq!(decide(&facts, &policies, ago(-11)).verdict, Ruling::Act);
}

#[test]
fn a_scope_directory_narrows_and_must_be_read_lately() {
    let (_, mut facts, _) = due().remove(1);
    let mut link = linked(person("s_1", "contractors"));
    link.authoritative = false;
    facts.links = vec![link];
    let mut narrow = policy(When::Inactive);
    narrow.among.directory = Some(name("contractors"));
    let policies = set(&[narrow]);
    let decision = decide(&facts, &policies, now());
    assert_eq!(decision.verdict, Ruling::Act);
    assert_eq!(decision.directories, [name("contractors")]);
    let link = facts.links.first_mut().unwrap();
    link.source.as_mut().unwrap().last.verdict = Verdict::Failed;
    let decision = decide(&facts, &policies, now());
    assert_eq!(blocked(&decision), ["block.source-failed"]);
    let link = facts.links.first_mut().unwrap();
    link.person.as_mut().unwrap().absent = Some(Mark {
        seq: 33,
        since: ago(1),
    });
    assert_eq!(decide(&facts, &policies, now()).verdict, Ruling::Keep);
}

#[test]
fn the_list_of_the_inactive_has_only_usable_accounts_that_are_proved_silent() {
    let rules = set(&[]);
    let mut facts = facts();
    assert!(is_inactive(&facts, &rules, 90, now()));
    logged_in(&mut facts, ago(50));
    assert!(!is_inactive(&facts, &rules, 90, now()));
    assert!(is_inactive(&facts, &rules, 40, now()));
    disabled_at(&mut facts, ago(1));
    assert!(!is_inactive(&facts, &rules, 40, now()));
}

#[test]
fn a_decision_is_news_only_when_it_says_something_else() {
    let mut facts = facts();
    logged_in(&mut facts, ago(1));
    let keep = ruled(&facts, When::Inactive);
    assert!(!differs(None, &keep));
    let mut facts = leaver_facts();
    let act = ruled(&facts, When::Departed);
    assert!(differs(None, &act) && differs(Some(&keep), &act));
    facts.tenant.last.seq = 99;
    let rules = set(&[policy(When::Departed)]);
    let later = decide(&facts, &rules, now().plus_seconds(60));
    assert_ne!(act, later, "the arithmetic and the evidence move on");
    assert!(!differs(Some(&act), &later));
    assert!(differs(Some(&act), &keep));
}

#[test]
fn an_audit_event_of_the_account_itself_is_activity() {
    let (_, mut facts, _) = due().remove(1);
    let mark = Mark {
        seq: 25,
        since: ago(3),
    };
    let seen = facts.activity.as_mut().unwrap();
    seen.newest.insert(Signal::Audit, mark);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.because.as_str(), "keep.active");
    assert!(decision.evidence.contains(&25));
}

#[test]
fn an_orphan_that_somebody_answers_for_stays_until_the_end() {
    use crate::domain::rows::OrphanRow;
    use crate::domain::rows::OrphanWord;
    let words = [
        (OrphanWord::Claimed, "keep.orphan-claimed"),
        (OrphanWord::Accepted, "keep.orphan-accepted"),
    ];
    for (word, because) in words {
        let mut facts = facts();
        facts.links = vec![unlinked("corp")];
        assert_eq!(ruled(&facts, When::Orphaned).verdict, Ruling::Act);
        facts.orphan = Some(OrphanRow {
            account: facts.account.subject.clone(),
            tenant: name("portal"),
            word,
            seq: 77,
            at: ago(3),
            until: now().plus_seconds(1),
            by: None,
            proof: "os-user".to_owned(),
        });
        let kept = ruled(&facts, When::Orphaned);
        assert_eq!(kept.verdict, Ruling::Keep);
        assert_eq!(kept.because.as_str(), because);
        assert!(kept.evidence.contains(&77));
        facts.orphan.as_mut().unwrap().until = now();
        assert_eq!(ruled(&facts, When::Orphaned).verdict, Ruling::Act);
    }
}
