//! `exeunt sandbox`: a loopback tenant and directory to rehearse with, and the exeunt.toml for them.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;

use crate::cli::args::SandboxArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::sandbox::Story;
use crate::sandbox::StoryOptions;
use crate::sandbox::docspace::DocSpace;
use crate::sandbox::docspace::DocSpaceOptions;
use crate::sandbox::ldap::Ldap;
use crate::sandbox::ldap::LdapOptions;
use crate::sandbox::population::Population;

/// Where the sandbox's servers are and how they are reached.
#[derive(Debug, Clone)]
pub struct Places {
    /// The tenant.
    pub tenant_url: String,
    /// Its API key.
    pub token: String,
    /// The directory.
    pub directory_url: String,
    /// As whom to bind.
    pub bind_dn: String,
    /// With which password.
    pub bind_password: String,
    /// Where the people are.
    pub base: String,
    /// Somebody who must be seen.
    pub canary: Option<String>,
}

impl Places {
    /// The places of the small company.
    pub fn of(story: &Story) -> Self {
        Self {
            tenant_url: story.docspace().url(),
            token: story.docspace().token().to_owned(),
            directory_url: story.ldap().url(),
            bind_dn: story.ldap().bind_dn().to_owned(),
            bind_password: story.ldap().bind_password().to_owned(),
            base: story.ldap().base().to_owned(),
            canary: Some(story.canary()),
        }
    }
}

/// The exeunt.toml for a sandbox.
pub fn toml(places: &Places, ring: &str) -> String {
    let canaries = match &places.canary {
        Some(canary) => format!("canaries = [{canary:?}]\n"),
        None => String::new(),
    };
    format!(
        r#"# A rehearsal: everything here is on this machine's loopback addresses.
[ledger]
origin = "sandbox.example/exeunt"
sandbox = true

[[directory]]
name = "corp"
kind = "ldap"
flavor = "openldap"
url = ["{directory}"]
bind_dn = "{bind}"
bind_password = {{ file = "directory.password" }}
base = "{base}"
{canaries}
[[tenant]]
name = "portal"
provider = "docspace"
url = "{tenant}"
token = {{ file = "portal.token" }}

[[policy]]
name = "leavers"
when = "departed"
ring = "{ring}"
steps = [{{ do = "disable" }}]
approvals = {{ disable = 1 }}

[[policy]]
name = "idle"
when = "inactive"
ring = "{ring}"
after_days = 90
notice_days = [30, 7]
steps = [{{ do = "disable" }}]
approvals = {{ disable = 1 }}
"#,
        directory = places.directory_url,
        bind = places.bind_dn,
        base = places.base,
        tenant = places.tenant_url,
    )
}

/// Writes exeunt.toml and the secrets into a directory; the secrets for their owner only.
pub fn write(dir: &Path, places: &Places, ring: &str) -> Result<(), Failure> {
    let failure = |path: &Path, e: std::io::Error| {
        Failure::plain(format!("{} cannot be written: {e}", path.display()))
    };
    std::fs::create_dir_all(dir).map_err(|e| failure(dir, e))?;
    let files = [
        ("exeunt.toml", toml(places, ring)),
        ("portal.token", places.token.clone()),
        ("directory.password", places.bind_password.clone()),
    ];
    for (name, text) in files {
        let path = dir.join(name);
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| failure(&path, e))?;
        file.write_all(text.as_bytes())
            .map_err(|e| failure(&path, e))?;
        file.persist(&path).map_err(|e| failure(&path, e.error))?;
    }
    Ok(())
}

/// `exeunt sandbox`: runs until it is interrupted.
pub async fn sandbox(args: &SandboxArgs, output: &Output) -> Result<Exit, Failure> {
    let failure = |e: std::io::Error| Failure::plain(format!("the sandbox cannot start: {e}"));
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match args.accounts {
        None => {
            let options = StoryOptions {
                docspace: at(args.tenant_port),
                ldap: at(args.directory_port),
                ..StoryOptions::default()
            };
            let story = Story::start(&options).map_err(failure)?;
            let control = story.ldap().control_url();
            serve(args, &Places::of(&story), &control, output).await
        }
        Some(accounts) => {
            let tenant = DocSpace::start(DocSpaceOptions {
                bind: at(args.tenant_port),
                population: Population::mixed(accounts, args.logins),
                ..DocSpaceOptions::default()
            })
            .map_err(failure)?;
            let directory = Ldap::start(LdapOptions {
                bind: at(args.directory_port),
                people: accounts,
                ..LdapOptions::default()
            })
            .map_err(failure)?;
            let places = Places {
                tenant_url: tenant.url(),
                token: tenant.token().to_owned(),
                directory_url: directory.url(),
                bind_dn: directory.bind_dn().to_owned(),
                bind_password: directory.bind_password().to_owned(),
                base: directory.base().to_owned(),
                canary: None,
            };
            let control = directory.control_url();
            serve(args, &places, &control, output).await
        }
    }
}

async fn serve(
    args: &SandboxArgs,
    places: &Places,
    directory_control: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    write(&args.dir, places, "enforce")?;
    let dir = args.dir.display();
    if output.json {
        output.document(&serde_json::json!({
            "tenant": places.tenant_url, "tenant_control": format!("{}/_sandbox", places.tenant_url),
            "directory": places.directory_url, "directory_control": format!("{directory_control}/_sandbox"),
            "config": args.dir.join("exeunt.toml"),
        }));
    } else {
        output.raw(&toml(places, "enforce"));
        output.note(&format!("wrote {dir}/exeunt.toml and its secrets"));
        output.note(&format!(
            "tenant control:    POST {}/_sandbox/…",
            places.tenant_url
        ));
        output.note(&format!(
            "directory control: POST {directory_control}/_sandbox/…"
        ));
        output.hint(&format!(
            "in another terminal: exeunt -C {dir}/exeunt.toml init"
        ));
        output.note("running until Ctrl-C");
    }
    drop(tokio::signal::ctrl_c().await);
    Ok(Exit::Done)
}
