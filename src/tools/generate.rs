//! The load generator: traces of a fixed shape with fresh identifiers, made cheaply enough to saturate a receiver from
//! the same machine.
//!
//! Life of a generated span: [`shape`] lays out one tree of spans over services; [`vocabulary`] gives each its name and
//! attributes; [`template`] encodes it once as protobuf with holes; [`load`] starts [`cohort`]s of traces and yields
//! one request for each cohort and service, each at its own moment, by copying templates and filling the holes;
//! [`ledger`] writes down what became of every trace.

pub mod cohort;
pub mod encoder;
pub mod ledger;
pub mod load;
pub mod shape;
pub mod template;
pub mod vocabulary;
