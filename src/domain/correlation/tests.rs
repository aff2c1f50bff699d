//! Each rule, each doubt, and what must hold for whatever comes in.

use proptest::collection::btree_set;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn sub(text: &str) -> Subject {
    Subject::new(text)
}

fn who(person: &str, holds: Holds) -> Candidate {
    Candidate {
        person: sub(person),
        holds,
        gone: false,
        leaving: false,
        left_before: false,
        here: true,
        unheard: false,
    }
}

fn first(person: &str) -> Candidate {
    who(person, Holds::First)
}

fn gone(person: &str) -> Candidate {
    Candidate {
        gone: true,
        leaving: true,
        here: false,
        ..first(person)
    }
}

/// An account of the tenant `portal` with an address that it shares with nobody.
fn claim(account: &str) -> Claim {
    Claim {
        account: sub(account),
        tenant: SourceName::new("portal"),
        machine: false,
        address: Email::parse(&format!("{account}@example.com")),
        verified: true,
        before: None,
        stated: Stated::default(),
        by_key: Vec::new(),
        by_number: Vec::new(),
        by_address: Vec::new(),
    }
}

fn ordered(rules: &[Rule]) -> BTreeMap<SourceName, Vec<Rule>> {
    BTreeMap::from([(SourceName::new("portal"), rules.to_vec())])
}

fn one(claim: &Claim) -> Belongs {
    by(Rule::USUAL, claim)
}

fn by(rules: &[Rule], claim: &Claim) -> Belongs {
    let found = correlate(&ordered(rules), std::slice::from_ref(claim));
    found[&claim.account].clone()
}

fn to(person: &str, rule: Rule) -> Belongs {
    Belongs::To(sub(person), rule)
}

fn unclear(code: &'static str, people: &[&str]) -> Belongs {
    Belongs::Unclear(code, people.iter().map(|p| sub(p)).collect())
}

#[test]
fn each_rule_gives_an_account_to_its_person() {
    let mut stated = claim("a");
    stated.stated.to = Some(sub("p"));
    assert_eq!(one(&stated), to("p", Rule::Manual));
    let mut keyed = claim("a");
    keyed.by_key = vec![first("p")];
    assert_eq!(one(&keyed), to("p", Rule::ExternalId));
    let mut numbered = claim("a");
    numbered.by_number = vec![first("p")];
    assert_eq!(one(&numbered), to("p", Rule::EmployeeNumber));
    let mut addressed = claim("a");
    addressed.by_address = vec![first("p")];
    assert_eq!(one(&addressed), to("p", Rule::VerifiedAddress));
    addressed.by_address = vec![who("p", Holds::Further)];
    assert_eq!(one(&addressed), to("p", Rule::ProxyAddress));
    assert_eq!(one(&claim("a")), Belongs::Nobody);
}

#[test]
fn the_first_rule_that_names_anybody_decides() {
    let mut both = claim("a");
    both.by_number = vec![first("n")];
    both.by_address = vec![first("m")];
    assert_eq!(one(&both), to("n", Rule::EmployeeNumber));
    // what a person says comes first, whatever the order
    both.stated.to = Some(sub("s"));
    let rules = [Rule::VerifiedAddress, Rule::EmployeeNumber];
    assert_eq!(by(&rules, &both), to("s", Rule::Manual));
    // a doubt of an earlier rule is not talked away by a later one
    let mut doubtful = claim("a");
    doubtful.by_number = vec![first("n"), first("o")];
    doubtful.by_address = vec![first("n")];
    let says = unclear("block.ambiguous-identity", &["n", "o"]);
    assert_eq!(one(&doubtful), says);
}

#[test]
fn two_identifiers_of_two_people_are_no_certainty_in_any_order() {
    let mut torn = claim("a");
    torn.by_key = vec![first("k")];
    torn.by_number = vec![first("n")];
    let says = unclear("block.conflicting-identity", &["k", "n"]);
    assert_eq!(one(&torn), says);
    let other = [Rule::EmployeeNumber, Rule::ExternalId];
    assert_eq!(by(&other, &torn), says);
    // an address that decides before the identifiers is held against them
    torn.by_number.clear();
    torn.by_address = vec![first("m")];
    let address_first = [Rule::VerifiedAddress, Rule::ExternalId];
    let says = unclear("block.conflicting-identity", &["k", "m"]);
    assert_eq!(by(&address_first, &torn), says);
    // behind them it is an alias, and no key
    assert_eq!(one(&torn), to("k", Rule::ExternalId));
}

