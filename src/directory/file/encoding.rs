//! From the bytes of a file to text; what is in doubt is refused, and never replaced by a sign that
//! means "unknown".

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;

use crate::directory::DirectoryError;
use crate::directory::file::unreadable;

/// How the bytes of a file are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Encoding {
    /// UTF-8; or UTF-16, where a byte order mark says so.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252, which old exports of Windows use; no file says so of itself.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What Windows-1252 has at 0x80 to 0x9F; at the other places it is Latin-1. Five places have no
/// letter.
const WINDOWS: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// The bytes of a file as text, without a byte order mark.
///
/// Errors, with line and column, at bytes that the encoding does not have, and where the file
/// itself shows that it has another encoding than the one that is configured.
pub(in crate::directory) fn text<'a>(
    path: &Path,
    bytes: &'a [u8],
    encoding: Encoding,
) -> Result<Cow<'a, str>, DirectoryError> {
    let text = match (mark(bytes), encoding) {
        (Mark::None, Encoding::Utf8) => Cow::Borrowed(utf8(path, bytes)?),
        (Mark::Utf8, Encoding::Utf8) => {
            Cow::Borrowed(utf8(path, bytes.get(3..).unwrap_or_default())?)
        }
        (Mark::Utf16(unit), Encoding::Utf8) => {
            Cow::Owned(utf16(path, bytes.get(2..).unwrap_or_default(), unit)?)
        }
        (Mark::None, Encoding::Windows1252) => Cow::Owned(windows(path, bytes)?),
        (_, Encoding::Windows1252) => {
            let what = "the file begins with the mark of a Unicode file, and `encoding` says \
                        windows-1252; leave `encoding` out";
            return Err(unreadable(path, 1, what));
        }
    };
    if let Some(at) = text.find('\0') {
        let (line, column) = position(text.get(..at).unwrap_or_default());
        let what = format!(
            "column {column}: there is a NUL; the file is UTF-16 without a byte order mark, or no \
             text; save it as UTF-8"
        );
        return Err(unreadable(path, line, what));
    }
    Ok(text)
}

enum Mark {
    None,
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

fn mark(bytes: &[u8]) -> Mark {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Mark::Utf8,
        [0xff, 0xfe, ..] => Mark::Utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Mark::Utf16(u16::from_be_bytes),
        _ => Mark::None,
    }
}

fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, DirectoryError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let (line, column) = position(std::str::from_utf8(sound).unwrap_or_default());
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let what = format!(
            "column {column}: the byte 0x{byte:02X} is not UTF-8; save the file as UTF-8, or, if \
             it is Windows-1252, set encoding = \"windows-1252\""
        );
        unreadable(path, line, what)
    })
}

fn utf16(path: &Path, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DirectoryError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(letter) => text.push(letter),
            Err(_) => return Err(broken(path, &text)),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(broken(path, &text))
    }
}

fn broken(path: &Path, before: &str) -> DirectoryError {
    let (line, column) = position(before);
    let what = format!(
        "column {column}: half a letter of UTF-16 stands there; the file is damaged or was cut off"
    );
    unreadable(path, line, what)
}

fn windows(path: &Path, bytes: &[u8]) -> Result<String, DirectoryError> {
    // By chance, letters of Windows-1252 beyond ASCII hardly ever look like UTF-8.
    if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
        let at = bytes.iter().position(|byte| !byte.is_ascii());
        let before = bytes.get(..at.unwrap_or_default()).unwrap_or_default();
        let (line, column) = position(std::str::from_utf8(before).unwrap_or_default());
        let what = format!(
            "column {column}: the letters are written in UTF-8, and `encoding` says windows-1252; \
             leave `encoding` out"
        );
        return Err(unreadable(path, line, what));
    }
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        let high = byte.checked_sub(0x80).map(usize::from);
        match high.and_then(|high| WINDOWS.get(high)) {
            None => text.push(char::from(*byte)),
            Some(Some(letter)) => text.push(*letter),
            Some(None) => {
                let (line, column) = position(&text);
                let what = format!(
                    "column {column}: Windows-1252 has no letter for the byte 0x{byte:02X}; save \
                     the file as UTF-8"
                );
                return Err(unreadable(path, line, what));
            }
        }
    }
    Ok(text)
}

/// The line and the column, in letters, of what comes after `before`; both from 1.
fn position(before: &str) -> (u64, usize) {
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let last = before.rsplit('\n').next().unwrap_or_default();
    (
        u64::try_from(line).unwrap_or(u64::MAX),
        last.chars().count() + 1,
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], encoding: Encoding) -> Result<String, String> {
        text(Path::new("people.csv"), bytes, encoding)
            .map(Cow::into_owned)
            .map_err(|error| error.to_string())
    }

    fn of_utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn unicode_is_read_by_its_mark() {
        for bytes in [
            b"\xef\xbb\xbfJ\xc3\xb6rg".to_vec(),
            b"J\xc3\xb6rg".to_vec(),
            of_utf16("Jörg", u16::to_le_bytes),
            of_utf16("Jörg", u16::to_be_bytes),
        ] {
            assert_eq!(read(&bytes, Encoding::Utf8).unwrap(), "Jörg");
        }
    }

    #[test]
    fn another_encoding_is_refused_with_its_place_and_the_way_out() {
        let says = read(b"id\nab,J\xf6rg\n", Encoding::Utf8).unwrap_err();
        for part in ["line 2", "column 5", "0xF6", "encoding = \"windows-1252\""] {
            assert!(says.contains(part), "{says}");
        }
        let says = read(b"id\ni\0d\0", Encoding::Utf8).unwrap_err();
        assert!(
            says.contains("line 2") && says.contains("column 2"),
            "{says}"
        );
        let mut cut = of_utf16("a\nbc", u16::to_le_bytes);
        cut.pop();
        let says = read(&cut, Encoding::Utf8).unwrap_err();
        assert!(
            says.contains("line 2") && says.contains("cut off"),
            "{says}"
        );
    }

    #[test]
    fn windows_1252_is_read_where_it_is_configured_and_not_in_doubt() {
        let windows = |bytes| read(bytes, Encoding::Windows1252);
        assert_eq!(windows(b"J\xf6rg \x80 \x9f").unwrap(), "Jörg € Ÿ");
        let says = windows(b"a\nx\x81").unwrap_err();
        assert!(
            says.contains("line 2") && says.contains("column 2"),
            "{says}"
        );
        let says = windows("a\nJörg".as_bytes()).unwrap_err();
        assert!(says.contains("line 2") && says.contains("UTF-8"), "{says}");
        for marked in [&b"\xef\xbb\xbfid"[..], b"\xff\xfei\0"] {
            let says = windows(marked).unwrap_err();
            assert!(says.contains("leave `encoding` out"), "{says}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for encoding in [Encoding::Utf8, Encoding::Windows1252] {
                let _ = read(&bytes, encoding);
            }
            for mark in [&b"\xff\xfe"[..], b"\xfe\xff"] {
                let _ = read(&[mark, &bytes].concat(), Encoding::Utf8);
            }
        }
    }
}
