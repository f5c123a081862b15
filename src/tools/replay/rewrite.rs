//! Gives a recorded request other trace IDs and other times, in place: all else stays byte for byte.

use crate::tools::fields::{Field, Malformed, Value, each_span};

/// A place in a request that can be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patch {
    /// A trace ID of 16 bytes, of a span or of a link, begins here.
    TraceId(usize),
    /// A time of 8 bytes, not zero, begins here: start or end of a span, or an event's.
    Time(usize),
}

/// What a request holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Its places.
    pub patches: Vec<Patch>,
    /// Its spans.
    pub spans: u64,
    /// The latest end of its spans; 0 without spans.
    pub end_ns: u64,
}

/// How a repetition differs from the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// XORed to each trace ID. Distinct IDs stay distinct, equal ones equal, so traces and links hold together.
    pub trace_id_mask: u128,
    /// Added to each time, in nanoseconds.
    pub shift_ns: i64,
}

/// Finds the places of `request` (an `ExportTraceServiceRequest`).
///
/// # Errors
/// [`Malformed`] for what is no such request.
pub fn find(request: &[u8]) -> Result<Found, Malformed> {
    let mut found = Found::default();
    each_span(request, |span| {
        found.spans += 1;
        for field in span {
            let field = field?;
            match field.number {
                1 => found.add_trace_id(&field),
                7 => found.add_time(&field),
                8 => {
                    found.add_time(&field);
                    if let Value::Fixed64(end_ns) = field.value {
                        found.end_ns = found.end_ns.max(end_ns);
                    }
                }
                11 => first_fields(&field, |inner| found.add_time(inner))?,
                13 => first_fields(&field, |inner| found.add_trace_id(inner))?,
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Visits the fields numbered 1 of an inner message: an event's time, a link's trace ID.
fn first_fields(outer: &Field<'_>, mut visit: impl FnMut(&Field<'_>)) -> Result<(), Malformed> {
    for field in outer.message().into_iter().flatten() {
        let field = field?;
        if field.number == 1 {
            visit(&field);
        }
    }
    Ok(())
}

impl Found {
    fn add_trace_id(&mut self, field: &Field<'_>) {
        if matches!(field.value, Value::Bytes(id) if id.len() == 16) {
            self.patches.push(Patch::TraceId(field.at));
        }
    }

    fn add_time(&mut self, field: &Field<'_>) {
        if matches!(field.value, Value::Fixed64(time) if time != 0) {
            self.patches.push(Patch::Time(field.at));
        }
    }
}

impl Change {
    /// The change of repetition number `repetition`: number 0 keeps the recorded trace IDs.
    #[must_use]
    pub fn of_repetition(repetition: u64, shift_ns: i64) -> Self {
        // Multiples of an odd constant are distinct, so no two repetitions share a mask.
        let mask = u128::from(repetition).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        Self {
            trace_id_mask: mask,
            shift_ns,
        }
    }

    /// Rewrites `request` at `patches`.
    pub fn apply(&self, request: &mut [u8], patches: &[Patch]) {
        for patch in patches {
            match *patch {
                Patch::TraceId(at) => rewrite(request, at, |id| {
                    self.trace_id(u128::from_be_bytes(id)).to_be_bytes()
                }),
                Patch::Time(at) => rewrite(request, at, |time| {
                    u64::from_le_bytes(time)
                        .saturating_add_signed(self.shift_ns)
                        .to_le_bytes()
                }),
            }
        }
    }

    /// A bijection on valid IDs: the one that the mask would make invalid takes the place that zero would have had.
    fn trace_id(&self, id: u128) -> u128 {
        if id == 0 || id == self.trace_id_mask {
            return id;
        }
        id ^ self.trace_id_mask
    }
}

fn rewrite<const N: usize>(request: &mut [u8], at: usize, change: impl Fn([u8; N]) -> [u8; N]) {
    if let Some(place) = request
        .get_mut(at..)
        .and_then(|rest| rest.first_chunk_mut())
    {
        *place = change(*place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message;
    use std::collections::HashSet;

    fn request(trace_id: u128, linked: u128, base_ns: u64) -> ExportTraceServiceRequest {
        let span = Span {
            trace_id: trace_id.to_be_bytes().to_vec(),
            span_id: vec![7; 8],
            parent_span_id: vec![8; 8],
            name: "a span".into(),
            start_time_unix_nano: base_ns,
            end_time_unix_nano: base_ns + 500,
            events: vec![Event {
                time_unix_nano: base_ns + 300,
                name: "an event".into(),
                ..Event::default()
            }],
            links: vec![Link {
                trace_id: linked.to_be_bytes().to_vec(),
                span_id: vec![9; 8],
                ..Link::default()
            }],
            ..Span::default()
        };
        let scope_spans = ScopeSpans {
            spans: vec![span.clone(), span],
            ..ScopeSpans::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![scope_spans],
                ..ResourceSpans::default()
            }],
        }
    }

    #[test]
    fn trace_ids_links_and_times_change_and_nothing_else() {
        let mut body = request(5, 6, 1_000_000).encode_to_vec();
        let found = find(&body).unwrap();
        assert_eq!((found.spans, found.end_ns), (2, 1_000_500));
        let change = Change {
            trace_id_mask: 0xff00,
            shift_ns: -999_000,
        };
        change.apply(&mut body, &found.patches);
        let changed = ExportTraceServiceRequest::decode(&*body).unwrap();
        assert_eq!(changed, request(0xff05, 0xff06, 1_000));
    }

    #[test]
    fn the_first_pass_keeps_the_recorded_identifiers() {
        assert_eq!(Change::of_repetition(0, 0), Change::default());
    }

    #[test]
    fn fresh_identifiers_are_a_bijection_without_zero() {
        let mask = 0b1011;
        let change = Change {
            trace_id_mask: mask,
            shift_ns: 0,
        };
        let images: HashSet<u128> = (1..1 << 10).map(|id| change.trace_id(id)).collect();
        assert_eq!(images.len(), (1 << 10) - 1);
        assert!(!images.contains(&0));
        assert_eq!(change.trace_id(0), 0, "what is invalid stays so");
    }

    #[test]
    fn no_two_repetitions_share_identifiers() {
        let mut seen = HashSet::new();
        for repetition in 0..1_000 {
            let change = Change::of_repetition(repetition, 0);
            for id in 1..100_u128 {
                assert!(seen.insert(change.trace_id(id)), "{repetition} {id}");
            }
        }
    }

    #[test]
    fn times_that_are_not_set_stay_unset() {
        let body = request(5, 6, 0).encode_to_vec();
        let times = |patch: &&Patch| matches!(patch, Patch::Time(_));
        let found = find(&body).unwrap();
        assert_eq!(found.patches.iter().filter(times).count(), 4);
    }
}