#[test]
fn what_several_people_have_is_withheld() {
    let mut shared = claim("a");
    shared.by_address = vec![first("p"), who("q", Holds::Further)];
    let says = unclear("block.ambiguous-identity", &["p", "q"]);
    assert_eq!(one(&shared), says);
    // also where only one of them is looked at by a rule
    assert_eq!(by(&[Rule::VerifiedAddress], &shared), says);
    shared.by_address = vec![first("p"), who("q", Holds::Formerly)];
    let says = unclear("block.recycled-address", &["p", "q"]);
    assert_eq!(one(&shared), says);
    shared.by_address = vec![first("p"), gone("q")];
    assert_eq!(one(&shared), says);
}

#[test]
fn whoever_came_back_as_a_new_person_blocks_what_the_leaver_had() {
    let says = unclear("block.recycled-identifier", &["new", "old"]);
    let mut number = claim("a");
    number.by_number = vec![gone("old"), first("new")];
    assert_eq!(one(&number), says);
    // the old key does not make it the leaver's
    let mut keyed = claim("a");
    keyed.by_key = vec![gone("old")];
    keyed.by_address = vec![gone("old"), first("new")];
    assert_eq!(one(&keyed), says);
    keyed.by_address.clear();
    keyed.by_number = vec![gone("old"), first("new")];
    assert_eq!(by(&[Rule::ExternalId], &keyed), says);
    // who was only renamed, and whose address somebody else got, has the key still
    let mut renamed = claim("a");
    renamed.by_key = vec![first("old")];
    renamed.by_address = vec![who("old", Holds::Formerly), first("new")];
    assert_eq!(one(&renamed), to("old", Rule::ExternalId));
}

#[test]
fn a_renamed_person_keeps_the_account_that_was_theirs() {
    let mut renamed = claim("a");
    renamed.by_address = vec![who("p", Holds::Formerly)];
    assert_eq!(one(&renamed), unclear("block.recycled-address", &["p"]));
    renamed.before = Some(sub("p"));
    assert_eq!(one(&renamed), to("p", Rule::VerifiedAddress));
    renamed.before = Some(sub("q"));
    assert_eq!(one(&renamed), unclear("block.recycled-address", &["p"]));
}

#[test]
fn whoever_came_back_for_a_while_is_a_successor_although_an_end_is_known() {
    let left = Candidate {
        leaving: true,
        here: false,
        ..first("p")
    };
    // a contract that ends some day: they are here until then
    let back = Candidate {
        leaving: true,
        ..first("q")
    };
    let mut account = claim("a");
    account.by_key = vec![left.clone()];
    account.by_address = vec![left.clone(), back.clone()];
    let says = unclear("block.recycled-identifier", &["p", "q"]);
    assert_eq!(one(&account), says);
    account.by_address = vec![
        left.clone(),
        Candidate {
            here: false,
            ..back
        },
    ];
    assert_eq!(one(&account), to("p", Rule::ExternalId));
}

#[test]
fn a_word_about_a_leaver_ends_when_somebody_unheard_of_has_what_they_had() {
    let left = Candidate {
        leaving: true,
        here: false,
        ..first("p")
    };
    let mut account = claim("a");
    account.stated.to = Some(sub("p"));
    account.by_address = vec![left.clone(), first("q")];
    assert_eq!(
        one(&account),
        to("p", Rule::Manual),
        "who said so knew of q"
    );
    let new = Candidate {
        unheard: true,
        ..first("q")
    };
    account.by_address = vec![left, new.clone()];
    let says = unclear("block.recycled-identifier", &["p", "q"]);
    assert_eq!(one(&account), says);
    account.by_address = vec![first("p"), new];
    assert_eq!(one(&account), to("p", Rule::Manual), "p has not left");
}

