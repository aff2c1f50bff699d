//! Puts words into a text, once: what was put in is not looked at again.

/// A piece of a text.
pub(super) enum Piece<'t> {
    /// As it stands.
    Plain(&'t str),
    /// The word to be put in, without its braces.
    Word(&'t str),
}

/// Takes a text apart; a brace that is not closed stays what it is.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((word, behind)) = after.split_once('}') else {
            break;
        };
        if word.contains(['{', '\n']) {
            let cut = before.len().saturating_add(1);
            found.push(Piece::Plain(rest.get(..cut).unwrap_or_default()));
            rest = after;
            continue;
        }
        found.push(Piece::Plain(before));
        found.push(Piece::Word(word));
        rest = behind;
    }
    found.push(Piece::Plain(rest));
    found
}

/// Puts the words in.
pub(super) fn fill(text: &str, words: &[(&'static str, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Word(word) => {
                let value = words.iter().find(|(name, _)| *name == word);
                out.push_str(value.map_or("", |(_, value)| value));
            }
        }
    }
    out
}
