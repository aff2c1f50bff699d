//! A private Samba Active Directory domain controller.
//!
//! Its ports (389, 636) cannot be chosen, so each one has a loopback address of its own. The
//! domain is made once, and kept under the build directory; a server is a copy of it. A server
//! ends with the test program, however that ends: its standard input closes.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::time::Duration;

use exeunt::domain::time::Time;
use tempfile::TempDir;

use crate::common::machine::authority;
use crate::common::machine::certificate;
use crate::common::machine::done;
use crate::common::machine::must_have;
use crate::common::machine::root;

pub(crate) const BASE: &str = "DC=corp,DC=example,DC=test";
pub(crate) const STAFF: &str = "OU=Staff,DC=corp,DC=example,DC=test";
pub(crate) const LEAVERS: &str = "OU=Leavers,DC=corp,DC=example,DC=test";
pub(crate) const GROUPS: &str = "OU=Groups,DC=corp,DC=example,DC=test";
/// An ordinary account: sees everybody who is there, and no deleted ones.
pub(crate) const READER: &str = "reader@corp.example.test";
/// As [`READER`], and may list and read below `CN=Deleted Objects`.
pub(crate) const KEEPER: &str = "keeper@corp.example.test";
pub(crate) const PASSWORD: &str = "Passw0rd!User1";
/// [`PASSWORD`] as `unicodePwd` wants it: in quotes, UTF-16LE, base64.
const UNICODE_PASSWORD: &str = "IgBQAGEAcwBzAHcAMAByAGQAIQBVAHMAZQByADEAIgA=";

/// Everybody whose account is alive in `OU=Staff` when a server starts.
pub(crate) const STAFFED: [&str; 12] = [
    "alice", "bob", "carol", "frank", "grace", "heidi", "ivan", "judy.new", "karl", "lena", "mona",
    "olga",
];

pub(crate) struct Samba {
    home: PathBuf,
    /// Removes the home of a server that one test has for itself.
    _own: Option<TempDir>,
    address: String,
    server: Mutex<Option<Child>>,
}

