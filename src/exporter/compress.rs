//! Compression of requests, at levels chosen for speed: gzip 1 and zstd 1.
//!
//! A core spent on the last few per cent of size is better spent on spans. What is larger than [`INLINE_BYTES_MAX`] is
//! compressed on the blocking pool, since a mebibyte takes milliseconds for which the network tasks should not wait.
//! A retry compresses again: the compressed copy would be memory outside the budget for as long as a backend is dead.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use flate2::write::GzEncoder;

use super::config::Compression;
use super::outcome::Failure;
use super::reason::Reason;

/// Bodies up to this many bytes are compressed in place: that takes about as long as handing them to another thread.
const INLINE_BYTES_MAX: usize = 16 << 10;

const ZSTD_LEVEL: i32 = 1;

impl Compression {
    /// Its name in `content-encoding` and `grpc-encoding`; `None` for `none`.
    pub(super) fn encoding_name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// `body` as it goes out.
pub(super) async fn compress(body: &Bytes, compression: Compression) -> Result<Bytes, Failure> {
    if compression == Compression::None {
        return Ok(body.clone());
    }
    if body.len() <= INLINE_BYTES_MAX {
        return encode(body, compression)
            .map(Bytes::from)
            .map_err(|error| Failure::permanent(Reason::Encoding, &error.to_string()));
    }
    let body = body.clone();
    match tokio::task::spawn_blocking(move || encode(&body, compression)).await {
        Ok(Ok(encoded)) => Ok(Bytes::from(encoded)),
        Ok(Err(error)) => Err(Failure::permanent(Reason::Encoding, &error.to_string())),
        // The runtime is going away.
        Err(error) => {
            let message = error.to_string();
            Err(Failure::passing(Reason::Encoding, &message, Duration::ZERO))
        }
    }
}

fn encode(body: &[u8], compression: Compression) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(body.to_vec()),
        Compression::Gzip => {
            let room = Vec::with_capacity(body.len() / 4 + 64);
            let mut encoder = GzEncoder::new(room, flate2::Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
        Compression::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn decode(encoded: &[u8], compression: Compression) -> Vec<u8> {
        match compression {
            Compression::None => encoded.to_vec(),
            Compression::Gzip => {
                let mut plain = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(encoded);
                decoder.read_to_end(&mut plain).unwrap();
                plain
            }
            Compression::Zstd => zstd::stream::decode_all(encoded).unwrap(),
        }
    }

    #[tokio::test]
    async fn every_encoding_gives_back_what_went_in_inline_and_on_the_pool() {
        for size in [0, 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 1 << 20] {
            let body: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let body = Bytes::from(body);
            for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                let encoded = compress(&body, compression).await.unwrap();
                assert_eq!(decode(&encoded, compression), body);
            }
        }
    }
}
