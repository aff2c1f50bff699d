//! The LDIF grammar of RFC 2849, as far as content records go.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The longest logical line, folded ones put together: 16 MiB.
const MAX_LINE: usize = 16 << 20;

/// One content record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line on which the record begins, from 1.
    pub line: u64,
    /// The distinguished name.
    pub dn: String,
    /// Attributes and values in their order; values are bytes.
    pub attributes: Vec<(String, Vec<u8>)>,
}

/// Why the file cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LdifError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there and what would be right.
    pub what: String,
}

/// The records of an LDIF text, one by one; nothing comes after an error.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a str,
    line: u64,
    seen_any: bool,
    failed: bool,
}

impl<'a> Records<'a> {
    /// Takes the whole text.
    pub fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 0,
            seen_any: false,
            failed: false,
        }
    }

    /// The next physical line without its end.
    fn physical(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// The next logical line (folded lines joined) with the number of its first one.
    fn logical(&mut self) -> Result<Option<(u64, String)>, LdifError> {
        let Some(first) = self.physical() else {
            return Ok(None);
        };
        let number = self.line;
        let mut whole = first.to_owned();
        // An empty line ends a record; a line that begins with a space goes on with the one before.
        while !first.is_empty() && self.rest.starts_with(' ') {
            if let Some(more) = self.physical() {
                whole.push_str(more.get(1..).unwrap_or_default());
            }
            if whole.len() > MAX_LINE {
                return Err(error(
                    number,
                    format!("the line is longer than {MAX_LINE} bytes"),
                ));
            }
        }
        if whole.len() > MAX_LINE {
            return Err(error(
                number,
                format!("the line is longer than {MAX_LINE} bytes"),
            ));
        }
        if whole.contains('\0') {
            return Err(error(
                number,
                "the line holds a NUL byte; such values go in base64 (`::`)",
            ));
        }
        Ok(Some((number, whole)))
    }

    fn record(&mut self) -> Result<Option<Record>, LdifError> {
        let mut record: Option<Record> = None;
        while let Some((number, line)) = self.logical()? {
            if line.is_empty() {
                if record.is_some() {
                    return Ok(record);
                }
                continue;
            }
            if line.starts_with('#') {
                continue;
            }
            let (name, value) = attribute(number, &line)?;
            let first = !std::mem::replace(&mut self.seen_any, true);
            match &mut record {
                None if first && name.eq_ignore_ascii_case("version") => version(number, &value)?,
                None => record = Some(begin(number, &name, value)?),
                Some(record) => {
                    refuse_changes(number, &name)?;
                    record.attributes.push((name, value));
                }
            }
        }
        Ok(record)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, LdifError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.record();
        self.failed = next.is_err();
        next.transpose()
    }
}

fn begin(number: u64, name: &str, value: Vec<u8>) -> Result<Record, LdifError> {
    if !name.eq_ignore_ascii_case("dn") {
        return Err(error(
            number,
            format!(
                "a record begins with `dn:`, not with `{}:` (with ldapsearch, export with -LLL)",
                shown(name)
            ),
        ));
    }
    let dn = String::from_utf8(value).map_err(|_| error(number, "the dn is not UTF-8"))?;
    Ok(Record {
        line: number,
        dn,
        attributes: Vec::new(),
    })
}

fn version(number: u64, value: &[u8]) -> Result<(), LdifError> {
    if value == b"1" {
        return Ok(());
    }
    let says = String::from_utf8_lossy(value);
    Err(error(
        number,
        format!("LDIF version {} is not known; only 1 is", shown(&says)),
    ))
}

fn refuse_changes(number: u64, name: &str) -> Result<(), LdifError> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("changetype") || is("control") {
        return Err(error(
            number,
            "this is a change log; export content records, the entries as they are",
        ));
    }
    if is("dn") {
        return Err(error(
            number,
            "a second dn in one record; an empty line goes before it",
        ));
    }
    Ok(())
}

/// Splits `name: value`, `name:: base64` or `name:< url`.
fn attribute(number: u64, line: &str) -> Result<(String, Vec<u8>), LdifError> {
    if line == "-" {
        refuse_changes(number, "changetype")?;
    }
    if line.starts_with(' ') {
        return Err(error(
            number,
            "the line begins with a space, but there is none to go on with",
        ));
    }
    let Some((name, value)) = line.split_once(':') else {
        return Err(error(number, "there is no colon; a line is `name: value`"));
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';' | '_');
    if name.is_empty() || !name.chars().all(sound) {
        return Err(error(
            number,
            format!("`{}` is no name of an attribute", shown(name)),
        ));
    }
    if value.starts_with('<') {
        return Err(error(
            number,
            format!(
                "{} points to a URL (`:<`), which is not followed; write the value",
                shown(name)
            ),
        ));
    }
    let bytes = match value.strip_prefix(':') {
        Some(encoded) => BASE64_STANDARD
            .decode(encoded.trim_matches(' '))
            .map_err(|_| {
                error(
                    number,
                    format!("the value of {} is not base64", shown(name)),
                )
            })?,
        None => value.trim_start_matches(' ').as_bytes().to_vec(),
    };
    Ok((name.to_owned(), bytes))
}

fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

fn error(line: u64, what: impl Into<String>) -> LdifError {
    LdifError {
        line,
        what: what.into(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Result<Vec<Record>, LdifError> {
        Records::new(text).collect()
    }

    fn refused(text: &str) -> String {
        all(text).unwrap_err().to_string()
    }

    #[test]
    fn comments_folds_versions_and_line_ends_are_read() {
        let text = "# a comment\r\n # that goes on\r\nversion: 1\r\n\r\n\r\ndn: cn=A\r\n  B,dc=x\r\n\
                    cn:A B\r\nsn;lang-de:: w5xiZXI=\r\n#no\r\nnote: a: b\r\nempty:\r\n\r\n\
                    dn:: Y249YixkYz14\r\ncn: b";
        let records = all(text).unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].dn, "cn=A B,dc=x");
        assert_eq!(records[0].line, 6);
        let wanted = [
            ("cn", "A B"),
            ("sn;lang-de", "Über"),
            ("note", "a: b"),
            ("empty", ""),
        ]
        .map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec()));
        assert_eq!(records[0].attributes, wanted);
        assert_eq!(records[1].dn, "cn=b,dc=x");
    }

    #[test]
    fn nothing_is_an_empty_export() {
        assert_eq!(all("").unwrap(), []);
        assert_eq!(all("version: 1\n").unwrap(), []);
        assert_eq!(all("\n\n# nobody\n").unwrap(), []);
    }

    #[test]
    fn each_refusal_says_where_and_why() {
        for (text, parts) in [
            ("dn: a\nchangetype: add\n", ["line 2", "change log"]),
            ("dn: a\ncontrol: 1.2\n", ["line 2", "change log"]),
            ("dn: a\ncn: b\n-\n", ["line 3", "change log"]),
            ("dn: a\njpegPhoto:< file:///etc/passwd\n", ["line 2", "URL"]),
            ("version: 2\n", ["line 1", "version 2"]),
            ("version: 1\nsearch: 2\n", ["line 2", "-LLL"]),
            (
                "dn: a\n\nsearch: 2\nresult: 0 Success\n",
                ["line 3", "-LLL"],
            ),
            ("dn: a\ncn:: ***\n", ["line 2", "base64"]),
            ("dn:: /w==\n", ["line 1", "UTF-8"]),
            ("dn: a\nnonsense\n", ["line 2", "colon"]),
            ("dn: a\n: x\n", ["line 2", "name"]),
            ("dn: a\nc n: x\n", ["line 2", "name"]),
            ("dn: a\ndn: b\n", ["line 2", "second dn"]),
            ("dn: a\n\n goes on\n", ["line 3", "space"]),
            ("dn: a\ncn: x\0y\n", ["line 2", "NUL"]),
        ] {
            let says = refused(text);
            assert!(
                parts.iter().all(|part| says.contains(part)),
                "{text:?}: {says}"
            );
        }
    }

    #[test]
    fn nothing_comes_after_an_error() {
        let mut records = Records::new("dn: a\nnonsense\n\ndn: b\n");
        assert!(records.next().unwrap().is_err());
        assert_eq!(records.next(), None);
    }

    #[test]
    fn a_line_has_a_longest_length() {
        let text = format!("dn: a\ncn: {}\n", "x".repeat(MAX_LINE));
        assert!(refused(&text).contains("longer"));
    }

    fn folded(line: &str, width: usize) -> String {
        let letters: Vec<char> = line.chars().collect();
        let parts = letters
            .chunks(width)
            .map(|part| part.iter().collect::<String>());
        parts.collect::<Vec<_>>().join("\n ")
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = all(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn nothing_panics_on_what_looks_like_ldif(
            lines in proptest::collection::vec(
                "(dn|cn|version|changetype|#|-| )?:{0,2}<?[ -~é]{0,20}",
                0..20,
            )
        ) {
            let _ = all(&lines.join("\n"));
        }

        #[test]
        fn every_value_survives_base64_and_folding(
            value in proptest::collection::vec(any::<u8>(), 0..200),
            width in 1_usize..80,
        ) {
            let line = format!("photo:: {}", BASE64_STANDARD.encode(&value));
            let text = format!("dn: cn=a\n{}\n", folded(&line, width));
            let records = all(&text).unwrap();
            prop_assert_eq!(&records[0].attributes[0].1, &value);
        }

        #[test]
        fn every_plain_text_survives_folding(
            value in "[A-Za-zäöü0-9][A-Za-zäöü0-9 :<]{0,80}",
            width in 1_usize..80,
        ) {
            let line = folded(&format!("cn: {value}"), width).replace('\n', "\r\n");
            let text = format!("dn: cn=a\r\n{line}\r\n");
            let records = all(&text).unwrap();
            prop_assert_eq!(&records[0].attributes[0].1, value.as_bytes());
        }
    }
}
