//! Deleting and taking out, with what the tenant makes of it.

use exeunt::domain::account::Do;
use exeunt::provider::Answer;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Provider as _;
use exeunt::provider::Settled;
use exeunt::sandbox::projectplace::FailedForm;
use exeunt::sandbox::projectplace::Gone;
use exeunt::sandbox::projectplace::IdForm;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::projectplace::Sort;
use exeunt::sandbox::projectplace::Standing;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::provider::projectplace::HEIR;
use crate::provider::projectplace::adapter;
use crate::provider::projectplace::order;
use crate::provider::projectplace::people;
use crate::provider::projectplace::quiet;
use crate::provider::projectplace::target;
use crate::provider::projectplace::tenant;

/// Somebody with a role.
fn one(tenant: &ProjectPlaceHandle, role: Role) -> u64 {
    tenant.control().with(|account| {
        let users = account.users().filter(|u| u.role == role && u.id != HEIR);
        users.last().unwrap().id
    })
}

fn standing(tenant: &ProjectPlaceHandle, id: u64) -> Standing {
    let account = tenant.control();
    account.with(|account| account.user(id).unwrap().standing)
}

/// Makes somebody head of one of each sort; returns the ids.
fn heads_everything(tenant: &ProjectPlaceHandle, id: u64) -> Vec<(Sort, u64)> {
    let make = |sort| {
        let control = tenant.control();
        let made = control.with(|account| account.add_artifact(sort, "Rollout 2026", id));
        (sort, made.unwrap())
    };
    Sort::ALL.into_iter().map(make).collect()
}

async fn attempt(tenant: &ProjectPlaceHandle, id: u64) -> Answer {
    let adapter = adapter(tenant);
    let order = order(&adapter, id).await;
    adapter.execute(&target(id), &order).await
}

