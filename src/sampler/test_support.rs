//! Traces for the policies' own tests.

#[path = "../../tests/fixtures/guest.rs"]
#[allow(dead_code, reason = "shared with the benchmarks")]
pub(crate) mod guest;

use std::ops::ControlFlow;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::compiler::Compiler;
use super::config::{EvaluationConfig, PolicyConfig, RuleConfig};
use super::evaluation::{Evaluation, Scratch};
use super::policy::{Context, PolicyError, Vote};
use super::trace_summary::TraceSummary;
use super::trace_view::{SpanView, Spans, TraceView};
use crate::otlp::ids::TraceId;
use crate::otlp::wire::{WalkedRequest, walk_request};

/// A trace in one request.
pub(crate) struct TraceFixture {
    summary: TraceSummary,
    body: Bytes,
    walked: WalkedRequest,
}

impl TraceFixture {
    /// Spans with nothing but identifiers and times.
    pub(crate) fn with_times(times_ns: &[(u64, u64)]) -> Self {
        let spans = times_ns.iter().map(|(start, end)| Span {
            trace_id: vec![7; 16],
            span_id: vec![1; 8],
            start_time_unix_nano: *start,
            end_time_unix_nano: *end,
            ..Span::default()
        });
        Self::of_resource_spans(&[ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }])
    }

    pub(crate) fn of_resource_spans(resource_spans: &[ResourceSpans]) -> Self {
        let request = ExportTraceServiceRequest {
            resource_spans: resource_spans.to_vec(),
        };
        Self::of_request(&request.encode_to_vec().into())
    }

    /// All spans of an encoded request, whatever their trace.
    pub(crate) fn of_request(body: &Bytes) -> Self {
        let walked = walk_request(body).unwrap();
        let mut summary = TraceSummary::default();
        for span in &walked.spans {
            summary.add(span);
        }
        Self {
            summary,
            body: body.clone(),
            walked,
        }
    }

    pub(crate) fn view(&self) -> TraceView<'_> {
        TraceView {
            trace_id: TraceId([7; 16]),
            summary: &self.summary,
            spans: self,
        }
    }
}

impl Spans for TraceFixture {
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>) {
        for span in &self.walked.spans {
            let envelope = &self.walked.scopes[span.scope_index as usize];
            let begin = span.offset as usize;
            let view = SpanView {
                resource: &envelope.resource,
                scope: &envelope.scope,
                span: &self.body[begin..begin + span.length as usize],
            };
            if visitor(view).is_break() {
                return;
            }
        }
    }
}

/// The votes of one policy on traces one after another, with no time passing.
pub(crate) fn votes(rule: &RuleConfig, traces: &[&TraceFixture]) -> Vec<Result<Vote, PolicyError>> {
    votes_under(EvaluationConfig::default(), rule, traces)
}

/// The same, evaluated in this way.
pub(crate) fn votes_under(
    evaluation: EvaluationConfig,
    rule: &RuleConfig,
    traces: &[&TraceFixture],
) -> Vec<Result<Vote, PolicyError>> {
    let mut compiler = Compiler::new(evaluation, None);
    let node = compiler.node(&PolicyConfig::new("policy", rule.clone()));
    let mut scratch = Scratch::default();
    let vote = |trace: &&TraceFixture| {
        let view = trace.view();
        let policies = compiler.infos.len();
        let scan = &compiler.scan;
        let context = Context::default();
        node.vote(&mut Evaluation::new(
            &view,
            context,
            scan,
            policies,
            &mut scratch,
            None,
        ))
    };
    traces.iter().map(vote).collect()
}
