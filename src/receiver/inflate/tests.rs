//! Bodies good, bad and hostile, through both decoders.

use std::io::Write;

use super::*;
use crate::memory::Budget;

const MIB: usize = 1 << 20;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    ::zstd::bulk::compress(body, 3).unwrap()
}

/// A frame that does not announce its length.
fn zstd_streamed(body: &[u8]) -> Vec<u8> {
    ::zstd::stream::encode_all(body, 3).unwrap()
}

/// Of 32 symbols without a pattern, so that it is compressed at an ordinary ratio.
fn body(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state & 0x1f) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn admission(memory_bytes: usize) -> (Admission, Budget) {
    let memory = Budget::new(memory_bytes as u64);
    (Admission::new(1 << 40, memory.clone()), memory)
}

fn run(compression: Compression, sent: &[u8], bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let (admission, memory) = admission(1 << 30);
    let result = inflate(compression, sent, bytes_max, &admission);
    let result = result.map(|(out, held)| {
        assert_eq!(memory.used_bytes(), out.capacity() as u64);
        drop(held);
        out
    });
    assert_eq!(memory.used_bytes(), 0);
    result
}

fn undecodable(compression: Compression, sent: &[u8]) -> String {
    match run(compression, sent, 64 * MIB) {
        Err(Failure::Undecodable(why)) => why,
        other => panic!("expected undecodable, got {other:?}"),
    }
}

#[test]
fn what_was_compressed_comes_back_at_any_size() {
    for bytes in [0, 1, 100, 48_500, 3 * MIB + 7] {
        let body = body(bytes);
        let both = [
            (Compression::Gzip, gzip(&body)),
            (Compression::Zstd, zstd(&body)),
            (Compression::Zstd, zstd_streamed(&body)),
        ];
        for (compression, sent) in both {
            assert_eq!(run(compression, &sent, 64 * MIB).unwrap(), body, "{bytes}");
        }
    }
}

#[test]
fn an_ordinary_request_is_inflated_into_one_allocation_of_its_size() {
    let body = body(48_500);
    let inflated = run(Compression::Gzip, &gzip(&body), 64 * MIB).unwrap();
    assert_eq!(inflated.capacity(), body.len());
}

#[test]
fn members_and_frames_may_follow_each_other() {
    let (first, second) = (body(10_000), body(70_000));
    let joined = [first.clone(), second.clone()].concat();
    let members = [gzip(&first), gzip(b""), gzip(&second)].concat();
    assert_eq!(run(Compression::Gzip, &members, 64 * MIB).unwrap(), joined);
    let frames = [zstd(&first), zstd_streamed(b""), zstd(&second)].concat();
    assert_eq!(run(Compression::Zstd, &frames, 64 * MIB).unwrap(), joined);
}

#[test]
fn gzip_headers_may_have_every_optional_field() {
    let mut builder = flate2::GzBuilder::new()
        .extra(vec![1, 2, 3])
        .filename("a")
        .comment("b")
        .write(Vec::new(), flate2::Compression::fast());
    builder.write_all(b"hello").unwrap();
    let sent = builder.finish().unwrap();
    assert_eq!(run(Compression::Gzip, &sent, MIB).unwrap(), b"hello");
    for length in 0..sent.len() {
        undecodable(Compression::Gzip, &sent[..length]);
    }
}

#[test]
fn a_body_of_exactly_the_limit_passes_and_one_byte_more_is_too_large() {
    let body = body(50_000);
    for (compression, sent) in [
        (Compression::Gzip, gzip(&body)),
        (Compression::Zstd, zstd(&body)),
        (Compression::Zstd, zstd_streamed(&body)),
    ] {
        assert_eq!(run(compression, &sent, 50_000).unwrap(), body);
        assert!(matches!(
            run(compression, &sent, 49_999),
            Err(Failure::TooLarge { limit: 49_999, .. })
        ));
    }
}

#[test]
fn a_bomb_stops_at_the_limit_and_never_takes_more_than_it() {
    let zeros = vec![0; 256 * MIB];
    for (compression, bomb) in [
        (Compression::Gzip, gzip(&zeros)),
        (Compression::Zstd, zstd(&zeros)),
        (Compression::Zstd, zstd_streamed(&zeros)),
    ] {
        // A reservation beyond the budget would be refused as overload.
        let (admission, memory) = admission(MIB + 1);
        let failure = inflate(compression, &bomb, MIB, &admission).unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { .. }), "{failure}");
        assert_eq!(memory.used_bytes(), 0);
    }
}

#[test]
fn without_room_for_the_output_it_is_overload() {
    let (admission, memory) = admission(10_000);
    let failure = inflate(Compression::Gzip, &gzip(&body(50_000)), MIB, &admission).unwrap_err();
    assert!(matches!(failure, Failure::Overloaded(_)));
    assert_eq!(memory.used_bytes(), 0);
}

#[test]
fn every_truncation_is_undecodable_at_its_end() {
    let body = body(3_000);
    for (compression, sent) in [
        (Compression::Gzip, gzip(&body)),
        (Compression::Zstd, zstd(&body)),
    ] {
        for length in 0..sent.len() {
            let why = undecodable(compression, &sent[..length]);
            assert!(
                why.contains(&format!("at byte {length} of {length}")),
                "{why}"
            );
        }
    }
}

#[test]
fn garbage_is_undecodable_and_says_where_it_begins() {
    let mut trailing = gzip(b"hello");
    let end = trailing.len();
    trailing.extend_from_slice(b"more");
    assert_eq!(
        undecodable(Compression::Gzip, &trailing),
        format!("gzip body: no gzip header at byte {end} of {}", end + 4)
    );
    assert!(undecodable(Compression::Gzip, b"plain text").contains("at byte 0"));
    assert!(undecodable(Compression::Zstd, b"plain text").contains("at byte 0"));
    let mut trailing = zstd(b"hello");
    let end = trailing.len();
    trailing.extend_from_slice(b"more");
    assert!(undecodable(Compression::Zstd, &trailing).contains(&format!("at byte {end}")));
}

#[test]
fn a_checksum_or_length_that_does_not_match_is_undecodable() {
    let good = gzip(&body(1_000));
    for (offset, what) in [(8, "checksum"), (4, "length")] {
        let mut bad = good.clone();
        let at = bad.len() - offset;
        bad[at] ^= 1;
        let why = undecodable(Compression::Gzip, &bad);
        assert!(
            why.contains(what) && why.contains(&format!("byte {at}")),
            "{why}"
        );
    }
}

#[test]
fn an_announced_length_of_nothing_does_not_stop_the_inflating() {
    let mut lying = gzip(&body(1_000));
    let at = lying.len() - 4;
    lying[at..].fill(0);
    assert!(undecodable(Compression::Gzip, &lying).contains("the length does not match"));
}

#[test]
fn a_zstd_window_beyond_eight_mebibytes_is_refused() {
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&body(100)).unwrap();
    let sent = encoder.finish().unwrap();
    assert!(undecodable(Compression::Zstd, &sent).contains("memory"));
}
