//! `ottl_condition`: keeps traces with a span, or an event of a span, for which one of some conditions holds.
//!
//! Spans are asked in order of arrival, each for itself and then its events; the first condition that holds ends it, and
//! under `error_mode: propagate` so does the first that fails.

use crate::otlp::wire::span_fields::{EventFields, SPAN_EVENTS};
use crate::otlp::wire::value::fields_of;
use crate::sampler::compiler::Compiler;
use crate::sampler::config::{ErrorMode, Scope};
use crate::sampler::evaluation::Evaluation;
use crate::sampler::ottl::{CompiledCondition, Condition};
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::scan::{Memory, ProbeId, SpanTest};
use crate::sampler::span_context::SpanContext;
use crate::sampler::witness::Witness;

#[derive(Debug)]
struct OttlCondition(ProbeId);

#[derive(Debug)]
struct Conditions {
    fails_on_error: bool,
    span: Vec<CompiledCondition>,
    span_event: Vec<CompiledCondition>,
}

pub(super) fn compile(
    error_mode: ErrorMode,
    span: &[Condition],
    span_event: &[Condition],
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    let mut compiled = |conditions: &[Condition]| {
        let conditions = conditions.iter();
        conditions
            .map(|condition| condition.compile(compiler.slots()))
            .collect()
    };
    let conditions = Conditions {
        fails_on_error: error_mode == ErrorMode::Propagate,
        span: compiled(span),
        span_event: compiled(span_event),
    };
    Box::new(OttlCondition(
        compiler.probe(Scope::Any, Box::new(conditions)),
    ))
}

impl Policy for OttlCondition {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let (matches, witness) = evaluation.found(self.0)?;
        Ok(Opinion {
            vote: Vote::sampled_if(matches),
            witness,
        })
    }
}

impl Conditions {
    fn any(
        &self,
        conditions: &[CompiledCondition],
        span: &SpanContext<'_>,
    ) -> Result<bool, PolicyError> {
        for condition in conditions {
            match condition.holds(span) {
                Ok(true) => return Ok(true),
                Err(error) if self.fails_on_error => {
                    let reason = error.to_string();
                    return Err(PolicyError { reason });
                }
                Ok(false) | Err(_) => {}
            }
        }
        Ok(false)
    }
}

impl SpanTest for Conditions {
    fn span(&self, span: &SpanContext<'_>, memory: &mut Memory) -> Result<bool, PolicyError> {
        let mut holds = self.any(&self.span, span)?;
        if !holds && span.fields.has_events && !self.span_event.is_empty() {
            for encoded in fields_of(span.span, SPAN_EVENTS) {
                let event = EventFields::read(encoded);
                let context = SpanContext {
                    event: Some(&event),
                    ..*span
                };
                if self.any(&self.span_event, &context)? {
                    holds = true;
                    break;
                }
            }
        }
        if holds {
            memory.witness = Witness::text(span.fields.name);
        }
        Ok(holds)
    }
}
