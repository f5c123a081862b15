//! Spans in short form: only what a test is about, the rest has defaults.
//!
//! The first span of a trace is its root and the parent of all others, unless they say otherwise.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::span_ids::SpanIds;
use crate::config::decode::{Fields, Place};

const KINDS: [(&str, i32); 6] = [
    ("unspecified", 0),
    ("internal", 1),
    ("server", 2),
    ("client", 3),
    ("producer", 4),
    ("consumer", 5),
];

const STATUSES: [(&str, i32); 3] = [("unset", 0), ("ok", 1), ("error", 2)];

/// A span and what is around it.
struct Placed {
    resource: Vec<KeyValue>,
    scope: Option<InstrumentationScope>,
    span: Span,
}

/// Neighbours with equal resource and scope stand in one `ResourceSpans`, as they would arrive.
pub(super) fn spans(place: &Place<'_>) -> Vec<ResourceSpans> {
    let items = place.strict_items();
    if items.is_empty() {
        place.error("there are no spans", "");
    }
    let ids = SpanIds::of(&items);
    let mut all: Vec<ResourceSpans> = Vec::new();
    let mut before: Option<(Vec<KeyValue>, Option<InstrumentationScope>)> = None;
    for (number, item) in items.iter().enumerate() {
        let Placed {
            resource,
            scope,
            span,
        } = span(item, number, &ids);
        let around = Some((resource.clone(), scope.clone()));
        let open = all.last_mut().and_then(|open| open.scope_spans.last_mut());
        match open.filter(|_| around == before) {
            Some(open) => open.spans.push(span),
            None => all.push(ResourceSpans {
                resource: Some(Resource {
                    attributes: resource,
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    scope,
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }),
        }
        before = around;
    }
    all
}

fn span(place: &Place<'_>, number: usize, ids: &SpanIds) -> Placed {
    let mut fields = place.fields();
    // Read before, by `ids`.
    fields.take("id");
    let resource = resource(&mut fields);
    let scope = fields.section("scope").map(scope);
    let mut span = Span {
        span_id: ids.own(number),
        parent_span_id: match fields.take("parent") {
            Some(parent) => ids.parent(&parent),
            None if number > 0 => ids.own(0),
            None => Vec::new(),
        },
        attributes: attributes(&mut fields, "attributes"),
        ..Span::default()
    };
    fields.set("name", &mut span.name, text);
    span.kind = 1;
    fields.set("kind", &mut span.kind, |kind| kind.choice(&KINDS));
    fields.set("trace_state", &mut span.trace_state, text);
    fields.set("flags", &mut span.flags, |flags| {
        let flags = flags.integer(0..=u64::from(u32::MAX))?;
        u32::try_from(flags).ok()
    });
    span.start_time_unix_nano = nanoseconds(&mut fields, "start");
    span.end_time_unix_nano = span.start_time_unix_nano + nanoseconds(&mut fields, "duration");
    span.status = fields.take("status").map(|place| status(&place));
    if let Some(events) = fields.take("events") {
        let items = events.strict_items();
        span.events = items.iter().map(event).collect();
    }
    fields.finish();
    Placed {
        resource,
        scope,
        span,
    }
}

/// `service` is short for the resource attribute `service.name`.
fn resource(fields: &mut Fields<'_>) -> Vec<KeyValue> {
    let service = fields.take("service");
    let name = service.as_ref().and_then(|place| place.text());
    let name = name.map(|name| KeyValue {
        key: "service.name".to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(name.to_owned())),
        }),
        ..KeyValue::default()
    });
    let others = attributes(fields, "resource");
    name.into_iter().chain(others).collect()
}

fn scope(mut fields: Fields<'_>) -> InstrumentationScope {
    let mut scope = InstrumentationScope::default();
    fields.set("name", &mut scope.name, text);
    fields.set("version", &mut scope.version, text);
    scope.attributes = attributes(&mut fields, "attributes");
    fields.finish();
    scope
}

/// `error`, or `{code: error, message: timed out}`.
fn status(place: &Place<'_>) -> Status {
    let mut status = Status::default();
    if !place.is_mapping() {
        status.code = place.choice(&STATUSES).unwrap_or_default();
        return status;
    }
    let mut fields = place.fields();
    fields.set("code", &mut status.code, |code| code.choice(&STATUSES));
    fields.set("message", &mut status.message, text);
    fields.finish();
    status
}

fn event(place: &Place<'_>) -> Event {
    let mut fields = place.fields();
    let mut event = Event {
        time_unix_nano: nanoseconds(&mut fields, "at"),
        attributes: attributes(&mut fields, "attributes"),
        ..Event::default()
    };
    fields.set("name", &mut event.name, text);
    fields.finish();
    event
}

fn attributes(fields: &mut Fields<'_>, key: &'static str) -> Vec<KeyValue> {
    let Some(mut named) = fields.section(key) else {
        return Vec::new();
    };
    named.all().into_iter().map(attribute).collect()
}

fn attribute((key, value): (&str, Place<'_>)) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value.any_value()),
        ..KeyValue::default()
    }
}

fn nanoseconds(fields: &mut Fields<'_>, key: &'static str) -> u64 {
    let duration = fields.take(key).and_then(|place| place.duration_or_zero());
    duration.map_or(0, |duration| duration.as_nanos() as u64)
}

fn text(place: &Place<'_>) -> Option<String> {
    place.text().map(str::to_owned)
}
