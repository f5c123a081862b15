//! A place among the spans of the trace at hand, and what has been read of the span that is there.

use super::attributes;
use crate::otlp::wire::span_fields::{EventFields, SPAN_EVENTS, SpanFields};
use crate::otlp::wire::value::{RawValue, fields_of};
use crate::sampler::trace_view::SpanView;

/// Before the first span, at one, or behind the last.
#[derive(Default)]
pub(super) struct Cursor<'a> {
    /// Of the span that [`Cursor::next_index`] comes after.
    index: usize,
    has_begun: bool,
    view: Option<SpanView<'a>>,
    /// Its fields, once one was asked for.
    fields: Option<SpanFields<'a>>,
    /// Its encoded attributes, read with the fields. Its memory serves all spans.
    encoded: Vec<&'a [u8]>,
}

impl<'a> Cursor<'a> {
    pub(super) fn next_index(&self) -> usize {
        self.index + usize::from(self.has_begun)
    }

    /// The current span's number; `None` without one.
    pub(super) fn index(&self) -> Option<usize> {
        self.view.map(|_| self.index)
    }

    pub(super) fn go_to(&mut self, index: usize, view: Option<SpanView<'a>>) {
        self.index = index;
        // Behind the last one it stays there.
        self.has_begun = view.is_some();
        self.view = view;
        self.fields = None;
    }

    /// The current span's fields; those of an empty span without one.
    pub(super) fn fields(&mut self) -> SpanFields<'a> {
        if let Some(fields) = self.fields {
            return fields;
        }
        self.encoded.clear();
        let Some(view) = self.view else {
            return SpanFields::default();
        };
        let fields = SpanFields::read(view.span, |attribute| self.encoded.push(attribute));
        *self.fields.insert(fields)
    }

    pub(super) fn attribute(&mut self, key: &[u8]) -> Option<RawValue<'a>> {
        self.fields();
        attributes::find(&self.encoded, key)
    }

    pub(super) fn resource_attribute(&self, key: &[u8]) -> Option<RawValue<'a>> {
        attributes::find_in_resource(self.view?.resource, key)
    }

    pub(super) fn service(&self) -> Option<&'a [u8]> {
        attributes::service(self.view?.resource)
    }

    pub(super) fn scope_name(&self) -> Option<&'a [u8]> {
        const SCOPE: u32 = 1;
        const NAME: u32 = 1;
        let scope = fields_of(self.view?.scope, SCOPE).last()?;
        fields_of(scope, NAME).last()
    }

    pub(super) fn event_count(&mut self, name: &[u8]) -> u32 {
        let Some(view) = self.view else { return 0 };
        if !self.fields().has_events {
            return 0;
        }
        let events = fields_of(view.span, SPAN_EVENTS).map(EventFields::read);
        events.filter(|event| event.name == name).count() as u32
    }
}
