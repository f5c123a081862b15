//! Reads an HTTP body within its limits.

use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http::header::EXPECT;
use http_body::Body;
use http_body_util::BodyExt;

use super::super::admission::Held;
use super::super::gather::Gather;
use super::super::status::Failure;

/// Limits of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// Bytes as sent, and as inflated.
    pub(super) bytes_max: usize,
    /// Time for the whole body to arrive.
    pub(super) read_timeout: Duration,
}

impl BodyLimits {
    /// Reads the whole of `body`.
    ///
    /// # Errors
    /// [`Failure::TooLarge`], before anything is read when the length is known; [`Failure::Overloaded`],
    /// [`Failure::TimedOut`], [`Failure::Disconnected`].
    pub(super) async fn read<B>(&self, body: &mut B, hold: Held) -> Result<(Bytes, Held), Failure>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let gather = Gather::new(hold, body.size_hint().exact(), self.bytes_max)?;
        match tokio::time::timeout(self.read_timeout, read_into(body, gather)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::TimedOut(self.read_timeout)),
        }
    }

    /// Reads and drops the rest of a refused HTTP/1.1 request, up to the limit once more: a connection that is closed
    /// with bytes unread is reset, and the client would lose the answer that tells it why.
    pub(super) async fn discard_rest<B>(&self, head: &http::request::Parts, body: &mut B)
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if head.version >= Version::HTTP_2 || head.headers.contains_key(EXPECT) {
            // HTTP/2 ends the stream alone; who expects 100 (Continue) has not sent a body yet.
            return;
        }
        let discard = async {
            let mut discarded = 0;
            while discarded <= self.bytes_max {
                match body.frame().await {
                    Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, Bytes::len),
                    Some(Err(_)) | None => return,
                }
            }
        };
        // Whoever is too slow here loses the connection, and with it the answer.
        let _ = tokio::time::timeout(self.read_timeout, discard).await;
    }
}

async fn read_into<B>(body: &mut B, mut gather: Gather) -> Result<(Bytes, Held), Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|_| Failure::Disconnected)?;
        if let Ok(data) = frame.into_data() {
            gather.push(data)?;
        }
    }
    Ok(gather.finish())
}
