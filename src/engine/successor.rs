//! Who takes over what a removed account owns: whom the order of the policy leads to, and whether
//! they still can just before a request.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::decide::leaver;
use crate::domain::event::CommandIntended;
use crate::domain::event::Payload as _;
use crate::domain::event::StepWithheld;
use crate::domain::fold::pair_key;
use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::rows::SuccessorRow;
use crate::domain::succession::Candidate;
use crate::domain::succession::Chosen;
use crate::domain::succession::Via;
use crate::domain::succession::can_take_over;
use crate::domain::succession::choose;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::decide::Judged;
use crate::ledger::View;
use crate::provider::Successor;

impl TenantSource {
    /// Whether a removal here hands something over.
    pub fn hands_over(&self) -> bool {
        self.adapter.kind().steps.iter().any(|s| s.hands_over)
    }
}

/// Looks for successors in one state of the rows, and remembers what several accounts share.
pub(super) struct Heirs<'e> {
    engine: &'e Engine,
    view: View<'e>,
    now: Time,
    /// Accounts that are about to go together with those that are asked about.
    going: BTreeSet<Subject>,
    /// By tenant, whom the configuration names.
    teams: RefCell<BTreeMap<SourceName, Candidate>>,
    /// By tenant, in which order the policy that rules looks for one.
    orders: RefCell<BTreeMap<SourceName, Vec<Via>>>,
    /// By person, the accounts that belong to them.
    owned: OnceCell<BTreeMap<Subject, Vec<Subject>>>,
}

impl<'e> Heirs<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        now: Time,
        going: BTreeSet<Subject>,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            engine,
            view: engine.ledger.view()?,
            now,
            going,
            teams: RefCell::default(),
            orders: RefCell::default(),
            owned: OnceCell::new(),
        })
    }

    /// Who takes over what an account owns, and why; nothing where nothing is handed over.
    pub(super) fn of(
        &self,
        account: &Subject,
        tenant: &SourceName,
    ) -> Result<Option<Chosen>, EngineError> {
        let Some(source) = self.engine.tenant(tenant).filter(|t| t.hands_over()) else {
            return Ok(None);
        };
        let links = pair_key(account, "");
        let links = self.view.rows_under::<LinkRow>(Kind::Link, &links)?;
        let persons: Vec<_> = links.into_iter().filter_map(|(_, l)| l.person).collect();
        let order = self.order(tenant)?;
        let chosen = choose(&order, |via| match via {
            Via::Named => self.named(account, &persons, tenant),
            Via::Manager => self.manager(account, &persons, tenant),
            Via::Team => self.team(source),
        })?;
        Ok(Some(chosen))
    }

    fn order(&self, tenant: &SourceName) -> Result<Vec<Via>, EngineError> {
        if let Some(order) = self.orders.borrow().get(tenant) {
            return Ok(order.clone());
        }
        let guard = self.engine.tenant_guard(tenant)?.unwrap_or_default();
        let order = guard.succession().to_vec();
        let mut orders = self.orders.borrow_mut();
        orders.insert(tenant.clone(), order.clone());
        Ok(order)
    }

    /// Whom somebody has named, for the account or for one of its persons; the newest word counts.
    fn named(
        &self,
        account: &Subject,
        persons: &[Subject],
        tenant: &SourceName,
    ) -> Result<Candidate, EngineError> {
        let mut newest: Option<SuccessorRow> = None;
        for sub in persons.iter().chain([account]) {
            let key = pair_key(sub, tenant.as_str());
            let row = self.view.row::<SuccessorRow>(Kind::Successor, &key)?;
            newest = newest.into_iter().chain(row).max_by_key(|row| row.seq);
        }
        Ok(newest.map_or(Candidate::Nobody, |row| Candidate::Said(row.to, row.seq)))
    }

    /// The one account that the managers of its persons have in the tenant.
    fn manager(
        &self,
        account: &Subject,
        persons: &[Subject],
        tenant: &SourceName,
    ) -> Result<Candidate, EngineError> {
        let mut managers = BTreeSet::new();
        for person in persons {
            let row = self.view.row::<PersonRow>(Kind::Person, person.as_str())?;
            managers.extend(row.and_then(|row| row.facts.manager));
        }
        managers.retain(|manager| !persons.contains(manager));
        if managers.is_empty() {
            return Ok(Candidate::Nobody);
        }
        let owned = self.owned()?;
        let all: BTreeSet<_> = managers
            .iter()
            .filter_map(|m| owned.get(m))
            .flatten()
            .collect();
        let mut here = Vec::new();
        for sub in all.into_iter().filter(|sub| *sub != account) {
            let row = self.view.row::<AccountRow>(Kind::Account, sub.as_str())?;
            here.extend(row.filter(|row| row.tenant == *tenant && row.gone.is_none()));
        }
        let unfit = match here.as_slice() {
            [] => "block.successor-unknown",
            [one] if !can_take_over(&one.facts) => "block.successor-unfit",
            [one] if self.is_going(&one.subject)? => "block.successor-leaving",
            [one] => return Ok(Candidate::Fits(one.subject.clone())),
            _ => "block.successor-ambiguous",
        };
        Ok(Candidate::Unfit(Code::new(unfit)))
    }

    /// The account that has the configured address now. Whether they can take over is asked just
    /// before the request: nobody comes after them.
    fn team(&self, tenant: &TenantSource) -> Result<Candidate, EngineError> {
        if let Some(team) = self.teams.borrow().get(&tenant.name) {
            return Ok(team.clone());
        }
        let team = match &tenant.successor {
            None => Candidate::Nobody,
            Some(address) => match self.engine.accounts_with(&tenant.name, address)?.as_slice() {
                [account] => Candidate::Fits(account.clone()),
                _ => Candidate::Unfit(Code::new("block.successor-unknown")),
            },
        };
        let mut teams = self.teams.borrow_mut();
        teams.insert(tenant.name.clone(), team.clone());
        Ok(team)
    }

    fn owned(&self) -> Result<&BTreeMap<Subject, Vec<Subject>>, EngineError> {
        if let Some(owned) = self.owned.get() {
            return Ok(owned);
        }
        let mut owned: BTreeMap<Subject, Vec<Subject>> = BTreeMap::new();
        for (_, link) in self.view.rows::<LinkRow>(Kind::Link)? {
            if let Some(person) = link.person {
                owned.entry(person).or_default().push(link.account);
            }
        }
        Ok(self.owned.get_or_init(|| owned))
    }

    fn is_going(&self, account: &Subject) -> Result<bool, EngineError> {
        Ok(self.going.contains(account) || self.engine.is_leaving(self.now, account)?)
    }
}

