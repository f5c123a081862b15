//! The load on simulated time.

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
    spans_max: Some(50_000),
    spread: Duration::from_secs(1),
    order: Order::ChildrenFirst,
    seed: 3,
};

const SECOND: Moment = Moment(1_000_000_000);
const NEVER: Moment = Moment(u64::MAX);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sent {
    at: Moment,
    /// The cohort's first trace.
    trace_id: [u8; 16],
    service: usize,
    spans: u64,
}

fn load(config: LoadConfig) -> Load {
    let encoder = Arc::new(Encoder::new(Shape::new(25, 5).unwrap(), 300));
    Load::new(config, encoder, Moment(0), None)
}

/// Runs a load whose requests take `request` each, one after the other, and that is stopped at `stop_at`.
fn run(config: LoadConfig, request: Duration, stop_at: Moment) -> Vec<Sent> {
    let mut load = load(config);
    let mut now = Moment(0);
    let mut sent = Vec::new();
    loop {
        let turn = Turn {
            now,
            unix_ns: 1_700_000_000_000_000_000 + now.0,
            stopping: now >= stop_at,
        };
        match load.next(turn) {
            Next::Send(outgoing) => {
                let Receipt { cohort, service } = outgoing.receipt;
                sent.push(Sent {
                    at: now,
                    trace_id: cohort.traces[0].id,
                    service,
                    spans: outgoing.spans,
                });
                now = now.after(request);
            }
            Next::WaitUntil(until) => {
                assert!(until > now, "waiting for the past never ends");
                now = until;
            }
            Next::End => return sent,
        }
    }
}

fn of_cohort(sent: &[Sent], trace_id: [u8; 16]) -> Vec<Sent> {
    let of_cohort = sent.iter().filter(|sent| sent.trace_id == trace_id);
    of_cohort.copied().collect()
}

#[test]
fn each_cohort_sends_each_service_once_in_order() {
    for (order, services) in [
        (Order::ChildrenFirst, [4, 3, 2, 1, 0]),
        (Order::ParentsFirst, [0, 1, 2, 3, 4]),
    ] {
        for spans_per_second in [0, 10_000] {
            let config = LoadConfig {
                order,
                spans_per_second,
                ..CONFIG
            };
            let sent = run(config, Duration::from_millis(1), NEVER);
            assert_eq!(sent.len(), 500);
            for first in sent.iter().filter(|sent| sent.service == services[0]) {
                let cohort = of_cohort(&sent, first.trace_id);
                let of_services: Vec<_> = cohort.iter().map(|sent| sent.service).collect();
                assert_eq!(of_services, services);
            }
        }
    }
}

#[test]
fn after_one_spread_the_load_is_even_in_spans_and_in_new_traces() {
    let sent = run(CONFIG, Duration::ZERO, NEVER);
    for tenth in 10..50_u64 {
        let within = |sent: &&Sent| sent.at.0 / 100_000_000 == tenth;
        let of_tenth = || sent.iter().filter(within);
        assert_eq!(of_tenth().map(|sent| sent.spans).sum::<u64>(), 1_000);
        assert_eq!(of_tenth().filter(|sent| sent.service == 4).count(), 2);
    }
    assert_eq!(sent.last().unwrap().at, Moment(5_950_000_000));
}

#[test]
fn at_a_rate_the_requests_of_a_cohort_are_a_spread_apart() {
    let sent = run(CONFIG, Duration::ZERO, NEVER);
    for first in sent.iter().filter(|sent| sent.service == 4) {
        let cohort = of_cohort(&sent, first.trace_id);
        let last = cohort.last().unwrap();
        assert_eq!(last.at.since(first.at), CONFIG.spread);
    }
}

#[test]
fn in_a_closed_loop_requests_follow_at_once_and_cohorts_are_spread_all_the_same() {
    let config = LoadConfig {
        spans_per_second: 0,
        spans_max: Some(500_000),
        ..CONFIG
    };
    let sent = run(config, Duration::from_millis(1), NEVER);
    for (number, sent) in sent.iter().enumerate() {
        assert_eq!(sent.at.0, number as u64 * 1_000_000, "never idle");
    }
    let middle = sent[sent.len() / 2].trace_id;
    let cohort = of_cohort(&sent, middle);
    let spread = cohort[4].at.since(cohort[0].at);
    assert!((500..=1_500).contains(&spread.as_millis()), "{spread:?}");
}

#[test]
fn whoever_stops_early_still_gets_whole_cohorts() {
    let endless = LoadConfig {
        spans_max: None,
        ..CONFIG
    };
    let stopped = run(endless, Duration::ZERO, SECOND);
    let config = LoadConfig {
        duration: Some(Duration::from_secs(1)),
        ..endless
    };
    assert_eq!(stopped, run(config, Duration::ZERO, NEVER));
    assert_eq!(stopped.len(), 100);
}

#[test]
fn the_number_of_spans_is_rounded_up_to_whole_traces() {
    for spans_per_second in [0, 10_000] {
        let config = LoadConfig {
            spans_max: Some(26),
            spans_per_second,
            ..CONFIG
        };
        let sent = run(config, Duration::ZERO, NEVER);
        assert_eq!(sent.iter().map(|sent| sent.spans).sum::<u64>(), 50);
    }
}

#[test]
fn the_same_seed_makes_the_same_identifiers_at_any_speed() {
    let closed = LoadConfig {
        spans_per_second: 0,
        spread: Duration::ZERO,
        ..CONFIG
    };
    let ids = |config, request| {
        let sent = run(config, request, NEVER);
        let first = sent.into_iter().filter(|sent| sent.service == 4);
        first.map(|sent| sent.trace_id).collect::<Vec<_>>()
    };
    let expected = ids(CONFIG, Duration::ZERO);
    assert_eq!(expected, ids(closed, Duration::from_millis(3)));
    assert_ne!(
        expected,
        ids(LoadConfig { seed: 4, ..CONFIG }, Duration::ZERO)
    );
}
