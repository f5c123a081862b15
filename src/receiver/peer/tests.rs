//! The peer port as strangers and broken replicas see it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tonic::Code;

use super::*;
use crate::batch::peer::answer::TicketAnswer;
use crate::batch::peer::frame::{FrameHeader, FrameKind, Payload};
use crate::batch::peer::hello::{Hello, Side, decode_proof, encode_proof};
use crate::batch::peer::message::{MessageReader, framed, prefix};
use crate::batch::peer::{FRAMES_PATH, HELLO_PATH, MESSAGE_BYTES_MAX, ORDER_PATH, PROVE_PATH};
use crate::batch::replica::{BatchName, Incarnation, ReplicaId};
use crate::metrics::Registry;

/// Keeps the frames that it gets, with their charges.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<(Frame, Charge)>>>);

impl PeerIngest for Keeper {
    fn life(&self) -> Life {
        life("b")
    }

    async fn frame(&self, frame: Frame, charge: Charge) -> FrameAnswer {
        self.0.lock().push((frame, charge));
        FrameAnswer::Applied
    }

    async fn order(&self, _from: Life, order: Bytes) -> Bytes {
        order
    }

    async fn about(&self, trace_id: TraceId) -> Bytes {
        Bytes::copy_from_slice(&trace_id.0)
    }
}

/// A peer port, and a connection to it.
struct Port {
    keeper: Keeper,
    budget: Budget,
    registry: Registry,
    sender: SendRequest<Full<Bytes>>,
    _port: PeerPort,
}

fn life(replica: &str) -> Life {
    Life {
        replica: ReplicaId::new(replica).unwrap(),
        incarnation: Incarnation(1),
    }
}

fn hello(nonce: u8) -> Hello {
    Hello::new("shop", life("a"), [nonce; 32])
}

impl Port {
    async fn start(budget_bytes: u64) -> Self {
        let (keeper, budget, registry) = (
            Keeper::default(),
            Budget::new(budget_bytes),
            Registry::new(),
        );
        let config = PeerConfig {
            cluster: "shop".to_owned(),
            secret: Secret::new(b"secret"),
            retry_after: Duration::from_millis(7),
            draw_nonce: rand::random,
        };
        let server = PeerServer::new(config, keeper.clone(), budget.clone(), registry.peer());
        let (client, served) = tokio::io::duplex(1 << 16);
        let port = PeerPort::serve(stream::iter([served]), server);
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(client))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self {
            keeper,
            budget,
            registry,
            sender,
            _port: port,
        }
    }

    async fn greeted(budget_bytes: u64) -> Self {
        let mut port = Self::start(budget_bytes).await;
        port.greet().await;
        port
    }

    async fn greet(&mut self) {
        let ours = hello(1);
        let theirs = Hello::decode(self.message(HELLO_PATH, &ours.encode()).await).unwrap();
        let secret = Secret::new(b"secret");
        let proof = secret.proof(Side::Caller, &ours, &theirs);
        let answer = self.message(PROVE_PATH, &encode_proof(&proof)).await;
        let proof = decode_proof(answer).unwrap();
        assert_eq!(secret.check(&proof, Side::Answerer, &ours, &theirs), Ok(()));
    }

    /// The data and the status that a call is answered with.
    async fn call(&mut self, path: &'static str, body: Bytes) -> (Bytes, Code, String) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(Uri::from_static(path))
            .header("content-type", "application/grpc")
            .body(Full::new(body))
            .unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let in_head = response.headers().clone();
        let collected = response.into_body().collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let status = status(&in_head).or_else(|| status(&trailers)).unwrap();
        let message = status.message().to_owned();
        (collected.to_bytes(), status.code(), message)
    }

    async fn message(&mut self, path: &'static str, message: &[u8]) -> Bytes {
        let (data, code, problem) = self.call(path, framed(message)).await;
        assert_eq!(code, Code::Ok, "{problem}");
        let mut reader = MessageReader::new(1 << 20);
        reader.push(data);
        reader.take().unwrap().unwrap().into_bytes()
    }

    /// The answers to a stream of frames.
    async fn frames(&mut self, body: Vec<u8>) -> (Vec<TicketAnswer>, Code) {
        let (data, code, _) = self.call(FRAMES_PATH, body.into()).await;
        let mut reader = MessageReader::new(1 << 20);
        reader.push(data);
        let mut answers = Vec::new();
        while let Some(answer) = reader.take().unwrap() {
            answers.push(TicketAnswer::decode(answer.into_bytes()).unwrap());
        }
        answers.sort_by_key(|answer| answer.ticket);
        (answers, code)
    }

    fn refused(&self, reason: &str) -> u64 {
        let series = format!("tailsieve_cluster_frames_refused_total{{reason=\"{reason}\"}} ");
        let text = self.registry.render();
        let count = text.lines().find_map(|line| line.strip_prefix(&series));
        count.unwrap().parse().unwrap()
    }
}

fn status(headers: &HeaderMap) -> Option<tonic::Status> {
    tonic::Status::from_header_map(headers)
}

