//! Spans of OTLP/JSON requests as conditions see them.

use crate::otlp::json::decode_request;
use crate::otlp::wire::span_fields::{EventFields, SPAN_EVENTS, SpanFields};
use crate::otlp::wire::value::{
    RawValue, fields_of, key_value, resource_attributes, scope_attributes,
};
use crate::sampler::ottl::{CompiledCondition, Condition, EvaluationError, Subject};
use crate::sampler::span_context::{AttributeSource, SlotAllocator, SlotId, SpanContext};

/// A span of a request: its resource's and scope's fields, and its own.
pub(super) struct RequestSpan<'r> {
    resource: Vec<u8>,
    scope: Vec<u8>,
    span: &'r [u8],
}

/// Slots in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Slots(Vec<(AttributeSource, String)>);

impl SlotAllocator for Slots {
    fn slot(&mut self, source: AttributeSource, key: &str) -> SlotId {
        let known = self.0.iter().position(|(s, k)| *s == source && k == key);
        let index = known.unwrap_or_else(|| {
            self.0.push((source, key.to_owned()));
            self.0.len() - 1
        });
        SlotId(u32::try_from(index).unwrap())
    }
}

/// A condition and the slots that it asked for.
pub(super) struct Asked {
    condition: CompiledCondition,
    slots: Slots,
    pub(super) subject: Subject,
}

pub(super) fn asked(text: &str, subject: Subject) -> Result<Asked, String> {
    let parsed = Condition::parse(text, subject);
    let condition = parsed.map_err(|error| format!("{error} ({})", error.advice))?;
    let mut slots = Slots::default();
    Ok(Asked {
        condition: condition.compile(&mut slots),
        slots,
        subject,
    })
}

impl Asked {
    /// What the condition says of the span, or of each of its events.
    pub(super) fn results(&self, span: &RequestSpan<'_>) -> Vec<Result<bool, EvaluationError>> {
        let mut slots: Vec<Option<RawValue<'_>>> = vec![None; self.slots.0.len()];
        let mut fill = |source, key: &[u8], value| {
            for (slot, (wanted, name)) in slots.iter_mut().zip(&self.slots.0) {
                if *wanted == source && name.as_bytes() == key && slot.is_none() {
                    *slot = Some(value);
                }
            }
        };
        for (key, value) in resource_attributes(&span.resource) {
            fill(AttributeSource::Resource, key, value);
        }
        for (key, value) in scope_attributes(&span.scope) {
            fill(AttributeSource::Scope, key, value);
        }
        let fields = SpanFields::read(span.span, |attribute| {
            let (key, value) = key_value(attribute).unwrap();
            fill(AttributeSource::Span, key, value);
        });
        let context = SpanContext {
            fields: &fields,
            slots: &slots,
            span: span.span,
            resource: &span.resource,
            scope: &span.scope,
            event: None,
        };
        if self.subject == Subject::Span {
            return vec![self.condition.holds(&context)];
        }
        let events = fields_of(span.span, SPAN_EVENTS).map(EventFields::read);
        events
            .map(|event| {
                let event = Some(&event);
                self.condition.holds(&SpanContext { event, ..context })
            })
            .collect()
    }
}

impl RequestSpan<'_> {
    /// In hexadecimal digits.
    pub(super) fn trace_id(&self) -> String {
        let fields = SpanFields::read(self.span, |_| {});
        fields
            .trace_id
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// The request, encoded.
pub(super) fn encoded(json: &str) -> Vec<u8> {
    decode_request(json.as_bytes()).unwrap()
}

/// All spans of an encoded request.
pub(super) fn spans(request: &[u8]) -> Vec<RequestSpan<'_>> {
    let mut spans = Vec::new();
    for resource_spans in fields_of(request, 1) {
        let resource = without(resource_spans, 2);
        for scope_spans in fields_of(resource_spans, 2) {
            let scope = without(scope_spans, 2);
            spans.extend(fields_of(scope_spans, 2).map(|span| RequestSpan {
                resource: resource.clone(),
                scope: scope.clone(),
                span,
            }));
        }
    }
    spans
}

/// The fields 1 and 3 of an envelope: its resource or scope, and its schema URL.
fn without(envelope: &[u8], spans: u32) -> Vec<u8> {
    let mut kept = Vec::new();
    for number in [1, 3].into_iter().filter(|number| *number != spans) {
        for content in fields_of(envelope, number) {
            prost::encoding::encode_key(
                number,
                prost::encoding::WireType::LengthDelimited,
                &mut kept,
            );
            prost::encoding::encode_varint(content.len() as u64, &mut kept);
            kept.extend_from_slice(content);
        }
    }
    kept
}
