//! Destinations that go away and come back, over real connections and on a real disk.

use super::*;
use crate::exporter::config::Compression;
use crate::exporter::test_backend::Backend;

type Kind = fn(OtlpConfig) -> Destination;

fn quick_retry() -> RetryConfig {
    RetryConfig {
        initial_interval: Duration::from_millis(5),
        max_interval: Duration::from_millis(20),
        ..RetryConfig::default()
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn survives_an_outage(kind: Kind) {
    let rig = Rig::new();
    let backend = Backend::start().await;
    let address = backend.address;
    let config = OtlpConfig {
        retry: quick_retry(),
        ..backend.plain_config()
    };
    let exporter = rig.start(kind(config), queue(1));
    exporter.offer(rig.batch(1, "before")).unwrap();
    until(|| exporter.status().sent_spans == 1).await;
    drop(backend);
    for text in ["1", "2", "3"] {
        exporter.offer(rig.batch(1, text)).unwrap();
    }
    until(|| exporter.status().failing).await;
    assert_eq!(exporter.pending(), (3, 3));
    let backend = Backend::start_at(address, None).await;
    assert_eq!(exporter.drain(MINUTE).await, 0);
    let bodies: Vec<String> = backend
        .take_seen()
        .iter()
        .map(|seen| {
            String::from_utf8_lossy(&seen.body)
                .trim_start_matches(|c: char| c < ' ')
                .to_owned()
        })
        .collect();
    assert_eq!(bodies, ["1", "2", "3"]);
    let status = exporter.status();
    assert_eq!((status.sent_spans, status.failed_spans), (4, 0));
    assert_eq!(rig.budget.used_bytes(), 0);
}

#[tokio::test]
async fn a_grpc_backend_that_dies_and_returns_gets_everything_in_order() {
    survives_an_outage(Destination::OtlpGrpc).await;
}

#[tokio::test]
async fn an_http_backend_that_dies_and_returns_gets_everything_in_order() {
    survives_an_outage(Destination::OtlpHttp).await;
}

#[tokio::test]
async fn a_backend_absent_at_the_start_is_waited_for() {
    for kind in [Destination::OtlpGrpc as Kind, Destination::OtlpHttp as Kind] {
        let rig = Rig::new();
        let absent = Backend::start().await;
        let address = absent.address;
        let config = OtlpConfig {
            retry: quick_retry(),
            compression: Compression::Gzip,
            ..absent.plain_config()
        };
        drop(absent);
        let exporter = rig.start(kind(config), queue(4));
        exporter.offer(rig.batch(1, "a")).unwrap();
        until(|| exporter.status().failing).await;
        let backend = Backend::start_at(address, None).await;
        assert_eq!(exporter.drain(MINUTE).await, 0);
        assert_eq!(backend.take_seen().len(), 1);
    }
}

#[tokio::test]
async fn settings_that_cannot_work_fail_the_start() {
    let config = ExporterConfig {
        name: "otlp".to_owned(),
        destination: Destination::OtlpGrpc(OtlpConfig::default()),
        queue: QueueConfig::default(),
    };
    let started = Exporter::start(config, Rig::new().context(), &Handle::current());
    assert!(matches!(started, Err(StartError::Endpoint { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_written_is_waited_for_and_nothing_is_lost() {
    let rig = Rig::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    std::fs::write(&path, "a file in the way").unwrap();
    let config = FileConfig {
        path: path.clone(),
        ..FileConfig::default()
    };
    let exporter = rig.start(Destination::File(config), queue(4));
    for text in ["1", "2", "3"] {
        exporter.offer(rig.batch(1, text)).unwrap();
    }
    until(|| exporter.status().failing).await;
    let error = exporter.status().last_error.unwrap();
    assert!(error.starts_with("cannot create the folder"), "{error}");
    assert_eq!(exporter.pending(), (3, 3));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(exporter.drain(MINUTE).await, 0);
    let written = std::fs::read_to_string(path.join("kept-000001.otlp.jsonl")).unwrap();
    assert_eq!(written, "1\n2\n3\n");
    assert_eq!(exporter.status().sent_spans, 3);
    assert_eq!(rig.budget.used_bytes(), 0);
}
