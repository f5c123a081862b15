//! `numeric_attribute`: keeps traces with an attribute within a range. Values that are no integers count as 0.

use super::attribute::{self, ValueTest};
use crate::otlp::wire::value::AnyValue;
use crate::sampler::compiler::Compiler;
use crate::sampler::config::{AttributeConfig, NumericRange};
use crate::sampler::policy::Policy;

pub(super) fn compile(
    config: &AttributeConfig<NumericRange>,
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    attribute::compile(config, config.wanted, compiler)
}

impl ValueTest for NumericRange {
    fn matches(&self, value: AnyValue<'_>) -> bool {
        let number = match value {
            AnyValue::Int(number) => number,
            _ => 0,
        };
        self.min.is_none_or(|min| min <= number) && self.max.is_none_or(|max| number <= max)
    }
}
