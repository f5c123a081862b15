//! Headers of a request: those configured, then those of the trace's key, which win, since they are more specific.
//!
//! The same rules serve gRPC metadata and HTTP headers. Names that the protocol itself sets (framing, connection,
//! content, `grpc-*`) are an error in the configuration and are left out when a client sent them.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::outcome::Failure;
use super::reason::Reason;
use super::start_error::StartError;
use crate::batch::metadata::RequestMetadata;

/// What requests call themselves.
pub(super) const USER_AGENT: &str = concat!("tailsieve/", env!("CARGO_PKG_VERSION"));

const RESERVED: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// The configured headers, checked.
#[derive(Debug)]
pub(super) struct RequestHeaders {
    configured: HeaderMap,
}

impl RequestHeaders {
    /// Checks the headers of the configuration.
    pub(super) fn parse(configured: &[(String, String)]) -> Result<Self, StartError> {
        let mut map = HeaderMap::with_capacity(configured.len());
        for (name, value) in configured {
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| StartError::HeaderName { name: name.clone() })?;
            if is_reserved(&header) {
                return Err(StartError::HeaderReserved { name: name.clone() });
            }
            let mut value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| StartError::HeaderValue { name: name.clone() })?;
            // Often a credential: kept out of Debug output and of HPACK's tables.
            value.set_sensitive(true);
            map.append(header, value);
        }
        Ok(Self { configured: map })
    }

    /// The headers of one request.
    pub(super) fn with(&self, metadata: Option<&RequestMetadata>) -> Result<HeaderMap, Failure> {
        let mut map = self.configured.clone();
        for (name, value) in metadata.map_or(&[][..], |metadata| &metadata.0) {
            let invalid = || {
                let message = format!("metadata `{name}` cannot be sent as a header");
                Failure::permanent(Reason::InvalidMetadata, &message)
            };
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            if is_reserved(&header) {
                continue;
            }
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
            map.insert(header, value);
        }
        Ok(map)
    }
}

fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn a_traces_own_header_replaces_the_configured_one() {
        let headers =
            RequestHeaders::parse(&pairs(&[("X-Tenant", "all"), ("x-key", "k")])).unwrap();
        let own = RequestMetadata(pairs(&[
            ("x-tenant", "blue"),
            ("content-type", "text/plain"),
        ]));
        let map = headers.with(Some(&own)).unwrap();
        assert_eq!(map.get("x-tenant").unwrap(), "blue");
        assert_eq!(map.get("x-key").unwrap(), "k");
        assert_eq!(map.get("content-type"), None);
        assert_eq!(headers.with(None).unwrap().get("x-tenant").unwrap(), "all");
    }

    #[test]
    fn headers_that_cannot_be_sent_are_errors_that_name_them_and_not_their_value() {
        let error = |name, value| {
            let error = RequestHeaders::parse(&pairs(&[(name, value)])).unwrap_err();
            error.to_string()
        };
        assert_eq!(error("a b", "x"), "`a b` cannot be the name of a header");
        let message = error("authorization", "secret\n");
        assert!(message.contains("authorization") && !message.contains("secret"));
        assert!(error("Content-Type", "x").contains("set by the protocol"));
        assert!(error("grpc-timeout", "1S").contains("set by the protocol"));
    }

    #[test]
    fn metadata_that_cannot_be_a_header_fails_for_good_rather_than_going_to_another_tenant() {
        let headers = RequestHeaders::parse(&[]).unwrap();
        let own = RequestMetadata(pairs(&[("x-tenant", "a\nb")]));
        let failure = headers.with(Some(&own)).unwrap_err();
        assert_eq!(failure.reason, Reason::InvalidMetadata);
    }
}
