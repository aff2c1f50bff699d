//! What the library's errors and the server's result codes (RFC 4511, appendix A) mean to us.

use std::path::Path;

use ldap3::LdapError;
use rustls::CertificateError;

use crate::directory::DirectoryError;

/// A connection that did not come about.
pub(super) fn connecting(at: &str, ca_file: Option<&Path>, error: LdapError) -> DirectoryError {
    if let Some(what) = untrusted(at, ca_file, &error) {
        return DirectoryError::Configuration { what };
    }
    match error {
        LdapError::LdapResult { result } if matches!(result.rc, 51 | 52) => {
            let detail = format!(
                "the server is too busy for StartTLS (result {})",
                code_text(result.rc)
            );
            not_whole(at, "read.busy", detail)
        }
        LdapError::LdapResult { result } => DirectoryError::Configuration {
            what: format!(
                "{at} refuses StartTLS (result {}); use ldaps://, or let the server offer it",
                code_text(result.rc)
            ),
        },
        LdapError::DNSName { .. } => DirectoryError::Configuration {
            what: format!("{at} names a host that no certificate can name"),
        },
        other => lost(at, "while connecting", other),
    }
}

/// What to say if the server's certificate is not accepted.
fn untrusted(at: &str, ca_file: Option<&Path>, error: &LdapError) -> Option<String> {
    let tls = match error {
        LdapError::Io { source } => source.get_ref()?.downcast_ref::<rustls::Error>()?,
        LdapError::Rustls { source } => source,
        _ => return None,
    };
    let rustls::Error::InvalidCertificate(reason) = tls else {
        return None;
    };
    let issuer = match ca_file {
        Some(path) => format!(
            "{} does not hold its certificate, nor does the system's store; put the right one \
             there",
            path.display()
        ),
        None => "the system's store does not hold its certificate; set tls.ca_file".to_owned(),
    };
    Some(match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("the CA that issued the certificate of {at} is not trusted: {issuer}")
        }
        CertificateError::NotValidForName => format!(
            "the certificate of {at} is for another host name; write the url with a name that \
             stands in it"
        ),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the certificate of {at} is for another host name ({}); write the url with a name \
             that stands in it",
            presented.join(", ")
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {at} has expired; renew it on the server")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {at} is not valid yet; compare the clocks")
        }
        other => format!("the certificate of {at} is not accepted ({other})"),
    })
}

/// No connection, or it was lost before any answer began.
pub(super) fn lost(at: &str, when: &str, error: LdapError) -> DirectoryError {
    DirectoryError::Unreachable {
        at: at.to_owned(),
        when: when.to_owned(),
        source: Box::new(error),
    }
}

/// An answer that broke off.
pub(super) fn interrupted(at: &str, when: &str, error: &LdapError) -> DirectoryError {
    let (fault, what) = match error {
        LdapError::Timeout { .. } => ("read.timeout", "the server stopped answering"),
        _ => ("read.cut", "the connection broke off"),
    };
    not_whole(at, fault, format!("{what} {when}"))
}

/// The deadline for the whole read has passed.
pub(super) fn overdue(at: &str, limit: std::time::Duration) -> DirectoryError {
    let detail = format!("it was not finished within {} seconds", limit.as_secs_f32());
    not_whole(at, "read.timeout", detail)
}

/// More entries than the limit allows.
pub(super) fn too_many(at: &str, limit: u64) -> DirectoryError {
    let detail = format!("there are more than {limit} entries; narrow base or filter");
    not_whole(at, "read.too-many", detail)
}

/// Something that is not LDAP.
pub(super) fn not_ldap(at: &str) -> DirectoryError {
    DirectoryError::Unreadable {
        at: at.to_owned(),
        what: "the server sent something that is not LDAP (RFC 4511)".to_owned(),
    }
}

/// Whether the driver gave up because it could not decode, and not because of the network.
pub(super) fn is_undecodable(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::Other && error.to_string().contains("decoding error")
}

/// An answer of which nothing counts.
pub(super) fn not_whole(at: &str, fault: &'static str, detail: String) -> DirectoryError {
    DirectoryError::NotWhole {
        at: at.to_owned(),
        fault,
        detail,
    }
}

/// A bind that was refused.
///
/// `text` is what the server adds; Active Directory says in it why it refuses.
pub(super) fn binding(at: &str, bind: &str, code: u32, text: &str) -> DirectoryError {
    let reason = sub_code(text).and_then(reason);
    let advice = match code {
        8 | 13 => {
            return DirectoryError::Configuration {
                what: format!(
                    "{at} takes a password only over TLS (result {}); use ldaps:// or StartTLS",
                    code_text(code)
                ),
            };
        }
        3 | 51 | 52 => {
            let detail = format!(
                "the server is too busy to let us in (result {})",
                code_text(code)
            );
            return not_whole(at, "read.busy", detail);
        }
        34 => {
            return DirectoryError::Configuration {
                what: format!(
                    "bind_dn is no distinguished name (result {})",
                    code_text(code)
                ),
            };
        }
        1 if !text.is_empty() => {
            "the server takes no such bind; look whether LDAP binds by name and password are allowed"
        }
        49 if reason.is_some() => reason.unwrap_or_default(),
        49 => {
            "name or password is wrong, or the account is locked, expired or disabled; try it with \
             `ldapwhoami -x -W -D BIND_DN -H URL`"
        }
        48 => "the entry has no password; give it one, or bind as another",
        53 => "the account is inactive or may not bind; look at it in the directory",
        _ => "look at the server's log",
    };
    let shown = match sub_code(text) {
        Some(sub) if code == 49 => format!("{}, data {sub}", code_text(code)),
        _ => code_text(code),
    };
    DirectoryError::Credentials {
        at: at.to_owned(),
        bind: bind.to_owned(),
        advice: format!("result {shown}: {advice}"),
    }
}

