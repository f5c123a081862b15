//! Replicas reduced to their peer ports, and what they are told to answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::Semaphore;

use super::super::*;
use crate::batch::key::ShardId;
use crate::batch::peer::answer::FrameAnswer;
use crate::batch::peer::frame::Frame;
use crate::batch::peer::hello::Secret;
use crate::batch::replica::Incarnation;
use crate::batch::sub_batch::SharedRequest;
use crate::memory::Charge;
use crate::metrics::Registry;
use crate::otlp::ids::TraceId;
use crate::otlp::wire::walk_request;
use crate::receiver::peer::{PeerConfig, PeerIngest, PeerPort, PeerServer};
use crate::router::Splitter;

/// What the next frame is answered with.
pub(super) enum Script {
    Answer(FrameAnswer),
    /// It is taken, and the answer gets lost.
    Silence,
}

/// Records frames and answers them as told, or that they are applied.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Recorded>);

struct Recorded {
    life: Life,
    frames: Mutex<Vec<Frame>>,
    orders: Mutex<Vec<(Life, Bytes)>>,
    scripts: Mutex<VecDeque<Script>>,
    arrived: Semaphore,
}

/// The peer port of a replica.
pub(super) struct Replica {
    pub(super) life: Life,
    pub(super) address: SocketAddr,
    pub(super) recorder: Recorder,
    pub(super) port: PeerPort,
    pub(super) registry: Registry,
    pub(super) budget: Budget,
}

pub(super) fn life(replica: &str, incarnation: u64) -> Life {
    Life {
        replica: ReplicaId::new(replica).unwrap(),
        incarnation: Incarnation(incarnation),
    }
}

impl Recorder {
    pub(super) fn script(&self, scripts: impl IntoIterator<Item = Script>) {
        self.0.scripts.lock().extend(scripts);
    }

    pub(super) fn answer(&self, answer: FrameAnswer) {
        self.script([Script::Answer(answer)]);
    }

    /// Waits until so many frames more have arrived.
    pub(super) async fn arrived(&self, frames: u32) {
        let arrived = self.0.arrived.acquire_many(frames).await;
        arrived.unwrap().forget();
    }

    pub(super) fn frames(&self) -> Vec<Frame> {
        self.0.frames.lock().clone()
    }

    pub(super) fn orders(&self) -> Vec<(Life, Bytes)> {
        self.0.orders.lock().clone()
    }

    /// The spans of all frames, in order of their encoding.
    pub(super) fn spans(&self) -> Vec<Span> {
        spans_of(self.frames().iter().map(|frame| &frame.payload))
    }
}

pub(super) fn spans_of<'a>(payloads: impl Iterator<Item = &'a Bytes>) -> Vec<Span> {
    let mut spans = Vec::new();
    for payload in payloads {
        let request = ExportTraceServiceRequest::decode(payload.clone()).unwrap();
        for resource in request.resource_spans {
            for scope in resource.scope_spans {
                spans.extend(scope.spans);
            }
        }
    }
    spans.sort_by_key(|span| span.encode_to_vec());
    spans
}

impl PeerIngest for Recorder {
    fn life(&self) -> Life {
        self.0.life.clone()
    }

    async fn frame(&self, frame: Frame, _charge: Charge) -> FrameAnswer {
        self.0.frames.lock().push(frame);
        let script = self.0.scripts.lock().pop_front();
        self.0.arrived.add_permits(1);
        match script {
            None => FrameAnswer::Applied,
            Some(Script::Answer(answer)) => answer,
            Some(Script::Silence) => std::future::pending().await,
        }
    }

    async fn order(&self, from: Life, order: Bytes) -> Bytes {
        self.0.orders.lock().push((from, order.clone()));
        Bytes::from([b"done: ", order.as_ref()].concat())
    }

    async fn about(&self, trace_id: TraceId) -> Bytes {
        Bytes::from(format!("about {trace_id}"))
    }
}

impl Replica {
    pub(super) async fn start(life: Life) -> Self {
        Self::start_with(life, Secret::new(b"secret"), Budget::new(64 << 20)).await
    }

    pub(super) async fn start_with(life: Life, secret: Secret, budget: Budget) -> Self {
        let recorder = Recorder(Arc::new(Recorded {
            life: life.clone(),
            frames: Mutex::default(),
            orders: Mutex::default(),
            scripts: Mutex::default(),
            arrived: Semaphore::new(0),
        }));
        let config = PeerConfig {
            cluster: "shop".to_owned(),
            secret,
            retry_after: Duration::from_millis(1),
            draw_nonce: rand::random,
        };
        let registry = Registry::new();
        let server = PeerServer::new(config, recorder.clone(), budget.clone(), registry.peer());
        let endpoint = SocketAddr::from(([127, 0, 0, 1], 0));
        let (port, address) = PeerPort::start(endpoint, server).await.unwrap();
        Self {
            life,
            address,
            recorder,
            port,
            registry,
            budget,
        }
    }
}

