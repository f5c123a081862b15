//! Comparison across types.
//!
//! | left and right | `==` `!=` | `<` `<=` `>` `>=` |
//! |---|---|---|
//! | int, double in any mix | by number, mixed ones as doubles | likewise |
//! | two texts, two byte values | byte by byte | byte by byte |
//! | two bools | | false is less than true |
//! | two times, two durations | | |
//! | two nils | equal | `<=` and `>=` hold |
//! | two maps, two lists, two identifiers of a kind | by content, ints and doubles within them differ | never hold |
//! | anything else | different | never hold |
//!
//! Empty bytes are nil, as in the collector. Source of the rules: OTTL's comparison rules and its implementation.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::error::Reason;
use super::syntax::Comparison;
use super::value::{List, Map, Origin, Value};

/// Entries of a map up to which each key is searched among all.
const SEARCHED_ENTRIES_MAX: usize = 32;

impl Comparison {
    /// Whether `left` and `right` compare so.
    ///
    /// # Errors
    /// [`Reason::NotComparable`] for two results of `Split`, over which the collector crashes.
    #[inline]
    pub(super) fn holds(self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, Reason> {
        Ok(match (left, right) {
            (Value::Text(left), Value::Text(right)) => self.of_texts(left, right),
            (Value::Int(left), Value::Int(right)) => self.of(Some(left.cmp(right))),
            (Value::Int(left), Value::Float(right)) => self.of((*left as f64).partial_cmp(right)),
            (Value::Float(left), Value::Int(right)) => self.of(left.partial_cmp(&(*right as f64))),
            (Value::Float(left), Value::Float(right)) => self.of(left.partial_cmp(right)),
            (Value::Bool(left), Value::Bool(right)) => self.of(Some(left.cmp(right))),
            _ if is_nil(left) && is_nil(right) => self.of(Some(Ordering::Equal)),
            (Value::Bytes(left), Value::Bytes(right)) if !left.is_empty() && !right.is_empty() => {
                self.of(Some(left.cmp(right)))
            }
            (Value::Time(left), Value::Time(right))
            | (Value::Duration(left), Value::Duration(right)) => self.of(Some(left.cmp(right))),
            (Value::List(left), Value::List(right))
                if matches!(self, Self::Equal | Self::NotEqual)
                    && left.origin == Origin::Texts
                    && right.origin == Origin::Texts =>
            {
                return Err(Reason::NotComparable);
            }
            _ => self.of_equality(is_equal(left, right)),
        })
    }

    /// Whether two texts compare so.
    #[inline]
    pub(super) fn of_texts(self, left: &[u8], right: &[u8]) -> bool {
        // Most of what is asked is equality, and lengths answer most of that.
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            _ => self.of(Some(left.cmp(right))),
        }
    }

    /// What an ordering says; none is that of NaN.
    fn of(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Equal => ordering == Some(Ordering::Equal),
            Self::NotEqual => ordering != Some(Ordering::Equal),
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Self::Greater => ordering == Some(Ordering::Greater),
            Self::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        }
    }

    /// What is known of values without an order.
    fn of_equality(self, is_equal: bool) -> bool {
        match self {
            Self::Equal => is_equal,
            Self::NotEqual => !is_equal,
            _ => false,
        }
    }
}

fn is_nil(value: &Value<'_>) -> bool {
    match value {
        Value::Nil => true,
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}

/// Equality of a type with itself, within lists and maps.
fn is_equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Text(left), Value::Text(right)) | (Value::Bytes(left), Value::Bytes(right)) => {
            left == right
        }
        (Value::Time(left), Value::Time(right))
        | (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::TraceId(left), Value::TraceId(right)) => left == right,
        (Value::SpanId(left), Value::SpanId(right)) => left == right,
        (Value::List(left), Value::List(right)) => lists_equal(left, right),
        (Value::Map(left), Value::Map(right)) => maps_equal(left, right),
        (Value::Opaque(left, _), Value::Opaque(right, _)) => left == right,
        _ => false,
    }
}

fn lists_equal(left: &List<'_>, right: &List<'_>) -> bool {
    let items_equal = match (left.origin, right.origin) {
        (left, right) if left == right => is_identical,
        (Origin::Attribute, Origin::Literal) => equals_literal,
        (Origin::Literal, Origin::Attribute) => {
            |left: &Value<'_>, right: &Value<'_>| equals_literal(right, left)
        }
        _ => return false,
    };
    let mut pairs = left.iter().zip(right.iter());
    left.len() == right.len() && pairs.all(|(left, right)| items_equal(&left, &right))
}

/// Equality of items of lists of one origin: lists among them must be of one origin too.
fn is_identical(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) if left.origin != right.origin => false,
        _ => is_equal(left, right),
    }
}

/// Whether an item of an attribute equals one that is written in a condition: OTTL tells a map within a list apart from
/// one within an attribute, and a list that is itself taken from an attribute.
fn equals_literal(attribute: &Value<'_>, literal: &Value<'_>) -> bool {
    match (attribute, literal) {
        (Value::Map(_), Value::Map(_)) => false,
        (Value::List(_), Value::List(literal)) if literal.origin != Origin::Literal => false,
        _ => is_equal(attribute, literal),
    }
}

fn maps_equal(left: &Map<'_>, right: &Map<'_>) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut entries = left.iter();
    if right.len() <= SEARCHED_ENTRIES_MAX {
        return entries.all(|(key, value)| {
            let other = right.get(&key);
            other.is_some_and(|other| is_equal(&value, &other))
        });
    }
    let mut others = HashMap::with_capacity(right.len());
    for (key, value) in right.iter() {
        // As in `Map::get`, of a key that stands twice the first value counts.
        others.entry(key).or_insert(value);
    }
    entries.all(|(key, value)| {
        let other = others.get(&key);
        other.is_some_and(|other| is_equal(&value, other))
    })
}
