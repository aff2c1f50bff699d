//! A private OpenLDAP server: own directory, own ports, own CA; gone when it is dropped.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use crate::common::machine::authority;
use crate::common::machine::certificate;
use crate::common::machine::done;
use crate::common::machine::expired_certificate;
use crate::common::machine::free_port;
use crate::common::machine::must_have;

pub(crate) const BASE: &str = "dc=house,dc=test";
pub(crate) const PEOPLE: &str = "ou=people,dc=house,dc=test";
/// May read everything, without limits.
pub(crate) const SYNC: &str = "cn=sync,ou=system,dc=house,dc=test";
/// May read everything, 500 entries at most.
pub(crate) const LIMITED: &str = "cn=limited,ou=system,dc=house,dc=test";
/// May search and read nothing.
pub(crate) const BLIND: &str = "cn=blind,ou=system,dc=house,dc=test";
pub(crate) const PASSWORD: &str = "a password of the tests";
const ADMIN: &str = "cn=admin,dc=house,dc=test";

/// The key of a person who was seeded, by the number given there.
pub(crate) fn key(number: u32) -> String {
    format!("e0000000-0000-4000-8000-{number:012}")
}

pub(crate) struct Slapd {
    home: TempDir,
    port: u16,
    tls_port: u16,
    server: Mutex<Option<Child>>,
}

impl Slapd {
    /// Starts a server with the people of [`seed`].
    pub(crate) fn start() -> Self {
        must_have(&[
            "/usr/sbin/slapd",
            "/usr/sbin/slapadd",
            "/usr/sbin/slapmodify",
            "/usr/bin/ldapmodify",
        ]);
        // Short, since a Unix socket's path has 107 bytes at most.
        let home = tempfile::Builder::new()
            .prefix("exs")
            .tempdir_in("/tmp")
            .unwrap();
        authority(home.path(), "ca");
        authority(home.path(), "other");
        certificate(home.path(), "DNS:localhost");
        for folder in ["config", "db"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        load(home.path(), 0, &configuration(home.path()));
        load(home.path(), 1, &seed());
        let mut slapd = Self {
            home,
            port: 0,
            tls_port: 0,
            server: Mutex::new(None),
        };
        // A port that was free a moment ago may be taken by another test.
        let started = (0..5).any(|_| {
            slapd.port = free_port();
            slapd.tls_port = free_port();
            slapd.run().is_ok()
        });
        if !started {
            slapd.run().unwrap();
        }
        slapd.disturb();
        slapd
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The name that stands in the certificate.
    pub(crate) fn starttls_url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    /// The same server under a name that does not stand in its certificate.
    pub(crate) fn wrong_name_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    /// A CA that has issued nothing here.
    pub(crate) fn other_ca(&self) -> PathBuf {
        self.home.path().join("other.pem")
    }

    /// Loads `count` more people while the server is stopped.
    pub(crate) fn bulk(&self, count: u32) {
        let mut ldif = format!("dn: ou=bulk,{BASE}\nobjectClass: organizationalUnit\nou: bulk\n\n");
        for n in 1..=count {
            ldif.push_str(&format!(
                "dn: uid=u{n},ou=bulk,{BASE}\nobjectClass: inetOrgPerson\nuid: u{n}\n\
                 cn: User {n}\nsn: {n}\nmail: u{n}@house.test\n\n"
            ));
        }
        self.stop();
        load(self.home.path(), 1, &ldif);
        self.run().unwrap();
    }

    /// Adds, changes, renames and deletes, as LDIF change records say.
    pub(crate) fn modify(&self, changes: &str) {
        let file = self.home.path().join("change.ldif");
        fs::write(&file, changes).unwrap();
        let mut command = self.client("ldapmodify");
        // RelaxRules lets entryUUID be set and operational attributes be changed.
        command
            .args(["-D", ADMIN, "-w", PASSWORD, "-e", "relax", "-f"])
            .arg(&file);
        done(&mut command);
    }

    pub(crate) fn delete(&self, dn: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: delete\n"));
    }

    pub(crate) fn rename(&self, dn: &str, rdn: &str, parent: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {parent}\n"
        ));
    }

    /// Logs somebody in with the password that everybody has.
    pub(crate) fn log_in(&self, uid: &str) {
        let name = format!("uid={uid},{PEOPLE}");
        done(
            self.client("ldapwhoami")
                .args(["-D", &name, "-w", "secret"]),
        );
    }

