use std::slice::from_ref;

use crate::domain::decide::plain;
use crate::domain::id::EntryId;
use crate::domain::plan::*;
use crate::domain::policy::Policy;
use crate::domain::rows::ApprovalRow;
use crate::domain::rows::When;
use crate::domain::succession::Via;

fn now() -> Time {
    Time::from_seconds(1_800_000_000)
}

fn act(class: Class, does: Do) -> Decision {
    let mut decision = plain(Ruling::Act, "leaver.disabled");
    decision.policy = Some("rule".to_owned());
    decision.does = Some(does);
    decision.class = Some(class);
    decision.directories = vec![SourceName::new("corp")];
    decision
}

fn decided<'a>(account: &str, decision: &'a Decision) -> Decided<'a> {
    Decided {
        account: Subject::new(account),
        tenant: SourceName::new("portal"),
        seq: 7,
        decision,
    }
}

fn one(class: Class, does: Do) -> Step {
    let decision = act(class, does);
    steps(
        &[decided("s_1", &decision)],
        &BTreeSet::new(),
        &BTreeMap::new(),
    )
    .remove(0)
}

fn rules(approvers: u64, disable: u64, remove: u64) -> PolicySet {
    let policy: Policy = serde_json::from_value(serde_json::json!({
        "name": "rule", "when": "departed", "steps": [{ "do": "disable" }],
        "approvals": { "disable": disable, "remove": remove },
    }))
    .unwrap();
    assert_eq!(policy.when, When::Departed);
    PolicySet {
        policies: vec![policy],
        approvers,
        ..PolicySet::default()
    }
}

fn plan_row() -> PlanRow {
    PlanRow {
        plan: EntryId::new("plan"),
        parent: None,
        seq: 8,
        digest: "digest".to_owned(),
        root: String::new(),
        count: 1,
        now: now(),
        expires_at: expires_at(&PolicySet::default(), now()),
        policy: 3,
        breakers: Vec::new(),
        approvals: Vec::new(),
        rejected: None,
        replaced_by: None,
    }
}

fn approval(by: &str, proof: &str) -> ApprovalRow {
    ApprovalRow {
        seq: 9,
        by: Some(Subject::new(by)),
        self_approved: false,
        proof: proof.to_owned(),
    }
}

