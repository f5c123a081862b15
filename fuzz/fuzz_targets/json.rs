//! Any text as OTLP/JSON: reading never panics; prost decodes whatever is read, and it survives being written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tailsieve::otlp::json::{decode_request, encode_request};

fuzz_target!(|json: &[u8]| {
    let protobuf = match decode_request(json) {
        Ok(protobuf) => protobuf,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let request = decoded(&protobuf);
    let written = encode_request(&protobuf).expect("prost has decoded it");
    let read_again = decode_request(&written).expect("what we write, we read");
    assert_eq!(
        decoded(&read_again).encode_to_vec(),
        request.encode_to_vec(),
        "{}",
        String::from_utf8_lossy(&written)
    );
});

fn decoded(protobuf: &[u8]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(protobuf).expect("what is read is valid protobuf")
}
