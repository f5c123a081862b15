//! `boolean_attribute`: keeps traces with an attribute that is true, or false. Values of other types count as false.

use super::attribute::{self, ValueTest};
use crate::otlp::wire::value::AnyValue;
use crate::sampler::compiler::Compiler;
use crate::sampler::config::AttributeConfig;
use crate::sampler::policy::Policy;

#[derive(Debug)]
struct Wanted(bool);

pub(super) fn compile(
    config: &AttributeConfig<bool>,
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    attribute::compile(config, Wanted(config.wanted), compiler)
}

impl ValueTest for Wanted {
    fn matches(&self, value: AnyValue<'_>) -> bool {
        matches!(value, AnyValue::Bool(true)) == self.0
    }
}
