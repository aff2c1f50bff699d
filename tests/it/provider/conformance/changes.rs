//! What becomes of changes: done and shown, already so, refused, failed, in doubt and settled.

use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::Do;
use exeunt::provider::Answer;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Order;
use exeunt::provider::Settled;
use exeunt::provider::Successor;
use exeunt::provider::Target;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::Value;
use serde_json::json;
use url::Url;

use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::house::people;
use crate::provider::conformance::truth;
use crate::provider::conformance::truth::Standing;

/// How often a way is asked for its next request at most.
const MOST: usize = 40;

/// What comes next on the way to what is wanted; waits in the tenant's time.
pub(crate) async fn order(one: &One, target: &Target, wanted: Do) -> Order {
    for _ in 0..MOST {
        match one.adapter.prepare(target, wanted).await {
            Ok(Next::Send(order)) => return *order,
            Ok(Next::Wait(_)) => one.rehearsal.control.advance(30),
            other => panic!("{}: {wanted:?}: {other:?}", one.name()),
        }
    }
    panic!("{}: {wanted:?}: waits for ever", one.name());
}

/// Goes on the way until request number `upto` comes (all of it: none); what was sent and where it
/// stands then.
pub(crate) async fn go(
    one: &One,
    account: &AccountRecord,
    heir: &Successor,
    wanted: Do,
    upto: Option<usize>,
) -> (Target, Option<Order>, Vec<(Order, Answer)>) {
    let mut target = one.target(account, heir);
    let mut sent: Vec<(Order, Answer)> = Vec::new();
    for _ in 0..MOST {
        let order = order(one, &target, wanted).await;
        if upto == Some(sent.len()) {
            return (target, Some(order), sent);
        }
        let answer = one.adapter.execute(&target, &order).await;
        if answer.code == "call.other-form" {
            continue;
        }
        let fine = matches!(answer.verdict, AnswerVerdict::Done | AnswerVerdict::Already);
        assert!(fine, "{}: {order:?}: {answer:?}", one.name());
        target.done.push(order.does);
        let last = order.does == wanted;
        sent.push((order, answer));
        if last {
            return (target, None, sent);
        }
        let now = one.adapter.account(&target.id).await.unwrap();
        target.facts = now.map(|record| record.facts);
    }
    panic!("{}: {wanted:?} never comes", one.name());
}

/// Which requests an order's own is.
pub(crate) fn matcher(one: &One, order: &Order) -> Matcher {
    let base = Url::parse(&one.rehearsal.url).unwrap();
    let base = base.path().trim_end_matches('/');
    let path = order.request.path.trim_start_matches('/');
    Matcher::new(order.request.method.as_str(), &format!("{base}/{path}"))
}

/// How somebody stands once something has come true.
pub(crate) fn after(does: Do) -> Option<Standing> {
    match does {
        Do::Disable => Some(Standing::Disabled),
        Do::Remove => Some(Standing::Gone),
        Do::Restore => Some(Standing::Usable),
        Do::Transfer | Do::Revoke => None,
    }
}

/// The steps of a tenant and, where there is a way back, restoring.
pub(crate) fn wanted(one: &One) -> Vec<Do> {
    let kind = one.adapter.kind();
    let steps = kind.steps.iter().map(|step| step.does);
    let restore = kind.restore.map(|_| Do::Restore);
    steps.chain(restore).collect()
}

/// Whom the tests of one tenant change, each once, each in the state that the step begins with.
pub(crate) struct Staff {
    people: Vec<AccountRecord>,
    pub(crate) heir: Successor,
}

impl Staff {
    pub(crate) async fn of(one: &One) -> Self {
        let (people, heir) = one.staff().await;
        Self { people, heir }
    }

    pub(crate) async fn next(&mut self, one: &One, wanted: Do) -> AccountRecord {
        let mut account = self.people.pop().unwrap();
        if wanted == Do::Restore {
            go(one, &account, &self.heir, Do::Disable, None).await;
            account = one.adapter.account(&account.id).await.unwrap().unwrap();
        }
        account
    }
}

fn address(account: &AccountRecord) -> &str {
    account.email.as_deref().unwrap()
}

