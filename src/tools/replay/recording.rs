//! Recorded requests in memory, as protobuf.
//!
//! Files hold OTLP/JSON lines, a request a line, plain or gzipped (told by content, not by name). All of it is held,
//! since shuffling and repeating need it all: at most 4 GiB, encoded as protobuf.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use super::rewrite::{self, Patch};
use crate::otlp::json::{self, JsonError};
use crate::tools::fields::Malformed;

/// Most bytes of requests held.
pub const RECORDING_BYTES_MAX: u64 = 4 << 30;

/// First bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Requests in the order in which they are sent.
#[derive(Debug, Default)]
pub struct Recording {
    /// The requests.
    pub requests: Vec<Recorded>,
    reader: RequestReader,
}

/// Reads files one after another, at most [`RECORDING_BYTES_MAX`] of requests in all.
#[derive(Debug, Default)]
pub struct RequestReader {
    bytes: u64,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its protobuf encoding.
    pub body: Vec<u8>,
    /// Places in it that repetitions rewrite.
    pub patches: Vec<Patch>,
    /// Its spans.
    pub spans: u64,
    /// The latest end of its spans, in nanoseconds since the Unix epoch; 0 without spans.
    pub end_ns: u64,
}

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It could not be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be read or inflated.
    #[error("cannot read {} at line {line}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is no OTLP/JSON.
    #[error("{}:{line} is no OTLP/JSON trace request", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: JsonError,
    },
    /// A line's protobuf could not be read back.
    #[error("{}:{line} cannot be rewritten", path.display())]
    Rewrite {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: Malformed,
    },
    /// There is more than fits.
    #[error("{} exceeds the limit of {RECORDING_BYTES_MAX} bytes held at line {line}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl RequestReader {
    /// Hands the requests of a file to `take` as protobuf, each with its line, counted from 1; empty lines are skipped.
    ///
    /// # Errors
    /// [`RecordingError`], with file and line; what `take` says.
    pub fn read<E: From<RecordingError>>(
        &mut self,
        path: &Path,
        mut take: impl FnMut(usize, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let open = |source| RecordingError::Open {
            path: path.to_owned(),
            source,
        };
        let mut file = BufReader::new(File::open(path).map_err(open)?);
        let is_gzip = file.fill_buf().map_err(open)?.starts_with(&GZIP_MAGIC);
        let input: Box<dyn Read> = if is_gzip {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        for (line, text) in BufReader::new(input).split(b'\n').enumerate() {
            let line = line + 1;
            let path = || path.to_owned();
            let text = text.map_err(|source| RecordingError::Read {
                path: path(),
                line,
                source,
            })?;
            if text.trim_ascii().is_empty() {
                continue;
            }
            let body = json::decode_request(&text).map_err(|source| RecordingError::Json {
                path: path(),
                line,
                source,
            })?;
            self.bytes += body.len() as u64;
            if self.bytes > RECORDING_BYTES_MAX {
                return Err(RecordingError::TooLarge { path: path(), line }.into());
            }
            take(line, body)?;
        }
        Ok(())
    }
}

impl Recording {
    /// Appends the requests of a file; empty lines are skipped.
    ///
    /// # Errors
    /// [`RecordingError`], with file and line.
    pub fn read(&mut self, path: &Path) -> Result<(), RecordingError> {
        let requests = &mut self.requests;
        self.reader.read(path, |line, body| {
            let found = rewrite::find(&body).map_err(|source| RecordingError::Rewrite {
                path: path.to_owned(),
                line,
                source,
            })?;
            requests.push(Recorded {
                body,
                patches: found.patches,
                spans: found.spans,
                end_ns: found.end_ns,
            });
            Ok(())
        })
    }

    /// Spans of all requests.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.requests.iter().map(|request| request.spans).sum()
    }

    /// Puts the requests into an order that `seed` determines.
    pub fn shuffle(&mut self, seed: u64) {
        self.requests.shuffle(&mut SmallRng::seed_from_u64(seed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LINE: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000007","spanId":"0000000000000001","name":"a","endTimeUnixNano":"5000"},{"traceId":"00000000000000000000000000000008","spanId":"0000000000000001","endTimeUnixNano":"9000"}]}]}]}"#;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn plain_and_gzipped_files_read_the_same() {
        let text = format!("{LINE}\n\n{LINE}\n");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let (plain, gzip) = (file(text.as_bytes()), file(&gzip.finish().unwrap()));
        let mut recording = Recording::default();
        recording.read(plain.path()).unwrap();
        recording.read(gzip.path()).unwrap();
        assert_eq!(recording.spans(), 8);
        let [first, rest @ ..] = &recording.requests[..] else {
            panic!("four requests");
        };
        assert!(rest.len() == 3 && rest.iter().all(|request| request == first));
        assert_eq!((first.spans, first.end_ns), (2, 9_000));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let file = file(format!("{LINE}\n{{\"resourceSpans\":7}}\n").as_bytes());
        let error = Recording::default().read(file.path()).unwrap_err();
        assert!(matches!(error, RecordingError::Json { line: 2, .. }));
        assert!(error.to_string().contains(":2 is no OTLP/JSON"));
    }

    #[test]
    fn a_seed_determines_the_order_and_loses_nothing() {
        let request = |number: u64| Recorded {
            body: Vec::new(),
            patches: Vec::new(),
            spans: number,
            end_ns: 0,
        };
        let shuffled = |seed| {
            let mut recording = Recording {
                requests: (0..50).map(request).collect(),
                reader: RequestReader::default(),
            };
            recording.shuffle(seed);
            recording
                .requests
                .iter()
                .map(|request| request.spans)
                .collect::<Vec<_>>()
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
