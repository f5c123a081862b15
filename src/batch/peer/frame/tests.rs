//! Frames are read as they were written, and nothing that arrives is more than an error.

use bytes::{BufMut, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::batch::peer::MESSAGE_BYTES_MAX;
use crate::batch::peer::message::{MessageReader, Pieces};
use crate::batch::replica::{Incarnation, ReplicaId};

fn lives() -> impl Strategy<Value = Life> {
    ("[a-z0-9.-]{1,12}", any::<u64>()).prop_map(|(replica, incarnation)| Life {
        replica: ReplicaId::new(&replica).unwrap(),
        incarnation: Incarnation(incarnation),
    })
}

fn names() -> impl Strategy<Value = BatchName> {
    (lives(), any::<u32>(), any::<u64>()).prop_map(|(sender, stream, sequence)| BatchName {
        sender,
        stream,
        sequence,
    })
}

fn traces() -> impl Strategy<Value = HandedOverTrace> {
    (1_u8.., any::<u64>(), any::<u64>(), vec(names(), 0..3)).prop_map(
        |(id, age_ms, remaining_ms, names)| HandedOverTrace {
            trace_id: TraceId([id; 16]),
            age_ms,
            remaining_ms,
            names,
        },
    )
}

fn kinds() -> impl Strategy<Value = FrameKind> {
    prop_oneof![
        Just(FrameKind::Spans),
        vec(traces(), 0..4).prop_map(FrameKind::HandedOver)
    ]
}

fn marks() -> impl Strategy<Value = Mark> {
    (lives(), any::<u64>(), lives()).prop_map(|(giver, number, target)| Mark {
        of: MoveId { giver, number },
        target,
    })
}

fn headers() -> impl Strategy<Value = FrameHeader> {
    let metadata = vec(("[a-z]{1,5}", ".{0,5}"), 0..3);
    let stream_marks = vec((any::<u32>(), any::<u64>()), 0..3);
    (
        (
            names(),
            any::<u64>(),
            stream_marks,
            lives(),
            vec(lives(), 0..3),
        ),
        (
            option::of(marks()),
            vec(names(), 0..3),
            option::of(metadata),
            kinds(),
        ),
    )
        .prop_map(|(first, second)| {
            let (name, low_water, marks, addressee, path) = first;
            let (mark, first_names, metadata, kind) = second;
            let marks = marks
                .into_iter()
                .map(|(stream, low_water)| StreamMark { stream, low_water });
            FrameHeader {
                name,
                low_water,
                marks: marks.collect(),
                addressee,
                path,
                mark,
                first_names,
                metadata: metadata.map(|pairs| Arc::new(RequestMetadata(pairs))),
                kind,
            }
        })
}

fn arrived(encoded: &Encoded, part: usize) -> Pieces {
    let mut reader = MessageReader::new(MESSAGE_BYTES_MAX);
    for piece in [&encoded.head, &encoded.payload] {
        for part in piece.chunks(part) {
            reader.push(piece.slice_ref(part));
        }
    }
    reader.take().unwrap().unwrap()
}

proptest! {
    #[test]
    fn a_frame_is_read_as_it_was_written(
        header in headers(),
        ticket in any::<u64>(),
        payload in vec(0_u8..4, 0..3_000),
        compressed in any::<bool>(),
        part in 1_usize..4_000,
    ) {
        let payload = Bytes::from(payload);
        let sent = if compressed {
            Payload::compressed(payload.clone())
        } else {
            Payload::plain(payload.clone())
        };
        let mut arrived = arrived(&header.encode(ticket, &sent).unwrap(), part);
        prop_assert_eq!(read_ticket(&mut arrived).unwrap(), ticket);
        let received = Received::decode(arrived).unwrap();
        prop_assert_eq!(received.inflate().unwrap(), Frame { header, payload });
    }

    #[test]
    fn arbitrary_bytes_are_a_frame_or_an_error(bytes in vec(any::<u8>(), 0..300)) {
        let _ticket = read_ticket(&mut Pieces::from(Bytes::from(bytes.clone())));
        let received = Received::decode(Pieces::from(Bytes::from(bytes)));
        let _either = received.and_then(Received::inflate);
    }

    #[test]
    fn a_frame_with_a_byte_changed_is_a_frame_or_an_error(
        header in headers(),
        payload in vec(0_u8..4, 0..100),
        at in any::<proptest::sample::Index>(),
        changed in any::<u8>(),
    ) {
        let encoded = header.encode(7, &Payload::compressed(payload.into())).unwrap();
        let mut bytes = BytesMut::from(&encoded.head[5..]);
        bytes.put_slice(&encoded.payload);
        let at = at.index(bytes.len());
        bytes[at] = changed;
        let mut pieces = Pieces::from(bytes.freeze());
        if read_ticket(&mut pieces).is_ok() {
            let _either = Received::decode(pieces).and_then(Received::inflate);
        }
    }
}

fn header() -> FrameHeader {
    let life = Life {
        replica: ReplicaId::new("a").unwrap(),
        incarnation: Incarnation(1),
    };
    FrameHeader {
        name: BatchName {
            sender: life.clone(),
            stream: 0,
            sequence: 1,
        },
        low_water: 1,
        marks: Vec::new(),
        addressee: life,
        path: Vec::new(),
        mark: None,
        first_names: Vec::new(),
        metadata: None,
        kind: FrameKind::Spans,
    }
}

#[test]
fn a_payload_in_one_piece_is_not_copied() {
    let payload = Bytes::from(vec![1; 1_000]);
    let encoded = header()
        .encode(1, &Payload::plain(payload.clone()))
        .unwrap();
    let mut arrived = arrived(&encoded, usize::MAX);
    read_ticket(&mut arrived).unwrap();
    let frame = Received::decode(arrived).unwrap().inflate().unwrap();
    assert_eq!(frame.payload.as_ptr(), payload.as_ptr());
}

#[test]
fn fields_that_a_later_minor_version_adds_are_passed_over() {
    let encoded = header().encode(9, &Payload::plain(Bytes::new())).unwrap();
    let mut bytes = BytesMut::from(&encoded.head[5..]);
    // Fields 15 of each type, behind everything.
    bytes.put_slice(&[15 << 3, 7, 15 << 3 | 2, 1, 0, 15 << 3 | 5, 0, 0, 0, 0]);
    bytes.put_slice(&[15 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut pieces = Pieces::from(bytes.freeze());
    assert_eq!(read_ticket(&mut pieces), Ok(9));
    assert_eq!(Received::decode(pieces).unwrap().header(), &header());
}

#[test]
fn a_block_that_would_inflate_beyond_the_limit_is_refused_before_it_is_inflated() {
    let payload = Payload {
        bytes: Bytes::from_static(b"short"),
        compressed_from: Some(u64::MAX),
    };
    let mut arrived = arrived(&header().encode(1, &payload).unwrap(), 100);
    read_ticket(&mut arrived).unwrap();
    let error = Received::decode(arrived).unwrap_err();
    assert!(error.0.contains("inflate"), "{error}");
}