#[test]
fn a_word_ends_when_what_the_account_has_is_somebody_elses_of_whom_it_did_not_know() {
    let new = Candidate {
        unheard: true,
        ..first("q")
    };
    let mut account = claim("a");
    account.stated.to = Some(sub("p"));
    account.by_address = vec![new.clone()];
    let says = unclear("block.recycled-address", &["p", "q"]);
    assert_eq!(one(&account), says);
    account.by_address = vec![new.clone(), who("p", Holds::Formerly)];
    assert_eq!(one(&account), says, "p has given it up");
    account.by_address = vec![new.clone(), first("p")];
    assert_eq!(one(&account), to("p", Rule::Manual), "it is p's as well");
    account.by_address = vec![Candidate {
        here: false,
        ..new.clone()
    }];
    assert_eq!(one(&account), to("p", Rule::Manual), "q is not there");
    account.by_address = vec![first("q")];
    assert_eq!(one(&account), to("p", Rule::Manual), "q was known");
    account.by_address.clear();
    let says = unclear("block.recycled-identifier", &["p", "q"]);
    account.by_number = vec![new.clone()];
    assert_eq!(one(&account), says);
    account.by_key = std::mem::take(&mut account.by_number);
    assert_eq!(one(&account), says);
    account.stated.not.insert(sub("q"));
    assert_eq!(one(&account), to("p", Rule::Manual), "it is not q's");
}

#[test]
fn an_account_that_is_younger_than_the_departure_is_not_the_leavers() {
    let before = Candidate {
        left_before: true,
        ..first("p")
    };
    let mut young = claim("a");
    young.by_address = vec![before.clone()];
    assert_eq!(one(&young), unclear("block.recycled-address", &["p"]));
    young.by_address.clear();
    young.by_number = vec![before.clone()];
    assert_eq!(one(&young), unclear("block.recycled-identifier", &["p"]));
    young.by_key = vec![before];
    assert_eq!(one(&young), to("p", Rule::ExternalId));
}

#[test]
fn addresses_need_the_word_of_the_tenant() {
    for holds in [Holds::First, Holds::Further] {
        let mut unverified = claim("a");
        unverified.verified = false;
        unverified.by_address = vec![who("p", holds)];
        let says = unclear("block.address-not-verified", &["p"]);
        assert_eq!(one(&unverified), says);
    }
}

#[test]
fn a_rule_that_is_not_used_makes_nobody_an_orphan() {
    let mut further = claim("a");
    further.by_address = vec![who("p", Holds::Further)];
    let rules = [Rule::ExternalId, Rule::VerifiedAddress];
    let says = unclear("block.rule-not-used", &["p"]);
    assert_eq!(by(&rules, &further), says);
}

#[test]
fn whose_it_is_not_is_left_out_of_every_rule() {
    let mut denied = claim("a");
    denied.by_key = vec![first("p")];
    denied.by_address = vec![first("p"), first("q")];
    denied.stated.not = BTreeSet::from([sub("p")]);
    assert_eq!(one(&denied), to("q", Rule::VerifiedAddress));
    denied.stated.not.insert(sub("q"));
    assert_eq!(one(&denied), Belongs::Nobody);
}

fn both(a: &Claim, b: &Claim) -> (Belongs, Belongs) {
    let found = correlate(&BTreeMap::new(), &[a.clone(), b.clone()]);
    (found[&a.account].clone(), found[&b.account].clone())
}

#[test]
fn two_accounts_of_one_person_in_one_tenant_are_withheld() {
    let (mut a, mut b) = (claim("a"), claim("b"));
    a.by_key = vec![first("p")];
    b.by_number = vec![first("p")];
    let says = unclear("block.shared-person", &["p"]);
    assert_eq!(both(&a, &b), (says.clone(), says.clone()));
    // in two tenants they are what is usual
    b.tenant = SourceName::new("other");
    let usual = (to("p", Rule::ExternalId), to("p", Rule::EmployeeNumber));
    assert_eq!(both(&a, &b), usual);
    // a machine's account is no second one
    b.tenant = a.tenant.clone();
    b.machine = true;
    assert_eq!(both(&a, &b), usual);
    // what somebody has said stays, and the other one waits for a word of its own
    b.machine = false;
    a.stated.to = Some(sub("p"));
    assert_eq!(both(&a, &b), (to("p", Rule::Manual), says));
    b.stated.to = Some(sub("p"));
    let said = to("p", Rule::Manual);
    assert_eq!(both(&a, &b), (said.clone(), said));
}

