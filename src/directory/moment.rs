//! Dates as directories and files write them.

use chrono::Datelike as _;
use chrono::NaiveDate;
use chrono::format::Item;
use chrono::format::StrftimeItems;

use crate::domain::time::Time;

const MICROS: i64 = 1_000_000;

/// Reads a generalizedTime in every form that RFC 4517 (3.3.13) allows.
///
/// Minutes and seconds may be absent, a fraction belongs to the last unit that is there, and the
/// zone is `Z` or an offset; `None` for everything else.
pub(super) fn generalized_time(text: &str) -> Option<Time> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let unit_seconds: i64 = match digits {
        10 => 3600,
        12 => 60,
        14 => 1,
        _ => return None,
    };
    let field = |from: usize, to: usize| number.get(from..to)?.parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(field(0, 4)?.cast_signed(), field(4, 6)?, field(6, 8)?)?;
    let hour = field(8, 10).filter(|hour| *hour < 24)?;
    let minute = if digits > 10 { field(10, 12)? } else { 0 };
    let second = if digits > 12 { field(12, 14)? } else { 0 };
    // 60 is a leap second and counts as the beginning of the next minute.
    if minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = fraction(rest, unit_seconds * MICROS)?;
    let offset = zone_seconds(zone)?;
    let midnight = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second) - offset;
    Some(Time::from_micros(midnight + seconds * MICROS + fraction))
}

/// The fraction of `unit` in microseconds, and what stands behind it.
fn fraction(rest: &str, unit: i64) -> Option<(i64, &str)> {
    let Some(behind) = rest.strip_prefix(['.', ',']) else {
        return Some((0, rest));
    };
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (number, zone) = behind.split_at_checked(digits)?;
    if digits == 0 {
        return None;
    }
    // More than 15 digits are finer than a microsecond of an hour.
    let kept = number.get(..digits.min(15))?;
    let scale = 10_i128.pow(u32::try_from(kept.len()).ok()?);
    let micros = i128::from(kept.parse::<i64>().ok()?) * i128::from(unit) / scale;
    Some((i64::try_from(micros).ok()?, zone))
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok().filter(|h| *h < 24)?;
    let minutes: i64 = match digits.get(2..) {
        Some("") | None => 0,
        Some(text) => text.parse().ok().filter(|m| *m < 60)?,
    };
    Some(sign * (hours * 3600 + minutes * 60))
}

/// What a FILETIME of Active Directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileTime {
    /// 0, 0x7FFFFFFFFFFFFFFF, or later than any calendar here: it never comes.
    Never,
    /// A moment.
    At(Time),
}

/// Reads a FILETIME: steps of 100 ns since 1601-01-01 as a decimal number; `None` for everything
/// else.
pub(super) fn file_time(text: &str) -> Option<FileTime> {
    /// From 1601 to 1970, in microseconds.
    const BEFORE_1970: i64 = 11_644_473_600 * MICROS;
    /// The end of the year 9999.
    const LAST: i64 = 253_402_300_799 * MICROS;
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let steps: i64 = text.parse().ok()?;
    let micros = steps / 10 - BEFORE_1970;
    Some(if steps == 0 || micros > LAST {
        FileTime::Never
    } else {
        FileTime::At(Time::from_micros(micros))
    })
}

/// How a file writes days, beside year-month-day and RFC 3339, which nobody can misread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DateFormat {
    /// In no other way.
    #[default]
    Iso,
    /// 30/11/2026, 30.11.2026, 30-11-2026.
    DayFirst,
    /// 11/30/2026, 11.30.2026, 11-30-2026.
    MonthFirst,
    /// With strftime's signs: `%d %b %Y`.
    Pattern(String),
}

impl DateFormat {
    /// Reads `date_format`; the error says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "iso" => Ok(Self::Iso),
            "day-first" => Ok(Self::DayFirst),
            "month-first" => Ok(Self::MonthFirst),
            pattern if names_a_day(pattern) => Ok(Self::Pattern(pattern.to_owned())),
            _ => Err(
                "this is no way to write a day; \"iso\", \"day-first\", \"month-first\", or a \
                 pattern with a year of four digits, such as \"%d.%m.%Y\""
                    .to_owned(),
            ),
        }
    }

    /// Its name, for the identity of a source.
    pub(super) fn name(&self) -> &str {
        match self {
            DateFormat::Iso => "iso",
            DateFormat::DayFirst => "day-first",
            DateFormat::MonthFirst => "month-first",
            DateFormat::Pattern(pattern) => pattern,
        }
    }
}

