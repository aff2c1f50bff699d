//! What `exeunt check` finds out about an account, in an administrator's words.

use crate::domain::account::AccountKind;
use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::ProviderError;
use crate::provider::http::Request;
use crate::provider::projectplace::ProjectPlace;
use crate::provider::projectplace::list::ACCOUNT;
use crate::provider::projectplace::list::Listed;
use crate::provider::projectplace::people::Role;

const ROBOT_HINT: &str = "As the account owner or a co-owner, look in the account administration \
                          under Robots: the robot must be there, and its keys must be those that \
                          are configured. OAuth 1 also needs a clock that is right.";

fn failed(what: &str, e: &ProviderError) -> Probe {
    let hint = match e {
        ProviderError::Credentials { .. }
        | ProviderError::Token { .. }
        | ProviderError::Rights { .. } => ROBOT_HINT,
        ProviderError::Unreachable { .. } => {
            "Look at the address in `url`, at name resolution, firewall and certificate."
        }
        ProviderError::Limited { .. } => "Try again after that time.",
        ProviderError::NotWhole { .. } => {
            "Read again. If it stays so, the tenant shows people in one list and hides them in the \
             other, and nothing is done there."
        }
        _ => {
            "Look whether `url` is the address of the API: https://api.projectplace.com, or \
             https://SUBDOMAIN.projectplace.com."
        }
    };
    Probe::new(what, ProbeState::Bad, format!("{e}."), Some(hint))
}

impl ProjectPlace {
    pub(super) async fn probe_all(&self) -> Vec<Probe> {
        let account = Request::get(ACCOUNT);
        if let Err(e) = self.read(account, "reading the account").await {
            // without a credential that works, nothing else can be said
            return vec![failed("credential", &e)];
        }
        let says = "The robot's keys work. A robot may read, change and delete everything in the \
                    account: keep its keys as safe as the owner's password.";
        let mut probes = vec![Probe::new("credential", ProbeState::Good, says, None)];
        match self.everybody(&|_| {}).await {
            Ok(listed) => {
                probes.push(people(&listed));
                probes.push(logins(&listed));
                probes.push(self.probe_owned(&listed).await);
            }
            Err(e) => probes.push(failed("people", &e)),
        }
        probes.push(sessions(self.session_s));
        probes
    }

    async fn probe_owned(&self, listed: &Listed) -> Probe {
        let what = "head administrators";
        let mut members = listed.everybody.iter();
        let Some((id, _)) = members.find(|(_, person)| person.role() == Role::Member) else {
            let says = "There is no plain member whose head-administrator roles could be read.";
            return Probe::new(what, ProbeState::Limited, says, None);
        };
        match self.holdings(id).await {
            Ok(_) => {
                let says = "The robot may read who is head administrator of what.";
                Probe::new(what, ProbeState::Good, says, None)
            }
            Err(e) => failed(what, &e),
        }
    }
}

fn people(listed: &Listed) -> Probe {
    let records = listed.everybody.iter().map(|(id, p)| p.record(id).facts);
    let (mut all, mut externals, mut protected) = (0u64, 0u64, 0u64);
    for facts in records {
        all += 1;
        externals += u64::from(facts.kind == AccountKind::Guest);
        protected += u64::from(!facts.protected.is_empty());
    }
    let says = format!(
        "Both lists of people agree: {all} accounts, {externals} of them external members; \
         {protected} are never touched (owners, administrators, pending, or without an address)."
    );
    Probe::new("people", ProbeState::Good, says, None)
}

fn logins(listed: &Listed) -> Probe {
    let what = "last logins";
    let records = listed.everybody.iter().map(|(id, p)| p.record(id));
    let hidden = records.filter(|r| !r.facts.hidden.is_empty()).count();
    let all = listed.everybody.len();
    if hidden == all {
        let says = "No account shows its last login: nobody will be called inactive.";
        return Probe::new(what, ProbeState::Bad, says, None);
    }
    let says = format!(
        "{} of {all} accounts show their last login. Nobody without one is called inactive.",
        all - hidden
    );
    Probe::new(what, ProbeState::Good, says, None)
}

fn sessions(session_s: u64) -> Probe {
    let days = session_s / 86_400;
    let says = format!(
        "ProjectPlace does not say how long a login lasts; {days} days are added to every silence."
    );
    let hint = "Set session_days for the tenant if you know better.";
    Probe::new("session lifetime", ProbeState::Good, says, Some(hint))
}
