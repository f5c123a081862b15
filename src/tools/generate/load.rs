//! The source of generated requests: starts cohorts at the wanted rate and spreads each cohort's requests over time.
//!
//! At a rate, cohorts begin evenly and each sends its next request `spread / (services - 1)` after the one before, so
//! the load rises for the length of one spread, is even, and falls as long at the end. In a closed loop a cohort begins
//! whenever nothing else is due; its gaps vary by half, or all cohorts would pulse together, and at the end what is left
//! goes out at once. No trace stays incomplete. Held at once: the cohorts begun within one spread.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::cohort::{Cohort, Rates, Trace};
use super::encoder::Encoder;
use super::ledger::Ledger;
use crate::clock::Moment;
use crate::tools::drive::{Next, Outcome, Outgoing, Source, Turn};
use crate::tools::pace::Pace;

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub struct LoadConfig {
    /// How often traces are special.
    pub rates: Rates,
    /// Traces in a cohort, hence in each request.
    pub traces_per_request: usize,
    /// Spans per second; zero for a closed loop.
    pub spans_per_second: u64,
    /// No trace begins later than this after the start.
    pub duration: Option<Duration>,
    /// No trace begins when this many spans are begun.
    pub spans_max: Option<u64>,
    /// From a cohort's first request to its last.
    pub spread: Duration,
    /// In which order the services send.
    pub order: Order,
    /// Of the identifiers and of which traces are special.
    pub seed: u64,
}

/// The order in which the services of a cohort send their spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Order {
    /// The deepest services first and the root last, as spans end.
    #[default]
    ChildrenFirst,
    /// The root's service first.
    ParentsFirst,
}

/// See the module's description.
#[derive(Debug)]
pub struct Load {
    config: LoadConfig,
    encoder: Arc<Encoder>,
    pace: Pace,
    end: Option<Moment>,
    random: SmallRng,
    /// Of the gaps; apart, so that timing does not change identifiers.
    jitter: SmallRng,
    waiting: BinaryHeap<Reverse<Waiting>>,
    traces_left: Option<u64>,
    spans_begun: u64,
    ledger: Option<Arc<Ledger>>,
}

/// Names the request that an outcome belongs to.
#[derive(Debug)]
pub struct Receipt {
    cohort: Arc<Cohort>,
    service: usize,
}

/// A cohort whose next request is that of `stage`. Ordered by its moment, then the older cohort first.
#[derive(Debug)]
struct Waiting {
    due: Moment,
    begun_before: u64,
    cohort: Arc<Cohort>,
    stage: usize,
}

impl Load {
    /// A load that begins at `start`; all traces are entered in `ledger` where there is one.
    #[must_use]
    pub fn new(
        config: LoadConfig,
        encoder: Arc<Encoder>,
        start: Moment,
        ledger: Option<Arc<Ledger>>,
    ) -> Self {
        let spans_per_trace = encoder.shape().spans().len() as u64;
        Self {
            pace: Pace::new(start, config.spans_per_second),
            end: config.duration.map(|duration| start.after(duration)),
            random: SmallRng::seed_from_u64(config.seed),
            jitter: SmallRng::seed_from_u64(config.seed),
            waiting: BinaryHeap::new(),
            traces_left: config
                .spans_max
                .map(|spans| spans.div_ceil(spans_per_trace)),
            spans_begun: 0,
            config,
            encoder,
            ledger,
        }
    }

    fn is_closed_loop(&self) -> bool {
        self.config.spans_per_second == 0
    }

    /// When the next cohort begins; `None` when none does.
    fn next_begin(&self, turn: Turn) -> Option<Moment> {
        let due = self.pace.due(self.spans_begun, turn.now);
        let is_over = turn.stopping
            || self.traces_left == Some(0)
            || self.end.is_some_and(|end| due.max(turn.now) >= end);
        (!is_over).then_some(due)
    }

    fn begin(&mut self, due: Moment, unix_ns: u64) -> Waiting {
        let wanted = self.config.traces_per_request as u64;
        let traces = self.traces_left.map_or(wanted, |left| left.min(wanted));
        self.traces_left = self.traces_left.map(|left| left - traces);
        let trace = |_| {
            Trace::random(
                self.encoder.shape(),
                self.config.rates,
                unix_ns,
                &mut self.random,
            )
        };
        let cohort = Arc::new(Cohort::new((0..traces).map(trace).collect()));
        if let Some(ledger) = &self.ledger {
            ledger.enter(Arc::clone(&cohort));
        }
        let begun_before = self.spans_begun;
        self.spans_begun += traces * self.encoder.shape().spans().len() as u64;
        Waiting {
            due,
            begun_before,
            cohort,
            stage: 0,
        }
    }

    fn service_at(&self, stage: usize) -> usize {
        let services = self.encoder.shape().services().len();
        match self.config.order {
            Order::ParentsFirst => stage,
            Order::ChildrenFirst => services - 1 - stage,
        }
    }

    /// Lets the cohort wait for its next request, if there is one.
    fn requeue(&mut self, sent: Waiting, now: Moment) {
        let stage = sent.stage + 1;
        let services = self.encoder.shape().services().len();
        if stage >= services {
            return;
        }
        let gaps = u32::try_from(services - 1).unwrap_or(u32::MAX);
        let gap = self.config.spread / gaps;
        let due = if self.is_closed_loop() {
            now.after(gap.mul_f64(self.jitter.random_range(0.5..1.5)))
        } else {
            sent.due.after(gap)
        };
        self.waiting.push(Reverse(Waiting { due, stage, ..sent }));
    }

    /// The request that is to go out first, whether or not it is time.
    fn first(&mut self, turn: Turn) -> Option<Result<Waiting, Moment>> {
        let begin = self.next_begin(turn);
        let waiting = self.waiting.peek().map(|Reverse(first)| first.due);
        let at_once = begin.is_none() && self.is_closed_loop();
        match (waiting, begin) {
            (None, None) => None,
            (Some(due), _) if due <= turn.now || at_once => {
                self.waiting.pop().map(|Reverse(first)| Ok(first))
            }
            (_, Some(due)) if due <= turn.now => Some(Ok(self.begin(due, turn.unix_ns))),
            (waiting, begin) => waiting.into_iter().chain(begin).min().map(Err),
        }
    }
}

impl Source for Load {
    type Receipt = Receipt;

    fn next(&mut self, turn: Turn) -> Next<Receipt> {
        let first = match self.first(turn) {
            None => return Next::End,
            Some(Err(due)) => return Next::WaitUntil(due),
            Some(Ok(first)) => first,
        };
        let service = self.service_at(first.stage);
        let cohort = Arc::clone(&first.cohort);
        let intended = if self.is_closed_loop() {
            turn.now
        } else {
            first.due
        };
        self.requeue(first, turn.now);
        Next::Send(Outgoing {
            message: self.encoder.encode(&cohort, service),
            spans: self.encoder.spans_in(&cohort, service),
            intended,
            receipt: Receipt { cohort, service },
        })
    }

    fn settle(receipt: Receipt, outcome: Outcome) {
        receipt.cohort.settle(receipt.service, outcome);
    }
}

impl Waiting {
    fn key(&self) -> (Moment, u64) {
        (self.due, self.begun_before)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests;
