//! Times and durations as text: RFC 3339 out, Go's durations in.

/// A time in nanoseconds since 1970 as Go writes it in JSON: `2026-01-02T03:04:05.000000006Z`, no zeros at the end.
pub(super) fn rfc3339(ns: i64) -> String {
    let (seconds, fraction) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let fraction = match fraction {
        0 => String::new(),
        fraction => {
            let digits = format!(".{fraction:09}");
            digits.trim_end_matches('0').to_owned()
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of a day counted from 1970, in the Gregorian calendar.
///
/// Counts from the 1st of March of year 0, so that the leap day is the last of its year and eras of 400 years are alike.
fn date(days_since_1970: i64) -> (i64, i64, i64) {
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// A duration as Go's `time.ParseDuration` reads it (`1h15m30.918273645s`), in nanoseconds.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total_ns = 0_i128;
    while {
        let (part_ns, after) = duration_part(rest)?;
        total_ns = total_ns.checked_add(part_ns)?;
        rest = after;
        !rest.is_empty()
    } {}
    i64::try_from(if is_negative { -total_ns } else { total_ns }).ok()
}

/// The number and unit at the start of `text`, and what follows.
fn duration_part(text: &str) -> Option<(i128, &str)> {
    let is_digit = |character: char| character.is_ascii_digit();
    let (whole, rest) = split_where(text, |character| !is_digit(character));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_where(rest, |character| !is_digit(character)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (unit, rest) = split_where(rest, |character| is_digit(character) || character == '.');
    let unit_ns: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // More digits than these are below a nanosecond.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: i128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    let ns = whole
        .checked_mul(unit_ns)?
        .checked_add(fraction * unit_ns / scale)?;
    Some((ns, rest))
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let read = [
            ("0", 0),
            ("-0", 0),
            ("1h15m30.5s", 4_530_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("-1.5h", -5_400_000_000_000),
            ("+3us", 3_000),
            ("3µs2ns", 3_002),
            ("0.0000000001s", 0),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ];
        for (text, ns) in read {
            assert_eq!(parse_duration(text), Some(ns), "{text}");
        }
        let refused = [
            "",
            "-",
            "1",
            "s",
            ".s",
            "1d",
            "1 s",
            "1s ",
            "9223372036854775808ns",
            "--1s",
        ];
        for text in refused {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_written_as_go_writes_them_in_json() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(rfc3339(1_582_934_400_500_000_000), "2020-02-29T00:00:00.5Z");
        assert_eq!(rfc3339(i64::MAX), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(rfc3339(i64::MIN), "1677-09-21T00:12:43.145224192Z");
    }
}
