//! A workspace that is cleared at the end of a semester, and people who left, by the program.

use exeunt::sandbox::alteryx::Alteryx;
use exeunt::sandbox::alteryx::Person;
use exeunt::sandbox::alteryx::Schema;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::common::crash::play;
use crate::provider::alteryx::stage::Stage;
use crate::provider::alteryx::stage::ago;

const PLAN: &str = "plan.json";

const SEMESTER: &str = "[[policy]]\nname = \"semester\"\nwhen = \"everyone\"\nring = \"enforce\"\n\
     among = { tenants = [\"class\"] }\nsteps = [{ do = \"remove\" }]\n\
     approvals = { remove = 1 }\n";

/// Two students and an invited one, a lecturer and an assistant who stay.
struct Class {
    stage: Stage,
    students: Vec<u64>,
    invited: u64,
    assistant: u64,
    lecturer: u64,
}

impl Class {
    fn set(extra: &str) -> Self {
        let stage = Stage::set(extra, SEMESTER);
        let students = vec![
            stage.add("S1@school.example"),
            stage.add("s2@school.example"),
        ];
        let invited = stage.add("late@school.example");
        stage.control().with(|space| {
            space.change(invited, |p: &mut Person| {
                p.invited = true;
                p.last_login = None;
            })
        });
        let assistant = stage.add("Assistant@School.example");
        let lecturer = stage.add("lecturer@school.example");
        for student in &students {
            stage.control().with(|space| {
                space.add_asset(*student, "flow", false);
                space.add_asset(*student, "plan", false);
            });
        }
        stage.run(&["sync"]).exits(0);
        Self {
            stage,
            students,
            invited,
            assistant,
            lecturer,
        }
    }

    /// Makes the plan and approves it, which is all that a clear-out needs.
    fn planned(&self) {
        let plan = ["plan", "--policy", "semester", "--out", PLAN];
        self.stage.run(&plan).exits(0);
        let approve = ["approve", PLAN, "--confirm", "3"];
        self.stage.run(&approve).exits(0);
    }

    fn everybody_else_is_gone(&self) {
        for id in self.students.iter().chain([&self.invited]) {
            assert!(!self.stage.is_member(*id), "{id}");
        }
        for id in [1001, 1002, self.assistant, self.lecturer] {
            assert!(self.stage.is_member(id), "{id}");
        }
        let (counts, lost) = self
            .stage
            .control()
            .with(|space: &mut Alteryx| (space.asset_counts(self.assistant), space.lost_assets()));
        assert_eq!(counts["flow"], 2);
        assert_eq!(counts["plan"], 2);
        assert!(lost.is_empty(), "{lost:?}");
        self.stage.work.is_sound();
    }
}

const KEEP: &str = "protect = [\"LECTURER@school.example\", \"assistant@school.example\"]\n\
     successor = \"assistant@school.example\"";

/// Lines 1 to 7 of "what our adapter must not repeat", by the whole program.
#[test]
fn at_the_end_of_a_semester_everyone_but_the_protected_goes_and_what_they_made_stays() {
    let class = Class::set(KEEP);
    class.planned();
    assert!(class.stage.changes().is_empty());
    class.stage.run(&["apply", PLAN]).exits(0);
    class.everybody_else_is_gone();
    let changes = class.stage.changes();
    assert_eq!(changes.len(), 6, "{changes:?}");
    for pair in changes.chunks(2) {
        assert!(pair[0].starts_with("PATCH ") && pair[0].ends_with("/transfer"));
        assert!(pair[1].starts_with("DELETE "));
    }
    // each request has its intent and its end, and nothing is done twice
    let outcomes = class.stage.work.entries_of("command.outcome");
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes.iter().all(|o| o["data"]["result"] == "done"));
    class.stage.run(&["apply", PLAN]).exits(0);
    class.stage.run(&["sync"]).exits(0);
    assert_eq!(class.stage.changes().len(), 6);
    assert_eq!(class.stage.work.entries_of("command.confirmed").len(), 3);
}

