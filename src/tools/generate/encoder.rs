//! Writes the request that carries one service's spans of a cohort.

use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message as _;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::cohort::{Cohort, Trace};
use super::shape::Shape;
use super::template::{Fill, Template};
use super::vocabulary;
use crate::tools::message::Message;

/// Tag of `ExportTraceServiceRequest.resource_spans`.
const RESOURCE_SPANS_TAG: u8 = 1 << 3 | 2;
/// Tag of `ResourceSpans.scope_spans`.
const SCOPE_SPANS_TAG: u8 = 2 << 3 | 2;

/// All that is encoded once.
#[derive(Debug)]
pub struct Encoder {
    shape: Shape,
    spans: Vec<SpanTemplates>,
    services: Vec<ServiceBytes>,
}

#[derive(Debug)]
struct SpanTemplates {
    fine: Template,
    failed: Template,
}

#[derive(Debug)]
struct ServiceBytes {
    /// `ResourceSpans.resource` with tag and length.
    resource: Vec<u8>,
    /// `ScopeSpans.scope` with tag and length.
    scope: Vec<u8>,
}

impl Encoder {
    /// An encoder for traces of `shape` with spans of about `span_bytes`.
    #[must_use]
    pub fn new(shape: Shape, span_bytes: usize) -> Self {
        let spans = shape.spans().iter().enumerate().map(|(number, span)| {
            let plain = vocabulary::span(span.service, span.role, number);
            let has_parent = span.parent.is_some();
            SpanTemplates {
                failed: Template::sized(Template::failed(plain.clone()), has_parent, span_bytes),
                fine: Template::sized(plain, has_parent, span_bytes),
            }
        });
        let spans = spans.collect();
        let services = (0..shape.services().len()).map(ServiceBytes::new).collect();
        Self {
            shape,
            spans,
            services,
        }
    }

    /// The layout of the traces.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// How many spans the request of `service` carries.
    #[must_use]
    pub fn spans_in(&self, cohort: &Cohort, service: usize) -> u64 {
        let spans = self.shape.services().get(service);
        (spans.map_or(0, |spans| spans.len()) * cohort.traces.len()) as u64
    }

    /// Encodes the request of `service`: one resource, one scope, the spans trace by trace.
    #[must_use]
    pub fn encode(&self, cohort: &Cohort, service: usize) -> Message {
        let (Some(numbers), Some(head)) = (
            self.shape.services().get(service),
            self.services.get(service),
        ) else {
            return Message::build(0, |_| {});
        };
        let spans = || {
            cohort.traces.iter().flat_map(|trace| {
                let templates = self.spans.get(numbers.clone()).unwrap_or_default();
                numbers
                    .clone()
                    .zip(templates)
                    .map(move |(number, templates)| {
                        let failed = trace.error_span == Some(number);
                        let template = if failed {
                            &templates.failed
                        } else {
                            &templates.fine
                        };
                        (trace, number, template)
                    })
            })
        };
        let spans_bytes: usize = spans().map(|(.., template)| template.len()).sum();
        let scope_spans_bytes = head.scope.len() + spans_bytes;
        let resource_spans_bytes = head.resource.len() + field_bytes(scope_spans_bytes);
        Message::build(field_bytes(resource_spans_bytes), |out| {
            open(out, RESOURCE_SPANS_TAG, resource_spans_bytes);
            out.extend_from_slice(&head.resource);
            open(out, SCOPE_SPANS_TAG, scope_spans_bytes);
            out.extend_from_slice(&head.scope);
            for (trace, number, template) in spans() {
                template.write(out, &self.fill(trace, number));
            }
        })
    }

    fn fill(&self, trace: &Trace, number: usize) -> Fill {
        let parent = self.shape.spans().get(number).and_then(|span| span.parent);
        let (start_ns, end_ns) = trace.span_times_ns(&self.shape, number);
        Fill {
            trace_id: trace.id,
            span_id: trace.span_id(number),
            parent_id: parent.map_or([0; 8], |parent| trace.span_id(parent)),
            start_ns,
            end_ns,
        }
    }
}

impl ServiceBytes {
    fn new(service: usize) -> Self {
        let resource: Resource = vocabulary::resource(service);
        let resource = ResourceSpans {
            resource: Some(resource),
            ..ResourceSpans::default()
        };
        let scope = ScopeSpans {
            scope: Some(vocabulary::scope(service)),
            ..ScopeSpans::default()
        };
        Self {
            resource: resource.encode_to_vec(),
            scope: scope.encode_to_vec(),
        }
    }
}

/// Tag and length of a field whose content follows. Tags here are single bytes.
fn open(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    encode_varint(length as u64, out);
}

/// Bytes of a field with `length` bytes of content.
fn field_bytes(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

#[cfg(test)]
mod tests {
    use super::super::cohort::Rates;
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::Span;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;
    use std::collections::HashMap;

    fn cohort(shape: &Shape, traces: usize) -> Cohort {
        let mut random = SmallRng::seed_from_u64(11);
        let rates = Rates {
            error: 0.5,
            slow: 0.5,
        };
        let trace = |_| Trace::random(shape, rates, 1_700_000_000_000_000_000, &mut random);
        Cohort::new((0..traces).map(trace).collect())
    }

    fn spans_of(request: &[u8]) -> Vec<Span> {
        let request = ExportTraceServiceRequest::decode(request).unwrap();
        let [resource_spans] = &request.resource_spans[..] else {
            panic!("one resource");
        };
        assert!(resource_spans.resource.is_some());
        assert!(resource_spans.scope_spans[0].scope.is_some());
        resource_spans.scope_spans[0].spans.clone()
    }

    #[test]
    fn the_requests_of_a_cohort_together_hold_whole_traces() {
        let encoder = Encoder::new(Shape::new(25, 5).unwrap(), 485);
        let cohort = cohort(encoder.shape(), 20);
        let mut traces: HashMap<Vec<u8>, Vec<Span>> = HashMap::new();
        for service in 0..5 {
            let spans = spans_of(&encoder.encode(&cohort, service).body());
            assert_eq!(spans.len() as u64, encoder.spans_in(&cohort, service));
            for span in spans {
                traces.entry(span.trace_id.clone()).or_default().push(span);
            }
        }
        assert_eq!(traces.len(), 20);
        for trace in &cohort.traces {
            let spans = &traces[&trace.id[..]];
            assert_eq!(spans.len(), 25);
            let roots = spans.iter().filter(|span| span.parent_span_id.is_empty());
            assert_eq!(roots.count(), 1);
            let by_id: HashMap<_, _> = spans.iter().map(|span| (&span.span_id, span)).collect();
            assert_eq!(by_id.len(), 25);
            for span in spans.iter().filter(|span| !span.parent_span_id.is_empty()) {
                let parent = by_id[&span.parent_span_id];
                assert!(parent.start_time_unix_nano <= span.start_time_unix_nano);
                assert!(parent.end_time_unix_nano >= span.end_time_unix_nano);
            }
            let failed = spans.iter().filter(|span| span.status.is_some()).count();
            assert_eq!(failed, usize::from(trace.error_span.is_some()));
        }
    }

    #[test]
    fn a_request_is_as_large_as_its_spans_are_meant_to_be() {
        let encoder = Encoder::new(Shape::new(25, 5).unwrap(), 485);
        let cohort = cohort(encoder.shape(), 20);
        for service in 0..5 {
            let per_span = encoder.encode(&cohort, service).body().len() / 100;
            assert!((460..=500).contains(&per_span), "{service}: {per_span}");
        }
    }
}
