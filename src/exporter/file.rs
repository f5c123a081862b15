//! The file exporter: OTLP/JSON lines, one request a line, rotated by size.
//!
//! A request counts as delivered once its line is written to the operating system; it is not fsynced, so a crash of
//! the machine (not of the process) can lose the last seconds. A full disk or an unwritable folder is a failure like a
//! dead backend: the request is tried again for as long as it takes and the queue fills behind it. One consumer
//! writes, so that lines stand in the order of the queue.

mod lines;

use std::sync::Arc;

use parking_lot::Mutex;

use self::lines::LineFiles;
use super::config::FileConfig;
use super::deliver::{Attempt, Sink};
use super::outcome::{Accepted, Failure, Retry, error_chain};
use super::reason::Reason;
use crate::batch::export::ExportBatch;

/// Turns an encoded `ExportTraceServiceRequest` into OTLP/JSON without line breaks.
pub type EncodeJson = fn(&[u8]) -> Result<Vec<u8>, prost::DecodeError>;

/// Appends to the files of one folder.
pub(super) struct FileSink {
    files: Arc<Mutex<LineFiles>>,
    encode_json: EncodeJson,
}

impl FileSink {
    /// A sink into `config.path`, which is created with the first line.
    pub(super) fn new(config: &FileConfig, encode_json: EncodeJson) -> Self {
        Self {
            files: Arc::new(Mutex::new(LineFiles::new(config))),
            encode_json,
        }
    }

    async fn write(&self, batch: &ExportBatch) -> Result<Accepted, Failure> {
        let body = batch.body.clone();
        let files = Arc::clone(&self.files);
        let encode_json = self.encode_json;
        let written = tokio::task::spawn_blocking(move || {
            let mut line = encode_json(&body)
                .map_err(|error| Failure::permanent(Reason::Encoding, &error.to_string()))?;
            line.push(b'\n');
            match files.lock().append(&line) {
                Ok(()) => Ok(line.len() as u64),
                Err(error) => Err(Failure::file(&error)),
            }
        });
        let wire_bytes = match written.await {
            Ok(written) => written?,
            // The runtime is going away.
            Err(error) => return Err(Failure::file(&error)),
        };
        Ok(Accepted {
            wire_bytes,
            ..Accepted::default()
        })
    }
}

impl Sink for FileSink {
    fn attempt<'a>(&'a self, batch: &'a ExportBatch) -> Attempt<'a> {
        Box::pin(self.write(batch))
    }
}

impl Failure {
    fn file(error: &dyn std::error::Error) -> Self {
        Self {
            reason: Reason::File,
            message: error_chain(error),
            retry: Retry::After(std::time::Duration::ZERO),
        }
    }
}