/// A protected address that matches nobody may be mistyped: the one who was meant would go.
#[test]
fn nothing_is_cleared_while_a_protected_address_matches_nobody() {
    let keep = KEEP.replace("LECTURER@", "lectuer@");
    let class = Class::set(&keep);
    let ran = class
        .stage
        .run(&["plan", "--policy", "semester", "--out", PLAN]);
    ran.exits(5).says("lectuer@school.example");
    assert!(class.stage.changes().is_empty());
    assert!(class.stage.work.entries_of("plan.created").is_empty());
    // and if it stops matching after the plan was approved
    let class = Class::set(KEEP);
    class.planned();
    let lecturer = class.lecturer;
    class.stage.control().with(|space| {
        space.change(lecturer, |p| {
            p.email = Some("renamed@school.example".to_owned())
        })
    });
    class.stage.run(&["sync"]);
    class
        .stage
        .run(&["apply", PLAN])
        .says("block.protected-unmatched");
    assert!(class.stage.changes().is_empty());
}

/// What a person owns cannot be listed, so that nobody is removed without somebody to take over.
#[test]
fn without_a_successor_nobody_is_removed() {
    let protect = KEEP.lines().next().unwrap();
    let class = Class::set(protect);
    class.planned();
    class.stage.run(&["apply", PLAN]).says("block.no-successor");
    assert!(class.stage.changes().is_empty());
}

/// Line 4: a refusal has a name, an end and an exit code.
#[test]
fn a_refusal_ends_the_step_and_is_told() {
    let class = Class::set(KEEP);
    class.planned();
    let refused = Fault::Status {
        status: 403,
        body: None,
    };
    let transfer = Matcher::new("PATCH", "/v4/workspaces/");
    class
        .stage
        .control()
        .add_fault(FaultRule::always(transfer, refused));
    let ran = class.stage.run(&["apply", PLAN]).says("call.refused");
    assert!(matches!(ran.code, Some(3 | 4)), "{:?}", ran.code);
    let changes = class.stage.changes();
    assert!(
        changes.iter().all(|c| c.starts_with("PATCH ")),
        "{changes:?}"
    );
}

/// Line 10: a token of another workspace reads nothing and changes nothing.
#[test]
fn another_workspace_is_refused_by_every_command() {
    let class = Class::set(KEEP);
    class.planned();
    class
        .stage
        .control()
        .with(|space| space.workspace().id = 99_999);
    class.stage.run(&["check"]).exits(4).says("99999");
    class.stage.run(&["sync"]).exits(78);
    class.stage.run(&["apply", PLAN]);
    assert!(class.stage.changes().is_empty());
}

/// Transfer and removal are two calls: a death between them, or within them, is gone on from.
#[test]
fn killed_between_and_within_the_two_calls_nothing_is_lost() {
    let rows = [
        // the first transfer stands, and so does its outcome
        ("outcome-appended", 3),
        // sent and answered, with no outcome: handed over once more, which finds nothing left
        ("answered", 4),
        // the removal was intended and not sent
        ("intent-durable@2", 3),
        // removed, with no outcome
        ("answered@2", 3),
        ("outcome-appended@2", 3),
    ];
    play(
        &rows,
        |(point, _)| (*point).to_owned(),
        |(point, transfers)| {
            let class = Class::set(KEEP);
            class.planned();
            class.stage.dies_at(point, &["apply", PLAN]);
            class.stage.run(&["apply", PLAN]).exits(0);
            class.everybody_else_is_gone();
            let changes = class.stage.changes();
            let patches = changes.iter().filter(|c| c.starts_with("PATCH ")).count();
            assert_eq!(patches, *transfers, "{changes:?}");
        },
    );
}

/// A lost answer is never taken for done, and a removal never goes before its transfer.
#[test]
fn lost_answers_of_either_call_are_settled_and_nothing_is_lost() {
    let failed = Fault::Status {
        status: 500,
        body: None,
    };
    let rows = [
        ("PATCH", Fault::LostAnswer),
        ("PATCH", Fault::Drop),
        ("PATCH", Fault::Html { status: 200 }),
        ("DELETE", Fault::LostAnswer),
        ("DELETE", Fault::Drop),
        ("DELETE", failed),
    ];
    play(
        &rows,
        |row| format!("{row:?}"),
        |(method, fault)| {
            let class = Class::set(KEEP);
            class.planned();
            let matcher = Matcher::new(method, "/v4/workspaces/");
            let rule = FaultRule::once(matcher, fault.clone());
            class.stage.control().add_fault(rule);
            class.stage.run(&["apply", PLAN]).exits(6);
            class.stage.run(&["apply", PLAN]).exits(0);
            class.everybody_else_is_gone();
        },
    );
}