impl Samba {
    /// The one that all tests read. No test changes anybody in it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Samba> = OnceLock::new();
        SHARED.get_or_init(|| {
            let home = short_folder().keep();
            Self::run_copy(home, None)
        })
    }

    /// One that a test may change as it likes; gone when it is dropped.
    pub(crate) fn start() -> Self {
        let own = short_folder();
        Self::run_copy(own.path().to_owned(), Some(own))
    }

    fn run_copy(home: PathBuf, own: Option<TempDir>) -> Self {
        let domain = domain();
        done(root("cp").arg("-a").arg(domain.join(".")).arg(&home));
        let samba = Self {
            address: free_address(),
            home,
            _own: own,
            server: Mutex::new(None),
        };
        // The configuration and certificate of this copy, whoever may own what was copied.
        let made = short_folder();
        authority(made.path(), "ca");
        let names = format!("DNS:dc1.corp.example.test,IP:{}", samba.address);
        certificate(made.path(), &names);
        fs::write(made.path().join("smb.conf"), samba.configuration()).unwrap();
        let tls = samba.home.join("tls");
        done(
            root("mkdir")
                .arg("-p")
                .arg(&tls)
                .arg(samba.home.join("cache")),
        );
        for file in ["ca.pem", "server.pem", "server.key"] {
            done(root("cp").arg(made.path().join(file)).arg(&tls));
        }
        done(root("chmod").args(["-R", "go-w"]).arg(&samba.home));
        done(root("chmod").arg("600").arg(tls.join("server.key")));
        done(
            root("cp")
                .arg(made.path().join("smb.conf"))
                .arg(&samba.home),
        );
        samba.run();
        samba.log_in();
        samba
    }

    /// LDAP without encryption, which it refuses for a bind with a password.
    pub(crate) fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.home.join("tls/ca.pem")
    }

    /// Adds, changes, renames and deletes, as LDIF change records say: in the database itself,
    /// with which even attributes can be written that a server sets alone.
    pub(crate) fn modify(&self, changes: &str) {
        modify(&self.home, changes);
    }

    pub(crate) fn set(&self, dn: &str, attribute: &str, value: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        ));
    }

    pub(crate) fn delete(&self, dn: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: delete\n"));
    }

    pub(crate) fn rename(&self, dn: &str, rdn: &str, parent: &str) {
        self.modify(&renamed(dn, rdn, parent));
    }

    /// Brings somebody back from the recycle bin, by `objectGUID`, to where they were.
    ///
    /// Samba refuses to restore what is not recycled yet, so that this is written beneath it, as a
    /// controller of Windows would leave it.
    pub(crate) fn restore(&self, key: &str, name: &str, parent: &str) {
        let file = self
            .home
            .join("private/sam.ldb.d")
            .join(format!("{}.ldb", BASE.to_uppercase()));
        let raw = |program: &str| {
            let mut command = root(program);
            command.arg("-H").arg(&file);
            command
        };
        let (old, dn) = (
            format!("CN={name}\\0ADEL:{key},CN=Deleted Objects,{BASE}"),
            format!("CN={name},{parent}"),
        );
        done(raw("ldbrename").args([&old, &dn]));
        let own = short_folder();
        let changes = own.path().join("change.ldif");
        let text = format!(
            "dn: {dn}\nchangetype: modify\ndelete: isDeleted\n-\nreplace: name\nname: {name}\n-\n\
             replace: cn\ncn: {name}\n"
        );
        fs::write(&changes, text).unwrap();
        done(raw("ldbmodify").arg(&changes));
        // Samba itself knows how these two are indexed.
        let person = format!("CN=Person,CN=Schema,CN=Configuration,{BASE}");
        self.set(&dn, "objectCategory", &person);
        self.set(&dn, "userAccountControl", "512");
    }

    /// The values of an attribute of one entry, found by its login, deleted ones too.
    pub(crate) fn values(&self, login: &str, attribute: &str) -> Vec<String> {
        search(&self.home, &format!("(sAMAccountName={login})"), attribute)
    }

    /// The objectGUID of the living entry with that login.
    pub(crate) fn key(&self, login: &str) -> String {
        let filter = format!("(&(sAMAccountName={login})(!(isDeleted=TRUE)))");
        search(&self.home, &filter, "objectGUID").remove(0)
    }

    /// Whether that password is taken.
    pub(crate) fn binds(&self, login: &str, password: &str) -> bool {
        let mut command = Command::new("ldapsearch");
        command.env("LDAPTLS_CACERT", self.ca());
        command.args(["-x", "-H", &self.tls_url(), "-w", password, "-D"]);
        command.arg(format!("{login}@corp.example.test"));
        let asked = command.args(["-s", "base", "-b", "", "1.1"]).output();
        asked.unwrap().status.success()
    }

    /// Ends the server; [`Self::run`] starts it again.
    pub(crate) fn stop(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            end(&mut server);
        }
    }

    /// Starts the server that was stopped.
    pub(crate) fn run(&self) {
        // The wrapper removes a shared home when the server has ended, which is after the tests.
        let mut command = root("sh");
        let whole = if self._own.is_some() {
            "\"$0\" \"$@\"".to_owned()
        } else {
            let log = self.log_file();
            format!(
                "\"$0\" \"$@\"; rm -rf \"$(dirname \"$6\")\" '{}'",
                log.display()
            )
        };
        command.args(["-c", &whole, "/usr/sbin/samba"]);
        // Interactive: it looks at its standard input, and ends when that does.
        command.args(["-i", "--no-process-group", "-M", "single", "-s"]);
        command.arg(self.home.join("smb.conf")).arg("-d1");
        let log = || Stdio::from(fs::File::create(self.log_file()).unwrap());
        command.stdin(Stdio::piped()).stdout(log()).stderr(log());
        let mut server = command
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
        for _ in 0..600 {
            if let Some(status) = server.try_wait().unwrap() {
                let log = fs::read_to_string(self.log_file()).unwrap();
                panic!("samba ended with {status} (it must be root, or sudo must not ask): {log}");
            }
            if answers(&self.address, 389) && answers(&self.address, 636) {
                *self.server.lock().unwrap() = Some(server);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        end(&mut server);
        panic!("samba did not answer at {} within 30 seconds", self.address);
    }

    fn log_file(&self) -> PathBuf {
        let name = self.address.replace('.', "-");
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("samba-{name}.log"))
    }

    fn configuration(&self) -> String {
        let lines = [
            format!("interfaces = {}/8", self.address),
            "bind interfaces only = yes".to_owned(),
            "tls enabled = yes".to_owned(),
            format!("tls keyfile = {}/tls/server.key", self.home.display()),
            format!("tls certfile = {}/tls/server.pem", self.home.display()),
            format!("tls cafile = {}/tls/ca.pem", self.home.display()),
            // As a hardened domain: no password without encryption.
            "ldap server require strong auth = yes".to_owned(),
        ];
        format!("{}{}\n", configuration(&self.home), lines.join("\n"))
    }

    /// What needs a server: Alice logs in, Ivan mistypes his password until he is locked out.
    fn log_in(&self) {
        for _ in 0..50 {
            if self.binds("alice", PASSWORD) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(self.binds("alice", PASSWORD), "alice cannot log in");
        for _ in 0..3 {
            assert!(!self.binds("ivan", "wrong"));
        }
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        self.stop();
        drop(root("rm").arg("-rf").arg(&self.home).status());
        drop(fs::remove_file(self.log_file()));
    }
}

/// A FILETIME: steps of 100 nanoseconds since 1601, as text.
pub(crate) fn filetime(at: &str) -> String {
    let seconds = Time::parse(at).unwrap().micros() / 1_000_000;
    ((seconds + 11_644_473_600) * 10_000_000).to_string()
}

/// Closes the standard input, at whose end Samba ends, and waits.
fn end(server: &mut Child) {
    drop(server.stdin.take());
    for _ in 0..200 {
        if server.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(server.kill());
    drop(server.wait());
}

/// Short, since the sockets in it have paths of 107 bytes at most.
fn short_folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("exa")
        .tempdir_in("/tmp")
        .unwrap()
}

fn answers(address: &str, port: u16) -> bool {
    TcpStream::connect((address, port)).is_ok()
}

/// A loopback address at which nobody listens: the first ones depend on the process, so that
/// several test programs do not meet.
fn free_address() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let first = std::process::id();
    for _ in 0..200 {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let [third, last] = [first / 200 % 200, (first + u32::from(n)) % 200].map(|n| n + 20);
        let address = format!("127.0.{third}.{last}");
        let refused = TcpStream::connect((address.as_str(), 389))
            .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        if refused {
            return address;
        }
    }
    panic!("no loopback address is free for another Samba");
}

