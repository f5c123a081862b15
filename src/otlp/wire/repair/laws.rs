//! What holds of the repair of any bytes. For property tests here and for the fuzz target `repair`.

use bytes::Bytes;

use super::super::against_prost::assert_same_as_prost;
use super::super::{Counted, walk_request};
use super::without_malformed_attributes;

/// Panics unless the repair of `bytes` leaves a valid request alone, makes any other shorter without taking a span of it,
/// leaves nothing to repair, and makes what prost and the walk still agree on.
pub fn assert_repair_is_lawful(bytes: &[u8]) {
    let Some(repaired) = without_malformed_attributes(bytes) else {
        return;
    };
    let walked = walk_request(&Bytes::copy_from_slice(bytes));
    assert!(walked.is_err(), "a valid request was changed");
    assert!(repaired.dropped > 0);
    assert!(repaired.body.len() < bytes.len());
    assert_eq!(Counted::of(&repaired.body), Counted::of(bytes));
    assert_eq!(without_malformed_attributes(&repaired.body), None);
    assert_same_as_prost(&repaired.body);
}