/// The reason within a refusal of Active Directory: `…, data 52e, v1db1`.
fn sub_code(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("data ")?;
    let code = behind.split([',', ' ', '\0']).next()?;
    let sound = (1..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then_some(code)
}

/// What a reason of Active Directory asks for; they are numbers of Windows errors.
fn reason(sub: &str) -> Option<&'static str> {
    Some(match sub.to_ascii_lowercase().as_str() {
        "525" => {
            "there is no such account; write bind_dn as name@domain, DOMAIN\\name, or a \
             distinguished name"
        }
        "52e" => {
            "the password is wrong, or the name is; it is tried once only, since wrong passwords \
             lock the account"
        }
        "530" => "the account may not log in at this hour; widen its logon hours",
        "531" => "the account may not log in from this computer; widen its list of workstations",
        "532" => "the password of the account has expired; set a new one, or let it not expire",
        "533" => "the account is disabled; enable it",
        "701" => "the account has expired; move its end (accountExpires)",
        "773" => "the account must change its password first; set one without that demand",
        "775" => "the account is locked after wrong passwords; find who sends them, then unlock it",
        _ => return None,
    })
}

/// Whether another server of the same list may do better: this one cannot be reached or is too
/// busy. A certificate that does not fit or a refused password ends it: behind the next name the
/// same attacker or the same lock-out may wait.
pub(super) fn next_may_help(error: &DirectoryError) -> bool {
    matches!(
        error,
        DirectoryError::Unreachable { .. }
            | DirectoryError::NotWhole {
                fault: "read.busy",
                ..
            }
    )
}

/// A search that ended with another result than success: nothing of it counts.
pub(super) fn searching(at: &str, base: &str, when: &str, code: u32) -> DirectoryError {
    let result = code_text(code);
    let whole =
        |fault, says: &str| not_whole(at, fault, format!("{says} {when} (result {result})"));
    let configuration = |what: String| DirectoryError::Configuration { what };
    match code {
        3 => whole("read.time-limit", "the server's time limit was reached"),
        4 => whole(
            "read.size-limit",
            "the server's size limit for this account was reached; raise it (olcLimits)",
        ),
        11 => whole(
            "read.admin-limit",
            "an administrative limit of the server was reached",
        ),
        51 | 52 => whole("read.busy", "the server was too busy or shutting down"),
        1 | 50 => DirectoryError::Rights {
            at: at.to_owned(),
            what: format!("reading below {base} (result {result})"),
        },
        8 | 13 => configuration(format!("{at} wants TLS (result {result}); use ldaps://")),
        10 => configuration(format!(
            "{base} is kept by another server than {at} (result {result}); name that one"
        )),
        12 => configuration(format!(
            "{at} cannot give results in pages (result {result}), without which a whole answer \
             cannot be told from a cut one"
        )),
        32 => configuration(format!(
            "{base} is not on {at}, or the account may not see it (result {result}); look whether \
             it was renamed"
        )),
        34 => configuration(format!("{base} is no distinguished name (result {result})")),
        _ => whole("read.refused", "the server refused to go on"),
    }
}

/// A result code with its name.
fn code_text(code: u32) -> String {
    let name = match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        32 => "noSuchObject",
        34 => "invalidDNSyntax",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        80 => "other",
        _ => return code.to_string(),
    };
    format!("{code} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_has_its_fault() {
        for (code, wanted) in [
            (1, "read.rights"),
            (3, "read.time-limit"),
            (4, "read.size-limit"),
            (10, "read.configuration"),
            (11, "read.admin-limit"),
            (12, "read.configuration"),
            (32, "read.configuration"),
            (50, "read.rights"),
            (51, "read.busy"),
            (53, "read.refused"),
            (80, "read.refused"),
            (4096, "read.refused"),
        ] {
            assert_eq!(
                searching("x", "dc=x", "on page 1", code).fault(),
                wanted,
                "{code}"
            );
        }
        for (code, wanted) in [
            (8, "read.configuration"),
            (48, "read.credentials"),
            (49, "read.credentials"),
            (51, "read.busy"),
            (53, "read.credentials"),
        ] {
            assert_eq!(binding("x", "cn=sync", code, "").fault(), wanted, "{code}");
        }
    }

    #[test]
    fn the_reason_of_active_directory_becomes_advice() {
        let text = |sub: &str| {
            format!(
                "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data \
                 {sub}, v1db1"
            )
        };
        for (sub, wanted) in [
            ("52e", "password is wrong"),
            ("525", "no such account"),
            ("530", "hour"),
            ("531", "computer"),
            ("532", "password of the account has expired"),
            ("533", "disabled"),
            ("701", "account has expired"),
            ("773", "must change"),
            ("775", "locked"),
        ] {
            let error = binding("x", "cn=sync", 49, &text(sub));
            let DirectoryError::Credentials { advice, .. } = error else {
                unreachable!("{error}")
            };
            assert!(advice.contains(wanted) && advice.contains(sub), "{advice}");
        }
        for text in [
            "",
            "data",
            "data \u{1b}[2J, v",
            "data 52e52e52e52e",
            "nothing",
        ] {
            assert_eq!(sub_code(text), None, "{text}");
        }
        assert_eq!(sub_code("error, data 775"), Some("775"));
    }

    #[test]
    fn a_refused_password_is_not_tried_elsewhere() {
        assert!(next_may_help(&binding("x", "cn=sync", 51, "")));
        assert!(!next_may_help(&binding("x", "cn=sync", 49, "")));
        assert!(!next_may_help(&searching("x", "dc=x", "on page 1", 4)));
    }
}
