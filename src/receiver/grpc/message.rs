//! Reads the one message of a unary call: prefix, limit, bytes, end.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use super::super::admission::Held;
use super::super::gather::Gather;
use super::super::status::Failure;

/// Longest time for a message to arrive once its headers have.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The compressed flag, one byte, and the length, four.
const PREFIX_BYTES: usize = 5;

/// A message as it was sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) compressed: bool,
    pub(super) bytes: Bytes,
    pub(super) held: Held,
}

/// Reads the message and the end of the stream after it. The declared length is checked against `bytes_max` before
/// anything is reserved for it.
///
/// # Errors
/// [`Failure::TooLarge`], [`Failure::Overloaded`]; [`Failure::Cardinality`] for none or several messages,
/// [`Failure::Malformed`] for a broken prefix or a message cut short.
pub(super) async fn read<B>(body: B, hold: Held, bytes_max: usize) -> Result<Message, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    match tokio::time::timeout(READ_TIMEOUT, read_unbounded(body, hold, bytes_max)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::TimedOut(READ_TIMEOUT)),
    }
}

async fn read_unbounded<B>(mut body: B, hold: Held, bytes_max: usize) -> Result<Message, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut frame = read_prefix(&mut body).await?;
    let compressed = match frame.get_u8() {
        0 => false,
        1 => true,
        other => {
            return Err(Failure::Malformed(format!(
                "the message's compressed flag is {other}, not 0 or 1"
            )));
        }
    };
    let declared = frame.get_u32();
    let mut gather = Gather::new(hold, Some(u64::from(declared)), bytes_max)?;
    let declared = declared as usize;
    loop {
        let missing = declared - gather.len();
        if frame.len() > missing {
            return Err(Failure::Cardinality(
                "the request has bytes after its message: Export takes exactly one message",
            ));
        }
        gather.push(frame)?;
        if let Some(next) = next_data(&mut body).await? {
            frame = next;
            continue;
        }
        if gather.len() < declared {
            return Err(Failure::Malformed(format!(
                "the message ends after {} of {declared} bytes",
                gather.len()
            )));
        }
        let (bytes, held) = gather.finish();
        return Ok(Message {
            compressed,
            bytes,
            held,
        });
    }
}

/// The first frame, joined with later ones until it holds the prefix.
async fn read_prefix<B>(body: &mut B) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    let Some(mut first) = next_data(body).await? else {
        return Err(Failure::Cardinality(
            "the request has no message: Export takes exactly one",
        ));
    };
    while first.len() < PREFIX_BYTES {
        let Some(next) = next_data(body).await? else {
            return Err(Failure::Malformed(format!(
                "the message's prefix ends after {} of {PREFIX_BYTES} bytes",
                first.len()
            )));
        };
        let mut joined = BytesMut::from(first);
        joined.extend_from_slice(&next);
        first = joined.freeze();
    }
    Ok(first)
}

/// The next data that is not empty; `None` at the end of the stream.
async fn next_data<B>(body: &mut B) -> Result<Option<Bytes>, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(None);
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::Disconnected)?;
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
