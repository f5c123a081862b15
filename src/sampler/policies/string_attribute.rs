//! `string_attribute`: keeps traces with an attribute of some value, or matching a regular expression.
//!
//! Values of other types count as empty. An empty value of a span never matches, one of a resource may; source: the
//! collector's policy.

use rapidhash::RapidHashSet;

use super::attribute::{self, ValueTest};
use crate::otlp::wire::value::AnyValue;
use crate::sampler::compiler::Compiler;
use crate::sampler::config::{AttributeConfig, StringValues};
use crate::sampler::pattern::Pattern;
use crate::sampler::policy::Policy;

/// One of these values; empty ones are left out.
#[derive(Debug)]
enum OneOf {
    Few(Box<[Box<[u8]>]>),
    Many(RapidHashSet<Box<[u8]>>),
}

/// Up to so many values are compared one by one, which their lengths decide for most.
const FEW_MAX: usize = 8;

#[derive(Debug)]
struct MatchesOneOf(Vec<Pattern>);

pub(super) fn compile(
    config: &AttributeConfig<StringValues>,
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    match &config.wanted {
        StringValues::Exact(values) => {
            let values = values.iter().filter(|value| !value.is_empty());
            let values: RapidHashSet<Box<[u8]>> =
                values.map(|value| value.as_bytes().into()).collect();
            let values = if values.len() <= FEW_MAX {
                OneOf::Few(values.into_iter().collect())
            } else {
                OneOf::Many(values)
            };
            attribute::compile(config, values, compiler)
        }
        StringValues::Regex(patterns) => {
            attribute::compile(config, MatchesOneOf(patterns.clone()), compiler)
        }
    }
}

fn text(value: AnyValue<'_>) -> &[u8] {
    match value {
        AnyValue::Text(text) => text,
        _ => &[],
    }
}

impl ValueTest for OneOf {
    fn matches(&self, value: AnyValue<'_>) -> bool {
        let text = text(value);
        match self {
            Self::Few(values) => values.iter().any(|known| **known == *text),
            Self::Many(values) => values.contains(text),
        }
    }
}

impl ValueTest for MatchesOneOf {
    fn matches(&self, value: AnyValue<'_>) -> bool {
        let text = text(value);
        self.0.iter().any(|pattern| pattern.is_match(text))
    }

    fn matches_in_span(&self, value: AnyValue<'_>) -> bool {
        !text(value).is_empty() && self.matches(value)
    }
}
