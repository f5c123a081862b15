//! `decision_wait`, `decision_wait_after_root_received` and `num_traces`.

use std::time::Duration;

use crate::buffer::config::WindowConfig;
use crate::config::decode::{Fields, Place};

/// Longest window: spans of a trace are not a week apart.
const WINDOW_MAX: Duration = Duration::from_secs(7 * 86_400);

pub(super) fn windows(fields: &mut Fields<'_>) -> WindowConfig {
    let mut config = WindowConfig::default();
    fields.set("decision_wait", &mut config.decision_wait, |wait| {
        let window = window(wait)?;
        if window.is_none() {
            wait.error("must be longer than 0", "the collector's default is 30s");
        }
        window
    });
    let after_root = &mut config.decision_wait_after_root;
    fields.set("decision_wait_after_root_received", after_root, window);
    fields.set("num_traces", &mut config.num_traces, num_traces);
    config
}

/// A window; `Some(None)` for 0.
fn window(place: &Place<'_>) -> Option<Option<Duration>> {
    let Ok(ns) = u64::try_from(place.collector_duration_ns()?) else {
        place.error("must not be negative", "");
        return None;
    };
    let window = Duration::from_nanos(ns);
    if window > WINDOW_MAX {
        place.error("is too long", "at most 7d");
        return None;
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
