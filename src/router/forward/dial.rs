//! How connections are made: over TCP, or over whatever network a simulation has.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection's two directions.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Duplex for T {}

/// A connection about to be.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<Box<dyn Duplex>>> + Send>>;

/// Makes connections.
pub trait Dial: Send + Sync + 'static {
    /// Connects to `address`; given up by being dropped.
    fn dial(&self, address: SocketAddr) -> Dialling;
}

/// Dials over TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDial;

impl Dial for TcpDial {
    fn dial(&self, address: SocketAddr) -> Dialling {
        Box::pin(async move {
            let connection = TcpStream::connect(address).await?;
            connection.set_nodelay(true)?;
            Ok(Box::new(connection) as Box<dyn Duplex>)
        })
    }
}
