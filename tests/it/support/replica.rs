//! `tailsieve run` as a child process: its own folder, free ports, logs kept, killed when dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;

use super::accounting::Status;
use super::files::read_kept;
use super::grpc::GrpcClient;
use super::{DEADLINE, eventually, http};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_tailsieve");

/// Keeps every trace, and holds it for longer than any test runs: it is decided when memory is short or at shutdown.
pub(crate) const KEEP_ALL_AT_THE_END: &str =
    "decision_wait: 1h\npolicies: [{name: all, type: always_sample}]\n";

/// Keeps every trace, soon.
pub(crate) const KEEP_ALL: &str =
    "decision_wait: 50ms\npolicies: [{name: all, type: always_sample}]\n";

/// A running replica.
pub(crate) struct Replica {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    child: Child,
    log: Log,
    /// Ends with the log.
    reader: JoinHandle<()>,
    folder: TempDir,
}

/// What a replica left behind.
pub(crate) struct Ended {
    pub(crate) exit_code: Option<i32>,
    /// Its log as JSON, an event each.
    pub(crate) log: Vec<Value>,
    /// What its file exporter wrote, in order.
    pub(crate) kept: Vec<ExportTraceServiceRequest>,
}

type Log = Arc<Mutex<Vec<String>>>;

impl Replica {
    /// Starts a replica with these two files and waits until it is ready. Ports are free ones whatever the files say.
    pub(crate) async fn start(server_file: &str, policy_file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("policies.yaml"), policy_file).unwrap();
        Self::start_in(folder, server_file, Some("policies.yaml")).await
    }

    /// The same in `folder`, with the policies that stand there at this path, or the built-in ones.
    pub(crate) async fn start_in(
        folder: TempDir,
        server_file: &str,
        policies: Option<&str>,
    ) -> Self {
        fs::write(folder.path().join("tailsieve.yaml"), server_file).unwrap();
        let mut command = Command::new(BINARY);
        command
            .args(["run", "--config", "tailsieve.yaml"])
            .args(policies.map(|path| format!("--policies={path}")))
            .args([
                "--grpc-endpoint",
                "127.0.0.1:0",
                "--http-endpoint",
                "127.0.0.1:0",
            ])
            .args(["--admin-endpoint", "127.0.0.1:0", "--log-format", "json"])
            .current_dir(folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let log = Log::default();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = tokio::time::timeout(DEADLINE, async {
            while let Some(line) = lines.next_line().await.unwrap() {
                log.lock().push(line.clone());
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if event["message"] == "ready" {
                    return event;
                }
            }
            panic!("the replica ended before it was ready: {:#?}", log.lock());
        });
        let ready = ready.await.expect("the replica is ready in time");
        let later = Arc::clone(&log);
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                later.lock().push(line);
            }
        });
        let address = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        Self {
            grpc: address("grpc"),
            http: address("http"),
            admin: address("admin"),
            child,
            log,
            reader,
            folder,
        }
    }

    /// The folder that it runs in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A new connection to the gRPC port.
    pub(crate) async fn client(&self) -> GrpcClient {
        GrpcClient::connect(self.grpc).await
    }

    /// `/api/v1/status`.
    pub(crate) async fn status(&self) -> Status {
        let answer = http::get(self.admin, "/api/v1/status").await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The value of the first series of `/metrics` that begins with `series`; 0 if there is none.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let answer = http::get(self.admin, "/metrics").await;
        let text = String::from_utf8(answer.body).unwrap();
        let line = text.lines().find(|line| line.starts_with(series));
        line.map_or(0.0, |line| {
            line.rsplit(' ').next().unwrap().parse().unwrap()
        })
    }

    /// Waits until nothing is held any more, and checks that the books are balanced (contract I2).
    pub(crate) async fn settle(&self) -> Status {
        let settled = || async {
            let status = self.status().await;
            status.holds_nothing().then_some(status)
        };
        let status = eventually("nothing is held any more", settled).await;
        status.assert_balanced();
        status
    }

    /// Waits until nothing is charged to the budget any more (contract I4).
    pub(crate) async fn returns_memory(&self) {
        let is_empty = || async { (self.status().await.memory.used_bytes == 0).then_some(()) };
        eventually("the memory comes back", is_empty).await;
    }

    /// Waits until `spans` are buffered or decided, and checks the books.
    pub(crate) async fn take_in(&self, spans: u64) {
        let taken = || async {
            let status = self.status().await;
            (status.spans.received == spans && status.unaccounted_spans == 0).then_some(())
        };
        eventually("all spans are taken in", taken).await;
    }

    /// Sends the process a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it still runs").to_string();
        let kill = format!("kill -{name} {id}");
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success(), "{kill}");
    }

    /// Peak resident memory so far, in bytes; `None` where the system does not tell.
    pub(crate) fn peak_memory_bytes(&self) -> Option<u64> {
        let id = self.child.id()?;
        let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib << 10)
    }

    /// Whether an event with this message has been logged.
    pub(crate) fn has_logged(&self, message: &str) -> bool {
        self.times_logged(message) > 0
    }

    /// How many events with this message have been logged.
    pub(crate) fn times_logged(&self, message: &str) -> usize {
        let log = self.log.lock();
        log.iter().filter(|line| line.contains(message)).count()
    }

    /// Waits for the process to end by itself or by a signal sent before.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(DEADLINE, self.child.wait());
        let status = status.await.expect("the replica ends in time").unwrap();
        (&mut self.reader).await.unwrap();
        let log = self.log.lock();
        let log = log
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_default());
        Ended {
            exit_code: status.code(),
            log: log.collect(),
            kept: read_kept(&self.folder.path().join("data/kept")),
        }
    }

    /// Ends the replica with SIGTERM; all it holds is decided and exported, and the exit code says so.
    pub(crate) async fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.ended().await;
        assert_eq!(ended.exit_code, Some(0), "{:#?}", ended.log);
        ended.assert_contracts_held();
        ended
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the replica\n{}", self.log.lock().join("\n"));
        }
    }
}

impl Ended {
    /// The process found no contract broken and had no error to tell.
    pub(crate) fn assert_contracts_held(&self) {
        let errors = self.log.iter().filter(|event| event["level"] == "ERROR");
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<&Value>::new());
    }

    /// The message of the first event of this level.
    pub(crate) fn first_of_level(&self, level: &str) -> Option<&Value> {
        self.log.iter().find(|event| event["level"] == level)
    }
}
