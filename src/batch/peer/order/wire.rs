//! Orders as protobuf. Field numbers are for ever; a field that goes leaves its number unused.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::{AskPromise, ChunkAck, Decisions, Order, Promise, Release, ReleaseAck};
use crate::batch::peer::Malformed;
use crate::batch::peer::wire::{LifeMessage, required};
use crate::batch::replica::{Incarnation, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// An order, and the incarnation that it is for. What an order of its kind does not have stays empty.
#[derive(Clone, PartialEq, prost::Message)]
struct OrderMessage {
    #[prost(uint64, tag = "1")]
    to: u64,
    /// As in the match below, from 1.
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(message, optional, tag = "3")]
    giver: Option<LifeMessage>,
    /// Of the move, the traces or the claim.
    #[prost(uint64, tag = "4")]
    number: u64,
    #[prost(uint32, tag = "5")]
    parcel: u32,
    #[prost(uint32, tag = "6")]
    chunk: u32,
    /// One set, or three of a promise: given, wait, refused; or two of a claim: all, orphaned.
    #[prost(bytes = "vec", repeated, tag = "7")]
    slots: Vec<Vec<u8>>,
    #[prost(bytes = "bytes", tag = "8")]
    entries: Bytes,
    #[prost(uint64, tag = "9")]
    version: u64,
    #[prost(message, repeated, tag = "10")]
    dead: Vec<LifeMessage>,
    /// Of the move, where `number` is another one's.
    #[prost(uint64, tag = "11")]
    move_number: u64,
}

impl Order {
    /// The encoding of this order to the life `to` of its addressee.
    #[must_use]
    pub fn encode(&self, to: Incarnation) -> Bytes {
        let mut message = OrderMessage {
            to: to.0,
            ..OrderMessage::default()
        };
        self.write(&mut message);
        message.encode_to_vec().into()
    }

    /// Reads an order, and the incarnation that it is for.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(encoded: Bytes) -> Result<(Incarnation, Self), Malformed> {
        let message =
            OrderMessage::decode(encoded).map_err(|error| Malformed(format!("order: {error}")))?;
        Ok((Incarnation(message.to), message.read()?))
    }

    fn write(&self, message: &mut OrderMessage) {
        match self {
            Self::Decisions(decisions) => {
                message.kind = 1;
                message.set_move(&decisions.id);
                message.parcel = decisions.parcel;
                message.chunk = decisions.chunk;
                message.slots = sets([&decisions.slots]);
                message.entries = decisions.entries.clone();
            }
            Self::DecisionsAck(ack) => {
                message.kind = 2;
                message.set_move(&ack.id);
                message.parcel = ack.parcel;
                message.chunk = ack.chunk;
            }
            Self::Release(release) => {
                message.kind = 3;
                message.set_move(&release.id);
                message.parcel = release.parcel;
                message.slots = sets([&release.slots]);
                message.entries = release.names.clone();
            }
            Self::ReleaseAck(ack) => {
                message.kind = 4;
                message.set_move(&ack.id);
                message.parcel = ack.parcel;
                message.slots = sets([&ack.slots]);
            }
            Self::AskPromise(ask) => {
                message.kind = 5;
                message.number = ask.attempt;
                message.version = ask.version;
                message.slots = sets([&ask.slots, &ask.orphaned]);
                message.dead = ask.dead.iter().map(dead_message).collect();
            }
            Self::Promise(promise) => {
                message.kind = 6;
                message.number = promise.attempt;
                message.slots = sets([&promise.given, &promise.wait, &promise.refused]);
            }
        }
    }
}

impl OrderMessage {
    fn set_move(&mut self, id: &MoveId) {
        self.giver = Some((&id.giver).into());
        self.move_number = id.number;
    }

    fn id(&self) -> Result<MoveId, Malformed> {
        Ok(MoveId {
            giver: required(self.giver.clone(), "giver")?.read("giver")?,
            number: self.move_number,
        })
    }

    fn set(&self, index: usize) -> Result<SlotSet, Malformed> {
        self.slots
            .get(index)
            .and_then(|bytes| SlotSet::from_bytes(bytes))
            .ok_or_else(|| Malformed(format!("order: slots {index}: no set of slots")))
    }

