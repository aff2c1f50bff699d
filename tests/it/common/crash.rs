//! A tenant that survives, and a program beside it that is killed and started again.

use std::process::Child;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use chrono::DateTime;
use chrono::Utc;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::RequestRecord;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use serde_json::Value;
use uuid::Uuid;

use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::common::workspace::finish;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The plan that [`Stage::planned`] makes.
pub(crate) const PLAN: &str = "plan.json";

/// A tenant in this process, a list of people, and a working directory.
pub(crate) struct Stage {
    pub(crate) work: Workspace,
    pub(crate) control: Control,
    /// Those who are on the list with a last day in the past, in the order of their addresses.
    pub(crate) leavers: Vec<Uuid>,
    tenant: Option<DocSpaceHandle>,
}

impl Stage {
    /// A new ledger, one person who stays, and so many who have left.
    pub(crate) fn set(leavers: u128) -> Self {
        let work = Workspace::new();
        let tenant = tenant(leavers, "127.0.0.1:0");
        let section = work
            .tenant(&tenant, "")
            .replace("request_limit_s = 5", "request_limit_s = 2");
        work.configure(&[
            &section,
            "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
             contains = \"everybody\"\n\
             columns = { key = \"nr\", mail = \"mail\", name = \"name\", leave_date = \"left\" }\n",
            "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
             steps = [{ do = \"disable\" }]\napprovals = { disable = 0 }\n",
        ]);
        let stage = Self {
            work,
            control: tenant.control(),
            leavers: (1..=leavers).map(leaver).collect(),
            tenant: Some(tenant),
        };
        stage.people(|n| n <= leavers);
        stage.work.run(&["init"]).exits(0);
        stage
    }

    /// The same with a plan for them that may be carried out.
    pub(crate) fn planned(leavers: u128) -> Self {
        let stage = Self::set(leavers);
        stage.work.run(&["sync"]).exits(0);
        stage.work.run(&["plan", "--out", PLAN]).exits(0);
        let reason = ["breaker", "release", PLAN, "--reason", "looked at"];
        stage.work.run(&reason).exits(0);
        stage
    }

    /// Writes the list of people anew; `left` says whose last day is over.
    pub(crate) fn people(&self, left: impl Fn(u128) -> bool) {
        let mut list = "nr,mail,name,left\n".to_owned();
        let last = self.control.now().date_naive() - chrono::Days::new(3);
        for n in 1..=self.leavers.len() as u128 {
            let day = if left(n) {
                last.to_string()
            } else {
                String::new()
            };
            list.push_str(&format!("{n},leaver{n}@example.com,Lea Ver {n},{day}\n"));
        }
        list.push_str("99,stayer@example.com,Sta Yer,\n");
        self.work.write("hr.csv", &list);
    }

    /// The first of those who left.
    pub(crate) fn leaver(&self) -> Uuid {
        self.leavers[0]
    }

    /// Runs the program until it dies at a point.
    pub(crate) fn dies_at(&self, point: &str, args: &[&str]) {
        let mut command = self.work.command(args);
        let output = command.env("EXEUNT_KILL_AT", point).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            None,
            "{args:?} did not die at {point}: {shown}"
        );
    }

    /// Starts the program and waits until it has stopped at a point.
    pub(crate) fn stops_at(&self, point: &str, args: &[&str]) -> Running {
        let mut command = self.work.command(args);
        command.env("EXEUNT_STOP_AT", point);
        let running = Running::start(command, args);
        running.wait_stopped();
        running
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(self.work.command(args), args)
    }

    /// Waits until a gate holds a request.
    pub(crate) fn wait_held(&self, gate: u64) {
        wait("a request at the gate", || self.control.held(gate) > 0);
    }

    /// Ends the tenant and every connection to it.
    pub(crate) fn tenant_goes_down(&mut self) {
        self.tenant.take().unwrap().stop();
    }

    /// Starts the tenant again at the same address, with the same people.
    pub(crate) fn tenant_comes_back(&mut self) {
        let config = self.work.read("exeunt.toml");
        let address = config
            .split("http://")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let tenant = tenant(self.leavers.len() as u128, address);
        self.control = tenant.control();
        self.tenant = Some(tenant);
    }

    /// The status calls that named a user, in the order of their arrival.
    pub(crate) fn puts(&self, user: Uuid) -> Vec<RequestRecord> {
        let user = user.to_string();
        let named = |r: &RequestRecord| {
            r.body
                .as_ref()
                .is_some_and(|b| b.to_string().contains(&user))
        };
        let mut requests = self.control.requests();
        requests.retain(|r| r.method == "PUT" && named(r));
        requests
    }

    /// Asserts what must hold at the end whatever has happened: the user's status changed so many
    /// times, every request has its intent, every intent its end, a request after one in doubt
    /// came only after a reading back past the deadline, and the ledger is sound.
    #[track_caller]
    pub(crate) fn ends_well(&self, user: Uuid, changes: u64) {
        assert_eq!(
            self.control.status_changes(user),
            changes,
            "changes of the tenant's state"
        );
        let wanted = if changes == 0 {
            Status::Active
        } else {
            Status::Terminated
        };
        assert_eq!(self.control.user(user).unwrap().status, wanted);
        self.work.is_sound();
        let intents = self.intents(user);
        for intent in &intents {
            assert_eq!(
                intent.outcomes.len() + usize::from(intent.outcomes.is_empty()),
                1
            );
            let known = intent
                .outcomes
                .first()
                .is_some_and(|result| result != "unknown");
            let settled = intent.settled.len();
            assert_eq!(settled, usize::from(!known), "settlements of {intent:?}");
        }
        self.requests_keep_the_order(user, &intents);
    }

    #[track_caller]
    fn requests_keep_the_order(&self, user: Uuid, intents: &[Intent]) {
        let read = format!("/api/2.0/people/{user}");
        let requests = self.control.requests();
        for intent in intents {
            for settled in &intent.settled {
                let back = requests
                    .iter()
                    .any(|r| r.path == read && r.at >= intent.deadline && r.at <= *settled);
                assert!(
                    back,
                    "settled without a reading back past the deadline: {intent:?}"
                );
            }
        }
        for pair in intents.windows(2) {
            let end = pair[0].end.unwrap();
            assert!(
                end <= pair[1].at,
                "a second intent before the end of the first: {intents:?}"
            );
        }
        let mut sent = vec![0; intents.len()];
        for put in self.puts(user) {
            let before = intents.iter().rposition(|intent| intent.at <= put.at);
            assert!(before.is_some(), "a request without an intent");
            sent[before.unwrap()] += 1;
        }
        assert!(sent.iter().all(|n| *n <= 1), "requests by intent: {sent:?}");
    }

    fn intents(&self, user: Uuid) -> Vec<Intent> {
        let shown = self.work.items(&["log", "--subject", &user.to_string()]);
        let of = |kind: &'static str, intent: &Value| {
            let id = intent["id"].clone();
            shown
                .iter()
                .filter(move |e| e["type"] == kind && e["cause"] == id)
        };
        let intended = shown.iter().filter(|e| e["type"] == "command.intended");
        let intents = intended.map(|intent| {
            let outcomes: Vec<_> = of("command.outcome", intent).collect();
            let settled: Vec<_> = of("command.settled", intent)
                .map(|e| moment(&e["rec"]))
                .collect();
            let outcome = outcomes.last().map(|e| moment(&e["rec"]));
            Intent {
                at: moment(&intent["rec"]),
                deadline: moment(&intent["data"]["deadline"]),
                outcomes: outcomes
                    .iter()
                    .map(|e| e["data"]["result"].as_str().unwrap().into())
                    .collect(),
                end: settled.last().copied().or(outcome),
                settled,
            }
        });
        intents.collect()
    }
}

