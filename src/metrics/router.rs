//! Metrics of the router: the spans of requests that could be read.

use ::metrics::Counter;

use super::Registry;

/// Handles of a replica's router.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct RouterMetrics {
    pub spans_received: Counter,
    pub span_bytes_received: Counter,
    pub spans_refused_identifier: Counter,
    pub spans_refused_overloaded: Counter,
    pub attributes_malformed: Counter,
}

impl Registry {
    /// Handles of the router.
    #[must_use]
    pub fn router(&self) -> RouterMetrics {
        let refused = |reason| {
            self.counter(
                "tailsieve_router_spans_refused_total",
                "Spans of readable requests that were not taken, by reason.",
                &[("reason", reason)],
            )
        };
        RouterMetrics {
            spans_received: self.counter(
                "tailsieve_router_spans_received_total",
                "Spans of readable requests.",
                &[("source", "client")],
            ),
            span_bytes_received: self.counter(
                "tailsieve_router_bytes_received_total",
                "Bytes of readable requests, inflated.",
                &[("source", "client")],
            ),
            spans_refused_identifier: refused("bad_identifier"),
            spans_refused_overloaded: refused("overloaded"),
            attributes_malformed: self.counter(
                "tailsieve_router_attributes_malformed_total",
                "Attributes that cannot be decoded and were left out, their spans taken.",
                &[],
            ),
        }
    }

    /// Sets what is known at start and shown for ever: version and limits.
    pub fn describe_build(&self, memory_limit_bytes: u64) {
        self.gauge(
            "tailsieve_build_info",
            "1, labelled with the version.",
            &[("version", env!("CARGO_PKG_VERSION"))],
        )
        .set(1.0);
        self.gauge(
            "tailsieve_memory_limit_bytes",
            "The process's byte budget.",
            &[],
        )
        .set(memory_limit_bytes as f64);
    }

    /// The gauge of the budget in use.
    pub fn memory_used(&self) -> ::metrics::Gauge {
        self.gauge(
            "tailsieve_memory_used_bytes",
            "What of the process's byte budget is charged.",
            &[],
        )
    }

    /// The counter of contract `name` found broken.
    pub fn invariant_violations(&self, name: &str) -> Counter {
        self.counter(
            "tailsieve_invariant_violations_total",
            "Contracts found broken: always a fault of ours.",
            &[("invariant", name)],
        )
    }
}