/// Sends everything that is to be split anew to one destination.
pub(super) struct SendTo(pub(super) Mutex<Whither>);

impl Reroute for SendTo {
    fn reroute(&self, frame: &ReturnedFrame<'_>) -> Result<Vec<ReroutedPart>, String> {
        let walked = walk_request(frame.payload).map_err(|error| error.to_string())?;
        let mut part = split(frame.payload.clone(), &walked.spans, walked.scopes.clone());
        if let Some(slots) = frame.slots {
            let refused: Vec<_> = walked
                .spans
                .iter()
                .filter(|span| {
                    let hash = crate::batch::key::KeyHash::of(span.trace_id, None);
                    slots.contains(hash.slot())
                })
                .copied()
                .collect();
            part = split(frame.payload.clone(), &refused, walked.scopes);
        }
        let to = self.0.lock().clone();
        Ok(vec![ReroutedPart {
            to,
            part,
            mark: None,
        }])
    }
}

fn split(
    body: Bytes,
    spans: &[crate::otlp::wire::SpanHeader],
    scopes: Vec<crate::otlp::wire::ScopeEnvelope>,
) -> SubBatch {
    let request = SharedRequest {
        body,
        scopes,
        metadata: None,
        origin: None,
        charge: Budget::new(u64::MAX).charge(0),
    };
    let mut routed = Splitter::default().split(request, spans, 1);
    let (ShardId(0), part) = routed.remove(0) else {
        panic!("one shard");
    };
    part
}

/// A part of `count` spans of the traces from `first_trace` on, one each.
pub(super) fn part(first_trace: u64, count: u64) -> SubBatch {
    let spans = (first_trace..first_trace + count).map(|number| Span {
        trace_id: u128::from(number + 1).to_be_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: format!("span {number}"),
        ..Span::default()
    });
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            schema_url: "resource".to_owned(),
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let body = Bytes::from(request.encode_to_vec());
    let walked = walk_request(&body).unwrap();
    split(body, &walked.spans, walked.scopes)
}

pub(super) fn spans_in(parts: &[SubBatch]) -> Vec<Span> {
    spans_of(parts.iter().map(|part| &part.request.body))
}

/// A forwarder of replica `a`, and what it is made with.
pub(super) struct Sender {
    pub(super) forwarder: Forwarder,
    pub(super) reroute: Arc<SendTo>,
    pub(super) registry: Registry,
    pub(super) memory: Budget,
    pub(super) hold: Budget,
    pub(super) route: Route,
}

impl Sender {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut ForwardConfig)) -> Self {
        Self::with_hold(1 << 20, change)
    }

    pub(super) fn with_hold(hold_bytes: u64, change: impl FnOnce(&mut ForwardConfig)) -> Self {
        let mut config = ForwardConfig::new("shop", Secret::new(b"secret"));
        config.retry_min = Duration::from_millis(1);
        // Machines that do much else at once are slow, not out of reach.
        config.unreachable_after = Duration::from_secs(60);
        config.deadline = Duration::from_secs(60);
        change(&mut config);
        let (memory, hold) = (Budget::new(64 << 20), Budget::new(hold_bytes));
        let reroute = Arc::new(SendTo(Mutex::new(Whither::Later)));
        let registry = Registry::new();
        let forwarder = Forwarder::new(ForwardParts {
            config,
            life: life("a", 1),
            clock: Clock::system(),
            memory: memory.clone(),
            hold: hold.clone(),
            dial: Arc::new(TcpDial),
            reroute: Arc::clone(&reroute) as Arc<dyn Reroute>,
            metrics: registry.forward(),
            accounting: Arc::default(),
        });
        Self {
            forwarder,
            reroute,
            registry,
            memory,
            hold,
            route: Route::of_client(life("a", 1)),
        }
    }

    pub(super) fn knows(&self, replica: &Replica) {
        self.forwarder
            .set_destination(&replica.life, replica.address, false);
    }

    pub(super) fn suspects(&self, replica: &Replica) {
        self.forwarder
            .set_destination(&replica.life, replica.address, true);
    }

    pub(super) fn send(&self, replica: &Replica, part: &SubBatch) -> Pending {
        self.forwarder
            .forward(&replica.life.replica, part, &self.route)
    }

    pub(super) fn reroutes_to(&self, to: Whither) {
        *self.reroute.0.lock() = to;
    }
}
