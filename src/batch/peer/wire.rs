//! The protobuf messages of the peer port. Field numbers are for ever; a field that goes leaves its number unused.

use std::sync::Arc;

use super::super::metadata::RequestMetadata;
use super::super::replica::{BatchName, Incarnation, Life, MoveId, ReplicaId};
use super::Malformed;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LifeMessage {
    #[prost(string, tag = "1")]
    pub(super) replica: String,
    #[prost(uint64, tag = "2")]
    pub(super) incarnation: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NameMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) sender: Option<LifeMessage>,
    #[prost(uint32, tag = "2")]
    pub(super) stream: u32,
    #[prost(uint64, tag = "3")]
    pub(super) sequence: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MarkMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) giver: Option<LifeMessage>,
    #[prost(uint64, tag = "2")]
    pub(super) number: u64,
    #[prost(message, optional, tag = "3")]
    pub(super) target: Option<LifeMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PairMessage {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MetadataMessage {
    #[prost(message, repeated, tag = "1")]
    pub(super) pairs: Vec<PairMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TraceMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) trace_id: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(super) age_ms: u64,
    #[prost(uint64, tag = "3")]
    pub(super) remaining_ms: u64,
    #[prost(message, repeated, tag = "4")]
    pub(super) names: Vec<NameMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StreamMarkMessage {
    #[prost(uint32, tag = "1")]
    pub(super) stream: u32,
    #[prost(uint64, tag = "2")]
    pub(super) low_water: u64,
}

/// Of a frame, all but its payload.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HeaderMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) name: Option<NameMessage>,
    #[prost(uint64, tag = "2")]
    pub(super) low_water: u64,
    #[prost(message, optional, tag = "3")]
    pub(super) addressee: Option<LifeMessage>,
    #[prost(message, repeated, tag = "4")]
    pub(super) path: Vec<LifeMessage>,
    #[prost(message, optional, tag = "5")]
    pub(super) mark: Option<MarkMessage>,
    #[prost(message, repeated, tag = "6")]
    pub(super) first_names: Vec<NameMessage>,
    #[prost(message, optional, tag = "7")]
    pub(super) metadata: Option<MetadataMessage>,
    /// 0: spans; 1: handed-over traces.
    #[prost(uint32, tag = "8")]
    pub(super) kind: u32,
    #[prost(message, repeated, tag = "9")]
    pub(super) traces: Vec<TraceMessage>,
    #[prost(message, repeated, tag = "10")]
    pub(super) marks: Vec<StreamMarkMessage>,
    /// 0: none; 1: an lz4 block.
    #[prost(uint32, tag = "11")]
    pub(super) compression: u32,
    #[prost(uint64, tag = "12")]
    pub(super) uncompressed_bytes: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AnswerMessage {
    #[prost(uint64, tag = "1")]
    pub(super) ticket: u64,
    /// 0: applied; 1: partly refused; 2: overloaded; 3: not the addressee; 4: malformed.
    #[prost(uint32, tag = "2")]
    pub(super) outcome: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) slots: Vec<u8>,
    #[prost(uint64, tag = "4")]
    pub(super) retry_after_ms: u64,
    #[prost(string, tag = "5")]
    pub(super) problem: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HelloMessage {
    #[prost(string, tag = "1")]
    pub(super) cluster: String,
    #[prost(uint32, tag = "2")]
    pub(super) protocol_major: u32,
    #[prost(uint32, tag = "3")]
    pub(super) protocol_minor: u32,
    #[prost(message, optional, tag = "4")]
    pub(super) life: Option<LifeMessage>,
    #[prost(bytes = "vec", tag = "5")]
    pub(super) nonce: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProofMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) proof: Vec<u8>,
}

impl From<&Life> for LifeMessage {
    fn from(life: &Life) -> Self {
        Self {
            replica: life.replica.as_str().to_owned(),
            incarnation: life.incarnation.0,
        }
    }
}

impl From<&BatchName> for NameMessage {
    fn from(name: &BatchName) -> Self {
        Self {
            sender: Some((&name.sender).into()),
            stream: name.stream,
            sequence: name.sequence,
        }
    }
}

impl From<&RequestMetadata> for MetadataMessage {
    fn from(metadata: &RequestMetadata) -> Self {
        let pairs = metadata.0.iter().map(|(name, value)| PairMessage {
            name: name.clone(),
            value: value.clone(),
        });
        Self {
            pairs: pairs.collect(),
        }
    }
}

impl MetadataMessage {
    pub(super) fn into_metadata(self) -> Arc<RequestMetadata> {
        let pairs = self.pairs.into_iter().map(|pair| (pair.name, pair.value));
        Arc::new(RequestMetadata(pairs.collect()))
    }
}

impl LifeMessage {
    pub(super) fn read(self, field: &str) -> Result<Life, Malformed> {
        let replica = ReplicaId::new(&self.replica)
            .map_err(|problem| Malformed(format!("{field}: {problem}")))?;
        Ok(Life {
            replica,
            incarnation: Incarnation(self.incarnation),
        })
    }
}

impl NameMessage {
    pub(super) fn read(self, field: &str) -> Result<BatchName, Malformed> {
        Ok(BatchName {
            sender: required(self.sender, field)?.read(field)?,
            stream: self.stream,
            sequence: self.sequence,
        })
    }
}

impl MarkMessage {
    pub(super) fn read_move(&self) -> Result<MoveId, Malformed> {
        Ok(MoveId {
            giver: required(self.giver.clone(), "mark")?.read("mark")?,
            number: self.number,
        })
    }
}

/// A field that this version cannot do without.
pub(super) fn required<T>(value: Option<T>, field: &str) -> Result<T, Malformed> {
    value.ok_or_else(|| Malformed(format!("{field} is missing")))
}
