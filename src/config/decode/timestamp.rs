//! Points in time as RFC 3339 writes them: `2026-08-01T12:00:00Z`, `2026-08-01T14:00:00.5+02:00`.

use super::Place;
use crate::config::yaml::Resolved;

const ADVICE: &str = "write it like 2026-08-01T12:00:00Z or 2026-08-01T14:00:00+02:00";
const SECONDS_OF_DAY: i64 = 86_400;

impl Place<'_> {
    /// Nanoseconds since the Unix epoch; years 1970 to 2554.
    pub(crate) fn timestamp_unix_ns(&self) -> Option<u64> {
        let ns = match self.resolved() {
            Some(Resolved::Text(text)) => unix_ns(text),
            _ => None,
        };
        if ns.is_none() {
            self.mismatch("a point in time", ADVICE);
        }
        ns
    }
}

fn unix_ns(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let days = days(date)?;
    let offset_start = time.find(['Z', 'z', '+', '-'])?;
    let (time, offset) = time.split_at(offset_start);
    let (seconds, ns) = seconds(time)?;
    let seconds = days * SECONDS_OF_DAY + seconds - offset_seconds(offset)?;
    u64::try_from(seconds)
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(ns)
}

/// Days from 1970-01-01 to a date in the calendar of today.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let year = number(parts.next()?, 4, 0..=9_999)?;
    let month = number(parts.next()?, 2, 1..=12)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let day = number(parts.next()?, 2, 1..=length)?;
    // Years begin in March here, so that the leap day is the last one.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    Some(year * 365 + leap_days + day_of_year - 719_468)
}

/// Seconds of the day, and the nanoseconds of its fraction; further digits are cut off.
fn seconds(time: &str) -> Option<(i64, u64)> {
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.splitn(3, ':');
    let hours = number(parts.next()?, 2, 0..=23)?;
    let minutes = number(parts.next()?, 2, 0..=59)?;
    let seconds = number(parts.next()?, 2, 0..=59)?;
    if fraction.is_empty() || !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let nine_digits: String = fraction.chars().chain("00000000".chars()).take(9).collect();
    Some((
        hours * 3_600 + minutes * 60 + seconds,
        nine_digits.parse().ok()?,
    ))
}

fn offset_seconds(offset: &str) -> Option<i64> {
    if matches!(offset, "Z" | "z") {
        return Some(0);
    }
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let hours = number(hours, 2, 0..=23)?;
    let minutes = number(minutes, 2, 0..=59)?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn number(text: &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_number = text.len() == digits && text.chars().all(|c| c.is_ascii_digit());
    let value = text.parse().ok().filter(|_| is_number)?;
    range.contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::unix_ns;

    #[test]
    fn dates_with_and_without_fractions_and_offsets_are_read() {
        let second = 1_000_000_000;
        let points = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("2000-02-29T23:59:59Z", 951_868_799 * second),
            ("2000-03-01t00:00:00z", 951_868_800 * second),
            ("2026-08-01T12:00:00Z", 1_785_585_600 * second),
            (
                "2026-08-01 12:00:00.25Z",
                1_785_585_600 * second + 250_000_000,
            ),
            ("2026-08-01T10:30:00-01:30", 1_785_585_600 * second),
            ("2100-03-01T00:00:00Z", 4_107_542_400 * second),
        ];
        for (text, ns) in points {
            assert_eq!(unix_ns(text), Some(ns), "{text}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_or_before_1970_is_refused() {
        let texts = [
            "",
            "2026-08-01",
            "2026-08-01T12:00:00",
            "2026-08-01T12:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-08-01T24:00:00Z",
            "2026-08-01T12:00:60Z",
            "2026-08-01T12:00:00.Z",
            "2026-08-01T12:00:00+1:00",
            "2026-8-1T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-01-01T00:00:00Z",
            "+026-08-01T12:00:00Z",
        ];
        for text in texts {
            assert_eq!(unix_ns(text), None, "{text}");
        }
    }
}
