//! Admission of request bytes: what is received is charged to two budgets before memory is taken for it.
//!
//! The process's memory budget bounds everything held; the receivers' own budget (`max_bytes_in_flight`, 256 MiB by
//! default) bounds what is between a client's first byte and its answer, so that a burst of large requests cannot take
//! the room that buffered traces live on. A request that does not fit in both is refused as overload.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::memory::{Budget, Charge};

use super::status::Failure;

/// The two budgets, and whether requests are admitted at all.
#[derive(Debug)]
pub(super) struct Admission {
    in_flight: Budget,
    memory: Budget,
    closed: AtomicBool,
}

/// Bytes of one request in both budgets, given back on drop.
#[derive(Debug)]
pub(super) struct Held {
    in_flight: Charge,
    memory: Charge,
}

impl Admission {
    pub(super) fn new(bytes_in_flight_max: u64, memory: Budget) -> Self {
        Self {
            in_flight: Budget::new(bytes_in_flight_max),
            memory,
            closed: AtomicBool::new(false),
        }
    }

    /// The receivers' own budget.
    pub(super) fn in_flight(&self) -> &Budget {
        &self.in_flight
    }

    /// Refuses every request from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether a new request may come in.
    pub(super) fn check_open(&self) -> Result<(), Failure> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Failure::ShuttingDown);
        }
        Ok(())
    }

    /// A hold on nothing yet, to be grown.
    pub(super) fn hold(&self) -> Held {
        Held {
            in_flight: self.in_flight.charge(0),
            memory: self.memory.charge(0),
        }
    }
}

impl Held {
    /// Takes `bytes` more of both budgets, or of neither.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Failure> {
        let bytes = bytes as u64;
        self.in_flight.grow(bytes).map_err(|exhausted| {
            Failure::Overloaded(format!(
                "requests being received are at max_bytes_in_flight: {exhausted}"
            ))
        })?;
        self.memory.grow(bytes).map_err(|exhausted| {
            self.in_flight.set(self.in_flight.bytes() - bytes);
            Failure::Overloaded(format!("memory.limit is reached: {exhausted}"))
        })
    }

    /// Corrects the hold to what is really held.
    pub(super) fn set(&mut self, bytes: usize) {
        self.in_flight.set(bytes as u64);
        self.memory.set(bytes as u64);
    }

    /// The share of the bytes in flight, which ends with the answer, and that of the memory, which follows the body.
    pub(super) fn into_charges(self) -> (Charge, Charge) {
        (self.in_flight, self.memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_do_not_fit_in_both_budgets_take_from_neither() {
        let memory = Budget::new(10);
        let admission = Admission::new(20, memory.clone());
        let mut held = admission.hold();
        held.grow(8).unwrap();
        assert!(
            matches!(held.grow(5), Err(Failure::Overloaded(why)) if why.contains("memory.limit"))
        );
        assert_eq!(admission.in_flight.used_bytes(), 8);
        assert_eq!(memory.used_bytes(), 8);
        drop(held);
        assert_eq!(admission.in_flight.used_bytes(), 0);
        assert_eq!(memory.used_bytes(), 0);
    }

    #[test]
    fn bytes_in_flight_are_bounded_apart_from_the_memory() {
        let admission = Admission::new(4, Budget::new(100));
        let refusal = admission.hold().grow(5).unwrap_err();
        assert!(matches!(refusal, Failure::Overloaded(why) if why.contains("max_bytes_in_flight")));
    }

    #[test]
    fn nothing_is_admitted_once_closed() {
        let admission = Admission::new(4, Budget::new(4));
        assert_eq!(admission.check_open(), Ok(()));
        admission.close();
        assert_eq!(admission.check_open(), Err(Failure::ShuttingDown));
    }
}
