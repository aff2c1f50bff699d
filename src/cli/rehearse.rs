//! `exeunt sandbox`: a loopback tenant and directory to rehearse with, and the exeunt.toml for them.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;

use crate::cli::args::SandboxArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::private_file;
use crate::config::mistake::nearest;
use crate::sandbox::Story;
use crate::sandbox::StoryOptions;
use crate::sandbox::docspace::DocSpace;
use crate::sandbox::docspace::DocSpaceOptions;
use crate::sandbox::estate::Rehearsal;
use crate::sandbox::estate::Setting;
use crate::sandbox::estate::TENANTS;
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
    let files = [
        ("exeunt.toml", toml(places, ring)),
        ("portal.token", places.token.clone()),
        ("directory.password", places.bind_password.clone()),
    ];
    write_files(dir, &files.map(|(name, text)| (name.to_owned(), text)))
}

/// Writes files into a directory, readable by their owner only.
pub fn write_files(dir: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|e| private_file::failure(dir, &e))?;
    for (name, text) in files {
        private_file::write(&dir.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// The exeunt.toml for tenants of several providers, each under its provider's name.
fn estate_toml(tenants: &[Rehearsal]) -> String {
    let mut text = "# A rehearsal: everything here is on this machine's loopback addresses.\n\
                    [ledger]\norigin = \"sandbox.example/exeunt\"\nsandbox = true\n\n"
        .to_owned();
    for tenant in tenants {
        text.push_str(&tenant.toml(tenant.provider));
        text.push_str("# protect = [\"boss@example.com\"]\n# successor = \"name@example.com\"\n\n");
    }
    text.push_str(
        "# Looks only; set ring = \"enforce\" to let it act once plans are approved.\n\
         [[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nring = \"report\"\nafter_days = 90\n\
         notice_days = [30, 7]\nsteps = [{ do = \"disable\", substitute = \"remove\" }]\n\
         approvals = { disable = 1, remove = 1 }\n",
    );
    text
}

/// Starts tenants of the providers that were named.
fn estate(args: &SandboxArgs) -> Result<Vec<Rehearsal>, Failure> {
    let failure = |e: std::io::Error| Failure::plain(format!("the sandbox cannot start: {e}"));
    let all = args.provider.iter().any(|name| name == "all");
    let known: Vec<_> = TENANTS.iter().map(|(name, _)| *name).collect();
    if let Some(name) = args
        .provider
        .iter()
        .find(|n| *n != "all" && !known.contains(&n.as_str()))
    {
        return Err(Failure::usage(
            format!("there is no provider `{name}`"),
            nearest(name, &known),
        ));
    }
    let setting = Setting {
        bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        population: Population::mixed(args.accounts.unwrap_or(40), args.logins),
        now: None,
    };
    let chosen = TENANTS
        .iter()
        .filter(|(name, _)| all || args.provider.iter().any(|n| n == name));
    chosen
        .map(|(_, start)| start(&setting).map_err(failure))
        .collect()
}

/// Runs tenants of several providers until it is interrupted.
async fn serve_estate(args: &SandboxArgs, output: &Output) -> Result<Exit, Failure> {
    let tenants = estate(args)?;
    let toml = estate_toml(&tenants);
    let mut files = vec![("exeunt.toml".to_owned(), toml.clone())];
    for tenant in &tenants {
        files.extend(tenant.files(tenant.provider));
    }
    write_files(&args.dir, &files)?;
    let dir = args.dir.display();
    if output.json {
        let places = tenants.iter().map(|t| {
            let url = url::Url::parse(&t.url).map(|u| u.origin().ascii_serialization());
            let control = format!("{}/_sandbox", url.unwrap_or_else(|_| t.url.clone()));
            serde_json::json!({ "provider": t.provider, "tenant": t.url, "tenant_control": control })
        });
        output.document(&serde_json::json!({
            "tenants": places.collect::<Vec<_>>(), "config": args.dir.join("exeunt.toml"),
        }));
    } else {
        output.raw(&toml);
        output.note(&format!("wrote {dir}/exeunt.toml and its secrets"));
        output.hint(&format!(
            "in another terminal: exeunt -C {dir}/exeunt.toml init"
        ));
        output.note("running until Ctrl-C");
    }
    drop(tokio::signal::ctrl_c().await);
    Ok(Exit::Done)
}

/// `exeunt sandbox`: runs until it is interrupted.
pub async fn sandbox(args: &SandboxArgs, output: &Output) -> Result<Exit, Failure> {
    if !args.provider.is_empty() {
        return serve_estate(args, output).await;
    }
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
