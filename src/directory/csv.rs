//! People from a CSV file, as HR systems export them.

mod parse;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use async_trait::async_trait;

use crate::directory::Contains;
use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::csv::parse::Table;
use crate::directory::file;
use crate::directory::file::Listed;
use crate::directory::moment;
use crate::directory::proof;
use crate::domain::person::PersonFacts;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;

/// A CSV file as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvSettings {
    /// The directory's name in the configuration.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What the columns are called.
    pub columns: CsvColumns,
    /// Whom the file lists.
    pub contains: Contains,
    /// The sign between columns: `,`, `;` or TAB; found out from the header if it is not given.
    pub delimiter: Option<u8>,
}

/// The names of the columns, as they stand in the header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvColumns {
    /// The immutable key.
    pub key: String,
    /// The mail address.
    pub mail: String,
    /// The name to show.
    pub name: Option<String>,
    /// The login name.
    pub login: Option<String>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// The last day, or the moment of leaving.
    pub leave_date: Option<String>,
    /// Whether the person is disabled: `true`, `yes`, `1`, `disabled`, `inactive`, or `false`,
    /// `no`, `0`, `enabled`, `active`, nothing.
    pub disabled: Option<String>,
}

impl CsvColumns {
    fn named(&self) -> Vec<&str> {
        let optional = [
            &self.name,
            &self.login,
            &self.employee_number,
            &self.leave_date,
            &self.disabled,
        ];
        let optional = optional.into_iter().flatten().map(String::as_str);
        [self.key.as_str(), self.mail.as_str()]
            .into_iter()
            .chain(optional)
            .collect()
    }
}

/// A directory in a CSV file.
#[derive(Debug, Clone)]
pub struct CsvDirectory {
    settings: CsvSettings,
}

impl CsvDirectory {
    /// Takes the settings; errors if they cannot work.
    pub fn new(settings: CsvSettings) -> Result<Self, DirectoryError> {
        let named = settings.columns.named();
        let wrong = if named.iter().any(|name| name.trim().is_empty()) {
            Some("names an empty column")
        } else if settings.columns.key == settings.columns.mail {
            Some("takes the mail address as the key; addresses change, so name another column")
        } else if settings
            .delimiter
            .is_some_and(|sign| !parse::DELIMITERS.contains(&sign))
        {
            Some("has a delimiter other than a comma, a semicolon or a TAB")
        } else {
            None
        };
        match wrong {
            None => Ok(Self { settings }),
            Some(wrong) => Err(DirectoryError::Configuration {
                what: format!("directory {} {wrong}", settings.name),
            }),
        }
    }

    async fn people(&self) -> Result<PeopleRead, DirectoryError> {
        let settings = self.settings.clone();
        file::off_thread(&self.settings.path, move || read(&settings)).await
    }
}

#[async_trait]
impl Directory for CsvDirectory {
    async fn read(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        let read = self.people().await?;
        progress(read.proof.count);
        Ok(read)
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let read = self.people().await?;
        Ok(read.people.into_iter().find(|person| person.key == key))
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        Ok(None)
    }

    async fn check(&self) -> Vec<Probe> {
        file::probes(&self.settings.path, &self.people().await)
    }

