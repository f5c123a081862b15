//! Metrics of the buffer and of the decisions made there.

use ::metrics::{Counter, Gauge, Histogram};

use super::Registry;

/// Handles of one shard.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct BufferMetrics {
    pub traces: Gauge,
    pub spans: Gauge,
    pub held_bytes: Gauge,
    pub oldest_age_seconds: Gauge,
    pub release_spans: Gauge,
    pub spans_deduplicated: Counter,
    pub traces_started: Counter,
    /// By trigger, in the order of `Trigger::ALL`.
    pub decisions: [Counter; 9],
    pub decision_lag_seconds: Histogram,
    /// By decision, in the order of `Decision::ALL`.
    pub late_spans: [Counter; 3],
}

/// Handles of one policy set: what was decided, by whom.
#[derive(Debug, Clone)]
pub struct SamplerMetrics {
    /// By policy, the last one for traces that no policy decided; by decision in the order of `Decision::ALL`.
    pub decided: Vec<[DecidedMetrics; 3]>,
    /// By policy, nested ones included.
    pub policies: Vec<PolicyMetrics>,
    /// Attributes that stood twice in one span or resource: the first counted.
    pub repeated_attributes: Counter,
}

/// What one policy, perhaps a nested one, had to say.
#[derive(Debug, Clone)]
pub struct PolicyMetrics {
    /// By vote, in the order Sampled, NotSampled, Dropped, Abstained.
    pub votes: [DecidedMetrics; 4],
    /// Evaluations that failed.
    pub errors: Counter,
    /// Time spent, estimated from one evaluation in [`TIMED_EVERY`].
    pub time_ns: Counter,
}

/// One evaluation in so many is timed, and counts for all of them.
pub const TIMED_EVERY: u64 = 64;

/// What one policy decided in one way.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DecidedMetrics {
    pub traces: Counter,
    pub spans: Counter,
    pub bytes: Counter,
}

/// Most values of the label `policy` in a process.
const POLICY_LABELS_MAX: usize = 2_000;
/// The value of all policies beyond.
const OTHER_POLICIES: &str = "(other)";

const DECISIONS: [&str; 3] = ["sampled", "not_sampled", "dropped"];
const VOTES: [&str; 4] = ["sampled", "not_sampled", "dropped", "abstained"];

impl Registry {
    /// Handles of shard number `shard`.
    #[must_use]
    pub fn buffer(&self, shard: usize) -> BufferMetrics {
        let shard = shard.to_string();
        let shard = &[("shard", shard.as_str())];
        let decisions = |trigger| {
            self.counter(
                "tailsieve_buffer_decisions_total",
                "Traces decided, by what made them due.",
                &[("trigger", trigger)],
            )
        };
        BufferMetrics {
            traces: self.gauge("tailsieve_buffer_traces", "Undecided traces held.", shard),
            spans: self.gauge("tailsieve_buffer_spans", "Spans of undecided traces.", shard),
            held_bytes: self.gauge(
                "tailsieve_buffer_bytes",
                "Bytes held for undecided traces and for kept ones not yet encoded.",
                shard,
            ),
            oldest_age_seconds: self.gauge(
                "tailsieve_buffer_oldest_trace_age_seconds",
                "Time since the first span of the oldest undecided trace.",
                shard,
            ),
            release_spans: self.gauge(
                "tailsieve_buffer_release_spans",
                "Kept spans that wait to be encoded or for room in an exporter's queue.",
                shard,
            ),
            spans_deduplicated: self.counter(
                "tailsieve_buffer_spans_deduplicated_total",
                "Spans dropped because their trace held the same bytes already.",
                &[],
            ),
            traces_started: self.counter(
                "tailsieve_buffer_traces_started_total",
                "Traces of which a first span arrived.",
                &[],
            ),
            decisions: [
                "wait",
                "root",
                "memory",
                "size",
                "shutdown",
                "ingest",
                "too_large",
                "discarded",
                "elsewhere",
            ]
            .map(decisions),
            decision_lag_seconds: self.histogram(
                "tailsieve_buffer_decision_lag_seconds",
                "Time from the end of a trace's window to its decision.",
                &[],
            ),
            late_spans: DECISIONS.map(|outcome| {
                self.counter(
                    "tailsieve_buffer_late_spans_total",
                    "Spans that arrived after their trace was decided, by the decision that they followed.",
                    &[("outcome", outcome)],
                )
            }),
        }
    }

