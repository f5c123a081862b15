//! Sets of slots, short: by their runs where slots stand together or are few, else by their bits.

use prost::encoding::encoded_len_varint;

use super::EncodingError;
use super::messages::Slots;
use crate::batch::key::{SLOTS, Slot};
use crate::batch::slot_set::SlotSet;

/// The shorter form of a set.
pub(super) fn encode(set: &SlotSet) -> Slots {
    let runs = runs(set);
    let runs_bytes: usize = runs
        .iter()
        .map(|run| encoded_len_varint((*run).into()))
        .sum();
    if runs_bytes > SlotSet::BYTES {
        return Slots {
            runs: Vec::new(),
            bits: set.to_bytes().to_vec(),
        };
    }
    Slots {
        runs,
        bits: Vec::new(),
    }
}

/// The set; none is the empty one.
pub(super) fn decode(slots: Option<Slots>) -> Result<SlotSet, EncodingError> {
    let not_understood = EncodingError::Field("a set of slots");
    let slots = slots.unwrap_or_default();
    if !slots.bits.is_empty() {
        return SlotSet::from_bytes(&slots.bits).ok_or(not_understood);
    }
    let mut set = SlotSet::default();
    let mut begin = 0_u16;
    for (index, run) in slots.runs.into_iter().enumerate() {
        let run = u16::try_from(run).ok();
        let end = run.and_then(|run| begin.checked_add(run));
        let Some(end) = end.filter(|end| *end <= SLOTS) else {
            return Err(not_understood);
        };
        if index % 2 == 1 {
            (begin..end).for_each(|slot| {
                set.insert(Slot(slot));
            });
        }
        begin = end;
    }
    Ok(set)
}

/// Lengths of what is out and in, by turns.
fn runs(set: &SlotSet) -> Vec<u32> {
    let mut runs = Vec::new();
    let mut is_in = false;
    let mut length = 0;
    for slot in (0..SLOTS).map(Slot) {
        if set.contains(slot) != is_in {
            runs.push(length);
            is_in = !is_in;
            length = 0;
        }
        length += 1;
    }
    if is_in {
        runs.push(length);
    }
    runs
}
