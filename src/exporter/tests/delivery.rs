//! In virtual time, with a destination that answers as told.

use std::collections::VecDeque;

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::exporter::deliver::Attempt;
use crate::exporter::outcome::{Accepted, Failure};
use crate::exporter::reason::Reason;

type Answer = Result<Accepted, Failure>;

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Bytes>>,
}

struct Scripted(Arc<Script>);

impl Sink for Scripted {
    fn attempt<'a>(&'a self, batch: &'a ExportBatch) -> Attempt<'a> {
        self.0.seen.lock().push(batch.body.clone());
        let answer = self.0.answers.lock().pop_front();
        let answer = answer.unwrap_or_else(|| Ok(Accepted::default()));
        Box::pin(std::future::ready(answer))
    }
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            seen: Mutex::default(),
        })
    }

    fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock();
        let text = |body: &Bytes| String::from_utf8(body.to_vec()).unwrap();
        seen.iter().map(text).collect()
    }
}

fn start(rig: &Rig, script: &Arc<Script>, queue: QueueConfig, retry: RetryConfig) -> Exporter {
    let sink = Box::new(Scripted(Arc::clone(script)));
    let runtime = Handle::current();
    Exporter::deliver_to(
        sink,
        "otlp".to_owned(),
        queue,
        retry,
        rig.context(),
        &runtime,
    )
}

fn unavailable(wait_min: Duration) -> Answer {
    let reason = Reason::Grpc(tonic::Code::Unavailable);
    Err(Failure::passing(reason, "busy", wait_min))
}

fn invalid() -> Answer {
    let reason = Reason::Grpc(tonic::Code::InvalidArgument);
    Err(Failure::permanent(reason, "bad span"))
}

