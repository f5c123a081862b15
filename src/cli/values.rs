//! Values of flags: durations, sizes, shares, headers.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

/// Units of durations, longest names first, in nanoseconds.
const DURATION_UNITS: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Longest duration taken, in nanoseconds: ten years, so that sums of moments never overflow.
const DURATION_NS_MAX: f64 = 3.2e17;

/// Reads `1m30s`, `1.5s`, `500ms`; a plain `0` too.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration such as 500ms, 1.5s or 1m30s");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total_ns = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = rest
            .split_at_checked(digits.unwrap_or(rest.len()))
            .ok_or_else(wrong)?;
        let letters = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters).ok_or_else(wrong)?;
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let scale = DURATION_UNITS.iter().find(|(name, _)| *name == unit);
        total_ns += number * scale.ok_or_else(wrong)?.1;
        rest = tail;
    }
    if text.is_empty() || total_ns > DURATION_NS_MAX {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(total_ns / 1e9))
}

/// Reads `512MiB`, `64KiB`, `1GB`, `4096`, in bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size such as 512MiB, 1GiB or 4096");
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let scale: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(scale).ok_or_else(wrong)
}

/// Reads a share: `0.05`, or `5%`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no share such as 0.05 or 5%");
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    share
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(wrong)
}

/// Reads the URL of a receiver: `http://host:port`, `https://host/path`.
pub(super) fn url(text: &str) -> Result<Uri, String> {
    text.parse::<Uri>()
        .ok()
        .filter(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
        .ok_or_else(|| format!("`{text}` is no URL such as http://127.0.0.1:4317"))
}

/// Reads where an admin port is: `host:port`, or a URL.
pub(super) fn admin(text: &str) -> Result<Uri, String> {
    let wrong = || format!("`{text}` is neither an address such as 127.0.0.1:9464 nor a URL");
    if text.contains("://") {
        return url(text).map_err(|_| wrong());
    }
    let url = url(&format!("http://{text}")).map_err(|_| wrong())?;
    url.port().is_some().then_some(url).ok_or_else(wrong)
}

/// Reads a request header: `name=value` or `name: value`.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || format!("`{text}` is no header such as x-tenant=acme");
    let (name, value) = text.split_once(['=', ':']).ok_or_else(wrong)?;
    let name = name.trim().parse().map_err(|_| wrong())?;
    let value = value.trim().parse().map_err(|_| wrong())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let ms = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("1m30s"), Ok(90_000));
        assert_eq!(ms("1.5s"), Ok(1_500));
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(duration("3µs"), Ok(Duration::from_micros(3)));
        assert_eq!(ms("0"), Ok(0));
        for wrong in ["", "5", "s", "5 s", "-1s", "1d", "1s2", "9999999h", "1..2s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("2GB"), Ok(2_000_000_000));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in ["", "MiB", "1.5GiB", "1XB", "99999999999999GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_lie_between_nothing_and_all() {
        assert_eq!(share("0.05"), Ok(0.05));
        assert_eq!(share("5%"), Ok(0.05));
        for wrong in ["1.1", "-0.1", "101%", "x", "NaN"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        assert!(url("https://otel.example.com:4318/v1/traces").is_ok());
        for wrong in ["127.0.0.1:4317", "ftp://x", "/v1/traces", "http://"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_admin_port_is_an_address_or_a_url() {
        let read = |text| admin(text).map(|url| url.to_string());
        for text in ["127.0.0.1:9464", "http://127.0.0.1:9464"] {
            assert_eq!(read(text), Ok("http://127.0.0.1:9464/".to_owned()));
        }
        assert!(read("tailsieve-0:9464").is_ok() && read("[::1]:9464").is_ok());
        for wrong in ["127.0.0.1", "ftp://x:1", "a b:1", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_are_name_and_value() {
        let (name, value) = header("X-Tenant = acme=1").unwrap();
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("x-tenant", &b"acme=1"[..])
        );
        assert!(header("no value").is_err());
    }
}
