//! Marks: the policy that kept a trace, as an attribute of what leaves.
//!
//! Spans stay bytes. On a span the encoded attribute is appended to its encoding, since protobuf takes fields in any
//! order; a scope or resource is written anew with it. An attribute of that name that is there already, from an engine
//! before this one, goes: OTLP wants names to be unique.
//!
//! A shard numbers the names of policies as they keep their first trace, so that late spans get the mark of the policy
//! that kept their trace, whatever policies are in force by then. 16,383 names of 1 MiB together are known at most;
//! what a later one keeps leaves without a mark.

mod rewrite;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use memchr::memmem::Finder;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message;

use super::config::{MarkPlace, PolicyMark};
use super::decision_cache::Remembered;
use super::span_store::{push_varint, varint_len};
use crate::otlp::wire::reader::LEN;
use crate::otlp::wire::value::{RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES, SPAN_ATTRIBUTES};

/// What the names of a shard's policies may hold, as attributes.
const NAMES_BYTES_MAX: usize = 1 << 20;

/// The mark of one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct MarkId(u16);

/// The marks of one shard; without a configuration there are none.
#[derive(Debug)]
pub(super) struct Marks {
    config: Option<PolicyMark>,
    /// Finds the attribute's name in an encoding.
    name: Finder<'static>,
    known: HashMap<Arc<str>, MarkId>,
    /// By number.
    policies: Vec<Arc<str>>,
    /// By number: the encoded attribute, its field's key and length included.
    attributes: Vec<Box<[u8]>>,
    attributes_bytes: usize,
}

impl MarkId {
    /// As a number to remember.
    pub(super) fn number(mark: Option<Self>) -> u16 {
        mark.map_or(Remembered::POLICY_MAX, |mark| mark.0)
    }

    /// The mark remembered by [`MarkId::number`].
    pub(super) fn of_number(number: u16) -> Option<Self> {
        (number < Remembered::POLICY_MAX).then_some(Self(number))
    }
}

impl Marks {
    pub(super) fn new(config: Option<PolicyMark>) -> Self {
        let name = config.as_ref().map_or("", |config| &config.attribute);
        Self {
            name: Finder::new(name).into_owned(),
            config,
            known: HashMap::new(),
            policies: Vec::new(),
            attributes: Vec::new(),
            attributes_bytes: 0,
        }
    }

    /// Whether kept traces are marked.
    pub(super) fn are_on(&self) -> bool {
        self.config.is_some()
    }

    pub(super) fn are_on_spans(&self) -> bool {
        self.place() == Some(MarkPlace::Span)
    }

    pub(super) fn are_on_scopes(&self) -> bool {
        self.place() == Some(MarkPlace::Scope)
    }

    pub(super) fn are_on_resources(&self) -> bool {
        self.place() == Some(MarkPlace::Resource)
    }

    /// The mark of a policy; `None` when marks are off, or there are too many.
    pub(super) fn of_policy(&mut self, policy: &str) -> Option<MarkId> {
        let config = self.config.as_ref()?;
        if let Some(known) = self.known.get(policy) {
            return Some(*known);
        }
        let attribute = encode(&config.attribute, policy, attributes_of(config.place));
        let bytes = self.attributes_bytes + attribute.len();
        let number = self.attributes.len() as u16;
        if bytes > NAMES_BYTES_MAX || number >= Remembered::POLICY_MAX {
            return None;
        }
        self.attributes_bytes = bytes;
        self.attributes.push(attribute);
        let policy: Arc<str> = Arc::from(policy);
        self.policies.push(Arc::clone(&policy));
        self.known.insert(policy, MarkId(number));
        Some(MarkId(number))
    }

    /// The policy of a mark, by name.
    pub(super) fn policy(&self, mark: MarkId) -> Option<&Arc<str>> {
        self.policies.get(usize::from(mark.0))
    }

    /// The encoded attribute, its field's key and length included.
    pub(super) fn attribute(&self, mark: MarkId) -> &[u8] {
        self.attributes
            .get(usize::from(mark.0))
            .map_or(&[], |attribute| attribute)
    }

    /// What a mark adds to each span; 0 if it stands elsewhere.
    pub(super) fn span_bytes(&self, mark: MarkId) -> usize {
        if self.are_on_spans() {
            self.attribute(mark).len()
        } else {
            0
        }
    }

