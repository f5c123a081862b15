//! An even load of traces whose spans come seconds apart and to different replicas, by clients that send again as OTLP
//! says, and a record of what became of every span.
//!
//! Every 100 ms 20 traces begin. Each has five spans, 800 ms apart in requests of their own, each to the next replica of
//! the directory; the last span, 3.2 s after the first, is the one with the error that makes the trace worth keeping. Every
//! fourth trace has none. That makes 1,000 spans/s. There is no clock in the books: what was before and what after an event
//! is told by eras, which a test begins.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use prost::Message;
use tailsieve::clock::Clock;
use tokio::task::{JoinHandle, JoinSet};
use tonic::Code;

use super::Directory;
use crate::support::grpc::GrpcClient;
use crate::support::spans::{by_trace, failed, request, span};
use crate::support::{DEADLINE, eventually};

const COHORT_EVERY: Duration = Duration::from_millis(100);
const TRACES_A_COHORT: u128 = 20;
const STAGES: u64 = 5;
const STAGE_EVERY: Duration = Duration::from_millis(800);
/// Wait before another replica is tried where none was named: it is the way of SDKs to wait a little.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Load under way.
pub(crate) struct SpreadLoad {
    shared: Arc<Shared>,
    cohorts: JoinHandle<()>,
}

/// Every span that was acknowledged, by trace and number.
#[derive(Debug, Default)]
pub(crate) struct Books(pub(crate) BTreeMap<(u128, u64), Sent>);

/// What is known of a span that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// The era in which it was first sent.
    pub(crate) era: u64,
    /// From when the trace's first span was first sent to when this one was acknowledged.
    pub(crate) age: Duration,
}

/// What the backend has, against the books.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Acknowledged spans of traces with an error that are not there.
    pub(crate) lost: BTreeSet<(u128, u64)>,
    /// Spans that are there more than once.
    pub(crate) doubled: BTreeSet<(u128, u64)>,
    /// Spans that are there and should not be: of traces without an error, or never acknowledged.
    pub(crate) unexpected: BTreeSet<(u128, u64)>,
}

struct Shared {
    clock: Clock,
    directory: Directory,
    connections: Mutex<HashMap<SocketAddr, GrpcClient>>,
    books: Mutex<Books>,
    is_over: AtomicBool,
    era: AtomicU64,
    requests: AtomicU64,
    setbacks: AtomicU64,
}

impl SpreadLoad {
    /// Starts it.
    pub(crate) fn start(directory: &Directory) -> Self {
        let shared = Arc::new(Shared {
            clock: Clock::system(),
            directory: Arc::clone(directory),
            connections: Mutex::default(),
            books: Mutex::default(),
            is_over: AtomicBool::new(false),
            era: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            setbacks: AtomicU64::new(0),
        });
        let cohorts = tokio::spawn(run(Arc::clone(&shared)));
        Self { shared, cohorts }
    }

    /// Waits until `seconds` worth of requests more are acknowledged.
    pub(crate) async fn seconds(&self, seconds: u64) {
        let a_second = 1_000 / 100 * STAGES;
        let target = self.shared.requests.load(Ordering::Relaxed) + seconds * a_second;
        eventually("requests are acknowledged", || async {
            (self.shared.requests.load(Ordering::Relaxed) >= target).then_some(())
        })
        .await;
    }

    /// From now on it is the next era.
    pub(crate) fn next_era(&self) -> u64 {
        self.shared.era.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Begins no further traces, and waits until the begun ones are sent.
    pub(crate) async fn stop(self) -> Books {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(DEADLINE, self.cohorts).await;
        ended.expect("the last requests are acknowledged").unwrap();
        let setbacks = self.shared.setbacks.load(Ordering::Relaxed);
        let books = std::mem::take(&mut *self.shared.books.lock());
        let slowest = books.0.values().map(|sent| sent.age).max();
        eprintln!("{setbacks} attempts failed; the slowest trace took {slowest:?}");
        books
    }
}

impl Books {
    /// Whether a trace has an error.
    pub(crate) fn is_failed(trace: u128) -> bool {
        !trace.is_multiple_of(4)
    }

