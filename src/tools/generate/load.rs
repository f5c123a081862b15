//! The source of generated requests: starts cohorts at the wanted rate and spreads each cohort's requests over time.
//!
//! After a cohort's first request its others wait in one queue for each stage, each `spread / (services - 1)` after the
//! one before; a request that is due goes before a new cohort starts. Held at once: the cohorts begun within one spread.
//! At the end everything begun is sent, at the given rate but without waiting for its moment, so no trace stays
//! incomplete.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;

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
    /// Cohorts waiting for their stage; the first stage is not waited for.
    waiting: Vec<VecDeque<Waiting>>,
    traces_left: Option<u64>,
    spans_yielded: u64,
    ledger: Option<Arc<Ledger>>,
}

/// Names the request that an outcome belongs to.
#[derive(Debug)]
pub struct Receipt {
    cohort: Arc<Cohort>,
    service: usize,
}

#[derive(Debug)]
struct Waiting {
    cohort: Arc<Cohort>,
    due: Moment,
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
            waiting: encoder
                .shape()
                .services()
                .iter()
                .skip(1)
                .map(|_| VecDeque::new())
                .collect(),
            traces_left: config
                .spans_max
                .map(|spans| spans.div_ceil(spans_per_trace)),
            spans_yielded: 0,
            config,
            encoder,
            ledger,
        }
    }

    /// The cohort whose next request is to be sent, and the stage of that request.
    fn next_request(&mut self, turn: Turn) -> Option<(Arc<Cohort>, usize)> {
        let over = turn.stopping || self.is_over(turn.now);
        let due = |queue: &VecDeque<Waiting>| {
            queue
                .front()
                .is_some_and(|first| over || first.due <= turn.now)
        };
        if let Some(position) = self.waiting.iter().rposition(due) {
            let first = self.waiting.get_mut(position)?.pop_front()?;
            return Some((first.cohort, position + 1));
        }
        (!over).then(|| (self.begin(turn.unix_ns), 0))
    }

    fn is_over(&self, now: Moment) -> bool {
        self.traces_left == Some(0) || self.end.is_some_and(|end| now >= end)
    }

    fn begin(&mut self, unix_ns: u64) -> Arc<Cohort> {
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
        cohort
    }

    fn service_at(&self, stage: usize) -> usize {
        let services = self.encoder.shape().services().len();
        match self.config.order {
            Order::ParentsFirst => stage,
            Order::ChildrenFirst => services - 1 - stage,
        }
    }

    fn wait_for_next_stage(&mut self, cohort: &Arc<Cohort>, stage: usize, now: Moment) {
        let gaps = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX).max(1);
        if let Some(queue) = self.waiting.get_mut(stage) {
            queue.push_back(Waiting {
                cohort: Arc::clone(cohort),
                due: now.after(self.config.spread / gaps),
            });
        }
    }
}

impl Source for Load {
    type Receipt = Receipt;

    fn next(&mut self, turn: Turn) -> Next<Receipt> {
        let intended = self.pace.due(self.spans_yielded, turn.now);
        if intended > turn.now {
            let begins_nothing = turn.stopping || self.is_over(turn.now);
            let finished = begins_nothing && self.waiting.iter().all(VecDeque::is_empty);
            return if finished {
                Next::End
            } else {
                Next::WaitUntil(intended)
            };
        }
        let Some((cohort, stage)) = self.next_request(turn) else {
            return Next::End;
        };
        self.wait_for_next_stage(&cohort, stage, turn.now);
        let service = self.service_at(stage);
        let spans = self.encoder.spans_in(&cohort, service);
        self.spans_yielded += spans;
        Next::Send(Outgoing {
            message: self.encoder.encode(&cohort, service),
            spans,
            intended,
            receipt: Receipt { cohort, service },
        })
    }