/// The domain with its people, made if it is not there yet.
fn domain() -> PathBuf {
    static DOMAIN: OnceLock<PathBuf> = OnceLock::new();
    DOMAIN.get_or_init(made_domain).clone()
}

fn made_domain() -> PathBuf {
    must_have(
        &[
            "/usr/sbin/samba",
            "/usr/bin/samba-tool",
            "/usr/bin/ldbmodify",
            "/usr/lib/x86_64-linux-gnu/samba/vfs/acl_xattr.so",
            "/usr/bin/ldapsearch",
        ]
        .map(|path| path.replace("x86_64", std::env::consts::ARCH))
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>(),
    );
    let story = [before_the_bin(), recycle_bin(), after_the_bin()].concat();
    let version = done(Command::new("/usr/sbin/samba").arg("--version"));
    let digest = blake3::hash(format!("{version}{story}{POLICY:?}").as_bytes()).to_hex();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("samba-{}", &digest[..16]));
    if kept.exists() {
        return kept;
    }
    let home = short_folder();
    provision(home.path());
    modify(home.path(), &before_the_bin());
    modify(home.path(), &recycle_bin());
    modify(home.path(), &after_the_bin());
    grant_deleted(home.path());
    let copy = kept.with_extension(std::process::id().to_string());
    done(root("cp").arg("-a").arg(home.path()).arg(&copy));
    done(root("rm").arg("-rf").arg(home.path()));
    // Another test program may have been quicker.
    drop(root("mv").arg("-nT").arg(&copy).arg(&kept).status());
    drop(root("rm").arg("-rf").arg(&copy).status());
    assert!(kept.exists(), "{} was not made", kept.display());
    kept
}

const POLICY: [&str; 4] = [
    "--max-pwd-age=0",
    "--min-pwd-age=0",
    "--account-lockout-threshold=3",
    "--account-lockout-duration=0",
];

fn provision(home: &Path) {
    let mut command = root("samba-tool");
    command.args(["domain", "provision", "--realm=CORP.EXAMPLE.TEST"]);
    command.args(["--domain=CORP", "--server-role=dc", "--dns-backend=NONE"]);
    command.args(["--adminpass=Passw0rd!Admin", "--host-name=dc1"]);
    command.args(["--host-ip=127.0.0.1", "--option=interfaces=127.0.0.1/8"]);
    command.arg("--option=bind interfaces only=yes");
    done(command.arg(format!("--targetdir={}", home.display())));
    let own = short_folder();
    let file = own.path().join("smb.conf");
    fs::write(&file, configuration(home)).unwrap();
    done(root("cp").arg(&file).arg(home.join("smb.conf")));
    let mut command = root("samba-tool");
    command
        .args(["domain", "passwordsettings", "set"])
        .args(POLICY);
    command.arg("-s").arg(home.join("smb.conf"));
    done(command.arg("-H").arg(home.join("private/sam.ldb")));
}