impl Engine {
    /// Who takes over what one account owns when it is removed, as the rows stand.
    pub(super) fn heir_of(
        &self,
        now: Time,
        account: &Subject,
        tenant: &SourceName,
    ) -> Result<Option<Subject>, EngineError> {
        let heirs = Heirs::new(self, now, BTreeSet::new())?;
        let chosen = heirs.of(account, tenant)?;
        Ok(chosen.and_then(|chosen| chosen.account))
    }

    /// Reads the successor again just before a request; why it cannot take over, if it cannot.
    ///
    /// Whether one is needed at all only the provider can tell, by what the account owns.
    pub(super) async fn successor_now(
        &self,
        run: &Run,
        tenant: &TenantSource,
        step: &Step,
    ) -> Result<Result<Option<Successor>, Code>, EngineError> {
        if step.does != Do::Remove || !tenant.hands_over() {
            return Ok(Ok(None));
        }
        let by_default = matches!(by(step), None | Some(Via::Team));
        if let Some(address) = tenant.successor.as_ref().filter(|_| by_default) {
            if !self.is_successor_adopted(tenant, address)? {
                return Ok(Err(Code::new("block.other-successor")));
            }
            if step.successor.is_none() {
                return Ok(Err(Code::new("block.successor-unknown")));
            }
        }
        let Some(account) = &step.successor else {
            return Ok(Ok(None));
        };
        if *account == step.account {
            return Ok(Err(Code::new("block.successor-leaving")));
        }
        let Some(id) = self.account_id(account)? else {
            return Ok(Err(Code::new("block.erased")));
        };
        let record = match tenant.adapter.account(&id).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(Err(Code::new("block.successor-unknown"))),
            Err(error) => return Ok(Err(Code::new(error.fault()))),
        };
        if !can_be_heir(&record) {
            return Ok(Err(Code::new("block.successor-unfit")));
        }
        let email = record.email.clone();
        self.observe_account(run, tenant, record)?;
        if self.is_leaving(run.now, account)? {
            return Ok(Err(Code::new("block.successor-leaving")));
        }
        Ok(Ok(Some(Successor { id, email })))
    }

    fn is_successor_adopted(
        &self,
        tenant: &TenantSource,
        address: &Email,
    ) -> Result<bool, EngineError> {
        let guard = self.tenant_guard(&tenant.name)?;
        let Some(adopted) = guard.and_then(|g| g.successor) else {
            return Ok(false);
        };
        Ok(adopted == self.fingerprint(address.as_str())?)
    }

    /// The successors of some steps who leave themselves, with their tenants and how they were
    /// found: as long as they do, those steps are withheld.
    pub fn leaving_successors(
        &self,
        steps: &[StepRow],
    ) -> Result<BTreeSet<(SourceName, Subject, Via)>, EngineError> {
        let now = self.clock.now();
        let all = steps.iter().filter_map(|row| {
            let via = by(&row.step).unwrap_or(Via::Team);
            let account = row.step.successor.clone()?;
            Some((row.step.tenant.clone(), account, via))
        });
        let mut leaving = BTreeSet::new();
        for one in all.collect::<BTreeSet<_>>() {
            if self.is_leaving(now, &one.1)? {
                leaving.insert(one);
            }
        }
        Ok(leaving)
    }

    /// The steps that are withheld as long as their successor leaves, with the successor.
    pub fn without_successor(
        &self,
        steps: &[StepRow],
    ) -> Result<Vec<(StepRow, Subject)>, EngineError> {
        let leaving = self.leaving_successors(steps)?;
        let held_up = steps.iter().filter_map(|row| {
            let successor = row.step.successor.as_ref()?;
            let theirs = leaving
                .iter()
                .any(|(tenant, who, _)| *tenant == row.step.tenant && who == successor);
            theirs.then(|| (row.clone(), successor.clone()))
        });
        Ok(held_up.collect())
    }

    /// Why a step that is due was not taken, where the rules let it: its successor leaves as well, or
    /// it was withheld when it was to be carried out, as the newest entry about that says.
    pub fn due_and_not_taken(&self, one: &Judged) -> Result<Option<Code>, EngineError> {
        let (decision, account) = (&one.decision, &one.facts.account);
        if decision.verdict != Ruling::Act {
            return Ok(None);
        }
        if decision.does == Some(Do::Remove)
            && let Some(successor) =
                self.heir_of(self.clock.now(), &account.subject, &account.tenant)?
            && self.is_leaving(self.clock.now(), &successor)?
        {
            return Ok(Some(Code::new("block.successor-leaving")));
        }
        let entries = self.ledger.view()?.about(&account.subject)?;
        let acted = |kind: &str| [CommandIntended::TYPE, StepWithheld::TYPE].contains(&kind);
        let newest = entries.iter().rev().find(|e| acted(&e.kind));
        let withheld = newest.and_then(|entry| entry.payload::<StepWithheld>());
        Ok(withheld.map(|withheld| withheld.because))
    }

    /// Whether somebody has left, or stands in a plan to be disabled or removed.
    pub(super) fn is_leaving(&self, now: Time, account: &Subject) -> Result<bool, EngineError> {
        if self
            .facts(account)?
            .is_some_and(|facts| leaver(&facts, now).is_some())
        {
            return Ok(true);
        }
        let open = self.open_steps(now)?;
        let mut steps = open.iter().flat_map(|(_, left)| left);
        Ok(steps.any(|s| s.step.account == *account && s.step.does.is_step()))
    }
}

/// How the successor of a step was found.
fn by(step: &Step) -> Option<Via> {
    step.succession.as_ref().and_then(|how| how.by)
}

fn can_be_heir(record: &AccountRecord) -> bool {
    record.facts.state == AccountState::Active && record.facts.kind == AccountKind::Human
}
