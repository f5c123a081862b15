//! Conditions against recorded results of the collector, against its recorded decisions, and their errors.

mod conformance;
mod errors;
mod limits;
mod properties;
mod recorded;
mod support;
