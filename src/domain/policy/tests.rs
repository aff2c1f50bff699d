use serde_json::json;

use crate::domain::policy::*;

fn set(policies: serde_json::Value) -> PolicySet {
    let text = json!({ "policies": policies, "approvers": 3 });
    serde_json::from_value(text).unwrap()
}

fn example() -> serde_json::Value {
    json!({
        "name": "contractors", "when": "inactive", "ring": "enforce",
        "among": { "tenants": ["portal"], "types": ["human"] },
        "after_days": 90, "notice_days": [30, 7],
        "steps": [{ "do": "disable" }, { "do": "remove", "after_days": 30 }],
        "approvals": { "disable": 0, "remove": 2 },
    })
}

fn example_set() -> PolicySet {
    set(json!([example()]))
}

fn with(field: &str, value: serde_json::Value) -> PolicySet {
    let mut policy = example();
    policy[field] = value;
    set(json!([policy]))
}

fn paths(set: &PolicySet) -> Vec<String> {
    set.validate().into_iter().map(|m| m.path).collect()
}

#[test]
fn somebody_new_who_may_sign_loosens_where_two_must() {
    let with = |approvers: u64, signers: &[&str]| PolicySet {
        approvers,
        signers: signers.iter().map(|s| (*s).to_owned()).collect(),
        ..PolicySet::default()
    };
    let two = with(2, &["a", "b"]);
    assert_eq!(
        loosens(Some(&two), &with(3, &["a", "b", "c"])),
        ["signers: 1 new"]
    );
    assert_eq!(
        loosens(Some(&two), &with(2, &["a", "c"])),
        ["signers: 1 new"]
    );
    assert!(loosens(Some(&two), &two).is_empty());
    assert!(loosens(Some(&with(1, &["a"])), &two).is_empty());
}

#[test]
fn what_is_left_out_has_the_careful_value() {
    let set = set(json!([{ "name": "x", "when": "departed", "steps": [{ "do": "disable" }] }]));
    let policy = &set.policies[0];
    assert_eq!(policy.ring, Ring::Observe);
    assert_eq!((policy.approvals.disable, policy.approvals.remove), (0, 2));
    assert_eq!(set.limits, Limits::default());
    assert_eq!(set.limits.plan_expires_hours, 72);
    assert_eq!(set.limits.read_max_age_hours, 24);
    assert!(serde_json::from_value::<PolicySet>(json!({ "policy": [] })).is_err());
}

#[test]
fn a_policy_set_comes_back_from_its_own_text() {
    let text = serde_json::to_value(example_set()).unwrap();
    let back: PolicySet = serde_json::from_value(text).unwrap();
    assert_eq!(back, example_set());
}

#[test]
fn a_sound_policy_has_no_mistakes() {
    assert_eq!(example_set().validate(), Vec::new());
}

#[test]
fn every_mistake_names_its_place() {
    let at = |field: &str| vec![format!("policies.contractors.{field}")];
    let cases = [
        ("steps", json!([]), "steps"),
        (
            "steps",
            json!([{ "do": "remove" }, { "do": "disable" }]),
            "steps",
        ),
        (
            "steps",
            json!([{ "do": "disable", "substitute": "disable" }]),
            "steps",
        ),
        ("notice_days", json!([]), "notice_days"),
        ("notice_days", json!([90]), "notice_days"),
        ("after_days", json!(0), "after_days"),
        ("after_days", json!(40_000), "after_days"),
        ("pilot_percent", json!(101), "pilot_percent"),
        ("approvals", json!({ "remove": 4 }), "approvals"),
        ("approvals", json!({ "remove": 0 }), "approvals.remove"),
        ("among", json!({ "groups": ["staff"] }), "among.groups"),
        ("on", json!("2027-01-20T00:00:00Z"), "on"),
    ];
    for (field, value, path) in cases {
        assert_eq!(
            paths(&with(field, value.clone())),
            at(path),
            "{field} = {value}"
        );
    }
    let twice = set(json!([example(), example()]));
    assert_eq!(paths(&twice), at("name"));
}

