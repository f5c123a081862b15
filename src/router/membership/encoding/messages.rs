//! The protobuf messages of gossip. Numbers of fields are for ever.

/// A record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RecordMessage {
    #[prost(string, tag = "1")]
    pub(super) replica: String,
    #[prost(uint64, tag = "2")]
    pub(super) incarnation: u64,
    #[prost(uint64, tag = "3")]
    pub(super) version: u64,
    #[prost(uint32, tag = "4")]
    pub(super) state: u32,
    #[prost(string, tag = "5")]
    pub(super) peer_address: String,
    #[prost(uint32, tag = "6")]
    pub(super) weight: u32,
    #[prost(uint32, tag = "7")]
    pub(super) shards: u32,
    #[prost(string, tag = "8")]
    pub(super) software_version: String,
    #[prost(fixed64, tag = "9")]
    pub(super) policy_hash: u64,
    #[prost(message, optional, tag = "10")]
    pub(super) holds: Option<Slots>,
    #[prost(message, repeated, tag = "11")]
    pub(super) targets: Vec<Target>,
    #[prost(message, repeated, tag = "12")]
    pub(super) claims: Vec<Claim>,
}

/// Slots that are given to one target.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Target {
    #[prost(string, tag = "1")]
    pub(super) replica: String,
    #[prost(message, optional, tag = "2")]
    pub(super) slots: Option<Slots>,
}

/// Slots that are claimed at one attempt.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Claim {
    #[prost(uint64, tag = "1")]
    pub(super) attempt: u64,
    #[prost(message, optional, tag = "2")]
    pub(super) slots: Option<Slots>,
}

/// A set of slots, by one of its fields: neither is the empty set.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Slots {
    /// How many slots are out, how many after them in, and so on; those after the last run are out.
    #[prost(uint32, repeated, tag = "1")]
    pub(super) runs: Vec<u32>,
    /// A bit a slot.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) bits: Vec<u8>,
}

/// A digest.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DigestMessage {
    #[prost(message, repeated, tag = "1")]
    pub(super) seen: Vec<Seen>,
    #[prost(message, repeated, tag = "2")]
    pub(super) dead: Vec<LifeMessage>,
    #[prost(message, repeated, tag = "3")]
    pub(super) votes: Vec<LifeMessage>,
    #[prost(message, repeated, tag = "4")]
    pub(super) answers: Vec<Answer>,
    #[prost(uint64, tag = "5")]
    pub(super) question: u64,
    #[prost(fixed64, tag = "6")]
    pub(super) table: u64,
    #[prost(uint64, tag = "7")]
    pub(super) load: u64,
}

/// The newest record seen of a replica.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Seen {
    #[prost(string, tag = "1")]
    pub(super) replica: String,
    #[prost(uint64, tag = "2")]
    pub(super) incarnation: u64,
    #[prost(uint64, tag = "3")]
    pub(super) version: u64,
}

/// A life of a replica.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LifeMessage {
    #[prost(string, tag = "1")]
    pub(super) replica: String,
    #[prost(uint64, tag = "2")]
    pub(super) incarnation: u64,
}

/// The highest question seen of a replica.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Answer {
    #[prost(string, tag = "1")]
    pub(super) replica: String,
    #[prost(uint64, tag = "2")]
    pub(super) question: u64,
}
