//! Any bytes: the repair changes no valid request, and leaves nothing of what it should take.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tailsieve::otlp::wire::repair::laws::assert_repair_is_lawful;

fuzz_target!(|bytes: &[u8]| assert_repair_is_lawful(bytes));
