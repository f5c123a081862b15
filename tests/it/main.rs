//! The replica from outside: scenarios over the running binary, one a file, each with the sentence that it proves.
//!
//! One test binary, so that there is one to link. Requests that the OpenTelemetry specification rules on come first,
//! then what is decided, then what must not be lost, by one replica and by several. Every scenario ends with the books balanced (contract I2).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests are tests, but clippy exempts only the functions marked as such"
)]

#[path = "../fixtures/guest.rs"]
#[allow(dead_code, reason = "shared with the unit tests")]
mod guest;
mod support;

mod bad_identifiers;
mod compression;
mod connection_age;
mod cors;
mod full_success;
mod health;
mod json_rules;
mod malformed_attributes;
mod metadata;
mod overload;
mod size_limits;
mod undecodable;
mod wrong_route;

mod conformance;
mod explain;
mod late_spans;
mod marks;
mod policy_tests;
mod recorded_decisions;
mod recorded_traces;
mod replay;

mod plugin_builds;
mod plugin_commands;
mod plugin_new;
mod plugins;
mod reload;
mod reload_bad;
mod reload_folder;
mod reload_load;

mod backend_killed;
mod block_on_overflow;
mod memory;
mod queue_full;
mod shutdown;
mod two_exporters;

mod cluster_founded;
mod cluster_id_taken;
mod cluster_joining;
mod cluster_killed;
mod cluster_paused;
mod cluster_port_in_use;
mod cluster_rolling_restart;
mod cluster_status;
mod cluster_strangers;

mod bad_config;
mod policy_configs;
mod schema;
mod validate;
