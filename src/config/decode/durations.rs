//! Durations of the server file: with a unit, so that nobody waits nanoseconds for seconds.

use std::time::Duration;

use super::Place;
use super::duration::{NotADuration, parse_ns};
use crate::config::yaml::Resolved;

/// Longest duration taken for a timeout, an interval or an age: a year.
const DURATION_MAX: Duration = Duration::from_secs(365 * 86_400);
const DURATION_ADVICE: &str = "write it like 30s, 1m30s, 500ms or 1d";

impl Place<'_> {
    /// A duration of a year at most, above zero.
    pub(crate) fn duration(&self) -> Option<Duration> {
        let duration = self.duration_or_zero()?;
        if duration.is_zero() {
            self.error("must be longer than 0", DURATION_ADVICE);
            return None;
        }
        Some(duration)
    }

    /// A duration of a year at most, or zero, where zero means none.
    pub(crate) fn duration_or_none(&self) -> Option<Option<Duration>> {
        let duration = self.duration_or_zero()?;
        Some((!duration.is_zero()).then_some(duration))
    }

    /// A duration of a year at most; zero needs no unit.
    pub(crate) fn duration_or_zero(&self) -> Option<Duration> {
        let ns = match self.resolved() {
            Some(Resolved::Int(0)) => 0,
            Some(Resolved::Int(_) | Resolved::Float(_)) => {
                self.error(
                    format!(
                        "expected a duration, found {} without unit",
                        self.node.describe()
                    ),
                    DURATION_ADVICE,
                );
                return None;
            }
            Some(Resolved::Text(text)) => self.duration_ns(text)?,
            _ => {
                self.mismatch("a duration", DURATION_ADVICE);
                return None;
            }
        };
        let Ok(ns) = u64::try_from(ns) else {
            self.error("must not be negative", "");
            return None;
        };
        let duration = Duration::from_nanos(ns);
        if duration > DURATION_MAX {
            self.error("is too long", "at most 365d");
            return None;
        }
        Some(duration)
    }

    /// The seconds that a bare whole number stands for; `None` when this is none.
    pub(crate) fn bare_seconds(&self) -> Option<Duration> {
        match self.resolved() {
            Some(Resolved::Int(seconds)) => {
                let seconds = u64::try_from(seconds).ok()?;
                Some(Duration::from_secs(seconds)).filter(|duration| *duration <= DURATION_MAX)
            }
            _ => None,
        }
    }

    /// Nanoseconds of a duration in Go's notation.
    pub(super) fn duration_ns(&self, text: &str) -> Option<i64> {
        let found = self.node.describe();
        let problem = match parse_ns(text) {
            Ok(ns) => return Some(ns),
            Err(NotADuration::MissingUnit) => {
                format!("expected a duration, found {found} without unit")
            }
            Err(NotADuration::UnknownUnit(unit)) => {
                format!("expected a duration, found {found}: {unit:?} is no unit")
            }
            Err(NotADuration::Malformed) => format!("expected a duration, found {found}"),
            Err(NotADuration::OutOfRange) => format!("{found} is too long for a duration"),
        };
        self.error(problem, DURATION_ADVICE);
        None
    }
}
