//! A gRPC status out of headers that a peer wrote.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use tonic::Status;

const DETAILS: &str = "grpc-status-details-bin";
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The status in `headers`, if there is one; details that are not base64, on which tonic panics, are left out.
#[must_use]
pub fn read_status(headers: &HeaderMap) -> Option<Status> {
    let details = headers.get(DETAILS);
    if details.is_none_or(|details| ANY_PADDING.decode(details).is_ok()) {
        return Status::from_header_map(headers);
    }
    let mut readable = headers.clone();
    readable.remove(DETAILS);
    Status::from_header_map(&readable)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(details: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("14"));
        headers.insert(DETAILS, HeaderValue::from_static(details));
        headers
    }

    #[test]
    fn a_status_with_broken_details_is_a_status_without_details() {
        for broken in ["%%%", "a", "AAA=A"] {
            let status = read_status(&headers(broken)).unwrap();
            assert_eq!(status.code(), tonic::Code::Unavailable);
            assert_eq!(status.details(), b"");
        }
        assert_eq!(read_status(&headers("aGk")).unwrap().details(), b"hi");
        assert_eq!(read_status(&headers("aGk=")).unwrap().details(), b"hi");
    }
}
