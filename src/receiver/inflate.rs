//! Inflates a whole body at once, up to a limit, charging each piece of output before memory is taken for it.
//!
//! The length that a compressed body announces is believed up to [`TRUSTED_RATIO_MAX`] times what was sent, so that the
//! ordinary request is inflated into one allocation of the right size; beyond that the output doubles with what really
//! comes out. A bomb therefore costs at most the limit, and less when the budgets have less.
//!
//! Decompression state is made per body: with mimalloc that costs nothing measurable (gzip, 100 spans of 473 bytes:
//! 337 ns per span with fresh state, 339 with reused). Of gzip's parts, raw inflate costs 339 and the checksum 10 with
//! `crc32fast`; with zlib-rs's own checksum the two cost 464. libdeflate would need 257, at the price of a second,
//! C-written path for what does not fit its whole-buffer interface.

mod gzip;
mod zstd;

use super::admission::{Admission, Held};
use super::status::{Failure, SizeKnown};

/// Highest ratio of inflated to sent bytes for which an announced length is believed. OTLP in gzip has 4 to 12.
const TRUSTED_RATIO_MAX: usize = 32;

/// Smallest first piece of output when nothing is announced, in bytes.
const FIRST_PIECE_BYTES_MIN: usize = 4 << 10;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames, windows up to 8 MiB (RFC 9659).
    Zstd,
}

/// What stopped a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The input is used up and complete.
    Done,
    /// The output has no room left.
    Full,
}

/// The input is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Corrupt {
    /// Where, in bytes from the start of the input.
    at: usize,
    /// What is wrong there.
    why: &'static str,
}

/// State of either decoder.
enum Decoder {
    Gzip(gzip::Gunzip),
    Zstd(zstd::Unzstd),
}

/// Inflates `sent` into at most `bytes_max` bytes, which stay charged as long as the hold.
///
/// # Errors
/// [`Failure::Undecodable`] with the offset in `sent`, [`Failure::TooLarge`] beyond `bytes_max`,
/// [`Failure::Overloaded`] when the budgets have no room for the output.
pub(super) fn inflate(
    compression: Compression,
    sent: &[u8],
    bytes_max: usize,
    admission: &Admission,
) -> Result<(Vec<u8>, Held), Failure> {
    let (mut decoder, announced_bytes) = match compression {
        Compression::Gzip => (
            Decoder::Gzip(gzip::Gunzip::default()),
            gzip::announced_bytes(sent),
        ),
        Compression::Zstd => (
            Decoder::Zstd(zstd::Unzstd::new()),
            zstd::announced_bytes(sent),
        ),
    };
    let mut held = admission.hold();
    let mut out = Vec::new();
    // One byte beyond the limit tells a body of exactly the limit from a larger one.
    let capacity_max = bytes_max.saturating_add(1);
    let mut capacity = first_piece_bytes(sent.len(), announced_bytes).min(capacity_max);
    loop {
        held.grow(capacity.saturating_sub(out.capacity()))?;
        out.reserve_exact(capacity.saturating_sub(out.len()));
        let stop = decoder.run(sent, &mut out).map_err(|corrupt| {
            let name = compression.name();
            let Corrupt { at, why } = corrupt;
            Failure::Undecodable(format!("{name} body: {why} at byte {at} of {}", sent.len()))
        })?;
        if out.len() > bytes_max {
            return Err(Failure::TooLarge {
                size: SizeKnown::Beyond(bytes_max),
                state: "inflated",
                limit: bytes_max,
            });
        }
        if stop == Stop::Done {
            held.set(out.capacity());
            return Ok((out, held));
        }
        // A body may announce nothing and hold something.
        let doubled = out.capacity().saturating_mul(2).max(FIRST_PIECE_BYTES_MIN);
        capacity = doubled.min(capacity_max);
    }
}

fn first_piece_bytes(sent_bytes: usize, announced_bytes: Option<usize>) -> usize {
    let believed_max = sent_bytes.saturating_mul(TRUSTED_RATIO_MAX);
    match announced_bytes {
        Some(announced) if announced <= believed_max => announced,
        _ => sent_bytes.saturating_mul(4).max(FIRST_PIECE_BYTES_MIN),
    }
}

impl Compression {
    /// Its name in headers and messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl Decoder {
    /// Inflates into the free capacity of `out` until that or the input is used up.
    fn run(&mut self, sent: &[u8], out: &mut Vec<u8>) -> Result<Stop, Corrupt> {
        match self {
            Self::Gzip(decoder) => decoder.run(sent, out),
            Self::Zstd(decoder) => decoder.run(sent, out),
        }
    }
}

#[cfg(test)]
mod tests;
