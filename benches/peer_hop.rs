//! What a span's hop to another replica costs: CPU of both ends together, HTTP/2 and the kernel's share included.
//!
//! `cargo bench --bench peer_hop` prints CPU-ns per span of about 485 bytes, for parts of 33 spans (a third of a
//! request of 100) by so many callers at once, each of whom waits for its acknowledgement; the receiving end takes the
//! frames as they are, or walks them as a replica does.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot prepare its input has nothing to measure"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tailsieve::batch::peer::answer::FrameAnswer;
use tailsieve::batch::peer::frame::Frame;
use tailsieve::batch::peer::hello::Secret;
use tailsieve::batch::replica::{Incarnation, Life, ReplicaId};
use tailsieve::batch::sub_batch::{SharedRequest, SubBatch};
use tailsieve::clock::Clock;
use tailsieve::memory::{Budget, Charge};
use tailsieve::metrics::Registry;
use tailsieve::otlp::ids::TraceId;
use tailsieve::otlp::wire::walk_request;
use tailsieve::receiver::peer::{PeerConfig, PeerIngest, PeerPort, PeerServer};
use tailsieve::router::Splitter;
use tailsieve::router::forward::{
    ForwardConfig, ForwardParts, Forwarder, Outcome, Reroute, ReroutedPart, ReturnedFrame, Route,
    TcpDial,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PART_SPANS: u64 = 33;
const MEASURED: Duration = Duration::from_secs(3);

/// Takes every frame.
#[derive(Clone)]
struct Taker {
    walks: bool,
}

/// Nothing is refused, so nothing is split anew.
struct Never;

impl PeerIngest for Taker {
    fn life(&self) -> Life {
        life("b")
    }

    async fn frame(&self, frame: Frame, charge: Charge) -> FrameAnswer {
        if self.walks {
            walk_request(&frame.payload).expect("a payload that can be walked");
        }
        drop(charge);
        FrameAnswer::Applied
    }

    async fn order(&self, _from: Life, order: Bytes) -> Bytes {
        order
    }

    async fn about(&self, trace_id: TraceId) -> Bytes {
        Bytes::copy_from_slice(&trace_id.0)
    }
}

impl Reroute for Never {
    fn reroute(&self, _frame: &ReturnedFrame<'_>) -> Result<Vec<ReroutedPart>, String> {
        Err("nothing is refused here".to_owned())
    }
}

fn life(replica: &str) -> Life {
    Life {
        replica: ReplicaId::new(replica).expect("an ID"),
        incarnation: Incarnation(1),
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..Default::default()
    }
}

fn part(number: u64) -> SubBatch {
    let spans = (0..PART_SPANS).map(|index| Span {
        trace_id: (u128::from(number) << 64 | u128::from(index / 5 + 1))
            .to_be_bytes()
            .to_vec(),
        span_id: (index + 1).to_be_bytes().to_vec(),
        parent_span_id: vec![1; 8],
        name: "GET /api/v1/orders/{order_id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_020_000_000,
        attributes: vec![
            attribute("http.request.method", "GET"),
            attribute("http.route", "/api/v1/orders/{order_id}"),
            attribute("url.path", "/api/v1/orders/8c2f7f5e-1a54-4f0e"),
            attribute("server.address", "orders.shop.svc.cluster.local"),
            attribute("network.protocol.version", "1.1"),
            attribute("user_agent.original", "okhttp/4.12.0"),
            attribute("client.address", "10.42.17.203"),
            attribute("http.response.status_code", "200"),
            attribute("thread.name", "http-nio-8080-exec-17"),
        ],
        ..Default::default()
    });
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "orders")],
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    let body = Bytes::from(request.encode_to_vec());
    let walked = walk_request(&body).expect("a valid request");
    let request = SharedRequest {
        body,
        scopes: walked.scopes,
        metadata: None,
        origin: None,
        charge: Budget::new(u64::MAX).charge(0),
    };
    let mut routed = Splitter::default().split(request, &walked.spans, 1);
    routed.pop().expect("one shard").1
}

/// CPU that all threads of this process have used.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a Linux kernel");
    let on_cpu = tasks.filter_map(|task| {
        let path = task.ok()?.path().join("schedstat");
        let text = std::fs::read_to_string(path).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(on_cpu.sum())
}

async fn forwarder(address: SocketAddr, frame_bytes: usize) -> Forwarder {
    let mut config = ForwardConfig::new("bench", Secret::new(b"secret"));
    config.frame_bytes = frame_bytes;
    let forwarder = Forwarder::new(ForwardParts {
        config,
        life: life("a"),
        clock: Clock::system(),
        memory: Budget::new(1 << 30),
        hold: Budget::new(0),
        dial: Arc::new(TcpDial),
        reroute: Arc::new(Never),
        metrics: Registry::new().forward(),
        accounting: Arc::default(),
    });
    forwarder.set_destination(&life("b"), address, false);
    forwarder
}

async fn measure(callers: u64, walks: bool, frame_bytes: usize) {
    let config = PeerConfig {
        cluster: "bench".to_owned(),
        secret: Secret::new(b"secret"),
        retry_after: Duration::from_millis(50),
        draw_nonce: rand::random,
    };
    let registry = Registry::new();
    let budget = Budget::new(1 << 30);
    let server = PeerServer::new(config, Taker { walks }, budget, registry.peer());
    let endpoint = SocketAddr::from(([127, 0, 0, 1], 0));
    let (_port, address) = PeerPort::start(endpoint, server).await.expect("a port");
    let forwarder = forwarder(address, frame_bytes).await;
    let clock = Clock::system();
    let begin = (clock.now(), cpu());
    let until = begin.0.after(MEASURED);
    let callers = (0..callers).map(|caller| {
        let (forwarder, clock) = (forwarder.clone(), clock.clone());
        tokio::spawn(async move {
            let (part, route) = (part(caller), Route::of_client(life("a")));
            let to = life("b").replica;
            let mut spans = 0;
            while clock.now() < until {
                let outcome = forwarder.forward(&to, &part, &route).settled().await;
                assert_eq!(outcome, Outcome::Acked);
                spans += PART_SPANS;
            }
            spans
        })
    });
    let callers: Vec<_> = callers.collect();
    let number = callers.len();
    let mut spans = 0;
    for caller in callers {
        spans += caller.await.expect("a caller");
    }
    let used = cpu() - begin.1;
    let took = clock.now().since(begin.0).as_secs_f64();
    let text = registry.render();
    let frames = text
        .lines()
        .find_map(|line| line.strip_prefix("tailsieve_cluster_frames_received_total "))
        .and_then(|count| count.parse::<f64>().ok())
        .unwrap_or(1.0);
    println!(
        "{number:4} callers, frames of {:4} KiB, walk {walks:5}: {:6.0} CPU-ns/span, {:7.0} spans/frame, {:9.0} spans/s",
        frame_bytes >> 10,
        used.as_nanos() as f64 / spans as f64,
        spans as f64 / frames,
        spans as f64 / took,
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for walks in [false, true] {
        for (callers, frame_bytes) in [
            (4, 1 << 20),
            (64, 1 << 20),
            (512, 1 << 18),
            (512, 1 << 19),
            (512, 1 << 20),
        ] {
            runtime.block_on(measure(callers, walks, frame_bytes));
        }
    }
}
