//! A ledger of two simulated years: a tenant that was read each day at six, entry by entry, as `run`
//! records it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use exeunt::clock::Clock;
use exeunt::domain::account::AccountFacts;
use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Signal;
use exeunt::domain::decide::RULES;
use exeunt::domain::event::AccountObserved;
use exeunt::domain::event::Actor;
use exeunt::domain::event::ActorKind;
use exeunt::domain::event::Draft;
use exeunt::domain::event::LoginObserved;
use exeunt::domain::event::PolicyAdopted;
use exeunt::domain::event::RunFinished;
use exeunt::domain::event::RunStarted;
use exeunt::domain::event::SourceRead;
use exeunt::domain::id::SourceName;
use exeunt::domain::id::Subject;
use exeunt::domain::source::ReadProof;
use exeunt::domain::source::SignalProof;
use exeunt::domain::source::SourceKind;
use exeunt::domain::source::Verdict;
use exeunt::domain::time::Time;
use exeunt::ledger::Access;
use exeunt::ledger::By;
use exeunt::ledger::Ledger;
use exeunt::ledger::Paths;
use exeunt::ledger::entropy::SystemEntropy;
use exeunt::ledger::vault::Profile;
use exeunt::ledger::vault::SubjectKind;
use serde_json::json;

use crate::common::workspace::Workspace;

pub(crate) const DAY: i64 = 86_400;
/// How often the tenant was read.
pub(crate) const READS: i64 = 731;
const ACCOUNTS: u64 = 120;
const FIRST: &str = "2024-11-01T06:00:00Z";

/// One account with its logins, in seconds since the first read.
pub(crate) struct Account {
    pub(crate) mail: String,
    pub(crate) logins: Vec<i64>,
}