/// Whether a pattern with strftime's signs writes a day, all of it, and the century too.
pub(super) fn names_a_day(pattern: &str) -> bool {
    let known = StrftimeItems::new(pattern).all(|item| item != Item::Error);
    let read = |day: NaiveDate| {
        // a sign for the time of day cannot be written for a day
        let mut text = String::new();
        std::fmt::write(&mut text, format_args!("{}", day.format(pattern))).ok()?;
        NaiveDate::parse_from_str(&text, pattern).ok()
    };
    // a year of two digits is not the same for both
    let days = [(1931, 7, 28), (2031, 7, 28)];
    let mut days = days
        .iter()
        .filter_map(|(y, m, d)| NaiveDate::from_ymd_opt(*y, *m, *d));
    known && days.all(|day| read(day) == Some(day))
}

/// The moment at which a day begins (UTC).
pub(super) fn begin_of(day: NaiveDate) -> Time {
    Time::from_micros(
        day.and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp_micros(),
    )
}

/// Reads a leave date of a file: RFC 3339, or a day, which ends at the next midnight UTC. A day of
/// the year 9999 means that there is none, and gives `None`.
///
/// The error says what is wrong and what would be right.
pub(super) fn leave_date(text: &str, format: &DateFormat) -> Result<Option<Time>, String> {
    match given(text, format)? {
        Given::Never => Ok(None),
        Given::Day(day) => Ok(Some(begin_of(day).plus_days(1))),
        Given::Moment(moment) => Ok(Some(moment)),
    }
}

/// Reads the date on which something was recorded: RFC 3339, or a day, from its beginning (UTC).
pub(super) fn recorded_at(text: &str, format: &DateFormat) -> Result<Time, String> {
    match given(text, format)? {
        Given::Never => Err(format!("\"{}\" is no day of this world", shown(text))),
        Given::Day(day) => Ok(begin_of(day)),
        Given::Moment(moment) => Ok(moment),
    }
}

enum Given {
    Day(NaiveDate),
    Moment(Time),
    Never,
}

fn given(text: &str, format: &DateFormat) -> Result<Given, String> {
    let day = match iso_day(text) {
        Some(day) => day,
        None => match Time::parse(text) {
            Some(moment) => {
                return match in_doubt(text, moment.chrono().year())? {
                    true => Ok(Given::Never),
                    false => Ok(Given::Moment(moment)),
                };
            }
            None => configured(text, format)?,
        },
    };
    match in_doubt(text, day.year())? {
        true => Ok(Given::Never),
        false => Ok(Given::Day(day)),
    }
}

/// Whether a year means "never"; years that programs write where they have no date are refused.
fn in_doubt(text: &str, year: i32) -> Result<bool, String> {
    match year {
        9999 => Ok(true),
        1971..9999 => Ok(false),
        _ => Err(format!(
            "\"{}\" is what programs write where there is no date; leave the cell empty",
            shown(text)
        )),
    }
}

/// A day as `date_format` says that the file writes it.
fn configured(text: &str, format: &DateFormat) -> Result<NaiveDate, String> {
    let day = match format {
        DateFormat::Iso => None,
        DateFormat::DayFirst => parts(text).and_then(|(a, b, y)| NaiveDate::from_ymd_opt(y, b, a)),
        DateFormat::MonthFirst => {
            parts(text).and_then(|(a, b, y)| NaiveDate::from_ymd_opt(y, a, b))
        }
        DateFormat::Pattern(pattern) => NaiveDate::parse_from_str(text, pattern).ok(),
    };
    match (day, format) {
        (Some(day), _) => Ok(day),
        (None, DateFormat::Iso) => Err(unclear(text)),
        (None, _) => Err(format!(
            "\"{}\" is no day as date_format = \"{}\" writes it; write it so, or as 2026-11-30",
            shown(text),
            format.name()
        )),
    }
}