#[test]
fn a_clear_out_is_always_approved_and_warns_nobody() {
    let everyone = |approvals, notice| {
        paths(&set(json!([{
            "name": "all", "when": "everyone", "steps": [{ "do": "disable" }],
            "approvals": approvals, "notice_days": notice,
        }])))
    };
    assert_eq!(
        everyone(json!({ "disable": 1 }), json!([])),
        Vec::<String>::new()
    );
    assert_eq!(
        everyone(json!({}), json!([])),
        ["policies.all.approvals.disable"]
    );
    assert_eq!(
        everyone(json!({ "disable": 1 }), json!([7])),
        ["policies.all.notice_days"]
    );
}

#[test]
fn limits_that_switch_a_safeguard_off_are_mistakes() {
    let mut set = example_set();
    set.limits.absent.reads = 1;
    set.limits.breakers.percent = 101;
    set.limits.read_max_age_hours = 0;
    set.limits.plan_expires_hours = 0;
    set.limits.ramp_per_day = 0;
    set.limits.max_drop_percent = 101;
    assert_eq!(set.validate().len(), 6);
}

#[test]
fn a_step_that_a_tenant_cannot_do_needs_a_substitute() {
    let can = |does: Do| {
        let can = BTreeSet::from([does]);
        BTreeMap::from([(SourceName::new("portal"), Capabilities { can })])
    };
    assert_eq!(example_set().check_capabilities(&can(Do::Disable)).len(), 1);
    let named = with(
        "steps",
        json!([{ "do": "disable", "substitute": "remove" }]),
    );
    assert_eq!(named.check_capabilities(&can(Do::Remove)), Vec::new());
    let elsewhere = with("among", json!({ "tenants": ["other"] }));
    assert_eq!(elsewhere.check_capabilities(&can(Do::Disable)), Vec::new());
}

#[test]
fn the_pilot_has_a_stable_share() {
    let policy = &with("pilot_percent", json!(20)).policies[0];
    let inside = (0..10_000)
        .filter(|i| policy.in_pilot(&Subject::new(format!("s_{i:032x}"))))
        .count();
    assert!((1_800..2_200).contains(&inside), "{inside}");
    let wider = &with("pilot_percent", json!(50)).policies[0];
    for i in 0..1_000 {
        let account = Subject::new(format!("s_{i:032x}"));
        assert!(!policy.in_pilot(&account) || wider.in_pilot(&account));
    }
}

#[test]
fn the_first_policy_and_no_change_loosen_nothing() {
    assert_eq!(loosens(None, &example_set()), Vec::<String>::new());
    assert_eq!(
        loosens(Some(&example_set()), &example_set()),
        Vec::<String>::new()
    );
}

#[test]
fn each_loosening_is_found_and_its_reverse_is_none() {
    let steps = |remove_days: u64| json!([{ "do": "disable" }, { "do": "remove", "after_days": remove_days }]);
    let cases = [
        (
            "after_days",
            json!(60),
            "policies.contractors.after_days: 90 -> 60",
        ),
        (
            "notice_days",
            json!([14, 7]),
            "policies.contractors.notice_days: 30 -> 14",
        ),
        (
            "notice_days",
            json!([30]),
            "policies.contractors.notice_days (how many): 2 -> 1",
        ),
        (
            "among",
            json!({ "types": ["human"] }),
            "policies.contractors.among.tenants: wider",
        ),
        (
            "among",
            json!({ "tenants": ["portal"], "types": ["human", "guest"] }),
            "policies.contractors.among.types: wider",
        ),
        (
            "approvals",
            json!({ "remove": 1 }),
            "policies.contractors.approvals.remove: 2 -> 1",
        ),
        (
            "steps",
            steps(10),
            "policies.contractors.steps.remove: 120 -> 100",
        ),
        (
            "pilot_percent",
            json!(20),
            "policies.contractors.pilot_percent: 10 -> 20",
        ),
    ];
    for (field, value, line) in cases {
        let looser = with(field, value);
        let found = loosens(Some(&example_set()), &looser);
        assert!(found.iter().any(|l| l == line), "{line} not in {found:?}");
        assert_eq!(
            loosens(Some(&looser), &example_set()),
            Vec::<String>::new(),
            "{line}"
        );
    }
}

