//! The two ends of the peer port are tested in `tests/it`.
