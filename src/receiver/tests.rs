//! The OTLP rules over real sockets, seen from outside: receivers on ports of their own, with an ingest that records.

mod admission;
mod grpc;
mod grpc_framing;
mod http;
mod http_cors;
mod lifecycle;
mod support;
