//! Records and digests as gossip carries them: protobuf in base64, since gossip carries text.
//!
//! A field that a later version adds is passed over by this one, and one that this version adds is empty in what an
//! earlier one sends, so that versions can run side by side during an upgrade; numbers are never used again.
//! A set of slots is written as runs or as bits, whichever is shorter: 600 bytes at most.

mod messages;
mod slots;

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use prost::Message;

use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::router::member::{Digest, MemberState, Record};
use messages::{Answer, Claim, DigestMessage, LifeMessage, RecordMessage, Seen, Target};

/// Longest text of a record or digest: what gossip carries in one piece, with room to spare. A record of 1,000 replicas'
/// targets is as long.
pub const TEXT_BYTES_MAX: usize = 48 << 10;

/// Why a text is no record or digest. Shown in logs only: nothing is decided by it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodingError {
    /// It is longer than [`TEXT_BYTES_MAX`].
    #[error("{0} bytes are too long for gossip")]
    TooLong(usize),
    /// It is no base64, or no protobuf.
    #[error("no protobuf in base64")]
    Garbled,
    /// A field has a value that it cannot have.
    #[error("{0} is not understood")]
    Field(&'static str),
}

/// The text of a record.
///
/// # Errors
/// It is too long.
pub fn encode_record(record: &Record) -> Result<String, EncodingError> {
    let message = RecordMessage {
        replica: record.life.replica.as_str().to_owned(),
        incarnation: record.life.incarnation.0,
        version: record.version,
        state: state_number(record.state),
        peer_address: record.peer_address.to_string(),
        weight: record.weight,
        shards: record.shards,
        software_version: record.software_version.clone(),
        policy_hash: record.policy_hash,
        holds: Some(slots::encode(&record.holds)),
        targets: record.targets.iter().map(target).collect(),
        claims: record.claims.iter().map(claim).collect(),
    };
    encode(&message)
}

/// The record in a text.
///
/// # Errors
/// It holds none, or one that this version does not understand.
pub fn decode_record(text: &str) -> Result<Record, EncodingError> {
    let message: RecordMessage = decode(text)?;
    let mut record = Record {
        life: Life {
            replica: replica(&message.replica)?,
            incarnation: Incarnation(message.incarnation),
        },
        version: message.version,
        state: state(message.state)?,
        peer_address: peer_address(&message.peer_address)?,
        weight: message.weight.max(1),
        shards: message.shards,
        software_version: message.software_version,
        policy_hash: message.policy_hash,
        holds: slots::decode(message.holds)?,
        targets: Default::default(),
        claims: Default::default(),
    };
    for target in message.targets {
        let slots = slots::decode(target.slots)?;
        record.targets.insert(replica(&target.replica)?, slots);
    }
    for claim in message.claims {
        let slots = slots::decode(claim.slots)?;
        record.claims.insert(claim.attempt, slots);
    }
    Ok(record)
}

/// The text of a digest.
///
/// # Errors
/// It is too long.
pub fn encode_digest(digest: &Digest) -> Result<String, EncodingError> {
    let seen = digest.seen.iter().map(|(id, (incarnation, version))| Seen {
        replica: id.as_str().to_owned(),
        incarnation: incarnation.0,
        version: *version,
    });
    let answers = digest.answers.iter().map(|(id, question)| Answer {
        replica: id.as_str().to_owned(),
        question: *question,
    });
    let message = DigestMessage {
        seen: seen.collect(),
        dead: digest.dead.iter().map(life).collect(),
        votes: digest.votes.iter().map(life).collect(),
        answers: answers.collect(),
        question: digest.question,
        table: digest.table,
        load: digest.load,
    };
    encode(&message)
}

/// The digest in a text.
///
/// # Errors
/// It holds none.
pub fn decode_digest(text: &str) -> Result<Digest, EncodingError> {
    let message: DigestMessage = decode(text)?;
    let mut digest = Digest {
        question: message.question,
        table: message.table,
        load: message.load,
        ..Digest::default()
    };
    for seen in message.seen {
        let newest = (Incarnation(seen.incarnation), seen.version);
        digest.seen.insert(replica(&seen.replica)?, newest);
    }
    for (from, to) in [
        (message.dead, &mut digest.dead),
        (message.votes, &mut digest.votes),
    ] {
        for life in from {
            to.insert(replica(&life.replica)?, Incarnation(life.incarnation));
        }
    }
    for answer in message.answers {
        let id = replica(&answer.replica)?;
        digest.answers.insert(id, answer.question);
    }
    Ok(digest)
}

fn encode(message: &impl Message) -> Result<String, EncodingError> {
    let text = STANDARD_NO_PAD.encode(message.encode_to_vec());
    if text.len() > TEXT_BYTES_MAX {
        return Err(EncodingError::TooLong(text.len()));
    }
    Ok(text)
}

fn decode<M: Message + Default>(text: &str) -> Result<M, EncodingError> {
    let bytes = STANDARD_NO_PAD
        .decode(text)
        .map_err(|_| EncodingError::Garbled)?;
    M::decode(bytes.as_slice()).map_err(|_| EncodingError::Garbled)
}

fn target((id, set): (&ReplicaId, &crate::batch::slot_set::SlotSet)) -> Target {
    Target {
        replica: id.as_str().to_owned(),
        slots: Some(slots::encode(set)),
    }
}

fn claim((attempt, set): (&u64, &crate::batch::slot_set::SlotSet)) -> Claim {
    Claim {
        attempt: *attempt,
        slots: Some(slots::encode(set)),
    }
}

fn life((id, incarnation): (&ReplicaId, &Incarnation)) -> LifeMessage {
    LifeMessage {
        replica: id.as_str().to_owned(),
        incarnation: incarnation.0,
    }
}

fn replica(text: &str) -> Result<ReplicaId, EncodingError> {
    ReplicaId::new(text).map_err(|_| EncodingError::Field("the ID of a replica"))
}

fn peer_address(text: &str) -> Result<SocketAddr, EncodingError> {
    let address = text.parse();
    address.map_err(|_| EncodingError::Field("the peer address"))
}

/// 0 is what a message has that does not say.
fn state_number(state: MemberState) -> u32 {
    match state {
        MemberState::Joining => 1,
        MemberState::Active => 2,
        MemberState::Leaving => 3,
        MemberState::Left => 4,
    }
}

fn state(number: u32) -> Result<MemberState, EncodingError> {
    let states = [
        MemberState::Joining,
        MemberState::Active,
        MemberState::Leaving,
        MemberState::Left,
    ];
    let found = states
        .into_iter()
        .find(|state| state_number(*state) == number);
    found.ok_or(EncodingError::Field("the state"))
}

#[cfg(test)]
mod tests;
