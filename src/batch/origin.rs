//! How a batch came from another replica: under which name, and what it wants of its taker.

use std::time::Duration;

use super::key::Slot;
use super::peer::frame::StreamMark;
use super::replica::BatchName;
use super::slot_set::SlotSet;
use crate::otlp::ids::TraceId;

/// Of a batch that another replica sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What it is called: a retry bears the same name.
    pub name: BatchName,
    /// The sender asks no more about sequences of this stream below it; their names may be forgotten.
    pub low_water: u64,
    /// The same of other streams of the sender.
    pub marks: Vec<StreamMark>,
    /// Names under which its spans first came, where it was named anew.
    pub first_names: Vec<BatchName>,
    /// The slots whose spans are to be taken whatever else is known of them: those of a mark that was heeded (rule 2).
    pub marked: Option<Box<SlotSet>>,
    /// Of undecided traces handed over: how old each is. Sorted by trace ID.
    pub handed_over: Vec<HandedOver>,
}

/// What moves with an undecided trace; times are relative, since clocks differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Which trace.
    pub trace_id: TraceId,
    /// Since its first span arrived.
    pub age: Duration,
    /// Until it is due.
    pub due_in: Duration,
    /// Names under which its spans came (rule 6).
    pub names: Vec<BatchName>,
}

impl Origin {
    /// Of spans that come back to the replica that sent them, under the name `name`.
    #[must_use]
    pub fn returned(name: BatchName, first_names: Vec<BatchName>) -> Self {
        Self {
            name,
            low_water: 0,
            marks: Vec::new(),
            first_names,
            marked: None,
            handed_over: Vec::new(),
        }
    }

    /// Whether spans of `slot` bear a mark that was heeded.
    #[must_use]
    pub fn is_marked(&self, slot: Slot) -> bool {
        self.marked
            .as_ref()
            .is_some_and(|marked| marked.contains(slot))
    }

    /// The age of one of its traces, if it was handed over.
    #[must_use]
    pub fn handed_over(&self, trace_id: TraceId) -> Option<&HandedOver> {
        let found = self
            .handed_over
            .binary_search_by_key(&trace_id, |handed| handed.trace_id);
        self.handed_over.get(found.ok()?)
    }
}
