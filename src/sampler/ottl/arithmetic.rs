//! Arithmetic: ints and doubles in any mix, times and durations by addition and subtraction.
//!
//! Two ints give an int and wrap around, as in Go; with a double the result is a double. Durations wrap, times saturate
//! at the years 1677 and 2262.

use super::error::Reason;
use super::syntax::Arithmetic;
use super::value::Value;

impl Arithmetic {
    /// `left` and `right`, calculated.
    ///
    /// # Errors
    /// [`Reason`] for types that cannot be calculated with and for division by zero.
    pub(super) fn apply<'e>(
        self,
        left: &Value<'_>,
        right: &Value<'_>,
    ) -> Result<Value<'e>, Reason> {
        match (left, right) {
            (Value::Int(left), Value::Int(right)) => self.ints(*left, *right).map(Value::Int),
            (Value::Int(left), Value::Float(right)) => self.floats(*left as f64, *right),
            (Value::Float(left), Value::Int(right)) => self.floats(*left, *right as f64),
            (Value::Float(left), Value::Float(right)) => self.floats(*left, *right),
            _ => self
                .times(left, right)
                .ok_or_else(|| Reason::NotCalculable {
                    left: left.type_name(),
                    right: right.type_name(),
                }),
        }
    }

    fn ints(self, left: i64, right: i64) -> Result<i64, Reason> {
        Ok(match self {
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
            Self::Divide if right == 0 => return Err(Reason::DivisionByZero),
            Self::Divide => left.wrapping_div(right),
        })
    }

    fn floats<'e>(self, left: f64, right: f64) -> Result<Value<'e>, Reason> {
        Ok(Value::Float(match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide if right == 0.0 => return Err(Reason::DivisionByZero),
            Self::Divide => left / right,
        }))
    }

    fn times<'e>(self, left: &Value<'_>, right: &Value<'_>) -> Option<Value<'e>> {
        Some(match (self, left, right) {
            (Self::Add, Value::Time(time), Value::Duration(duration))
            | (Self::Add, Value::Duration(duration), Value::Time(time)) => {
                Value::Time(time.saturating_add(*duration))
            }
            (Self::Subtract, Value::Time(time), Value::Duration(duration)) => {
                Value::Time(time.saturating_sub(*duration))
            }
            (Self::Subtract, Value::Time(left), Value::Time(right)) => {
                Value::Duration(left.saturating_sub(*right))
            }
            (Self::Add, Value::Duration(left), Value::Duration(right)) => {
                Value::Duration(left.wrapping_add(*right))
            }
            (Self::Subtract, Value::Duration(left), Value::Duration(right)) => {
                Value::Duration(left.wrapping_sub(*right))
            }
            _ => return None,
        })
    }
}

/// `-value`.
///
/// # Errors
/// [`Reason::WrongType`] for all but numbers.
pub(super) fn negated<'e>(value: &Value<'_>) -> Result<Value<'e>, Reason> {
    match value {
        Value::Int(value) => Ok(Value::Int(value.wrapping_neg())),
        Value::Float(value) => Ok(Value::Float(-value)),
        other => Err(Reason::WrongType {
            expected: "a number",
            found: other.type_name(),
        }),
    }
}
