//! A rule as the end of a sentence that begins with "it is kept if".

use crate::sampler::config::{
    AttributeConfig, Compat, CompositeConfig, EvaluationConfig, LimitScope, NumericRange,
    PolicyConfig, RuleConfig, Scope, StatusCode, StringValues,
};

/// Most values written out.
const VALUES_SHOWN_MAX: usize = 8;

/// What a rule says, and the policies that it says it of.
pub(super) struct Words<'a> {
    pub(super) text: String,
    /// In the order in which they are asked.
    pub(super) sub_policies: Vec<&'a PolicyConfig>,
}

pub(super) fn words<'a>(rule: &'a RuleConfig, evaluation: &EvaluationConfig) -> Words<'a> {
    let text = match rule {
        RuleConfig::And(policies) if policies.is_empty() => "always".to_owned(),
        RuleConfig::Drop(policies) if policies.is_empty() => "always".to_owned(),
        RuleConfig::And(_) => "all of these say so:".to_owned(),
        RuleConfig::Drop(_) => "all of these would keep it:".to_owned(),
        RuleConfig::Not(_) => "this does not say so:".to_owned(),
        RuleConfig::Composite(composite) => budget(composite),
        _ => plain(rule, evaluation),
    };
    let mut sub_policies: Vec<_> = rule.sub_policies().iter().collect();
    if let RuleConfig::Composite(composite) = rule
        && evaluation.strict
    {
        let order = &composite.policy_order;
        let place = |name: &str| order.iter().position(|other| other == name);
        sub_policies.sort_by_key(|policy| place(&policy.name).unwrap_or(usize::MAX));
    }
    Words { text, sub_policies }
}

/// A rule without rules within it.
fn plain(rule: &RuleConfig, evaluation: &EvaluationConfig) -> String {
    match rule {
        RuleConfig::Latency {
            threshold_ms,
            upper_threshold_ms,
        } => latency(*threshold_ms, *upper_threshold_ms, evaluation),
        RuleConfig::NumericAttribute(config) => attribute(config, &range(config.wanted)),
        RuleConfig::StringAttribute(config) => attribute(config, &values(&config.wanted)),
        RuleConfig::BooleanAttribute(config) => attribute(config, &format!("is {}", config.wanted)),
        RuleConfig::StatusCode { status_codes } => {
            let names = status_codes.iter().map(|code| status(*code).to_owned());
            format!("a span has the status {}", any_of(names.collect()))
        }
        RuleConfig::Probabilistic {
            sampling_percentage,
            ..
        } => format!(
            "its ID is among {} % of all",
            sampling_percentage.clamp(0.0, 100.0)
        ),
        RuleConfig::RateLimiting {
            spans_per_second,
            burst_capacity,
            scope,
        } => limit("spans", *spans_per_second, *burst_capacity, *scope),
        RuleConfig::BytesLimiting {
            bytes_per_second,
            burst_capacity,
            scope,
        } => limit("bytes", *bytes_per_second, *burst_capacity, *scope),
        RuleConfig::SpanCount {
            min_spans,
            max_spans,
        } => match (*min_spans, *max_spans) {
            (..=1, 0) => "always".to_owned(),
            (min, 0) => format!("it has {min} spans or more"),
            (..=1, max) => format!("it has {max} spans or fewer"),
            (min, max) => format!("it has {min} to {max} spans"),
        },
        RuleConfig::TraceState { key, values } => {
            let values = values.iter().map(|value| format!("{value:?}"));
            format!(
                "a span's trace state has {key:?} as {}",
                any_of(values.collect())
            )
        }
        RuleConfig::TraceFlags => "a span was sampled at its head".to_owned(),
        RuleConfig::OttlCondition {
            span, span_event, ..
        } => {
            let of_span = span.iter().map(|c| format!("on a span: {}", c.text()));
            let of_event = span_event
                .iter()
                .map(|c| format!("on an event: {}", c.text()));
            of_span.chain(of_event).collect::<Vec<_>>().join("; or ")
        }
        RuleConfig::Wasm(config) => {
            let module = config.module.display();
            format!("the plugin {module} says so")
        }
        _ => "always".to_owned(),
    }
}

fn latency(threshold_ms: i64, upper_threshold_ms: i64, evaluation: &EvaluationConfig) -> String {
    if upper_threshold_ms != 0 {
        let when = if evaluation.strict {
            ""
        } else {
            ", as far as its spans have arrived"
        };
        return format!(
            "it took longer than {threshold_ms} ms and up to {upper_threshold_ms} ms{when}"
        );
    }
    match evaluation.compat {
        Compat::Latest => format!("it took longer than {threshold_ms} ms"),
        Compat::V0_156 => format!("it took {threshold_ms} ms or longer"),
    }
}

fn attribute<T>(config: &AttributeConfig<T>, what: &str) -> String {
    let key = &config.key;
    let place = match config.scope {
        Scope::Any => "in a span or its resource",
        Scope::Root => "in its root span or the resource of it",
        Scope::Resource => "in a resource",
        Scope::All => "in every span or its resource",
    };
    if config.invert_match {
        return format!("it is not so that {key:?} {what} {place}");
    }
    format!("{key:?} {what} {place}")
}

fn range(range: NumericRange) -> String {
    match (range.min, range.max) {
        (Some(min), Some(max)) => format!("is from {min} to {max}"),
        (Some(min), None) => format!("is {min} or more"),
        (None, Some(max)) => format!("is {max} or less"),
        (None, None) => "is any integer".to_owned(),
    }
}

fn values(values: &StringValues) -> String {
    match values {
        StringValues::Exact(texts) => {
            let texts = texts.iter().filter(|text| !text.is_empty());
            format!(
                "is {}",
                any_of(texts.map(|text| format!("{text:?}")).collect())
            )
        }
        StringValues::Regex(patterns) => {
            let patterns = patterns
                .iter()
                .map(|pattern| format!("/{}/", pattern.text()));
            format!("matches {}", any_of(patterns.collect()))
        }
    }
}

fn limit(unit: &str, rate: i64, burst: i64, scope: LimitScope) -> String {
    let burst = if burst > 0 {
        burst
    } else {
        rate.saturating_mul(2)
    };
    format!(
        "it fits into {rate} {unit} a second{}, {burst} at once",
        of_whom(scope)
    )
}

fn budget(composite: &CompositeConfig) -> String {
    if composite.sub_policies.is_empty() {
        return "never".to_owned();
    }
    format!(
        "the first of these that says so has room in its part of {} spans a second{}:",
        composite.max_total_spans_per_second,
        of_whom(composite.scope)
    )
}

fn of_whom(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Replica => "",
        LimitScope::Cluster => " over all replicas",
    }
}

fn status(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "UNSET",
        StatusCode::Ok => "OK",
        StatusCode::Error => "ERROR",
    }
}

/// `a`, `a or b`, `a, b or c`; of many the first.
fn any_of(mut values: Vec<String>) -> String {
    let hidden = values.len().saturating_sub(VALUES_SHOWN_MAX);
    if hidden > 0 {
        values.truncate(VALUES_SHOWN_MAX);
        values.push(format!("{hidden} more"));
    }
    match values.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
