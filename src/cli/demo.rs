//! `tailsieve demo`: generator, replica or replicas, and sink as child processes, watched and then checked.

mod cluster;
mod screen;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::screen::Screen;
use super::{output, runtime, values};
use crate::clock::{Clock, Moment};
use crate::config::DEFAULT_POLICIES;
use crate::tools::demo::process::{Process, free_addresses};
use crate::tools::demo::snapshot::Snapshot;
use crate::tools::demo::verdict::Verdict;

/// In the default policies, and what the demo makes of it: nobody wants to watch for half a minute.
const DEFAULT_WAIT: &str = "decision_wait: 30s";
const DEMO_WAIT: &str = "decision_wait: 2s";

/// Time between a trace's first and last request: far below the wait, so that a busy machine does not tear traces apart.
const SPREAD: Duration = Duration::from_millis(500);

/// How long the demo takes if nobody says; of several replicas, twice what it takes to stop, add and kill one.
const RUN_FOR: Duration = Duration::from_secs(20);
const RUN_FOR_OF_SEVERAL: Duration = Duration::from_secs(60);

/// The load ends this long before the demo does, so that the last traces are seen to be decided: spread and wait.
const TAIL: Duration = Duration::from_secs(3);

/// Show everything at once: a load, a replica, a backend, and a check of what came out
///
/// Starts a sink, a replica with the default policies and a generator as processes of this executable, on free ports of
/// this machine and with a temporary folder. While they run it shows what the replica tells in its metrics. At the end
/// it decides anew, from the generator's ledger alone, which traces should have been kept, and compares that with the
/// sink's ledger, trace by trace and span by span.
///
/// With --replicas the replicas form a cluster; one of them is stopped in mid-run, one is added, one is killed, each when
/// all is in order again after the one before. What the killed one held is lost, is told apart, and is no difference.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DemoArgs {
    /// How long the demo takes, at least 4s; with several replicas, longer if they need it [default: 20s, of several replicas 60s]
    #[arg(long = "for", value_name = "DURATION", value_parser = values::duration)]
    run_for: Option<Duration>,

    /// Replicas at the beginning
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    replicas: u16,

    /// Spans per second
    #[arg(long, value_name = "SPANS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,

    /// Print the result as JSON and nothing while it runs
    #[arg(long)]
    json: bool,

    /// Keep the ledgers and logs in this folder, which must not exist yet
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve demo
  tailsieve demo --for 1m --rate 50000
  tailsieve demo --replicas 3           one is stopped, one is added, one is killed
  tailsieve demo --keep demo-files      to look at the ledgers and logs afterwards

Exit codes: 0 all as it should be, 1 failed or a difference, 2 wrong arguments";

/// The first signal ends the demo in order, the second at once.
struct Signals {
    stop: CancellationToken,
    impatient: CancellationToken,
}

/// Where the children listen.
struct Addresses {
    sink_grpc: SocketAddr,
    sink_http: SocketAddr,
    grpc: SocketAddr,
    http: SocketAddr,
    admin: SocketAddr,
}

