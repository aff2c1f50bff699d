//! What a person is to do about a leaver whom no step may touch, in order.

use crate::domain::account::AccountState;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::task::is_doubt;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::provider::by_hand::ByHand;

/// The parts of an instruction, in the order in which they are done: roles and what hangs on them
/// first, keys then, the sign-in last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    OwnCredential,
    Owner,
    LastAdmin,
    Admin,
    Managed,
    Keys,
    Held,
    Machine,
    Unclear,
    Listed,
    Impossible,
    SetAside,
}

const HELD: &[&str] = &[
    "The account is held (`exeunt hold list`). Ask whoever answers for the hold what the account is \
     still needed for, and name somebody who has not left to answer for it.",
    "Change its password and its second factor, so that whoever has left cannot use it. How that is \
     done at this provider is not known to Exeunt.",
    "If it is to go after all, an approver lifts the hold: `exeunt hold lift ID --reason \"…\"`.",
];

const MACHINE: &[&str] = &[
    "Find out which programs use the account, and give them one that belongs to no person.",
    "Change its password and revoke its keys, so that whoever has left cannot use it.",
];

const UNCLEAR: &[&str] = &[
    "See in the tenant what the account is and may do: Exeunt knows neither its role nor its state \
     for certain.",
    "Take from it what is more than an ordinary user has, in the tenant.",
];

const LISTED: &[&str] = &[
    "The account stands on the protection list of the tenant. If it is to go, take it off `protect` in \
     exeunt.toml; an approver adopts that: `exeunt policy approve --reason \"…\"`.",
];

const IMPOSSIBLE: &[&str] = &[
    "The tenant cannot do the step of the policy. Name a substitute for it in exeunt.toml, or do it by \
     hand:",
];

const SET_ASIDE: &[&str] = &[
    "The tenant has refused the step ten times: `exeunt why` tells what it answered. Mend that and let \
     it be tried again (`exeunt retry WHO --reason \"…\"`), or do it by hand:",
];

const DOUBT: &[&str] = &[
    "See in the tenant whose account it is: nothing is done to it before that is certain.",
    "Say so: `exeunt link add ACCOUNT PERSON --reason \"…\"`, or `exeunt link remove ACCOUNT PERSON \
     --reason \"…\"` for somebody whose it is not. If it is a leaver's, the next plan has the step.",
];

const CLOSED_BY: &str = "Run `exeunt sync`: a complete read that shows the account disabled, gone or \
                         without what protects it closes the task, and nobody's word does.";

const CONFIRM: &str = "Run `exeunt sync`: the account seems to be out, and a complete read of the \
                       tenant confirms it and closes the task.";

impl Engine {
    /// What is to be done about an account, for some reasons.
    pub(super) fn instruction(
        &self,
        facts: &Facts,
        because: &[Code],
        unconfirmed: bool,
    ) -> Result<Vec<String>, EngineError> {
        if unconfirmed {
            return Ok(vec![CONFIRM.to_owned()]);
        }
        let tenant = self.tenant(&facts.account.tenant);
        let Some(by_hand) = tenant.map(|t| t.adapter.kind().by_hand) else {
            return Ok(vec![
                "The tenant stands in exeunt.toml no more: shut the account out in the tenant itself."
                    .to_owned(),
            ]);
        };
        let mut said = Vec::new();
        if because.iter().any(is_doubt) {
            said.extend(DOUBT.iter().copied());
            if let Some(names) = self.candidates_of(facts)? {
                let first = format!("It could belong to {names}.");
                let all = [first].into_iter();
                return Ok(all.chain(said.into_iter().map(str::to_owned)).collect());
            }
            return Ok(said.into_iter().map(str::to_owned).collect());
        }
        let parts = parts(because);
        for part in &parts {
            said.extend(part.steps(&by_hand));
        }
        let managed = parts.contains(&Part::Managed);
        let held = parts.contains(&Part::Held);
        if !managed && !held && facts.account.facts.state != AccountState::Disabled {
            said.extend(by_hand.shut_out);
        }
        said.push(CLOSED_BY);
        Ok(said.into_iter().map(str::to_owned).collect())
    }

    /// The people to whom an account could belong.
    fn candidates_of(&self, facts: &Facts) -> Result<Option<String>, EngineError> {
        let mut names = Vec::new();
        for person in facts.links.iter().flat_map(|link| &link.candidates) {
            let name = self.called(&person.subject)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok((!names.is_empty()).then(|| names.join(" or to ")))
    }
}

fn parts(because: &[Code]) -> Vec<Part> {
    let mut parts = Vec::new();
    let has = |code: &str| because.iter().any(|c| c.as_str() == code);
    let mut add = |holds: bool, part: Part| {
        if holds && !parts.contains(&part) {
            parts.push(part);
        }
    };
    let (owner, admin) = (has("block.protected-owner"), has("block.protected-admin"));
    let last = has("block.protected-last-admin");
    add(has("block.protected-own-credential"), Part::OwnCredential);
    add(owner, Part::Owner);
    add(last, Part::LastAdmin);
    add(admin || last, Part::Admin);
    add(has("block.protected-listed"), Part::Listed);
    add(
        has("block.protected-unknown-role")
            || has("block.protected-staff")
            || has("block.unclear-status"),
        Part::Unclear,
    );
    add(has("block.protected-service"), Part::Machine);
    // whoever had such rights may have made keys
    let keys = has("block.protected-key-owner") || has("block.protected-keys-unseen");
    add(keys || owner || admin || last, Part::Keys);
    let held = has("block.hold-break-glass") || has("block.hold-service");
    add(held, Part::Held);
    add(has("block.provider-managed"), Part::Managed);
    add(has("block.step-impossible"), Part::Impossible);
    add(has("block.set-aside"), Part::SetAside);
    parts
}

impl Part {
    const fn steps(self, by_hand: &ByHand) -> &'static [&'static str] {
        match self {
            Part::OwnCredential => by_hand.own_credential,
            Part::Owner => by_hand.owner,
            Part::LastAdmin => by_hand.last_admin,
            Part::Admin => by_hand.admin,
            Part::Managed => by_hand.managed,
            Part::Keys => by_hand.keys,
            Part::Held => HELD,
            Part::Machine => MACHINE,
            Part::Unclear => UNCLEAR,
            Part::Listed => LISTED,
            Part::Impossible => IMPOSSIBLE,
            Part::SetAside => SET_ASIDE,
        }
    }
}
