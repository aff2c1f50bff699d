//! Dates as directories and files write them.

use chrono::NaiveDate;

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

/// Reads a leave date of a file: RFC 3339, or a day, which ends at the next midnight UTC.
///
/// The error says what is wrong and what would be right.
pub(super) fn leave_date(text: &str) -> Result<Time, String> {
    if let Some(day) = iso_day(text) {
        let end = day.succ_opt().and_then(|next| next.and_hms_opt(0, 0, 0));
        if let Some(end) = end {
            return Ok(Time::from_micros(end.and_utc().timestamp_micros()));
        }
    }
    if let Some(moment) = Time::parse(text) {
        return Ok(moment);
    }
    let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if Time::parse(&format!("{text}Z")).is_some() || Time::parse(&format!("{text}:00Z")).is_some() {
        return Err(format!(
            "the date \"{shown}\" does not say in which zone it is; add Z or an offset, as in \
             2026-11-30T17:00:00Z"
        ));
    }
    if let Some((one, other)) = two_readings(text) {
        return Err(if one == other {
            format!("the date \"{shown}\" is not written as year-month-day; write {one}")
        } else {
            format!(
                "the date \"{shown}\" can mean two days; write {one} or {other} \
                 (year-month-day)"
            )
        });
    }
    Err(format!(
        "\"{shown}\" is no date; write a day as 2026-11-30 or a moment as 2026-11-30T17:00:00Z"
    ))
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

/// The days that `a/b/year` can mean, day first and month first; the same one twice if one of the
/// two readings is no day.
fn two_readings(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let parts: Vec<u32> = text
        .split(['/', '.', '-'])
        .map(|part| part.parse::<u32>().ok().filter(|_| part.len() <= 4))
        .collect::<Option<_>>()?;
    let [a, b, year] = parts.as_slice() else {
        return None;
    };
    let year = if *year < 100 { year + 2000 } else { *year }.cast_signed();
    let day_first = NaiveDate::from_ymd_opt(year, *b, *a);
    let month_first = NaiveDate::from_ymd_opt(year, *a, *b);
    match (day_first, month_first) {
        (Some(one), Some(other)) => Some((one, other)),
        (Some(one), None) | (None, Some(one)) => Some((one, one)),
        (None, None) => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Option<String> {
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
            assert_eq!(shown(text).as_deref(), Some(wanted), "{text}");
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
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_ends_at_the_next_midnight() {
        assert_eq!(
            leave_date("2026-11-30").unwrap(),
            Time::parse("2026-12-01T00:00:00Z").unwrap()
        );
        assert_eq!(
            leave_date("2026-11-30T17:00:00+01:00").unwrap(),
            Time::parse("2026-11-30T16:00:00Z").unwrap()
        );
    }

    #[test]
    fn an_unclear_date_is_refused_with_what_would_be_right() {
        let says = leave_date("03/04/2026").unwrap_err();
        assert!(says.contains("2026-04-03 or 2026-03-04"), "{says}");
        let says = leave_date("31.12.2026").unwrap_err();
        assert!(says.contains("write 2026-12-31"), "{says}");
        let says = leave_date("2026-11-30T17:00:00").unwrap_err();
        assert!(says.contains("zone"), "{says}");
        for text in ["", "soon", "2026-02-30", "2026-1-1", "20261130", "45991"] {
            assert!(leave_date(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", digits in "[0-9.,+\\-Z]{0,24}") {
            let _ = generalized_time(&text);
            let _ = generalized_time(&digits);
            let _ = leave_date(&text);
            let _ = leave_date(&digits);
        }

        #[test]
        fn what_was_written_is_read_again(seconds in 0_i64..253_402_300_799) {
            let time = Time::from_seconds(seconds);
            let text = time.chrono().format("%Y%m%d%H%M%SZ").to_string();
            prop_assert_eq!(generalized_time(&text), Some(time));
        }
    }
}