    /// Ends the server at once, as a crash would.
    pub(crate) fn kill(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Changes the server's own configuration, as LDIF change records say, while it is stopped.
    pub(crate) fn configure(&self, changes: &str) {
        self.stop();
        let file = self.home.path().join("configure.ldif");
        fs::write(&file, changes).unwrap();
        let mut command = Command::new("/usr/sbin/slapmodify");
        command
            .args(["-n", "0", "-F"])
            .arg(self.home.path().join("config"));
        done(command.arg("-l").arg(&file));
        self.run().unwrap();
    }

    /// Gives the server another certificate of the same authority.
    pub(crate) fn certify(&self, expired: bool, names: &str) {
        self.stop();
        if expired {
            expired_certificate(self.home.path(), names);
        } else {
            certificate(self.home.path(), names);
        }
        self.run().unwrap();
    }

    /// Starts the server again with other data under the same names: the people have other keys.
    pub(crate) fn replace_people(&self) {
        self.stop();
        fs::remove_dir_all(self.home.path().join("db")).unwrap();
        fs::create_dir(self.home.path().join("db")).unwrap();
        load(
            self.home.path(),
            1,
            &seed().replace("entryUUID: e", "entryUUID: d"),
        );
        self.run().unwrap();
    }

    /// Ends the server in order.
    pub(crate) fn stop(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            done(Command::new("kill").args(["-INT", &server.id().to_string()]));
            server.wait().unwrap();
        }
    }