/// One intent with what came of it, by our clock.
#[derive(Debug)]
struct Intent {
    at: DateTime<Utc>,
    deadline: DateTime<Utc>,
    outcomes: Vec<String>,
    settled: Vec<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn leaver(n: u128) -> Uuid {
    Uuid::from_u128(0xfeed_0000 + n)
}

fn tenant(leavers: u128, address: &str) -> DocSpaceHandle {
    let options = DocSpaceOptions {
        bind: address.parse().unwrap(),
        ..DocSpaceOptions::default()
    };
    let mut tenant = DocSpace::start(options.clone());
    let began = Instant::now();
    // The address may still be held by connections that are being ended.
    while tenant.is_err() && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
        tenant = DocSpace::start(options.clone());
    }
    let tenant = tenant.unwrap();
    let since = "2021-03-01T09:00:00Z".parse().unwrap();
    let add = |id, mail: &str| {
        tenant
            .control()
            .add_user(User::new(id, "Some", "Body", mail, Kind::User, since));
    };
    for n in 1..=leavers {
        add(leaver(n), &format!("leaver{n}@example.com"));
    }
    add(Uuid::from_u128(0xbeef), "stayer@example.com");
    tenant
}

/// The status calls of the tenant.
pub(crate) fn status_calls() -> Matcher {
    Matcher::new("PUT", "/api/2.0/people/status/")
}

/// A program that was started and not yet waited for; killed when it is forgotten.
pub(crate) struct Running {
    child: Option<Child>,
    args: Vec<String>,
}

impl Running {
    fn start(mut command: Command, args: &[&str]) -> Self {
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        Self {
            child: Some(command.spawn().unwrap()),
            args: args.iter().map(|a| (*a).to_owned()).collect(),
        }
    }

    fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal by its name, as in `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let done = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &id])
            .status();
        assert!(done.unwrap().success());
    }

    fn wait_stopped(&self) {
        let stat = format!("/proc/{}/stat", self.id());
        wait("the program to stop", || {
            let text = std::fs::read_to_string(&stat).unwrap();
            let state = text.rsplit(") ").next().unwrap().chars().next().unwrap();
            assert!(state != 'Z', "it ended before the point");
            state == 'T'
        });
    }

    /// Dies as by `kill -9`.
    pub(crate) fn dies(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None);
    }

    /// Waits for its end.
    pub(crate) fn ends(mut self) -> Ran {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        finish(self.child.take().unwrap(), &args)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Plays every row of a table, several at the same time, since most of the time is waiting for
/// deadlines; names the rows that failed.
#[track_caller]
pub(crate) fn play<R: Sync>(
    rows: &[R],
    name: impl Fn(&R) -> String + Sync,
    row: impl Fn(&R) + Sync,
) {
    let next = Mutex::new(rows.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().unwrap().next();
                    let Some(taken) = taken else { break };
                    let ended =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| row(taken)));
                    if let Err(why) = ended {
                        let text = why.downcast_ref::<String>().cloned();
                        let text =
                            text.or_else(|| why.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                        let text = text.unwrap_or_default();
                        failed
                            .lock()
                            .unwrap()
                            .push(format!("== {}\n{text}", name(taken)));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} rows failed\n{}",
        failed.len(),
        rows.len(),
        failed.join("\n")
    );
}
