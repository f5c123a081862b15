//! Files of lines: recorded requests, and what the file exporter wrote.

use std::fs;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tailsieve::otlp::json::decode_request;

/// The lines of a file, inflated if its name ends in `.gz`.
pub(crate) fn read_lines(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = if path.extension().is_some_and(|extension| extension == "gz") {
        std::io::read_to_string(GzDecoder::new(bytes.as_slice())).unwrap()
    } else {
        String::from_utf8(bytes).unwrap()
    };
    text.lines().map(str::to_owned).collect()
}

/// What the file exporter wrote into `folder`, oldest first.
pub(crate) fn read_kept(folder: &Path) -> Vec<ExportTraceServiceRequest> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let lines = files.iter().flat_map(|file| read_lines(file));
    let requests = lines.map(|line| {
        let protobuf = decode_request(line.as_bytes()).unwrap();
        ExportTraceServiceRequest::decode(protobuf.as_slice()).unwrap()
    });
    requests.collect()
}
