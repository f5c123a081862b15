//! From checked configurations to compiled policies: numbers them, gathers their probes, and hands limiters on.
//!
//! A limiter of a set compiled after another one goes on where that of the old set stopped, if it is of the same type,
//! stands under the same names, and has the same limits, of a composite for the same sub-policies.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{EvaluationConfig, PolicyConfig, Scope};
use super::evaluation::Node;
use super::limiter::{SecondCounters, TokenBucket};
use super::policies;
use super::scan::{ProbeId, Scan, SpanTest};
use super::span_context::SlotAllocator;
use super::wasm::Seats;

/// What stands behind a policy's index: its name and type, nested ones under `outer/inner`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyInfo {
    /// The names from the top-level policy down, joined by `/`.
    pub path: String,
    /// `type`, as policy files spell it.
    pub type_name: &'static str,
    /// How deep it is nested; 0 is top-level.
    pub depth: usize,
}

/// Limiters by whose they are.
#[derive(Debug, Default)]
pub(super) struct Limiters {
    buckets: HashMap<LimiterKey, Arc<TokenBucket>>,
    counters: HashMap<LimiterKey, Arc<SecondCounters>>,
}

/// Whose a limiter is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LimiterKey {
    /// The names from the top-level policy down.
    path: Vec<String>,
    type_name: &'static str,
    /// What each of several limits is for.
    limits_of: Vec<String>,
}

/// Compiles the policies of one set.
pub(super) struct Compiler<'a> {
    pub(super) evaluation: EvaluationConfig,
    pub(super) infos: Vec<PolicyInfo>,
    pub(super) scan: Scan,
    pub(super) limiters: Limiters,
    previous: Option<&'a Limiters>,
    path: Vec<String>,
    needs_sizes: bool,
    /// Of plugins, each with its policy's path.
    pub(super) seats: Vec<(String, Arc<Seats>)>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(evaluation: EvaluationConfig, previous: Option<&'a Limiters>) -> Self {
        Self {
            evaluation,
            infos: Vec::new(),
            scan: Scan::default(),
            limiters: Limiters::default(),
            previous,
            path: Vec::new(),
            needs_sizes: false,
            seats: Vec::new(),
        }
    }

    /// Compiles a policy and those within it, in the order of the file.
    pub(super) fn node(&mut self, config: &PolicyConfig) -> Node {
        let index = self.infos.len();
        self.path.push(config.name.clone());
        self.infos.push(PolicyInfo {
            path: self.path.join("/"),
            type_name: config.rule.type_name(),
            depth: self.path.len() - 1,
        });
        let policy = policies::compile(&config.rule, self);
        self.path.pop();
        Node { index, policy }
    }

    pub(super) fn nodes(&mut self, configs: &[PolicyConfig]) -> Vec<Node> {
        configs.iter().map(|config| self.node(config)).collect()
    }

    pub(super) fn probe(&mut self, scope: Scope, test: Box<dyn SpanTest>) -> ProbeId {
        self.scan.add(scope, test)
    }

    pub(super) fn slots(&mut self) -> &mut dyn SlotAllocator {
        &mut self.scan
    }

    /// The policy at hand asks for [`super::trace_summary::TraceSummary::sizes`].
    pub(super) fn need_sizes(&mut self) {
        self.needs_sizes = true;
    }

    pub(super) fn needs_sizes(&self) -> bool {
        self.needs_sizes
    }

    /// The names from the top-level policy down to the one at hand.
    pub(super) fn path(&self) -> String {
        self.path.join("/")
    }

    /// Takes note of the seats of the policy at hand.
    pub(super) fn seats(&mut self, seats: Seats) -> Arc<Seats> {
        let seats = Arc::new(seats);
        self.seats.push((self.path(), Arc::clone(&seats)));
        seats
    }

    /// The bucket of the policy at hand.
    pub(super) fn bucket(&mut self, per_second: i64, burst_capacity: i64) -> Arc<TokenBucket> {
        let capacity = if burst_capacity > 0 {
            burst_capacity
        } else {
            per_second.saturating_mul(2)
        };
        let fresh = TokenBucket::new(per_second as f64, capacity as f64);
        let key = self.limiter_key(Vec::new());
        let old = self.previous.and_then(|old| old.buckets.get(&key));
        let bucket = old
            .filter(|old| old.has_limits_of(&fresh))
            .map_or_else(|| Arc::new(fresh), Arc::clone);
        self.limiters.buckets.insert(key, Arc::clone(&bucket));
        bucket
    }

    /// The counters of the policy at hand, with these limits for sub-policies of these names.
    pub(super) fn counters(
        &mut self,
        limits_of: Vec<String>,
        limits: Vec<i64>,
    ) -> Arc<SecondCounters> {
        let fresh = SecondCounters::new(limits);
        let key = self.limiter_key(limits_of);
        let old = self.previous.and_then(|old| old.counters.get(&key));
        let counters = old
            .filter(|old| old.has_limits_of(&fresh))
            .map_or_else(|| Arc::new(fresh), Arc::clone);
        self.limiters.counters.insert(key, Arc::clone(&counters));
        counters
    }

    fn limiter_key(&self, limits_of: Vec<String>) -> LimiterKey {
        LimiterKey {
            path: self.path.clone(),
            // The policy at hand is the latest: those within it are compiled after its limiter.
            type_name: self.infos.last().map_or("", |info| info.type_name),
            limits_of,
        }
    }
}