/// A route that the vendor has moved away is never "already removed".
#[test]
fn a_dead_route_removes_nobody_and_says_so() {
    let class = Class::set(KEEP);
    class.planned();
    let dead = Fault::Html { status: 404 };
    let removal = Matcher::new("DELETE", "/v4/workspaces/");
    class
        .stage
        .control()
        .add_fault(FaultRule::always(removal, dead));
    class.stage.run(&["apply", PLAN]).says("call.unknown-route");
    for id in &class.students {
        assert!(class.stage.is_member(*id));
    }
    assert!(class.stage.work.entries_of("account.gone").is_empty());
}

const IDLE: &str = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 90\nnotice_days = [30]\nsteps = [{ do = \"disable\" }]\n\
     approvals = { disable = 0 }\n";

/// Line 7: who has logged in lately stays, and who shows no login is unknown; with the date of
/// creation that the older releases give, and without.
#[test]
fn the_last_login_decides_and_one_that_is_not_shown_decides_nothing() {
    the_last_login_decides(Schema::Older);
    the_last_login_decides(Schema::Current);
}

#[track_caller]
fn the_last_login_decides(schema: Schema) {
    let stage = Stage::set("", IDLE);
    stage.add("silent@v.example");
    let busy = stage.add("busy@v.example");
    let hidden = stage.add("hidden@v.example");
    stage.control().with(|space| {
        space.change(busy, |p| p.last_login = Some(ago(3)));
        space.change(hidden, |p| p.last_login = None);
        space.settings().schema = schema;
    });
    stage.run(&["sync"]).exits(0);
    let mails = |command: &str| {
        let items = stage.work.items(&[command]);
        let mails = items
            .iter()
            .map(|i| i["email"].as_str().unwrap().to_owned());
        mails.collect::<Vec<_>>()
    };
    assert_eq!(mails("inactive"), ["silent@v.example"]);
    let unknown = mails("unknown");
    // without a date of creation, whoever shows no login is as young as our first look
    let shown = unknown.contains(&"hidden@v.example".to_owned());
    assert_eq!(shown, schema == Schema::Older, "{unknown:?}");
    assert!(
        !unknown.contains(&"busy@v.example".to_owned()),
        "{unknown:?}"
    );
}

const LEAVERS: &str = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
     contains = \"everybody\"\n\
     columns = { key = \"nr\", mail = \"mail\", leave_date = \"left\" }\n\n\
     [[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n";

/// The way back of the first step: suspended, then given back on somebody's word.
#[test]
fn a_leaver_is_suspended_and_given_back() {
    let stage = Stage::set("", LEAVERS);
    let leaver = stage.add("leaver@v.example");
    // without a date of creation, an account that is first seen after somebody left may be anybody's
    stage
        .control()
        .with(|space| space.settings().schema = Schema::Older);
    let left = ago(3).date_naive();
    let people = format!("nr,mail,left\n1,leaver@v.example,{left}\n2,stays@v.example,\n");
    stage.work.write("hr.csv", &people);
    stage.run(&["sync"]).exits(0);
    stage.run(&["plan", "--out", PLAN]).exits(0);
    let release = ["breaker", "release", PLAN, "--reason", "looked"];
    stage.run(&release).exits(0);
    stage.run(&["apply", PLAN]).exits(0);
    let suspended = |id| stage.control().with(|s| s.person(id).unwrap().suspended);
    assert!(suspended(leaver));
    let base = "/v4/workspaces/31429/people";
    let suspension = format!("PUT {base}/{leaver}/suspended");
    assert_eq!(stage.changes(), [suspension.as_str()]);
    stage.work.write(
        "hr.csv",
        "nr,mail,left\n1,leaver@v.example,\n2,stays@v.example,\n",
    );
    stage.run(&["sync"]).exits(0);
    let restore = [
        "restore",
        "leaver@v.example",
        "--reason",
        "a mistake",
        "--confirm",
        "1",
    ];
    stage.run(&restore).exits(0);
    stage.run(&["run"]);
    let back = format!("POST {base}/unsuspend");
    assert_eq!(stage.changes(), [suspension, back]);
    assert!(!suspended(leaver));
    stage.work.is_sound();
}
