//! What a request's headers say of its body and of the answer wanted.

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};

use super::super::inflate::Compression;
use super::super::status::{Encoding, Failure};

/// The body's encoding by `Content-Type`; parameters such as `charset` are let pass.
///
/// # Errors
/// [`Failure::UnsupportedType`] for any other type, or none.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let media_type = value
        .and_then(|value| value.split(|byte| *byte == b';').next())
        .unwrap_or_default()
        .trim_ascii();
    if media_type.eq_ignore_ascii_case(b"application/x-protobuf") {
        return Ok(Encoding::Protobuf);
    }
    if media_type.eq_ignore_ascii_case(b"application/json") {
        return Ok(Encoding::Json);
    }
    let found = String::from_utf8_lossy(media_type);
    Err(Failure::UnsupportedType(match found.as_ref() {
        "" => "no content type: send application/x-protobuf or application/json".to_owned(),
        grpc if grpc.starts_with("application/grpc") => {
            "this port takes OTLP/HTTP; OTLP/gRPC has another port, by default 4317".to_owned()
        }
        other => format!(
            "content type {other:?} is not taken: send application/x-protobuf or application/json"
        ),
    }))
}

/// The body's compression by `Content-Encoding`; `None` when it is plain.
///
/// # Errors
/// [`Failure::UnsupportedCompression`] for any other than gzip, zstd and identity, and for several.
pub(super) fn compression(headers: &HeaderMap) -> Result<Option<Compression>, Failure> {
    let mut codings = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
    let Some(coding) = codings.next() else {
        return Ok(None);
    };
    if codings.next().is_some() {
        return Err(Failure::UnsupportedCompression(
            "several content encodings at once are not supported: use one of gzip and zstd"
                .to_owned(),
        ));
    }
    // RFC 9110 has recipients take x-gzip for gzip.
    if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
        return Ok(Some(Compression::Gzip));
    }
    if coding.eq_ignore_ascii_case(b"zstd") {
        return Ok(Some(Compression::Zstd));
    }
    Err(Failure::UnsupportedCompression(format!(
        "content encoding {:?} is not supported: use gzip, zstd or identity",
        String::from_utf8_lossy(coding)
    )))
}

/// Whether `Accept-Encoding` asks for gzip: with a weight above zero and not below that of identity (RFC 9110, 12.5.3).
pub(super) fn wants_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for value in headers.get_all(ACCEPT_ENCODING) {
        for element in value.to_str().unwrap_or_default().split(',') {
            let (coding, weight) = coding_and_weight(element);
            match coding.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => gzip = Some(weight),
                "identity" => identity = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

fn coding_and_weight(element: &str) -> (&str, f32) {
    let mut parts = element.split(';').map(str::trim);
    let coding = parts.next().unwrap_or_default();
    let weight = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, weight)| weight.trim().parse().unwrap_or(0.0));
    (coding, weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn content_types_are_taken_in_any_case_and_with_parameters() {
        let encoding = |value| encoding(&with(CONTENT_TYPE, value));
        assert_eq!(encoding("application/x-protobuf"), Ok(Encoding::Protobuf));
        assert_eq!(
            encoding("Application/JSON; charset=utf-8"),
            Ok(Encoding::Json)
        );
        for other in ["text/plain", "application/jsonl", "application/grpc", ""] {
            assert!(
                matches!(encoding(other), Err(Failure::UnsupportedType(_))),
                "{other}"
            );
        }
    }

    #[test]
    fn one_content_encoding_is_taken_and_several_are_not() {
        let compression = |value| compression(&with(CONTENT_ENCODING, value));
        assert_eq!(compression("GZIP"), Ok(Some(Compression::Gzip)));
        assert_eq!(compression("x-gzip"), Ok(Some(Compression::Gzip)));
        assert_eq!(compression("zstd"), Ok(Some(Compression::Zstd)));
        assert_eq!(compression("identity"), Ok(None));
        for other in ["br", "deflate", "gzip, gzip"] {
            assert!(
                matches!(compression(other), Err(Failure::UnsupportedCompression(_))),
                "{other}"
            );
        }
    }

    #[test]
    fn gzip_is_wanted_by_its_weight() {
        let wants = |value| wants_gzip(&with(ACCEPT_ENCODING, value));
        for yes in [
            "gzip",
            "deflate, gzip;q=0.5",
            "*",
            "identity;q=0.2, GZIP; q=0.8",
            "gzip, br",
        ] {
            assert!(wants(yes), "{yes}");
        }
        for no in [
            "",
            "identity",
            "gzip;q=0",
            "*, gzip;q=0.0",
            "identity, gzip;q=0.5",
            "br",
        ] {
            assert!(!wants(no), "{no}");
        }
    }
}
