//! `receivers`: OTLP over gRPC and HTTP.

use super::cors::cors;
use super::headers::header_name;
use crate::config::decode::{Fields, Place};
use crate::receiver::config::{GrpcConfig, HttpConfig, KeepaliveConfig, ReceiverConfig};

/// gRPC declares a message's length in 32 bits.
const REQUEST_BYTES_MAX: u64 = u32::MAX as u64;
/// Below it not even one span with a few attributes fits.
const REQUEST_BYTES_MIN: u64 = 1_024;
/// Most headers in a trace's key.
const METADATA_HEADERS_MAX: usize = 16;

/// `receivers`, where requests must fit into `memory_limit_bytes`: defaults shrink, what is set is refused.
pub(super) fn receivers(fields: &mut Fields<'_>, memory_limit_bytes: u64) -> ReceiverConfig {
    let mut config = ReceiverConfig {
        grpc: Some(grpc(None, memory_limit_bytes)),
        http: Some(http(None, memory_limit_bytes)),
        ..ReceiverConfig::default()
    };
    let mut max_bytes_in_flight = None;
    if let Some(mut receivers) = fields.section("receivers") {
        if let Some(mut otlp) = receivers.section("otlp") {
            protocols(&mut otlp, &mut config, memory_limit_bytes);
            max_bytes_in_flight = otlp.take("max_bytes_in_flight");
            metadata(&mut otlp, &mut config);
            otlp.set("retry_after", &mut config.retry_after, Place::duration);
            otlp.finish();
        }
        receivers.finish();
    }
    let largest = largest_request_bytes(&config);
    config.max_bytes_in_flight = config.max_bytes_in_flight.max(largest);
    if let Some(bytes) = max_bytes_in_flight.and_then(|place| in_flight(&place, largest)) {
        config.max_bytes_in_flight = bytes;
    }
    config
}

fn protocols(otlp: &mut Fields<'_>, config: &mut ReceiverConfig, memory_limit_bytes: u64) {
    let Some(place) = otlp.take("protocols") else {
        return;
    };
    let mut protocols = place.fields();
    let grpc_place = protocols.take_present("grpc");
    let http_place = protocols.take_present("http");
    protocols.finish();
    if grpc_place.is_none() && http_place.is_none() {
        if place.is_mapping() {
            place.error("names no protocol", "name grpc, http or both");
        }
        return;
    }
    config.grpc = grpc_place.map(|place| grpc(Some(place), memory_limit_bytes));
    config.http = http_place.map(|place| http(Some(place), memory_limit_bytes));
}

fn grpc(place: Option<Place<'_>>, memory_limit_bytes: u64) -> GrpcConfig {
    let mut config = GrpcConfig::default();
    let default = config.max_request_size_bytes;
    config.max_request_size_bytes = request_size_default(default, memory_limit_bytes);
    let Some(mut fields) = place.map(|place| place.fields()) else {
        return config;
    };
    fields.set("endpoint", &mut config.endpoint, Place::address);
    let size = &mut config.max_request_size_bytes;
    fields.set("max_request_size", size, |size| {
        request_size(size, memory_limit_bytes)
    });
    let streams = &mut config.max_concurrent_streams;
    fields.set("max_concurrent_streams", streams, |streams| {
        let streams = streams.integer(1..=u64::from(u32::MAX))?;
        u32::try_from(streams).ok()
    });
    if let Some(mut keepalive) = fields.section("keepalive") {
        config.keepalive = server_parameters(&mut keepalive);
        let advice = "clients may ping as often as they like";
        keepalive.refuse("enforcement_policy", "is not supported", advice);
        keepalive.finish();
    }
    let advice = "use max_request_size, for example 64MiB";
    fields.refuse("max_recv_msg_size_mib", "is a key of the collector", advice);
    fields.finish();
    config
}

