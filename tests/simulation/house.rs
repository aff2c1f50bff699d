//! The configuration that is ruled by, and where the files lie.

use std::path::Path;

use exeunt::config::Config;

use crate::world::BOSS;
use crate::world::FILE_DAYS;

pub(crate) fn config(idle_days: u64) -> Config {
    let text = format!(
        r#"
[ledger]
origin = "example.com/simulation"
[[directory]]
name = "corp"
kind = "csv"
path = "corp.csv"
columns = {{ key = "key" }}
[[directory]]
name = "lab"
kind = "csv"
path = "lab.csv"
columns = {{ key = "key" }}
max_age_days = {FILE_DAYS}
[[tenant]]
name = "portal"
provider = "docspace"
url = "http://127.0.0.1:1"
token = {{ env = "NONE" }}
protect = ["{BOSS}"]
[[tenant]]
name = "wiki"
provider = "docspace"
url = "http://127.0.0.1:2"
token = {{ env = "NONE" }}
protect = ["{BOSS}"]
[[policy]]
name = "leavers"
when = "departed"
ring = "enforce"
steps = [{{ do = "disable" }}, {{ do = "remove", after_days = 30 }}]
approvals = {{ disable = 0, remove = 1 }}
[[policy]]
name = "idle"
when = "inactive"
ring = "enforce"
after_days = {idle_days}
notice_days = [14, 3]
steps = [{{ do = "disable" }}]
approvals = {{ disable = 0 }}
[[policy]]
name = "invitations"
when = "never-activated"
ring = "enforce"
after_days = 30
steps = [{{ do = "remove" }}]
approvals = {{ remove = 1 }}
[[policy]]
name = "closed"
when = "disabled"
ring = "enforce"
after_days = 60
steps = [{{ do = "remove" }}]
approvals = {{ remove = 1 }}
"#
    );
    Config::parse(&text, "exeunt.toml").unwrap()
}

/// A directory in memory where there is one, so that no disk is waited for.
pub(crate) fn home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory)
            .or_else(|_| tempfile::tempdir())
            .unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}
