//! What replicas say to each other on the peer port, encoded: frames of spans, their answers, the greeting.
//!
//! Headers are protobuf: fields that this version does not know are passed over, so that one minor version apart works.
//! The major version is compared in the greeting ([`hello`]). Nothing here does I/O; `receiver::peer` is the serving
//! side, `router::forward` the calling one, and both speak gRPC's framing ([`message`]).

pub mod answer;
pub mod frame;
pub mod hello;
pub mod message;
pub mod names;
pub mod order;
pub mod payload;

mod wire;

/// Versions of this protocol: another major one is refused, minor ones understand each other.
pub const PROTOCOL_MAJOR: u32 = 1;
/// Counts additions that older replicas may ignore.
pub const PROTOCOL_MINOR: u32 = 0;

/// The unary call that begins the greeting.
pub const HELLO_PATH: &str = "/tailsieve.peer.v1.Peer/Hello";
/// The unary call that ends it.
pub const PROVE_PATH: &str = "/tailsieve.peer.v1.Peer/Prove";
/// The stream of frames one way and answers the other.
pub const FRAMES_PATH: &str = "/tailsieve.peer.v1.Peer/Frames";
/// The unary call for orders between holders.
pub const ORDER_PATH: &str = "/tailsieve.peer.v1.Peer/Order";

/// The unary call that asks what a replica knows of a trace, by the 16 bytes of its ID; the answer is JSON, for people.
pub const TRACE_PATH: &str = "/tailsieve.peer.v1.Peer/Trace";

/// Largest message taken on the peer port, in bytes: a frame is about 1 MiB, but one span may be as large as a request.
pub const MESSAGE_BYTES_MAX: usize = 80 << 20;

/// What was received is no message of this protocol; says which part. The sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}
