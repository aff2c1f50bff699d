//! The way to a removal and back, request by request.

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Provider as _;
use exeunt::provider::Settled;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Holdings;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::TaskFailure;
use exeunt::sandbox::docspace::TaskKind;
use exeunt::sandbox::docspace::TaskSettings;
use exeunt::sandbox::docspace::User;

use crate::provider::docspace::End;
use crate::provider::docspace::HEIR;
use crate::provider::docspace::LEAVER;
use crate::provider::docspace::adapter;
use crate::provider::docspace::go;
use crate::provider::docspace::house;
use crate::provider::docspace::is_decent;
use crate::provider::docspace::prepared;
use crate::provider::docspace::target;

#[tokio::test]
async fn a_leaver_is_disabled_handed_over_and_deleted() {
    for (reads_after_end, null_is_left_out) in [(Some(0), true), (Some(1), false), (None, true)] {
        let tenant = house(TaskSettings {
            reads_after_end,
            null_is_left_out,
            ..TaskSettings::default()
        });
        let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
        let mut lena = target(LEAVER, Some(HEIR));
        let (calls, end) = go(&adapter, &mut lena, Do::Remove).await;
        assert_eq!(
            (calls, end),
            (vec!["disable", "reassign", "delete"], End::Reached)
        );
        let moves = control.moves();
        assert_eq!(moves.len(), 4, "three rooms and the files: {moves:?}");
        assert!(
            moves
                .iter()
                .all(|m| m.to == HEIR && m.by == TaskKind::Reassign)
        );
        assert_eq!(control.delete_calls(LEAVER), 1);
        assert_eq!(control.status_puts(LEAVER), 1);
        is_decent(&control);
        let gone = adapter.account(&LEAVER.to_string()).await.unwrap();
        assert_eq!(gone, None);
    }
}

#[tokio::test]
async fn whoever_owns_nothing_needs_no_successor() {
    let tenant = house(TaskSettings::default());
    let control = tenant.control();
    control.set_holdings(LEAVER, Holdings::default());
    let (calls, end) = go(&adapter(&tenant, 16), &mut target(LEAVER, None), Do::Remove).await;
    assert_eq!((calls, end), (vec!["disable", "delete"], End::Reached));
    is_decent(&control);
}

#[tokio::test]
async fn without_somebody_who_can_take_over_nobody_is_deleted() {
    let tenant = house(TaskSettings::default());
    let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
    let (calls, end) = go(&adapter, &mut target(LEAVER, None), Do::Remove).await;
    assert_eq!(
        (calls, end),
        (vec!["disable"], End::Withheld("block.no-successor"))
    );
    let unfit = End::Withheld("block.successor-unfit");
    for change in [
        |u: &mut User| u.kind = Kind::Guest,
        |u: &mut User| u.kind = Kind::User,
        |u: &mut User| u.status = Status::Terminated,
        |u: &mut User| u.status = Status::Pending,
    ] {
        let before = control.user(HEIR).unwrap();
        control.change_user(HEIR, change);
        let (calls, end) = go(&adapter, &mut target(LEAVER, Some(HEIR)), Do::Remove).await;
        assert_eq!((calls, &end), (vec![], &unfit));
        control.change_user(HEIR, |user| *user = before);
    }
    control.remove_user(HEIR);
    let (_, end) = go(&adapter, &mut target(LEAVER, Some(HEIR)), Do::Remove).await;
    assert_eq!(end, End::Withheld("block.successor-unknown"));
    assert!(control.moves().is_empty());
    assert_eq!(control.delete_calls(LEAVER), 0);
    assert_eq!(control.user(LEAVER).unwrap().status, Status::Terminated);
}

#[tokio::test]
async fn a_handover_that_fails_or_never_ends_deletes_nobody() {
    for (as_completed, of) in [(false, None), (true, Some(TaskKind::Reassign))] {
        let tenant = house(TaskSettings {
            failure: Some(TaskFailure {
                at: 60,
                message: "no room left".to_owned(),
                of,
                as_completed,
            }),
            ..TaskSettings::default()
        });
        let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
        let mut lena = target(LEAVER, Some(HEIR));
        for n in 0..3 {
            let (_, end) = go(&adapter, &mut lena, Do::Remove).await;
            assert_eq!(end, End::Withheld("block.transfer-failed"), "{n}");
        }
        assert_eq!(control.delete_calls(LEAVER), 0);
        let starts = control.requests().into_iter();
        let starts = starts.filter(|r| r.path.ends_with("reassign/start"));
        assert_eq!(
            starts.count(),
            2,
            "it is begun again once, and not for ever"
        );
    }
    let tenant = house(TaskSettings {
        stall_at: Some(50),
        ..TaskSettings::default()
    });
    let adapter = adapter(&tenant, 16);
    let (_, end) = go(&adapter, &mut target(LEAVER, Some(HEIR)), Do::Remove).await;
    assert_eq!(end, End::StillWaiting);
    assert_eq!(tenant.control().delete_calls(LEAVER), 0);
}