fn frame(ticket: u64, payload: &Payload) -> Vec<u8> {
    let header = FrameHeader {
        name: BatchName {
            sender: life("a"),
            stream: 0,
            sequence: ticket,
        },
        low_water: 1,
        marks: Vec::new(),
        addressee: life("b"),
        path: vec![life("a")],
        mark: None,
        first_names: Vec::new(),
        metadata: None,
        kind: FrameKind::Spans,
    };
    let encoded = header.encode(ticket, payload).unwrap();
    [encoded.head, encoded.payload].concat()
}

fn plain(bytes: usize) -> Payload {
    Payload::plain(vec![7; bytes].into())
}

#[tokio::test]
async fn nothing_is_read_before_the_greeting_and_there_is_one_attempt_at_it() {
    let mut port = Port::start(1 << 20).await;
    for path in [FRAMES_PATH, ORDER_PATH, PROVE_PATH] {
        let (_, code, _) = port.call(path, framed(b"")).await;
        assert_eq!(code, Code::Unauthenticated);
    }
    let greeting = framed(&hello(1).encode());
    let (_, code, _) = port.call(HELLO_PATH, greeting.clone()).await;
    assert_eq!(code, Code::Unauthenticated);
    assert_eq!(port.refused("wrong_secret"), 4);
    assert!(port.keeper.0.lock().is_empty());
}

#[tokio::test]
async fn a_wrong_proof_another_cluster_and_another_protocol_are_refused_by_name() {
    let mut port = Port::start(1 << 20).await;
    port.message(HELLO_PATH, &hello(1).encode()).await;
    let proof = framed(&encode_proof(&[1; 32]));
    let (_, code, why) = port.call(PROVE_PATH, proof).await;
    assert_eq!(code, Code::Unauthenticated);
    assert!(why.contains("cluster.secret_file"), "{why}");
    assert_eq!(port.refused("wrong_secret"), 1);

    let mut other = hello(1);
    other.cluster = "bank".to_owned();
    let mut port = Port::start(1 << 20).await;
    let (_, code, why) = port.call(HELLO_PATH, framed(&other.encode())).await;
    assert_eq!(code, Code::FailedPrecondition);
    assert!(why.contains("\"bank\""), "{why}");
    assert_eq!(port.refused("wrong_cluster"), 1);

    let mut other = hello(1);
    other.protocol_major += 1;
    let (_, code, _) = port.call(HELLO_PATH, framed(&other.encode())).await;
    assert_eq!(code, Code::FailedPrecondition);
    assert_eq!(port.refused("wrong_protocol"), 1);
    // Neither has disturbed the connection.
    port.greet().await;
}

#[tokio::test]
async fn frames_are_charged_while_they_are_held_and_each_is_answered() {
    let mut port = Port::greeted(1 << 20).await;
    let body = [frame(1, &plain(1_000)), frame(2, &plain(2_000))].concat();
    let (answers, code) = port.frames(body).await;
    let expected = [1, 2].map(|ticket| TicketAnswer {
        ticket,
        answer: FrameAnswer::Applied,
    });
    assert_eq!((answers.as_slice(), code), (&expected[..], Code::Ok));
    assert_eq!(port.budget.used_bytes(), 3_000);
    port.keeper.0.lock().clear();
    assert_eq!(port.budget.used_bytes(), 0);
}

#[tokio::test]
async fn a_frame_without_room_is_skipped_and_the_next_one_taken() {
    let mut port = Port::greeted(10_000).await;
    let body = [frame(1, &plain(50_000)), frame(2, &plain(500))].concat();
    let (answers, code) = port.frames(body).await;
    let retry_after = Duration::from_millis(7);
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.answer).collect();
    let expected = [
        FrameAnswer::Overloaded { retry_after },
        FrameAnswer::Applied,
    ];
    assert_eq!((outcomes.as_slice(), code), (&expected[..], Code::Ok));
    assert_eq!(port.refused("overloaded"), 1);
}

#[tokio::test]
async fn a_frame_beyond_the_limit_is_refused_on_its_prefix_alone() {
    let mut port = Port::greeted(u64::MAX).await;
    let body = prefix(MESSAGE_BYTES_MAX + 1).unwrap().to_vec();
    let (answers, code) = port.frames(body).await;
    assert_eq!((answers.as_slice(), code), (&[][..], Code::Internal));
    assert_eq!(port.budget.used_bytes(), 0);
    assert_eq!(port.refused("malformed"), 1);
    // The connection is as good as before.
    let (answers, _) = port.frames(frame(1, &plain(10))).await;
    assert_eq!(answers[0].answer, FrameAnswer::Applied);
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_is_answered_so_and_others_are_taken() {
    let mut port = Port::greeted(1 << 20).await;
    let broken_block = Payload {
        bytes: Bytes::from_static(b"no lz4"),
        compressed_from: Some(1_000),
    };
    let header_of_nothing = framed(&[1 << 3, 8]).to_vec();
    let body = [
        frame(7, &broken_block),
        header_of_nothing,
        frame(9, &plain(10)),
    ];
    let (answers, code) = port.frames(body.concat()).await;
    assert_eq!(code, Code::Ok);
    let malformed = |answer: &TicketAnswer| matches!(answer.answer, FrameAnswer::Malformed { .. });
    assert!(malformed(&answers[0]) && malformed(&answers[1]));
    assert_eq!(answers[2].answer, FrameAnswer::Applied);
    assert_eq!(port.refused("malformed"), 2);
    assert_eq!(port.budget.used_bytes(), 10);
}
