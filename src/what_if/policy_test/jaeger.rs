//! What Jaeger's UI downloads (`Download Results`, `Trace JSON`) as OTLP.
//!
//! Jaeger has put much into tags that has fields of its own in OTLP; what is told apart here is what Jaeger's own
//! conversion from OTLP writes: `span.kind`, `error`, `otel.status_code`, `otel.status_description`, `w3c.tracestate`,
//! `otel.scope.name`, `otel.scope.version`. Everything else stays an attribute.

mod convert;
mod schema;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use convert::Converter;
use schema::Download;

/// Longest file read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum JaegerError {
    /// It could not be opened or read, or is too long.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what Jaeger's UI downloads.
    #[error("{} is no trace of Jaeger's UI", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// An identifier in it is none.
    #[error("{}: {id:?} is no identifier of {digits} hexadecimal digits at most", path.display())]
    Identifier {
        /// The file.
        path: PathBuf,
        /// The text.
        id: String,
        /// How many digits it may have.
        digits: usize,
    },
}

/// Reads all traces of a file.
pub(super) fn read(path: &Path) -> Result<ExportTraceServiceRequest, JaegerError> {
    let failed = |source| JaegerError::Read {
        path: path.to_owned(),
        source,
    };
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let limit = format!("is longer than {FILE_BYTES_MAX} bytes");
        return Err(failed(io::Error::other(limit)));
    }
    let download: Download = serde_json::from_slice(&text).map_err(|source| JaegerError::Json {
        path: path.to_owned(),
        source,
    })?;
    Converter { path }.request(download)
}
