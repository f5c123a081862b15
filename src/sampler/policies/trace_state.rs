//! `trace_state`: keeps traces with a span whose W3C tracestate has one of some values under a key.

use crate::otlp::trace_state::Members;
use crate::sampler::compiler::Compiler;
use crate::sampler::config::Scope;
use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::scan::{Memory, ProbeId, SpanTest};
use crate::sampler::span_context::SpanContext;
use crate::sampler::witness::Witness;

/// Wanted values are ignored if they and their key are as long together: the collector's limit.
const MEMBER_CHARACTERS_MAX: usize = 256;

#[derive(Debug)]
struct TraceState(ProbeId);

#[derive(Debug)]
struct TraceStateTest {
    key: String,
    values: Vec<String>,
}

pub(super) fn compile(
    key: &str,
    values: &[String],
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    let is_short = |value: &&String| key.len() + value.len() < MEMBER_CHARACTERS_MAX;
    let test = TraceStateTest {
        key: key.to_owned(),
        values: values.iter().filter(is_short).cloned().collect(),
    };
    Box::new(TraceState(compiler.probe(Scope::Any, Box::new(test))))
}

impl Policy for TraceState {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let (matches, witness) = evaluation.found(self.0)?;
        Ok(Opinion {
            vote: Vote::sampled_if(matches),
            witness,
        })
    }
}

impl SpanTest for TraceStateTest {
    fn span(&self, span: &SpanContext<'_>, memory: &mut Memory) -> Result<bool, PolicyError> {
        if span.fields.trace_state.is_empty() {
            return Ok(false);
        }
        let members = Members::parse(span.fields.trace_state);
        let value = members.ok().and_then(|it| it.get(self.key.as_bytes()));
        let Some(value) = value else {
            return Ok(false);
        };
        let is_match = self.values.iter().any(|wanted| wanted.as_bytes() == value);
        if is_match || memory.witness == Witness::Nothing {
            memory.witness = Witness::text(value);
        }
        Ok(is_match)
    }
}
