//! What operators should hear of, from rows as they stand: gathered here, decided in
//! `domain/alert`, given in `give`.

use std::collections::BTreeMap;

use crate::domain::alert::Alert;
use crate::domain::alert::AlertFacts;
use crate::domain::alert::StillIn;
use crate::domain::alert::WaitingPlan;
use crate::domain::alert::alerts;
use crate::domain::attempts::SET_ASIDE;
use crate::domain::fold::RUNS;
use crate::domain::id::SourceName;
use crate::domain::rows::CommandRow;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::RunsRow;
use crate::domain::rows::SourceRow;
use crate::domain::summary::Summary;
use crate::domain::summary::SummaryFacts;
use crate::domain::summary::summary;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::TenantSource;
use crate::engine::decide::Judged;
use crate::engine::replay::Moment;
use crate::engine::tell;

mod give;

pub use crate::engine::alerts::give::Delivered;
pub use crate::engine::alerts::give::Outside;
pub use crate::engine::alerts::give::alert_value;
pub use crate::engine::alerts::give::beat;
pub use crate::engine::alerts::give::give_outside;

/// A halt that holds: of a tenant or of everything, since when and until when.
type HaltOn = (Option<SourceName>, Time, Option<Time>);

impl Engine {
    /// The runs, if any was promised at a cadence.
    pub fn runs(&self) -> Result<Option<RunsRow>, EngineError> {
        Ok(self.ledger.view()?.row(Kind::Runs, RUNS)?)
    }

    /// Everything that somebody should hear of now and that `[alert]` does not leave out.
    pub fn open_alerts(&self) -> Result<Vec<Alert>, EngineError> {
        let moment = self.at(None)?;
        let judged = self.judge_all(&moment.rows, None, moment.now)?;
        self.alerts_at(&moment, &judged)
    }

    fn alerts_at(&self, moment: &Moment<'_>, judged: &[Judged]) -> Result<Vec<Alert>, EngineError> {
        let mut found = alerts(&self.alert_facts(moment, judged)?, moment.now);
        if let Some(alert) = &self.config.alert {
            found.retain(|one| alert.wants(one.kind));
        }
        Ok(found)
    }

    /// What the week before `to` came to, and how things stand now.
    pub fn summary(&self, to: Time) -> Result<Summary, EngineError> {
        let moment = self.at(None)?;
        let judged = self.judge_all(&moment.rows, None, moment.now)?;
        let view = self.ledger.view()?;
        let mut unknown: BTreeMap<SourceName, u64> = BTreeMap::new();
        for item in self.unknown(&moment, None, &[])? {
            *unknown.entry(SourceName::new(item.tenant)).or_default() += 1;
        }
        let commands = view.rows::<CommandRow>(Kind::Command)?;
        let notices = view.rows::<NoticeRow>(Kind::Notice)?;
        let facts = SummaryFacts {
            commands: commands.into_iter().map(|(_, row)| row).collect(),
            notices: notices.into_iter().map(|(_, row)| row).collect(),
            runs: self.runs()?,
            alerts: self.alerts_at(&moment, &judged)?,
            leavers: self.still_in(&moment, &judged)?,
            decisions: judged.into_iter().map(|one| one.decision).collect(),
            unknown,
        };
        Ok(summary(&facts, to))
    }

    fn alert_facts(
        &self,
        moment: &Moment<'_>,
        judged: &[Judged],
    ) -> Result<AlertFacts, EngineError> {
        let view = self.ledger.view()?;
        let doubts = self.open_commands()?.into_iter();
        let holds = self.hold_count(moment)?;
        let undelivered = self.undelivered()?.into_iter();
        let sources = view.rows::<SourceRow>(Kind::Source)?.into_iter();
        let proposed = view.row::<PolicyRow>(Kind::Policy, "proposed")?;
        let proposed = match proposed {
            Some(row) => view.entry(row.seq)?.map(|entry| (row.seq, entry.rec)),
            None => None,
        };
        let mut aside: BTreeMap<SourceName, u64> = BTreeMap::new();
        let refused = |one: &&Judged| one.decision.blocked.iter().any(|c| c.as_str() == SET_ASIDE);
        for one in judged.iter().filter(refused) {
            *aside.entry(one.facts.account.tenant.clone()).or_default() += 1;
        }
        Ok(AlertFacts {
            runs: self.runs()?,
            sources: sources
                .map(|(_, row)| row)
                .filter(|row| self.is_source(&row.source))
                .collect(),
            read_max_age_hours: self.policy_at(moment)?.limits.read_max_age_hours,
            halts: self.halts(moment.now)?,
            doubts: doubts.map(|row| (row.tenant, row.at)).collect(),
            plans: self.waiting_plans(moment.now)?,
            proposed,
            leavers: self.still_in(moment, judged)?,
            aside: aside.into_iter().collect(),
            undelivered: undelivered.map(|one| (one.tenant, one.at)).collect(),
            overdue: holds.overdue.iter().map(|h| (h.id, h.on)).collect(),
            ending: holds.ending_soon.iter().map(|h| (h.id, h.on)).collect(),
            credentials: self.credentials(),
        })
    }

    /// When the credentials end of which that is known.
    fn credentials(&self) -> Vec<(SourceName, Time)> {
        let ends = |tenant: &TenantSource| {
            let until = tenant.adapter.credential_until()?;
            Some((tenant.name.clone(), until))
        };
        self.tenants.iter().filter_map(ends).collect()
    }

    /// Leavers who are still in and on a clock.
    fn still_in(
        &self,
        moment: &Moment<'_>,
        judged: &[Judged],
    ) -> Result<Vec<StillIn>, EngineError> {
        let clocks = self.clocks(moment)?;
        let mut found = Vec::new();
        for one in judged.iter().filter(|one| one.decision.leaver_still_in) {
            let clocked = clocks.of(&one.facts, Some(&one.decision))?;
            found.extend(clocked.map(|clocked| StillIn {
                tenant: one.facts.account.tenant.clone(),
                state: clocked.clock.state,
                due: clocked.clock.due,
            }));
        }
        Ok(found)
    }

    /// Halts that hold.
    fn halts(&self, now: Time) -> Result<Vec<HaltOn>, EngineError> {
        let rows = self.ledger.view()?.rows::<HaltRow>(Kind::Halt)?;
        let on = rows
            .into_iter()
            .filter(|(_, halt)| halt.until.is_none_or(|until| now < until));
        let halt = |(key, halt): (String, HaltRow)| {
            let tenant = key.split_once(':').map(|(_, name)| SourceName::new(name));
            (tenant, halt.at, halt.until)
        };
        Ok(on.map(halt).collect())
    }

    fn waiting_plans(&self, now: Time) -> Result<Vec<WaitingPlan>, EngineError> {
        let mut found = Vec::new();
        for (plan, left) in self.open_steps(now)? {
            let (needed, approved) = self.approvals(&plan)?;
            found.push(WaitingPlan {
                digest: tell::short(&plan.digest).to_owned(),
                since: plan.now,
                steps: left.len() as u64,
                have: plan.approvals.len() as u64,
                needed,
                approved,
                expires_at: plan.expires_at,
                tripped: self.tripped(&plan)?,
            });
        }
        Ok(found)
    }
}
