//! The clients of a simulation: traces whose spans are spread over seconds and over replicas, and requests that are sent
//! again until somebody has taken them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use rand::Rng as _;
use rand::rngs::SmallRng;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::plan::Plan;
use super::process::Process;
use crate::batch::key::KeyHash;
use crate::clock::Moment;
use crate::otlp::ids::{SpanId, TraceId};
use crate::receiver::ingest::{Accepted, Refusal};

const TRACES: u64 = 160;
const SPANS_MAX: u64 = 8;
/// A trace's spans come within.
const SPREAD: Duration = Duration::from_secs(3);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of this share of traces a span comes when they are decided; it is none that the decision would depend on.
const LATE_SHARE: f64 = 0.3;
/// With few slots, one in so many has traces.
const SLOTS_APART: u16 = 341;
/// How late: after the longest window that a trace may have had, and before all is over.
const LATE_MS: std::ops::Range<u64> = 21_000..32_000;

/// All clients, and what they know.
pub(super) struct Clients {
    random: SmallRng,
    pub(super) traces: BTreeMap<TraceId, BTreeMap<SpanId, SentSpan>>,
    waiting: Vec<Request>,
    under_way: Vec<UnderWay>,
    /// Whether the way to clients loses answers.
    loses_answers: bool,
}

/// What clients know of a span.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SentSpan {
    pub(super) is_error: bool,
    /// It comes when its trace is decided.
    pub(super) is_late: bool,
    /// When it was sent first, and when it was acknowledged.
    pub(super) sent: Option<Moment>,
    pub(super) acked: Option<Moment>,
    /// How often it was sent.
    pub(super) sends: u32,
}

impl SentSpan {
    pub(super) fn is_acked(&self) -> bool {
        self.acked.is_some()
    }

    /// Whether it may have been taken between these moments.
    pub(super) fn was_under_way(&self, from: Moment, until: Moment) -> bool {
        self.sent.is_some_and(|sent| sent <= until) && self.acked.is_none_or(|acked| acked >= from)
    }
}

struct Request {
    number: usize,
    due: Moment,
    attempts: u32,
    spans: Vec<(TraceId, SpanId)>,
    body: Bytes,
}

struct UnderWay {
    request: Request,
    to: u16,
    since: Moment,
    answer: oneshot::Receiver<Result<Accepted, Refusal>>,
}

impl Clients {
    /// Draws what is sent between `begin` and `end`.
    pub(super) fn new(mut random: SmallRng, begin: Moment, end: Moment, plan: &Plan) -> Self {
        let mut traces: BTreeMap<TraceId, BTreeMap<SpanId, SentSpan>> = BTreeMap::new();
        let mut by_request: BTreeMap<(u64, u8), Vec<Span>> = BTreeMap::new();
        for number in 1..=TRACES {
            let mut trace_id = TraceId::default();
            trace_id.0[8..].copy_from_slice(&number.to_be_bytes());
            trace_id.0[..8].copy_from_slice(&random.random::<u64>().to_be_bytes());
            let has_slot = |id| KeyHash::of(id, None).slot().0.is_multiple_of(SLOTS_APART);
            while plan.has_few_slots && !has_slot(trace_id) {
                trace_id.0[..8].copy_from_slice(&random.random::<u64>().to_be_bytes());
            }
            let first = begin.after(end.since(begin).mul_f64(random.random()));
            let count = random.random_range(1..=SPANS_MAX);
            let error = random
                .random_bool(0.5)
                .then(|| random.random_range(0..count));
            let late_share = if plan.has_few_slots { 1.0 } else { LATE_SHARE };
            let late = (count > 1 && random.random_bool(late_share)).then(|| count - 1);
            let late = late.filter(|late| error != Some(*late));
            for place in 0..count {
                let span_id = SpanId((number << 8 | place).to_be_bytes());
                let is_late = late == Some(place);
                let at = if is_late {
                    first.after(Duration::from_millis(random.random_range(LATE_MS)))
                } else {
                    first.after(SPREAD.mul_f64(random.random()))
                };
                let is_error = error == Some(place);
                let sent = SentSpan {
                    is_error,
                    is_late,
                    ..SentSpan::default()
                };
                traces.entry(trace_id).or_default().insert(span_id, sent);
                let key = (at.0 / 100_000_000, random.random_range(0..2));
                by_request
                    .entry(key)
                    .or_default()
                    .push(span(trace_id, span_id, at, is_error));
            }
        }
        let requests = by_request.into_iter().enumerate();
        let waiting = requests.map(|(number, ((at, _), spans))| {
            let due = Moment((at + 1) * 100_000_000 + random.random_range(0..50_000_000));
            request(number, due, spans)
        });
        let waiting = waiting.collect();
        Self {
            loses_answers: plan.loses_clients_answers,
            random,
            traces,
            waiting,
            under_way: Vec::new(),
        }
    }

