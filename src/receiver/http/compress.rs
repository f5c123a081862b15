//! Gzips answers for clients that ask for it.
//!
//! Nearly all answers are one of two, full success in protobuf or JSON: those are compressed once, so that asking for
//! gzip (as Go's HTTP client does by itself) costs nothing per request.

use std::io::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, VARY};
use http::{HeaderValue, Response};

use super::super::answer::AnswerBody;

static EMPTY: LazyLock<Option<Bytes>> = LazyLock::new(|| compressed(b""));
static EMPTY_OBJECT: LazyLock<Option<Bytes>> = LazyLock::new(|| compressed(b"{}"));

/// Compresses the body of `answer`.
pub(super) fn gzip(answer: &mut Response<AnswerBody>) {
    let AnswerBody::Whole(body) = answer.body() else {
        return;
    };
    let compressed = match body.as_deref().unwrap_or_default() {
        b"" => EMPTY.clone(),
        b"{}" => EMPTY_OBJECT.clone(),
        other => compressed(other),
    };
    // Writing into memory does not fail; if it did, the answer would go out as it is.
    let Some(compressed) = compressed else {
        return;
    };
    *answer.body_mut() = AnswerBody::whole(compressed);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
}

fn compressed(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
