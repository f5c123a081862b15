//! The queue alone: order, bounds, waking, closing.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::*;
use crate::exporter::config::Overflow;
use crate::memory::Budget;
use crate::metrics::Registry;

struct Rig {
    queue: Queue,
    budget: Budget,
    wakes: Arc<AtomicUsize>,
}

impl Rig {
    fn new(limit_bytes: u64, overflow: Overflow) -> Self {
        let metrics = Registry::new().exporter("otlp");
        let gauges = QueueGauges {
            bytes: metrics.queue_bytes,
            spans: metrics.queue_spans,
        };
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let on_room = Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let config = QueueConfig {
            limit_bytes,
            num_consumers: 1,
            overflow,
        };
        Self {
            queue: Queue::new(config, gauges, on_room),
            budget: Budget::new(1_000),
            wakes,
        }
    }

    fn batch(&self, size_bytes: usize) -> ExportBatch {
        ExportBatch {
            body: Bytes::from(vec![0; size_bytes]),
            spans: 1,
            metadata: None,
            charge: Arc::new(self.budget.charge(size_bytes as u64)),
        }
    }

    /// Sizes of what was dropped; `None` when the offer was refused.
    fn offer(&self, size_bytes: usize) -> Option<Vec<u64>> {
        match self.queue.offer(self.batch(size_bytes)) {
            Offer::Taken { dropped } => Some(dropped.iter().map(ExportBatch::size_bytes).collect()),
            Offer::Refused(_) => None,
        }
    }

    fn next(&self) -> ExportBatch {
        self.queue.next().now_or_never().unwrap().unwrap()
    }

    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }
}

#[test]
fn requests_leave_in_the_order_of_their_arrival_and_count_until_released() {
    let rig = Rig::new(100, Overflow::Wait);
    for size in [10, 20, 30] {
        assert_eq!(rig.offer(size), Some(vec![]));
    }
    let batches = [rig.next(), rig.next(), rig.next()];
    assert_eq!(
        batches.each_ref().map(ExportBatch::size_bytes),
        [10, 20, 30]
    );
    assert_eq!(rig.queue.pending(), (3, 60));
    for batch in batches {
        rig.queue.release(batch);
    }
    assert_eq!(rig.queue.pending(), (0, 0));
    assert_eq!(rig.budget.used_bytes(), 0);
}

#[test]
fn what_is_under_way_takes_room_and_its_release_wakes_those_refused() {
    let rig = Rig::new(100, Overflow::Wait);
    assert!(rig.offer(60).is_some());
    let under_way = rig.next();
    assert!(rig.offer(41).is_none());
    assert!(rig.queue.has_room());
    assert_eq!(rig.wakes(), 0);
    rig.queue.release(under_way);
    assert_eq!(rig.wakes(), 1);
    assert!(rig.offer(41).is_some());
}

#[test]
fn nobody_is_woken_before_the_smallest_refused_request_fits_nor_when_none_was_refused() {
    let rig = Rig::new(100, Overflow::Wait);
    assert!(rig.offer(10).is_some());
    assert!(rig.offer(90).is_some());
    assert!(rig.offer(50).is_none());
    assert!(rig.offer(20).is_none());
    rig.queue.release(rig.next());
    assert_eq!(rig.wakes(), 0);
    rig.queue.release(rig.next());
    assert_eq!(rig.wakes(), 1);
    assert!(rig.offer(100).is_some());
    rig.queue.release(rig.next());
    assert_eq!(rig.wakes(), 1);
}

#[test]
fn asking_for_room_in_vain_is_enough_to_be_woken() {
    let rig = Rig::new(100, Overflow::Wait);
    assert!(rig.offer(100).is_some());
    assert!(!rig.queue.has_room());
    rig.queue.release(rig.next());
    assert_eq!(rig.wakes(), 1);
    assert!(rig.queue.has_room());
}

#[test]
fn a_request_larger_than_the_limit_is_taken_when_the_queue_is_empty() {
    let rig = Rig::new(100, Overflow::Wait);
    assert!(rig.offer(1).is_some());
    assert!(rig.offer(500).is_none());
    rig.queue.release(rig.next());
    assert!(rig.offer(500).is_some());
    assert!(!rig.queue.has_room());
}

#[test]
fn drop_oldest_gives_up_waiting_requests_oldest_first_and_never_those_under_way() {
    let rig = Rig::new(100, Overflow::DropOldest);
    for size in [40, 30, 20] {
        assert!(rig.offer(size).is_some());
    }
    let under_way = rig.next();
    assert_eq!(rig.offer(50), Some(vec![30, 20]));
    assert_eq!(rig.offer(70), Some(vec![50, 70]));
    assert_eq!(rig.queue.pending(), (1, 40));
    rig.queue.release(under_way);
    assert_eq!(rig.offer(70), Some(vec![]));
    assert_eq!(rig.budget.used_bytes(), 70);
}

#[test]
fn a_closed_queue_refuses_offers_and_ends_once_empty() {
    let rig = Rig::new(100, Overflow::Wait);
    assert!(rig.offer(10).is_some());
    rig.queue.close();
    assert!(rig.offer(10).is_none());
    let batch = rig.next();
    rig.queue.release(batch);
    assert!(rig.queue.next().now_or_never().unwrap().is_none());
}

#[tokio::test]
async fn a_waiting_consumer_is_woken_by_an_offer_from_a_plain_thread_and_by_the_close() {
    let rig = Arc::new(Rig::new(100, Overflow::Wait));
    let consumer = Arc::clone(&rig);
    let consumer = tokio::spawn(async move {
        let mut taken = 0;
        while let Some(batch) = consumer.queue.next().await {
            taken += 1;
            consumer.queue.release(batch);
        }
        taken
    });
    tokio::task::yield_now().await;
    let shard = Arc::clone(&rig);
    std::thread::spawn(move || assert!(shard.offer(10).is_some()))
        .join()
        .unwrap();
    tokio::task::yield_now().await;
    rig.queue.close();
    assert_eq!(consumer.await.unwrap(), 1);
}
