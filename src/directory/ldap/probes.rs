//! What `exeunt check` says about an LDAP directory: whether it can be read, what the account may
//! not see, and how to let it.

use ldap3::Scope;

use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::ProbeState;
use crate::directory::ldap::ANYTHING;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::active_directory::WITH_BIT;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::failure;
use crate::directory::ldap::no_right;
use crate::directory::ldap::settings::Flavor;
use crate::directory::ldap::tombstones;
use crate::domain::source::ReadProof;

/// Attributes of password policies, one of which a person usually has.
const POLICY: &[&str] = &[
    "pwdChangedTime",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "pwdLastSuccess",
    "nsAccountLock",
];

impl LdapDirectory {
    pub(super) async fn probe(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        let mut connection = match self.reach(&mut probes).await {
            Some(connection) => connection,
            None => return probes,
        };
        if let Err(error) = connection.bind(&self.settings).await {
            probes.push(Probe::bad("credentials", &error));
            return probes;
        }
        probes.push(Probe::good(
            "credentials",
            "the bind name and its password are accepted".to_owned(),
        ));
        match self.probe_base(&mut connection).await {
            Ok(probe) => probes.push(probe),
            Err(error) => probes.push(Probe::bad("base", &error)),
        }
        let signals = self.probe_signals(&mut connection).await;
        let sound = !signals.iter().any(|probe| probe.state == ProbeState::Bad);
        probes.extend(signals);
        if sound {
            match self.read_all(&mut connection, &|_| ()).await {
                Ok(read) => probes.extend(self.probe_people(&mut connection, &read).await),
                Err(error) => probes.push(self.not_read(&error)),
            }
        }
        connection.close().await;
        probes
    }

    /// Tries all servers, and goes on with the first that answers.
    async fn reach(&self, probes: &mut Vec<Probe>) -> Option<Connection> {
        let mut first = None;
        for url in &self.settings.urls {
            match self.open(url).await {
                Ok(connection) => {
                    let how = match (self.settings.starttls, &self.tls) {
                        (true, _) => "over StartTLS, with a certificate that fits",
                        (false, Some(_)) if connection.at.starts_with("ldaps") => {
                            "over TLS, with a certificate that fits"
                        }
                        _ => "without TLS, on this machine only",
                    };
                    probes.push(Probe::good(
                        "connection",
                        format!("{} answers {how}", connection.at),
                    ));
                    match first {
                        None => first = Some(connection),
                        Some(_) => connection.close().await,
                    }
                }
                Err(error) => {
                    let mut probe = Probe::bad("connection", &error);
                    // Without one that answers before it, a read would end here too.
                    let passed = failure::next_may_help(&error);
                    if first.is_some() || passed && self.settings.urls.len() > 1 {
                        probe.state = ProbeState::Limited;
                        probe.hint = Some("another server is used meanwhile".to_owned());
                    }
                    probes.push(probe);
                    if first.is_none() && !passed {
                        return None;
                    }
                }
            }
        }
        if first.is_none() {
            for probe in &mut *probes {
                probe.state = ProbeState::Bad;
                probe.hint = None;
            }
        }
        first
    }

    async fn probe_base(&self, connection: &mut Connection) -> Result<Probe, DirectoryError> {
        let base = self.settings.base.as_str();
        let attributes = self.key_attributes();
        let answer = self
            .ask(connection, base, Scope::Base, ANYTHING, attributes)
            .await?;
        let Some(entry) = answer.entries.first() else {
            return Err(no_right(&connection.at, &format!("reading {base} itself")));
        };
        let key = self.key_name();
        Ok(if self.key(&entry.attributes).is_some() {
            Probe::good("base", format!("{base} can be read, with its {key}"))
        } else {
            Probe {
                what: "base".to_owned(),
                state: ProbeState::Bad,
                says: format!("{base} can be read, but not its {key}"),
                hint: Some(format!(
                    "let the account read {key}; people are known by it"
                )),
            }
        })
    }

    /// Group and leavers' units, which a read must find.
    async fn probe_signals(&self, connection: &mut Connection) -> Vec<Probe> {
        let mut probes = Vec::new();
        let signals = &self.settings.signals;
        for unit in signals.leavers_units.iter().chain(&signals.preserved_base) {
            let what = "leavers' units";
            probes.push(match self.there(connection, unit).await {
                Ok(()) => Probe::good(what, format!("{unit} can be read")),
                Err(error) => with_hint(
                    Probe::bad(what, &error),
                    "see whether it was moved or renamed, and let the account read it",
                ),
            });
        }
        let Some(group) = &signals.group else {
            return probes;
        };
        let found = match self.root_entry(connection).await {
            Ok(root) => self.members(connection, &root, None).await,
            Err(error) => Err(error),
        };
        probes.push(match found {
            Ok(_) => Probe::good("group", format!("{group} can be read, and has members")),
            Err(error) => with_hint(
                Probe::bad("group", &error),
                "see whether it was moved, renamed or emptied, and let the account read `member`",
            ),
        });
        probes
    }

