//! `tailsieve sink`: the backend where it is to be known which span came how often.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::lab::{ALL_CORES, Lab};
use super::process::{Process, free_address, wait_for};
use super::receiver::argument;

/// A running sink.
pub(crate) struct Sink {
    process: Process,
    pub(crate) grpc: SocketAddr,
    books: PathBuf,
}

impl Sink {
    pub(crate) fn start(lab: &Lab) -> anyhow::Result<Self> {
        let (grpc, http) = (free_address()?, free_address()?);
        let books = lab.folder.join("got.jsonl");
        let arguments = [
            "sink".to_owned(),
            format!("--grpc-endpoint={grpc}"),
            format!("--http-endpoint={http}"),
            argument("ledger", &books),
        ];
        let log = lab.folder.join("sink.log");
        let process = Process::start(ALL_CORES, &lab.tailsieve, &arguments, Some(&log))?;
        wait_for(grpc)?;
        Ok(Self {
            process,
            grpc,
            books,
        })
    }

    /// Ends it; its books, a line for each trace.
    pub(crate) fn end(self) -> anyhow::Result<PathBuf> {
        let (status, _) = self.process.end()?;
        anyhow::ensure!(status.success(), "the sink ended with {status}");
        Ok(self.books)
    }
}
