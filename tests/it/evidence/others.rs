//! Tools that we did not write accept what is given out, and refuse it when it is damaged.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::DAMAGES;
use super::House;
use super::PROOF_DAMAGES;
use super::handed_out;
use super::spoil;

#[expect(
    clippy::print_stderr,
    reason = "a test that is left out must be seen to be"
)]
fn left_out(what: &str) {
    eprintln!("left out: {what} is not installed");
}

fn is_there(program: &str, word: &str) -> bool {
    Command::new(program)
        .arg(word)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// The judge that stands on Go's own packages, built once; `None` where Debian's Go is not there.
fn go() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let packages = "/usr/share/gocode";
        let sumdb = Path::new(packages).join("src/golang.org/x/mod/sumdb");
        if !is_there("go", "version") || !sumdb.exists() {
            left_out("golang-go or golang-golang-x-mod-dev");
            return None;
        }
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let judge = place.join("accept");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/evidence/accept.go");
        let done = Command::new("go")
            .args(["build", "-o"])
            .args([&judge, &source])
            .env("GO111MODULE", "off")
            .env("GOFLAGS", "")
            .env("GOPATH", packages)
            .env("GOCACHE", place.join("go"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        Some(judge)
    });
    built.as_deref()
}

/// Whether a command accepts, and what it says.
fn accepts(mut command: Command) -> (bool, String) {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    (done.status.success(), said)
}

fn by_go(judge: &Path, house: &House, args: &[&str], key: &str) -> (bool, String) {
    let mut command = Command::new(judge);
    command.arg(args[0]);
    // key last, but before a kept checkpoint
    let (files, kept) = match args {
        ["tiles", dir, kept] => (vec![*dir], Some(*kept)),
        [_, files @ ..] => (files.to_vec(), None),
        [] => (Vec::new(), None),
    };
    command.args(files.iter().map(|file| house.path(file)));
    command.arg(key).args(kept.map(|kept| house.path(kept)));
    accepts(command)
}

fn by_python(house: &House, args: &[&str], key: &str) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_tree.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(key).arg(args[0]);
    command.args(args[1..].iter().map(|file| house.path(file)));
    accepts(command)
}

/// What each judge says of whole and damaged evidence.
fn judged(judge: impl Fn(&House, &[&str], &str) -> (bool, String)) {
    let house = handed_out();
    let key = house.key();
    let tiles = ["tiles", "log"];
    let kept = ["tiles", "log", "kept.checkpoint"];
    let proof = ["proof", "421.tlog-proof", "421.json"];
    for whole in [&tiles[..], &kept, &proof] {
        let (good, said) = judge(&house, whole, &key);
        assert!(good, "{whole:?}: {said}");
    }
    let with_damages = [(&tiles[..], DAMAGES), (&proof[..], PROOF_DAMAGES)];
    for (args, damages) in with_damages {
        for damage in damages {
            let good = spoil(&house, damage);
            let (accepted, said) = judge(&house, args, &key);
            assert!(!accepted, "{}: {said}", damage.name);
            fs::write(house.path(damage.file), good).unwrap();
        }
    }
    // another log's key, and a kept checkpoint of another history
    let other = House::new();
    let (accepted, said) = judge(&house, &tiles, &other.key());
    assert!(!accepted, "{said}");
    let bytes = fs::read(house.path("kept.checkpoint")).unwrap();
    let bent = String::from_utf8(bytes)
        .unwrap()
        .replace("\n300\n", "\n299\n");
    fs::write(house.path("bent.checkpoint"), bent).unwrap();
    let (accepted, said) = judge(&house, &["tiles", "log", "bent.checkpoint"], &key);
    assert!(!accepted, "{said}");
}

#[test]
fn go_accepts_the_whole_log_and_the_proof_and_refuses_what_is_damaged() {
    if let Some(judge) = go() {
        judged(|house, args, key| by_go(judge, house, args, key));
    }
}

#[test]
fn python_and_openssl_accept_what_is_whole_and_refuse_what_is_damaged() {
    if !is_there("python3", "--version") || !is_there("openssl", "version") {
        left_out("python3 or openssl");
        return;
    }
    judged(by_python);
}

/// The signature alone, as docs/LEDGER_FORMAT.md says how.
#[test]
fn openssl_checks_the_signature_of_a_checkpoint() {
    if !is_there("openssl", "version") {
        left_out("openssl");
        return;
    }
    let house = House::new();
    house.checkpoint("a.checkpoint");
    let note = house.0.read("a.checkpoint");
    let (text, line) = note.split_once("\n\n").unwrap();
    let signature = STANDARD
        .decode(line.trim_end().rsplit(' ').next().unwrap())
        .unwrap();
    let key = house.key();
    let typed = STANDARD.decode(key.splitn(3, '+').last().unwrap()).unwrap();
    let der = [
        &hex::decode("302a300506032b6570032100").unwrap(),
        &typed[1..],
    ]
    .concat();
    fs::write(house.path("k.der"), der).unwrap();
    fs::write(house.path("sig"), &signature[4..]).unwrap();
    let verified = |text: String| {
        fs::write(house.path("note.txt"), text).unwrap();
        let mut command = Command::new("openssl");
        command.args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey"]);
        command.arg(house.path("k.der")).args(["-rawin", "-in"]);
        command
            .arg(house.path("note.txt"))
            .arg("-sigfile")
            .arg(house.path("sig"));
        accepts(command).0
    };
    assert!(verified(format!("{text}\n")));
    assert!(!verified(format!("{text}\n").replace("\n1\n", "\n2\n")));
}
