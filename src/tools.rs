//! What the commands `generate`, `send`, `sink`, `explain` and `cluster` are made of: an OTLP client with retry, sources
//! of load, a backend, questions to a replica.
//!
//! Architecture invariant: no stage of the replica knows this module. The tools measure and check the replica, so they
//! keep their own books ([`generate::ledger`], [`sink::ledger`]) and read protobuf their own way ([`fields`]): they
//! must not share a mistake with what they check.

pub mod admin_port;
pub mod client;
pub mod deliver;
pub mod drive;
pub mod fields;
pub mod message;
pub mod pace;
pub mod tally;

pub mod cluster;
pub mod demo;
pub mod explain;
pub mod generate;
pub mod replay;
pub mod sink;