/// Fails unless the tenant is as is wanted, in truth and as read back.
async fn came_true(one: &One, account: &AccountRecord, does: Do) {
    let name = one.name();
    if let Some(standing) = after(does) {
        assert_eq!(
            truth::standing(one, address(account)),
            standing,
            "{name}: {does:?}"
        );
        let back = one.adapter.account(&account.id).await;
        let back = back.unwrap_or_else(|e| panic!("{name}: {does:?}: {e}"));
        let facts = back.as_ref().map(|record| &record.facts);
        assert!(
            one.adapter.shows(facts, does),
            "{name}: {does:?}: {facts:?}"
        );
    }
}

#[tokio::test]
async fn a_change_is_done_and_shown_and_doing_it_again_finds_it_so() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(200)).open();
        let mut staff = Staff::of(&one).await;
        for does in wanted(&one) {
            let account = staff.next(&one, does).await;
            let (target, _, sent) = go(&one, &account, &staff.heir, does, None).await;
            came_true(&one, &account, does).await;
            let (order, answer) = sent.last().unwrap();
            assert_eq!(
                answer.verdict,
                AnswerVerdict::Done,
                "{name}: {does:?}: {answer:?}"
            );
            let again = one.adapter.execute(&target, order).await;
            assert!(
                so_already(name, does, &again),
                "{name}: {does:?}: {again:?}"
            );
            came_true(&one, &account, does).await;
            let settled = one.adapter.settle(&target, does).await.unwrap();
            assert_eq!(settled, Settled::TookEffect, "{name}: {does:?}");
        }
    }
}

/// Whether an answer to a second order says that all is as it should be.
fn so_already(name: &str, does: Do, again: &Answer) -> bool {
    match again.verdict {
        AnswerVerdict::Already => true,
        AnswerVerdict::Done => does != Do::Remove,
        // What ProjectPlace says of somebody who is gone is not known: read back.
        AnswerVerdict::Unknown => name == "projectplace",
        // DocSpace refuses whoever is not disabled, and a placeholder stands for who is removed.
        AnswerVerdict::Refused => {
            ["docspace", "projectplace"].contains(&name) && does == Do::Remove
        }
        // The order is about a version of the user that is no more: nothing was done again.
        AnswerVerdict::Failed => name == "scim" && again.code == "call.changed-meanwhile",
    }
}

/// How a request is hindered, and what must come of it.
struct Hurdle {
    fault: Fault,
    verdicts: &'static [AnswerVerdict],
    happened: bool,
}

fn hurdles() -> [Hurdle; 7] {
    use AnswerVerdict::Done;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let hurdle = |fault, verdicts, happened| Hurdle {
        fault,
        verdicts,
        happened,
    };
    let status = |status| Fault::Status { status, body: None };
    [
        hurdle(status(403), &[Refused], false),
        hurdle(
            Fault::TooMany {
                retry_after: Some(1),
            },
            &[Failed],
            false,
        ),
        hurdle(Fault::LostAnswer, &[Unknown], true),
        hurdle(Fault::Drop, &[Unknown], false),
        hurdle(status(503), &[Unknown], false),
        hurdle(Fault::Html { status: 200 }, &[Unknown], false),
        // an answer without a body has nothing to cut
        hurdle(Fault::Truncated, &[Unknown, Done], true),
    ]
}

#[tokio::test]
async fn each_request_of_each_way_is_refused_failed_or_in_doubt_as_it_came_to_be() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(1_000)).open();
        let mut staff = Staff::of(&one).await;
        for does in wanted(&one) {
            let account = staff.next(&one, does).await;
            let (_, _, sent) = go(&one, &account, &staff.heir, does, None).await;
            for number in 0..sent.len() {
                for hurdle in hurdles() {
                    let account = staff.next(&one, does).await;
                    meets(&one, &account, &staff.heir, does, number, &hurdle).await;
                }
            }
        }
        assert!(!name.is_empty());
    }
}

