//! Paths: which field, which attributes, which part of an attribute.
//!
//! A first name that is a context and followed by a dot names whose field it is (`resource.`, `scope.`,
//! `instrumentation_scope.`, `span.`, and for events `spanevent.`); without one it is the subject's own.

use super::super::Subject;
use super::super::error::Fault;
use super::super::field::{Field, MapSource};
use super::super::program::{Formula, PathBase, TraceStateKey};
use super::super::syntax::{Expression, ExpressionKind, Segment};
use super::{Checker, suggest};
use crate::sampler::span_context::AttributeSource;

const SPAN_FIELDS: &[(&str, Field)] = &[
    ("dropped_attributes_count", Field::DroppedAttributesCount),
    ("dropped_events_count", Field::DroppedEventsCount),
    ("dropped_links_count", Field::DroppedLinksCount),
    ("end_time", Field::EndTime),
    ("end_time_unix_nano", Field::EndTimeUnixNano),
    ("events", Field::Events),
    ("flags", Field::Flags),
    ("kind", Field::Kind),
    ("kind.deprecated_string", Field::KindDeprecatedText),
    ("kind.string", Field::KindText),
    ("links", Field::Links),
    ("name", Field::Name),
    ("parent_span_id", Field::ParentSpanId),
    ("parent_span_id.string", Field::ParentSpanIdText),
    ("span_id", Field::SpanId),
    ("span_id.string", Field::SpanIdText),
    ("start_time", Field::StartTime),
    ("start_time_unix_nano", Field::StartTimeUnixNano),
    ("status", Field::Status),
    ("status.code", Field::StatusCode),
    ("status.message", Field::StatusMessage),
    ("trace_id", Field::TraceId),
    ("trace_id.string", Field::TraceIdText),
    ("trace_state", Field::TraceState),
];

const EVENT_FIELDS: &[(&str, Field)] = &[
    (
        "dropped_attributes_count",
        Field::EventDroppedAttributesCount,
    ),
    ("event_index", Field::EventIndex),
    ("name", Field::EventName),
    ("time", Field::EventTime),
    ("time_unix_nano", Field::EventTimeUnixNano),
];

const RESOURCE_FIELDS: &[(&str, Field)] = &[
    (
        "dropped_attributes_count",
        Field::ResourceDroppedAttributesCount,
    ),
    ("schema_url", Field::ResourceSchemaUrl),
];

const SCOPE_FIELDS: &[(&str, Field)] = &[
    (
        "dropped_attributes_count",
        Field::ScopeDroppedAttributesCount,
    ),
    ("name", Field::ScopeName),
    ("schema_url", Field::ScopeSchemaUrl),
    ("version", Field::ScopeVersion),
];

/// Whose field a path names.
struct Context {
    name: &'static str,
    fields: &'static [(&'static str, Field)],
    attributes: MapSource,
}

const SPAN: Context = Context {
    name: "span",
    fields: SPAN_FIELDS,
    attributes: MapSource::Attributes(AttributeSource::Span),
};
const EVENT: Context = Context {
    name: "spanevent",
    fields: EVENT_FIELDS,
    attributes: MapSource::Event,
};
const RESOURCE: Context = Context {
    name: "resource",
    fields: RESOURCE_FIELDS,
    attributes: MapSource::Attributes(AttributeSource::Resource),
};
const SCOPE: Context = Context {
    name: "scope",
    fields: SCOPE_FIELDS,
    attributes: MapSource::Attributes(AttributeSource::Scope),
};