fn server_parameters(keepalive: &mut Fields<'_>) -> KeepaliveConfig {
    let mut config = KeepaliveConfig::default();
    let Some(mut fields) = keepalive.section("server_parameters") else {
        return config;
    };
    fields.set("time", &mut config.time, Place::duration);
    fields.set("timeout", &mut config.timeout, Place::duration);
    let age = &mut config.max_connection_age;
    fields.set("max_connection_age", age, Place::duration_or_none);
    let grace = &mut config.max_connection_age_grace;
    fields.set("max_connection_age_grace", grace, Place::duration);
    fields.finish();
    config
}

fn http(place: Option<Place<'_>>, memory_limit_bytes: u64) -> HttpConfig {
    let mut config = HttpConfig::default();
    let default = config.max_request_size_bytes;
    config.max_request_size_bytes = request_size_default(default, memory_limit_bytes);
    let Some(mut fields) = place.map(|place| place.fields()) else {
        return config;
    };
    fields.set("endpoint", &mut config.endpoint, Place::address);
    let size = &mut config.max_request_size_bytes;
    fields.set("max_request_size", size, |size| {
        request_size(size, memory_limit_bytes)
    });
    fields.set("read_timeout", &mut config.read_timeout, Place::duration);
    config.cors = fields.take("cors").and_then(|place| cors(&place));
    let advice = "use max_request_size, for example 64MiB";
    fields.refuse("max_request_body_size", "is a key of the collector", advice);
    fields.finish();
    config
}

fn metadata(otlp: &mut Fields<'_>, config: &mut ReceiverConfig) {
    if let Some(place) = otlp.take("include_metadata") {
        let items = place.items();
        if items.len() > METADATA_HEADERS_MAX {
            place.error(
                format!("names {} headers", items.len()),
                format!("at most {METADATA_HEADERS_MAX}"),
            );
        }
        for item in &items {
            let name = item
                .non_empty_text()
                .and_then(|text| header_name(item, text));
            let Some(name) = name.map(|name| name.to_string()) else {
                continue;
            };
            if config.include_metadata.contains(&name) {
                item.error(format!("names {name:?} a second time"), "remove it");
                continue;
            }
            config.include_metadata.push(name);
        }
    }
    let limit = &mut config.metadata_cardinality_limit;
    otlp.set("metadata_cardinality_limit", limit, |limit| {
        limit.count(1..=1_000_000)
    });
}

fn request_size(place: &Place<'_>, memory_limit_bytes: u64) -> Option<usize> {
    let bytes = place.size_in_memory(REQUEST_BYTES_MIN..=REQUEST_BYTES_MAX)?;
    if bytes as u64 > request_bytes_max(memory_limit_bytes) {
        place.error(
            "is larger than half of memory.limit",
            "lower it, or raise the limit",
        );
        return None;
    }
    Some(bytes)
}

/// A request is held beside the copies of its spans for a moment: a larger one could never be taken, and its client
/// would try for ever.
fn request_bytes_max(memory_limit_bytes: u64) -> u64 {
    memory_limit_bytes / 2
}

fn request_size_default(default: usize, memory_limit_bytes: u64) -> usize {
    let bytes_max = request_bytes_max(memory_limit_bytes);
    usize::try_from(bytes_max).map_or(default, |bytes_max| default.min(bytes_max))
}

fn largest_request_bytes(config: &ReceiverConfig) -> u64 {
    let grpc = config.grpc.as_ref().map(|grpc| grpc.max_request_size_bytes);
    let http = config.http.as_ref().map(|http| http.max_request_size_bytes);
    grpc.max(http).unwrap_or_default() as u64
}

/// `max_bytes_in_flight`: at least one request must fit.
fn in_flight(place: &Place<'_>, largest_request_bytes: u64) -> Option<u64> {
    let bytes = place.size(1..=u64::MAX)?;
    if bytes < largest_request_bytes {
        place.error(
            "is smaller than max_request_size, so that the largest requests could never be taken",
            "raise it, or lower max_request_size",
        );
        return None;
    }
    Some(bytes)
}
