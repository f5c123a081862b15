//! A policy file in words: a line for each policy, those within others indented.

mod rules;

use crate::buffer::config::Overflow;
use crate::clock::rfc3339;
use crate::config::PolicyFile;
use crate::sampler::config::{Compat, EvaluationConfig, Mode, PolicyConfig, RuleConfig, Strategy};

use rules::{Words, words};

/// What a file says, line by line.
pub(super) fn explain(file: &PolicyFile) -> Vec<String> {
    let mut lines = vec![when(file)];
    lines.extend(limits(file));
    let is_drop = |policy: &&PolicyConfig| matches!(policy.rule, RuleConfig::Drop(_));
    let drops: Vec<_> = file.policies.iter().filter(is_drop).collect();
    let others: Vec<_> = file.policies.iter().filter(|p| !is_drop(p)).collect();
    if !drops.is_empty() {
        lines.push("It is dropped, whatever else is said, if".to_owned());
        for policy in &drops {
            top_level(policy, &file.evaluation, &mut lines);
        }
    }
    if others.is_empty() {
        lines.push("No policy keeps it.".to_owned());
        return lines;
    }
    lines.push(kept_if(&file.evaluation).to_owned());
    for policy in &others {
        top_level(policy, &file.evaluation, &mut lines);
    }
    lines.push("Otherwise it is not kept.".to_owned());
    lines
}

fn when(file: &PolicyFile) -> String {
    let wait = file.windows.decision_wait;
    if file.evaluation.strategy == Strategy::SpanIngest {
        return format!(
            "Each part of a trace is judged as it arrives; what no part decided is not kept, {wait:?} after the first span."
        );
    }
    match file.windows.decision_wait_after_root {
        Some(after_root) => format!(
            "A trace is decided {wait:?} after its first span, or {after_root:?} after its root if that is earlier."
        ),
        None => format!("A trace is decided {wait:?} after its first span."),
    }
}

fn limits(file: &PolicyFile) -> Vec<String> {
    let windows = &file.windows;
    let mut lines = Vec::new();
    if let Some(traces) = windows.num_traces {
        let consequence = match windows.num_traces_overflow {
            _ if windows.block_on_overflow => "clients wait",
            Overflow::Decide => "the oldest is decided early",
            Overflow::Discard => "the oldest is discarded",
        };
        lines.push(format!("At {traces} traces {consequence}."));
    }
    if let Some(bytes) = windows.maximum_trace_size_bytes {
        lines.push(format!("A trace of more than {bytes} bytes is not kept."));
    }
    lines
}

fn kept_if(evaluation: &EvaluationConfig) -> &'static str {
    if evaluation.sample_on_first_match {
        "It is kept if one of these says so, asked in this order until one does:"
    } else {
        "It is kept if one of these says so; all are asked, in this order:"
    }
}

fn top_level(policy: &PolicyConfig, evaluation: &EvaluationConfig, lines: &mut Vec<String>) {
    let mut marks = Vec::new();
    if policy.mode == Mode::Shadow {
        marks.push("shadow: counted, not acted upon".to_owned());
    }
    if let Some(unix_ns) = policy.expires_at_unix_ns {
        marks.push(format!("until {}", rfc3339(unix_ns)));
    }
    nested(policy, &marks.join("; "), 1, evaluation, lines);
}

/// The line of a policy and, deeper, those of the policies within it.
fn nested(
    policy: &PolicyConfig,
    mark: &str,
    depth: usize,
    evaluation: &EvaluationConfig,
    lines: &mut Vec<String>,
) {
    let Words { text, sub_policies } = words(&policy.rule, evaluation);
    let indent = "  ".repeat(depth);
    let mark = match mark {
        "" => String::new(),
        mark => format!(" ({mark})"),
    };
    lines.push(format!("{indent}{}{mark}: {text}", policy.name));
    for sub_policy in sub_policies {
        let mark = share(&policy.rule, &sub_policy.name, evaluation.compat);
        nested(sub_policy, &mark, depth + 1, evaluation, lines);
    }
}

/// What part of a composite's budget a policy of it has; empty for others.
fn share(rule: &RuleConfig, name: &str, compat: Compat) -> String {
    let RuleConfig::Composite(composite) = rule else {
        return String::new();
    };
    let mut allocation = composite.rate_allocation.iter();
    match allocation.find(|(policy, _)| policy == name) {
        Some((_, percent)) if *percent > 0 => format!("{percent} %"),
        None if compat == Compat::V0_156 => "nothing".to_owned(),
        _ => "an equal part".to_owned(),
    }
}

#[cfg(test)]
mod tests;
