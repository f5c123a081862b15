//! Scalars of the policy file, read as the collector reads them.
//!
//! Source of the rules: the collector's `confmap` over mapstructure without weak typing. Whole numbers and floats are
//! taken for one another (a fraction is cut off); an integer above the signed range wraps; a bare number is a duration
//! in nanoseconds; a string where a list of strings is wanted is split at its commas.

use super::Place;
use crate::config::yaml::Resolved;

impl<'a> Place<'a> {
    /// A signed 64-bit integer. What can only be meant otherwise is taken with a warning.
    pub(crate) fn collector_integer(&self) -> Option<i64> {
        let (taken, is_exact) = match self.resolved() {
            Some(Resolved::Int(value)) => (value as i64, i64::try_from(value).is_ok()),
            Some(Resolved::Float(value)) => (cut(value), cut(value) as f64 == value),
            _ => {
                self.mismatch("a number", self.number_advice());
                return None;
            }
        };
        if !is_exact {
            let found = self.node.describe();
            self.warning(
                format!("{found} is taken as {taken}, as the collector does"),
                "write a whole number",
            );
        }
        Some(taken)
    }

    /// As [`Place::collector_integer`], cut to its lower 32 bits.
    pub(crate) fn collector_integer_32(&self) -> Option<i64> {
        let value = self.collector_integer()?;
        let taken = i64::from(value as i32);
        if taken != value {
            let problem = format!("{value} is taken as {taken}, as the collector does");
            self.warning(problem, format!("at most {}", i32::MAX));
        }
        Some(taken)
    }

    /// An unsigned 64-bit integer; negative ones are refused.
    pub(crate) fn collector_unsigned(&self) -> Option<u64> {
        match self.resolved() {
            Some(Resolved::Int(value)) if value >= 0 => u64::try_from(value).ok(),
            Some(Resolved::Int(_)) => {
                self.error("must not be negative", "");
                None
            }
            Some(Resolved::Float(value)) if value < 0.0 => {
                self.error("must not be negative", "");
                None
            }
            Some(Resolved::Float(_)) => self.collector_integer().map(|value| value.max(0) as u64),
            _ => {
                self.mismatch("a number", self.number_advice());
                None
            }
        }
    }

    /// A floating-point number; not-a-number is refused.
    pub(crate) fn collector_float(&self) -> Option<f64> {
        match self.resolved() {
            Some(Resolved::Int(value)) => Some(value as f64),
            Some(Resolved::Float(value)) if !value.is_nan() => Some(value),
            _ => {
                self.mismatch("a number", self.number_advice());
                None
            }
        }
    }

    /// A duration in nanoseconds, of either sign.
    pub(crate) fn collector_duration_ns(&self) -> Option<i64> {
        match self.resolved() {
            Some(Resolved::Int(_) | Resolved::Float(_)) => {
                let ns = self.collector_integer()?;
                if ns != 0 && ns.unsigned_abs() < 1_000_000 {
                    let found = self.node.describe();
                    self.warning(
                        format!("{found} without unit is taken as nanoseconds"),
                        format!("did you mean {ns}s or {ns}ms?"),
                    );
                }
                Some(ns)
            }
            Some(Resolved::Text(text)) => self.duration_ns(text),
            _ => {
                self.mismatch("a duration", "write it like 30s, 1m30s, 500ms or 1d");
                None
            }
        }
    }

    /// Strings: a list of them, or one string that is split at its commas.
    pub(crate) fn collector_strings(&self) -> Vec<(&'a str, Place<'a>)> {
        if let Some(Resolved::Text(text)) = self.resolved() {
            let parts = text.split(',').filter(|_| !text.is_empty());
            return parts.map(|part| (part, self.clone())).collect();
        }
        let items = self.items().into_iter();
        items
            .filter_map(|item| item.text().map(|text| (text, item.clone())))
            .collect()
    }

    /// The likely slips where a number is wanted: quotes, a percent sign, a unit.
    fn number_advice(&self) -> String {
        let Some(Resolved::Text(text)) = self.resolved() else {
            return String::new();
        };
        let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        if number.parse::<f64>().is_err() {
            return String::new();
        }
        match text.get(number.len()..).unwrap_or_default().trim() {
            "" => format!("remove the quotes: {number}"),
            "%" => format!("write {number} without the percent sign"),
            unit => format!("write a number without the unit {unit:?}"),
        }
    }
}

/// Out of range, the collector's conversion gives the least integer (on amd64, where its decisions were recorded).
fn cut(value: f64) -> i64 {
    if value >= i64::MIN as f64 && value < i64::MAX as f64 {
        value as i64
    } else {
        i64::MIN
    }
}
