//! Which tenant it is, how it is reached, and whether that works.

use std::net::ToSocketAddrs as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use url::Host;
use url::Url;

use crate::cli::args::Cli;
use crate::cli::args::USUAL_CONFIG;
use crate::cli::clean::answers::Answers;
use crate::cli::clean::ask::Ask;
use crate::cli::clean::ask::End;
use crate::cli::clean::place;
use crate::cli::clean::words;
use crate::cli::output::plural;
use crate::cli::setup;
use crate::config::Config;
use crate::config::build;
use crate::domain::account::AccountRecord;
use crate::provider::KINDS;
use crate::provider::Kind;
use crate::provider::ProbeState;
use crate::provider::Provider;
use crate::provider::ProviderError;

/// How long a host may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The products that are addressed by more than their host.
const WITH_PATH: &[&str] = &["scim"];

/// Has a product chosen.
pub(super) fn product(ask: &Ask) -> Result<&'static Kind, End> {
    ask.part("Which product is it?");
    for (number, kind) in KINDS.iter().enumerate() {
        ask.say(&format!("  {}  {}", number + 1, kind.title));
    }
    let usual = (KINDS.len() == 1).then_some(0);
    loop {
        let chosen = ask.choose("Its number", KINDS.len(), usual)?;
        if let Some(kind) = KINDS.get(chosen) {
            return Ok(kind);
        }
    }
}

/// Has the address of the tenant typed until something answers there.
pub(super) async fn address(ask: &Ask, kind: &Kind) -> Result<Url, End> {
    let with_path = WITH_PATH.contains(&kind.name);
    ask.say("");
    loop {
        let path = if with_path { "/scim/v2" } else { "" };
        let title = kind.title;
        let typed = ask.line(&format!("The address of your {title} (https://…{path}):"))?;
        if typed.is_empty() {
            continue;
        }
        match parse(&typed) {
            Err(says) => ask.say(&says),
            Ok(url) => {
                if url.as_str().trim_end_matches('/') != typed.trim_end_matches('/') {
                    ask.say(&format!("Taken as {}", shown(&url)));
                }
                match reached(&url).await {
                    Ok(()) if with_path => return Ok(url),
                    Ok(()) => return without_path(ask, url),
                    Err(says) => {
                        ask.say(&says);
                        ask.say(
                            "Look for a slip of the pen, also in the region, and type it again.",
                        );
                    }
                }
            }
        }
    }
}

/// What stands behind the host is mostly the page that a browser showed; only the person knows.
fn without_path(ask: &Ask, url: Url) -> Result<Url, End> {
    if url.path().trim_matches('/').is_empty() {
        return Ok(url);
    }
    let mut host = url.clone();
    host.set_path("");
    ask.say("The address has a path in it. Most tenants are addressed by their host alone.");
    ask.say(&format!("  1  {}", shown(&host)));
    ask.say(&format!("  2  {}", shown(&url)));
    let chosen = ask.choose("Its number", 2, None)?;
    Ok(if chosen == 0 { host } else { url })
}

/// An address as it is written down: without the last stroke.
pub(super) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Makes an address of what was typed, or says in plain words what is wrong with it.
fn parse(typed: &str) -> Result<Url, String> {
    let whole = match typed.contains("://") {
        true => typed.to_owned(),
        false => format!("https://{typed}"),
    };
    let no_address =
        || format!("`{typed}` is not an address. It looks like https://yourname.example.com");
    let mut url = Url::parse(&whole).map_err(|_| no_address())?;
    if url.host().is_none() || typed.chars().any(char::is_whitespace) {
        return Err(no_address());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave the user and the password out of the address.".to_owned());
    }
    let here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        "http" => {
            return Err(
                "With http:// your key would cross the network for everybody to read. The address \
                 must begin with https://"
                    .to_owned(),
            );
        }
        other => {
            return Err(format!(
                "{other}:// is no web address. It begins with https://"
            ));
        }
    }
    // What a browser shows behind the address is a page, not the tenant.
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// Whether anybody answers at an address at all. Nothing is sent there yet.
async fn reached(url: &Url) -> Result<(), String> {
    let proxied = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if proxied.iter().any(|name| std::env::var_os(name).is_some()) {
        // Then this machine cannot tell by itself; the first real request will.
        return Ok(());
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("The address has no host in it.".to_owned());
    };
    let place = (host.trim_matches(['[', ']']).to_owned(), port);
    let found = tokio::task::spawn_blocking(move || place.to_socket_addrs().map(Vec::from_iter));
    let found = match tokio::time::timeout(PATIENCE, found).await {
        Ok(Ok(Ok(found))) if !found.is_empty() => found,
        _ => return Err(format!("There is no host called {host}.")),
    };
    let tried = tokio::net::TcpStream::connect(found.as_slice());
    match tokio::time::timeout(PATIENCE, tried).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(format!("Nobody answers at {host}, port {port}.")),
    }
}

