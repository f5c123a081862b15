//! The contracts that every part keeps, by their numbers; tests check them and production counts when one is broken.
//!
//! | number | contract | where it is kept |
//! |--------|----------|------------------|
//! | I1 | A success answer means that every span is in a buffer, was decided, or is named in `partial_success`. | `replica::ingest` |
//! | I2 | Every span received is in exactly one count. | [`crate::accounting`] |
//! | I3 | One decision a trace; late spans follow it. | `buffer::decision_cache` |
//! | I4 | Bytes charged are bytes held; idle, they are 0. | [`crate::memory`] |
//! | I5 | Every queue, map, cache and payload has a limit. | each, in its own documentation |
//! | I6 | Same trace, same policies, same verdict. | [`crate::sampler`] |
//! | I7 | A reload loses no span. | with hot reload, in a later version |
//! | I8 | Shutdown stops admitting, decides, exports, exits, within a grace period. | [`crate::replica`] |

use metrics::Counter;

use crate::accounting::{Accounting, Snapshot};
use crate::memory::Budget;
use crate::metrics::Registry;

/// Watches I2 and I4 while the process runs: at rest the books balance and nothing is charged that is not held.
#[derive(Debug)]
pub struct RestChecks {
    unbalanced: Counter,
    overcharged: Counter,
    before: Option<Observation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Observation {
    spans: Snapshot,
    used_bytes: u64,
    queued_spans: u64,
    in_flight_bytes: u64,
}

impl RestChecks {
    /// Checks that count in `registry`.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            unbalanced: registry.invariant_violations("I2"),
            overcharged: registry.invariant_violations("I4"),
            before: None,
        }
    }

    /// Looks at the books: the process's, the spans that exporters still have, the requests that receivers still read.
    /// Two equal looks in a row are rest: then a fault is counted and logged, once for each time that something moved
    /// before.
    pub fn look(
        &mut self,
        accounting: &Accounting,
        budget: &Budget,
        queued_spans: u64,
        in_flight: &Budget,
    ) {
        let seen = Observation {
            spans: accounting.snapshot(),
            used_bytes: budget.used_bytes(),
            queued_spans,
            in_flight_bytes: in_flight.used_bytes(),
        };
        let is_first_look_at_rest = self.before == Some(seen);
        self.before = (!is_first_look_at_rest).then_some(seen);
        if !is_first_look_at_rest {
            return;
        }
        let unaccounted_spans = seen.spans.unaccounted();
        if unaccounted_spans != 0 {
            self.unbalanced.increment(1);
            tracing::error!(unaccounted_spans, ?seen.spans, "contract I2 is broken: report this");
        }
        let holds_nothing = seen.spans.buffered == 0
            && seen.spans.releasing == 0
            && seen.queued_spans == 0
            && seen.in_flight_bytes == 0;
        if holds_nothing && seen.used_bytes != 0 {
            self.overcharged.increment(1);
            tracing::error!(seen.used_bytes, "contract I4 is broken: report this");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(registry: &Registry, name: &str) -> bool {
        let line = format!("tailsieve_invariant_violations_total{{invariant=\"{name}\"}} 0");
        !registry.render().contains(&line)
    }

    #[test]
    fn books_that_do_not_balance_are_a_fault_only_at_rest() {
        let registry = Registry::new();
        let (accounting, budget) = (Accounting::default(), Budget::new(100));
        let mut checks = RestChecks::new(&registry);
        accounting.received.add(5);
        checks.look(&accounting, &budget, 0, &Budget::new(1));
        accounting.received.add(1);
        checks.look(&accounting, &budget, 0, &Budget::new(1));
        assert!(!violations(&registry, "I2"));
        checks.look(&accounting, &budget, 0, &Budget::new(1));
        assert!(violations(&registry, "I2"));
        assert!(!violations(&registry, "I4"));
    }

    #[test]
    fn bytes_charged_with_nothing_held_are_a_fault() {
        let registry = Registry::new();
        let (accounting, budget) = (Accounting::default(), Budget::new(100));
        let mut checks = RestChecks::new(&registry);
        let _charge = budget.charge(1);
        for _ in 0..2 {
            checks.look(&accounting, &budget, 3, &Budget::new(1));
        }
        assert!(!violations(&registry, "I4"));
        for _ in 0..2 {
            checks.look(&accounting, &budget, 0, &Budget::new(1));
        }
        assert!(violations(&registry, "I4"));
    }
}