impl Checker<'_> {
    pub(super) fn path(&mut self, segments: &[Segment]) -> Result<Formula, Fault> {
        let (context, fields) = self.context(segments);
        let Some((first, rest)) = fields.split_first() else {
            return Err(Fault::new(0, "a path without a name"));
        };
        let map = match first.name.as_str() {
            "attributes" => Some(context.attributes),
            "cache" if context.name == self.own_context().name => Some(MapSource::Cache),
            _ => None,
        };
        if let Some(map) = map {
            if let Some(extra) = rest.first() {
                let problem = format!("{} have no field `{}`", first.name, extra.name);
                let advice = "write attributes[\"key\"]; a dot belongs into the key";
                return Err(Fault::new(extra.at, problem).advice(advice));
            }
            return self.map_path(map, &first.keys);
        }
        if first.name == "trace_state" && context.name == "span" && !first.keys.is_empty() {
            return self.trace_state_member(first, rest);
        }
        self.field(&context, first, fields)
    }

    fn own_context(&self) -> Context {
        match self.subject {
            Subject::Span => SPAN,
            Subject::SpanEvent => EVENT,
        }
    }

    /// The context that the first of `segments` names, and what follows it.
    fn context<'s>(&self, segments: &'s [Segment]) -> (Context, &'s [Segment]) {
        let own = self.own_context();
        let Some((first, rest)) = segments.split_first() else {
            return (own, segments);
        };
        if rest.is_empty() || !first.keys.is_empty() {
            return (own, segments);
        }
        match (first.name.as_str(), self.subject) {
            ("span", _) => (SPAN, rest),
            ("spanevent", Subject::SpanEvent) => (EVENT, rest),
            ("resource", _) => (RESOURCE, rest),
            ("scope" | "instrumentation_scope", _) => (SCOPE, rest),
            _ => (own, segments),
        }
    }

    fn field(
        &self,
        context: &Context,
        first: &Segment,
        segments: &[Segment],
    ) -> Result<Formula, Fault> {
        let names: Vec<&str> = segments
            .iter()
            .map(|segment| segment.name.as_str())
            .collect();
        let name = names.join(".");
        let Some((_, field)) = context.fields.iter().find(|(known, _)| *known == name) else {
            let problem = format!("unknown path `{name}` of a {}", context.name);
            return Err(Fault::new(first.at, problem).advice(self.advice(context, first, &name)));
        };
        if let Some(indexed) = segments.iter().find(|segment| !segment.keys.is_empty()) {
            let at = indexed.keys.first().map_or(indexed.at, |key| key.at);
            let problem = format!("`{}` cannot be indexed", indexed.name);
            return Err(Fault::new(at, problem).advice("attributes and trace_state can"));
        }
        Ok(Formula::Field(*field))
    }

    fn advice(&self, context: &Context, first: &Segment, name: &str) -> String {
        match first.name.as_str() {
            "spanevent" if self.subject == Subject::Span => {
                "conditions on events stand under spanevent".to_owned()
            }
            "otelcol" => "what the collector knows of its client is not known here".to_owned(),
            "resource" => "write resource.attributes[\"key\"]".to_owned(),
            _ => {
                let known = context.fields.iter().map(|(known, _)| *known);
                suggest::nearest(name, known.chain(["attributes"]))
            }
        }
    }

    fn map_path(&mut self, source: MapSource, keys: &[Expression]) -> Result<Formula, Fault> {
        let Some((first, rest)) = keys.split_first() else {
            return Ok(Formula::WholeMap(source));
        };
        if let (ExpressionKind::Text(key), MapSource::Attributes(source)) = (&first.kind, source) {
            let index = self.attribute(source, key);
            if rest.is_empty() {
                return Ok(Formula::Attribute(index));
            }
            return Ok(Formula::Path {
                base: PathBase::Attribute(index),
                keys: self.keys(rest)?,
            });
        }
        Ok(Formula::Path {
            base: PathBase::Map(source),
            keys: self.keys(keys)?,
        })
    }

    fn trace_state_member(
        &mut self,
        segment: &Segment,
        rest: &[Segment],
    ) -> Result<Formula, Fault> {
        if let Some(extra) = rest.first() {
            return Err(Fault::new(
                extra.at,
                "a member of trace_state has no fields",
            ));
        }
        self.keys(&segment.keys)?;
        match segment.keys.as_slice() {
            [key] => Ok(Formula::TraceStateMember(match &key.kind {
                ExpressionKind::Text(key) => TraceStateKey::Text(key.as_str().into()),
                _ => TraceStateKey::NotText,
            })),
            keys => {
                let at = keys.get(1).map_or(segment.at, |second| second.at);
                Err(Fault::new(at, "trace_state takes exactly one key"))
            }
        }
    }
}
