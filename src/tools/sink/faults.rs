//! How the backend misbehaves on request: slow, failing now and then, or failing for a while.

use std::time::Duration;

/// What the backend answers where it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Fault {
    /// UNAVAILABLE, or HTTP 503, with the wish to retry.
    #[default]
    Unavailable,
    /// INVALID_ARGUMENT, or HTTP 400: not to be sent again.
    Refused,
    /// Success that rejects all spans by `partial_success`.
    Partial,
}

/// When and how the backend fails.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// Wait before each answer.
    pub delay: Duration,
    /// Share of requests that fail at any time, 0 to 1.
    pub rate: f64,
    /// A time in which every request fails: after this long from the start...
    pub outage_after: Duration,
    /// ...for this long; zero for none.
    pub outage_for: Duration,
    /// What is answered then.
    pub fault: Fault,
}

impl Faults {
    /// The fault of a request that arrives `elapsed` after the start and draws `lot`, evenly from 0 to 1.
    #[must_use]
    pub fn at(&self, elapsed: Duration, lot: f64) -> Option<Fault> {
        let outage = elapsed
            .checked_sub(self.outage_after)
            .is_some_and(|since| since < self.outage_for);
        (outage || lot < self.rate).then_some(self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_outage_has_a_beginning_and_an_end() {
        let faults = Faults {
            outage_after: SECOND * 5,
            outage_for: SECOND * 10,
            ..Faults::default()
        };
        let fails = |seconds| faults.at(SECOND * seconds, 0.0).is_some();
        assert_eq!([4, 5, 14, 15].map(fails), [false, true, true, false]);
    }

    #[test]
    fn the_rate_is_the_share_of_lots_that_fail() {
        let faults = Faults {
            rate: 0.25,
            fault: Fault::Refused,
            ..Faults::default()
        };
        assert_eq!(faults.at(SECOND, 0.249), Some(Fault::Refused));
        assert_eq!(faults.at(SECOND, 0.25), None);
        assert_eq!(Faults::default().at(SECOND, 0.0), None);
    }
}