    fn lists_everybody(&self) -> bool {
        self.settings.contains == Contains::Everybody
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

fn read(settings: &CsvSettings) -> Result<PeopleRead, DirectoryError> {
    let path = settings.path.as_path();
    let bytes = file::read_stable(path)?;
    let text = file::utf8(path, &bytes)?;
    read_text(settings, path, text)
}

fn read_text(
    settings: &CsvSettings,
    path: &Path,
    text: &str,
) -> Result<PeopleRead, DirectoryError> {
    let wanted = settings.columns.named();
    let table = Table::open(text, settings.delimiter, &wanted);
    let mut table = table.map_err(|e| file::unreadable(path, e.line, e.what))?;
    let mut listed = Listed::default();
    while let Some(row) = table
        .next_row()
        .map_err(|e| file::unreadable(path, e.line, e.what))?
    {
        let person = Row {
            settings,
            path,
            row: &row,
        };
        match person.record()? {
            Some(person) => listed.add(path, row.line, person)?,
            None => listed.without_key += 1,
        }
    }
    let (identity, about) = identity(settings);
    Ok(listed.into_read(identity, about))
}

fn identity(settings: &CsvSettings) -> (String, BTreeMap<String, String>) {
    let shown = settings.path.display().to_string();
    let contains = format!("{:?}", settings.contains);
    let columns = &settings.columns;
    let optional = |name: &'_ Option<String>| name.clone().unwrap_or_default();
    let identity = proof::digest_of([
        "csv",
        shown.as_str(),
        columns.key.as_str(),
        columns.mail.as_str(),
        optional(&columns.name).as_str(),
        optional(&columns.login).as_str(),
        optional(&columns.employee_number).as_str(),
        optional(&columns.leave_date).as_str(),
        optional(&columns.disabled).as_str(),
        contains.as_str(),
    ]);
    let about = BTreeMap::from([
        ("file".to_owned(), shown),
        ("columns".to_owned(), columns.named().join(",")),
        ("contains".to_owned(), contains.to_lowercase()),
    ]);
    (identity, about)
}

/// One line of the file with what is needed to read it.
struct Row<'a> {
    settings: &'a CsvSettings,
    path: &'a Path,
    row: &'a parse::Row,
}

impl Row<'_> {
    fn record(&self) -> Result<Option<PersonRecord>, DirectoryError> {
        let columns = &self.settings.columns;
        let Some(key) = self.cell(Some(&columns.key)) else {
            return Ok(None);
        };
        Ok(Some(PersonRecord {
            key,
            mails: self.cell(Some(&columns.mail)).into_iter().collect(),
            name: self.cell(columns.name.as_ref()),
            login: self.cell(columns.login.as_ref()),
            employee_number: self.cell(columns.employee_number.as_ref()),
            place: None,
            facts: self.facts()?,
            ..PersonRecord::default()
        }))
    }

    fn facts(&self) -> Result<PersonFacts, DirectoryError> {
        let columns = &self.settings.columns;
        let mut facts = PersonFacts::default();
        if let (Some(column), Some(text)) =
            (&columns.leave_date, self.cell(columns.leave_date.as_ref()))
        {
            let date = moment::leave_date(&text).map_err(|what| self.wrong(column, &what))?;
            facts.leave_at = Some(date);
        }
        if let (Some(column), Some(text)) =
            (&columns.disabled, self.cell(columns.disabled.as_ref()))
        {
            match text.to_lowercase().as_str() {
                "true" | "yes" | "1" | "disabled" | "inactive" => {
                    facts.disabled_by = Some(column.clone());
                }
                "false" | "no" | "0" | "enabled" | "active" => {}
                _ => {
                    return Err(self.wrong(
                        column,
                        "the value is neither true, yes, 1, disabled, inactive nor false, no, 0, \
                         enabled, active",
                    ));
                }
            }
        }
        let leavers = self.settings.contains == Contains::Leavers;
        if leavers && facts.leave_at.is_none() {
            facts
                .disabled_by
                .get_or_insert_with(|| file::LISTED.to_owned());
        }
        Ok(facts)
    }

