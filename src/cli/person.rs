//! Who is at the command line.

/// The name of the person at the operating system: it only claims.
pub fn os_user() -> String {
    let said = ["EXEUNT_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|n| std::env::var(n).ok());
    said.filter(|n| !n.is_empty())
        .or_else(user_of_process)
        .unwrap_or_else(|| "somebody".to_owned())
}

/// The user whose process this is, by the list of users, else by number.
fn user_of_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    // name:password:uid:…, passwd(5)
    let name = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find_map(|fields| {
            (fields.get(2) == Some(&uid.as_str()))
                .then(|| fields.first().map(|n| (*n).to_owned()))?
        });
    Some(name.unwrap_or_else(|| format!("uid {uid}")))
}
