//! What a removal does to a domain, and what it never does.

use exeunt::domain::account::Do;
use exeunt::provider::Answer;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Order;
use exeunt::provider::Provider as _;
use exeunt::provider::Settled;
use exeunt::provider::huwise::Huwise;
use exeunt::sandbox::huwise::ADMINS;
use exeunt::sandbox::huwise::ApiKey;
use exeunt::sandbox::huwise::DESIGNERS;
use exeunt::sandbox::huwise::HuwiseHandle;
use exeunt::sandbox::huwise::LastAdmin;
use exeunt::sandbox::huwise::Settings;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::provider::huwise::CLEO;
use crate::provider::huwise::adapter;
use crate::provider::huwise::id;
use crate::provider::huwise::keys_shown;
use crate::provider::huwise::people;
use crate::provider::huwise::silent;
use crate::provider::huwise::target;
use crate::provider::huwise::tenant;

async fn order(adapter: &Huwise, id: &str) -> Order {
    match adapter.prepare(&target(id), Do::Remove).await.unwrap() {
        Next::Send(order) => *order,
        other => panic!("no request: {other:?}"),
    }
}

async fn remove(adapter: &Huwise, id: &str) -> Answer {
    let order = order(adapter, id).await;
    adapter.execute(&target(id), &order).await
}

fn is_there(tenant: &HuwiseHandle, name: &str) -> bool {
    tenant.control().with(|domain| domain.user(name).is_some())
}

fn deletions(tenant: &HuwiseHandle) -> usize {
    let requests = tenant.control().requests();
    assert!(
        requests
            .iter()
            .all(|r| ["GET", "DELETE"].contains(&r.method.as_str()))
    );
    requests.iter().filter(|r| r.method == "DELETE").count()
}

#[tokio::test]
async fn whoever_is_meant_goes_and_nobody_else() {
    for name in [CLEO, "anna maria 7", "o'neil/x?y#z%", "münze@example.com"] {
        let tenant = tenant(people(), keys_shown());
        let control = tenant.control();
        let user = silent(name, control.now(), 400);
        control.with(|domain| domain.add_user(user));
        let before = control.with(|domain| domain.users().count());
        let (adapter, id) = (adapter(&tenant), id(&tenant, name));
        let answer = remove(&adapter, &id).await;
        assert_eq!(answer.verdict, AnswerVerdict::Done, "{name}");
        assert_eq!(adapter.account(&id).await.unwrap(), None);
        assert!(adapter.shows(None, Do::Remove));
        let departed = control.with(|domain| {
            assert_eq!(domain.users().count(), before - 1);
            let gone = domain.departed().iter();
            gone.map(|d| d.user.username.clone()).collect::<Vec<_>>()
        });
        assert_eq!(departed, [name]);
        assert_eq!(deletions(&tenant), 1);
    }
}

#[tokio::test]
async fn an_invitation_goes_although_no_key_can_be_seen() {
    let tenant = tenant(Population::of(3, 0), Settings::default());
    let control = tenant.control();
    control.with(|domain| {
        let mut rui = silent("rui", control.now(), 0);
        (rui.last_login, rui.last_seen) = (None, None);
        domain.add_user(rui);
    });
    let adapter = adapter(&tenant);
    let next = adapter
        .prepare(&target(&id(&tenant, CLEO)), Do::Remove)
        .await;
    let unseen = Next::Withhold("block.protected-keys-unseen");
    assert_eq!(next.unwrap(), unseen);
    let answer = remove(&adapter, &id(&tenant, "rui")).await;
    assert_eq!(answer.verdict, AnswerVerdict::Done);
}

