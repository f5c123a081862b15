//! An encoded request as it goes out: plain or compressed, with gRPC's 5-byte prefix already in front of it.
//!
//! The prefix lies in the same buffer, so that a gRPC request is one piece and an HTTP request the same piece without
//! its first five bytes; neither copies.

use std::cell::RefCell;
use std::io;

use bytes::Bytes;

/// How request bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip at level 1: a load generator must be cheap.
    Gzip,
    /// zstd at level 1.
    Zstd,
}

/// A request body and its gRPC prefix. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Message {
    framed: Bytes,
    compression: Compression,
}

/// Bytes of gRPC's message prefix: a flag for compression and the length, big endian.
const PREFIX_BYTES: usize = 5;

thread_local! {
    /// Compressors hold tables of hundreds of kilobytes: one per thread, reused.
    static GZIP: RefCell<flate2::Compress> = RefCell::new(flate2::Compress::new_gzip(flate2::Compression::fast(), 15));
}

impl Message {
    /// Encodes a message: `write` appends the body's bytes, about `body_bytes` of them.
    #[must_use]
    pub fn build(body_bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut buffer = Vec::with_capacity(PREFIX_BYTES + body_bytes);
        buffer.extend_from_slice(&[0; PREFIX_BYTES]);
        write(&mut buffer);
        Self::framed_from(buffer, Compression::None)
    }

    /// The same message compressed.
    ///
    /// # Errors
    /// Whatever the compressor reports.
    pub fn compressed(&self, compression: Compression) -> io::Result<Self> {
        let body = self.body();
        let buffer = match compression {
            Compression::None => return Ok(self.clone()),
            Compression::Gzip => gzip(&body)?,
            Compression::Zstd => {
                let mut buffer = vec![0; PREFIX_BYTES];
                zstd::stream::copy_encode(&*body, &mut buffer, 1)?;
                buffer
            }
        };
        Ok(Self::framed_from(buffer, compression))
    }

    /// The body with gRPC's prefix.
    #[must_use]
    pub fn framed(&self) -> Bytes {
        self.framed.clone()
    }

    /// The body alone.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.framed.slice(PREFIX_BYTES..)
    }

    /// The name of its compression in `grpc-encoding` and `content-encoding`, if it is compressed.
    #[must_use]
    pub fn encoding(&self) -> Option<&'static str> {
        match self.compression {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        }
    }

    fn framed_from(mut buffer: Vec<u8>, compression: Compression) -> Self {
        let length = u32::try_from(buffer.len() - PREFIX_BYTES).unwrap_or(u32::MAX);
        if let Some((flag, rest)) = buffer.split_first_mut() {
            *flag = u8::from(compression != Compression::None);
            if let Some(field) = rest.first_chunk_mut() {
                *field = length.to_be_bytes();
            }
        }
        Self {
            framed: buffer.into(),
            compression,
        }
    }
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    GZIP.with_borrow_mut(|state| {
        state.reset();
        let mut buffer = Vec::with_capacity(PREFIX_BYTES + body.len() / 4 + 64);
        buffer.extend_from_slice(&[0; PREFIX_BYTES]);
        loop {
            let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
            let rest = body.get(read..).unwrap_or_default();
            match state.compress_vec(rest, &mut buffer, flate2::FlushCompress::Finish)? {
                flate2::Status::StreamEnd => return Ok(buffer),
                _ => buffer.reserve(body.len() / 4 + 64),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn message(body: &[u8]) -> Message {
        Message::build(body.len(), |out| out.extend_from_slice(body))
    }

    #[test]
    fn the_prefix_tells_length_and_compression() {
        let plain = message(b"hello");
        assert_eq!(&*plain.framed(), b"\0\0\0\0\x05hello");
        let gzip = plain.compressed(Compression::Gzip).unwrap();
        let framed = gzip.framed();
        let length = u32::try_from(framed.len() - 5).unwrap().to_be_bytes();
        assert_eq!(framed[0], 1);
        assert_eq!(framed[1..5], length);
    }

    #[test]
    fn what_is_compressed_inflates_to_the_same_also_when_the_compressor_is_reused() {
        let body: Vec<u8> = (0..200_000_u32)
            .flat_map(|i| i.wrapping_mul(i).to_le_bytes())
            .collect();
        for cut in [0, 10, body.len()] {
            let plain = message(&body[..cut]);
            let gzip = plain.compressed(Compression::Gzip).unwrap().body();
            let mut inflated = Vec::new();
            flate2::read::GzDecoder::new(&*gzip)
                .read_to_end(&mut inflated)
                .unwrap();
            assert_eq!(inflated, body[..cut]);
            let zstd = plain.compressed(Compression::Zstd).unwrap().body();
            assert_eq!(zstd::stream::decode_all(&*zstd).unwrap(), body[..cut]);
        }
    }
}