    /// Compares with what the backend has.
    pub(crate) fn compare(&self, arrived: &[ExportTraceServiceRequest]) -> Comparison {
        let mut found = Comparison::default();
        let mut here = BTreeSet::new();
        for (trace, spans) in by_trace(arrived) {
            let trace = u128::from_be_bytes(trace.try_into().unwrap());
            for placed in spans {
                let number = u64::from_be_bytes(placed.span.span_id.try_into().unwrap());
                if !here.insert((trace, number)) {
                    found.doubled.insert((trace, number));
                }
                if !Self::is_failed(trace) || !self.0.contains_key(&(trace, number)) {
                    found.unexpected.insert((trace, number));
                }
            }
        }
        let wanted = self.0.keys().filter(|(trace, _)| Self::is_failed(*trace));
        let lost = wanted.filter(|span| !here.contains(span));
        found.lost = lost.copied().collect();
        found
    }
}

impl Comparison {
    /// Nothing is lost, split or doubled.
    pub(crate) fn assert_clean(&self) {
        let counts = (self.lost.len(), self.doubled.len(), self.unexpected.len());
        assert_eq!(counts, (0, 0, 0), "lost, doubled, unexpected: {self:?}");
    }
}

async fn run(shared: Arc<Shared>) {
    let mut beat = tokio::time::interval(COHORT_EVERY);
    let mut cohorts = JoinSet::new();
    for number in 0.. {
        beat.tick().await;
        if shared.is_over.load(Ordering::Relaxed) {
            break;
        }
        cohorts.spawn(cohort(number, Arc::clone(&shared)));
    }
    cohorts.join_all().await;
}

async fn cohort(number: u64, shared: Arc<Shared>) {
    let first = u128::from(number) * TRACES_A_COHORT + 1;
    let begun = shared.clock.now();
    let mut beat = tokio::time::interval(STAGE_EVERY);
    for stage in 1..=STAGES {
        beat.tick().await;
        let traces = first..first + TRACES_A_COHORT;
        let spans = traces.clone().map(|trace| match stage {
            STAGES if Books::is_failed(trace) => failed(span(trace, stage)),
            _ => span(trace, stage),
        });
        let request = request(spans.collect()).encode_to_vec();
        let era = shared.era.load(Ordering::SeqCst);
        shared.deliver(&request, number + stage).await;
        let age = shared.clock.now().since(begun);
        let sent = Sent { era, age };
        let mut books = shared.books.lock();
        books.0.extend(traces.map(|trace| ((trace, stage), sent)));
    }
}

impl Shared {
    /// Sends a request until a replica takes it, to one after the other.
    async fn deliver(&self, request: &[u8], mut turn: u64) {
        loop {
            match self.attempt(request, turn).await {
                None => break,
                Some(wait) => tokio::time::sleep(wait).await,
            }
            self.setbacks.fetch_add(1, Ordering::Relaxed);
            turn += 1;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends a request once; how long to wait before the next attempt, if it was not taken.
    async fn attempt(&self, request: &[u8], turn: u64) -> Option<Duration> {
        let Some((address, client)) = self.client(turn).await else {
            return Some(RETRY_AFTER);
        };
        let Some(answer) = client.try_export(request).await else {
            self.connections.lock().remove(&address);
            return Some(RETRY_AFTER);
        };
        if answer.code() == Code::Unavailable {
            return Some(answer.retry_after().unwrap_or(RETRY_AFTER));
        }
        assert_eq!(answer.response().partial_success, None);
        None
    }

    /// The connection to the replica whose turn it is.
    async fn client(&self, turn: u64) -> Option<(SocketAddr, GrpcClient)> {
        let address = {
            let directory = self.directory.lock();
            let count = u64::try_from(directory.len()).unwrap();
            directory[usize::try_from(turn % count).unwrap()]
        };
        if let Some(client) = self.connections.lock().get(&address) {
            return Some((address, client.clone()));
        }
        let client = GrpcClient::try_connect(address).await?;
        let mut connections = self.connections.lock();
        let client = connections.entry(address).or_insert(client).clone();
        Some((address, client))
    }
}