async fn meets(
    one: &One,
    account: &AccountRecord,
    heir: &Successor,
    wanted: Do,
    number: usize,
    hurdle: &Hurdle,
) {
    let name = one.name();
    let control = &one.rehearsal.control;
    let (target, order, _) = go(one, account, heir, wanted, Some(number)).await;
    let order = order.unwrap();
    let about = format!("{name}: {wanted:?}, {}: {:?}", order.call, hurdle.fault);
    let before = truth::standing(one, address(account));
    control.clear_requests();
    let wire = matcher(one, &order);
    control.add_fault(FaultRule::once(wire.clone(), hurdle.fault.clone()));
    let answer = one.adapter.execute(&target, &order).await;
    control.clear_faults();
    let same = |r: &&exeunt::sandbox::tenant::RequestRecord| {
        Some(&r.method) == wire.method.as_ref() && r.path.starts_with(&wire.path)
    };
    let times = control.requests().iter().filter(same).count();
    assert_eq!(times, 1, "{about}: sent {times} times: {answer:?}");
    let fits = hurdle.verdicts.contains(&answer.verdict);
    if any_body(name, &order, &hurdle.fault) && answer.verdict == AnswerVerdict::Done {
        is_not_confirmed(one, account, order.does, &about).await;
    } else {
        assert!(fits, "{about}: {answer:?}");
    }
    if matches!(hurdle.fault, Fault::TooMany { .. }) {
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    let now = truth::standing(one, address(account));
    match (hurdle.happened, after(order.does)) {
        (true, Some(standing)) => assert_eq!(now, standing, "{about}"),
        (true, None) => {}
        (false, _) => assert_eq!(now, before, "{about}"),
    }
    if answer.verdict == AnswerVerdict::Unknown {
        is_settled(one, &target, order.does, hurdle.happened, &about).await;
    }
    if order.does == Do::Transfer {
        comes_true_after_all(one, account, heir, wanted).await;
    }
}

/// Alteryx's successes have any body, those of a transfer excepted: whether the others came true is
/// read back after each.
fn any_body(name: &str, order: &Order, fault: &Fault) -> bool {
    name == "alteryx" && order.does != Do::Transfer && matches!(fault, Fault::Html { .. })
}

/// What the engine does after a call that was answered well: it reads back, and believes no answer
/// that this does not bear out.
async fn is_not_confirmed(one: &One, account: &AccountRecord, does: Do, about: &str) {
    let back = one.adapter.account(&account.id).await;
    let back = back.unwrap_or_else(|e| panic!("{about}: {e}"));
    let facts = back.as_ref().map(|record| &record.facts);
    assert!(!one.adapter.shows(facts, does), "{about}: {facts:?}");
}

/// Fails unless what is in doubt comes to what is so. Of handing over nothing shows whether it
/// happened: it is said to be repeatable, which is so only if it comes true when it is repeated.
pub(crate) async fn is_settled(one: &One, target: &Target, does: Do, happened: bool, about: &str) {
    if does == Do::Transfer {
        one.rehearsal.control.advance(120);
    }
    let settled = one.adapter.settle(target, does).await;
    let settled = settled.unwrap_or_else(|e| panic!("{about}: {e}"));
    let right = match (does, happened) {
        (Do::Transfer, _) => Settled::Repeatable,
        (_, true) => Settled::TookEffect,
        (_, false) => Settled::DidNot,
    };
    assert_eq!(settled, right, "{about}");
}

/// Fails unless the way can be gone to its end from where it stands, and nothing is lost on it.
pub(crate) async fn comes_true_after_all(
    one: &One,
    account: &AccountRecord,
    heir: &Successor,
    wanted: Do,
) {
    go(one, account, heir, wanted, None).await;
    came_true(one, account, wanted).await;
    if one.name() == "alteryx" {
        let lost = one
            .rehearsal
            .control
            .call("lost_assets", json!({}))
            .unwrap();
        // What was shared with others is not handed over by a transfer of this tenant.
        let own = |asset: &&Value| asset["shared"] == false;
        let own: Vec<_> = lost.as_array().unwrap().iter().filter(own).collect();
        assert!(own.is_empty(), "{wanted:?} of {account:?}: {own:?}");
    }
}