#[test]
fn only_what_acts_and_is_in_no_open_plan_becomes_a_step_and_leavers_come_first() {
    let silent = act(Class::Inactive, Do::Disable);
    let left = act(Class::Explicit, Do::Remove);
    let mut withheld = left.clone();
    withheld.verdict = Ruling::Withhold;
    let all = [
        decided("s_1", &silent),
        decided("s_2", &withheld),
        decided("s_3", &left),
        decided("s_4", &left),
        decided("s_3", &left),
    ];
    let heir = Chosen {
        account: Some(Subject::new("s_heir")),
        how: Succession {
            by: Some(Via::Team),
            ..Succession::default()
        },
    };
    let each = ["s_1", "s_3"].map(|account| (Subject::new(account), heir.clone()));
    let successors = BTreeMap::from(each);
    let made = steps(&all, &BTreeSet::from([Subject::new("s_4")]), &successors);
    let accounts: Vec<_> = made.iter().map(|s| s.account.as_str()).collect();
    assert_eq!(accounts, ["s_3", "s_1"]);
    assert_eq!(made[0].successor, Some(Subject::new("s_heir")));
    let bytes = String::from_utf8(leaf(&made[0]).unwrap()).unwrap();
    assert!(
        bytes.contains(r#""succession":{"by":"team"},"successor":"s_heir""#),
        "{bytes}"
    );
    assert_eq!(
        made[1].successor, None,
        "a disabled account keeps what it owns"
    );
}

#[test]
fn the_bytes_of_a_step_and_of_a_plan_are_canonical() {
    let bytes = String::from_utf8(leaf(&one(Class::Explicit, Do::Disable)).unwrap()).unwrap();
    assert_eq!(
        bytes,
        r#"{"account":"s_1","because":"leaver.disabled","class":"explicit","decision":7,"directories":["corp"],"do":"disable","policy":"rule","tenant":"portal"}"#
    );
    let mut plan = PlanCreated {
        plan: EntryId::new("plan"),
        parent: None,
        root: "00".to_owned(),
        count: 1,
        head: 12,
        now: now(),
        expires_at: now(),
        policy: 3,
        digest: "this is not hashed".to_owned(),
        breakers: Vec::new(),
    };
    let input = digest_input(&plan).unwrap();
    assert!(!input.contains("digest") && input.contains(r#""count":1"#));
    plan.digest = "nor is this".to_owned();
    assert_eq!(digest_input(&plan).unwrap(), input);
    plan.count = 2;
    assert_ne!(digest_input(&plan).unwrap(), input);
}

#[test]
fn plans_are_the_same_if_they_want_the_same() {
    let a = one(Class::Explicit, Do::Disable);
    let mut later = a.clone();
    later.decision = 99;
    assert!(same_steps(from_ref(&a), from_ref(&later)));
    later.because = Code::new("leaver.leave-date");
    assert!(!same_steps(from_ref(&a), &[later]));
    assert!(!same_steps(&[a], &[]));
}

#[test]
fn a_plan_expires_after_three_days() {
    let plan = plan_row();
    assert!(!is_expired(&plan, now().plus_seconds(72 * 3600 - 1)));
    assert!(is_expired(&plan, now().plus_seconds(72 * 3600)));
}

#[test]
fn the_strictest_step_says_how_many_approvals() {
    let disable = one(Class::Explicit, Do::Disable);
    let remove = one(Class::Explicit, Do::Remove);
    let everyone = one(Class::Everyone, Do::Disable);
    let both = [disable.clone(), remove];
    assert_eq!(approvals_needed(&both, &rules(3, 0, 2)), 2);
    assert_eq!(
        approvals_needed(&both, &rules(1, 0, 2)),
        1,
        "nobody else is there"
    );
    assert_eq!(approvals_needed(from_ref(&disable), &rules(3, 0, 2)), 0);
    assert_eq!(approvals_needed(&[everyone], &rules(3, 0, 2)), 1);
    let mut unknown = disable;
    unknown.policy = "another".to_owned();
    unknown.does = Do::Remove;
    assert_eq!(approvals_needed(&[unknown], &rules(3, 0, 0)), 2);
}

#[test]
fn approvals_count_by_person_and_two_need_signatures() {
    let mut plan = plan_row();
    assert!(is_approved(&plan, 0) && !is_approved(&plan, 1));
    plan.approvals = vec![approval("s_ada", "os-user")];
    assert!(is_approved(&plan, 1));
    plan.approvals.push(approval("s_ben", "signature"));
    assert!(!is_approved(&plan, 2));
    plan.approvals.push(approval("s_ben", "signature"));
    assert!(!is_approved(&plan, 2), "the same person again");
    plan.approvals.push(approval("s_ada", "signature"));
    assert!(is_approved(&plan, 2));
    plan.rejected = Some(10);
    assert!(!is_approved(&plan, 0));
}

#[test]
fn a_step_holds_only_while_the_same_would_be_decided() {
    let step = one(Class::Explicit, Do::Disable);
    let fresh = act(Class::Explicit, Do::Disable);
    assert_eq!(recheck(&step, &fresh, None), None);
    let changed = |change: fn(&mut Decision)| {
        let mut fresh = fresh.clone();
        change(&mut fresh);
        recheck(&step, &fresh, None).unwrap().as_str().to_owned()
    };
    assert_eq!(changed(|d| d.does = Some(Do::Remove)), "step.changed");
    assert_eq!(changed(|d| d.policy = Some("other".into())), "step.changed");
    let because = |d: &mut Decision| d.because = Code::new("leaver.leave-date");
    assert_eq!(changed(because), "step.changed");
    // on another directory's word than the brakes were asked about
    let elsewhere = |d: &mut Decision| d.directories = vec![SourceName::new("other")];
    assert_eq!(changed(elsewhere), "step.changed");
    assert_eq!(changed(|d| d.verdict = Ruling::Keep), "step.fell-away");
    let blocked = |d: &mut Decision| {
        d.verdict = Ruling::Withhold;
        d.blocked = vec![Code::new("block.source-stale")];
    };
    assert_eq!(changed(blocked), "block.source-stale");
    let heir = Subject::new("s_heir");
    assert_eq!(
        recheck(&step, &fresh, Some(&heir)),
        Some(Code::new("step.changed"))
    );
}

#[test]
fn a_plan_for_orphans_needs_somebody_whatever_the_policy_says() {
    let mut set = rules(0, 0, 0);
    let step = one(Class::Inactive, Do::Disable);
    assert_eq!(approvals_needed(from_ref(&step), &set), 0);
    set.policies[0].when = When::Orphaned;
    assert_eq!(approvals_needed(from_ref(&step), &set), 1);
}
