//! Receivers: OTLP over gRPC and HTTP. They admit or refuse, inflate, and hand protobuf bytes to an [`ingest::Ingest`].

pub mod config;
pub mod ingest;