#[tokio::test]
async fn what_came_between_decision_and_call_is_seen() {
    type Change = fn(&mut exeunt::sandbox::huwise::Huwise);
    let key = |domain: &mut exeunt::sandbox::huwise::Huwise| {
        let mut key: ApiKey = domain.keys().next().unwrap().clone();
        key.uid.clear();
        key.key.clear();
        CLEO.clone_into(&mut key.owner);
        domain.add_key(key);
    };
    let changes: [(Change, &str); 4] = [
        (|d| assert!(d.join(ADMINS, CLEO)), "block.protected-admin"),
        (
            |d| assert!(d.join(DESIGNERS, CLEO)),
            "block.protected-admin",
        ),
        (
            |d| assert!(d.change(CLEO, |u| u.ods = true)),
            "block.protected-staff",
        ),
        (key, "block.protected-key-owner"),
    ];
    for (change, code) in changes {
        let tenant = tenant(people(), keys_shown());
        let adapter = adapter(&tenant);
        adapter.accounts(&|_| {}).await.unwrap();
        tenant.control().with(change);
        let next = adapter
            .prepare(&target(&id(&tenant, CLEO)), Do::Remove)
            .await;
        assert_eq!(next.unwrap(), Next::Withhold(code));
        assert_eq!(deletions(&tenant), 0);
    }
}

#[tokio::test]
async fn whoever_is_invited_again_is_somebody_else() {
    let tenant = tenant(people(), keys_shown());
    let (adapter, old) = (adapter(&tenant), id(&tenant, CLEO));
    let control = tenant.control();
    let before = order(&adapter, &old).await;
    control.with(|domain| {
        let joined = control.now();
        assert!(domain.change(CLEO, |user| user.joined = joined));
    });
    assert_ne!(id(&tenant, CLEO), old);
    assert_eq!(adapter.account(&old).await.unwrap(), None);
    assert!(adapter.prepare(&target(&old), Do::Remove).await.is_err());
    let again = adapter.account(&id(&tenant, CLEO)).await.unwrap();
    assert!(again.is_some());
    assert_eq!(before.does, Do::Remove);
    assert_eq!(deletions(&tenant), 0);
}

#[tokio::test]
async fn a_domain_that_says_yes_and_does_nothing_is_found_out() {
    let settings = Settings {
        deaf: [CLEO.to_owned()].into(),
        ..keys_shown()
    };
    let tenant = tenant(people(), settings);
    let (adapter, id) = (adapter(&tenant), id(&tenant, CLEO));
    assert_eq!(remove(&adapter, &id).await.verdict, AnswerVerdict::Done);
    let back = adapter.account(&id).await.unwrap().unwrap();
    assert!(!adapter.shows(Some(&back.facts), Do::Remove));
    let settled = adapter.settle(&target(&id), Do::Remove).await.unwrap();
    assert_eq!(settled, Settled::DidNot);
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_not_repeated() {
    let tenant = tenant(people(), keys_shown());
    let (adapter, id) = (adapter(&tenant), id(&tenant, CLEO));
    let matcher = Matcher::new("DELETE", "/api/automation/v1.0/users/");
    tenant
        .control()
        .add_fault(FaultRule::once(matcher, Fault::LostAnswer));
    let answer = remove(&adapter, &id).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Unknown, "call.lost")
    );
    assert!(!is_there(&tenant, CLEO));
    let settled = adapter.settle(&target(&id), Do::Remove).await.unwrap();
    assert_eq!(settled, Settled::TookEffect);
    assert_eq!(deletions(&tenant), 1);
}

#[tokio::test]
async fn somebody_who_went_meanwhile_is_already_gone() {
    let tenant = tenant(people(), keys_shown());
    let (adapter, id) = (adapter(&tenant), id(&tenant, CLEO));
    let order = order(&adapter, &id).await;
    let control = tenant.control();
    control.with(|domain| domain.remove_user(CLEO, control.now()));
    let answer = adapter.execute(&target(&id), &order).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Already, "call.already")
    );
}

