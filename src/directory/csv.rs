//! People from a CSV file, as HR systems export them.

mod parse;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;

use crate::directory::Contains;
use crate::directory::DateFormat;
use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::Encoding;
use crate::directory::FilePlace;
use crate::directory::LeftWhen;
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvSettings {
    /// The directory's name in the configuration.
    pub name: String,
    /// The file.
    pub place: FilePlace,
    /// How its bytes are text.
    pub encoding: Encoding,
    /// What the columns are called.
    pub columns: CsvColumns,
    /// Whom the file lists.
    pub contains: Contains,
    /// The sign between columns: `,`, `;` or TAB; found out from the header if it is not given.
    pub delimiter: Option<u8>,
    /// How it writes days.
    pub dates: DateFormat,
    /// Values of columns that say that somebody has left.
    pub left_when: Vec<LeftWhen>,
}

impl CsvSettings {
    /// Every column that is needed, each once.
    fn wanted(&self) -> Vec<&str> {
        let mut wanted = self.columns.named();
        for rule in &self.left_when {
            let name = rule.attribute.as_str();
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        wanted
    }
}

/// The names of the columns, as they stand in the header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvColumns {
    /// The immutable key.
    pub key: String,
    /// The mail address.
    pub mail: String,
    /// Further addresses, several in one cell.
    pub mails: Option<String>,
    /// The name to show.
    pub name: Option<String>,
    /// The login name.
    pub login: Option<String>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// The manager, as the file names them.
    pub manager: Option<String>,
    /// The last day, or the moment of leaving.
    pub leave_date: Option<String>,
    /// The day on which the leave date was recorded.
    pub recorded: Option<String>,
    /// Whether the person is disabled: `true`, `yes`, `1`, `disabled`, `inactive`, or `false`,
    /// `no`, `0`, `enabled`, `active`, nothing.
    pub disabled: Option<String>,
}

impl CsvColumns {
    fn optional(&self) -> [(&'static str, &Option<String>); 8] {
        [
            ("mails", &self.mails),
            ("name", &self.name),
            ("login", &self.login),
            ("employee_number", &self.employee_number),
            ("manager", &self.manager),
            ("leave_date", &self.leave_date),
            ("recorded", &self.recorded),
            ("disabled", &self.disabled),
        ]
    }

    fn named(&self) -> Vec<&str> {
        let optional = self.optional().into_iter();
        let optional = optional.filter_map(|(_, name)| name.as_deref());
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
        let named = settings.wanted();
        let rule = settings.left_when.iter().find_map(LeftWhen::mistake);
        let wrong = if named.iter().any(|name| name.trim().is_empty()) {
            Some("names an empty column".to_owned())
        } else if settings.columns.key == settings.columns.mail {
            Some(
                "takes the mail address as the key; addresses change, so name another column"
                    .to_owned(),
            )
        } else if settings
            .delimiter
            .is_some_and(|sign| !parse::DELIMITERS.contains(&sign))
        {
            Some("has a delimiter other than a comma, a semicolon or a TAB".to_owned())
        } else {
            settings.place.mistake().or(rule.map(str::to_owned))
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
        file::off_thread(&self.settings.place.path, move || read(&settings)).await
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
        file::probes(&self.settings.place, &self.people().await)
    }

    async fn written_at(&self) -> Result<Option<Time>, DirectoryError> {
        file::written_at(&self.settings.place).map(Some)
    }

    fn lists_everybody(&self) -> bool {
        self.settings.contains == Contains::Everybody
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

fn read(settings: &CsvSettings) -> Result<PeopleRead, DirectoryError> {
    let whole = file::read_stable(&settings.place)?;
    let text = file::text(&whole.path, &whole.bytes, settings.encoding)?;
    let listed = listed(settings, &whole.path, &text)?;
    let (identity, about) = identity(settings);
    Ok(listed.into_read(identity, about, &whole))
}

fn listed(settings: &CsvSettings, path: &Path, text: &str) -> Result<Listed, DirectoryError> {
    let wanted = settings.wanted();
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
    Ok(listed)
}

fn identity(settings: &CsvSettings) -> (String, BTreeMap<String, String>) {
    let shown = settings.place.path.display().to_string();
    let contains = format!("{:?}", settings.contains);
    let columns = &settings.columns;
    let mut parts = vec![
        "csv",
        shown.as_str(),
        settings.place.dated.as_deref().unwrap_or_default(),
        columns.key.as_str(),
        columns.mail.as_str(),
        contains.as_str(),
        settings.dates.name(),
    ];
    for (what, name) in columns.optional() {
        parts.extend([what, name.as_deref().unwrap_or_default()]);
    }
    for rule in &settings.left_when {
        parts.push(rule.attribute.as_str());
        parts.extend(rule.values.iter().map(String::as_str));
    }
    let mut about = BTreeMap::from([
        ("file".to_owned(), shown.clone()),
        ("columns".to_owned(), settings.wanted().join(",")),
        ("contains".to_owned(), contains.to_lowercase()),
    ]);
    about.extend(
        settings
            .place
            .dated
            .clone()
            .map(|d| ("dated".to_owned(), d)),
    );
    (proof::digest_of(parts), about)
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
            mails: self.mails(),
            name: self.cell(columns.name.as_ref()),
            login: self.cell(columns.login.as_ref()),
            employee_number: self.cell(columns.employee_number.as_ref()),
            manager: self.cell(columns.manager.as_ref()),
            recorded_at: self.recorded_at()?,
            facts: self.facts()?,
            ..PersonRecord::default()
        }))
    }

