//! Metrics of the receivers: requests, refusals by reason, bytes, time to answer, open connections.
//!
//! Spans are counted by the router, which is the first to look inside a request.

use ::metrics::{Counter, Gauge, Histogram};

use super::Registry;

/// Handles of both receivers; clones share them.
#[derive(Clone)]
pub struct ReceiverMetrics {
    /// Requests over gRPC.
    pub grpc: TransportMetrics,
    /// Requests over HTTP.
    pub http: TransportMetrics,
    /// Requests of which nothing was taken.
    pub refused: RefusedRequests,
    /// Bytes of bodies as they were sent.
    pub wire_bytes: Counter,
    /// The same bodies' bytes once inflated.
    pub inflated_bytes: Counter,
}

/// Handles of one transport.
#[derive(Clone)]
pub struct TransportMetrics {
    /// Export requests whose body is protobuf, or of a type that is not known.
    pub requests_protobuf: Counter,
    /// Export requests whose body is JSON.
    pub requests_json: Counter,
    /// From a request's head to its answer, refused ones included.
    pub request_duration: Histogram,
    /// Connections open now.
    pub connections: Gauge,
}

/// One counter per reason for which a request is refused whole.
#[derive(Clone)]
pub struct RefusedRequests {
    /// Larger than `max_request_size`, as sent or inflated.
    pub too_large: Counter,
    /// No OTLP: broken compression, JSON, protobuf, framing or headers.
    pub undecodable: Counter,
    /// No room in the process's memory, in the bytes in flight or among the metadata combinations.
    pub overloaded: Counter,
    /// The process is ending.
    pub shutting_down: Counter,
    /// Another path, method, content type or compression than is served here.
    pub unsupported: Counter,
    /// Not wanted by who stands behind the receiver.
    pub unwanted: Counter,
    /// The body did not arrive in time.
    pub timed_out: Counter,
    /// The client went away before its body was complete.
    pub disconnected: Counter,
}

impl std::fmt::Debug for ReceiverMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiverMetrics")
    }
}

impl Registry {
    /// Handles of the receivers.
    #[must_use]
    pub fn receiver(&self) -> ReceiverMetrics {
        ReceiverMetrics {
            grpc: self.receiver_transport("grpc"),
            http: self.receiver_transport("http"),
            refused: RefusedRequests {
                too_large: self.receiver_refused("too_large"),
                undecodable: self.receiver_refused("undecodable"),
                overloaded: self.receiver_refused("overloaded"),
                shutting_down: self.receiver_refused("shutting_down"),
                unsupported: self.receiver_refused("unsupported"),
                unwanted: self.receiver_refused("unwanted"),
                timed_out: self.receiver_refused("timed_out"),
                disconnected: self.receiver_refused("disconnected"),
            },
            wire_bytes: self.receiver_bytes("wire"),
            inflated_bytes: self.receiver_bytes("inflated"),
        }
    }

    fn receiver_transport(&self, transport: &'static str) -> TransportMetrics {
        let requests = |encoding| {
            self.counter(
                "tailsieve_receiver_requests_received_total",
                "Export requests received, refused ones included.",
                &[("transport", transport), ("encoding", encoding)],
            )
        };
        TransportMetrics {
            requests_protobuf: requests("protobuf"),
            requests_json: requests("json"),
            request_duration: self.histogram(
                "tailsieve_receiver_request_duration_seconds",
                "From an export request's head to its answer.",
                &[("transport", transport)],
            ),
            connections: self.gauge(
                "tailsieve_receiver_connections",
                "Client connections open.",
                &[("transport", transport)],
            ),
        }
    }

    fn receiver_refused(&self, reason: &'static str) -> Counter {
        self.counter(
            "tailsieve_receiver_requests_refused_total",
            "Requests of which nothing was taken, by reason.",
            &[("reason", reason)],
        )
    }

    fn receiver_bytes(&self, kind: &'static str) -> Counter {
        self.counter(
            "tailsieve_receiver_bytes_received_total",
            "Bytes of request bodies, as sent (wire) and as inflated.",
            &[("kind", kind)],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_before_the_first_request() {
        let registry = Registry::new();
        let metrics = registry.receiver();
        metrics.refused.too_large.increment(1);
        let text = registry.render();
        assert!(
            text.contains(r#"tailsieve_receiver_requests_refused_total{reason="too_large"} 1"#)
        );
        assert!(text.contains(
            r#"tailsieve_receiver_requests_received_total{transport="http",encoding="json"} 0"#
        ));
        assert!(text.contains(r#"tailsieve_receiver_bytes_received_total{kind="inflated"} 0"#));
    }
}
