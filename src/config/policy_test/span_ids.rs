//! Who is whose parent among the spans of a trace in short form.

use std::collections::HashMap;

use crate::config::decode::Place;

/// `parent: none` makes a root.
const NO_PARENT: &str = "none";

/// The IDs of all spans, by number and by the `id` that the file gives them.
pub(super) struct SpanIds {
    by_number: Vec<[u8; 8]>,
    by_name: HashMap<String, [u8; 8]>,
}

impl SpanIds {
    /// Reads `id` of each span; one that is no span ID is a name, and the span's number its ID.
    pub(super) fn of(items: &[Place<'_>]) -> Self {
        let mut ids = Self {
            by_number: Vec::new(),
            by_name: HashMap::new(),
        };
        for (number, item) in items.iter().enumerate() {
            let numbered = (number as u64 + 1).to_be_bytes();
            let named = ids.name(item, numbered);
            ids.by_number.push(named.unwrap_or(numbered));
        }
        ids
    }

    fn name(&mut self, span: &Place<'_>, numbered: [u8; 8]) -> Option<[u8; 8]> {
        if !span.is_mapping() {
            return None;
        }
        let place = span.fields().peek("id").filter(|place| !place.is_null())?;
        let name = place.identifier()?;
        if name == NO_PARENT {
            let advice = "as a parent it says that there is none";
            place.error(format!("{NO_PARENT} names no span"), advice);
        }
        let id = literal(name).unwrap_or(numbered);
        if self.by_name.insert(name.to_owned(), id).is_some() {
            place.error(format!("a second span has the id {name:?}"), "");
        }
        Some(id)
    }

    /// The ID of a span by its number, as in OTLP.
    pub(super) fn own(&self, number: usize) -> Vec<u8> {
        let id = self.by_number.get(number);
        id.map(|id| id.to_vec()).unwrap_or_default()
    }

    /// The ID that a `parent` stands for, as in OTLP: empty for none.
    pub(super) fn parent(&self, place: &Place<'_>) -> Vec<u8> {
        let Some(name) = place.identifier().filter(|name| *name != NO_PARENT) else {
            return Vec::new();
        };
        let id = self.by_name.get(name).copied().or_else(|| literal(name));
        if id.is_none() {
            let advice = "an id of another span, none, or 16 hexadecimal digits for one elsewhere";
            place.error(format!("no span has the id {name:?}"), advice);
        }
        id.map(|id| id.to_vec()).unwrap_or_default()
    }
}

fn literal(text: &str) -> Option<[u8; 8]> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(text, 16).ok()?;
    (is_hex && number != 0).then_some(number.to_be_bytes())
}