pub(crate) struct Years {
    pub(crate) ws: Workspace,
    pub(crate) accounts: Vec<Account>,
}

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }

    fn is_moved(&self) -> bool {
        true
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Somebody who comes by most weeks, is away for months now and then, and may stay away.
fn logins(dice: &mut Dice) -> Vec<i64> {
    let mut logins = Vec::new();
    let mut at = dice.below(90 * DAY);
    while at < READS * DAY {
        logins.push(at);
        let days = match dice.below(100) {
            0..80 => 3 + dice.below(14),
            80..90 => 17 + dice.below(50),
            90..98 => 50 + dice.below(120),
            _ => 2_000,
        };
        at += days * DAY + dice.below(DAY);
    }
    logins
}

impl Years {
    pub(crate) fn build() -> Self {
        let ws = Workspace::new();
        ws.write("portal.token", "not asked for");
        ws.configure(&[
            "[[tenant]]\nname = \"portal\"\nprovider = \"docspace\"\nurl = \"http://127.0.0.1:9\"\n\
             token = { file = \"portal.token\" }\n",
        ]);
        ws.run(&["--now", "2024-11-01T05:00:00Z", "init"]).exits(0);
        let mut dice = Dice(7);
        let mut accounts: Vec<_> = (0..ACCOUNTS)
            .map(|n| Account {
                mail: format!("user{n}@firm.test"),
                logins: logins(&mut dice),
            })
            .collect();
        accounts[0].logins.clear();
        Writer::new(&ws).write(&accounts);
        Self { ws, accounts }
    }

    /// How many seconds of a processor a command takes: other tests run beside it, and a clock on the
    /// wall would measure them as well.
    pub(crate) fn busy(&self, args: &[&str]) -> f64 {
        let command = self.ws.command(args);
        let timed = Command::new("bash")
            .current_dir(self.ws.path(""))
            .args(["-c", "TIMEFORMAT='%U %S'; time \"$0\" \"$@\" >/dev/null"])
            .arg(command.get_program())
            .args(command.get_args())
            .output()
            .unwrap();
        assert!(timed.status.success());
        let text = String::from_utf8(timed.stderr).unwrap();
        let seconds = text.split_whitespace().map(|n| n.parse::<f64>().unwrap());
        seconds.sum()
    }

    /// Seconds since the first read.
    pub(crate) fn seconds(&self, text: &str) -> i64 {
        Time::parse(text).unwrap().seconds_since(first())
    }
}

fn first() -> Time {
    Time::parse(FIRST).unwrap()
}

struct Writer {
    ledger: Ledger,
    clock: Arc<SetClock>,
}

impl Writer {
    fn new(ws: &Workspace) -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(first().micros())));
        let paths = Paths {
            ledger: ws.path("exeunt.db"),
            vault: ws.path("exeunt-vault.db"),
            head: ws.path("exeunt.head"),
            keys: ws.path("keys"),
        };
        let entropy = Arc::new(SystemEntropy);
        let ledger = Ledger::open(&paths, Access::Full, clock.clone(), entropy).unwrap();
        Self { ledger, clock }
    }

    fn write(&self, accounts: &[Account]) {
        let by = self.by();
        let mut drafts = vec![self.draft(&policy())];
        let mut subjects = Vec::new();
        for (n, account) in accounts.iter().enumerate() {
            let (draft, sub) = self.observed(n, account);
            drafts.push(draft);
            subjects.push(sub);
        }
        self.ledger.append_all(&by, drafts).unwrap();
        for read in 0..READS {
            self.read(read, accounts, &subjects);
        }
        self.ledger.sync().unwrap();
    }

    fn by(&self) -> By {
        By {
            run: self.ledger.run_id().unwrap(),
            actor: Actor {
                kind: ActorKind::Service,
                epoch: None,
                sub: None,
            },
        }
    }

    fn draft<P: exeunt::domain::event::Payload>(&self, payload: &P) -> Draft {
        Draft::new(self.ledger.entry_id().unwrap(), payload)
    }

    fn observed(&self, n: usize, account: &Account) -> (Draft, Subject) {
        let mut batch = self.ledger.vault().unwrap().batch().unwrap();
        let tenant = SourceName::new("portal");
        let key = format!("id-{n}");
        let sub = batch
            .subject_for(SubjectKind::Account, &tenant, &key, first())
            .unwrap();
        let profile = Profile::new()
            .with(Profile::KEY, [key.as_str()])
            .with(Profile::MAIL, [account.mail.as_str()]);
        let payload = AccountObserved {
            tenant,
            facts: AccountFacts {
                live_keys: 0,
                no_heir: false,
                state: AccountState::Active,
                kind: AccountKind::Human,
                protected: BTreeSet::new(),
                managed_by: None,
                created_at: Some(first().plus_days(-400)),
                address_verified: true,
                hidden: BTreeSet::new(),
                future: BTreeSet::new(),
            },
            changed: profile.changed_since(&Profile::new()),
        };
        let mut draft = self.draft(&payload).about(&sub);
        batch.put_profile(&sub, &profile, &draft.id).unwrap();
        batch
            .conceal(&mut draft, "mail", &sub, account.mail.as_bytes())
            .unwrap();
        batch.commit().unwrap();
        (draft, sub)
    }

    /// One daily run: what is new of logins, the read, its end.
    fn read(&self, number: i64, accounts: &[Account], subjects: &[Subject]) {
        let now = first().plus_seconds(number * DAY);
        self.clock.0.store(now.micros(), Ordering::SeqCst);
        let mut drafts = vec![self.draft(&RunStarted {
            command: "run".to_owned(),
            now,
            policy: Some(1),
            rules: RULES,
            epoch: None,
            every_hours: None,
        })];
        let new = (number - 1) * DAY + 1..=number * DAY;
        for (account, sub) in accounts.iter().zip(subjects) {
            let seen = account.logins.iter().filter(|at| new.contains(at)).max();
            drafts.extend(seen.map(|at| {
                let newest = first().plus_seconds(*at);
                let login = LoginObserved {
                    tenant: SourceName::new("portal"),
                    signal: Signal::Login,
                    newest,
                    days: BTreeMap::from([(newest.day(), 1)]),
                };
                self.draft(&login).about(sub)
            }));
        }
        drafts.push(self.draft(&self.source_read(now, accounts.len() as u64)));
        drafts.push(self.draft(&RunFinished { exit: 0 }));
        self.ledger.append_all(&self.by(), drafts).unwrap();
    }

    fn source_read(&self, now: Time, count: u64) -> SourceRead {
        SourceRead {
            source: SourceName::new("portal"),
            kind: SourceKind::Tenant,
            adapter: "docspace".to_owned(),
            verdict: Verdict::Complete,
            because: Vec::new(),
            proof: Some(ReadProof {
                count,
                pages: 2,
                ..ReadProof::default()
            }),
            missing: Some(0),
            canaries: Vec::new(),
            canaries_missing: None,
            forbidden_present: None,
            rehearsal: None,
            activity: vec![SignalProof {
                signal: Signal::Login,
                complete: true,
                fault: None,
                horizon: Some(first()),
                until: Some(now),
                precision_s: Some(DAY.unsigned_abs()),
                watermark: Some(now.micros().unsigned_abs()),
                pages: 1,
                events: 10,
            }],
            vault: self.ledger.vault().unwrap().mark().unwrap(),
        }
    }
}

fn policy() -> PolicyAdopted {
    let policy = json!({
        "policies": [{
            "name": "idle", "when": "inactive", "ring": "observe", "after_days": 90,
            "notice_days": [30, 7],
            "steps": [{ "do": "disable" }, { "do": "remove", "after_days": 30 }],
        }],
        "sources": { "tenant/portal": { "can": ["disable", "remove"] } },
    });
    PolicyAdopted {
        policy,
        unattended: true,
    }
}