    /// What a whole read showed, and did not show.
    async fn probe_people(&self, connection: &mut Connection, read: &PeopleRead) -> Vec<Probe> {
        let mut probes = people_probes(&read.proof, self.key_name());
        if read.proof.count == 0 {
            return probes;
        }
        if self.settings.flavor == Flavor::ActiveDirectory {
            probes.push(self.tombstone_probe(&read.proof));
            probes.push(self.probe_control(connection).await);
            probes.push(self.login_probe(read));
        } else {
            probes.push(self.probe_policy(connection).await);
        }
        let signals = &self.settings.signals;
        let named = signals.left_when.iter().map(|rule| rule.attribute.as_str());
        for attribute in named.chain(signals.leave_date.as_deref()) {
            probes.push(self.probe_attribute(connection, attribute).await);
        }
        probes
    }

    fn tombstone_probe(&self, proof: &ReadProof) -> Probe {
        let seen = proof.about.get("tombstones").map(String::as_str);
        let what = "deleted people";
        match seen {
            Some("seen") => Probe::good(what, "deleted people can be seen".to_owned()),
            Some("none") => Probe::good(
                what,
                "what was deleted can be seen; there are no people in it".to_owned(),
            ),
            _ => {
                let base = &self.settings.base;
                let domain = base
                    .to_ascii_lowercase()
                    .find("dc=")
                    .and_then(|at| base.get(at..))
                    .unwrap_or(base);
                let container = tombstones::container(domain);
                Probe {
                    what: what.to_owned(),
                    state: ProbeState::Limited,
                    says: "nothing that was deleted can be seen; who is deleted counts as gone \
                           only after several reads"
                        .to_owned(),
                    hint: Some(format!(
                        "as a domain admin: dsacls \"{container}\" /takeownership, then dsacls \
                         \"{container}\" /G \"DOMAIN\\ACCOUNT:LCRP\" with the account of bind_dn"
                    )),
                }
            }
        }
    }

    /// Whether everybody lets be seen whether they are disabled.
    async fn probe_control(&self, connection: &mut Connection) -> Probe {
        let what = "disabled people";
        let people = self.settings.effective_filter();
        let blind = format!("(&{people}(!(userAccountControl:{WITH_BIT}:=512)))");
        let base = &self.settings.base;
        match self.any(connection, base, &blind).await {
            Err(error) => Probe::bad(what, &error),
            Ok(false) => Probe::good(what, "who is disabled can be seen".to_owned()),
            Ok(true) => Probe {
                what: what.to_owned(),
                state: ProbeState::Limited,
                says: "of some entries it cannot be seen whether they are disabled".to_owned(),
                hint: Some(
                    "let the account read userAccountControl and accountExpires of all people, or \
                     leave contacts out with `filter`"
                        .to_owned(),
                ),
            },
        }
    }

    fn login_probe(&self, read: &PeopleRead) -> Probe {
        let what = "logins";
        let says = read.proof.about.get("last-login").map(String::as_str);
        if !read.people.iter().any(|p| p.last_login.is_some()) {
            return Probe {
                what: what.to_owned(),
                state: ProbeState::Limited,
                says: "nobody's last login can be seen".to_owned(),
                hint: Some("let the account read lastLogonTimestamp".to_owned()),
            };
        }
        if !self.settings.signals.exact_last_login {
            return Probe::good(
                what,
                "last logins can be seen, to about two weeks".to_owned(),
            );
        }
        match says {
            Some("exact") => Probe::good(what, "all controllers say their logins".to_owned()),
            _ => Probe {
                what: what.to_owned(),
                state: ProbeState::Limited,
                says: format!(
                    "last logins are known to about two weeks only ({})",
                    says.unwrap_or("unknown")
                ),
                hint: Some("name every controller of the domain in `url`".to_owned()),
            },
        }
    }