    /// The address, then the further ones, each once.
    fn mails(&self) -> Vec<String> {
        let columns = &self.settings.columns;
        let mut mails: Vec<String> = self.cell(Some(&columns.mail)).into_iter().collect();
        let further = self.cell(columns.mails.as_ref()).unwrap_or_default();
        // No address has one of these signs in it, unless somebody means to be a nuisance.
        for text in further.split([';', ',', '|', ' ', '\t', '\n', '\r']) {
            // as a mail server writes them: SMTP:first, smtp:others, and what is no mail (X500:)
            let (scheme, address) = text.split_once(':').unwrap_or(("smtp", text));
            let known = mails.iter().any(|mail| mail.eq_ignore_ascii_case(address));
            if scheme.eq_ignore_ascii_case("smtp") && !address.is_empty() && !known {
                mails.push(address.to_owned());
            }
        }
        mails
    }

    fn recorded_at(&self) -> Result<Option<Time>, DirectoryError> {
        let column = self.settings.columns.recorded.as_ref();
        let (Some(column), Some(text)) = (column, self.cell(column)) else {
            return Ok(None);
        };
        let recorded = moment::recorded_at(&text, &self.settings.dates);
        recorded.map(Some).map_err(|what| self.wrong(column, &what))
    }

    fn facts(&self) -> Result<PersonFacts, DirectoryError> {
        let columns = &self.settings.columns;
        let leavers = self.settings.contains == Contains::Leavers;
        let mut facts = PersonFacts::default();
        if let (Some(column), Some(text)) =
            (&columns.leave_date, self.cell(columns.leave_date.as_ref()))
        {
            let date = moment::leave_date(&text, &self.settings.dates);
            facts.leave_at = date.map_err(|what| self.wrong(column, &what))?;
            if leavers && facts.leave_at.is_none() {
                let what = "the date says that they never leave, in a list of leavers; take them \
                            off the list, or leave the cell empty";
                return Err(self.wrong(column, what));
            }
        }
        let mut rules = self.settings.left_when.iter();
        facts.left_by = rules
            .find(|rule| {
                let value = self.cell(Some(&rule.attribute));
                value.is_some_and(|value| rule.holds(&value))
            })
            .map(|rule| rule.attribute.clone());
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
        if leavers && facts.leave_at.is_none() {
            facts
                .disabled_by
                .get_or_insert_with(|| file::LISTED.to_owned());
        }
        let has_left = [&facts.disabled_by, &facts.left_by];
        if facts.leave_at.is_some() || has_left.iter().any(|by| by.is_some()) {
            facts.recorded_at = self.recorded_at()?;
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
            place: FilePlace::at(Path::new("people.csv")),
            columns: CsvColumns {
                key: "id".to_owned(),
                mail: "mail".to_owned(),
                name: Some("name".to_owned()),
                leave_date: Some("leaves".to_owned()),
                disabled: Some("off".to_owned()),
                ..CsvColumns::default()
            },
            ..CsvSettings::default()
        }
    }