    fn run(&self) -> Result<(), String> {
        let socket = self.socket();
        let urls = format!(
            "ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/ {socket}",
            self.port, self.tls_port
        );
        let log = fs::File::create(self.home.path().join("log")).unwrap();
        let mut server = Command::new("/usr/sbin/slapd")
            .args(["-d", "0", "-h", &urls, "-F"])
            .arg(self.home.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        for _ in 0..600 {
            if let Some(status) = server.try_wait().unwrap() {
                let log = fs::read_to_string(self.home.path().join("log")).unwrap();
                return Err(format!("slapd ended with {status}: {log}"));
            }
            let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
            if answers(self.port) && answers(self.tls_port) {
                *self.server.lock().unwrap() = Some(server);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        server.kill().unwrap();
        Err("slapd did not answer within 30 seconds".to_owned())
    }

    fn socket(&self) -> String {
        let path = self.home.path().join("s").display().to_string();
        format!("ldapi://{}/", path.replace('/', "%2F"))
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-x", "-H", &self.socket()]);
        command
    }

    /// What happens to some of those who were seeded.
    fn disturb(&self) {
        let lock = |uid: &str, attribute: &str, value: &str| {
            format!(
                "dn: uid={uid},{PEOPLE}\nchangetype: modify\nreplace: {attribute}\n\
                 {attribute}: {value}\n\n"
            )
        };
        self.modify(&format!(
            "{}{}{}{}{}",
            lock("locked", "pwdAccountLockedTime", "000001010000Z"),
            lock("ended", "pwdEndTime", "20260131000000Z"),
            lock("ending", "pwdEndTime", "20991231000000Z"),
            lock("never", "pwdStartTime", "20260601000000Z"),
            lock("never", "pwdEndTime", "20260601000000Z"),
        ));
        for _ in 0..3 {
            let name = format!("uid=forgetful,{PEOPLE}");
            let mut command = self.client("ldapwhoami");
            let refused = command.args(["-D", &name, "-w", "wrong"]).output().unwrap();
            assert!(!refused.status.success());
        }
        self.rename(&format!("uid=maiden,{PEOPLE}"), "uid=married", PEOPLE);
        self.rename(
            &format!("uid=mover,{PEOPLE}"),
            "uid=mover",
            &format!("ou=leavers,{BASE}"),
        );
        self.delete(&format!("uid=deleted,{PEOPLE}"));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

fn load(home: &Path, database: u8, ldif: &str) {
    let file = home.join("load.ldif");
    fs::write(&file, ldif).unwrap();
    let mut command = Command::new("/usr/sbin/slapadd");
    command.args(["-q", "-n", &database.to_string(), "-F"]);
    done(command.arg(home.join("config")).arg("-l").arg(&file));
}

/// The server's own configuration (slapd-config): TLS, password policy, groups, limits, rights.
fn configuration(home: &Path) -> String {
    let home = home.display();
    format!(
        "dn: cn=config
objectClass: olcGlobal
cn: config
olcArgsFile: {home}/args
olcPidFile: {home}/pid
olcTLSCACertificateFile: {home}/ca.pem
olcTLSCertificateFile: {home}/server.pem
olcTLSCertificateKeyFile: {home}/server.key
olcToolThreads: 2

dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: ppolicy
olcModuleLoad: memberof
olcModuleLoad: lastbind

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase={{-1}}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {{-1}}frontend
olcSizeLimit: 500
olcAccess: {{0}}to dn.base=\"\" by * read
olcAccess: {{1}}to * by * none

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcDbDirectory: {home}/db
olcSuffix: {BASE}
olcRootDN: {ADMIN}
olcRootPW: {PASSWORD}
olcDbMaxSize: 536870912
olcDbNoSync: TRUE
olcLastBind: TRUE
olcDbIndex: objectClass,entryUUID,uid eq
olcLimits: {{0}}dn.exact=\"{SYNC}\" size=unlimited time=unlimited
olcAccess: {{0}}to attrs=userPassword by anonymous auth by * none
olcAccess: {{1}}to * by dn.exact=\"{SYNC}\" read by dn.exact=\"{LIMITED}\" read \
by dn.exact=\"{BLIND}\" search by * none

dn: olcOverlay={{0}}memberof,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOf
olcOverlay: {{0}}memberof

dn: olcOverlay={{1}}ppolicy,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{1}}ppolicy
olcPPolicyDefault: cn=policy,ou=system,{BASE}

dn: olcOverlay={{2}}lastbind,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcLastBindConfig
olcOverlay: {{2}}lastbind
"
    )
}

/// The house: units, accounts that read, and people, whose keys are [`key`]s.
fn seed() -> String {
    let mut ldif = format!(
        "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: house\no: House\n\n"
    );
    for unit in ["people", "leavers", "system", "groups"] {
        ldif.push_str(&format!(
            "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n"
        ));
    }
    for name in ["sync", "limited", "blind"] {
        ldif.push_str(&format!(
            "dn: cn={name},ou=system,{BASE}\nobjectClass: organizationalRole\n\
             objectClass: simpleSecurityObject\ncn: {name}\nuserPassword: {PASSWORD}\n\n"
        ));
    }
    ldif.push_str(&format!(
        "dn: cn=policy,ou=system,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\n\
         cn: policy\npwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 3\n\n"
    ));
    let people = [
        (1, "active", "Ada Active", "ada@house.test"),
        (2, "locked", "Lena Locked", "lena@house.test"),
        (3, "forgetful", "Fritz Forgetful", "fritz@house.test"),
        (4, "ended", "Emil Ended", "emil@house.test"),
        (5, "ending", "Erna Ending", "erna@house.test"),
        (6, "never", "Nils Never", "nils@house.test"),
        (7, "maiden", "Judy Renamed", "judy@house.test"),
        (8, "mover", "Mona Moved", "mona@house.test"),
        (9, "deleted", "Dora Deleted", "dora@house.test"),
        (10, "twin1", "Tom Twin", "twin@house.test"),
        (11, "twin2", "Tim Twin", "twin@house.test"),
    ];
    for (number, uid, name, mail) in people {
        ldif.push_str(&format!(
            "dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\n\
             sn: {name}\nmail: {mail}\nemployeeNumber: {number}\nuserPassword: secret\n\
             entryUUID: {}\n\n",
            key(number)
        ));
    }
    ldif.push_str(&format!(
        "dn: cn=Grace\\2C \\22O\u{2019}H\u{e4}ra\\22 'x',{PEOPLE}\nobjectClass: inetOrgPerson\n\
         uid: grace\ncn: Grace, \"O\u{2019}H\u{e4}ra\" 'x'\nsn: O\nmail: Grace.Ohara@House.test\n\
         mail: grace@house.test\nemployeeNumber: 12\nentryUUID: {}\n\n",
        key(12)
    ));
    ldif.push_str(&format!(
        "dn: cn=crew,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: crew\n\
         member: uid=active,{PEOPLE}\n\n"
    ));
    ldif
}
