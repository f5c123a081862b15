//! Settings of an `otlp` exporter.

use std::path::PathBuf;

use http::Uri;

use super::headers::headers;
use crate::config::decode::{Fields, Place};
use crate::exporter::config::{Compression, Destination, OtlpConfig, RetryConfig, TlsConfig};

const COMPRESSIONS: [(&str, Compression); 3] = [
    ("none", Compression::None),
    ("gzip", Compression::Gzip),
    ("zstd", Compression::Zstd),
];
const ENDPOINT_ADVICE: &str =
    "write it like http://127.0.0.1:4317 or https://tempo.example.com:4317";

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Grpc,
    Http,
}

/// The destination; `None` when it has no usable endpoint, which is reported, as is all else that is wrong.
pub(super) fn destination(fields: &mut Fields<'_>) -> Option<Destination> {
    let mut protocol = Protocol::Grpc;
    let protocols = [("grpc", Protocol::Grpc), ("http/protobuf", Protocol::Http)];
    fields.set("protocol", &mut protocol, |name| name.choice(&protocols));
    let mut endpoint_text = "";
    let uri = match fields.take("endpoint") {
        Some(place) => {
            endpoint_text = place.non_empty_text().unwrap_or_default();
            endpoint(&place, endpoint_text, protocol)
        }
        None => {
            let place = fields.place();
            place.error("endpoint is missing", ENDPOINT_ADVICE);
            None
        }
    };
    let mut config = OtlpConfig::default();
    fields.set("compression", &mut config.compression, |name| {
        name.choice(&COMPRESSIONS)
    });
    if let Some(place) = fields.take("headers") {
        config.headers = headers(&place);
    }
    fields.set("timeout", &mut config.timeout, Place::duration);
    if let Some(place) = fields.take("tls") {
        config.tls = tls(&place, uri.as_ref());
    }
    if let Some(place) = fields.take("retry_on_failure") {
        config.retry = retry(&place);
    }
    uri?;
    config.endpoint = endpoint_text.to_owned();
    Some(match protocol {
        Protocol::Grpc => Destination::OtlpGrpc(config),
        Protocol::Http => Destination::OtlpHttp(config),
    })
}

fn endpoint(place: &Place<'_>, text: &str, protocol: Protocol) -> Option<Uri> {
    if text.is_empty() {
        return None;
    }
    let has_scheme = text.starts_with("http://") || text.starts_with("https://");
    let is_bare = !text.contains("://");
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    let Some(uri) = uri.filter(|_| has_scheme) else {
        let advice = if is_bare && !text.contains(['/', ' ']) {
            format!("write http://{text}, or https://{text} for TLS")
        } else {
            ENDPOINT_ADVICE.to_owned()
        };
        place.error(
            format!("expected an http:// or https:// URL, found {text:?}"),
            advice,
        );
        return None;
    };
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        place.error("must not hold a user name or password", "use headers");
        return None;
    }
    if protocol == Protocol::Grpc && !matches!(uri.path(), "" | "/") {
        let advice = "remove it, or set protocol: http/protobuf";
        place.error(
            format!("gRPC takes no path, found {:?}", uri.path()),
            advice,
        );
        return None;
    }
    Some(uri)
}

fn tls(place: &Place<'_>, endpoint: Option<&Uri>) -> TlsConfig {
    let mut config = TlsConfig::default();
    let mut fields = place.fields();
    let path = |place: &Place<'_>| place.non_empty_text().map(|path| Some(PathBuf::from(path)));
    fields.set("ca_file", &mut config.ca_file, path);
    let (mut certificate, mut key) = (None, None);
    fields.set("cert_file", &mut certificate, path);
    fields.set("key_file", &mut key, path);
    fields.set("server_name_override", &mut config.server_name, |name| {
        name.non_empty_text().map(|name| Some(name.to_owned()))
    });
    let advice = "the endpoint says it: http:// is without TLS, https:// with it";
    fields.refuse("insecure", "is a key of the collector", advice);
    let advice = "certificates are always verified; name the root to trust with ca_file";
    fields.refuse("insecure_skip_verify", "is a key of the collector", advice);
    fields.finish();
    config.client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) => report_half(place, "key_file", "cert_file"),
        (None, Some(_)) => report_half(place, "cert_file", "key_file"),
    };
    let is_plain = endpoint.is_some_and(|uri| uri.scheme_str() == Some("http"));
    if is_plain && config != TlsConfig::default() {
        place.error(
            "has no effect on an http:// endpoint",
            "use an https:// endpoint, or remove tls",
        );
    }
    config
}

fn report_half<T>(place: &Place<'_>, missing: &str, present: &str) -> Option<T> {
    let problem = format!("{missing} is missing");
    place.error(problem, format!("it belongs to {present}"));
    None
}

fn retry(place: &Place<'_>) -> RetryConfig {
    let mut config = RetryConfig::default();
    let mut fields = place.fields();
    fields.set("enabled", &mut config.enabled, Place::boolean);
    let initial = &mut config.initial_interval;
    fields.set("initial_interval", initial, Place::duration);
    fields.set("max_interval", &mut config.max_interval, Place::duration);
    let elapsed = &mut config.max_elapsed_time;
    fields.set("max_elapsed_time", elapsed, Place::duration_or_none);
    let problem = "is not configurable";
    let advice = "the interval grows by half at each attempt, with jitter";
    fields.refuse("multiplier", problem, advice);
    fields.refuse("randomization_factor", problem, advice);
    fields.finish();
    if config.initial_interval > config.max_interval {
        let RetryConfig {
            initial_interval,
            max_interval,
            ..
        } = config;
        place.error(
            format!("initial_interval ({initial_interval:?}) is longer than max_interval ({max_interval:?})"),
            "",
        );
    }
    config
}