fn partial(rejected_spans: u64, message: &str) -> Answer {
    Ok(Accepted {
        rejected_spans,
        message: message.to_owned(),
        wire_bytes: 0,
    })
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_retried_with_the_same_request_and_one_consumer_keeps_the_order() {
    let rig = Rig::new();
    let script = Script::new([unavailable(Duration::ZERO), unavailable(Duration::ZERO)]);
    let exporter = start(&rig, &script, queue(1), RetryConfig::default());
    exporter.offer(rig.batch(3, "a")).unwrap();
    exporter.offer(rig.batch(4, "b")).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 0);
    assert_eq!(script.seen(), ["a", "a", "a", "b"]);
    let status = exporter.status();
    assert_eq!((status.sent_spans, status.failed_spans), (7, 0));
    assert_eq!(status.last_error.as_deref(), Some("busy"));
    assert!(!status.failing);
    let labels = "{exporter=\"otlp\",reason=\"unavailable\"}";
    let retried = format!("tailsieve_exporter_requests_retried_total{labels}");
    assert_eq!(rig.metric(&retried), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_destination_asks_for_is_kept() {
    let rig = Rig::new();
    let script = Script::new([unavailable(MINUTE)]);
    let exporter = start(&rig, &script, queue(1), RetryConfig::default());
    exporter.offer(rig.batch(1, "a")).unwrap();
    tokio::time::sleep(Duration::from_millis(59_900)).await;
    assert_eq!(script.seen().len(), 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_final_failure_is_counted_by_its_code_and_never_retried() {
    let rig = Rig::new();
    let script = Script::new([invalid()]);
    let exporter = start(&rig, &script, queue(1), RetryConfig::default());
    exporter.offer(rig.batch(3, "a")).unwrap();
    exporter.offer(rig.batch(4, "b")).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 0);
    assert_eq!(script.seen(), ["a", "b"]);
    assert_eq!(rig.failed("invalid_argument"), Some(3));
    assert_eq!(exporter.status().sent_spans, 4);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_given_up_after_max_elapsed_time_and_at_once_when_retrying_is_off() {
    let rig = Rig::new();
    let script = Script::new(std::iter::repeat_with(|| unavailable(Duration::ZERO)).take(1_000));
    let retry = RetryConfig {
        max_elapsed_time: Some(MINUTE),
        ..RetryConfig::default()
    };
    let exporter = start(&rig, &script, queue(1), retry);
    exporter.offer(rig.batch(3, "a")).unwrap();
    assert_eq!(exporter.drain(2 * MINUTE).await, 0);
    assert!(script.seen().len() > 2);
    assert_eq!(rig.failed("unavailable"), Some(3));
    let retry = RetryConfig {
        enabled: false,
        ..retry
    };
    let exporter = start(&rig, &script, queue(1), retry);
    exporter.offer(rig.batch(1, "b")).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 0);
    assert_eq!(script.seen().iter().filter(|body| *body == "b").count(), 1);
    assert_eq!(rig.failed("unavailable"), Some(4));
}

#[tokio::test(start_paused = true)]
async fn rejected_spans_of_a_partial_success_fail_and_the_rest_is_sent_without_a_retry() {
    let rig = Rig::new();
    let script = Script::new([partial(2, "too old"), partial(0, "deprecated")]);
    let exporter = start(&rig, &script, queue(1), RetryConfig::default());
    exporter.offer(rig.batch(5, "a")).unwrap();
    exporter.offer(rig.batch(6, "b")).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 0);
    assert_eq!(script.seen(), ["a", "b"]);
    assert_eq!(rig.failed("partial_success"), Some(2));
    assert_eq!(exporter.status().sent_spans, 9);
    let error = exporter.status().last_error;
    assert_eq!(error.as_deref(), Some("2 spans rejected: too old"));
}

#[tokio::test(start_paused = true)]
async fn bytes_stay_charged_until_acknowledged_and_shards_are_woken_then() {
    let rig = Rig::new();
    let script = Script::new([unavailable(MINUTE)]);
    let config = QueueConfig {
        limit_bytes: 10,
        ..queue(1)
    };
    let exporter = start(&rig, &script, config, RetryConfig::default());
    exporter.offer(rig.batch(1, "ten bytes!")).unwrap();
    assert!(!exporter.has_room());
    let refused = exporter.offer(rig.batch(2, "b")).unwrap_err();
    assert_eq!(refused.spans, 2);
    tokio::time::sleep(MINUTE / 2).await;
    assert_eq!(rig.budget.used_bytes(), 11);
    assert_eq!(exporter.pending(), (1, 10));
    assert_eq!(rig.wakes.load(Ordering::Relaxed), 0);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(rig.wakes.load(Ordering::Relaxed), 1);
    assert_eq!(rig.budget.used_bytes(), 1);
    exporter.offer(refused).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 0);
    assert_eq!(rig.budget.used_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_counts_what_it_drops() {
    let rig = Rig::new();
    let script = Script::new([unavailable(MINUTE)]);
    let config = QueueConfig {
        limit_bytes: 3,
        overflow: Overflow::DropOldest,
        ..queue(1)
    };
    let exporter = start(&rig, &script, config, RetryConfig::default());
    exporter.offer(rig.batch(1, "a")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (spans, text) in [(10, "b"), (100, "c"), (1_000, "d"), (10_000, "e")] {
        assert!(exporter.has_room());
        exporter.offer(rig.batch(spans, text)).unwrap();
    }
    assert_eq!(rig.failed("dropped_oldest"), Some(110));
    assert_eq!(exporter.drain(2 * MINUTE).await, 0);
    assert_eq!(script.seen(), ["a", "a", "d", "e"]);
    assert_eq!(exporter.status().sent_spans, 11_001);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_ends_too_early_tells_and_counts_what_is_left() {
    let rig = Rig::new();
    let script = Script::new(std::iter::repeat_with(|| unavailable(Duration::ZERO)).take(1_000));
    let exporter = start(&rig, &script, queue(1), RetryConfig::default());
    exporter.offer(rig.batch(3, "under way")).unwrap();
    exporter.offer(rig.batch(4, "waiting")).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 7);
    assert!(script.seen().len() > 2);
    assert_eq!(rig.failed("shutdown"), Some(7));
    assert_eq!(exporter.pending(), (0, 0));
    assert_eq!(rig.budget.used_bytes(), 0);
    let late = rig.batch(1, "late");
    assert!(exporter.offer(late).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_request_in_retry_occupies_one_consumer_and_not_the_others() {
    let rig = Rig::new();
    let script = Script::new([unavailable(MINUTE)]);
    let exporter = start(&rig, &script, queue(2), RetryConfig::default());
    for text in ["a", "b", "c"] {
        exporter.offer(rig.batch(1, text)).unwrap();
    }
    tokio::time::sleep(MINUTE / 2).await;
    assert_eq!(script.seen(), ["a", "b", "c"]);
    assert_eq!(exporter.pending(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn at_rest_spans_taken_are_sent_failed_or_queued_whatever_happens() {
    for seed in 0..50 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let rig = Rig::new();
        let answers: Vec<Answer> = (0..60)
            .map(|_| match random.random_range(0..6) {
                0 => invalid(),
                1 | 2 => unavailable(Duration::ZERO),
                3 => partial(random.random_range(0..2), "some"),
                _ => Ok(Accepted::default()),
            })
            .collect();
        let script = Script::new(answers);
        let config = QueueConfig {
            limit_bytes: 5,
            num_consumers: 3,
            overflow: [Overflow::Wait, Overflow::DropOldest][random.random_range(0..2)],
        };
        let exporter = start(&rig, &script, config, RetryConfig::default());
        let mut taken = 0;
        for _ in 0..40 {
            let spans = random.random_range(2..9);
            if exporter.offer(rig.batch(spans, "x")).is_ok() {
                taken += spans;
            }
            let pause_ms = random.random_range(0..800);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            let status = exporter.status();
            let settled = status.sent_spans + status.failed_spans + status.queued_spans;
            assert_eq!(taken, settled, "seed {seed}");
        }
        exporter
            .drain(Duration::from_millis(random.random_range(0..3_000)))
            .await;
        let status = exporter.status();
        assert_eq!(
            taken,
            status.sent_spans + status.failed_spans,
            "seed {seed}"
        );
        assert_eq!((exporter.pending(), rig.budget.used_bytes()), ((0, 0), 0));
    }
}