#[tokio::test]
async fn a_member_goes_and_everything_stays_with_the_successor() {
    for (ids, artifact_ids) in [
        (IdForm::Integer, IdForm::Integer),
        (IdForm::String, IdForm::String),
    ] {
        let settings = Settings {
            ids,
            artifact_ids,
            ..Settings::default()
        };
        let tenant = tenant(people(), settings);
        let member = one(&tenant, Role::Member);
        let things = heads_everything(&tenant, member);
        let adapter = adapter(&tenant);
        let owned = adapter.owned(&member.to_string()).await.unwrap();
        let own = things.iter().map(|(_, id)| id.to_string());
        assert!(own.clone().all(|id| owned.iter().any(|o| o.id == id)));
        let order = order(&adapter, member).await;
        assert_eq!(order.owned.values().sum::<u64>(), owned.len() as u64);
        let answer = adapter.execute(&target(member), &order).await;
        assert_eq!(answer.verdict, AnswerVerdict::Done, "{answer:?}");
        assert_eq!(standing(&tenant, member), Standing::Deleted);
        tenant.control().with(|account| {
            assert!(
                things
                    .iter()
                    .all(|(s, id)| account.head_of(*s, *id) == Some(HEIR))
            );
            assert_eq!(account.headed_by(member).count(), 0);
        });
        assert_eq!(adapter.account(&member.to_string()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_external_member_is_taken_out() {
    let tenant = tenant(people(), Settings::default());
    let external = one(&tenant, Role::External);
    assert_eq!(
        attempt(&tenant, external).await.verdict,
        AnswerVerdict::Done
    );
    assert_eq!(standing(&tenant, external), Standing::Removed);
}

#[tokio::test]
async fn nobody_else_is_touched() {
    let tenant = tenant(people(), Settings::default());
    let adapter = adapter(&tenant);
    for role in [
        Role::Owner,
        Role::CoOwner,
        Role::Admin,
        Role::Pending,
        Role::Unregistered,
    ] {
        let next = adapter
            .prepare(&target(one(&tenant, role)), Do::Remove)
            .await;
        assert!(matches!(next, Ok(Next::Withhold(_))), "{role:?} {next:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_so_in_both_forms() {
    for failed in [FailedForm::List, FailedForm::Object] {
        let settings = Settings {
            failed,
            ..Settings::default()
        };
        let tenant = tenant(people(), settings);
        let member = one(&tenant, Role::Member);
        let adapter = adapter(&tenant);
        let order = order(&adapter, member).await;
        // they become head of something between the reading and the call
        heads_everything(&tenant, member);
        let answer = adapter.execute(&target(member), &order).await;
        assert_eq!(answer.verdict, AnswerVerdict::Refused);
        assert_eq!(standing(&tenant, member), Standing::Here);
        // the next preparation reads anew and hands it over
        assert_eq!(attempt(&tenant, member).await.verdict, AnswerVerdict::Done);
    }
}

#[tokio::test]
async fn what_was_handed_over_by_half_is_gone_on_with() {
    let settings = Settings {
        half_taken: true,
        ..Settings::default()
    };
    let tenant = tenant(people(), settings);
    let member = one(&tenant, Role::Member);
    heads_everything(&tenant, member);
    assert_eq!(
        attempt(&tenant, member).await.verdict,
        AnswerVerdict::Refused
    );
    let control = tenant.control();
    control.with(|account| account.change_settings(|s| s.half_taken = false));
    let adapter = adapter(&tenant);
    let rest = order(&adapter, member).await;
    assert!(rest.owned.is_empty(), "{:?}", rest.owned);
    let answer = adapter.execute(&target(member), &rest).await;
    assert_eq!(answer.verdict, AnswerVerdict::Done);
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_the_lists() {
    for (fault, settled) in [
        (Fault::LostAnswer, Settled::TookEffect),
        (Fault::Drop, Settled::DidNot),
        (Fault::Html { status: 502 }, Settled::DidNot),
    ] {
        let tenant = tenant(people(), Settings::default());
        let member = one(&tenant, Role::Member);
        let call = Matcher::new("POST", &format!("/1/account/people/{member}"));
        let rule = FaultRule::always(call, fault.clone());
        tenant.control().add_fault(rule);
        let answer = attempt(&tenant, member).await;
        assert_eq!(answer.verdict, AnswerVerdict::Unknown, "{fault:?}");
        let settle = adapter(&tenant).settle(&target(member), Do::Remove).await;
        assert_eq!(settle.unwrap(), settled, "{fault:?}");
        // a search that is cut at its end shows nobody as gone
        let cut = Matcher::new("POST", "/1/account/people");
        let rule = FaultRule::always(cut, Fault::ShortPage { by: 2 });
        tenant.control().add_fault(rule);
        let settle = adapter(&tenant).settle(&target(member), Do::Remove).await;
        assert!(settle.is_err(), "{fault:?}");
    }
}

#[tokio::test]
async fn somebody_who_is_gone_already_is_not_called_again() {
    for gone in [Gone::NotFound, Gone::Failed, Gone::Succeeded] {
        let settings = Settings {
            gone,
            ..Settings::default()
        };
        let tenant = tenant(people(), settings);
        let member = one(&tenant, Role::Member);
        let adapter = adapter(&tenant);
        let order = order(&adapter, member).await;
        attempt(&tenant, member).await;
        let next = adapter.prepare(&target(member), Do::Remove).await.unwrap();
        assert_eq!(next, Next::Withhold("block.unknown-account"));
        // and if the call was on its way meanwhile, nothing but the tenant's word counts
        let answer = adapter.execute(&target(member), &order).await;
        let expected = match gone {
            Gone::Succeeded => AnswerVerdict::Done,
            _ => AnswerVerdict::Refused,
        };
        assert_eq!(answer.verdict, expected, "{gone:?}");
    }
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let tenant = tenant(people(), Settings::default());
    let probes = adapter(&tenant).check().await;
    let bad = probes
        .iter()
        .any(|p| p.state == exeunt::provider::ProbeState::Bad);
    assert!(!bad, "{probes:#?}");
    tenant
        .control()
        .with(|account| assert!(account.actions().is_empty()));
    assert!(adapter(&tenant).accounts(&quiet).await.is_ok());
}
