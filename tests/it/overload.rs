//! Without memory for a request the client is told when to try again, on both transports, and nothing of it is taken.

use prost::Message;
use tonic::Code;

use crate::support::backend::Backend;
use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{identifiers, padded, request, span};

const SMALL: &str = "\
memory: {limit: 1MiB}
receivers: {otlp: {retry_after: 1500ms}}
";

#[tokio::test]
async fn a_full_replica_answers_unavailable_with_retry_info_and_503_with_retry_after() {
    let backend = Backend::start().await;
    backend.kill();
    let replica = Replica::start(&backend.server_file(SMALL), KEEP_ALL).await;
    let client = replica.client().await;
    let mut taken = Vec::new();
    let refused = loop {
        let request = request(vec![padded(span(taken.len() as u128 + 1, 1), 50_000)]);
        let answer = client.export(&request).await;
        if answer.code() != Code::Ok {
            break answer;
        }
        taken.push(request);
        assert!(taken.len() < 100, "5 MB in 1 MiB");
    };
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(
        refused.retry_after(),
        Some(std::time::Duration::from_millis(1_500))
    );
    assert!(refused.status().message().contains("memory.limit"));

    // Larger than the room that an encoding in between may have made.
    let large = request(vec![padded(span(1_000, 1), 500_000)]);
    let answer = http::post(replica.http, &[http::PROTOBUF], large.encode_to_vec()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"));
    assert_eq!(answer.protobuf_status().code, Code::Unavailable as i32);
    let json = tailsieve::otlp::json::encode_request(&large.encode_to_vec()).unwrap();
    let answer = http::post(replica.http, &[http::JSON], json).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["code"], Code::Unavailable as i32);

    backend.revive();
    let status = replica.settle().await;
    assert_eq!(status.spans.kept, taken.len() as u64);
    assert_eq!(identifiers(&backend.requests()), identifiers(&taken));
    replica.returns_memory().await;
    let answer = client.export(&large).await;
    assert_eq!(answer.message().len(), 0, "there is room again");
    replica.settle().await;
    replica.stop().await;
}
