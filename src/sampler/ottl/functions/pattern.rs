//! `IsMatch`. A constant pattern is compiled when the condition is read. One that comes from a span is compiled when it
//! is met: OTTL does so each time, here the last [`PATTERNS_KEPT`] of a condition are kept.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::convert;
use super::super::error::{EvaluationError, Reason};
use super::super::evaluate::Outcome;
use super::super::value::Value;
use super::ParameterKind::{Pattern as APattern, TextLike};
use super::{Argument, Function, Invocation, function, required};
use crate::sampler::pattern::{Pattern, PatternBudget};

/// Changing patterns that a condition keeps compiled.
const PATTERNS_KEPT: usize = 4;
/// What one of them may take when compiled.
const CHANGING_PATTERN_COMPILED_BYTES_MAX: usize = 512 << 10;
/// Longest changing pattern: whoever sends spans writes it, and it is compiled on the hot path.
const CHANGING_PATTERN_BYTES_MAX: usize = 1024;

pub(super) const FUNCTIONS: &[Function] = &[function(
    "IsMatch",
    &[required("target", TextLike), required("pattern", APattern)],
    is_match,
)];

/// Patterns met last, the latest first.
#[derive(Default)]
pub(in super::super) struct PatternCache {
    patterns: Mutex<Vec<Known>>,
}

/// A pattern that was met.
#[derive(Clone)]
struct Known {
    text: Arc<[u8]>,
    /// `None` where it is none.
    pattern: Option<Arc<Pattern>>,
}

fn is_match(call: Invocation<'_>) -> Outcome<'_> {
    let changing;
    let pattern = match call.argument(1) {
        Argument::Pattern(pattern) => pattern,
        Argument::ChangingPattern(formula, cache) => {
            let text = convert::text(formula.value(call.frame)?)?;
            changing = cache.pattern(&text)?;
            &changing
        }
        _ => return Err(Reason::BadPattern.into()),
    };
    let target = convert::text_like(call.value(0)?)?;
    let is_match = target.is_some_and(|target| pattern.is_match(&target));
    Ok(Value::Bool(is_match))
}

impl PatternCache {
    /// The pattern that `text` is. Shards share the cache: none waits while another compiles.
    fn pattern(&self, text: &[u8]) -> Result<Arc<Pattern>, EvaluationError> {
        if text.len() > CHANGING_PATTERN_BYTES_MAX {
            return Err(Reason::BadPattern.into());
        }
        let known = self.known(text).unwrap_or_else(|| {
            let known = Known {
                text: text.into(),
                pattern: compile(text).map(Arc::new),
            };
            self.keep(known.clone());
            known
        });
        Ok(known.pattern.ok_or(Reason::BadPattern)?)
    }

    fn known(&self, text: &[u8]) -> Option<Known> {
        let mut patterns = self.patterns.lock();
        let place = patterns.iter().position(|known| *known.text == *text)?;
        patterns.get_mut(..=place)?.rotate_right(1);
        patterns.first().cloned()
    }

    fn keep(&self, new: Known) {
        let mut patterns = self.patterns.lock();
        // Another shard may have met it meanwhile.
        patterns.retain(|known| known.text != new.text);
        patterns.truncate(PATTERNS_KEPT - 1);
        patterns.insert(0, new);
    }
}

fn compile(text: &[u8]) -> Option<Pattern> {
    let budget = PatternBudget::new(CHANGING_PATTERN_COMPILED_BYTES_MAX);
    Pattern::parse_within(convert::utf8(text)?, &budget).ok()
}

impl fmt::Debug for PatternCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatternCache").finish_non_exhaustive()
    }
}
