//! Gzip (RFC 1952): headers and checksums here, the deflate stream by zlib-rs.
//!
//! Members may follow each other; anything else after the last one is an error, as is a missing trailer.

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::{Corrupt, Stop};

/// Where the decoder is: between two calls it is within the member that did not fit.
pub(super) struct Gunzip {
    at: usize,
    members: usize,
    is_within_member: bool,
    /// Of one member after the other: a body may have millions, and fresh state for each costs more than its bytes.
    member: Member,
}

struct Member {
    inflate: Decompress,
    checksum: Hasher,
    bytes: u32,
}

const MAGIC_AND_METHOD: [u8; 3] = [0x1f, 0x8b, 8];
const HEADER_BYTES: usize = 10;
const TRAILER_BYTES: usize = 8;

/// The flags that add fields to a header, and those that RFC 1952 reserves.
const FLAG_HEADER_CHECKSUM: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

/// The length that the last member's trailer gives: that of the whole if it is the only one.
pub(super) fn announced_bytes(sent: &[u8]) -> Option<usize> {
    let length = sent.last_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

impl Gunzip {
    pub(super) fn run(&mut self, sent: &[u8], out: &mut Vec<u8>) -> Result<Stop, Corrupt> {
        loop {
            if !self.is_within_member {
                let rest = sent.get(self.at..).unwrap_or_default();
                if rest.is_empty() && self.members > 0 {
                    return Ok(Stop::Done);
                }
                self.at += header_bytes(rest, self.at)?;
                self.member.begin();
                self.members += 1;
                self.is_within_member = true;
            }
            if !self.inflate(sent, out)? {
                return Ok(Stop::Full);
            }
            self.check_trailer(sent)?;
            self.is_within_member = false;
        }
    }

    /// Goes on with a member; says whether it is complete.
    fn inflate(&mut self, sent: &[u8], out: &mut Vec<u8>) -> Result<bool, Corrupt> {
        let member = &mut self.member;
        let rest = sent.get(self.at..).unwrap_or_default();
        let taken_before = member.inflate.total_in();
        let length_before = out.len();
        let result = member
            .inflate
            .decompress_vec(rest, out, FlushDecompress::None);
        let taken = member.inflate.total_in() - taken_before;
        self.at += usize::try_from(taken).unwrap_or(usize::MAX);
        let status = result.map_err(|_| Corrupt {
            at: self.at,
            why: "no deflate data",
        })?;
        let fresh = out.get(length_before..).unwrap_or_default();
        member.checksum.update(fresh);
        // RFC 1952 counts modulo 2^32.
        member.bytes = member.bytes.wrapping_add(fresh.len() as u32);
        if status == Status::StreamEnd {
            return Ok(true);
        }
        if out.len() < out.capacity() {
            return Err(Corrupt {
                at: sent.len(),
                why: "the deflate data ends early",
            });
        }
        Ok(false)
    }

    fn check_trailer(&mut self, sent: &[u8]) -> Result<(), Corrupt> {
        let member = &self.member;
        let rest = sent.get(self.at..).unwrap_or_default();
        let Some(trailer) = rest.first_chunk::<TRAILER_BYTES>() else {
            return Err(Corrupt {
                at: sent.len(),
                why: "the trailer ends early",
            });
        };
        let [a, b, c, d, length @ ..] = *trailer;
        if u32::from_le_bytes([a, b, c, d]) != member.checksum.clone().finalize() {
            return Err(Corrupt {
                at: self.at,
                why: "the checksum does not match",
            });
        }
        if u32::from_le_bytes(length) != member.bytes {
            return Err(Corrupt {
                at: self.at + 4,
                why: "the length does not match",
            });
        }
        self.at += TRAILER_BYTES;
        Ok(())
    }
}

impl Default for Gunzip {
    fn default() -> Self {
        Self {
            at: 0,
            members: 0,
            is_within_member: false,
            member: Member {
                inflate: Decompress::new(false),
                checksum: Hasher::new(),
                bytes: 0,
            },
        }
    }
}

impl Member {
    fn begin(&mut self) {
        if self.inflate.total_in() > 0 {
            self.inflate.reset(false);
        }
        self.checksum.reset();
        self.bytes = 0;
    }
}

/// The length of the member header that `rest` begins with, at offset `at` of the body.
fn header_bytes(rest: &[u8], at: usize) -> Result<usize, Corrupt> {
    let early = Corrupt {
        at: at + rest.len(),
        why: "the header ends early",
    };
    let not_gzip = Corrupt {
        at,
        why: "no gzip header",
    };
    if !rest.iter().zip(MAGIC_AND_METHOD).all(|(a, b)| *a == b) {
        return Err(not_gzip);
    }
    let Some([_, _, _, flags, ..]) = rest.first_chunk::<HEADER_BYTES>() else {
        return Err(early);
    };
    if flags & FLAGS_RESERVED != 0 {
        return Err(not_gzip);
    }
    let mut length = HEADER_BYTES;
    if flags & FLAG_EXTRA != 0 {
        let extra = rest.get(length..).and_then(|rest| rest.first_chunk::<2>());
        length += 2 + usize::from(u16::from_le_bytes(*extra.ok_or(early.clone())?));
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let text = rest.get(length..).unwrap_or_default();
            length += 1 + memchr::memchr(0, text).ok_or(early.clone())?;
        }
    }
    if flags & FLAG_HEADER_CHECKSUM != 0 {
        length += 2;
    }
    if length > rest.len() {
        return Err(early);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn member(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_share_their_state_one_after_the_other_and_nothing_of_what_it_holds() {
        let contents = [b"first".repeat(50), Vec::new(), b"firsts".repeat(70)];
        let sent = contents.map(|content| member(&content));
        let mut out = Vec::with_capacity(16);
        let mut decoder = Gunzip::default();
        while decoder.run(&sent.concat(), &mut out) == Ok(Stop::Full) {
            out.reserve_exact(16);
        }
        assert_eq!(out, [b"first".repeat(50), b"firsts".repeat(70)].concat());
        assert_eq!(decoder.members, 3);
        assert_eq!(decoder.run(&sent.concat(), &mut out), Ok(Stop::Done));
        let mut broken = sent.concat();
        if let Some(last) = broken.last_mut() {
            *last ^= 1;
        }
        assert!(
            Gunzip::default()
                .run(&broken, &mut Vec::with_capacity(4_096))
                .is_err()
        );
    }
}
