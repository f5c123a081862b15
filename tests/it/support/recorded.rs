//! Recorded requests: the files in the folder named by `TAILSIEVE_DATA`, where there is one, and traces of our own.

use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tailsieve::otlp::json::{decode_request, encode_request};

use super::files::read_lines;
use super::spans::{failed, request, span};

const SPAN_FILES: [&str; 2] = [
    "hotel-reservation.otlp.jsonl.gz",
    "media-microservices.otlp.jsonl.gz",
];

/// One request in both encodings.
pub(crate) struct Recorded {
    pub(crate) json: String,
    pub(crate) protobuf: Vec<u8>,
}

/// A file of the folder with recorded data; `None`, after saying so, without such a folder.
pub(crate) fn data_file(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("TAILSIEVE_DATA") else {
        eprintln!("TAILSIEVE_DATA is unset: {name} is left out");
        return None;
    };
    Some(PathBuf::from(folder).join(name))
}

/// The requests of a file of OTLP/JSON lines, in order.
pub(crate) fn read(path: &Path) -> Vec<Recorded> {
    let requests = read_lines(path).into_iter().map(|json| {
        let protobuf = decode_request(json.as_bytes()).unwrap();
        Recorded { json, protobuf }
    });
    requests.collect()
}

/// Our own requests and those of the recorded files.
pub(crate) fn all() -> Vec<Recorded> {
    let files = SPAN_FILES.iter().filter_map(|name| data_file(name));
    let recorded = files.flat_map(|file| read(&file));
    made_up().into_iter().chain(recorded).collect()
}

/// The requests as messages.
pub(crate) fn decoded(requests: &[Recorded]) -> Vec<ExportTraceServiceRequest> {
    let decode =
        |recorded: &Recorded| ExportTraceServiceRequest::decode(recorded.protobuf.as_slice());
    requests
        .iter()
        .map(|recorded| decode(recorded).unwrap())
        .collect()
}

/// 400 traces of 1 to 12 spans, spread over requests of 64: some failed, some slow, some with 64-bit IDs.
fn made_up() -> Vec<Recorded> {
    let mut random = StdRng::seed_from_u64(20);
    let mut spans = Vec::new();
    for trace in 1..=400_u128 {
        let high: u64 = if trace % 4 == 0 { 0 } else { random.random() };
        let id = (u128::from(high) << 64) | trace;
        for number in 1..=random.random_range(1..=12) {
            let mut span = span(id, number);
            span.start_time_unix_nano += random.random_range(0..50_000_000);
            span.end_time_unix_nano =
                span.start_time_unix_nano + random.random_range(0..200_000_000);
            spans.push(if random.random_bool(0.02) {
                failed(span)
            } else {
                span
            });
        }
    }
    spans.shuffle(&mut random);
    let requests = spans.chunks(64).map(|spans| {
        let protobuf = request(spans.to_vec()).encode_to_vec();
        let json = String::from_utf8(encode_request(&protobuf).unwrap()).unwrap();
        Recorded { json, protobuf }
    });
    requests.collect()
}