#[test]
fn raising_the_ring_loosens_and_lowering_it_does_not() {
    let pilot = with("ring", json!("pilot"));
    assert_eq!(
        loosens(Some(&pilot), &example_set()),
        ["policies.contractors.ring: pilot -> enforce"]
    );
    assert_eq!(loosens(Some(&example_set()), &pilot), Vec::<String>::new());
}

#[test]
fn a_new_policy_loosens_if_it_acts_and_one_taken_away_if_it_stood_before_another() {
    let none = set(json!([]));
    assert_eq!(
        loosens(Some(&none), &example_set()),
        ["policies.contractors: new, and it acts"]
    );
    let observe = with("ring", json!("observe"));
    assert_eq!(loosens(Some(&none), &observe), Vec::<String>::new());
    assert_eq!(loosens(Some(&example_set()), &none), Vec::<String>::new());

    let mut first = example();
    first["name"] = json!("first");
    first["ring"] = json!("observe");
    let both = set(json!([first.clone(), example()]));
    assert_eq!(
        loosens(Some(&both), &example_set()),
        ["policies.first: taken away from before contractors"]
    );
    let turned = set(json!([example(), first]));
    assert_eq!(loosens(Some(&both), &turned), ["policies: another order"]);
}

#[test]
fn skipping_the_disabling_or_naming_a_substitute_loosens() {
    let direct = with("steps", json!([{ "do": "remove", "after_days": 30 }]));
    assert_eq!(
        loosens(Some(&example_set()), &direct),
        ["policies.contractors.steps: no disable before remove"]
    );
    let substitute = with(
        "steps",
        json!([{ "do": "disable", "substitute": "remove" }, { "do": "remove", "after_days": 30 }]),
    );
    assert_eq!(
        loosens(Some(&example_set()), &substitute),
        [
            "policies.contractors.steps.disable.substitute: remove",
            "policies.contractors.steps.remove: 120 -> 90"
        ]
    );
}

#[test]
fn higher_limits_and_fewer_approvers_loosen() {
    let old = example_set();
    let mut new = old.clone();
    new.limits.breakers.percent = 10;
    new.limits.ramp_per_day = 20;
    new.limits.absent.over_minutes = 5;
    new.approvers = 1;
    assert_eq!(
        loosens(Some(&old), &new),
        [
            "limits.breakers.percent: 5 -> 10",
            "limits.ramp_per_day: 10 -> 20",
            "limits.absent.over_minutes: 60 -> 5",
            "approvers: 3 -> 1"
        ]
    );
    assert_eq!(loosens(Some(&new), &old), Vec::<String>::new());
}

#[test]
fn naming_the_first_account_of_a_program_lifts_a_protection() {
    let with = |machines_named| {
        let guard = SourceGuard {
            machines_named,
            ..SourceGuard::default()
        };
        let mut set = PolicySet::default();
        set.sources.insert("tenant/portal".to_owned(), guard);
        set
    };
    let lines = loosens(Some(&with(false)), &with(true));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("tenant/portal.service_accounts"));
    assert!(loosens(Some(&with(true)), &with(false)).is_empty());
}

