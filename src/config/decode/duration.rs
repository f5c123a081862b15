//! Durations as Go writes them (`1m30s`, `1.5s`, `500ms`, `-2h`), and days (`1d`).
//!
//! Source of the rules: Go's `time.ParseDuration`, to which days are added; the range is that of Go, ±292 years.

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotADuration {
    /// A number without its unit.
    MissingUnit,
    /// A number with a unit that does not exist.
    UnknownUnit(String),
    /// Something else.
    Malformed,
    /// More than 292 years.
    OutOfRange,
}

/// A duration in nanoseconds.
pub(super) fn parse_ns(text: &str) -> Result<i64, NotADuration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(NotADuration::Malformed);
    }
    let mut total_ns: i128 = 0;
    while !rest.is_empty() {
        let (part_ns, after) = part(rest)?;
        total_ns = total_ns.saturating_add(part_ns);
        rest = after;
    }
    let total_ns = if is_negative { -total_ns } else { total_ns };
    i64::try_from(total_ns).map_err(|_| NotADuration::OutOfRange)
}

/// One number with its unit, in nanoseconds, and what follows.
fn part(text: &str) -> Result<(i128, &str), NotADuration> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(NotADuration::Malformed);
    }
    let unit_end = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    if unit.is_empty() {
        return Err(NotADuration::MissingUnit);
    }
    let unit_ns =
        unit_ns(unit).ok_or_else(|| NotADuration::UnknownUnit(unit.chars().take(10).collect()))?;
    // 19 digits hold every value in range, and every fraction that is left after truncation to nanoseconds.
    let number = |digits: &str| digits.parse::<i128>().map_err(|_| NotADuration::OutOfRange);
    let whole = match whole.trim_start_matches('0') {
        "" => 0,
        digits if digits.len() > 19 => return Err(NotADuration::OutOfRange),
        digits => number(digits)?,
    };
    let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
    let scale = (0..fraction.len()).fold(1_i128, |scale, _| scale * 10);
    let fraction = if fraction.is_empty() {
        0
    } else {
        number(fraction)?
    };
    Ok((whole * unit_ns + fraction * unit_ns / scale, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn unit_ns(unit: &str) -> Option<i128> {
    let ns = match unit {
        "ns" => 1,
        // The micro sign, and the Greek letter that keyboards produce.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    };
    Some(ns)
}

#[cfg(test)]
mod tests {
    use super::NotADuration::*;
    use super::parse_ns;

    #[test]
    fn every_form_that_go_writes_is_read_and_days_too() {
        let forms: [(&str, i64); 19] = [
            ("0", 0),
            ("-0", 0),
            ("0s", 0),
            ("1ns", 1),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("1μs", 1_000),
            ("500ms", 500_000_000),
            ("30s", 30_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("2.s", 2_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h2m3.004s", 3_723_004_000_000),
            ("+2h", 7_200_000_000_000),
            ("-5s", -5_000_000_000),
            ("1d", 86_400_000_000_000),
            ("1d12h", 129_600_000_000_000),
            ("0.100000000000000000000000000001s", 100_000_000),
        ];
        for (text, ns) in forms {
            assert_eq!(parse_ns(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_told_apart() {
        assert_eq!(parse_ns("5"), Err(MissingUnit));
        assert_eq!(parse_ns("1m30"), Err(MissingUnit));
        assert_eq!(parse_ns("5 s"), Err(UnknownUnit(" s".to_owned())));
        assert_eq!(parse_ns("3 weeks"), Err(UnknownUnit(" weeks".to_owned())));
        for text in ["", "-", "s", ".s", "--1s", "soon", "1..5s"] {
            assert!(parse_ns(text).is_err(), "{text}");
        }
        assert_eq!(parse_ns("9223372036s"), Ok(9_223_372_036_000_000_000));
        assert_eq!(parse_ns("9223372037s"), Err(OutOfRange));
        assert_eq!(parse_ns("99999999999999999999999h"), Err(OutOfRange));
    }
}