/// What every copy of the domain says about itself.
fn configuration(home: &Path) -> String {
    let at = home.display();
    format!(
        "[global]
realm = CORP.EXAMPLE.TEST
workgroup = CORP
netbios name = DC1
server role = active directory domain controller
server services = ldap
dcerpc endpoint servers = none
private dir = {at}/private
state directory = {at}/state
cache directory = {at}/cache
lock directory = {at}
pid directory = {at}
binddns dir = {at}/bind-dns
ncalrpc dir = {at}/ncalrpc
winbindd socket directory = {at}/winbindd
log file = {at}/log
"
    )
}

fn ldb(program: &str, home: &Path) -> Command {
    let mut command = root(program);
    command.arg("-H").arg(home.join("private/sam.ldb"));
    command.arg(format!("--configfile={}/smb.conf", home.display()));
    command.arg("--controls=show_recycled:1");
    command
}

fn modify(home: &Path, changes: &str) {
    let own = short_folder();
    let file = own.path().join("change.ldif");
    fs::write(&file, changes).unwrap();
    done(ldb("ldbmodify", home).arg(&file));
}

/// The values of an attribute, of all entries that match, deleted ones too.
fn search(home: &Path, filter: &str, attribute: &str) -> Vec<String> {
    let found = done(ldb("ldbsearch", home).args([filter, attribute]));
    let unfolded = found.replace("\n ", "");
    let head = format!("{attribute}: ");
    let lines = unfolded.lines().filter_map(|line| line.strip_prefix(&head));
    lines.map(str::to_owned).collect()
}

/// Lets [`KEEPER`] list and read deleted objects, as `dsacls` would on Windows.
fn grant_deleted(home: &Path) {
    let sid = search(home, "(sAMAccountName=keeper)", "objectSid").remove(0);
    modify(
        home,
        &format!(
            "dn: CN=Deleted Objects,{BASE}\nchangetype: modify\nreplace: nTSecurityDescriptor\n\
             nTSecurityDescriptor: O:BAG:BAD:PAI(A;;RPWPCCDCLCRCWOWDSDSW;;;SY)(A;;RPLC;;;BA)\
             (A;;RPLC;;;{sid})\n"
        ),
    );
}

fn user(name: &str, unit: &str, login: &str, control: u32, lines: &str) -> String {
    format!(
        "dn: CN={name},{unit}\nchangetype: add\nobjectClass: user\nsAMAccountName: {login}\n\
         userPrincipalName: {login}@corp.example.test\nuserAccountControl: {control}\n\
         unicodePwd:: {UNICODE_PASSWORD}\n{lines}\n"
    )
}

fn renamed(dn: &str, rdn: &str, parent: &str) -> String {
    format!(
        "dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {parent}\n\n"
    )
}

/// Units, accounts and groups; Nils is deleted while there is no recycle bin.
fn before_the_bin() -> String {
    let mut ldif = String::new();
    for unit in ["Staff", "Leavers", "Service", "Groups"] {
        ldif.push_str(&format!(
            "dn: OU={unit},{BASE}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
        ));
    }
    let ends = filetime("2026-01-31T00:00:00Z");
    let ends_later = filetime("2099-12-31T00:00:00Z");
    let staff = [
        (
            1001,
            "Alice Active",
            "alice",
            "alice.active@example.test",
            "employeeType: employee\n",
        ),
        (
            1002,
            "Bob Disabled",
            "bob",
            "bob@example.test",
            "employeeType: employee\n",
        ),
        (
            1003,
            "Carol Expired",
            "carol",
            "carol@example.test",
            &*format!("accountExpires: {ends}\n"),
        ),
        (1004, "Dave Deleted", "dave", "dave@example.test", ""),
        (1005, "Erin Moved", "erin", "erin@example.test", ""),
        (1006, "Frank Never", "frank", "frank@example.test", ""),
        (
            1007,
            "Grace\\, O'Hara (Éire) \\#1",
            "grace",
            "Grace.OHara@Example.test",
            "",
        ),
        (1008, "Heidi Idle", "heidi", "heidi@example.test", ""),
        (1009, "Ivan Locked", "ivan", "ivan@example.test", ""),
        (1010, "Judy Renamed", "judy", "judy.maiden@example.test", ""),
        (1011, "Karl Nomail", "karl", "", ""),
        (
            1012,
            "Lena Terminated",
            "lena",
            "lena@example.test",
            "employeeType: terminated\n",
        ),
        (1013, "Mona Rehired", "mona", "mona@example.test", ""),
        (1014, "Nils Tombstone", "nils", "nils@example.test", ""),
        (
            1015,
            "Olga Futureend",
            "olga",
            "olga@example.test",
            &*format!("accountExpires: {ends_later}\n"),
        ),
    ];
    for (number, name, login, mail, lines) in staff {
        let mail = match mail {
            "" => String::new(),
            mail => format!("mail: {mail}\n"),
        };
        let lines = format!("employeeID: {number}\n{mail}{lines}");
        let control = if login == "bob" { 514 } else { 512 };
        ldif.push_str(&user(name, STAFF, login, control, &lines));
    }
    let service = format!("OU=Service,{BASE}");
    for (name, login) in [
        ("Svc Backup", "svc-backup"),
        ("Reader", "reader"),
        ("Keeper", "keeper"),
    ] {
        ldif.push_str(&user(name, &service, login, 66048, ""));
    }
    let staffed = |name: &str| format!("CN={name},{STAFF}");
    let group = |name: &str| format!("CN={name},{GROUPS}");
    for (name, members) in [
        (
            "Platform",
            vec![
                staffed("Alice Active"),
                staffed("Heidi Idle"),
                staffed("Dave Deleted"),
            ],
        ),
        (
            "Engineering",
            vec![group("Platform"), staffed("Bob Disabled")],
        ),
        (
            "SaaS-Users",
            vec![
                group("Engineering"),
                staffed("Carol Expired"),
                staffed("Frank Never"),
            ],
        ),
    ] {
        let members: String = members.iter().map(|dn| format!("member: {dn}\n")).collect();
        ldif.push_str(&format!(
            "dn: {}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\n{members}\n",
            group(name)
        ));
    }
    ldif.push_str(&format!(
        "dn: CN=Nils Tombstone,{STAFF}\nchangetype: delete\n\n"
    ));
    ldif
}