    /// A span's encoding without an attribute of the mark's name.
    pub(super) fn span_without<'a>(&self, span: &'a [u8]) -> Cow<'a, [u8]> {
        self.without(span, SPAN_ATTRIBUTES)
    }

    /// The fields of a `ScopeSpans` or `ResourceSpans`, spans and scopes apart, with the mark in its field 1, the scope
    /// or resource.
    pub(super) fn on_envelope(&self, fields: &[u8], mark: MarkId) -> Vec<u8> {
        const INNER_FIELD: u32 = 1;
        const INNER_FIELD_KEY: u8 = 1 << 3 | LEN;
        let number = self.config.as_ref().map_or(0, |c| attributes_of(c.place));
        let attribute = self.attribute(mark);
        // Of a message that stands there several times, protobuf makes one.
        let inner = rewrite::contents_of(fields, INNER_FIELD);
        let inner = self.without(&inner, number);
        let inner_bytes = inner.len() + attribute.len();
        let length_bytes = varint_len(inner_bytes as u64);
        let mut out = Vec::with_capacity(fields.len() + attribute.len() + 1 + length_bytes);
        out.push(INNER_FIELD_KEY);
        push_varint(&mut out, inner_bytes as u64);
        out.extend_from_slice(&inner);
        out.extend_from_slice(attribute);
        rewrite::copy_fields_but(fields, &mut out, |number, _| number == INNER_FIELD);
        out
    }

    fn place(&self) -> Option<MarkPlace> {
        self.config.as_ref().map(|config| config.place)
    }

    /// `message` without attributes of the mark's name, attributes being its fields of `number`.
    fn without<'a>(&self, message: &'a [u8], number: u32) -> Cow<'a, [u8]> {
        if self.name.find(message).is_none() {
            return Cow::Borrowed(message);
        }
        let mut out = Vec::with_capacity(message.len());
        rewrite::copy_fields_but(message, &mut out, |field, content| {
            field == number && rewrite::key_of(content) == self.name.needle()
        });
        Cow::Owned(out)
    }
}

/// The number of the field that has the attributes.
fn attributes_of(place: MarkPlace) -> u32 {
    match place {
        MarkPlace::Span => SPAN_ATTRIBUTES,
        MarkPlace::Scope => SCOPE_ATTRIBUTES,
        MarkPlace::Resource => RESOURCE_ATTRIBUTES,
    }
}

/// A string attribute as field `number`, below 16, of the message that has it.
fn encode(name: &str, value: &str, number: u32) -> Box<[u8]> {
    let value = any_value::Value::StringValue(value.to_owned());
    let attribute = KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let mut out = vec![(number as u8) << 3 | LEN];
    push_varint(&mut out, attribute.encoded_len() as u64);
    out.extend_from_slice(&attribute.encode_to_vec());
    out.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Marks {
        Marks::new(Some(PolicyMark {
            attribute: "policy".to_owned(),
            place: MarkPlace::Span,
        }))
    }

    #[test]
    fn a_policy_keeps_its_number_whatever_comes_after_it() {
        let mut marks = marks();
        let first = marks.of_policy("errors");
        let second = marks.of_policy("slow");
        assert_ne!(first, second);
        assert_eq!(marks.of_policy("errors"), first);
        let name = second.and_then(|mark| marks.policy(mark));
        assert_eq!(name.map(|name| &**name), Some("slow"));
        assert_eq!(MarkId::of_number(MarkId::number(second)), second);
        assert_eq!(MarkId::of_number(MarkId::number(None)), None);
    }

    #[test]
    fn there_are_no_marks_beyond_the_limit_and_the_known_ones_stay() {
        let mut marks = marks();
        let first = marks.of_policy("errors");
        assert!(first.is_some());
        assert_eq!(marks.of_policy(&"x".repeat(NAMES_BYTES_MAX)), None);
        let numbers = (0..20_000).filter_map(|n: u32| marks.of_policy(&n.to_string()));
        assert_eq!(numbers.count(), usize::from(Remembered::POLICY_MAX) - 1);
        assert_eq!(marks.of_policy("errors"), first);
        assert!(marks.attributes_bytes <= NAMES_BYTES_MAX);
    }

    #[test]
    fn without_a_configuration_no_policy_has_a_mark() {
        let mut marks = Marks::new(None);
        assert!(!marks.are_on());
        assert_eq!(marks.of_policy("errors"), None);
    }
}
