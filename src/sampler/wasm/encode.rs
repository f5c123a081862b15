//! A trace as an OTLP `TracesData`: the bytes that came in, put together again.

use crate::sampler::trace_view::SpanView;

/// `resource_spans` of `TracesData`, `spans` of `ScopeSpans`, `scope_spans` of `ResourceSpans`, each of type LEN.
const RESOURCE_SPANS: u8 = 1 << 3 | 2;
const SPANS: u8 = 2 << 3 | 2;
const SCOPE_SPANS: u8 = 2 << 3 | 2;

/// All spans, those that follow each other with one resource and scope within one `ResourceSpans`.
pub(super) fn traces_data(spans: &[SpanView<'_>]) -> Vec<u8> {
    let span_bytes: usize = spans.iter().map(|view| view.span.len() + 4).sum();
    let mut data = Vec::with_capacity(span_bytes + span_bytes / 8);
    let shares = |one: &SpanView<'_>, other: &SpanView<'_>| {
        std::ptr::eq(one.resource, other.resource) && std::ptr::eq(one.scope, other.scope)
    };
    let mut scope_spans = Vec::new();
    let mut resource_spans = Vec::new();
    for run in spans.chunk_by(shares) {
        scope_spans.clear();
        resource_spans.clear();
        for view in run {
            push(&mut scope_spans, SPANS, view.span);
        }
        if let Some(first) = run.first() {
            scope_spans.extend_from_slice(first.scope);
            resource_spans.extend_from_slice(first.resource);
        }
        push(&mut resource_spans, SCOPE_SPANS, &scope_spans);
        push(&mut data, RESOURCE_SPANS, &resource_spans);
    }
    data
}

fn push(message: &mut Vec<u8>, key: u8, content: &[u8]) {
    message.push(key);
    let mut length = content.len();
    while length >= 0x80 {
        message.push(length as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
    use prost::Message;

    use super::*;
    use crate::sampler::test_support::TraceFixture;
    use crate::sampler::trace_view::Spans;

    #[test]
    fn what_is_put_together_is_what_came_in() {
        let scope_spans = |names: &[&str]| ScopeSpans {
            schema_url: names.concat(),
            spans: names
                .iter()
                .map(|name| Span {
                    name: (*name).to_owned(),
                    trace_id: vec![7; 16],
                    span_id: vec![1; 8],
                    ..Span::default()
                })
                .collect(),
            ..ScopeSpans::default()
        };
        let long = "n".repeat(300);
        let sent = [&["a", "b"][..], &[&long]].map(|names| ResourceSpans {
            schema_url: names.concat(),
            scope_spans: vec![scope_spans(names)],
            ..ResourceSpans::default()
        });
        let fixture = TraceFixture::of_resource_spans(&sent);
        let mut views = Vec::new();
        fixture.visit(&mut |view| {
            views.push(view);
            std::ops::ControlFlow::Continue(())
        });
        let read = TracesData::decode(traces_data(&views).as_slice()).unwrap();
        assert_eq!(read.resource_spans, sent);
    }
}
