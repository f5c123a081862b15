//! What goes in comes out, later versions are understood, and nonsense is refused.

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::*;
use crate::batch::key::{SLOTS, Slot};
use crate::batch::slot_set::SlotSet;

fn id(number: u16) -> ReplicaId {
    ReplicaId::new(&format!("tailsieve-{number}")).unwrap()
}

fn set(slots: impl IntoIterator<Item = u16>) -> SlotSet {
    slots.into_iter().map(Slot).collect()
}

fn record() -> Record {
    Record {
        life: Life {
            replica: id(0),
            incarnation: Incarnation(1_700_000_000_000),
        },
        version: 7,
        state: MemberState::Active,
        peer_address: "10.0.0.1:4319".parse().unwrap(),
        weight: 2,
        shards: 8,
        software_version: "0.1.0".to_owned(),
        policy_hash: u64::MAX,
        holds: set(0..100),
        targets: [(id(1), set([5, 6])), (id(2), set([99]))].into(),
        claims: [(3, set(4_000..SLOTS))].into(),
    }
}

#[test]
fn a_record_comes_back_as_it_was() {
    for state in [
        MemberState::Joining,
        MemberState::Active,
        MemberState::Leaving,
        MemberState::Left,
    ] {
        let record = Record { state, ..record() };
        let text = encode_record(&record).unwrap();
        assert_eq!(decode_record(&text).unwrap(), record);
    }
}

#[test]
fn a_record_is_short_whatever_it_holds() {
    let length = |holds| {
        let bare = Record {
            holds,
            targets: Default::default(),
            claims: Default::default(),
            ..record()
        };
        encode_record(&bare).unwrap().len()
    };
    assert!(length(SlotSet::all()) < 110);
    assert!(length(SlotSet::default()) < 110);
    // A third of the slots, as a hash strews them; then a hundredth.
    let strewn = |share: u64| {
        set((0..SLOTS).filter(move |n| ((u64::from(*n) * 2_654_435_761) >> 7) % share == 0))
    };
    assert!(length(strewn(3)) < 800);
    assert!(length(strewn(100)) < 260);
}

proptest! {
    #[test]
    fn every_set_of_slots_comes_back(slots in btree_set(0..SLOTS, 0..2_000)) {
        let slots = set(slots);
        let message = slots::encode(&slots);
        prop_assert!(message.encoded_len() <= SlotSet::BYTES + 8);
        prop_assert_eq!(slots::decode(Some(message)).unwrap(), slots);
    }

    #[test]
    fn every_digest_comes_back(
        seen in btree_map(0_u16..500, (any::<u64>(), any::<u64>()), 0..50),
        dead in btree_map(0_u16..500, any::<u64>(), 0..50),
        question in any::<u64>(),
    ) {
        let lives = dead.iter().map(|(n, i)| (id(*n), Incarnation(*i)));
        let digest = Digest {
            seen: seen.iter().map(|(n, (i, v))| (id(*n), (Incarnation(*i), *v))).collect(),
            dead: lives.clone().collect(),
            votes: lives.take(1).collect(),
            answers: dead.iter().map(|(n, i)| (id(*n), *i)).collect(),
            question,
            table: question.rotate_left(7),
            load: question >> 3,
        };
        let text = encode_digest(&digest).unwrap();
        prop_assert_eq!(decode_digest(&text).unwrap(), digest);
    }

    #[test]
    fn no_text_brings_it_down(text in "[A-Za-z0-9+/]{0,200}") {
        let _whatever = (decode_record(&text), decode_digest(&text));
    }
}

/// A record with fields that this version does not know.
fn of_a_later_version() -> String {
    let mut bytes = STANDARD_NO_PAD
        .decode(encode_record(&record()).unwrap())
        .unwrap();
    // Field 200, a string; field 201, a number.
    bytes.extend([0xc2, 0x0c, 3, b'n', b'e', b'w', 0xc8, 0x0c, 5]);
    STANDARD_NO_PAD.encode(bytes)
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    assert_eq!(decode_record(&of_a_later_version()).unwrap(), record());
}

#[test]
fn what_is_not_understood_is_told() {
    let refused = |message: &RecordMessage| decode_record(&encode(message).unwrap()).unwrap_err();
    let good = RecordMessage {
        replica: "a".to_owned(),
        peer_address: "10.0.0.1:1".to_owned(),
        state: 2,
        ..RecordMessage::default()
    };
    assert!(decode_record(&encode(&good).unwrap()).is_ok());
    let mut bad = good.clone();
    bad.state = 9;
    assert_eq!(refused(&bad), EncodingError::Field("the state"));
    let mut bad = good.clone();
    bad.replica = "a b".to_owned();
    assert_eq!(refused(&bad), EncodingError::Field("the ID of a replica"));
    let mut bad = good.clone();
    bad.peer_address = "nowhere".to_owned();
    assert_eq!(refused(&bad), EncodingError::Field("the peer address"));
    for (runs, bits) in [
        (vec![4_000, 97], vec![]),
        (vec![70_000], vec![]),
        (vec![], vec![1]),
    ] {
        let mut bad = good.clone();
        bad.holds = Some(messages::Slots { runs, bits });
        assert_eq!(refused(&bad), EncodingError::Field("a set of slots"));
    }
    assert_eq!(decode_record("?"), Err(EncodingError::Garbled));
}

#[test]
fn what_gossip_cannot_carry_is_not_written() {
    let mut record = record();
    record.software_version = "x".repeat(TEXT_BYTES_MAX);
    let error = encode_record(&record).unwrap_err();
    assert!(matches!(error, EncodingError::TooLong(_)));
}
