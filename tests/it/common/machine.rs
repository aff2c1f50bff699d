//! Commands of the machine: run to their end, as root where it must be, with certificates.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// A command that runs as root: as it is, or with sudo, which must not ask.
pub(crate) fn root(program: &str) -> Command {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Fails, with what is to be done, if a program is not there.
pub(crate) fn must_have(programs: &[&str]) {
    for program in programs {
        assert!(
            Path::new(program).exists(),
            "{program} is missing: run tests/run, which installs what the tests need"
        );
    }
}

/// Runs a command that must end well; gives what it wrote.
pub(crate) fn done(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {out}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}

/// A port on loopback that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Makes a certificate authority: `NAME.pem` and `NAME.key`.
pub(crate) fn authority(home: &Path, name: &str) {
    let subject = format!("/CN=Authority {name} of the tests");
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt"]);
    command.args(["ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
    command.args(["-addext", "basicConstraints=critical,CA:TRUE"]);
    command.args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
    command.args(["-subj", &subject, "-keyout"]);
    command.arg(home.join(format!("{name}.key"))).arg("-out");
    done(command.arg(home.join(format!("{name}.pem"))));
}

/// Makes a server's certificate of the authority `ca`: `server.pem` and `server.key`. `names` are
/// as in a subjectAltName, such as `DNS:localhost,IP:127.0.0.1`.
pub(crate) fn certificate(home: &Path, names: &str) {
    request(home, names);
    let mut sign = Command::new("openssl");
    sign.args(["x509", "-req", "-days", "30", "-CAcreateserial", "-in"])
        .arg(home.join("server.csr"));
    sign.arg("-CA").arg(home.join("ca.pem"));
    sign.arg("-CAkey").arg(home.join("ca.key"));
    sign.arg("-extfile").arg(home.join("extensions"));
    done(sign.arg("-out").arg(home.join("server.pem")));
}

/// As [`certificate`], but it was valid for one day in 2020.
pub(crate) fn expired_certificate(home: &Path, names: &str) {
    request(home, names);
    let at = |name: &str| home.join(name).display().to_string();
    let authority = format!(
        "[ca]\ndefault_ca = own\n[own]\ndatabase = {}\nserial = {}\nnew_certs_dir = {}\n\
         default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n",
        at("index"),
        at("serial"),
        home.display()
    );
    fs::write(home.join("authority"), authority).unwrap();
    fs::write(home.join("index"), "").unwrap();
    fs::write(home.join("serial"), "01\n").unwrap();
    let mut sign = Command::new("openssl");
    sign.args(["ca", "-batch", "-notext", "-config", &at("authority")]);
    sign.args(["-startdate", "20200101000000Z"]);
    sign.args(["-enddate", "20200102000000Z"]);
    sign.args(["-cert", &at("ca.pem"), "-keyfile", &at("ca.key")]);
    sign.args(["-extfile", &at("extensions"), "-in", &at("server.csr")]);
    done(sign.args(["-out", &at("server.pem")]));
}

fn request(home: &Path, names: &str) {
    let extensions = format!(
        "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n\
         subjectAltName={names}\n"
    );
    fs::write(home.join("extensions"), extensions).unwrap();
    let mut request = Command::new("openssl");
    request.args(["req", "-newkey", "ec", "-pkeyopt"]);
    request.args(["ec_paramgen_curve:P-256", "-nodes"]);
    request.args(["-subj", "/CN=localhost", "-keyout"]);
    request.arg(home.join("server.key"));
    done(request.arg("-out").arg(home.join("server.csr")));
}