    fn read(self) -> Result<Order, Malformed> {
        let (parcel, chunk, number) = (self.parcel, self.chunk, self.number);
        Ok(match self.kind {
            1 => Order::Decisions(Decisions {
                id: self.id()?,
                parcel,
                chunk,
                slots: self.set(0)?,
                entries: self.entries,
            }),
            2 => Order::DecisionsAck(ChunkAck {
                id: self.id()?,
                parcel,
                chunk,
            }),
            3 => Order::Release(Release {
                id: self.id()?,
                parcel,
                slots: self.set(0)?,
                names: self.entries,
            }),
            4 => Order::ReleaseAck(ReleaseAck {
                id: self.id()?,
                parcel,
                slots: self.set(0)?,
            }),
            5 => Order::AskPromise(AskPromise {
                attempt: number,
                version: self.version,
                slots: self.set(0)?,
                orphaned: self.set(1)?,
                dead: deaths(self.dead)?,
            }),
            6 => Order::Promise(Promise {
                attempt: number,
                given: self.set(0)?,
                wait: self.set(1)?,
                refused: self.set(2)?,
            }),
            kind => return Err(Malformed(format!("order: kind {kind} is not known"))),
        })
    }
}

fn sets<const N: usize>(sets: [&SlotSet; N]) -> Vec<Vec<u8>> {
    sets.into_iter()
        .map(|set| set.to_bytes().to_vec())
        .collect()
}

fn dead_message((replica, incarnation): (&ReplicaId, &Incarnation)) -> LifeMessage {
    LifeMessage {
        replica: replica.as_str().to_owned(),
        incarnation: incarnation.0,
    }
}

fn deaths(messages: Vec<LifeMessage>) -> Result<BTreeMap<ReplicaId, Incarnation>, Malformed> {
    let deaths = messages.into_iter().map(|message| {
        let life = message.read("dead")?;
        Ok((life.replica, life.incarnation))
    });
    deaths.collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::batch::key::Slot;
    use crate::batch::replica::Life;

    fn id() -> MoveId {
        MoveId {
            giver: Life {
                replica: ReplicaId::new("a").unwrap(),
                incarnation: Incarnation(3),
            },
            number: 9,
        }
    }

    fn slots(first: u16) -> SlotSet {
        [Slot(first), Slot(4095)].into_iter().collect()
    }

    fn orders() -> Vec<Order> {
        let (id, parcel, chunk) = (id(), 2, 3);
        let entries = Bytes::from_static(b"entries");
        vec![
            Order::Decisions(Decisions {
                id: id.clone(),
                parcel,
                chunk,
                slots: slots(1),
                entries: entries.clone(),
            }),
            Order::DecisionsAck(ChunkAck {
                id: id.clone(),
                parcel,
                chunk,
            }),
            Order::Release(Release {
                id: id.clone(),
                parcel,
                slots: slots(3),
                names: entries,
            }),
            Order::ReleaseAck(ReleaseAck {
                id,
                parcel,
                slots: slots(4),
            }),
            Order::AskPromise(AskPromise {
                attempt: 5,
                version: 6,
                slots: slots(5),
                orphaned: slots(6),
                dead: [(ReplicaId::new("b").unwrap(), Incarnation(7))].into(),
            }),
            Order::Promise(Promise {
                attempt: 5,
                given: slots(7),
                wait: slots(8),
                refused: slots(9),
            }),
        ]
    }

    #[test]
    fn every_order_arrives_as_it_was_sent() {
        for order in orders() {
            let encoded = order.encode(Incarnation(8));
            assert_eq!(Order::decode(encoded), Ok((Incarnation(8), order)));
        }
    }

    #[test]
    fn what_is_no_order_is_told_as_such() {
        let unknown = OrderMessage {
            kind: 99,
            ..OrderMessage::default()
        };
        let told = Order::decode(unknown.encode_to_vec().into()).unwrap_err();
        assert_eq!(told.to_string(), "order: kind 99 is not known");
        let without_slots = OrderMessage {
            kind: 6,
            ..OrderMessage::default()
        };
        assert!(Order::decode(without_slots.encode_to_vec().into()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = Order::decode(bytes.into());
        }
    }
}
