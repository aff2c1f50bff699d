//! schema/event/ and the program say the same.

use exeunt::domain::event::TYPES;
use exeunt::ledger::Access;
use exeunt::ledger::allow;
use jsonschema::Registry;
use serde_json::Value;
use serde_json::json;

use crate::ledger::Place;
use crate::ledger::fill;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn faults(schema: &str, instance: &Value) -> Vec<String> {
    let registry = Registry::new()
        .add(
            "https://exeunt.invalid/schema/event/common.json",
            parse(allow::COMMON),
        )
        .unwrap()
        .prepare()
        .unwrap();
    let validator = jsonschema::options()
        .with_registry(&registry)
        .build(&parse(schema))
        .unwrap();
    validator
        .iter_errors(instance)
        .map(|e| format!("{} at {}", e, e.instance_path()))
        .collect()
}

/// A sample of every type, with every field that it may have.
fn samples() -> Vec<(&'static str, Value)> {
    let sub = format!("s_{}", "ab".repeat(16));
    let id = "01931f2e-0000-7000-8000-000000000000";
    let time = "2026-11-22T10:00:00.000000Z";
    let hash = "ab".repeat(32);
    let account = json!({"state": "active", "kind": "guest", "protected": ["admin"],
        "managed_by": "ldap", "created_at": time, "address_verified": true, "future": ["login"],
        "live_keys": 2, "no_heir": true});
    let step = json!({"account": sub, "tenant": "portal", "policy": "p", "do": "remove",
        "class": "explicit", "because": "leaver.disabled", "directories": ["corp"],
        "successor": sub, "decision": 7,
        "succession": {"by": "named", "said": 4, "passed": [
            {"by": "manager", "because": "block.successor-leaving"}]}});
    let breaker = json!({"scope": "tenant:portal", "class": "absent", "do": "disable",
        "window": "24h", "limit": 3, "done": 1, "wanted": 5, "tripped": true});
    let signal = json!({"signal": "login", "complete": false, "fault": "read.http-500",
        "horizon": time, "until": time, "precision_s": 60, "watermark": 9, "pages": 1, "events": 2});
    let proof = json!({"identity": "sha256:x", "about": {"base": "dc=x"}, "pages": 1, "count": 2,
        "stated_total": 2, "without_key": 0, "referrals": 0, "digest": "sha256:y",
        "faults": ["read.empty"]});
    let decision = json!({"verdict": "act", "policy": "p", "when": "departed", "do": "disable",
        "class": "explicit", "because": "leaver.disabled", "blocked": ["block.hold"],
        "since": time, "horizon": time, "due": time, "leaver_still_in": true, "persons": [sub],
        "directories": ["corp"], "evidence": [1, 2],
        "arithmetic": [{"about": "sum.wait", "from": time, "needs_s": 5, "has_s": -5}]});
    vec![
        (
            "ledger.opened",
            json!({"format": "exeunt/ledger/1", "origin": "example.com/exeunt",
            "context": "exeunt ledger v1 link", "log_key": "k", "vault": id, "sandbox": false,
            "software": "exeunt 0.1.0"}),
        ),
        ("actor.took-over", json!({"previous": 3})),
        (
            "run.started",
            json!({"command": "sync", "now": time, "policy": 1, "rules": 1, "epoch": 2, "every_hours": 24}),
        ),
        ("run.finished", json!({"exit": 0})),
        (
            "source.read",
            json!({"source": "portal", "kind": "tenant", "adapter": "docspace",
            "verdict": "suspect", "because": ["read.empty"], "proof": proof, "missing": 1,
            "canaries": [sub], "canaries_missing": 1, "forbidden_present": 1,
            "rehearsal": {"missing": 1, "new": 2, "departing": 3},
            "activity": [signal], "vault": {"id": id, "mark": 1}}),
        ),
        (
            "read.released",
            json!({"source": "portal", "digest": "sha256:y"}),
        ),
        (
            "person.observed",
            json!({"directory": "corp", "facts": {"disabled_by": "pwdAccountLockedTime",
            "disabled_at": time, "expires_at": time, "leave_at": time, "deleted_by": "isDeleted", "deleted_at": time,
            "in_leavers_unit": true, "outside_group": true, "left_by": "employeeType",
            "recorded_at": time, "login_after": time, "locked_for_a_while": true},
            "changed": ["mail"]}),
        ),
        ("person.missed", json!({"directory": "corp", "anew": true})),
        (
            "person.absent",
            json!({"directory": "corp", "first_missed": 4, "reads": 2}),
        ),
        (
            "departure.withdrawn",
            json!({"directory": "corp", "facts": ["leave-date", "lost-group"]}),
        ),
        (
            "leave.stated",
            json!({"at": time, "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "leave.withdrawn",
            json!({"stated": 3, "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "hold.placed",
            json!({"hold": id, "kind": "legal", "person": sub, "until": time, "review": time,
            "proof": "signature", "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "hold.lifted",
            json!({"hold": id, "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "task.opened",
            json!({"tenant": "portal", "because": ["block.protected-admin"], "persons": [sub],
            "since": time}),
        ),
        ("task.taken", json!({"task": id})),
        (
            "task.released",
            json!({"task": id, "digest": hash, "proof": "signature",
            "bound": {"tenant": "portal", "policy": 4, "do": "disable", "kind": "human",
            "protected": ["admin"], "persons": [sub], "strength": "leave-date", "since": time,
            "stated": 9},
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "task.closed",
            json!({"task": id, "because": "task.demoted", "read": 8, "evidence": [7, 8]}),
        ),
        (
            "successor.named",
            json!({"tenant": "portal", "to": sub, "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "successor.withdrawn",
            json!({"tenant": "portal", "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "account.observed",
            json!({"tenant": "portal", "facts": account, "changed": ["mail"]}),
        ),
        ("account.gone", json!({"tenant": "portal"})),
        (
            "login.observed",
            json!({"tenant": "portal", "signal": "audit", "newest": time,
            "days": {"2026-11-22": 3}}),
        ),
        (
            "link.made",
            json!({"directory": "corp", "person": sub, "rule": "verified-address"}),
        ),
        (
            "link.withheld",
            json!({"directory": "corp", "because": "link.ambiguous",
            "candidates": [sub]}),
        ),
        ("link.cut", json!({"directory": "corp"})),
        (
            "link.stated",
            json!({"directory": "corp", "person": sub, "proof": "signature"}),
        ),
        (
            "link.denied",
            json!({"directory": "corp", "person": sub, "proof": "os-user"}),
        ),
        (
            "link.forgotten",
            json!({"directory": "corp", "proof": "os-user"}),
        ),
        (
            "orphan.claimed",
            json!({"tenant": "portal", "until": time, "proof": "os-user"}),
        ),
        (
            "orphan.accepted",
            json!({"tenant": "portal", "until": time, "proof": "signature"}),
        ),
        (
            "orphan.released",
            json!({"tenant": "portal", "proof": "os-user"}),
        ),
        (
            "policy.proposed",
            json!({"policy": {"any": ["thing"]}, "loosens": ["x: 1 to 2"]}),
        ),
        (
            "policy.adopted",
            json!({"policy": {"any": ["thing"]}, "unattended": true}),
        ),
        (
            "decision.made",
            json!({"tenant": "portal", "run": 1, "decision": decision}),
        ),
        (
            "plan.listed",
            json!({"plan": id, "from": 0, "steps": [step]}),
        ),
        (
            "plan.created",
            json!({"plan": id, "parent": id, "root": hash, "count": 1, "head": 9,
            "now": time, "expires_at": time, "policy": 1, "digest": hash, "breakers": [breaker]}),
        ),
        (
            "plan.approved",
            json!({"plan": id, "digest": hash, "self_approved": false,
            "proof": "signature", "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        ("plan.rejected", json!({"plan": id, "digest": hash})),
        (
            "step.withheld",
            json!({"plan": id, "step": 0, "because": "block.hold"}),
        ),
        (
            "step.kept",
            json!({"plan": id, "step": 0, "do": "disable", "when": "inactive",
            "class": "inactive", "until": time}),
        ),
        ("keep.lifted", json!({"proof": "signature"})),
        (
            "notice.sent",
            json!({"tenant": "portal", "policy": "p", "days": 7, "channel": "file",
            "state": "written", "acts_at": time, "message": "0".repeat(32)}),
        ),
        (
            "notice.bounced",
            json!({"tenant": "portal", "policy": "p", "days": 7, "acts_at": time,
            "message": "0".repeat(32), "reason": "mailbox-full", "said_by": "report"}),
        ),
        (
            "notice.delivered",
            json!({"tenant": "portal", "policy": "p", "days": 7, "message": "0".repeat(32)}),
        ),
        (
            "notice.proceeded",
            json!({"tenant": "portal", "policy": "p", "how": "without", "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        (
            "command.intended",
            json!({"tenant": "portal", "do": "disable", "plan": id, "step": 0,
            "class": "explicit", "directories": ["corp"], "attempt": 1, "deadline": time,
            "method": "PUT", "path": "/x/{id}", "seen": account}),
        ),
        (
            "command.outcome",
            json!({"result": "done", "status": 200, "because": "outcome.done",
            "request_id": "8a1b-FRA"}),
        ),
        (
            "command.settled",
            json!({"done": true, "because": "settled.found-done"}),
        ),
        ("command.confirmed", json!({"read": id})),
        ("breaker.tripped", json!({"breaker": breaker, "plan": id})),
        (
            "breaker.released",
            json!({"plan": id, "digest": hash, "first_contact": ["tenant:portal"],
            "windows": ["all|absent|remove"], "accounts": [sub],
            "named": [{"class": "absent", "do": "remove", "accounts": [sub]}],
            "ramp_per_day": 10}),
        ),
        ("halt.set", json!({"tenant": "portal", "until": time})),
        ("halt.lifted", json!({"tenant": "portal"})),
        ("operator.named", json!({"by": "os-user"})),
        (
            "attempts.cleared",
            json!({"tenant": "portal", "proof": "os-user"}),
        ),
        (
            "ledger.reopened",
            json!({"origin": "house.example/exeunt/2", "kept": 7,
            "known": {"entries": 9, "link": "0".repeat(64), "epoch": 3, "checkpoint": "c"},
            "vault": {"id": "5a9db0c5-93aa-4b6c-8a3d-6f3a51f0c2be",
                "before": {"id": "4a9db0c5-93aa-4b6c-8a3d-6f3a51f0c2be", "mark": 9}, "found": 5,
                "alone": true, "lost": 3, "digest": hash, "leaves": 1},
            "sources": ["tenant/portal"], "contacts": ["directory:corp"], "proof": "signature",
            "signature": format!("ed25519:{}==", "A".repeat(86))}),
        ),
        ("ledger.heartbeat", json!({"covered": 7})),
        (
            "subjects.lost",
            json!({"kind": "account", "source": "portal", "subjects": [sub],
            "directories": ["corp"], "in_doubt": [id]}),
        ),
        (
            "backup.made",
            json!({"entries": 7, "link": "0".repeat(64),
            "vault": {"id": "5a9db0c5-93aa-4b6c-8a3d-6f3a51f0c2be", "mark": 3}}),
        ),
        (
            "alert.sent",
            json!({"channel": "webhook", "state": "failed", "because": "alert.no-answer",
            "alerts": [{"kind": "leaver-late", "about": "tenant/portal", "word": "changed",
                "state": "x", "newest": time}]}),
        ),
        (
            "summary.sent",
            json!({"channel": "webhook", "state": "failed", "because": "alert.turned-away",
            "from": time, "to": time}),
        ),
    ]
}

/// Reads a sample as its type and writes it again.
fn through_its_type(kind: &str, data: &Value) -> Option<Value> {
    use exeunt::domain::event::*;
    fn round<P: Payload>(kind: &str, data: &Value) -> Option<Value> {
        if kind != P::TYPE {
            return None;
        }
        let payload: P = serde_json::from_value(data.clone()).unwrap();
        Some(serde_json::to_value(payload).unwrap())
    }
    macro_rules! first {
        ($($payload:ty),* $(,)?) => { None$(.or_else(|| round::<$payload>(kind, data)))* };
    }
    first!(
        LedgerOpened,
        ActorTookOver,
        RunStarted,
        RunFinished,
        SourceRead,
        ReadReleased,
        PersonObserved,
        PersonMissed,
        PersonAbsent,
        DepartureWithdrawn,
        LeaveStated,
        LeaveWithdrawn,
        SuccessorNamed,
        SuccessorWithdrawn,
        HoldPlaced,
        HoldLifted,
        AccountObserved,
        AccountGone,
        LoginObserved,
        LinkMade,
        LinkWithheld,
        LinkCut,
        LinkStated,
        LinkDenied,
        LinkForgotten,
        OrphanClaimed,
        OrphanAccepted,
        OrphanReleased,
        PolicyProposed,
        PolicyAdopted,
        DecisionMade,
        PlanListed,
        PlanCreated,
        PlanApproved,
        PlanRejected,
        StepWithheld,
        StepKept,
        KeepLifted,
        NoticeSent,
        NoticeBounced,
        NoticeDelivered,
        NoticeProceeded,
        CommandIntended,
        CommandOutcome,
        CommandSettled,
        CommandConfirmed,
        BreakerTripped,
        BreakerReleased,
        HaltSet,
        HaltLifted,
        OperatorNamed,
        AlertSent,
        SummarySent,
        BackupMade,
        LedgerHeartbeat,
        LedgerReopened,
        AttemptsCleared,
        TaskOpened,
        TaskTaken,
        TaskReleased,
        TaskClosed,
        SubjectsLost,
    )
}

#[test]
fn the_envelope_knows_every_type() {
    let envelope: Value = serde_json::from_str(allow::ENVELOPE).unwrap();
    let listed = envelope["properties"]["type"]["enum"].as_array().unwrap();
    let listed: Vec<_> = listed.iter().map(|t| t.as_str().unwrap()).collect();
    let mut types = TYPES.to_vec();
    types.sort_unstable();
    assert_eq!(listed, types);
}

#[test]
fn every_type_has_a_schema_and_a_sample_that_fits_it() {
    let samples = samples();
    for kind in TYPES {
        let schema = allow::SCHEMAS.iter().find(|(name, _)| name == kind);
        let (_, schema) = schema.unwrap_or_else(|| panic!("{kind} has no schema"));
        let sample = samples.iter().find(|(name, _)| name == kind);
        let (_, sample) = sample.unwrap_or_else(|| panic!("{kind} has no sample"));
        let written = through_its_type(kind, sample).unwrap_or_else(|| panic!("{kind}"));
        assert_eq!(&written, sample, "{kind}");
        assert_eq!(faults(schema, sample), Vec::<String>::new(), "{kind}");
        allow::check_data(kind, 1, sample).unwrap();
    }
    assert_eq!(allow::SCHEMAS.len(), TYPES.len());
    assert_eq!(samples.len(), TYPES.len());
}

#[test]
fn every_schema_lists_its_fields_and_explains_them() {
    for (kind, schema) in allow::SCHEMAS {
        let schema = parse(schema);
        jsonschema::meta::validate(&schema).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{kind}");
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{kind}.{name}");
        }
    }
}

#[test]
fn a_field_too_many_is_refused_wherever_it_stands() {
    for (kind, sample) in samples() {
        let mut more = sample.clone();
        more["address"] = "ada@example.com".into();
        assert!(allow::check_data(kind, 1, &more).is_err(), "{kind}");
    }
    let inside = [
        ("account.observed", "/facts"),
        ("decision.made", "/decision"),
        ("decision.made", "/decision/arithmetic/0"),
        ("plan.listed", "/steps/0"),
        ("source.read", "/proof"),
        ("source.read", "/rehearsal"),
        ("source.read", "/activity/0"),
        ("breaker.tripped", "/breaker"),
    ];
    for (kind, path) in inside {
        let (_, mut sample) = samples().into_iter().find(|(k, _)| *k == kind).unwrap();
        sample.pointer_mut(path).unwrap()["mail"] = "ada@example.com".into();
        assert!(allow::check_data(kind, 1, &sample).is_err(), "{kind}{path}");
    }
    assert!(allow::check_data("person.invented", 1, &json!({})).is_err());
    assert!(allow::check_data("run.finished", 2, &json!({"exit": 0})).is_err());
    assert!(allow::check_data("run.finished", 1, &json!({"exit": "Ada"})).is_err());
}

#[test]
fn stored_entries_fit_the_envelope() {
    let (place, ledger) = Place::new();
    fill(&ledger, 2);
    let view = place.open(Access::ReadOnly).unwrap();
    let view = view.view().unwrap();
    let mut seen = 0;
    view.each_stored(0, u64::MAX, |stored| {
        let entry: Value = serde_json::from_slice(&stored.bytes).unwrap();
        assert_eq!(faults(allow::ENVELOPE, &entry), Vec::<String>::new());
        seen += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, 3);
}
