//! Remembered decisions on their way to the replica that is to hold their slots.
//!
//! Little-endian: how many names of policies (u16), each with its length (u16); then 18 bytes a decision: the hash, a word of
//! decision (upper 8 bits) and threshold, and the number of the policy's name (u16, `0xffff` for none).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::batch::key::KeyHash;
use crate::batch::peer::Malformed;
use crate::buffer::shard::RememberedTrace;
use crate::sampler::precedence::Decision;

/// Most decisions in one order: 1 MiB, and at most as much again in names.
pub(super) const DECISIONS_MAX: usize = (1 << 20) / DECISION_BYTES;

const DECISION_BYTES: usize = 18;
const THRESHOLD_BITS: u32 = 56;
const NO_NAME: u16 = u16::MAX;

/// Writes at most [`DECISIONS_MAX`] decisions.
pub(super) fn encode_decisions(decisions: &[RememberedTrace]) -> Bytes {
    let mut names: Vec<&str> = Vec::new();
    let mut numbers: HashMap<&str, u16> = HashMap::new();
    let mut rows = BytesMut::with_capacity(decisions.len() * DECISION_BYTES);
    for trace in decisions {
        let name = trace.policy.as_deref();
        let name = name.filter(|name| names.len() < usize::from(NO_NAME) && name.len() < 1 << 16);
        let number = name.map_or(NO_NAME, |name| {
            *numbers.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u16 - 1
            })
        });
        rows.put_u64_le(trace.hash.0);
        let threshold = trace.threshold & ((1 << THRESHOLD_BITS) - 1);
        rows.put_u64_le((trace.decision as u64) << THRESHOLD_BITS | threshold);
        rows.put_u16_le(number);
    }
    let mut encoded = BytesMut::with_capacity(rows.len() + 64);
    encoded.put_u16_le(names.len() as u16);
    for name in names {
        encoded.put_u16_le(name.len() as u16);
        encoded.put_slice(name.as_bytes());
    }
    encoded.unsplit(rows);
    encoded.freeze()
}

/// Reads decisions.
///
/// # Errors
/// [`Malformed`].
pub(super) fn decode_decisions(encoded: &Bytes) -> Result<Vec<RememberedTrace>, Malformed> {
    let not_whole = || Malformed("decisions: not whole".to_owned());
    let mut rest = encoded.clone();
    let names = rest.try_get_u16_le().map_err(|_| not_whole())?;
    let names = (0..names).map(|_| {
        let length = usize::from(rest.try_get_u16_le().map_err(|_| not_whole())?);
        if rest.len() < length {
            return Err(not_whole());
        }
        let name = rest.split_to(length);
        let name = std::str::from_utf8(&name);
        let name = name.map_err(|_| Malformed("decisions: a name is no text".to_owned()))?;
        Ok(Arc::from(name))
    });
    let names = names.collect::<Result<Vec<Arc<str>>, _>>()?;
    let (rows, odd) = rest.as_chunks::<DECISION_BYTES>();
    if !odd.is_empty() {
        return Err(not_whole());
    }
    rows.iter().map(|row| decode_row(row, &names)).collect()
}

fn decode_row(mut row: &[u8], names: &[Arc<str>]) -> Result<RememberedTrace, Malformed> {
    let hash = KeyHash(row.get_u64_le());
    let word = row.get_u64_le();
    let decision = Decision::ALL.get((word >> THRESHOLD_BITS) as usize);
    let policy = match row.get_u16_le() {
        NO_NAME => None,
        number => {
            let name = names.get(usize::from(number));
            let name = name.ok_or_else(|| Malformed("decisions: no such name".to_owned()))?;
            Some(Arc::clone(name))
        }
    };
    Ok(RememberedTrace {
        hash,
        decision: *decision.ok_or_else(|| Malformed("decisions: no decision".to_owned()))?,
        threshold: word & ((1 << THRESHOLD_BITS) - 1),
        policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_arrive_as_they_were_sent() {
        let policies = [Some("errors"), None, Some("errors"), Some("slow")];
        let decisions = [0, 1, 2, 0].iter().zip(policies).zip(0..);
        let decisions: Vec<RememberedTrace> = decisions
            .map(|((decision, policy), number)| RememberedTrace {
                hash: KeyHash(u64::MAX - number),
                decision: Decision::ALL[*decision],
                threshold: number << 50 | 3,
                policy: policy.map(Arc::from),
            })
            .collect();
        let encoded = encode_decisions(&decisions);
        assert_eq!(decode_decisions(&encoded), Ok(decisions));
        assert_eq!(decode_decisions(&encode_decisions(&[])), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_list_of_decisions_is_refused() {
        let decision = RememberedTrace {
            hash: KeyHash(1),
            decision: Decision::Sampled,
            threshold: 0,
            policy: Some(Arc::from("errors")),
        };
        let encoded = encode_decisions(&[decision]);
        for cut in 0..encoded.len() {
            // What is left of the names alone is a list of none.
            let is_all_names = cut == encoded.len() - DECISION_BYTES;
            assert_eq!(
                decode_decisions(&encoded.slice(..cut)).is_ok(),
                is_all_names,
                "{cut}"
            );
        }
        let changed = |at: usize, to: u8| {
            let mut changed = encoded.to_vec();
            changed[at] = to;
            decode_decisions(&changed.into())
        };
        let (last, decision) = (encoded.len() - 1, encoded.len() - 3);
        assert!(changed(last, 9).is_err(), "no such name");
        assert!(changed(decision, 9).is_err(), "no such decision");
        assert!(changed(4, 0xff).is_err(), "no text");
    }
}
