//! A shard: the single writer of its traces, as a synchronous state machine.
//!
//! [`Shard::turn`] does a bounded amount of everything, in an order that lets ingest never starve decisions:
//! control, sub-batches, due traces, memory pressure, release. It is given the time and never waits.

mod arrivals;
mod cluster;
mod control;
mod decisions;
mod inspect;
mod link;
mod pressure;
mod resource_spans;
mod slots;
mod trigger;
mod views;

use std::sync::Arc;
use std::time::Duration;

pub use cluster::SlotOrder;
pub use control::{ActivePolicies, Control, Fence, Fenced};
pub use inspect::{Inspect, Known};
pub use link::{ClusterLink, Passed, RememberedTrace, Report};
pub use pressure::Pressure;
pub use slots::SlotState;
pub use trigger::Trigger;

use super::applied_names::AppliedNames;
use super::block_pool::BlockPool;
use super::config::BufferConfig;
use super::deadlines::Deadlines;
use super::decision_cache::DecisionCache;
use super::decision_log::{Decided, DecisionLog};
use super::envelopes::{EnvelopeId, Envelopes};
use super::inbox::InboxReceiver;
use super::ledger::{Holdings, Ledger};
use super::marks::Marks;
use super::release::{Outlet, Release};
use super::trace_table::TraceTable;
use crate::accounting::Accounting;
use crate::clock::{Clock, Moment};
use crate::memory::Charge;
use crate::metrics::BufferMetrics;
use crate::sampler::evaluation::Scratch;
use slots::Slots;

/// Sub-batches taken in one turn at most.
const SUB_BATCHES_A_TURN_MAX: usize = 64;
/// What free blocks may hold of the budget, over all shards.
const POOLED_PERCENT_MAX: u64 = 6;

/// What a shard is made of.
pub struct ShardParts {
    /// Which shard it is, from 0.
    pub number: usize,
    /// Limits.
    pub config: BufferConfig,
    /// How many shards there are; `num_traces` and the decision cache are shared among them.
    pub shards: usize,
    /// Its end of its inbox.
    pub inbox: InboxReceiver,
    /// For the time of day, and for timing policies; windows follow the moments given to [`Shard::turn`].
    pub clock: Clock,
    /// The first policy set.
    pub policies: Arc<ActivePolicies>,
    /// The process's budget.
    pub pressure: Arc<Pressure>,
    /// Where kept traces go.
    pub outlets: Vec<Box<dyn Outlet>>,
    /// The replica's books.
    pub accounting: Arc<Accounting>,
    /// Handles.
    pub metrics: BufferMetrics,
    /// The cluster that the replica is part of; `None` of one alone.
    pub link: Option<Box<dyn ClusterLink>>,
}

/// What a turn leaves to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// More work is there already.
    Again,
    /// Something arrived: more may follow within milliseconds. Due work waits until the moment, if any.
    Busy(Option<Moment>),
    /// Nothing to do until the moment, if any, or until something arrives.
    Idle(Option<Moment>),
    /// Told to finish, and everything is handed over.
    Finished,
}

/// The owner of some of a replica's traces.
pub struct Shard {
    number: usize,
    shards: usize,
    inbox: InboxReceiver,
    clock: Clock,
    policies: Arc<ActivePolicies>,
    table: TraceTable,
    deadlines: Deadlines,
    envelopes: Envelopes,
    remembered: DecisionCache,
    log: DecisionLog,
    blocks: BlockPool,
    release: Release,
    pressure: Arc<Pressure>,
    charge: Charge,
    /// Of undecided traces.
    undecided_bytes: u64,
    undecided_bytes_reported: u64,
    undecided_traces_reported: u64,
    undecided_spans: u64,
    is_finishing: bool,
    ledger: Ledger,
    /// Envelope of each scope of the sub-batch at hand, once it is needed.
    envelopes_at_hand: Vec<Option<EnvelopeId>>,
    /// Of the evaluation at hand.
    scratch: Scratch,
    evaluations: u64,
    /// The time of day, read once a turn.
    unix_ns: u64,
    /// Undecided traces that are judged as they arrive.
    traces_judged: usize,
    /// Whether request metadata has ever been part of a key.
    has_metadata: bool,
    slots: Slots,
    names: AppliedNames,
}

impl Shard {
    /// An empty shard.
    #[must_use]
    pub fn new(parts: ShardParts) -> Self {
        let ShardParts {
            number,
            config,
            shards,
            inbox,
            clock,
            policies,
            pressure,
            outlets,
            accounting,
            metrics,
            link,
        } = parts;
        let budget = pressure.budget().clone();
        pressure.set_block(&policies.windows);
        Self {
            number,
            shards,
            inbox,
            clock,
            policies,
            table: TraceTable::default(),
            deadlines: Deadlines::default(),
            envelopes: Envelopes::default(),
            remembered: DecisionCache::new(config.decision_cache_bytes / shards),
            log: DecisionLog::new(config.decision_log_bytes / shards),
            blocks: BlockPool::new(budget.limit_bytes() / 100 * POOLED_PERCENT_MAX / shards as u64),
            release: Release::new(
                config.batch_bytes_max,
                config.batch_timeout,
                Arc::clone(&accounting),
                outlets,
                Marks::new(config.policy_mark),
            ),
            charge: budget.charge(0),
            pressure,
            undecided_bytes: 0,
            undecided_bytes_reported: 0,
            undecided_traces_reported: 0,
            undecided_spans: 0,
            is_finishing: false,
            ledger: Ledger::new(accounting, metrics),
            envelopes_at_hand: Vec::new(),
            scratch: Scratch::default(),
            evaluations: 0,
            unix_ns: 0,
            traces_judged: 0,
            has_metadata: false,
            slots: Slots::new(link),
            names: AppliedNames::default(),
        }
    }

