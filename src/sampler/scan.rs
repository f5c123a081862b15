//! One pass over a trace's spans for all policies together: each attribute is visited once.
//!
//! While policies are compiled they add probes: tests on a span or a resource, with the slots of the attributes that
//! they read. A run reads every span's fields once, fills the slots, and asks the probes that are still open; it ends
//! as soon as none is.

mod slots;

use std::ops::ControlFlow;

use super::config::Scope;
use super::policy::PolicyError;
use super::span_context::{AttributeSource, SlotAllocator, SlotId, SpanContext};
use super::trace_summary::RunningDuration;
use super::trace_view::{SpanView, TraceView};
use super::witness::Witness;
use crate::otlp::wire::span_fields::SpanFields;
use crate::otlp::wire::value::{RawValue, resource_attributes, scope_attributes};
use slots::SlotTable;

/// A question about the spans of a trace.
pub(super) trait SpanTest: std::fmt::Debug + Send + Sync {
    /// Whether the span matches; `memory` is the probe's own for the trace at hand.
    fn span(&self, span: &SpanContext<'_>, memory: &mut Memory) -> Result<bool, PolicyError>;

    /// Whether the span's resource does; asked once for a run of spans that share it.
    fn resource(&self, _: &SpanContext<'_>, _: &mut Memory) -> bool {
        false
    }
}

/// What a probe keeps from span to span of one trace.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    /// The value that it looked at: the one that matched, or else the first.
    pub(super) witness: Witness,
    /// The trace's duration so far.
    pub(super) duration: RunningDuration,
}

/// Which of a scan's probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProbeId(usize);

/// All probes of a policy set.
#[derive(Debug, Default)]
pub(super) struct Scan {
    slots: SlotTable,
    probes: Vec<Probe>,
}

#[derive(Debug)]
struct Probe {
    scope: Scope,
    test: Box<dyn SpanTest>,
}

/// What a run has found; its memory is used again by the next.
#[derive(Debug, Default)]
pub(super) struct Findings {
    states: Vec<State>,
    repeated_attributes: u64,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// The answer, once there is one.
    settled: Option<Result<bool, PolicyError>>,
    /// The answer if nothing settles it.
    otherwise: bool,
    resource_matches: bool,
    /// Whether the resource at hand has been asked.
    has_asked_resource: bool,
    memory: Memory,
}

impl Scan {
    /// Adds a probe.
    pub(super) fn add(&mut self, scope: Scope, test: Box<dyn SpanTest>) -> ProbeId {
        self.probes.push(Probe { scope, test });
        ProbeId(self.probes.len() - 1)
    }

    /// Asks all probes about `trace`.
    pub(super) fn run(&self, trace: &TraceView<'_>, findings: &mut Findings) {
        findings.states.clear();
        findings.states.resize(self.probes.len(), State::default());
        findings.repeated_attributes = 0;
        let mut open = self.probes.len();
        let mut slots = vec![None; self.slots.count()];
        let mut envelope: Option<SpanView<'_>> = None;
        trace.spans.visit(&mut |view| {
            let has_new_resource =
                envelope.is_none_or(|last| !is_same(last.resource, view.resource));
            let has_new_scope = envelope.is_none_or(|last| !is_same(last.scope, view.scope));
            envelope = Some(view);
            let mut repeated = self.fill(view, has_new_resource, has_new_scope, &mut slots);
            let fields = SpanFields::read(view.span, |attribute| {
                repeated += self.slots.put_encoded(attribute, &mut slots);
            });
            findings.repeated_attributes += repeated;
            let span = SpanContext {
                fields: &fields,
                slots: &slots,
                span: view.span,
                resource: view.resource,
                scope: view.scope,
                event: None,
            };
            open -= self.ask(&span, has_new_resource, &mut findings.states);
            if open == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }

    /// Empties the span's slots, and fills those of a new resource or scope.
    fn fill<'a>(
        &self,
        view: SpanView<'a>,
        has_new_resource: bool,
        has_new_scope: bool,
        slots: &mut [Option<RawValue<'a>>],
    ) -> u64 {
        self.slots.clear(AttributeSource::Span, slots);
        let mut repeated = 0;
        if has_new_resource && self.slots.has(AttributeSource::Resource) {
            self.slots.clear(AttributeSource::Resource, slots);
            for (key, value) in resource_attributes(view.resource) {
                repeated += self.slots.put(AttributeSource::Resource, key, value, slots);
            }
        }
        if has_new_scope && self.slots.has(AttributeSource::Scope) {
            self.slots.clear(AttributeSource::Scope, slots);
            for (key, value) in scope_attributes(view.scope) {
                repeated += self.slots.put(AttributeSource::Scope, key, value, slots);
            }
        }
        repeated
    }

    /// Asks the open probes about one span; returns how many of them have settled.
    fn ask(&self, span: &SpanContext<'_>, has_new_resource: bool, states: &mut [State]) -> usize {
        let mut settled = 0;
        for (probe, state) in self.probes.iter().zip(states) {
            if state.settled.is_none() {
                probe.ask(span, has_new_resource, state);
                settled += usize::from(state.settled.is_some());
            }
        }
        settled
    }
}

impl SlotAllocator for Scan {
    fn slot(&mut self, source: AttributeSource, key: &str) -> SlotId {
        self.slots.slot(source, key)
    }
}

impl Probe {
    fn ask(&self, span: &SpanContext<'_>, has_new_resource: bool, state: &mut State) {
        state.has_asked_resource &= !has_new_resource;
        if self.scope == Scope::Root && !span.fields.is_root() {
            return;
        }
        if !state.has_asked_resource {
            state.resource_matches = self.test.resource(span, &mut state.memory);
            state.has_asked_resource = true;
        }
        // All spans match until one does not.
        state.otherwise = self.scope == Scope::All;
        if state.resource_matches {
            if self.scope != Scope::All {
                state.settled = Some(Ok(true));
            }
            return;
        }
        if self.scope == Scope::Resource {
            return;
        }
        match self.test.span(span, &mut state.memory) {
            Ok(matches) if matches != (self.scope == Scope::All) => {
                state.settled = Some(Ok(matches));
            }
            Ok(_) => {}
            Err(error) => state.settled = Some(Err(error)),
        }
    }
}

impl Findings {
    /// The answer to a probe and the value that it looked at.
    pub(super) fn answer(&self, probe: ProbeId) -> Result<(bool, Witness), PolicyError> {
        let Some(state) = self.states.get(probe.0) else {
            return Ok((false, Witness::Nothing));
        };
        let matches = state.settled.clone().unwrap_or(Ok(state.otherwise))?;
        Ok((matches, state.memory.witness))
    }

    /// Attributes that stood twice in one place, of those that somebody asked for.
    pub(super) fn repeated_attributes(&self) -> u64 {
        self.repeated_attributes
    }
}

/// Whether two envelopes are the same bytes in memory: those of interned ones are.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    std::ptr::eq(one, other)
}

#[cfg(test)]
mod tests;
