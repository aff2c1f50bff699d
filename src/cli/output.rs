//! Data on stdout, all else on stderr; tables for a terminal, TAB-separated lines for a pipe, JSON
//! for machines.

use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use clap::CommandFactory as _;
use comfy_table::ColumnConstraint;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets;
use serde_json::Value;

use crate::cli::args::Cli;
use crate::cli::args::USUAL_CONFIG;

/// Where and how a command speaks.
#[derive(Debug, Clone)]
pub struct Output {
    /// JSON on stdout.
    pub json: bool,
    /// Only data and errors.
    pub quiet: bool,
    /// Whether stdout is a terminal.
    pub terminal: bool,
    /// Whether stderr may be coloured.
    pub color: bool,
    /// How wide the terminal is, if there is one: sentences are broken between words.
    pub width: Option<usize>,
    /// What stands between `exeunt` and a command in hints, so that they work as typed: the
    /// configuration if it is not the usual one.
    pub options: Arc<str>,
}

impl Output {
    /// Looks at the terminal and at `NO_COLOR`.
    pub fn new(json: bool, quiet: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Self {
            json,
            quiet,
            terminal: std::io::stdout().is_terminal(),
            color: std::io::stderr().is_terminal() && !plain,
            width: columns(Table::new().width()).map(usize::from),
            options: "".into(),
        }
    }

    /// Speaks of commands as they must be typed for this configuration.
    #[must_use]
    pub fn for_config(mut self, config: &Path) -> Self {
        let shown = config.display().to_string();
        let known = std::env::var_os("EXEUNT_CONFIG").is_some_and(|named| named == config);
        if shown != USUAL_CONFIG && !known {
            self.options = format!("-C {} ", quoted(&shown)).into();
        }
        self
    }

    /// Writes one line of data; what comes from outside cannot steer a terminal in it.
    pub fn data(&self, line: &str) {
        put(&mut std::io::stdout().lock(), &self.wrapped(&escape(line)));
    }

    /// Writes text as it is: of our own making, or for machines.
    pub fn raw(&self, text: &str) {
        put(&mut std::io::stdout().lock(), text);
    }

    /// Writes a JSON document.
    pub fn document(&self, value: &Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.raw(&text);
    }

    /// Writes a line about the data: beside the table in a terminal, on stderr elsewhere.
    pub fn about(&self, line: &str) {
        if self.terminal {
            self.data(line);
        } else if !line.is_empty() {
            self.note(line);
        }
    }

    /// Writes a line for the person beside the data; with JSON there is none.
    pub fn note(&self, line: &str) {
        if !self.quiet && !self.json {
            let line = self.wrapped(&escape(&self.as_typed(line)));
            put(&mut std::io::stderr().lock(), &line);
        }
    }

    /// Writes what can be done next, after an empty line.
    pub fn hint(&self, line: &str) {
        self.hints(line, &[]);
    }

    /// Writes what can be done next, with commands to copy below it.
    pub fn hints(&self, line: &str, commands: &[String]) {
        if self.quiet || self.json {
            return;
        }
        let line = format!("hint: {}", escape(&self.as_typed(line)));
        let mut text = format!("\n{}", self.wrapped(&line));
        for command in commands {
            text.push_str("\n  ");
            text.push_str(&escape(&self.as_typed(command)));
        }
        put(&mut std::io::stderr().lock(), &text);
    }

    /// Asks, on stderr, whatever was said about being quiet: somebody waits for the answer.
    pub fn ask(&self, question: &str) {
        let mut to = std::io::stderr().lock();
        drop(write!(to, "{} ", escape(question)));
        drop(to.flush());
    }

    /// A line as a terminal shows it whole: broken between words, the rest a little further in.
    fn wrapped(&self, line: &str) -> String {
        let Some(width) = self.width.filter(|w| line.chars().count() > *w) else {
            return line.to_owned();
        };
        let indent = line.chars().take_while(|c| *c == ' ').count();
        let further = " ".repeat(indent + 2);
        let mut out = " ".repeat(indent);
        let mut used = indent;
        let mut fresh = true;
        for word in line.trim_start().split(' ') {
            let length = word.chars().count();
            if !fresh && used + 1 + length > width {
                out.push('\n');
                out.push_str(&further);
                used = further.len();
                fresh = true;
            }
            if !fresh {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
            fresh = false;
        }
        out
    }

    /// Completes the commands in a line.
    pub fn as_typed(&self, line: &str) -> String {
        if self.options.is_empty() {
            return line.to_owned();
        }
        let known = Cli::command();
        let mut out = String::new();
        let mut parts = line.split("exeunt ");
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let word = part
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .next();
            let is_command = word.is_some_and(|w| known.find_subcommand(w).is_some());
            out.push_str("exeunt ");
            out.push_str(if is_command { &self.options } else { "" });
            out.push_str(part);
        }
        out
    }

    /// Writes an error with its causes.
    pub fn error(&self, line: &str) {
        let mut text = self.wrapped(&format!("error: {}", escape(line)));
        if self.color {
            text = text.replacen("error:", "\u{1b}[1;31merror:\u{1b}[0m", 1);
        }
        put(&mut std::io::stderr().lock(), &text);
    }

