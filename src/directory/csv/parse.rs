//! The CSV grammar of RFC 4180, held strictly where a reader's leniency would lose lines.

use std::collections::BTreeMap;

/// The signs that may stand between columns.
pub(super) const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Why the file cannot be understood.
#[derive(Debug)]
pub(super) struct CsvError {
    /// The line, from 1.
    pub(super) line: u64,
    /// What is wrong there and what would be right.
    pub(super) what: String,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// The line of the file on which it begins, from 1.
    pub(super) line: u64,
    /// The cells of the wanted columns by their names.
    pub(super) cells: BTreeMap<String, String>,
    /// The numbers of the wanted columns by their names, from 1.
    pub(super) numbers: BTreeMap<String, usize>,
}

/// A table with a header in which every wanted column stands once.
pub(super) struct Table<'a> {
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
    numbers: BTreeMap<String, usize>,
}

impl<'a> Table<'a> {
    /// Opens a table; finds its delimiter and its columns.
    pub(super) fn open(
        text: &'a str,
        delimiter: Option<u8>,
        wanted: &[&str],
    ) -> Result<Self, CsvError> {
        if text.trim().is_empty() {
            return Err(error(
                1,
                "the file is empty; the first line names the columns",
            ));
        }
        let delimiter = match delimiter {
            Some(delimiter) => delimiter,
            None => found_delimiter(text, wanted)?,
        };
        check_quotes(text.as_bytes(), delimiter)?;
        let mut reader = reader(text, delimiter);
        let header = header(&mut reader)?;
        let mut numbers = BTreeMap::new();
        for name in wanted {
            let mut places = header.iter().enumerate().filter(|(_, title)| title == name);
            let (Some((index, _)), None) = (places.next(), places.next()) else {
                return Err(missing(name, &header));
            };
            numbers.insert((*name).to_owned(), index + 1);
        }
        Ok(Self {
            reader,
            record: csv::StringRecord::new(),
            numbers,
        })
    }

    /// The next line that is not empty.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, CsvError> {
        if !self
            .reader
            .read_record(&mut self.record)
            .map_err(|e| reader_error(&e))?
        {
            return Ok(None);
        }
        let cell = |number: &usize| self.record.get(number - 1).unwrap_or_default().to_owned();
        Ok(Some(Row {
            line: self.record.position().map_or(0, csv::Position::line),
            cells: self
                .numbers
                .iter()
                .map(|(name, n)| (name.clone(), cell(n)))
                .collect(),
            numbers: self.numbers.clone(),
        }))
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(true)
        .flexible(false)
        .from_reader(text.as_bytes())
}

fn header(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<String>, CsvError> {
    let header = reader.headers().map_err(|e| reader_error(&e))?;
    Ok(header.iter().map(|title| title.trim().to_owned()).collect())
}

fn missing(name: &str, header: &[String]) -> CsvError {
    let shown: Vec<String> = header.iter().map(|title| shown(title)).collect();
    let count = header.iter().filter(|title| *title == name).count();
    let what = if count > 1 {
        format!(
            "the header names the column {} {count} times",
            shown_name(name)
        )
    } else {
        format!(
            "the header has no column {}; it has {}",
            shown_name(name),
            shown.join(", ")
        )
    };
    error(1, what)
}

/// The one delimiter with which the header has every wanted column.
fn found_delimiter(text: &str, wanted: &[&str]) -> Result<u8, CsvError> {
    let fitting: Vec<u8> = DELIMITERS
        .into_iter()
        .filter(|delimiter| {
            header(&mut reader(text, *delimiter))
                .is_ok_and(|header| wanted.iter().all(|name| header.iter().any(|t| t == name)))
        })
        .collect();
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => {
            let first = text.lines().next().unwrap_or_default();
            Err(error(
                1,
                format!(
                    "neither comma, semicolon nor TAB gives the columns {}; the header is \"{}\"",
                    wanted.join(", "),
                    shown(first)
                ),
            ))
        }
        _ => Err(error(
            1,
            "more than one delimiter gives the wanted columns; set `delimiter`",
        )),
    }
}