    /// Whether everything was acknowledged.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Hears answers, and sends what is due to any replica that there is.
    pub(super) fn step(
        &mut self,
        now: Moment,
        processes: &BTreeMap<u16, Process>,
        log: &mut Vec<String>,
    ) {
        self.hear(now, log);
        let open: Vec<u16> = processes
            .iter()
            .filter(|(_, process)| !process.is_leaving)
            .map(|(number, _)| *number)
            .collect();
        if open.is_empty() {
            return;
        }
        let (due, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|request: &Request| request.due <= now);
        self.waiting = waiting;
        let due: Vec<Request> = due;
        for mut request in due {
            request.attempts += 1;
            for (trace_id, span_id) in &request.spans {
                let span = self.traces.get_mut(trace_id).unwrap();
                let span = span.get_mut(span_id).unwrap();
                span.sends += 1;
                span.sent.get_or_insert(now);
            }
            let to = open[self.random.random_range(0..open.len())];
            let answer = processes[&to].request(request.body.clone());
            self.under_way.push(UnderWay {
                request,
                to,
                since: now,
                answer,
            });
        }
    }

    fn hear(&mut self, now: Moment, log: &mut Vec<String>) {
        for mut under_way in std::mem::take(&mut self.under_way) {
            let outcome = match under_way.answer.try_recv() {
                Ok(Ok(_)) if self.loses_answers && self.random.random_bool(0.02) => "lost answer",
                Ok(Ok(_)) => "acked",
                Ok(Err(_)) => "refused",
                Err(TryRecvError::Closed) => "cut off",
                Err(TryRecvError::Empty) if now.since(under_way.since) > PATIENCE => "no answer",
                Err(TryRecvError::Empty) => {
                    self.under_way.push(under_way);
                    continue;
                }
            };
            let UnderWay { request, to, .. } = under_way;
            let Request {
                number, attempts, ..
            } = request;
            log.push(format!(
                "{:.3} request {number}, attempt {attempts} at r{to}, of {:02x?}: {outcome}",
                seconds(now),
                request
                    .spans
                    .iter()
                    .map(|it| it.0.0[15])
                    .collect::<Vec<_>>(),
            ));
            if outcome == "acked" {
                for (trace_id, span_id) in &request.spans {
                    let trace = self.traces.get_mut(trace_id).unwrap();
                    trace.get_mut(span_id).unwrap().acked = Some(now);
                }
                continue;
            }
            let wait = Duration::from_millis(self.random.random_range(50..500));
            self.waiting.push(Request {
                due: now.after(wait),
                ..request
            });
        }
    }
}

/// For logs.
pub(super) fn seconds(moment: Moment) -> f64 {
    moment.0 as f64 / 1e9
}

fn span(trace_id: TraceId, span_id: SpanId, at: Moment, is_error: bool) -> Span {
    Span {
        trace_id: trace_id.0.to_vec(),
        span_id: span_id.0.to_vec(),
        name: "work".to_owned(),
        start_time_unix_nano: at.0 + 1,
        end_time_unix_nano: at.0 + 1_000_000,
        status: is_error.then(|| Status {
            code: 2,
            message: String::new(),
        }),
        ..Span::default()
    }
}

fn request(number: usize, due: Moment, spans: Vec<Span>) -> Request {
    let ids = spans.iter().map(|span| {
        let trace_id = TraceId::from_wire(&span.trace_id).unwrap();
        (trace_id, SpanId::from_wire(&span.span_id).unwrap())
    });
    let ids = ids.collect();
    let message = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Request {
        number,
        due,
        attempts: 0,
        spans: ids,
        body: message.encode_to_vec().into(),
    }
}
