//! What the tests of all ways do and look at.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::clean::products::Tenant;
use crate::clean::products::Way;
use crate::common::screen::Screen;
use crate::common::workspace::Workspace;

/// Where the guide puts the clean-up of a sandbox tenant.
pub(super) fn place(url: &str) -> String {
    let host = url.trim_start_matches("http://").split('/').next();
    format!("exeunt-clean-{}", host.unwrap().replace(':', "-"))
}

/// Every file below a directory with its mode.
fn files(dir: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            if path.is_dir() {
                assert_eq!(mode & 0o077, 0, "{} can be read by others", path.display());
                waiting.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.push((path.display().to_string(), mode, bytes));
            }
        }
    }
    found
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|part| part == word.as_bytes())
}

/// The secrets stand in their own files, which only their owner can read, and nowhere else.
pub(super) fn secrets_are_kept(ws: &Workspace, tenant: &Tenant, screens: &[String]) {
    let all = files(&ws.path(&place(&tenant.url)));
    for secret in tenant.secrets() {
        let holding: Vec<_> = all
            .iter()
            .filter(|(_, _, bytes)| holds(bytes, secret))
            .collect();
        assert_eq!(
            holding.len(),
            1,
            "{:?}",
            holding.iter().map(|h| &h.0).collect::<Vec<_>>()
        );
        assert!(holding[0].0.contains("/secrets/"), "{}", holding[0].0);
        assert_eq!(holding[0].1, 0o600);
        assert!(screens.iter().all(|screen| !screen.contains(secret)));
    }
}

/// Answers product, address and keys.
pub(super) fn connects(screen: &mut Screen, tenant: &Tenant) {
    tenant.chosen(screen);
    tenant.enter(screen, Way::Right);
    screen.sees("nothing is changed");
}

/// How many of the members are out.
pub(super) fn out(tenant: &Tenant) -> usize {
    tenant.members.iter().filter(|a| (tenant.is_out)(a)).count()
}

/// Answers everything with a web page.
pub(super) fn web_page(listener: &TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        drop(stream.read(&mut [0; 4096]));
        let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\
                    connection: close\r\n\r\n<html>";
        drop(stream.write_all(page.as_bytes()));
    }
}