    /// Handles for a set with these top-level policies, and with these among all, nested ones as `outer/inner`. Beyond
    /// `POLICY_LABELS_MAX` names, those of earlier sets included, they are counted together as `OTHER_POLICIES`.
    #[must_use]
    pub fn sampler<'a>(
        &self,
        top_level: impl Iterator<Item = &'a str>,
        all: impl Iterator<Item = &'a str>,
    ) -> SamplerMetrics {
        let decided = top_level.chain([""]).map(|policy| {
            let label = self.policy_label(policy);
            DECISIONS.map(|decision| self.decided(label, decision))
        });
        SamplerMetrics {
            decided: decided.collect(),
            policies: all
                .map(|policy| self.policy(self.policy_label(policy)))
                .collect(),
            repeated_attributes: self.counter(
                "tailsieve_sampler_repeated_attributes_total",
                "Attributes that stood twice in one span or resource, of those that a policy asked for; the first counts.",
                &[],
            ),
        }
    }

    /// A policy's name, where it has a series of its own. Series stay for as long as the process runs, and reloads
    /// bring new names.
    pub(super) fn policy_label<'a>(&self, policy: &'a str) -> &'a str {
        let mut known = self.policy_labels.lock();
        if policy.is_empty() || known.contains(policy) {
            return policy;
        }
        if known.len() >= POLICY_LABELS_MAX {
            return OTHER_POLICIES;
        }
        known.insert(policy.to_owned());
        policy
    }

    fn policy(&self, policy: &str) -> PolicyMetrics {
        PolicyMetrics {
            votes: VOTES.map(|vote| self.voted(policy, vote)),
            errors: self.counter(
                "tailsieve_sampler_evaluation_errors_total",
                "Evaluations that failed; the policy abstained.",
                &[("policy", policy)],
            ),
            time_ns: self.counter(
                "tailsieve_sampler_evaluation_nanoseconds_total",
                "Time spent in a policy, those within it included; estimated from one trace in 64.",
                &[("policy", policy)],
            ),
        }
    }

    fn voted(&self, policy: &str, vote: &str) -> DecidedMetrics {
        let labels = &[("policy", policy), ("vote", vote)];
        DecidedMetrics {
            traces: self.counter(
                "tailsieve_sampler_votes_total",
                "Votes of policies, nested (outer/inner) and shadow ones included.",
                labels,
            ),
            spans: self.counter(
                "tailsieve_sampler_voted_spans_total",
                "Spans of the traces voted on.",
                labels,
            ),
            bytes: self.counter(
                "tailsieve_sampler_voted_bytes_total",
                "Encoded bytes of these spans.",
                labels,
            ),
        }
    }

    fn decided(&self, policy: &str, decision: &str) -> DecidedMetrics {
        let labels = &[("policy", policy), ("decision", decision)];
        DecidedMetrics {
            traces: self.counter(
                "tailsieve_sampler_traces_decided_total",
                "Traces decided, by deciding policy (empty: none) and decision.",
                labels,
            ),
            spans: self.counter(
                "tailsieve_sampler_spans_decided_total",
                "Spans of traces decided, late ones not included.",
                labels,
            ),
            bytes: self.counter(
                "tailsieve_sampler_bytes_decided_total",
                "Encoded bytes of these spans.",
                labels,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_beyond_the_limit_over_all_sets_are_counted_together() {
        let registry = Registry::new();
        for set in 0..5 {
            let names: Vec<String> = (0..600).map(|number| format!("{set}-{number}")).collect();
            let names = || names.iter().map(String::as_str);
            let handles = registry.sampler(names(), names());
            handles.policies[599].errors.increment(1);
        }
        let text = registry.render();
        let labels = text.lines().filter_map(|line| {
            let (_, label) = line.split_once("policy=\"")?;
            label.split('"').next()
        });
        let labels: BTreeSet<&str> = labels.collect();
        // That of no policy, and that of all others.
        assert_eq!(labels.len(), POLICY_LABELS_MAX + 2);
        let others = "tailsieve_sampler_evaluation_errors_total{policy=\"(other)\"} 2";
        assert!(text.contains(others));
        let known = "tailsieve_sampler_evaluation_errors_total{policy=\"0-599\"} 1";
        assert!(text.contains(known));
    }
}