    fn people(text: &str) -> Result<PeopleRead, DirectoryError> {
        people_as(&settings(), text)
    }

    fn people_as(settings: &CsvSettings, text: &str) -> Result<PeopleRead, DirectoryError> {
        let whole = file::Whole {
            path: settings.place.path.clone(),
            bytes: text.as_bytes().to_vec(),
            written_at: Time::from_seconds(0),
        };
        let listed = listed(settings, &whole.path, text)?;
        Ok(listed.into_read(String::new(), BTreeMap::new(), &whole))
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
        let read = people_as(&settings, &text).unwrap();
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
        other.place.path = "other.csv".into();
        assert_ne!(one, identity(&other).0);
    }

    fn wide() -> CsvSettings {
        let column = |name: &str| Some(name.to_owned());
        CsvSettings {
            columns: CsvColumns {
                key: "id".to_owned(),
                mail: "mail".to_owned(),
                mails: column("also"),
                manager: column("boss"),
                leave_date: column("leaves"),
                recorded: column("said"),
                ..CsvColumns::default()
            },
            dates: DateFormat::DayFirst,
            left_when: vec![LeftWhen {
                attribute: "state".to_owned(),
                values: vec!["Terminated".to_owned(), "retired".to_owned()],
            }],
            ..settings()
        }
    }

    const WIDE: &str = "id;mail;also;boss;leaves;said;state\n";

    #[test]
    fn further_addresses_the_manager_and_the_recording_are_read() {
        let text = format!(
            "{WIDE}1;a@x.test;\"SMTP:A@x.test;smtp:ada@x.test X500:/o=x\";7;30.11.2026;20.11.2026;\n\
             2;;b@x.test, c@x.test;;;21.11.2026;active\n"
        );
        let read = people_as(&wide(), &text).unwrap();
        let [ada, bob] = read.people.as_slice() else {
            unreachable!("two people")
        };
        assert_eq!(ada.mails, ["a@x.test", "ada@x.test"]);
        assert_eq!(ada.manager.as_deref(), Some("7"));
        assert_eq!(ada.recorded_at, Time::parse("2026-11-20T00:00:00Z"));
        assert_eq!(ada.facts.recorded_at, ada.recorded_at);
        assert_eq!(ada.facts.leave_at, Time::parse("2026-12-01T00:00:00Z"));
        assert_eq!(bob.mails, ["b@x.test", "c@x.test"]);
        assert_eq!(bob.recorded_at, Time::parse("2026-11-21T00:00:00Z"));
        assert_eq!(bob.facts, PersonFacts::default());
    }

    #[test]
    fn a_status_says_by_a_rule_who_has_left() {
        let text = format!(
            "{WIDE}1;a@x;;;;; terminated \n2;b@x;;;;;RETIRED\n3;c@x;;;;;retiring\n4;d@x;;;;;\n"
        );
        let read = people_as(&wide(), &text).unwrap();
        let left = read.people.iter().map(|p| p.facts.left_by.as_deref());
        let left: Vec<_> = left.collect();
        assert_eq!(left, [Some("state"), Some("state"), None, None]);
        let mut empty = wide();
        empty.left_when[0].values = vec![" ".to_owned()];
        assert!(CsvDirectory::new(empty).is_err());
        let says = people_as(&wide(), "id;mail;also;boss;leaves;said\n1;a;;;;\n");
        let says = says.unwrap_err().to_string();
        assert!(says.contains("state"), "{says}");
    }

    #[test]
    fn a_leaver_who_never_leaves_is_in_doubt() {
        let text = format!("{HEADER}1,a@x,A,9999-12-31,\n");
        assert_eq!(people(&text).unwrap().people[0].facts.leave_at, None);
        let mut leavers = settings();
        leavers.contains = Contains::Leavers;
        let says = people_as(&leavers, &text).unwrap_err().to_string();
        assert!(
            says.contains("line 2") && says.contains("never leave"),
            "{says}"
        );
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
