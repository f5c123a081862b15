//! Sizes in bytes: `512MiB`, `64KB`, `1.5GiB`. `k`, `M`, `G`, `T` are powers of 1,000, with an `i` of 1,024.

/// Bytes of a size, fractions of a byte cut off; `None` when it is none or beyond `u64`.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit_bytes = unit_bytes(unit.trim_start())?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit_bytes);
    }
    let bytes = number.parse::<f64>().ok()? * unit_bytes as f64;
    (bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// A size as people read it: exact when it is a whole number of a binary unit, else in bytes.
pub(crate) fn format_bytes(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, unit) in units {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}B")
}

fn unit_bytes(unit: &str) -> Option<u64> {
    let bytes = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" | "ki" => 1 << 10,
        "mib" | "mi" => 1 << 20,
        "gib" | "gi" => 1 << 30,
        "tib" | "ti" => 1 << 40,
        _ => return None,
    };
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{format_bytes, parse_bytes};

    #[test]
    fn every_unit_is_read_in_either_case() {
        let forms: [(&str, u64); 12] = [
            ("0B", 0),
            ("17b", 17),
            ("64KB", 64_000),
            ("64kB", 64_000),
            ("64KiB", 65_536),
            ("512MiB", 512 << 20),
            ("512 MiB", 512 << 20),
            ("512Mi", 512 << 20),
            ("3MB", 3_000_000),
            ("1.5GiB", 3 << 29),
            ("2GB", 2_000_000_000),
            ("1TiB", 1 << 40),
        ];
        for (text, bytes) in forms {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn a_missing_unit_a_strange_one_and_what_is_too_large_are_no_sizes() {
        let texts = [
            "",
            "5",
            "MiB",
            "64M",
            "-1MiB",
            "1.2.3MiB",
            "5XB",
            "99999999TiB",
            "1e3MB",
        ];
        for text in texts {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn whole_binary_units_are_shown_as_such() {
        assert_eq!(format_bytes(0), "0B");
        assert_eq!(format_bytes(1_000), "1000B");
        assert_eq!(format_bytes(64 << 20), "64MiB");
        assert_eq!(format_bytes(1 << 30), "1GiB");
    }
}