/// The program may end, or the answer be lost, at any request: what comes next is found by reading.
#[tokio::test]
async fn a_lost_answer_on_the_way_moves_nothing_twice() {
    let tenant = house(TaskSettings::default());
    let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
    let ways = [
        ("PUT", "people/status", Do::Disable, Settled::TookEffect),
        (
            "POST",
            "people/reassign/start",
            Do::Transfer,
            Settled::Repeatable,
        ),
        ("DELETE", "people/", Do::Remove, Settled::TookEffect),
    ];
    for (method, path, does, settled) in ways {
        let matcher = Matcher::new(method, &format!("/api/2.0/{path}"));
        control.add_fault(FaultRule::once(matcher, Fault::LostAnswer));
        let mut lena = target(LEAVER, Some(HEIR));
        let (calls, end) = go(&adapter, &mut lena, Do::Remove).await;
        assert_eq!((calls.len(), end), (1, End::Judged("call.lost")), "{path}");
        assert_eq!(adapter.settle(&lena, does).await.unwrap(), settled);
    }
    let next = adapter.prepare(&target(LEAVER, None), Do::Remove).await;
    assert_eq!(next.unwrap(), Next::Withhold("block.unknown-account"));
    assert_eq!(control.moves().len(), 4, "each once");
    assert_eq!(
        (control.status_puts(LEAVER), control.delete_calls(LEAVER)),
        (1, 1)
    );
    is_decent(&control);
}

#[tokio::test]
async fn a_deletion_into_a_running_handover_changes_nothing() {
    for (running_refusal, code) in [(409, "call.refused"), (500, "call.server-error")] {
        let tenant = house(TaskSettings {
            running_refusal,
            stall_at: Some(50),
            ..TaskSettings::default()
        });
        let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
        control.set_status(LEAVER, Status::Terminated);
        let owned = control.holdings(LEAVER);
        control.set_holdings(LEAVER, Holdings::default());
        let lena = target(LEAVER, Some(HEIR));
        let delete = prepared(&adapter, &lena, Do::Remove).await;
        assert_eq!(delete.call, "delete");
        // somebody begins a handover between our reading and our request
        control.set_holdings(LEAVER, owned);
        let begin = prepared(&adapter, &lena, Do::Remove).await;
        assert_eq!(
            adapter.execute(&lena, &begin).await.verdict,
            AnswerVerdict::Done
        );
        assert_eq!(adapter.execute(&lena, &delete).await.code, code);
        let settled = adapter.settle(&lena, Do::Remove).await.unwrap();
        assert_eq!(settled, Settled::DidNot);
        let next = adapter.prepare(&lena, Do::Remove).await.unwrap();
        assert!(matches!(next, Next::Wait(Some(_))), "{next:?}");
    }
}

#[tokio::test]
async fn giving_back_needs_a_seat_and_an_invitation_stays_one() {
    let tenant = house(TaskSettings::default());
    let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
    control.set_status(LEAVER, Status::Terminated);
    let mut settings = control.settings();
    settings.seats = Some(1);
    control.set_settings(settings.clone());
    let full = go(&adapter, &mut target(LEAVER, None), Do::Restore).await;
    assert_eq!(full, (vec!["restore"], End::Judged("call.no-seat")));
    assert_eq!(control.user(LEAVER).unwrap().status, Status::Terminated);
    settings.seats = None;
    control.set_settings(settings);
    let back = go(&adapter, &mut target(LEAVER, None), Do::Restore).await;
    assert_eq!(back, (vec!["restore"], End::Reached));
    assert_eq!(control.user(LEAVER).unwrap().status, Status::Active);
    control.set_status(LEAVER, Status::Terminated);
    control.set_name(LEAVER, "", "");
    let back = go(&adapter, &mut target(LEAVER, None), Do::Restore).await;
    assert_eq!(back, (vec!["restore"], End::Reached));
    let record = adapter.account(&LEAVER.to_string()).await.unwrap().unwrap();
    assert_eq!(record.facts.state, AccountState::Invited);
}

#[tokio::test]
async fn guests_and_invitations_go_the_same_way_and_ldap_goes_none() {
    let tenant = house(TaskSettings::default());
    let (control, adapter) = (tenant.control(), adapter(&tenant, 16));
    let ldap = |user: &mut User| user.ldap = true;
    control.change_user(HEIR, ldap);
    for wanted in [Do::Disable, Do::Remove] {
        let end = go(&adapter, &mut target(HEIR, None), wanted).await;
        assert_eq!(end, (vec![], End::Withheld("block.provider-managed")));
    }
    control.change_user(HEIR, |user| user.ldap = false);
    for (change, id) in [
        (
            (|u: &mut User| u.kind = Kind::Guest) as fn(&mut User),
            LEAVER,
        ),
        (|u: &mut User| u.status = Status::Pending, HEIR),
    ] {
        control.set_holdings(id, Holdings::default());
        control.change_user(id, change);
        let end = go(&adapter, &mut target(id, None), Do::Remove).await;
        assert_eq!(end, (vec!["disable", "delete"], End::Reached));
    }
    is_decent(&control);
}