/// What to say of a date that stands alone.
fn unclear(text: &str) -> String {
    let quoted = shown(text);
    if Time::parse(&format!("{text}Z")).is_some() || Time::parse(&format!("{text}:00Z")).is_some() {
        return format!(
            "the date \"{quoted}\" does not say in which zone it is; add Z or an offset, as in \
             2026-11-30T17:00:00Z"
        );
    }
    let Some((a, b, year)) = parts(text) else {
        return if short_year(text) {
            format!("the year of \"{quoted}\" has two digits; write 2026-11-30")
        } else {
            format!(
                "\"{quoted}\" is no date; write a day as 2026-11-30 or a moment as \
                 2026-11-30T17:00:00Z, or set `date_format`"
            )
        };
    };
    let day_first = NaiveDate::from_ymd_opt(year, b, a);
    let month_first = NaiveDate::from_ymd_opt(year, a, b);
    match (day_first, month_first) {
        (Some(one), Some(other)) if one != other => format!(
            "the date \"{quoted}\" can mean two days; write {one} or {other} (year-month-day), or \
             set date_format = \"day-first\" or \"month-first\""
        ),
        (Some(one), _) => format!(
            "the date \"{quoted}\" is not written as year-month-day; write {one}, or set \
             date_format = \"day-first\""
        ),
        (None, Some(one)) => format!(
            "the date \"{quoted}\" is not written as year-month-day; write {one}, or set \
             date_format = \"month-first\""
        ),
        (None, None) => format!("\"{quoted}\" is no day of any year; write it as 2026-11-30"),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

fn iso_day(text: &str) -> Option<NaiveDate> {
    if text.len() != 10 || text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let number = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten()
    };
    if text.as_bytes().get(7) != Some(&b'-') {
        return None;
    }
    NaiveDate::from_ymd_opt(number(0, 4)?.cast_signed(), number(5, 7)?, number(8, 10)?)
}

/// The numbers of `a/b/year`, one sign between them and four digits in the year.
fn parts(text: &str) -> Option<(u32, u32, i32)> {
    let [a, b, year] = digits(text)?;
    let day_or_month = |part: &str| matches!(part.len(), 1 | 2);
    (day_or_month(a) && day_or_month(b) && year.len() == 4)
        .then(|| Some((a.parse().ok()?, b.parse().ok()?, year.parse().ok()?)))
        .flatten()
}

fn short_year(text: &str) -> bool {
    digits(text).is_some_and(|parts| parts.iter().all(|part| part.len() <= 2))
}

fn digits(text: &str) -> Option<[&str; 3]> {
    let sign = text.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = text.split(sign).collect();
    let numbers = parts
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let known = matches!(sign, '/' | '.' | '-');
    <[&str; 3]>::try_from(parts)
        .ok()
        .filter(|_| numbers && known)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        generalized_time(text).map(|time| time.to_string())
    }

    #[test]
    fn every_legal_form_is_read() {
        let cases = [
            ("20260131000000Z", "2026-01-31T00:00:00.000000Z"),
            ("202601311530Z", "2026-01-31T15:30:00.000000Z"),
            ("2026013115Z", "2026-01-31T15:00:00.000000Z"),
            ("20260131153000.25Z", "2026-01-31T15:30:00.250000Z"),
            ("20260131153000,123456Z", "2026-01-31T15:30:00.123456Z"),
            ("202601311530.5Z", "2026-01-31T15:30:30.000000Z"),
            ("2026013115.5Z", "2026-01-31T15:30:00.000000Z"),
            ("20260131153000+0130", "2026-01-31T14:00:00.000000Z"),
            ("20260131153000-05", "2026-01-31T20:30:00.000000Z"),
            ("20261231235960Z", "2027-01-01T00:00:00.000000Z"),
            ("20240229000000Z", "2024-02-29T00:00:00.000000Z"),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "Z",
            "20260131",
            "20260131000000",
            "20260131240000Z",
            "20260131006000Z",
            "20260230000000Z",
            "20260131000000.Z",
            "20260131000000z",
            "20260131000000+",
            "20260131000000+1",
            "20260131000000+2460",
            "20260131000000ZZ",
            "2026-01-31T00:00:00Z",
            " 20260131000000Z",
            "2026013１000000Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    fn leaves(text: &str) -> Result<Option<Time>, String> {
        leave_date(text, &DateFormat::Iso)
    }

    fn leaves_as(text: &str, format: &str) -> Result<String, String> {
        let format = DateFormat::parse(format).unwrap();
        leave_date(text, &format).map(|time| time.unwrap().to_seconds_text())
    }

    #[test]
    fn a_file_time_is_a_moment_or_never() {
        let at = |text: &str| FileTime::At(Time::parse(text).unwrap());
        assert_eq!(file_time("0"), Some(FileTime::Never));
        assert_eq!(file_time("9223372036854775807"), Some(FileTime::Never));
        assert_eq!(
            file_time("116444736000000000"),
            Some(at("1970-01-01T00:00:00Z"))
        );
        assert_eq!(
            file_time("134142912000000000"),
            Some(at("2026-01-31T00:00:00Z"))
        );
        for text in [
            "",
            "-1",
            "9223372036854775808",
            "0x0",
            " 1",
            "1.0",
            "20260131Z",
        ] {
            assert_eq!(file_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_ends_at_the_next_midnight_and_is_recorded_from_its_beginning() {
        assert_eq!(
            leaves("2026-11-30"),
            Ok(Time::parse("2026-12-01T00:00:00Z"))
        );
        assert_eq!(
            leaves("2026-11-30T17:00:00+01:00"),
            Ok(Time::parse("2026-11-30T16:00:00Z"))
        );
        let recorded = recorded_at("2026-11-30", &DateFormat::Iso).unwrap();
        assert_eq!(Some(recorded), Time::parse("2026-11-30T00:00:00Z"));
    }

    #[test]
    fn an_unclear_date_is_refused_with_what_would_be_right() {
        for (text, says) in [
            ("03/04/2026", "2026-04-03 or 2026-03-04"),
            (
                "03/04/2026",
                "date_format = \"day-first\" or \"month-first\"",
            ),
            ("31.12.2026", "write 2026-12-31"),
            ("12/31/2026", "\"month-first\""),
            ("31.31.2026", "no day of any year"),
            ("2026-11-30T17:00:00", "zone"),
            ("03/04/26", "two digits"),
            ("26-11-30", "two digits"),
            ("soon", "no date"),
            ("20261130", "no date"),
            ("45991", "no date"),
            ("2026-1-1", "no date"),
            ("2026-02-30", "no date"),
            ("3/4.2026", "no date"),
            ("", "no date"),
        ] {
            let refused = leaves(text).unwrap_err();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }

    #[test]
    fn a_configured_form_is_read_and_no_other() {
        let third = Ok("2026-04-04T00:00:00Z".to_owned());
        for (text, format) in [
            ("03/04/2026", "day-first"),
            ("3.4.2026", "day-first"),
            ("04-03-2026", "month-first"),
            ("20260403", "%Y%m%d"),
            ("3 Apr 2026", "%d %b %Y"),
            ("2026-04-03", "day-first"),
            ("2026-04-04T00:00:00Z", "month-first"),
        ] {
            assert_eq!(leaves_as(text, format), third, "{text} {format}");
        }
        for (text, format) in [
            ("04/31/2026", "day-first"),
            ("31/04/2026", "month-first"),
            ("03/04/26", "day-first"),
            ("03.04.26", "%d.%m.%Y"),
            ("03/04/2026", "%d.%m.%Y"),
            ("2026-04-03T00:00:00", "day-first"),
        ] {
            assert!(leaves_as(text, format).is_err(), "{text} {format}");
        }
        for format in [
            "",
            "european",
            "%d.%m.%y",
            "%d.%m",
            "%Y-%m-%d %H:%M",
            "%Q",
            "%",
        ] {
            assert!(DateFormat::parse(format).is_err(), "{format}");
        }
    }

    #[test]
    fn dates_that_stand_for_none_do_not_make_leavers() {
        assert_eq!(leaves("9999-12-31"), Ok(None));
        assert_eq!(leaves("9999-12-31T00:00:00Z"), Ok(None));
        for text in [
            "0001-01-01",
            "1900-01-01",
            "1970-01-01",
            "1601-01-01T00:00:00Z",
        ] {
            let says = leaves(text).unwrap_err();
            assert!(says.contains("leave the cell empty"), "{says}");
        }
        assert!(recorded_at("9999-12-31", &DateFormat::Iso).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", digits in "[0-9.,+\\-Z]{0,24}") {
            let _ = generalized_time(&text);
            let _ = generalized_time(&digits);
            for format in [DateFormat::Iso, DateFormat::DayFirst] {
                let _ = leave_date(&text, &format);
                let _ = leave_date(&digits, &format);
            }
            let _ = DateFormat::parse(&text);
        }

        #[test]
        fn what_was_written_is_read_again(seconds in 0_i64..253_402_300_799) {
            let time = Time::from_seconds(seconds);
            let text = time.chrono().format("%Y%m%d%H%M%SZ").to_string();
            prop_assert_eq!(generalized_time(&text), Some(time));
        }
    }
}