/// The name of a tenant: its host, with the port where one was typed.
pub(super) fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or("tenant");
    let port = url
        .port()
        .map_or_else(String::new, |port| format!("-{port}"));
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name = format!("{host}{port}");
    let name = name.chars().map(|c| if sound(c) { c } else { '-' });
    name.collect::<String>().trim_matches('-').to_owned()
}

/// What a person wants after the tenant has given no list.
pub(super) enum Again {
    /// Try the same again.
    Same,
    /// Paste the keys again.
    Keys,
    /// Another address.
    Address,
}

/// Makes the adapter of a clean-up from its files.
pub(super) fn adapter(cli: &Cli, dir: &Path) -> Result<Box<dyn Provider>, End> {
    let config = Config::load(&dir.join(USUAL_CONFIG))?;
    let clock = setup::clock(cli)?;
    let Some(tenant) = config.tenant.first() else {
        return Err(End::Stopped);
    };
    Ok(build::tenant(&config, tenant, &clock)?)
}

/// Who is there, by the tenant's own list; shows what else the tenant says about itself.
pub(super) async fn look(
    ask: &Ask,
    adapter: &dyn Provider,
) -> Result<Vec<AccountRecord>, ProviderError> {
    ask.say("");
    ask.say("Looking who is there; nothing is changed …");
    let read = adapter.accounts(&|_| {}).await?;
    let count = read.accounts.len() as u64;
    ask.say(&format!("The tenant lists {}.", plural(count, "account")));
    for probe in adapter.check().await {
        if probe.state != ProbeState::Good {
            ask.say(&format!("  {}", probe.says));
        }
    }
    Ok(read.accounts)
}

/// Says what went wrong in plain words, and asks what to do.
pub(super) fn again(ask: &Ask, error: &ProviderError, kind: &Kind) -> Result<Again, End> {
    let (says, advice) = words::plain(error, kind);
    ask.say("");
    ask.say(&says);
    ask.say(&advice);
    ask.say("");
    ask.say("  1  paste the keys again");
    ask.say("  2  type another address");
    ask.say("  3  try the same once more");
    ask.say("Ctrl-C stops.");
    Ok(match ask.choose("What now?", 3, None)? {
        0 => Again::Keys,
        1 => Again::Address,
        _ => Again::Same,
    })
}

/// Finds the directory for a new clean-up; one that is there already is gone on with, if the person
/// wants that.
pub(super) fn directory(
    ask: &Ask,
    named: Option<&Path>,
    name: &str,
) -> Result<(PathBuf, Option<Answers>), End> {
    for number in 1.. {
        let dir = named.map_or_else(|| place::usual(name, number), Path::to_path_buf);
        match place::look(&dir)? {
            place::Known::Nothing => return Ok((dir, None)),
            place::Known::Ours(answers) => {
                let shown = dir.display();
                ask.say(&format!("{shown} holds a clean-up of {}.", answers.url));
                if named.is_some() || ask.yes("Go on there?")? {
                    return Ok((dir, Some(*answers)));
                }
            }
            place::Known::ByHand if named.is_some() => return Err(super::by_hand(&dir).into()),
            place::Known::ByHand => {}
        }
    }
    Err(End::Stopped)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_paste_them() {
        let good = [
            ("portal.example.com", "https://portal.example.com"),
            ("https://portal.example.com/", "https://portal.example.com"),
            (
                "https://a.example.com/scim/v2",
                "https://a.example.com/scim/v2",
            ),
            (
                "https://a.example.com/rooms?x=1#y",
                "https://a.example.com/rooms",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ];
        for (typed, taken) in good {
            assert_eq!(shown(&parse(typed).unwrap()), taken);
        }
        let wrong = [
            ("http://portal.example.com", "must begin with https://"),
            ("ftp://portal.example.com", "begins with https://"),
            ("my portal", "is not an address"),
            ("https://", "is not an address"),
            ("https://me:secret@portal.example.com", "Leave the user"),
        ];
        for (typed, says) in wrong {
            let said = parse(typed).unwrap_err();
            assert!(said.contains(says), "{typed}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_tenant_is_called_by_its_host() {
        let name = |text: &str| name(&parse(text).unwrap());
        assert_eq!(name("https://portal.example.com/x"), "portal.example.com");
        assert_eq!(name("http://127.0.0.1:8080"), "127.0.0.1-8080");
        assert_eq!(name("http://[::1]:8080"), "1--8080");
    }
}
