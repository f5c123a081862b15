//! OTLP/JSON at the edges: trace requests from JSON to protobuf and back, and the JSON of answers.
//!
//! The mapping is protobuf's JSON mapping with the exceptions that the OTLP specification makes ("JSON Protobuf
//! Encoding"): trace and span IDs are hexadecimal, enums are numbers, unknown fields are ignored. Where senders differ we
//! read what any protobuf JSON parser reads (names of enum values, `snake_case` names, numbers as strings) and write only
//! what all of them read.
//!
//! Reading is driven by one table of the schema and writes protobuf as it goes: it holds little more than its answer.
//! Building the messages first would let a body of `{},{},…` take ninety times its size (a span is 264 bytes). Writing
//! goes through the generated types, over batches that are our own.
//!
//! Limits: 128 levels of JSON nesting in known fields (an error beyond, and short of protobuf's 100 levels of messages,
//! so that whatever is read here can be decoded by anyone), any depth in unknown ones. Messages that protobuf itself
//! still decodes can nest deeper than that (40 arrays in one another); they are written, but only others can read them.

mod decode;
mod encode;
mod error;
mod response;
#[cfg(test)]
mod tests;

pub use decode::decode_request;
pub use encode::encode_request;
pub use error::JsonError;
pub use response::{encode_response, encode_status};
