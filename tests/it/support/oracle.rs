//! The reference: policies evaluated in the plainest way over complete, decoded traces.

use std::collections::BTreeMap;

use super::spans::PlacedSpan;

/// A policy file and what it means.
pub(crate) struct Rule {
    pub(crate) policy_file: &'static str,
    pub(crate) keeps: fn(&Trace<'_>) -> bool,
}

/// A complete trace.
pub(crate) struct Trace<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) spans: &'a [PlacedSpan],
}

impl Rule {
    /// The traces kept of `traces`, whole.
    pub(crate) fn kept(
        &self,
        traces: &BTreeMap<Vec<u8>, Vec<PlacedSpan>>,
    ) -> BTreeMap<Vec<u8>, Vec<PlacedSpan>> {
        let mut kept = traces.clone();
        kept.retain(|id, spans| (self.keeps)(&Trace { id, spans }));
        kept
    }
}

impl Trace<'_> {
    /// Whether any span has this status code.
    pub(crate) fn has_status(&self, code: i32) -> bool {
        let code_of =
            |placed: &PlacedSpan| placed.span.status.as_ref().map_or(0, |status| status.code);
        self.spans.iter().any(|placed| code_of(placed) == code)
    }

    /// From the earliest start to the latest end, in whole milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        let start = self
            .spans
            .iter()
            .map(|placed| placed.span.start_time_unix_nano)
            .min();
        let end = self
            .spans
            .iter()
            .map(|placed| placed.span.end_time_unix_nano)
            .max();
        end.unwrap().saturating_sub(start.unwrap()) / 1_000_000
    }

    /// Whether this trace is in a share of so many percent.
    pub(crate) fn is_among(&self, percent: f64, salt: &str) -> bool {
        let mut hash: u64 = 14_695_981_039_346_656_037;
        for byte in salt.bytes().chain(self.id.iter().copied()) {
            hash ^= u64::from(byte);
            hash = hash.wrapping_mul(1_099_511_628_211);
        }
        hash as f64 <= u64::MAX as f64 * percent / 100.0
    }
}