    /// The shard's end of its inbox, for the driver to wait at.
    #[must_use]
    pub fn inbox(&self) -> &InboxReceiver {
        &self.inbox
    }

    /// Spans not yet handed to every outlet.
    #[must_use]
    pub fn left_spans(&self) -> u64 {
        self.undecided_spans + self.release.waiting_spans()
    }

    /// Takes recent decisions out of the log, the oldest first: for who drives a shard by hand and wants to see them all.
    pub fn take_decisions(&mut self) -> impl Iterator<Item = Decided> {
        self.log.drain()
    }

    /// Does a bounded amount of all there is to do at `now`.
    pub fn turn(&mut self, now: Moment) -> Turn {
        // First: what arrives after policies were swapped falls under the new ones.
        self.unix_ns = self.clock.unix_ns();
        self.hear_control(now);
        let taken = self.take_sub_batches(now);
        let mut has_more = taken == SUB_BATCHES_A_TURN_MAX;
        has_more |= self.decide_due(now);
        has_more |= self.relieve_pressure(now);
        has_more |= self.is_finishing && self.decide_oldest(Trigger::Shutdown, now);
        // Kept traces that wait for company hold memory too.
        let flush = self.is_finishing || self.pressure.is_high();
        has_more |= self.release.turn(
            now,
            flush,
            &mut self.envelopes,
            &mut self.blocks,
            &mut self.charge,
        );
        // Blocks that came free while their spans' charge went to a request are not in the budget yet.
        let uncharged_bytes = self.held_bytes().saturating_sub(self.charge.bytes());
        let is_memory_short = self.pressure.is_high_with(uncharged_bytes);
        // Nobody comes back to trim an idle shard in time for the check of contract I4.
        let holds_nothing = self.table.len() == 0 && self.release.is_empty();
        self.blocks.trim(now, is_memory_short || holds_nothing);
        self.slots.report_drained();
        self.settle(now);
        if has_more {
            return Turn::Again;
        }
        if self.is_finishing && self.table.len() == 0 && self.release.is_empty() {
            return Turn::Finished;
        }
        let next = [self.deadlines.next_due(), self.release.next_due()];
        let next = next.into_iter().flatten().min();
        if taken > 0 {
            Turn::Busy(next)
        } else {
            Turn::Idle(next)
        }
    }

    fn take_sub_batches(&mut self, now: Moment) -> usize {
        for taken in 0..SUB_BATCHES_A_TURN_MAX {
            let Some(mut sub_batch) = self.inbox.take_sub_batch() else {
                return taken;
            };
            self.charge.absorb(&mut sub_batch.room);
            self.take(&sub_batch, now);
            // The copies are charged before the request's own bytes are given back.
            self.update_charge();
        }
        SUB_BATCHES_A_TURN_MAX
    }

    fn hear_control(&mut self, now: Moment) {
        while let Some(message) = self.inbox.take_control() {
            match message {
                Control::Policies(policies) => {
                    // Counters are by policy: settle those of the old set under its names.
                    self.ledger.settle_decided(&self.policies.metrics);
                    self.pressure.set_block(&policies.windows);
                    self.policies = policies;
                }
                Control::Fence(fence) => drop(fence),
                Control::Inspect(inspect) => self.inspect(&inspect, now),
                Control::Slots(order) => self.hear_of_slots(*order, now),
                Control::Finish => self.is_finishing = true,
            }
        }
    }

    fn held_bytes(&self) -> u64 {
        self.undecided_bytes
            + self.envelopes.held_bytes()
            + self.deadlines.held_bytes()
            + self.release.held_bytes()
            + self.blocks.held_bytes()
    }

    /// Tells the budget what is held, and the other shards how much of that is undecided.
    fn update_charge(&mut self) {
        let held = self.held_bytes();
        if held != self.charge.bytes() {
            self.charge.set(held);
        }
        let change = self
            .undecided_bytes
            .wrapping_sub(self.undecided_bytes_reported);
        if change != 0 {
            self.pressure.undecided_changed(change);
            self.undecided_bytes_reported = self.undecided_bytes;
        }
        let traces = self.table.len() as u64;
        let change = traces.wrapping_sub(self.undecided_traces_reported);
        if change != 0 {
            self.pressure.traces_changed(change);
            self.undecided_traces_reported = traces;
        }
    }

    fn settle(&mut self, now: Moment) {
        self.update_charge();
        let oldest = self
            .table
            .oldest()
            .and_then(|oldest| self.table.get(oldest));
        let age = oldest.map_or(Duration::ZERO, |trace| now.since(trace.first_arrival));
        let holdings = Holdings {
            traces: self.table.len(),
            spans: self.undecided_spans,
            bytes: self.held_bytes(),
            release_spans: self.release.waiting_spans(),
            oldest_age_seconds: age.as_secs_f64(),
        };
        self.ledger.settle(&self.policies.metrics, holdings);
    }
}

#[cfg(test)]
mod tests;
