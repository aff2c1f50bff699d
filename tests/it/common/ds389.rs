//! A private 389 Directory Server: own directory, own port; gone when it is dropped.
//!
//! It is made of the templates of its package, without the package's own installer, which wants
//! the machine's folders and a service manager.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use crate::common::machine::done;
use crate::common::machine::free_port;
use crate::common::machine::must_have;

pub(crate) const BASE: &str = "dc=example,dc=test";
pub(crate) const PEOPLE: &str = "ou=people,dc=example,dc=test";
pub(crate) const LEAVERS: &str = "ou=leavers,dc=example,dc=test";
/// May read what the documentation asks for, and nothing else.
pub(crate) const READER: &str = "uid=exeunt,ou=system,dc=example,dc=test";
pub(crate) const PASSWORD: &str = "Userpw123";
const MANAGER: &str = "cn=Directory Manager";
const PROGRAM: &str = "/usr/sbin/ns-slapd";

pub(crate) struct Ds389 {
    home: TempDir,
    port: u16,
    server: Mutex<Option<Child>>,
}

impl Ds389 {
    /// Starts a server: Alice is there, Bob is locked, Carol is there, Dave was deleted, Erin was
    /// moved to the leavers, Frank is locked by a word in other letters and has no address.
    pub(crate) fn start() -> Self {
        let templates = Path::new("/usr/share/dirsrv/data");
        must_have(&[
            PROGRAM,
            "/usr/share/dirsrv/data/template-dse.ldif",
            "/usr/bin/ldapmodify",
        ]);
        let home = tempfile::Builder::new()
            .prefix("exd")
            .tempdir_in("/tmp")
            .unwrap();
        let server = Self {
            port: free_port(),
            home,
            server: Mutex::new(None),
        };
        server.configure(templates);
        let seed = server.home.path().join("seed.ldif");
        fs::write(&seed, people()).unwrap();
        let mut load = Command::new(PROGRAM);
        load.arg("ldif2db")
            .arg("-D")
            .arg(server.home.path().join("config"));
        done(load.args(["-n", "userroot", "-q", "-i"]).arg(&seed));
        server.run();
        server.rename(&format!("uid=erin,{PEOPLE}"), "uid=erin", LEAVERS);
        server.delete(&format!("uid=dave,{PEOPLE}"));
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Adds, changes, renames and deletes, as LDIF change records say.
    pub(crate) fn modify(&self, changes: &str) {
        let file = self.home.path().join("change.ldif");
        fs::write(&file, changes).unwrap();
        let mut command = Command::new("ldapmodify");
        command.args(["-x", "-H", &self.url(), "-D", MANAGER, "-w", PASSWORD]);
        done(command.arg("-f").arg(&file));
    }

    pub(crate) fn delete(&self, dn: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: delete\n"));
    }

    pub(crate) fn rename(&self, dn: &str, rdn: &str, parent: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {parent}\n"
        ));
    }

    pub(crate) fn set(&self, dn: &str, attribute: &str, value: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        ));
    }

    /// Ends the server.
    pub(crate) fn stop(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            drop(server.kill());
            drop(server.wait());
        }
    }

    fn configure(&self, templates: &Path) {
        let home = self.home.path();
        for folder in ["config/schema", "db", "lock", "log", "run", "tmp"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let own_schema = "dn: cn=schema\nobjectClass: top\nobjectClass: ldapSubentry\n\
                          objectClass: subschema\ncn: schema\n";
        fs::write(home.join("config/schema/99user.ldif"), own_schema).unwrap();
        let collations = "config/slapd-collations.conf";
        fs::copy(
            Path::new("/etc/dirsrv").join(collations),
            home.join(collations),
        )
        .unwrap();
        let template = fs::read_to_string(templates.join("template-dse.ldif")).unwrap();
        let own = self.filled(&template).replacen(
            "nsslapd-port:",
            "nsslapd-listenhost: 127.0.0.1\nnsslapd-rootpwstoragescheme: CLEAR\nnsslapd-port:",
            1,
        );
        let at = home.display();
        let backend = format!(
            "dn: cn=userroot,cn=ldbm database,cn=plugins,cn=config\nobjectClass: top\n\
             objectClass: extensibleObject\nobjectClass: nsBackendInstance\ncn: userroot\n\
             nsslapd-suffix: {BASE}\nnsslapd-directory: {at}/db/userroot\n\n\
             dn: cn={},cn=mapping tree,cn=config\nobjectClass: top\n\
             objectClass: extensibleObject\nobjectClass: nsMappingTree\ncn: {BASE}\n\
             nsslapd-state: backend\nnsslapd-backend: userroot\n",
            BASE.replace('=', "\\=").replace(',', "\\,")
        );
        let whole = format!("{}\n\n{backend}", own.trim_end());
        fs::write(home.join("config/dse.ldif"), whole).unwrap();
    }

    /// The template with this server's folders, port and names.
    fn filled(&self, template: &str) -> String {
        let at = |folder: &str| format!("{}/{folder}", self.home.path().display());
        let user = done(Command::new("id").arg("-un"));
        let values = [
            ("schema_dir", at("config/schema")),
            ("config_dir", at("config")),
            ("cert_dir", at("config")),
            ("lock_dir", at("lock")),
            ("tmp_dir", at("tmp")),
            ("ldif_dir", at("tmp")),
            ("bak_dir", at("tmp")),
            ("inst_dir", at("tmp")),
            ("run_dir", at("run")),
            ("log_dir", at("log")),
            ("db_dir", at("db")),
            ("db_home_dir", at("db")),
            ("db_lib", "bdb".to_owned()),
            ("fqdn", "localhost".to_owned()),
            ("ds_port", self.port.to_string()),
            ("ds_user", user.trim().to_owned()),
            ("ds_suffix", BASE.to_owned()),
            ("ds_passwd", PASSWORD.to_owned()),
            ("rootdn", MANAGER.to_owned()),
            ("ldapi_enabled", "off".to_owned()),
            ("ldapi_autobind", "off".to_owned()),
            ("ldapi", at("run/ldapi")),
        ];
        let mut text = template.to_owned();
        for (name, value) in values {
            text = text.replace(&format!("%{name}%"), &value);
        }
        text
    }

    fn run(&self) {
        let home = self.home.path();
        let log = || Stdio::from(fs::File::create(home.join("out")).unwrap());
        let mut command = Command::new(PROGRAM);
        command.args(["-d", "0", "-D"]).arg(home.join("config"));
        command.arg("-i").arg(home.join("run/pid"));
        command.stdin(Stdio::null()).stdout(log()).stderr(log());
        let mut server = command.spawn().unwrap();
        for _ in 0..600 {
            if let Some(status) = server.try_wait().unwrap() {
                let log = fs::read_to_string(home.join("out")).unwrap();
                panic!("ns-slapd ended with {status}: {log}");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                *self.server.lock().unwrap() = Some(server);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(server.kill());
        panic!("ns-slapd did not answer within 30 seconds");
    }
}

impl Drop for Ds389 {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The suffix with the rights of [`READER`], the units, and the people.
fn people() -> String {
    // An attribute that the server does not know makes the whole rule void.
    let attributes = "objectClass || entryUUID || nsUniqueId || uid || cn || displayName || mail \
                      || employeeNumber || employeeType || memberOf || nsAccountLock \
                      || createTimestamp || modifyTimestamp";
    let mut ldif = format!(
        "dn: {BASE}\nobjectClass: top\nobjectClass: domain\ndc: example\n\
         aci: (targetattr = \"{attributes}\")(version 3.0; acl \"exeunt reads\"; \
         allow (read, search, compare) userdn = \"ldap:///{READER}\";)\n\n"
    );
    for unit in ["people", "leavers", "system"] {
        ldif.push_str(&format!(
            "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n"
        ));
    }
    ldif.push_str(&format!(
        "dn: {READER}\nobjectClass: account\nobjectClass: simpleSecurityObject\nuid: exeunt\n\
         userPassword: {PASSWORD}\n\n"
    ));
    for (uid, lines) in [
        ("alice", "mail: alice@example.test\n"),
        ("bob", "mail: bob@example.test\nnsAccountLock: true\n"),
        ("carol", "mail: carol@example.test\nnsAccountLock: false\n"),
        ("dave", "mail: dave@example.test\n"),
        ("erin", "mail: erin@example.test\n"),
        ("frank", "nsAccountLock: TRUE\n"),
    ] {
        ldif.push_str(&format!(
            "dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid} Test\n\
             sn: Test\nuserPassword: {PASSWORD}\n{lines}\n"
        ));
    }
    ldif
}

#[test]
fn a_server_starts_and_ends() {
    let server = Ds389::start();
    let mut asked = Command::new("ldapsearch");
    asked.args([
        "-x",
        "-LLL",
        "-H",
        &server.url(),
        "-D",
        READER,
        "-w",
        PASSWORD,
    ]);
    let filter = "(objectClass=inetOrgPerson)";
    let found = done(asked.args(["-b", BASE, filter, "uid", "nsAccountLock", "nsUniqueId"]));
    assert_eq!(found.matches("\nuid: ").count(), 5, "{found}");
    assert_eq!(
        found.to_lowercase().matches("nsaccountlock: true").count(),
        2,
        "{found}"
    );
    assert_eq!(
        found.to_lowercase().matches("nsuniqueid: ").count(),
        5,
        "{found}"
    );
    server.stop();
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
}