    fn settle(receipt: Receipt, outcome: Outcome) {
        receipt.cohort.settle(receipt.service, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Shape;
    use super::*;

    const CONFIG: LoadConfig = LoadConfig {
        rates: Rates {
            error: 0.1,
            slow: 0.1,
        },
        traces_per_request: 20,
        spans_per_second: 10_000,
        duration: None,
        spans_max: Some(5_000),
        spread: Duration::from_secs(1),
        order: Order::ChildrenFirst,
        seed: 3,
    };

    fn load(config: LoadConfig) -> Load {
        let encoder = Arc::new(Encoder::new(Shape::new(25, 5).unwrap(), 300));
        Load::new(config, encoder, Moment(0), None)
    }

    /// Runs `load` on simulated time: moment, first trace and service of each request.
    fn run(mut load: Load, stop_at: Moment) -> Vec<(Moment, [u8; 16], usize)> {
        let mut now = Moment(0);
        let mut sent = Vec::new();
        loop {
            let turn = Turn {
                now,
                unix_ns: now.0,
                stopping: now >= stop_at,
            };
            match load.next(turn) {
                Next::Send(outgoing) => {
                    let Receipt { cohort, service } = outgoing.receipt;
                    sent.push((now, cohort.traces[0].id, service));
                }
                Next::WaitUntil(until) => now = until,
                Next::End => return sent,
            }
        }
    }

    const NEVER: Moment = Moment(u64::MAX);

    #[test]
    fn each_cohort_sends_each_service_once_children_first() {
        let sent = run(load(CONFIG), NEVER);
        assert_eq!(sent.len(), 50);
        let mut cohorts: Vec<_> = sent.iter().map(|(_, id, _)| *id).collect();
        cohorts.sort_unstable();
        cohorts.dedup();
        assert_eq!(cohorts.len(), 10);
        for cohort in cohorts {
            let of_cohort = sent.iter().filter(|(_, id, _)| *id == cohort);
            let services: Vec<_> = of_cohort.map(|(_, _, service)| *service).collect();
            assert_eq!(services, [4, 3, 2, 1, 0]);
        }
    }

    #[test]
    fn requests_keep_the_rate_whatever_the_spread() {
        for (number, (moment, ..)) in run(load(CONFIG), NEVER).iter().enumerate() {
            assert_eq!(moment.0, number as u64 * 10_000_000);
        }
    }

    #[test]
    fn the_requests_of_a_cohort_are_spread_over_time() {
        let config = LoadConfig {
            spans_max: None,
            ..CONFIG
        };
        let sent = run(load(config), Moment(5_000_000_000));
        let (first, cohort, _) = sent[0];
        let last = sent.iter().rfind(|(_, id, _)| *id == cohort).unwrap().0;
        let spread = last.since(first);
        assert!((1_000..1_100).contains(&spread.as_millis()), "{spread:?}");
    }

    #[test]
    fn whoever_stops_early_still_gets_whole_cohorts() {
        let config = LoadConfig {
            spans_max: None,
            ..CONFIG
        };
        let stopped = run(load(config), Moment(700_000_000));
        let config = LoadConfig {
            duration: Some(Duration::from_millis(700)),
            ..config
        };
        let ended = run(load(config), NEVER);
        assert_eq!(stopped, ended);
        assert!(!stopped.is_empty() && stopped.len().is_multiple_of(5));
    }

    #[test]
    fn the_number_of_spans_is_rounded_up_to_whole_traces() {
        let config = LoadConfig {
            spans_max: Some(26),
            ..CONFIG
        };
        let mut load = load(config);
        let mut spans = 0;
        let turn = Turn {
            now: NEVER,
            unix_ns: 9_000_000_000,
            stopping: false,
        };
        while let Next::Send(outgoing) = load.next(turn) {
            spans += outgoing.spans;
        }
        assert_eq!(spans, 50);
    }

    #[test]
    fn the_same_seed_makes_the_same_identifiers() {
        assert_eq!(run(load(CONFIG), NEVER), run(load(CONFIG), NEVER));
        let other = LoadConfig { seed: 4, ..CONFIG };
        assert_ne!(run(load(CONFIG), NEVER), run(load(other), NEVER));
    }
}
