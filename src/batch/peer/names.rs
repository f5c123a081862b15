//! Names of batches that a replica has applied, as they go with the slots that it releases (rule 6).

use bytes::Bytes;
use prost::Message as _;

use super::Malformed;
use super::wire::{NameMessage, required};
use crate::batch::key::KeyHash;
use crate::batch::replica::BatchName;

/// A name, and the traces whose spans were taken under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedBatch {
    /// What the batch is called.
    pub name: BatchName,
    /// The keys of the traces.
    pub traces: Vec<KeyHash>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct NamesMessage {
    #[prost(message, repeated, tag = "1")]
    batches: Vec<AppliedMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AppliedMessage {
    #[prost(message, optional, tag = "1")]
    name: Option<NameMessage>,
    #[prost(fixed64, repeated, tag = "2")]
    traces: Vec<u64>,
}

/// Encodes names.
#[must_use]
pub fn encode_names(batches: &[AppliedBatch]) -> Bytes {
    let batches = batches.iter().map(|batch| AppliedMessage {
        name: Some((&batch.name).into()),
        traces: batch.traces.iter().map(|trace| trace.0).collect(),
    });
    let message = NamesMessage {
        batches: batches.collect(),
    };
    message.encode_to_vec().into()
}

/// Reads names.
///
/// # Errors
/// [`Malformed`].
pub fn decode_names(encoded: Bytes) -> Result<Vec<AppliedBatch>, Malformed> {
    let message =
        NamesMessage::decode(encoded).map_err(|error| Malformed(format!("names: {error}")))?;
    let batches = message.batches.into_iter().map(|batch| {
        Ok(AppliedBatch {
            name: required(batch.name, "name")?.read("name")?,
            traces: batch.traces.into_iter().map(KeyHash).collect(),
        })
    });
    batches.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::replica::{Incarnation, Life, ReplicaId};

    #[test]
    fn names_arrive_as_they_were_sent() {
        let batches = [1, 2].map(|sequence| AppliedBatch {
            name: BatchName {
                sender: Life {
                    replica: ReplicaId::new("a").unwrap(),
                    incarnation: Incarnation(7),
                },
                stream: 3,
                sequence,
            },
            traces: vec![KeyHash(u64::MAX), KeyHash(sequence)],
        });
        assert_eq!(decode_names(encode_names(&batches)), Ok(batches.to_vec()));
        assert!(decode_names(Bytes::from_static(b"\x0a\x00")).is_err());
        assert!(decode_names(Bytes::from_static(b"\xff")).is_err());
    }
}
