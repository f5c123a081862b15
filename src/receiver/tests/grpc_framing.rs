//! gRPC messages that are framed wrongly, declared too large, or sent to the wrong place.

use bytes::Bytes;
use http::StatusCode;
use tonic::Code;

use super::support::*;

async fn export_status(encoding: Option<&str>, frames: Vec<Bytes>) -> tonic::Status {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let status = client.export(encoding, frames).await.status();
    assert!(fixture.recorder.taken().is_empty());
    assert_eq!(fixture.memory.used_bytes(), 0);
    status
}

#[tokio::test]
async fn a_message_split_into_any_frames_is_put_together() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let message = framed(0, &request(20));
    for piece_bytes in [1, 3, 5, 7, 100] {
        let frames = message.chunks(piece_bytes).map(Bytes::copy_from_slice);
        let answer = client.export(None, frames.collect()).await;
        assert_eq!(answer.code(), 0, "{piece_bytes}");
        assert_eq!(fixture.recorder.only_body(), request(20));
    }
}

#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_refused_before_the_message_is_sent() {
    let fixture = Fixture::configured(|config| config.max_bytes_in_flight = 1).await;
    let client = RawClient::connect(fixture.grpc()).await;
    for (compressed, encoding) in [(0, None), (1, Some("gzip"))] {
        let (answer, mut stream) = client.open(export_head(encoding)).await;
        let prefix = Bytes::from(vec![compressed, 0xff, 0xff, 0xff, 0xff]);
        stream.send_data(prefix, false).unwrap();
        let status = read_answer(answer).await.status();
        // Had a single byte been reserved for it, the answer would be overload.
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(
            status.message(),
            "the request has 4294967295 bytes as sent, max_request_size is 67108864"
        );
        assert!(status.details().is_empty(), "no RetryInfo");
    }
}

#[tokio::test]
async fn a_message_of_the_limit_passes_and_one_byte_more_does_not() {
    let fixture = Fixture::configured(|config| {
        config.grpc.as_mut().unwrap().max_request_size_bytes = 1_000;
    })
    .await;
    let client = RawClient::connect(fixture.grpc()).await;
    let of = |bytes| vec![framed(0, &vec![0; bytes])];
    assert_eq!(client.export(None, of(1_000)).await.code(), 0);
    let answer = client.export(None, of(1_001)).await;
    assert_eq!(answer.code(), Code::ResourceExhausted as i32);
}

#[tokio::test]
async fn a_large_message_is_refused_and_the_connection_lives_on() {
    let fixture = Fixture::configured(|config| {
        config.grpc.as_mut().unwrap().max_request_size_bytes = 1 << 20;
    })
    .await;
    let client = RawClient::connect(fixture.grpc()).await;
    let large = framed(0, &vec![0; 3 << 20]);
    let answer = client.export(None, vec![large]).await;
    assert_eq!(answer.code(), Code::ResourceExhausted as i32);
    let answer = client.export(None, vec![framed(0, b"")]).await;
    assert_eq!(answer.code(), 0);
}

#[tokio::test]
async fn a_bomb_is_resource_exhausted_within_the_limit() {
    // One byte beyond the limit may be held to tell it from more, beside what was sent.
    let bomb = bomb();
    let mut config = config();
    config.grpc.as_mut().unwrap().max_request_size_bytes = 4 << 20;
    let memory_bytes = (4 << 20) + 1 + bomb.len() as u64;
    let fixture = Fixture::with(config, Recorder::new(), memory_bytes).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let status = client
        .export(Some("gzip"), vec![framed(1, &bomb)])
        .await
        .status();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(
        status.message().contains("inflated"),
        "{}",
        status.message()
    );
    assert!(status.details().is_empty(), "no RetryInfo");
    assert_eq!(fixture.memory.used_bytes(), 0);
}

#[tokio::test]
async fn an_unknown_compression_is_unimplemented_and_told_what_is_known() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let answer = client.export(Some("snappy"), vec![framed(1, b"x")]).await;
    assert_eq!(answer.code(), Code::Unimplemented as i32);
    let accepted = answer.headers.get("grpc-accept-encoding").unwrap();
    assert_eq!(accepted, "identity,gzip,zstd");
}

#[tokio::test]
async fn a_message_that_is_not_compressed_passes_whatever_the_header_says() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    for encoding in ["gzip", "identity", "snappy"] {
        let answer = client.export(Some(encoding), vec![framed(0, b"")]).await;
        assert_eq!(answer.code(), 0, "{encoding}");
    }
}

#[tokio::test]
async fn a_compressed_flag_without_a_compression_is_internal() {
    for encoding in [None, Some("identity")] {
        let status = export_status(encoding, vec![framed(1, b"x")]).await;
        assert_eq!(status.code(), Code::Internal);
    }
}

#[tokio::test]
async fn a_compressed_flag_other_than_0_and_1_is_internal() {
    let status = export_status(None, vec![framed(2, b"x")]).await;
    assert_eq!(status.code(), Code::Internal);
}

#[tokio::test]
async fn a_message_cut_short_is_internal() {
    let whole = framed(0, &request(3));
    for length in [1, 4, 5, 6, whole.len() - 1] {
        let status = export_status(None, vec![whole.slice(..length)]).await;
        assert_eq!(status.code(), Code::Internal, "{length}");
    }
}

#[tokio::test]
async fn no_message_and_more_than_one_are_unimplemented() {
    let one = framed(0, &request(1));
    let two = [one.clone(), one.clone()].concat();
    let trailing = [one.as_ref(), b"x"].concat();
    for frames in [
        vec![],
        vec![Bytes::new()],
        vec![Bytes::from(two)],
        vec![one.clone(), one],
        vec![Bytes::from(trailing)],
    ] {
        let status = export_status(None, frames).await;
        assert_eq!(status.code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn another_content_type_is_415_and_another_method_405() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let mut head = export_head(None);
    head.headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    let answer = client.send(head, vec![Bytes::from("{}")]).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let text = String::from_utf8(answer.data).unwrap();
    assert!(text.contains("application/grpc"), "{text}");

    let mut head = export_head(None);
    *head.method_mut() = http::Method::PUT;
    let answer = client.send(head, vec![framed(0, b"")]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers.get("allow").unwrap(), "POST");
}

#[tokio::test]
async fn content_types_of_grpc_are_taken_with_proto_and_parameters() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    for content_type in ["application/grpc+proto", "application/grpc; charset=utf-8"] {
        let mut head = export_head(None);
        head.headers_mut()
            .insert("content-type", content_type.parse().unwrap());
        let answer = client.send(head, vec![framed(0, b"")]).await;
        assert_eq!(answer.code(), 0);
    }
}

#[tokio::test]
async fn otlp_http_sent_to_the_grpc_port_is_told_so() {
    let fixture = Fixture::start().await;
    let answer = client()
        .post(format!("http://{}/v1/traces", fixture.grpc()))
        .header("content-type", "application/x-protobuf")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 415);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("OTLP/HTTP has another port")
    );
}
