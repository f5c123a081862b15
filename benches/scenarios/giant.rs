//! One trace of a million spans amid normal load: what the others feel of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use super::bare::RawCodec;
use super::decisions::LAG_METRIC;
use super::lab::{ALL_CORES, Lab, SPAN_BYTES};
use super::load::{Load, Seen};
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::report::Row;
use super::scrape::Buckets;

const SPANS: u64 = 1_000_000;
const SPANS_PER_REQUEST: u64 = 100;
const DECISION_WAIT: Duration = Duration::from_secs(15);
const SPANS_PER_SECOND: u64 = 20_000;
const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Before a refused request is sent again.
const PAUSE: Duration = Duration::from_millis(100);
/// What a span has besides its filling, in bytes.
const SPAN_FRAME_BYTES: u64 = 75;

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("giant", "20,000 spans/s, and one trace of 1,000,000 spans");
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores: ALL_CORES,
        shards: 0,
        decision_wait: DECISION_WAIT,
        decision_cache: DECISION_CACHE,
        policies: Policies::Three,
    };
    let replica = Receiver::replica(lab, settings, &backend)?;
    let normal = Load {
        spans_per_second: SPANS_PER_SECOND,
        ..Load::default()
    };
    let warm_up = normal.start(lab, replica.grpc)?;
    std::thread::sleep(DECISION_WAIT);
    for (case, has_giant) in [
        ("without it", false),
        ("while it comes and is decided", true),
    ] {
        let before = replica.scrape()?.buckets(LAG_METRIC);
        // Its latencies alone: the load that keeps the windows full runs beside it.
        let watched = normal.start(lab, replica.grpc)?;
        let refusals = if has_giant {
            send_giant(replica.grpc)?
        } else {
            0
        };
        std::thread::sleep(DECISION_WAIT + Duration::from_secs(5));
        let lags = replica.scrape()?.buckets(LAG_METRIC).since(&before);
        let seen = Seen::at_end_of(watched)?;
        let row = row(case, &lags, seen).with("giants_refusals", f64::from(refusals));
        lab.report.add("giant", &row)?;
    }
    Seen::at_end_of(warm_up)?;
    replica.end()
}

fn row(case: &str, lags: &Buckets, seen: Seen) -> Row {
    let lost = seen.spans_sent - seen.spans_acknowledged;
    Row::new(case)
        .with("ack_p50_ms", seen.ack_p50_ms)
        .with("ack_p99_ms", seen.ack_p99_ms)
        .with("lag_p99_ms_at_most", lags.quantile_at_most(0.99) * 1e3)
        .with("lag_max_ms_at_most", lags.quantile_at_most(1.0) * 1e3)
        .with("spans_not_acknowledged", lost as f64)
}

/// Sends the trace over one connection, a request after the other, and again what is refused for the moment; returns
/// how often that was.
fn send_giant(endpoint: SocketAddr) -> anyhow::Result<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let channel = Endpoint::from_shared(format!("http://{endpoint}"))?
            .connect()
            .await?;
        let mut client = Grpc::new(channel);
        let mut refusals = 0;
        for number in 0..SPANS / SPANS_PER_REQUEST {
            let body = request(number);
            loop {
                client.ready().await?;
                let path = PathAndQuery::from_static(EXPORT_PATH);
                let request = Request::new(body.clone());
                let answer: Result<tonic::Response<Bytes>, _> =
                    client.unary(request, path, RawCodec).await;
                match answer {
                    Ok(_) => break,
                    Err(status) if status.code() == Code::Unavailable => refusals += 1,
                    Err(status) => return Err(status.into()),
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(refusals)
    })
}

fn request(number: u64) -> Bytes {
    let filling = "x".repeat((SPAN_BYTES - SPAN_FRAME_BYTES) as usize);
    let first = number * SPANS_PER_REQUEST + 1;
    let spans = (first..first + SPANS_PER_REQUEST).map(|id| Span {
        trace_id: vec![0x67; 16],
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: if id == 1 {
            Vec::new()
        } else {
            1u64.to_be_bytes().to_vec()
        },
        name: "giant".to_owned(),
        start_time_unix_nano: id,
        end_time_unix_nano: id + 1,
        attributes: vec![KeyValue {
            key: "filling".to_owned(),
            value: Some(AnyValue {
                value: Some(any_value::Value::StringValue(filling.clone())),
            }),
            ..KeyValue::default()
        }],
        ..Span::default()
    });
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec().into()
}
