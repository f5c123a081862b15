//! The policies in force: compiled, immutable, shared by all shards and swapped whole.

use std::sync::Arc;

use super::compiler::{Compiler, Limiters};
use super::config::{EvaluationConfig, Mode, PolicyConfig, RuleConfig, Strategy};
use super::evaluation::{Evaluation, Node, Scratch};
use super::policy::{Context, Vote};
use super::precedence::{Decision, Verdict, combine};
use super::scan::Scan;
use super::trace_view::TraceView;
use super::wasm::{Observer, Plugin, Seats};
use crate::clock::Moment;

pub use super::compiler::PolicyInfo;

/// A compiled policy file.
#[derive(Debug)]
pub struct PolicySet {
    policies: Vec<TopLevel>,
    /// Indices of `policies` in the order in which they are asked: `drop` first.
    order: Vec<usize>,
    infos: Arc<[PolicyInfo]>,
    scan: Scan,
    limiters: Limiters,
    evaluation: EvaluationConfig,
    needs_sizes: bool,
    /// Of plugins, each with its policy's path.
    seats: Vec<(String, Arc<Seats>)>,
}

/// Names and types of a set's policies, without what they are compiled to.
#[derive(Debug)]
pub struct Roster {
    generation: u64,
    infos: Arc<[PolicyInfo]>,
}

#[derive(Debug)]
struct TopLevel {
    node: Node,
    mode: Mode,
    expires_at_unix_ns: Option<u64>,
    is_drop: bool,
}

/// How the plugin of a policy does.
#[derive(Debug, Clone, Copy)]
pub struct PluginState<'a> {
    /// The names from the top-level policy down, joined by `/`.
    pub policy: &'a str,
    /// Who it is.
    pub plugin: &'a Plugin,
    /// Memory of its instances as they see it.
    pub memory_bytes: usize,
    /// Shards in which it is left alone because it kept failing.
    pub shards_without: usize,
}

/// What a decision is made with besides the trace.
pub struct Setting<'a> {
    /// The time.
    pub context: Context,
    /// Reads the time while policies are timed; `None` where they are not.
    pub stopwatch: Option<&'a dyn Fn() -> Moment>,
}

impl PolicySet {
    /// Most policies in a set: what a remembered decision has room for.
    pub const POLICIES_MAX: usize = 1 << 14;

    /// Compiles `policies`, of which there are at most [`Self::POLICIES_MAX`].
    #[must_use]
    pub fn compile(policies: &[PolicyConfig], evaluation: EvaluationConfig) -> Self {
        Self::compile_after(policies, evaluation, None)
    }

    /// Compiles `policies` to follow `previous`, whose limiters go on where nothing about them has changed.
    #[must_use]
    pub fn compile_after(
        policies: &[PolicyConfig],
        evaluation: EvaluationConfig,
        previous: Option<&Self>,
    ) -> Self {
        let mut compiler = Compiler::new(evaluation, previous.map(|set| &set.limiters));
        let policies: Vec<TopLevel> = policies
            .iter()
            .take(Self::POLICIES_MAX)
            .map(|policy| TopLevel {
                node: compiler.node(policy),
                mode: policy.mode,
                expires_at_unix_ns: policy.expires_at_unix_ns,
                is_drop: matches!(policy.rule, RuleConfig::Drop(_)),
            })
            .collect();
        let indices_where = |is_drop: bool| {
            let policies = policies.iter().enumerate();
            policies.filter_map(move |(index, policy)| (policy.is_drop == is_drop).then_some(index))
        };
        let order = indices_where(true).chain(indices_where(false)).collect();
        Self {
            order,
            policies,
            needs_sizes: compiler.needs_sizes(),
            seats: compiler.seats,
            infos: compiler.infos.into(),
            scan: compiler.scan,
            limiters: compiler.limiters,
            evaluation,
        }
    }

    /// The top-level policies' names in order: a [`Verdict::policy_index`] points into them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        top_level_names(&self.infos)
    }

    /// All policies, nested ones after those that they belong to: [`Scratch::records`] has their answers.
    #[must_use]
    pub fn infos(&self) -> &[PolicyInfo] {
        &self.infos
    }

    /// Who its policies are, for those who remember what it decided and not the set itself.
    #[must_use]
    pub fn roster(&self, generation: u64) -> Roster {
        Roster {
            generation,
            infos: Arc::clone(&self.infos),
        }
    }

    /// How policies are evaluated.
    #[must_use]
    pub fn evaluation(&self) -> EvaluationConfig {
        self.evaluation
    }

    /// Whether a policy asks for a trace's size as the collector counts it.
    #[must_use]
    pub fn needs_sizes(&self) -> bool {
        self.needs_sizes
    }

    /// Tells the observer that `observer` makes, of a policy's path and plugin, what that does from now on.
    pub fn observe_plugins(&self, observer: impl Fn(&str, &Plugin) -> Arc<dyn Observer>) {
        for (path, seats) in &self.seats {
            seats.observe(observer(path, seats.plugin()));
        }
    }

    /// How its plugins do.
    pub fn plugins(&self) -> impl Iterator<Item = PluginState<'_>> {
        self.seats.iter().map(|(path, seats)| PluginState {
            policy: path,
            plugin: seats.plugin(),
            memory_bytes: seats.memory_bytes(),
            shards_without: seats.shards_without(),
        })
    }

    /// Decides about a trace; `scratch` has what each policy said.
    pub fn decide(
        &self,
        trace: &TraceView<'_>,
        setting: &Setting<'_>,
        scratch: &mut Scratch,
    ) -> Verdict {
        let now_unix_ns = setting.context.unix_ns;
        let mut evaluation = Evaluation::new(
            trace,
            setting.context,
            &self.scan,
            self.infos.len(),
            scratch,
            setting.stopwatch,
        );
        let mut is_pending = false;
        let in_order = self.order.iter().filter_map(|index| {
            let policy = self.policies.get(*index)?;
            let has_expired = policy
                .expires_at_unix_ns
                .is_some_and(|at| at <= now_unix_ns);
            (!has_expired).then_some((*index, policy))
        });
        let votes = in_order
            .map_while(|(index, policy)| {
                if is_pending {
                    return None;
                }
                let vote = policy.node.vote(&mut evaluation);
                // The collector's rule: a batch that a drop policy does not drop stays pending, and nobody else is asked.
                // A shadow must not act, by this neither.
                is_pending = policy.is_drop
                    && policy.mode == Mode::Active
                    && self.evaluation.strategy == Strategy::SpanIngest
                    && vote == Ok(Vote::NotSampled);
                Some((policy.mode == Mode::Active).then_some((index, vote)))
            })
            .flatten();
        // A batch that is sampled is sampled at once.
        let ends_at_first = self.evaluation.sample_on_first_match
            || self.evaluation.strategy == Strategy::SpanIngest;
        combine(votes, ends_at_first)
    }
}

impl Roster {
    /// Counts the sets of the process, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// As [`PolicySet::names`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        top_level_names(&self.infos)
    }

    /// As [`PolicySet::infos`].
    #[must_use]
    pub fn infos(&self) -> &[PolicyInfo] {
        &self.infos
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let paths = self.infos.iter().map(|info| info.path.len());
        size_of::<Self>() + size_of_val(&*self.infos) + paths.sum::<usize>()
    }
}

fn top_level_names(infos: &[PolicyInfo]) -> impl Iterator<Item = &str> {
    let infos = infos.iter().filter(|info| info.depth == 0);
    infos.map(|info| info.path.as_str())
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

#[cfg(test)]
mod tests;
