//! What a replica tells of itself at a moment, read from its Prometheus metrics.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::metrics::names;

/// A scrape that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Some of a replica's metrics.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Spans received since the start.
    pub spans_received: f64,
    /// Undecided traces held.
    pub traces_held: f64,
    /// Bytes held for them.
    pub bytes_held: f64,
    /// Traces kept since the start, by policy.
    pub traces_kept: BTreeMap<String, f64>,
    /// Traces not kept.
    pub traces_not_kept: f64,
}

impl Snapshot {
    /// Reads the metrics served at `admin`.
    ///
    /// # Errors
    /// Whatever keeps the answer from being read.
    pub async fn scrape(admin: SocketAddr) -> io::Result<Self> {
        let exchange = async {
            let mut connection = TcpStream::connect(admin).await?;
            // HTTP/1.0: the answer ends with the connection and is never chunked.
            let request = format!("GET /metrics HTTP/1.0\r\nHost: {admin}\r\n\r\n");
            connection.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            let mut limited = connection.take(ANSWER_BYTES_MAX);
            limited.read_to_string(&mut answer).await?;
            Ok(Self::parse(&answer))
        };
        tokio::time::timeout(TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Adds what another replica tells.
    pub fn add(&mut self, other: &Self) {
        self.add_counts(other);
        self.traces_held += other.traces_held;
        self.bytes_held += other.bytes_held;
    }

    /// Adds what another replica has counted, but not what it holds: it is gone.
    pub fn add_counts(&mut self, other: &Self) {
        self.spans_received += other.spans_received;
        for (policy, traces) in &other.traces_kept {
            *self.traces_kept.entry(policy.clone()).or_default() += traces;
        }
        self.traces_not_kept += other.traces_not_kept;
    }

    /// Reads Prometheus text; lines of other metrics, or of none, are skipped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut snapshot = Self::default();
        for (name, labels, value) in text.lines().filter_map(sample) {
            match name {
                names::ROUTER_SPANS_RECEIVED => snapshot.spans_received += value,
                names::BUFFER_TRACES => snapshot.traces_held += value,
                names::BUFFER_BYTES => snapshot.bytes_held += value,
                names::SAMPLER_TRACES_DECIDED => {
                    if label(labels, "decision") != Some("sampled") {
                        snapshot.traces_not_kept += value;
                    } else if let Some(policy) = label(labels, "policy").filter(|p| !p.is_empty()) {
                        *snapshot.traces_kept.entry(policy.to_owned()).or_default() += value;
                    }
                }
                _ => {}
            }
        }
        snapshot
    }
}

/// Name, labels and value of a line such as `name{label="value"} 1.5`.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    match series.split_once('{') {
        None => Some((series, "", value)),
        Some((name, labels)) => Some((name, labels.strip_suffix('}')?, value)),
    }
}

/// The value of a label; escapes are left as they are.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let start = labels.match_indices(name).find_map(|(at, _)| {
        let at_border = at == 0 || labels.get(..at)?.ends_with(',');
        let rest = labels.get(at + name.len()..)?.strip_prefix("=\"")?;
        at_border.then_some(rest)
    })?;
    start.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Registry;

    #[test]
    fn what_a_replica_counts_is_read_back() {
        let registry = Registry::new();
        registry.router().spans_received.increment(700);
        for shard in 0..2 {
            let buffer = registry.buffer(shard);
            buffer.traces.set(20.0);
            buffer.held_bytes.set(5_000.0);
        }
        let sampler = registry.sampler(["errors", "a-tenth"].into_iter(), [].into_iter());
        for (policy, decision, traces) in [(0, 0, 3), (1, 0, 4), (1, 1, 5), (2, 1, 6), (2, 2, 7)] {
            sampler.decided[policy][decision].traces.increment(traces);
        }
        assert_eq!(
            Snapshot::parse(&registry.render()),
            Snapshot {
                spans_received: 700.0,
                traces_held: 40.0,
                bytes_held: 10_000.0,
                traces_kept: [("a-tenth".into(), 4.0), ("errors".into(), 3.0)].into(),
                traces_not_kept: 18.0,
            }
        );
    }

    #[test]
    fn labels_are_told_from_the_ends_of_others() {
        let labels = "sub_policy=\"x\",policy=\"y\"";
        assert_eq!(label(labels, "policy"), Some("y"));
        assert_eq!(label(labels, "sub_policy"), Some("x"));
        assert_eq!(label(labels, "decision"), None);
    }
}
