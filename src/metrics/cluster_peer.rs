//! Metrics of the peer port: what is forwarded to other replicas, what they forward here, what is held back for them.

use ::metrics::{Counter, Gauge};

use super::Registry;

/// Handles of the sending side; clones share them.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct ForwardMetrics {
    pub spans_forwarded: Counter,
    pub bytes_forwarded: Counter,
    pub frames_forwarded: Counter,
    pub frames_retried: Counter,
    pub frames_rerouted: Counter,
    pub spans_held: Counter,
    pub held_bytes: Gauge,
    pub held_age_seconds: Gauge,
    pub spans_failed_overloaded: Counter,
    pub spans_failed_unreachable: Counter,
    pub spans_failed_timed_out: Counter,
    pub spans_failed_malformed: Counter,
    pub connections: Gauge,
    pub connections_failed: Counter,
}

/// Handles of the receiving side; clones share them.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct PeerMetrics {
    pub frames_received: Counter,
    pub bytes_received: Counter,
    /// Counted by whoever walks the frames.
    pub spans_received: Counter,
    pub orders_received: Counter,
    pub refused: RefusedPeers,
    pub connections: Gauge,
    /// Counted by whoever passes frames on (rule 4).
    pub hop_limit_hits: Counter,
}

/// One counter per reason for which a frame or a call on the peer port is refused.
#[derive(Debug, Clone)]
pub struct RefusedPeers {
    /// The proof of the shared secret is wrong, or there was no greeting.
    pub wrong_secret: Counter,
    /// Of another cluster.
    pub wrong_cluster: Counter,
    /// Of another major version of the protocol.
    pub wrong_protocol: Counter,
    /// Broken framing, header or payload, or larger than is taken.
    pub malformed: Counter,
    /// No room in the peers' share of the memory.
    pub overloaded: Counter,
    /// Addressed to another life.
    pub not_me: Counter,
    /// Some of its slots are taken by nobody yet.
    pub partly: Counter,
}

impl Registry {
    /// Handles of the sending side of the peer port.
    #[must_use]
    pub fn forward(&self) -> ForwardMetrics {
        let counter = |name, about| self.counter(name, about, &[]);
        let failed = |reason| {
            self.counter(
                "tailsieve_cluster_spans_forward_failed_total",
                "Spans owned elsewhere that no replica took in time, by reason; their clients were told to retry.",
                &[("reason", reason)],
            )
        };
        ForwardMetrics {
            spans_forwarded: counter(
                "tailsieve_cluster_spans_forwarded_total",
                "Spans that another replica has acknowledged.",
            ),
            bytes_forwarded: counter(
                "tailsieve_cluster_bytes_forwarded_total",
                "Bytes of payload sent to other replicas, retries included, as they travel.",
            ),
            frames_forwarded: counter(
                "tailsieve_cluster_frames_forwarded_total",
                "Frames sent to other replicas, retries included.",
            ),
            frames_retried: counter(
                "tailsieve_cluster_frames_retried_total",
                "Frames sent again under the same name.",
            ),
            frames_rerouted: counter(
                "tailsieve_cluster_frames_rerouted_total",
                "Frames that were split anew by the present table.",
            ),
            spans_held: counter(
                "tailsieve_cluster_spans_held_total",
                "Spans taken into the hold queue, because their holder could not be reached.",
            ),
            held_bytes: self.gauge(
                "tailsieve_cluster_held_bytes",
                "Bytes in the hold queue.",
                &[],
            ),
            held_age_seconds: self.gauge(
                "tailsieve_cluster_held_age_seconds",
                "Age of the oldest spans in the hold queue.",
                &[],
            ),
            spans_failed_overloaded: failed("overloaded"),
            spans_failed_unreachable: failed("unreachable"),
            spans_failed_timed_out: failed("timed_out"),
            spans_failed_malformed: failed("malformed"),
            connections: self.gauge(
                "tailsieve_cluster_connections",
                "Connections of the peer port open, by who opened them.",
                &[("opened", "here")],
            ),
            connections_failed: counter(
                "tailsieve_cluster_connections_failed_total",
                "Attempts to connect to another replica that failed, and connections that broke.",
            ),
        }
    }

    /// Handles of the receiving side of the peer port.
    #[must_use]
    pub fn peer(&self) -> PeerMetrics {
        let counter = |name, about| self.counter(name, about, &[]);
        let refused = |reason| {
            self.counter(
                "tailsieve_cluster_frames_refused_total",
                "Frames and calls of other replicas that were refused, whole or in part, by reason.",
                &[("reason", reason)],
            )
        };
        PeerMetrics {
            frames_received: counter(
                "tailsieve_cluster_frames_received_total",
                "Frames of other replicas, refused ones included.",
            ),
            bytes_received: counter(
                "tailsieve_cluster_bytes_received_total",
                "Bytes of frames of other replicas, as they travel.",
            ),
            spans_received: counter(
                "tailsieve_cluster_spans_received_total",
                "Spans in frames of other replicas.",
            ),
            orders_received: counter(
                "tailsieve_cluster_orders_received_total",
                "Orders between holders.",
            ),
            refused: RefusedPeers {
                wrong_secret: refused("wrong_secret"),
                wrong_cluster: refused("wrong_cluster"),
                wrong_protocol: refused("wrong_protocol"),
                malformed: refused("malformed"),
                overloaded: refused("overloaded"),
                not_me: refused("not_me"),
                partly: refused("partly"),
            },
            connections: self.gauge(
                "tailsieve_cluster_connections",
                "Connections of the peer port open, by who opened them.",
                &[("opened", "there")],
            ),
            hop_limit_hits: counter(
                "tailsieve_cluster_hop_limit_hits_total",
                "Frames refused because they had gone through as many replicas as they may.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_before_the_first_frame() {
        let registry = Registry::new();
        let (_forward, _peer) = (registry.forward(), registry.peer());
        let text = registry.render();
        assert!(text.contains("tailsieve_cluster_spans_forwarded_total 0"));
        assert!(
            text.contains(r#"tailsieve_cluster_frames_refused_total{reason="wrong_secret"} 0"#)
        );
    }
}
