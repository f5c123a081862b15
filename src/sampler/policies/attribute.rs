//! What the attribute policies share: a key looked for in spans and resources, and a test of its value.
//!
//! `invert_match` swaps the votes, and no more than that: an inverted policy vetoes nothing.

use crate::otlp::wire::value::{AnyValue, RawValue};
use crate::sampler::compiler::Compiler;
use crate::sampler::config::AttributeConfig;
use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::scan::{Memory, ProbeId, SpanTest};
use crate::sampler::span_context::{AttributeSource, SlotId, SpanContext};
use crate::sampler::witness::Witness;

/// A test of an attribute's value.
pub(super) trait ValueTest: std::fmt::Debug + Send + Sync {
    /// Whether a value of the resource matches.
    fn matches(&self, value: AnyValue<'_>) -> bool;

    /// Whether a value of a span does.
    fn matches_in_span(&self, value: AnyValue<'_>) -> bool {
        self.matches(value)
    }
}

#[derive(Debug)]
struct AttributePolicy {
    probe: ProbeId,
    invert_match: bool,
}

#[derive(Debug)]
struct AttributeTest<T> {
    in_span: SlotId,
    in_resource: SlotId,
    test: T,
}

pub(super) fn compile<C, T: ValueTest + 'static>(
    config: &AttributeConfig<C>,
    test: T,
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    let test = AttributeTest {
        in_span: compiler.slots().slot(AttributeSource::Span, &config.key),
        in_resource: compiler
            .slots()
            .slot(AttributeSource::Resource, &config.key),
        test,
    };
    Box::new(AttributePolicy {
        probe: compiler.probe(config.scope, Box::new(test)),
        invert_match: config.invert_match,
    })
}

impl Policy for AttributePolicy {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let (matches, witness) = evaluation.found(self.probe)?;
        Ok(Opinion {
            vote: Vote::sampled_if(matches != self.invert_match),
            witness,
        })
    }
}

impl<T: ValueTest> SpanTest for AttributeTest<T> {
    fn span(&self, span: &SpanContext<'_>, memory: &mut Memory) -> Result<bool, PolicyError> {
        Ok(look(span.slot(self.in_span), memory, |value| {
            self.test.matches_in_span(value)
        }))
    }

    fn resource(&self, span: &SpanContext<'_>, memory: &mut Memory) -> bool {
        look(span.slot(self.in_resource), memory, |value| {
            self.test.matches(value)
        })
    }
}

fn look(
    value: Option<RawValue<'_>>,
    memory: &mut Memory,
    matches: impl FnOnce(AnyValue<'_>) -> bool,
) -> bool {
    let Some(value) = value else {
        return false;
    };
    let value = value.read();
    let is_match = matches(value);
    if is_match || memory.witness == Witness::Nothing {
        memory.witness = Witness::of_value(value);
    }
    is_match
}