fn recycle_bin() -> String {
    format!(
        "dn:\nchangetype: modify\nadd: enableOptionalFeature\nenableOptionalFeature: \
         CN=Partitions,CN=Configuration,{BASE}:766ddcd8-acd0-445e-f3b9-a7f9b6744f2a\n"
    )
}

/// What has happened to some of them since.
fn after_the_bin() -> String {
    let idle = |name: &str, at: &str| {
        format!(
            "dn: CN={name},{STAFF}\nchangetype: modify\nreplace: lastLogonTimestamp\n\
             lastLogonTimestamp: {}\n\n",
            filetime(at)
        )
    };
    let gone = |name: &str| format!("dn: CN={name},{STAFF}\nchangetype: delete\n\n");
    [
        idle("Heidi Idle", "2025-06-01T08:00:00Z"),
        idle("Karl Nomail", "2026-10-01T08:00:00Z"),
        renamed(&format!("CN=Erin Moved,{STAFF}"), "CN=Erin Moved", LEAVERS),
        format!(
            "dn: CN=Judy Renamed,{STAFF}\nchangetype: modify\nreplace: sAMAccountName\n\
             sAMAccountName: judy.new\n-\nreplace: userPrincipalName\n\
             userPrincipalName: judy.new@corp.example.test\n-\nreplace: mail\n\
             mail: judy.married@example.test\n\n"
        ),
        renamed(
            &format!("CN=Judy Renamed,{STAFF}"),
            "CN=Judy Married",
            STAFF,
        ),
        gone("Dave Deleted"),
        gone("Mona Rehired"),
        user(
            "Mona Rehired",
            STAFF,
            "mona",
            512,
            "employeeID: 1013\nmail: mona@example.test\n",
        ),
    ]
    .concat()
}

#[test]
fn the_domain_has_the_people_of_the_story() {
    let samba = Samba::shared();
    for login in STAFFED {
        assert_eq!(samba.key(login).len(), 36, "{login}");
    }
    assert_eq!(samba.values("bob", "userAccountControl"), ["514"]);
    assert_eq!(
        samba.values("carol", "accountExpires"),
        [filetime("2026-01-31T00:00:00Z")]
    );
    assert_eq!(samba.values("dave", "mail"), ["dave@example.test"]);
    assert!(samba.values("nils", "mail").is_empty());
    assert_eq!(samba.values("nils", "isDeleted"), ["TRUE"]);
    assert_eq!(samba.values("mona", "objectGUID").len(), 2);
    assert_ne!(samba.values("ivan", "lockoutTime"), ["0"]);
    assert!(samba.values("frank", "lastLogonTimestamp").is_empty());
    assert_eq!(samba.values("alice", "lastLogonTimestamp").len(), 1);
    assert!(fs::metadata(samba.ca()).unwrap().size() > 0);
}