    fn cell(&self, column: Option<&String>) -> Option<String> {
        let text = self.row.cells.get(column?)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn wrong(&self, column: &str, what: &str) -> DirectoryError {
        let number = self.row.numbers.get(column).copied().unwrap_or_default();
        let what = format!("column {number} ({column}): {what}");
        file::unreadable(self.path, self.row.line, what)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings() -> CsvSettings {
        CsvSettings {
            name: "hr".to_owned(),
            path: PathBuf::from("people.csv"),
            columns: CsvColumns {
                key: "id".to_owned(),
                mail: "mail".to_owned(),
                name: Some("name".to_owned()),
                leave_date: Some("leaves".to_owned()),
                disabled: Some("off".to_owned()),
                ..CsvColumns::default()
            },
            contains: Contains::Everybody,
            delimiter: None,
        }
    }

    fn people(text: &str) -> Result<PeopleRead, DirectoryError> {
        read_text(&settings(), Path::new("people.csv"), text)
    }

    const HEADER: &str = "id,mail,name,leaves,off\n";

    #[test]
    fn people_are_read_in_the_order_of_their_keys() {
        let text = format!(
            "{HEADER}2,b@x.test,\"Bob, \"\"B\"\"\",2026-11-30,no\r\n\
             1,a@x.test,\"Ada\nLovelace\",,yes\r\n\r\n,c@x.test,Carl,,\n"
        );
        let read = people(&text).unwrap();
        assert_eq!(read.proof.count, 2);
        assert_eq!(read.proof.without_key, 1);
        let [ada, bob] = read.people.as_slice() else {
            unreachable!("two people")
        };
        assert_eq!(
            (ada.key.as_str(), ada.mails.as_slice()),
            ("1", &["a@x.test".to_owned()][..])
        );
        assert_eq!(ada.facts.disabled_by.as_deref(), Some("off"));
        assert_eq!(bob.name.as_deref(), Some("Bob, \"B\""));
        assert_eq!(bob.facts.leave_at, Time::parse("2026-12-01T00:00:00Z"));
        assert_eq!(bob.facts.disabled_by, None);
    }

    #[test]
    fn unclear_values_name_line_and_column() {
        let says = people(&format!("{HEADER}1,a@x,\"A\nB\",,\n2,b@x,B,03/04/2026,\n"));
        let says = says.unwrap_err().to_string();
        assert!(
            says.contains("line 4") && says.contains("column 4 (leaves)"),
            "{says}"
        );
        assert!(says.contains("2026-04-03 or 2026-03-04"), "{says}");
        let says = people(&format!("{HEADER}1,a@x,A,,perhaps\n"))
            .unwrap_err()
            .to_string();
        assert!(
            says.contains("line 2") && says.contains("column 5 (off)"),
            "{says}"
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_with_both_lines() {
        let says = people(&format!("{HEADER}1,a@x,A,,\n2,b@x,B,,\n 1 ,c@x,C,,\n"));
        let says = says.unwrap_err().to_string();
        assert!(
            says.contains("line 4") && says.contains("line 2 already"),
            "{says}"
        );
    }

    #[test]
    fn who_is_in_a_list_of_leavers_has_left_or_leaves_at_the_date() {
        let mut settings = settings();
        settings.contains = Contains::Leavers;
        let text = format!("{HEADER}1,a@x,A,,\n2,b@x,B,2026-11-30,\n");
        let read = read_text(&settings, Path::new("p"), &text).unwrap();
        assert_eq!(
            read.people[0].facts.disabled_by.as_deref(),
            Some("listed-as-leaver")
        );
        assert_eq!(read.people[1].facts.disabled_by, None);
        assert!(read.people[1].facts.leave_at.is_some());
        assert!(!CsvDirectory::new(settings).unwrap().lists_everybody());
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let mut same = settings();
        same.columns.key = "mail".to_owned();
        assert!(CsvDirectory::new(same).is_err());
        let mut delimiter = settings();
        delimiter.delimiter = Some(b'|');
        assert!(CsvDirectory::new(delimiter).is_err());
        let mut empty = settings();
        empty.columns.name = Some(" ".to_owned());
        assert!(CsvDirectory::new(empty).is_err());
    }

    #[test]
    fn another_file_or_column_is_another_source() {
        let one = identity(&settings()).0;
        let mut other = settings();
        other.columns.leave_date = None;
        assert_ne!(one, identity(&other).0);
        other = settings();
        other.path = PathBuf::from("other.csv");
        assert_ne!(one, identity(&other).0);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = String::from_utf8_lossy(&bytes);
            let _ = people(&text);
            let _ = people(&format!("{HEADER}{text}"));
        }

        #[test]
        fn every_text_survives_quoting(name in "[ -~äöü\n]{0,40}", key in "[a-z0-9]{1,8}") {
            let text = format!("{HEADER}{key},a@x,\"{}\",,\n", name.replace('"', "\"\""));
            let read = people(&text).unwrap();
            let wanted = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
            prop_assert_eq!(&read.people[0].name, &wanted);
        }
    }
}