/// The demo's folder; removed with all in it unless it is kept.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl DemoArgs {
    /// Runs the demo and prints its result.
    ///
    /// # Errors
    /// Whatever keeps a child from running or ending well.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        ensure!(
            self.run_for() > TAIL,
            "--for: the demo takes 4s or more, {} of them to see the last traces decided",
            format_args!("{TAIL:?}")
        );
        let folder = Folder::create(self.keep.clone())?;
        let loss = runtime::new(1)?.block_on(async {
            let signals = Signals::listen()?;
            if self.replicas > 1 {
                return cluster::run(&self, &folder.path, &signals).await;
            }
            self.run(&folder.path, &signals).await.map(|()| None)
        })?;
        let (sent, got) = (
            folder.path.join("sent.jsonl"),
            folder.path.join("got.jsonl"),
        );
        let verdict = Verdict::of_files(&sent, &got, |sent| {
            loss.as_ref().is_some_and(|loss| loss.covers(sent))
        })?;
        let text = if self.json {
            serde_json::to_string(&verdict)?
        } else {
            format!("\n{verdict}")
        };
        output::write(|out| writeln!(out, "{text}"))?;
        Ok(match verdict.is_good() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    /// From the first child's start to the last one's end.
    async fn run(&self, folder: &Path, signals: &Signals) -> anyhow::Result<()> {
        let addresses = Addresses::free()?;
        fs::write(
            folder.join("policies.yaml"),
            DEFAULT_POLICIES.replace(DEFAULT_WAIT, DEMO_WAIT),
        )
        .context("cannot write the policies")?;
        let mut sink = Process::start("sink", folder, addresses.sink_args())?;
        sink.ready(addresses.sink_grpc).await?;
        let mut replica = Process::start("replica", folder, addresses.replica_args())?;
        replica.ready(addresses.grpc).await?;
        let mut generator = Process::start("generator", folder, self.load_args(&addresses))?;

        let clock = Clock::system();
        let end = clock.now().after(self.run_for());
        let mut generator_is_done = false;
        let watched = self.watch(addresses.admin, &clock, end);
        tokio::pin!(watched);
        loop {
            tokio::select! {
                () = &mut watched => break,
                () = signals.stop.cancelled() => break,
                error = replica.failed() => return Err(error.into()),
                error = sink.failed() => return Err(error.into()),
                ended = generator.finished(), if !generator_is_done => {
                    ended?;
                    generator_is_done = true;
                }
            }
        }
        if !generator_is_done {
            generator.terminate(&signals.impatient).await?;
        }
        replica.terminate(&signals.impatient).await?;
        sink.terminate(&signals.impatient).await?;
        Ok(())
    }

    /// Shows the replica's metrics every second until `end`.
    async fn watch(&self, admin: SocketAddr, clock: &Clock, end: Moment) {
        let start = clock.now();
        let mut screen = Screen::new(self.run_for());
        for second in 1.. {
            let next = start.after(Duration::from_secs(second)).min(end);
            tokio::time::sleep(next.since(clock.now())).await;
            let now = clock.now();
            // A replica that is too busy to tell is asked again a second later.
            if let (false, Ok(snapshot)) = (self.json, Snapshot::scrape(admin).await) {
                let frame = screen.draw(&snapshot, now.since(start), &[]);
                // A screen that cannot be drawn does not end the demo.
                let _ = output::write(|out| write!(out, "{frame}"));
            }
            if now >= end {
                return;
            }
        }
    }

    fn run_for(&self) -> Duration {
        self.run_for.unwrap_or(match self.replicas {
            1 => RUN_FOR,
            _ => RUN_FOR_OF_SEVERAL,
        })
    }

    /// The load for the one replica.
    fn load_args(&self, addresses: &Addresses) -> Vec<String> {
        let duration_ms = (self.run_for() - TAIL).as_millis();
        let mut args = self.generator_args(SPREAD);
        args.push(format!("--endpoint=http://{}", addresses.grpc));
        args.push(format!("--duration={duration_ms}ms"));
        args
    }

    /// The load, without where it goes and how long it lasts.
    fn generator_args(&self, spread: Duration) -> Vec<String> {
        vec![
            "generate".into(),
            format!("--rate={}", self.rate),
            format!("--spread={}ms", spread.as_millis()),
            "--error-rate=2%".into(),
            "--slow-rate=2%".into(),
            "--ledger=sent.jsonl".into(),
            "--json".into(),
        ]
    }
}

impl Addresses {
    fn free() -> anyhow::Result<Self> {
        let [sink_grpc, sink_http, grpc, http, admin] =
            free_addresses().context("cannot find free ports")?;
        Ok(Self {
            sink_grpc,
            sink_http,
            grpc,
            http,
            admin,
        })
    }

    fn sink_args(&self) -> Vec<String> {
        vec![
            "sink".into(),
            format!("--grpc-endpoint={}", self.sink_grpc),
            format!("--http-endpoint={}", self.sink_http),
            "--ledger=got.jsonl".into(),
            "--json".into(),
        ]
    }

    fn replica_args(&self) -> Vec<String> {
        vec![
            "run".into(),
            "--policies=policies.yaml".into(),
            format!("--grpc-endpoint={}", self.grpc),
            format!("--http-endpoint={}", self.http),
            format!("--admin-endpoint={}", self.admin),
            format!("--exporter-endpoint=http://{}", self.sink_grpc),
        ]
    }
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        let mut terminations =
            signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let signals = Self {
            stop: CancellationToken::new(),
            impatient: CancellationToken::new(),
        };
        let tokens = [signals.stop.clone(), signals.impatient.clone()];
        tokio::spawn(async move {
            for token in tokens {
                tokio::select! {
                    _ = interrupts.recv() => token.cancel(),
                    _ = terminations.recv() => token.cancel(),
                }
            }
        });
        Ok(signals)
    }
}

impl Folder {
    fn create(kept: Option<PathBuf>) -> anyhow::Result<Self> {
        let keep = kept.is_some();
        let path = kept.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("tailsieve-demo-{:016x}", rand::random::<u64>()))
        });
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let path = fs::canonicalize(&path).context("cannot find the demo's folder")?;
        Ok(Self { path, keep })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // Nothing to be done about a temporary folder that stays.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_waits_shorter_than_the_default_policies() {
        assert_eq!(DEFAULT_POLICIES.matches(DEFAULT_WAIT).count(), 1);
    }

    #[test]
    fn the_children_understand_their_arguments() {
        let addresses = Addresses::free().unwrap();
        let demo = DemoArgs {
            run_for: Some(Duration::from_secs(10)),
            replicas: 1,
            rate: 5_000,
            json: false,
            keep: None,
        };
        for args in [
            addresses.sink_args(),
            addresses.replica_args(),
            demo.load_args(&addresses),
        ] {
            let args = ["tailsieve".to_owned()].into_iter().chain(args);
            super::super::command().try_get_matches_from(args).unwrap();
        }
    }
}
