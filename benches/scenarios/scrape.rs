//! Reads Prometheus text from an admin port, with as little as that takes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

/// One scrape.
pub(crate) struct Scrape(String);

/// Counts of a histogram by upper bound, cumulated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets(Vec<(f64, f64)>);

/// The body that `path` at `address` answers with.
pub(crate) fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream =
        TcpStream::connect(address).with_context(|| format!("no answer at {address}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .context("an answer without a head")?;
    Ok(body.to_owned())
}

impl Scrape {
    pub(crate) fn of(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self(get(address, "/metrics")?))
    }

    /// The sum over all series of `name`.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.series(name).map(|(_, value)| value).sum()
    }

    /// The buckets of the histogram `name`, its series joined.
    pub(crate) fn buckets(&self, name: &str) -> Buckets {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (labels, count) in self.series(&format!("{name}_bucket")) {
            let bound = labels
                .split_once("le=\"")
                .and_then(|(_, rest)| rest.split_once('"'))
                .map_or(f64::INFINITY, |(bound, _)| {
                    bound.parse().unwrap_or(f64::INFINITY)
                });
            match buckets.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((bound, count)),
            }
        }
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        Buckets(buckets)
    }

    fn series(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let is_this = labels.is_empty() || labels.starts_with('{');
            Some((labels, value.parse().ok()?)).filter(|_| is_this)
        })
    }
}

impl Buckets {
    /// What was added since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            let bucket = earlier.0.iter().find(|(known, _)| *known == bound);
            bucket.map_or(0.0, |(_, count)| *count)
        };
        let added = self
            .0
            .iter()
            .map(|(bound, count)| (*bound, count - before(*bound)));
        Self(added.collect())
    }

    pub(crate) fn count(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// The bound of the bucket that holds the quantile: at most this.
    pub(crate) fn quantile_at_most(&self, quantile: f64) -> f64 {
        let wanted = self.count() * quantile;
        let holds = self
            .0
            .iter()
            .find(|(_, count)| *count >= wanted && *count > 0.0);
        holds.map_or(0.0, |(bound, _)| *bound)
    }
}