    /// Writes a line on stderr as it is.
    pub fn error_line(&self, line: &str) {
        put(&mut std::io::stderr().lock(), line);
    }

    /// Writes a table: fitted to a terminal, else TAB-separated with a header line and untouched
    /// by any width.
    pub fn table(&self, header: &[&str], rows: &[Vec<String>]) {
        if !self.terminal {
            self.raw(&header.join("\t").to_uppercase());
            for row in rows {
                self.record(row);
            }
            return;
        }
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(header.iter().map(|h| h.to_uppercase()));
        let rows: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|c| escape(c)).collect())
            .collect();
        let width = columns(table.width());
        if let Some(width) = width {
            table.set_width(width);
        }
        let fixed = fixed_columns(header, &rows, width);
        for row in rows {
            table.add_row(row);
        }
        for column in fixed {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for line in table.to_string().lines() {
            self.raw(line.trim_end());
        }
    }

    /// Writes one record of TAB-separated data.
    pub fn record(&self, cells: &[String]) {
        let cells: Vec<_> = cells.iter().map(|c| escape(c)).collect();
        self.raw(&cells.join("\t"));
    }
}

/// How wide a terminal is that names a width: one that names 0 (a serial line, a pseudo-terminal
/// whose size nobody has set) does not know, and is taken for a usual one.
fn columns(stated: Option<u16>) -> Option<u16> {
    const USUAL: u16 = 80;
    stated.map(|width| if width == 0 { USUAL } else { width })
}

/// The columns that are not to be broken, so that addresses and dates stay whole: all but those
/// with sentences, if sentences still have room in a terminal of `width`.
fn fixed_columns(header: &[&str], rows: &[Vec<String>], width: Option<u16>) -> Vec<usize> {
    const SENTENCE: usize = 20;
    const LEAST: usize = 12;
    const BETWEEN: usize = 2;
    let Some(width) = width else {
        return Vec::new();
    };
    let mut taken = 0;
    let mut fixed = Vec::new();
    for (number, name) in header.iter().enumerate() {
        let cells = || rows.iter().filter_map(|row| row.get(number));
        let widest = cells().map(|c| c.chars().count()).max().unwrap_or(0);
        taken += BETWEEN;
        if widest > SENTENCE && cells().any(|c| c.contains(' ')) {
            taken += LEAST;
        } else {
            taken += widest.max(name.chars().count());
            fixed.push(number);
        }
    }
    if taken <= usize::from(width) {
        fixed
    } else {
        Vec::new()
    }
}

/// Quotes a word for a shell where it needs that.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn put(to: &mut dyn Write, line: &str) {
    // A reader that has gone (`| head`) is no error.
    drop(writeln!(to, "{line}"));
}

/// Shows control characters, line breaks, and characters that turn the direction of text, as
/// escapes: what comes from outside must not steer a terminal, nor look like a line of ours.
pub fn escape(text: &str) -> String {
    let dangerous = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}'
                | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if dangerous(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// `1 account`, `2 accounts`.
pub fn plural(count: u64, noun: &str) -> String {
    match noun.strip_suffix("ry") {
        _ if count == 1 => format!("1 {noun}"),
        Some(stem) => format!("{count} {stem}ries"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_steer_the_terminal() {
        assert_eq!(escape("a\u{1b}[31mb\u{7}"), "a\\u{1b}[31mb\\u{7}");
        assert_eq!(escape("eve\u{202e}moc"), "eve\\u{202e}moc");
        assert_eq!(escape("Zoë\tÉire"), "Zoë\\tÉire");
        assert_eq!(escape("a\nhint: b"), "a\\nhint: b");
    }

    #[test]
    fn sentences_are_broken_between_words() {
        let mut output = Output::new(false, false);
        output.width = Some(12);
        assert_eq!(
            output.wrapped("  one two three four"),
            "  one two\n    three\n    four"
        );
        assert_eq!(output.wrapped("hint: short"), "hint: short");
        output.width = None;
        assert_eq!(output.wrapped("one two three four"), "one two three four");
    }

    #[test]
    fn a_terminal_without_a_width_is_taken_for_a_usual_one() {
        assert_eq!(columns(Some(0)), Some(80));
        assert_eq!(columns(Some(120)), Some(120));
        assert_eq!(columns(None), None, "no terminal");
    }

    #[test]
    fn addresses_stay_whole_where_there_is_room() {
        let row = |c: &[&str]| c.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let rows = [row(&[
            "a.long.address@example.com",
            "A sentence that is long enough.",
        ])];
        assert_eq!(fixed_columns(&["account", "why"], &rows, Some(80)), [0]);
        assert!(fixed_columns(&["account", "why"], &rows, Some(30)).is_empty());
    }

    #[test]
    fn commands_in_hints_name_the_configuration() {
        let output = Output::new(false, false).for_config(Path::new("my dir/e.toml"));
        let says = output.as_typed("`exeunt plan` decides; exeunt is not exeunt exeunt.toml");
        let typed = "`exeunt -C 'my dir/e.toml' plan` decides; exeunt is not exeunt exeunt.toml";
        assert_eq!(says, typed);
        let usual = Output::new(false, false).for_config(Path::new(USUAL_CONFIG));
        assert_eq!(usual.as_typed("exeunt plan"), "exeunt plan");
    }
}
