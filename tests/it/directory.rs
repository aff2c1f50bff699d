//! Directories: what is read is everything or nothing.

mod active_directory;
mod ds389;
mod faults;
mod files;
mod openldap;
mod scim;
mod signals;
mod ways;

use std::time::Duration;

use exeunt::directory::Directory as _;
use exeunt::directory::DirectoryError;
use exeunt::directory::PeopleRead;
use exeunt::directory::ldap::BindPassword;
use exeunt::directory::ldap::Flavor;
use exeunt::directory::ldap::LdapDirectory;
use exeunt::directory::ldap::LdapLimits;
use exeunt::directory::ldap::LdapSettings;
use exeunt::directory::ldap::LdapSignals;
use url::Url;

fn settings(url: &str, base: &str, bind: &str, password: &str) -> LdapSettings {
    LdapSettings {
        name: "house".to_owned(),
        urls: vec![Url::parse(url).unwrap()],
        starttls: false,
        ca_file: None,
        bind_dn: bind.to_owned(),
        bind_password: BindPassword::new(password),
        base: base.to_owned(),
        filter: None,
        flavor: Flavor::OpenLdap,
        signals: LdapSignals::default(),
        page_size: LdapSettings::DEFAULT_PAGE_SIZE,
        limits: LdapLimits {
            connect: Duration::from_secs(10),
            entry: Duration::from_secs(20),
            whole: Duration::from_secs(120),
            entries: 100_000,
        },
    }
}

async fn read(settings: LdapSettings) -> Result<PeopleRead, DirectoryError> {
    LdapDirectory::new(settings)?.read(&|_| ()).await
}

fn keys(read: &PeopleRead) -> Vec<&str> {
    read.people
        .iter()
        .map(|person| person.key.as_str())
        .collect()
}
