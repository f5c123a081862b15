//! One end of a connection, as hyper reads and writes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Pipe, UNDER_WAY_MAX};

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.network.0.lock();
        let Some(connection) = state.connections.get_mut(&self.connection) else {
            return Poll::Ready(Ok(()));
        };
        if connection.is_broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let lane = &mut connection.lanes[1 - self.side];
        if lane.arrived.is_empty() && !lane.has_end_arrived {
            lane.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = lane.arrived.len().min(buffer.remaining());
        buffer.put_slice(&lane.arrived[..count]);
        lane.arrived.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.network.0.lock();
        let now = state.now;
        let Some(connection) = state.connections.get_mut(&self.connection) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let is_peer_gone =
            connection.lanes[1 - self.side].has_end_arrived && connection.is_dropped[1 - self.side];
        if connection.is_broken || is_peer_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let lane = &mut connection.lanes[self.side];
        if lane.under_way_bytes >= UNDER_WAY_MAX {
            lane.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        lane.push(bytes, now);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(false);
        Poll::Ready(Ok(()))
    }
}

impl Pipe {
    fn end(&self, is_dropped: bool) {
        let mut state = self.network.0.lock();
        if let Some(connection) = state.connections.get_mut(&self.connection) {
            connection.lanes[self.side].is_ended = true;
            connection.is_dropped[self.side] |= is_dropped;
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.end(true);
    }
}
