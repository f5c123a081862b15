//! `composite`: the first sub-policy that samples decides, within its share of spans a second.
//!
//! Sub-policies are asked in the order of their list, as the collector does; under `strict` in that of `policy_order`.
//! A trace beyond the share of the sub-policy that samples it is not sampled: later ones are not asked. Shares count
//! by seconds of the wall clock and are truncated to whole spans; they are not held against each other, so that they
//! may add up to more than the total. Source: the collector's composite policy.

use std::sync::Arc;

use crate::sampler::compiler::Compiler;
use crate::sampler::config::{Compat, CompositeConfig, LimitScope, PolicyConfig};
use crate::sampler::evaluation::{Evaluation, Node};
use crate::sampler::limiter::SecondCounters;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::witness::Witness;

#[derive(Debug)]
struct Composite {
    policies: Vec<Node>,
    /// By index of the sub-policy.
    shares: Arc<SecondCounters>,
    scope: LimitScope,
}

pub(super) fn compile(config: &CompositeConfig, compiler: &mut Compiler<'_>) -> Box<dyn Policy> {
    let mut sub_policies: Vec<&PolicyConfig> = config.sub_policies.iter().collect();
    if compiler.evaluation.strict {
        let place = |policy: &&PolicyConfig| {
            let mut order = config.policy_order.iter();
            order
                .position(|name| *name == policy.name)
                .unwrap_or(usize::MAX)
        };
        sub_policies.sort_by_key(place);
    }
    let limits = sub_policies
        .iter()
        .map(|policy| share(config, &policy.name, compiler.evaluation.compat))
        .collect();
    let names = sub_policies.iter().map(|policy| policy.name.clone());
    let shares = compiler.counters(names.collect(), limits);
    let policies = sub_policies
        .into_iter()
        .map(|policy| compiler.node(policy))
        .collect();
    let scope = config.scope;
    Box::new(Composite {
        policies,
        shares,
        scope,
    })
}

/// Spans a second for one sub-policy, never above the total.
fn share(config: &CompositeConfig, name: &str, compat: Compat) -> i64 {
    let total = config.max_total_spans_per_second;
    let equal = total / (config.sub_policies.len() as i64).max(1);
    let mut allocations = config.rate_allocation.iter();
    match allocations.rfind(|(policy, _)| policy == name) {
        Some((_, percent)) if *percent > 0 => {
            let share = *percent as f64 / 100.0 * total as f64;
            (share as i64).min(total)
        }
        Some(_) => equal,
        None if compat == Compat::V0_156 => 0,
        None => equal,
    }
}

impl Policy for Composite {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        for (index, policy) in self.policies.iter().enumerate() {
            match policy.vote(evaluation)? {
                Vote::NotSampled | Vote::Abstained => {}
                Vote::Dropped => return Ok(Vote::Dropped.into()),
                Vote::Sampled => {
                    let spans = evaluation.trace().summary.span_count;
                    let context = evaluation.context();
                    let part = self.scope.share(&context);
                    let fits = self.shares.take(index, spans as i64, part, context);
                    return Ok(Opinion {
                        vote: Vote::sampled_if(fits),
                        witness: Witness::Spans(spans),
                    });
                }
            }
        }
        Ok(Vote::NotSampled.into())
    }
}
