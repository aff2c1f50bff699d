//! Where a file is: a path, or a folder in which each export has its day in its name.

use std::path::Path;
use std::path::PathBuf;

use chrono::NaiveDate;
use chrono::TimeDelta;

use crate::directory::DirectoryError;
use crate::directory::file::cannot_open;
use crate::directory::file::changed_at;
use crate::directory::file::unreadable;
use crate::directory::moment;
use crate::domain::time::Time;

/// How far the day in a name may lie after the day on which the file was written.
const AHEAD_DAYS: i64 = 31;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePlace {
    /// The file, or the folder.
    pub path: PathBuf,
    /// How the files in the folder are named, with strftime's signs for the day
    /// (`people-%Y-%m-%d.csv`); the one with the latest day counts.
    pub dated: Option<String>,
}

impl FilePlace {
    /// A file without a day in its name.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            dated: None,
        }
    }

    /// What is wrong with it, if it cannot work.
    pub(in crate::directory) fn mistake(&self) -> Option<String> {
        let pattern = self.dated.as_ref()?;
        let sound = moment::names_a_day(pattern) && !pattern.contains('/');
        (!sound).then(|| {
            "has a `dated` that is no name with a day in it; dated = \"people-%Y-%m-%d.csv\""
                .to_owned()
        })
    }

    /// The file, and the moment at which the day in its name begins.
    pub(in crate::directory) fn find(&self) -> Result<(PathBuf, Option<Time>), DirectoryError> {
        let Some(pattern) = &self.dated else {
            return Ok((self.path.clone(), None));
        };
        let folder = self.path.as_path();
        let mut newest = None;
        for entry in std::fs::read_dir(folder).map_err(|e| cannot_open(folder, &e))? {
            let name = entry.map_err(|e| cannot_open(folder, &e))?.file_name();
            let day = name.to_str().and_then(|name| day_of(name, pattern));
            newest = newest.max(day.map(|day| (day, name)));
        }
        let Some((day, name)) = newest else {
            return Err(DirectoryError::Configuration {
                what: format!(
                    "no file in {} is named like {pattern}; correct `dated`, or wait for the export",
                    folder.display()
                ),
            });
        };
        let path = folder.join(name);
        let begins = moment::begin_of(day);
        let latest = changed_at(&path)?.plus_days(AHEAD_DAYS);
        if begins > latest {
            let what = format!(
                "the name says {day}, more than {AHEAD_DAYS} days after the file was written; \
                 correct the name, or no later file will count"
            );
            return Err(unreadable(&path, 1, what));
        }
        Ok((path, Some(begins)))
    }
}

fn day_of(name: &str, pattern: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(name, pattern).ok()?;
    // chrono reads more than it writes: fewer digits, spaces.
    let sane = day.checked_add_signed(TimeDelta::days(1)).is_some();
    (sane && day.format(pattern).to_string() == name).then_some(day)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn place(folder: &Path) -> FilePlace {
        FilePlace {
            path: folder.to_owned(),
            dated: Some("people-%Y-%m-%d.csv".to_owned()),
        }
    }

    #[test]
    fn the_latest_day_counts_not_the_newest_file() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(home.path().join(name), "id\n").unwrap();
        for name in [
            "people-2025-11-30.csv",
            "people-2025-12-01.csv",
            "people-2025-9-1.csv",
            "people-2025-12-01.csv.part",
            "other.csv",
            "people-2025-10-31.csv",
        ] {
            write(name);
        }
        let (path, day) = place(home.path()).find().unwrap();
        assert_eq!(path, home.path().join("people-2025-12-01.csv"));
        assert_eq!(day, Time::parse("2025-12-01T00:00:00Z"));
    }

    #[test]
    fn no_such_name_is_no_file_and_a_far_day_is_a_mistake() {
        let home = tempfile::tempdir().unwrap();
        let says = place(home.path()).find().unwrap_err();
        assert_eq!(says.fault(), "read.configuration");
        std::fs::write(home.path().join("people-2999-01-01.csv"), "id\n").unwrap();
        let says = place(home.path()).find().unwrap_err().to_string();
        assert!(says.contains("2999-01-01"), "{says}");
    }

    #[test]
    fn a_name_without_a_whole_day_is_a_mistake() {
        for pattern in [
            "people.csv",
            "p-%Y-%m.csv",
            "p-%d%m%y.csv",
            "%Q",
            "a/%F.csv",
        ] {
            let mut place = place(Path::new("exports"));
            place.dated = Some(pattern.to_owned());
            assert!(place.mistake().is_some(), "{pattern}");
        }
        assert_eq!(place(Path::new("exports")).mistake(), None);
    }
}
