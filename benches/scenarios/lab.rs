//! Where scenarios run: the binaries, a folder for their files, the clock, the report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tailsieve::clock::Clock;

use super::process::Cpu;
use super::receiver::Receiver;
use super::report::Report;

/// What is measured runs here.
pub(crate) const SERVER_CORES: &str = "0";
/// Load and backend run here.
pub(crate) const LOAD_CORES: &str = "1";
/// For rows that let the system place threads.
pub(crate) const ALL_CORES: &str = "0,1";

/// Size of a span as encoded, in bytes, as the generator makes them.
pub(crate) const SPAN_BYTES: u64 = 485;

/// What every scenario is given.
pub(crate) struct Lab {
    /// The binary under test.
    pub(crate) tailsieve: PathBuf,
    /// This binary, which is also the bare receiver.
    pub(crate) own: PathBuf,
    /// Configurations and logs.
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) report: Report,
}

/// What a receiver did in a stretch of time.
pub(crate) struct Stretch {
    pub(crate) spans: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu: Cpu,
}

/// The folder of everything that is built.
pub(crate) fn target() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::env::var_os("CARGO_TARGET_DIR").map_or(beside, PathBuf::from)
}

impl Lab {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let folder = target().join("scenarios");
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            tailsieve: PathBuf::from(env!("CARGO_BIN_EXE_tailsieve")),
            own: std::env::current_exe()?,
            report: Report::open(&target().join("scenarios.jsonl"))?,
            folder,
            clock: Clock::system(),
        })
    }

    /// A file of this run, with `content`.
    pub(crate) fn write(&self, name: &str, content: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    /// Waits, then measures `receiver` for `time`.
    pub(crate) fn measure(
        &self,
        receiver: &Receiver,
        warm_up: Duration,
        time: Duration,
    ) -> anyhow::Result<Stretch> {
        std::thread::sleep(warm_up);
        let spans_before = receiver.spans_received()?;
        let begin = self.clock.now();
        let cpu = receiver.process.cpu_during(time)?;
        let seconds = self.clock.now().since(begin).as_secs_f64();
        Ok(Stretch {
            spans: receiver.spans_received()? - spans_before,
            seconds,
            cpu,
        })
    }
}

impl Stretch {
    pub(crate) fn cpu_ns_per_span(&self) -> f64 {
        self.cpu.run_ns() as f64 / self.spans.max(1) as f64
    }

    pub(crate) fn spans_per_second(&self) -> f64 {
        self.spans as f64 / self.seconds
    }

    /// Of one core.
    pub(crate) fn utilisation_percent(&self) -> f64 {
        self.cpu.run_ns() as f64 / 1e7 / self.seconds
    }

    pub(crate) fn switches_per_request(&self) -> f64 {
        self.cpu.switches() as f64 / (self.spans.max(1) as f64 / 100.0)
    }
}
