//! The policies in force: compiled, immutable, shared by all shards and swapped whole.

use super::config::{EvaluationConfig, PolicyConfig};
use super::policies::compile;
use super::policy::{Context, Needs, Policy, PolicyError};
use super::precedence::{Decision, Verdict, combine};
use super::trace_view::TraceView;

/// A compiled policy file.
#[derive(Debug)]
pub struct PolicySet {
    policies: Vec<NamedPolicy>,
    evaluation: EvaluationConfig,
}

#[derive(Debug)]
struct NamedPolicy {
    name: String,
    policy: Box<dyn Policy>,
}

impl PolicySet {
    /// Most policies in a set: what a remembered decision has room for.
    pub const POLICIES_MAX: usize = 1 << 14;

    /// Compiles `policies`, of which there are at most [`Self::POLICIES_MAX`].
    #[must_use]
    pub fn compile(policies: &[PolicyConfig], evaluation: EvaluationConfig) -> Self {
        let policies = policies
            .iter()
            .take(Self::POLICIES_MAX)
            .map(|policy| NamedPolicy {
                name: policy.name.clone(),
                policy: compile(&policy.rule),
            })
            .collect();
        Self {
            policies,
            evaluation,
        }
    }

    /// The policies' names in order: a [`Verdict::policy_index`] points into them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|policy| policy.name.as_str())
    }

    /// What the most demanding policy reads of a trace.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let needs = self.policies.iter().map(|policy| policy.policy.needs());
        needs.max().unwrap_or(Needs::TraceId)
    }

    /// Whether traces still undecided at shutdown are dropped instead of decided.
    #[must_use]
    pub fn drops_pending_on_shutdown(&self) -> bool {
        self.evaluation.drop_pending_traces_on_shutdown
    }

    /// Decides about a whole trace. `on_error` hears of each policy that failed, by its index.
    pub fn decide(
        &self,
        trace: &TraceView<'_>,
        context: &Context,
        on_error: impl FnMut(usize, PolicyError),
    ) -> Verdict {
        let votes = self
            .policies
            .iter()
            .map(|policy| policy.policy.evaluate(trace, context));
        combine(votes, self.evaluation.sample_on_first_match, on_error)
    }
}

impl Decision {
    /// All decisions, in the order that counters are kept in.
    pub const ALL: [Self; 3] = [Self::Sampled, Self::NotSampled, Self::Dropped];

    /// The decision's label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::NotSampled => "not_sampled",
            Self::Dropped => "dropped",
        }
    }
}