#[test]
fn a_shorter_protection_list_or_another_successor_or_address_loosens() {
    let guard = |protect: &[&str], successor: &str| SourceGuard {
        protect: protect.iter().map(|p| (*p).to_owned()).collect(),
        successor: Some(successor.to_owned()),
        address: Some("a".to_owned()),
        authoritative: false,
        ..SourceGuard::default()
    };
    let mut old = example_set();
    old.sources
        .insert("tenant/portal".to_owned(), guard(&["x", "y"], "s"));
    let mut new = old.clone();
    new.sources
        .insert("tenant/portal".to_owned(), guard(&["x", "z"], "t"));
    assert_eq!(
        loosens(Some(&old), &new),
        [
            "sources.tenant/portal.protect: 1 fewer",
            "sources.tenant/portal.successor: another one"
        ]
    );
    new.sources.clear();
    assert_eq!(
        loosens(Some(&old), &new),
        Vec::<String>::new(),
        "it is left alone"
    );
}

#[test]
fn no_orphan_is_touched_unattended() {
    let orphans = |approvals: serde_json::Value| {
        let mut policy = example();
        policy["when"] = "orphaned".into();
        policy["approvals"] = approvals;
        set(json!([policy]))
    };
    let none = orphans(json!({ "disable": 0, "remove": 2 }));
    assert_eq!(paths(&none), ["policies.contractors.approvals.disable"]);
    let none = orphans(json!({ "disable": 1, "remove": 0 }));
    assert_eq!(paths(&none), ["policies.contractors.approvals.remove"]);
    let one = orphans(json!({ "disable": 1, "remove": 1 }));
    assert_eq!(paths(&one), Vec::<String>::new());
}

#[test]
fn every_change_of_the_rules_that_find_people_is_a_loosening() {
    let with = |rules: &[Rule]| {
        let guard = SourceGuard {
            correlate: rules.to_vec(),
            ..SourceGuard::default()
        };
        PolicySet {
            sources: BTreeMap::from([("tenant/portal".to_owned(), guard)]),
            ..PolicySet::default()
        }
    };
    let usual = with(&[]);
    assert!(loosens(Some(&usual), &with(Rule::USUAL)).is_empty());
    let fewer = with(&[Rule::Manual, Rule::ExternalId]);
    let says = ["sources.tenant/portal.correlate: other rules"];
    assert_eq!(loosens(Some(&usual), &fewer), says);
    assert_eq!(loosens(Some(&fewer), &usual), says);
    let turned = with(&[Rule::Manual, Rule::VerifiedAddress, Rule::ExternalId]);
    let order = with(&[Rule::Manual, Rule::ExternalId, Rule::VerifiedAddress]);
    assert_eq!(loosens(Some(&order), &turned), says);
}

#[test]
fn longer_targets_for_leavers_loosen_and_shorter_ones_do_not() {
    let with = |hours: [u64; 3]| PolicySet {
        leavers: LeaverTargets {
            target_hours: hours[0],
            named_target_hours: hours[1],
            high_risk_target_hours: hours[2],
        },
        ..PolicySet::default()
    };
    let usual = PolicySet::default();
    assert_eq!(usual, with([24, 1, 1]));
    assert!(loosens(Some(&usual), &with([8, 1, 1])).is_empty());
    assert_eq!(
        loosens(Some(&usual), &with([48, 2, 3])),
        [
            "leavers.target_hours: 24 -> 48",
            "leavers.named_target_hours: 1 -> 2",
            "leavers.high_risk_target_hours: 1 -> 3",
        ]
    );
    assert_eq!(
        paths(&with([0, 1, 9999])),
        ["leavers.target_hours", "leavers.high_risk_target_hours"]
    );
    // a policy that was adopted before there were targets has the usual ones, and the same text
    let text = serde_json::to_value(&usual).unwrap();
    assert!(text.get("leavers").is_none());
    let other = with([12, 1, 1]);
    let again = serde_json::to_value(&other).unwrap();
    assert_eq!(serde_json::from_value::<PolicySet>(again).unwrap(), other);
}
