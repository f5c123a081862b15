//! `span_count`: traces with so many spans. Both numbers have 32 bits, as in the collector.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> RuleConfig {
    let (mut min_spans, mut max_spans) = (0, 0);
    let spans = Place::collector_integer_32;
    settings.set("min_spans", &mut min_spans, spans);
    settings.set("max_spans", &mut max_spans, spans);
    if max_spans != 0 && max_spans < min_spans.max(1) {
        let problem = "max_spans is below min_spans, so no trace is kept";
        settings.place().warning(problem, "");
    }
    RuleConfig::SpanCount {
        min_spans,
        max_spans,
    }
}
