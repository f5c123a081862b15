//! How long traces are held, how many, and how large: `decision_wait`, `num_traces` and their like.

use std::time::Duration;

use crate::buffer::config::{Overflow, WindowConfig};
use crate::config::decode::{Fields, Place};

/// Longest window: spans of a trace are not a week apart.
const WINDOW_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Shortest window: what the collector's 0, or less than that, stands for.
const WINDOW_MIN: Duration = Duration::from_millis(1);

const OVERFLOWS: [(&str, Overflow); 2] =
    [("decide", Overflow::Decide), ("discard", Overflow::Discard)];

pub(super) fn windows(fields: &mut Fields<'_>) -> WindowConfig {
    let mut config = WindowConfig::default();
    let wait = &mut config.decision_wait;
    fields.set("decision_wait", wait, |wait| {
        let window = window(wait)?;
        if window.is_none() {
            let problem = "is not above 0, so traces are decided 1ms after their first span";
            wait.warning(problem, "the collector's default is 30s");
        }
        Some(window.unwrap_or_default().max(WINDOW_MIN))
    });
    let after_root = &mut config.decision_wait_after_root;
    fields.set("decision_wait_after_root_received", after_root, window);
    fields.set("num_traces", &mut config.num_traces, num_traces);
    overflow(fields, &mut config);
    let size = &mut config.maximum_trace_size_bytes;
    fields.set("maximum_trace_size_bytes", size, |place| {
        let bytes = place.collector_unsigned()?;
        Some((bytes > 0).then_some(bytes))
    });
    config
}

/// A window; `Some(None)` for 0 or less.
fn window(place: &Place<'_>) -> Option<Option<Duration>> {
    let ns = u64::try_from(place.collector_duration_ns()?).unwrap_or(0);
    let window = Duration::from_nanos(ns);
    if window > WINDOW_MAX {
        place.warning("is taken as 7d, the longest window there is", "");
        return Some(Some(WINDOW_MAX));
    }
    Some((!window.is_zero()).then_some(window))
}

/// The number of traces; `Some(None)` for 0, which bounds nothing.
fn num_traces(place: &Place<'_>) -> Option<Option<usize>> {
    let traces = place.collector_unsigned()?;
    if traces == 0 {
        let advice = "remove it, or set the number of traces that may be held";
        place.warning(
            "0 is taken as no limit but that of the server file's memory.limit",
            advice,
        );
        return Some(None);
    }
    Some(Some(usize::try_from(traces).unwrap_or(usize::MAX)))
}

/// What happens at `num_traces`; nothing does without it.
fn overflow(fields: &mut Fields<'_>, config: &mut WindowConfig) {
    let without_limit = |place: &Place<'_>| {
        place.warning("has no effect without num_traces", "set num_traces as well");
    };
    if let Some(place) = fields.take("block_on_overflow") {
        config.block_on_overflow = place.boolean().unwrap_or_default();
        if config.block_on_overflow && config.num_traces.is_none() {
            without_limit(&place);
        }
    }
    if let Some(place) = fields.take("num_traces_overflow") {
        config.num_traces_overflow = place.choice(&OVERFLOWS).unwrap_or_default();
        if config.num_traces.is_none() {
            without_limit(&place);
        } else if config.block_on_overflow {
            place.warning("has no effect beside block_on_overflow", "keep one of them");
        }
    }
}
