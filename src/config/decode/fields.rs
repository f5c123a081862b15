//! The keys of a mapping, taken by name.

use super::{Place, join, nearest};
use crate::config::yaml::{Entry, Value};

/// A mapping whose keys are being read. Call [`Fields::finish`] in the end.
pub(crate) struct Fields<'a> {
    place: Place<'a>,
    entries: &'a [Entry],
    /// Every name asked for: what the unknown ones are compared with.
    known: Vec<&'static str>,
    /// Keys that were dealt with without being ours, so that they are not proposed.
    handled: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(place: Place<'a>, entries: &'a [Entry]) -> Self {
        Self {
            place,
            entries,
            known: Vec::new(),
            handled: Vec::new(),
        }
    }

    /// The mapping itself.
    pub(crate) fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// The value of `key`; `None` when it is absent or null.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Place<'a>> {
        self.take_present(key).filter(|value| !value.is_null())
    }

    /// The value of `key`, null included; `None` when the key is absent.
    pub(crate) fn take_present(&mut self, key: &'static str) -> Option<Place<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.peek(key)
    }

    /// The value of `key` without having asked for it.
    pub(crate) fn peek(&self, key: &str) -> Option<Place<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key.text == key)?;
        Some(self.value(entry))
    }

    /// Reads the value of `key` into `target`; leaves it when the key is absent, null or wrong (which is reported).
    pub(crate) fn set<T>(
        &mut self,
        key: &'static str,
        target: &mut T,
        read: impl FnOnce(&Place<'a>) -> Option<T>,
    ) {
        if let Some(value) = self.take(key).and_then(|place| read(&place)) {
            *target = value;
        }
    }

    /// The fields of the mapping at `key`; an absent or null one has none.
    pub(crate) fn section(&mut self, key: &'static str) -> Option<Fields<'a>> {
        self.take(key).map(|place| place.fields())
    }

    /// Reports `key`, if it is there, as one that belongs to another program or version, with what to do instead.
    pub(crate) fn refuse(&mut self, key: &'static str, problem: &str, advice: &str) {
        self.handled.push(key);
        if let Some(entry) = self.entries.iter().find(|entry| entry.key.text == key) {
            self.report_key(entry, problem, advice);
        }
    }

    /// Every key with its value, in the order of the file: for mappings whose keys are names that users chose.
    pub(crate) fn all(&mut self) -> Vec<(&'a str, Place<'a>)> {
        let names = self.entries.iter().map(|entry| entry.key.text.as_str());
        self.handled.extend(names);
        let entries = self.entries.iter();
        entries
            .map(|entry| (entry.key.text.as_str(), self.value(entry)))
            .collect()
    }

    /// Keys that nobody has asked for yet and whose value is a mapping or null; they are passed over from now on.
    pub(crate) fn skip_mappings(&mut self) -> Vec<(&'a str, Place<'a>)> {
        let mut skipped = Vec::new();
        for entry in self.entries {
            let value = self.value(entry);
            let is_skipped = matches!(entry.value.value, Value::Mapping(_)) || value.is_null();
            if is_skipped && !self.is_known(&entry.key.text) {
                self.handled.push(&entry.key.text);
                skipped.push((entry.key.text.as_str(), value));
            }
        }
        skipped
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(self) {
        for entry in self.entries {
            if self.is_known(&entry.key.text) {
                continue;
            }
            if self.place.findings.is_full() {
                break;
            }
            let advice = match nearest(&entry.key.text, &self.known) {
                Some(name) => format!("did you mean {name:?}?"),
                None if self.known.is_empty() => "there are no keys here".to_owned(),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.report_key(entry, "unknown key", &advice);
        }
    }

    /// The names asked for so far.
    pub(crate) fn known(&self) -> &[&'static str] {
        &self.known
    }

    fn is_known(&self, key: &str) -> bool {
        self.known.contains(&key) || self.handled.contains(&key)
    }

    fn value(&self, entry: &'a Entry) -> Place<'a> {
        let path = join(&self.place.path, &entry.key.text);
        Place::new(&entry.value, &path, self.place.findings)
    }

    fn report_key(&self, entry: &Entry, problem: &str, advice: &str) {
        let path = join(&self.place.path, &entry.key.text);
        let findings = self.place.findings;
        findings.error(Some(entry.key.position), &path, problem, advice);
    }
}