    /// Whether anybody has an attribute that the configuration names.
    async fn probe_attribute(&self, connection: &mut Connection, attribute: &str) -> Probe {
        let filter = format!("(&{}({attribute}=*))", self.settings.effective_filter());
        let base = &self.settings.base;
        match self.any(connection, base, &filter).await {
            Err(error) => Probe::bad(attribute, &error),
            Ok(true) => Probe::good(attribute, format!("{attribute} can be seen")),
            Ok(false) => Probe {
                what: attribute.to_owned(),
                state: ProbeState::Limited,
                says: format!("{attribute} cannot be seen on anybody"),
                hint: Some(
                    "correct its name in the configuration, or let the account read it; nobody is \
                     seen as departed by it until then"
                        .to_owned(),
                ),
            },
        }
    }

    /// Why the people could not be read, with what the product calls its limits.
    fn not_read(&self, error: &DirectoryError) -> Probe {
        let probe = Probe::bad("people", error);
        if error.fault() != "read.size-limit" {
            return probe;
        }
        let bind = &self.settings.bind_dn;
        let hint = match self.settings.flavor {
            Flavor::OpenLdap => format!(
                "add to the database's entry in cn=config: olcLimits: dn.exact=\"{bind}\" \
                 size=unlimited time=unlimited"
            ),
            Flavor::Ds389 => format!(
                "set on {bind}: nsSizeLimit: -1, nsLookThroughLimit: -1, nsPagedSizeLimit: -1"
            ),
            Flavor::ActiveDirectory => {
                "make page_size 1000 or smaller (MaxPageSize of the LDAP policy)".to_owned()
            }
            Flavor::Generic => format!("raise the server's limit of entries for {bind}"),
        };
        Probe {
            hint: Some(hint),
            ..probe
        }
    }

    async fn probe_policy(&self, connection: &mut Connection) -> Probe {
        let any: String = POLICY.iter().map(|name| format!("({name}=*)")).collect();
        let filter = format!("(&{}(|{any}))", self.settings.effective_filter());
        let wanted = Search {
            base: &self.settings.base,
            scope: Scope::Subtree,
            filter: &filter,
            attributes: POLICY,
            controls: &[],
            page: None,
            at_most: 1,
            when: "while asking for password policy attributes".to_owned(),
        };
        let what = "password policy";
        match connection.search(&wanted).await {
            Err(error) => Probe::bad(what, &error),
            Ok(answer) => {
                let visible = answer.entries.iter().any(|entry| {
                    POLICY
                        .iter()
                        .any(|name| entry.attributes.values(name).next().is_some())
                });
                if visible {
                    return Probe::good(what, "locks and ends of accounts can be seen".to_owned());
                }
                let (names, more) = match self.settings.flavor {
                    Flavor::Ds389 => ("nsAccountLock", ""),
                    _ => (
                        "pwdAccountLockedTime, pwdStartTime and pwdEndTime",
                        "if the server has a password policy, ",
                    ),
                };
                Probe {
                    what: what.to_owned(),
                    state: ProbeState::Limited,
                    says: "no attribute of a password policy can be seen on anybody".to_owned(),
                    hint: Some(format!(
                        "{more}let the account read {names}; without them, who is locked for ever \
                         is not seen as departed"
                    )),
                }
            }
        }
    }
}

fn with_hint(mut probe: Probe, hint: &str) -> Probe {
    probe.hint = Some(hint.to_owned());
    probe
}

fn people_probes(proof: &ReadProof, key: &str) -> Vec<Probe> {
    let mut probes = Vec::new();
    let (state, hint) = match (proof.count, proof.without_key) {
        (0, 0) => (
            ProbeState::Bad,
            Some(
                "look at base and filter, and whether the account has the right to read".to_owned(),
            ),
        ),
        (0, _) => (ProbeState::Bad, Some(format!("let the account read {key}"))),
        (_, 0) => (ProbeState::Good, None),
        _ => (
            ProbeState::Limited,
            Some(format!(
                "let the account read {key} of all people; reads count as suspect until then"
            )),
        ),
    };
    probes.push(Probe {
        what: "people".to_owned(),
        state,
        says: format!(
            "{} people in {} pages, {} entries without {key}; no limit of the server was hit",
            proof.count, proof.pages, proof.without_key
        ),
        hint,
    });
    if let Some(elsewhere) = proof.about.get("elsewhere") {
        probes.push(Probe {
            what: "referrals".to_owned(),
            state: ProbeState::Limited,
            says: format!("{elsewhere} referrals to where further people may be are not followed"),
            hint: Some("configure those servers as directories of their own".to_owned()),
        });
    }
    probes
}
