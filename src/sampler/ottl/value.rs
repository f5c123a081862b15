//! Values while a condition is evaluated: borrowed from the span's bytes or from the condition where possible.
//!
//! OTTL has three kinds of lists that read alike and compare differently (pdata's, those written in the condition, those
//! of texts that `Split` makes), so a list remembers its [`Origin`].

use std::borrow::Cow;
use std::sync::Arc;

use super::error::Reason;
use crate::otlp::wire::value::{AnyValue, MAP_ENTRIES, RawValue, fields_of, items, key_values};

#[derive(Debug, Clone)]
pub(super) enum Value<'e> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// UTF-8, unless `Substring` cut a character.
    Text(Cow<'e, [u8]>),
    Bytes(Cow<'e, [u8]>),
    /// Nanoseconds since 1970.
    Time(i64),
    /// Nanoseconds.
    Duration(i64),
    TraceId([u8; 16]),
    SpanId([u8; 8]),
    List(List<'e>),
    Map(Map<'e>),
    /// Something that can be counted or compared with itself and nothing else: its type and, if it has one, its length.
    Opaque(&'static str, Option<usize>),
}

#[derive(Debug, Clone)]
pub(super) struct List<'e> {
    pub(super) origin: Origin,
    items: Items<'e>,
}

/// Where a list comes from; each is a type of its own in OTTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// An attribute, or made from one.
    Attribute,
    /// Written in the condition.
    Literal,
    /// Texts made by `Split`.
    Texts,
}

#[derive(Debug, Clone)]
enum Items<'e> {
    /// An encoded `ArrayValue`.
    Encoded(&'e [u8]),
    Values(Arc<[Value<'e>]>),
}

#[derive(Debug, Clone)]
pub(super) enum Map<'e> {
    /// `KeyValue`s in a field of a message.
    Encoded { message: &'e [u8], field: u32 },
    /// `KeyValue`s in a field of the messages in field 1 of an envelope: of a resource, or of a scope.
    Enveloped { envelope: &'e [u8], field: u32 },
    /// Built by the condition.
    Entries(Arc<[(Cow<'e, [u8]>, Value<'e>)]>),
}

impl<'e> Value<'e> {
    pub(super) fn text(text: &'e [u8]) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The value of an attribute.
    #[inline]
    pub(super) fn of(raw: RawValue<'e>) -> Self {
        match raw.read() {
            AnyValue::Empty => Self::Nil,
            AnyValue::Text(text) => Self::text(text),
            AnyValue::Bool(value) => Self::Bool(value),
            AnyValue::Int(value) => Self::Int(value),
            AnyValue::Double(value) => Self::Float(value),
            AnyValue::Array(array) => Self::List(List {
                origin: Origin::Attribute,
                items: Items::Encoded(array),
            }),
            AnyValue::Map(message) => Self::Map(Map::Encoded {
                message,
                field: MAP_ENTRIES,
            }),
            AnyValue::Bytes(bytes) => Self::Bytes(Cow::Borrowed(bytes)),
        }
    }

    /// Its type, as error messages call it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
            Self::TraceId(_) => "trace ID",
            Self::SpanId(_) => "span ID",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Opaque(name, _) => name,
        }
    }

    /// The same value as long as it is looked at; copies no text.
    pub(super) fn shared<'s>(&'s self) -> Value<'s>
    where
        'e: 's,
    {
        match self {
            Self::Text(text) => Value::text(text),
            Self::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
            other => other.clone(),
        }
    }

    /// A copy that borrows from nothing.
    pub(super) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Time(ns) => Value::Time(ns),
            Self::Duration(ns) => Value::Duration(ns),
            Self::TraceId(id) => Value::TraceId(id),
            Self::SpanId(id) => Value::SpanId(id),
            Self::List(list) => {
                let items = list.iter().map(Value::into_owned).collect();
                Value::List(List::new(list.origin, items))
            }
            Self::Map(map) => {
                let entries = map.iter();
                let entries =
                    entries.map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()));
                Value::Map(Map::Entries(entries.collect()))
            }
            Self::Opaque(name, length) => Value::Opaque(name, length),
        }
    }

    /// As pdata would hold it within a map or list.
    ///
    /// # Errors
    /// [`Reason::NotNestable`] for what pdata has no type for.
    pub(super) fn into_attribute(self) -> Result<Self, Reason> {
        match self {
            Self::Nil
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Bytes(_) => Ok(self),
            Self::List(list) if list.origin == Origin::Literal => {
                list.into_attribute().map(Self::List)
            }
            other => Err(Reason::NotNestable(other.type_name())),
        }
    }

    /// As it stands in a map that the condition builds, where maps may stand too, and in lists one level below.
    ///
    /// # Errors
    /// [`Reason::NotNestable`] for what pdata has no type for.
    pub(super) fn into_entry(self) -> Result<Self, Reason> {
        match self {
            Self::Map(map) => Ok(Self::Map(map)),
            Self::List(list) if list.origin == Origin::Literal => {
                let items = list.iter().map(|item| match item {
                    Self::Map(map) => Ok(Self::Map(map)),
                    other => other.into_attribute(),
                });
                let items: Result<Vec<_>, _> = items.collect();
                Ok(Self::List(List::new(Origin::Attribute, items?)))
            }
            other => other.into_attribute(),
        }
    }
}

impl<'e> List<'e> {
    pub(super) fn new(origin: Origin, items: Vec<Value<'e>>) -> Self {
        Self {
            origin,
            items: Items::Values(items.into()),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Value<'e>> {
        let (encoded, values) = match &self.items {
            Items::Encoded(array) => (Some(*array), [].as_slice()),
            Items::Values(values) => (None, values.as_ref()),
        };
        let encoded = encoded.into_iter().flat_map(items).map(Value::of);
        encoded.chain(values.iter().cloned())
    }

    pub(super) fn len(&self) -> usize {
        match &self.items {
            Items::Encoded(array) => items(array).count(),
            Items::Values(values) => values.len(),
        }
    }

    /// As a list of pdata.
    ///
    /// # Errors
    /// [`Reason::NotNestable`] for what pdata has no type for.
    pub(super) fn into_attribute(self) -> Result<Self, Reason> {
        if self.origin == Origin::Attribute {
            return Ok(self);
        }
        let items: Result<Vec<_>, _> = self.iter().map(Value::into_attribute).collect();
        Ok(Self::new(Origin::Attribute, items?))
    }
}

impl<'e> Map<'e> {
    /// All entries, duplicate keys included.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Cow<'e, [u8]>, Value<'e>)> {
        let (message, envelope, field, entries) = match self {
            Self::Encoded { message, field } => (Some(*message), None, *field, [].as_slice()),
            Self::Enveloped { envelope, field } => (None, Some(*envelope), *field, [].as_slice()),
            Self::Entries(entries) => (None, None, 0, entries.as_ref()),
        };
        let enveloped = envelope
            .into_iter()
            .flat_map(|envelope| fields_of(envelope, 1));
        let messages = message.into_iter().chain(enveloped);
        messages
            .flat_map(move |message| key_values(message, field))
            .map(|(key, value)| (Cow::Borrowed(key), Value::of(value)))
            .chain(entries.iter().cloned())
    }

    /// The value of a key; of one that stands twice the first.
    pub(super) fn get(&self, key: &[u8]) -> Option<Value<'e>> {
        self.iter()
            .find(|(found, _)| **found == *key)
            .map(|(_, value)| value)
    }

    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }
}
