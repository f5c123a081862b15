//! Any bytes: the walk accepts and refuses what prost does, and finds the same spans.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tailsieve::otlp::wire::against_prost::assert_same_as_prost;

fuzz_target!(|bytes: &[u8]| assert_same_as_prost(bytes));
