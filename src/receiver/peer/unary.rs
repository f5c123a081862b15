//! The calls of one message each: the greeting, orders, questions about traces.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::session::Session;
use super::{PeerIngest, Shared};
use crate::batch::peer::hello::{GREETING_BYTES_MAX, Hello, decode_proof, encode_proof};
use crate::batch::peer::message::{MessageReader, framed};
use crate::batch::replica::Life;
use crate::memory::{Budget, Charge};
use crate::otlp::ids::TraceId;
use crate::receiver::answer::{AnswerBody, grpc_message};
use crate::receiver::status::Failure;

/// Longest order, in bytes.
const ORDER_BYTES_MAX: usize = 8 << 20;

/// Time for a message to arrive once its headers have.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn hello<I: PeerIngest>(
    shared: &Shared<I>,
    session: &Session,
    body: Incoming,
) -> Result<Response<AnswerBody>, Failure> {
    let (message, _charge) = read(body, GREETING_BYTES_MAX, &shared.budget).await?;
    let caller = Hello::decode(message)?;
    caller.check(&shared.config.cluster)?;
    let nonce = (shared.config.draw_nonce)();
    let ours = Hello::new(&shared.config.cluster, shared.ingest.life(), nonce);
    let answer = framed(&ours.encode());
    session.greet(caller, ours)?;
    Ok(grpc_message(answer))
}

pub(super) async fn prove<I: PeerIngest>(
    shared: &Shared<I>,
    session: &Session,
    body: Incoming,
) -> Result<Response<AnswerBody>, Failure> {
    let (message, _charge) = read(body, GREETING_BYTES_MAX, &shared.budget).await?;
    let ours = session.prove(&decode_proof(message)?, &shared.config.secret)?;
    Ok(grpc_message(framed(&encode_proof(&ours))))
}

pub(super) async fn order<I: PeerIngest>(
    shared: &Shared<I>,
    from: Life,
    body: Incoming,
) -> Result<Response<AnswerBody>, Failure> {
    let (order, _charge) = read(body, ORDER_BYTES_MAX, &shared.budget).await?;
    shared.metrics.orders_received.increment(1);
    let answer = shared.ingest.order(from, order).await;
    Ok(grpc_message(framed(&answer)))
}

pub(super) async fn about<I: PeerIngest>(
    shared: &Shared<I>,
    body: Incoming,
) -> Result<Response<AnswerBody>, Failure> {
    let (trace_id, _charge) = read(body, size_of::<TraceId>(), &shared.budget).await?;
    let trace_id = trace_id
        .as_ref()
        .try_into()
        .map_err(|_| Failure::Malformed("a trace ID has 16 bytes".to_owned()))?;
    let answer = shared.ingest.about(TraceId(trace_id)).await;
    Ok(grpc_message(framed(&answer)))
}

/// Reads the message of a call; its bytes are charged on the word of its prefix.
async fn read(
    body: Incoming,
    bytes_max: usize,
    budget: &Budget,
) -> Result<(Bytes, Charge), Failure> {
    match tokio::time::timeout(READ_TIMEOUT, read_unbounded(body, bytes_max, budget)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::TimedOut(READ_TIMEOUT)),
    }
}

async fn read_unbounded(
    mut body: Incoming,
    bytes_max: usize,
    budget: &Budget,
) -> Result<(Bytes, Charge), Failure> {
    let mut reader = MessageReader::new(bytes_max);
    let mut charge = budget.charge(0);
    while let Some(arrived) = body.frame().await {
        let arrived = arrived.map_err(|_| Failure::Disconnected)?;
        let Ok(piece) = arrived.into_data() else {
            continue;
        };
        reader.push(piece);
        if let Some(declared) = reader.declared()? {
            let missing = (declared as u64).saturating_sub(charge.bytes());
            charge
                .grow(missing)
                .map_err(|exhausted| Failure::Overloaded(exhausted.to_string()))?;
        }
        if let Some(message) = reader.take()? {
            return Ok((message.into_bytes(), charge));
        }
    }
    Err(Failure::Malformed(
        "the call has no whole message".to_owned(),
    ))
}