#[tokio::test]
async fn the_last_administrator_is_kept_by_us_and_by_the_domain() {
    for (status, verdict) in [
        (400, AnswerVerdict::Refused),
        (403, AnswerVerdict::Refused),
        (409, AnswerVerdict::Refused),
        (422, AnswerVerdict::Unknown),
    ] {
        let settings = Settings {
            last_admin: LastAdmin {
                status,
                code: "last_admin".to_owned(),
            },
            ..keys_shown()
        };
        // all keys but one's own belong to nobody who administers
        let tenant = tenant(Population::of(1, 0), settings);
        let (adapter, cleo) = (adapter(&tenant), id(&tenant, CLEO));
        let name = tenant.control().with(|domain| {
            let mut key: ApiKey = domain.keys().next().unwrap().clone();
            let boss = key.owner.clone();
            (key.uid, key.key) = (String::new(), String::new());
            domain.add_user(silent("robot", chrono::Utc::now(), 3));
            key.owner = "robot".to_owned();
            domain.add_key(key);
            boss
        });
        let boss = id(&tenant, &name);
        let mut order = order(&adapter, &cleo).await;
        let next = adapter.prepare(&target(&boss), Do::Remove).await.unwrap();
        assert!(matches!(next, Next::Withhold(_)), "{next:?}");
        // even if it were sent
        order.request.path = order.request.path.replace(CLEO, &name);
        let answer = adapter.execute(&target(&boss), &order).await;
        assert_eq!(answer.verdict, verdict, "{status}");
        assert!(is_there(&tenant, &name));
        let settled = adapter.settle(&target(&boss), Do::Remove).await.unwrap();
        assert_eq!(settled, Settled::DidNot);
    }
}

#[tokio::test]
async fn every_fault_of_a_call_leaves_what_is_true() {
    use AnswerVerdict::Done;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let status = |status, body: Option<&str>| Fault::Status {
        status,
        body: body.map(str::to_owned),
    };
    for (fault, verdict) in [
        (status(500, None), Unknown),
        (status(503, Some("")), Unknown),
        (status(404, Some("")), Unknown),
        (status(403, None), Refused),
        (status(403, Some("")), Unknown),
        (status(401, Some("")), Refused),
        (Fault::Html { status: 403 }, Unknown),
        (
            Fault::TooMany {
                retry_after: Some(9),
            },
            Failed,
        ),
        (
            Fault::Redirect {
                status: 302,
                location: "/login".to_owned(),
            },
            Unknown,
        ),
        (Fault::Drop, Unknown),
        (Fault::Hang, Unknown),
        (Fault::HangAfter, Unknown),
        (Fault::EmptyBody, Unknown),
        (Fault::Delay { ms: 50 }, Done),
    ] {
        let tenant = tenant(Population::of(2, 0), keys_shown());
        let control = tenant.control();
        control.with(|domain| {
            let mut key: ApiKey = domain.keys().next().unwrap().clone();
            (key.uid, key.key) = (String::new(), String::new());
            domain.add_user(silent("robot", control.now(), 3));
            "robot".clone_into(&mut key.owner);
            domain.add_key(key);
        });
        let (adapter, id) = (adapter(&tenant), id(&tenant, CLEO));
        let matcher = Matcher::new("DELETE", "/api/automation/v1.0/users/");
        control.add_fault(FaultRule::once(matcher, fault.clone()));
        let answer = remove(&adapter, &id).await;
        assert_eq!(answer.verdict, verdict, "{fault:?}");
        assert_eq!(deletions(&tenant), 1, "{fault:?}");
        if matches!(verdict, Refused | Failed) {
            assert!(is_there(&tenant, CLEO), "{fault:?}");
            continue;
        }
        // reading back tells, whatever the answer was
        let truth = match is_there(&tenant, CLEO) {
            true => Settled::DidNot,
            false => Settled::TookEffect,
        };
        let settled = adapter.settle(&target(&id), Do::Remove).await.unwrap();
        assert_eq!(settled, truth, "{fault:?}");
    }
}