#[test]
fn two_accounts_with_one_address_are_withheld_verified_or_not() {
    let (mut a, mut b) = (claim("a"), claim("b"));
    b.address = a.address.clone();
    b.verified = false;
    a.by_address = vec![first("p")];
    b.by_address = vec![first("p")];
    let says = unclear("block.shared-person", &["p"]);
    assert_eq!(both(&a, &b), (says.clone(), says));
    b.machine = true;
    assert_eq!(both(&a, &b).0, to("p", Rule::VerifiedAddress));
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let holds = prop_oneof![
        Just(Holds::First),
        Just(Holds::Further),
        Just(Holds::Formerly)
    ];
    ("[pqr]", holds, any::<[bool; 5]>()).prop_map(|(person, holds, flags)| {
        let [gone, leaving, left_before, here, unheard] = flags;
        Candidate {
            person: sub(&person),
            holds,
            gone,
            leaving,
            left_before,
            here,
            unheard,
        }
    })
}

fn any_claim(number: usize) -> impl Strategy<Value = Claim> {
    let sets = [
        vec(any_candidate(), 0..2).boxed(),
        vec(any_candidate(), 0..3).boxed(),
        vec(any_candidate(), 0..3).boxed(),
    ];
    (
        "[tu]",
        any::<[bool; 2]>(),
        "[xyz]",
        option::of("[pqr]"),
        option::weighted(0.2, "[pqr]"),
        btree_set("[pqr]", 0..2),
        sets,
    )
        .prop_map(
            move |(tenant, [machine, verified], address, before, to, not, sets)| {
                let [by_key, by_number, by_address] = sets;
                Claim {
                    account: sub(&format!("a{number}")),
                    tenant: SourceName::new(tenant),
                    machine,
                    address: Email::parse(&format!("{address}@example.com")),
                    verified,
                    before: before.map(Subject::new),
                    stated: Stated {
                        to: to.map(Subject::new),
                        not: not.into_iter().map(Subject::new).collect(),
                    },
                    by_key,
                    by_number,
                    by_address,
                }
            },
        )
}

fn any_claims() -> impl Strategy<Value = (Vec<Claim>, Vec<Claim>)> {
    let claims: Vec<_> = (0..6).map(any_claim).collect();
    claims.prop_flat_map(|claims| (Just(claims.clone()), Just(claims).prop_shuffle()))
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    Just(Rule::USUAL.to_vec())
        .prop_shuffle()
        .prop_flat_map(|all| {
            let most = all.len();
            (Just(all), 0..=most).prop_map(|(mut all, kept)| {
                all.truncate(kept);
                all
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_accounts_means_nothing((claims, shuffled) in any_claims(), rules in any_rules()) {
        let order = BTreeMap::from([(SourceName::new("t"), rules)]);
        let found = correlate(&order, &claims);
        prop_assert_eq!(&found, &correlate(&order, &shuffled));
        prop_assert_eq!(found.len(), claims.len());
    }

    #[test]
    fn nobody_is_given_what_is_not_theirs((claims, _) in any_claims(), rules in any_rules()) {
        let order = BTreeMap::from([(SourceName::new("t"), rules.clone())]);
        let found = correlate(&order, &claims);
        let mut second: BTreeMap<(SourceName, Subject), usize> = BTreeMap::new();
        for claim in &claims {
            match &found[&claim.account] {
                Belongs::To(person, Rule::Manual) => {
                    prop_assert_eq!(Some(person), claim.stated.to.as_ref());
                }
                Belongs::To(person, rule) => {
                    prop_assert!(!claim.stated.not.contains(person));
                    prop_assert!(claim.stated.to.is_none());
                    prop_assert!(claim.tenant.as_str() != "t" || rules.contains(rule));
                    let set = match rule {
                        Rule::ExternalId => &claim.by_key,
                        Rule::EmployeeNumber => &claim.by_number,
                        _ => &claim.by_address,
                    };
                    let named: BTreeSet<_> = claim.open(set).iter().map(|c| c.person.clone()).collect();
                    prop_assert_eq!(named, BTreeSet::from([person.clone()]));
                    if matches!(rule, Rule::VerifiedAddress | Rule::ProxyAddress) {
                        prop_assert!(claim.verified);
                    }
                    if !claim.machine {
                        *second.entry((claim.tenant.clone(), person.clone())).or_default() += 1;
                    }
                }
                Belongs::Unclear(code, people) => {
                    prop_assert!(!people.is_empty(), "{}", code);
                    prop_assert!(people.iter().all(|p| !claim.stated.not.contains(p)));
                }
                Belongs::Nobody => prop_assert_eq!(claim.everybody(), Vec::new()),
            }
        }
        prop_assert!(second.values().all(|count| *count < 2), "{:?}", second);
    }
}