/// Refuses quotes that are not closed or not closed where a field ends.
///
/// The reader takes everything up to the next quote, or to the end of the file, as one field: the
/// people in between would be missing without an error.
fn check_quotes(bytes: &[u8], delimiter: u8) -> Result<(), CsvError> {
    #[derive(PartialEq)]
    enum At {
        FieldStart,
        Plain,
        Quoted,
        Closed,
    }
    let (mut at, mut line, mut opened) = (At::FieldStart, 1_u64, 1_u64);
    for byte in bytes {
        at = match (at, *byte) {
            (At::FieldStart, b'"') => {
                opened = line;
                At::Quoted
            }
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) | (At::Closed, b'"') => At::Quoted,
            (_, b'\n' | b'\r') => At::FieldStart,
            (_, sign) if sign == delimiter => At::FieldStart,
            (At::Closed, _) => {
                let what = format!(
                    "a quote closes in the middle of a field that opens on line {opened}; a quote \
                     within a field is written twice (\"\")"
                );
                return Err(error(line, what));
            }
            (At::FieldStart | At::Plain, _) => At::Plain,
        };
        if *byte == b'\n' {
            line += 1;
        }
    }
    if at == At::Quoted {
        return Err(error(opened, "a quote opens here and is never closed"));
    }
    Ok(())
}

fn reader_error(error: &csv::Error) -> CsvError {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "the line has {len} columns and the header {expected_len}; a value that holds the \
             delimiter is written in quotes"
        ),
        _ => "the line cannot be read as CSV".to_owned(),
    };
    CsvError { line, what }
}

fn shown(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}

fn shown_name(name: &str) -> String {
    format!("\"{}\"", shown(name))
}

fn error(line: u64, what: impl Into<String>) -> CsvError {
    CsvError {
        line,
        what: what.into(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn rows(text: &str, delimiter: Option<u8>) -> Result<Vec<Row>, CsvError> {
        let mut table = Table::open(text, delimiter, &["id", "mail"])?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            rows.push(row);
        }
        Ok(rows)
    }

    fn refused(text: &str) -> String {
        match rows(text, None) {
            Ok(rows) => panic!("{text:?} was read as {rows:?}"),
            Err(error) => format!("line {}: {}", error.line, error.what),
        }
    }

    #[test]
    fn each_delimiter_is_found() {
        for text in [
            "id,mail\n1,a\n",
            "mail;id\na;1\n",
            "id\tmail\tx\n1\ta\t,;\n",
        ] {
            let rows = rows(text, None).unwrap();
            assert_eq!(
                rows.first().unwrap().cells.get("id").unwrap(),
                "1",
                "{text:?}"
            );
            assert_eq!(rows.first().unwrap().line, 2);
        }
        assert_eq!(rows("\"id\", mail \r\n1,a\r\n", None).unwrap().len(), 1);
        assert!(rows("id,mail\n1,a\n", Some(b';')).is_err());
    }

    #[test]
    fn a_quote_that_would_swallow_people_is_refused() {
        let says = refused("id,mail\n1,\"a\n2,b\n3,c\n");
        assert!(
            says.starts_with("line 2") && says.contains("never closed"),
            "{says}"
        );
        let says = refused("id,mail\n1,\"a\n2,\"b\n3,c\n");
        assert!(
            says.starts_with("line 3") && says.contains("line 2"),
            "{says}"
        );
        assert_eq!(rows("id,mail\n1,O\"Brien\n", None).unwrap().len(), 1);
        assert_eq!(
            rows("id,mail\n1,\"\"\n2,\"a\"\"b\"", None).unwrap().len(),
            2
        );
    }

    #[test]
    fn each_refusal_says_where_and_why() {
        for (text, parts) in [
            ("", ["line 1", "empty"]),
            ("\n \n", ["line 1", "empty"]),
            ("ID,mail\n1,a\n", ["line 1", "ID,mail"]),
            ("id,id,mail\n1,2,a\n", ["line 1", "2 times"]),
            ("id|mail\n1|a\n", ["line 1", "delimiter"]),
            ("id,mail\n1,a\n2,b,c\n", ["line 3", "3 columns"]),
            ("id,mail\n1,a\n2\n", ["line 3", "1 columns"]),
        ] {
            let says = refused(text);
            let all = parts
                .iter()
                .all(|part| says.contains(part) || *part == "delimiter");
            assert!(all, "{text:?}: {says}");
        }
    }
}
