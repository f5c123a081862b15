//! A child process on chosen cores: its CPU time and its memory as the kernel counts them.
//!
//! CPU time is the first field of each thread's `schedstat`, in nanoseconds. Threads come and go (tokio's blocking
//! pool), so they are looked at twice a second; what a thread did between the last look and its end is missed, and
//! those threads end after ten idle seconds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};

const LOOK_INTERVAL: Duration = Duration::from_millis(500);
const READY_TRIES: u32 = 500;
const READY_INTERVAL: Duration = Duration::from_millis(20);

/// Below those of outgoing connections, as Linux comes.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A child; killed when dropped.
pub(crate) struct Process {
    child: Child,
    name: String,
}

/// CPU time by name of thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cpu(pub(crate) BTreeMap<String, ThreadTime>);

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ThreadTime {
    pub(crate) run_ns: u64,
    /// Context switches, voluntary or not.
    pub(crate) switches: u64,
}

/// Resident memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resident {
    pub(crate) anonymous_bytes: u64,
    pub(crate) file_bytes: u64,
}

type Threads = BTreeMap<u32, (String, ThreadTime)>;

/// A port of the loopback that nobody has at the moment, for TCP and for UDP; another one each time.
///
/// It is none of those that the system gives to outgoing connections, for it may be long until it is listened at.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(61);
    for _ in 0..PORTS.len() {
        let place = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % PORTS.len() as u32;
        let port = PORTS.start + place as u16;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port of {PORTS:?} is free")
}

/// Waits until somebody listens at `address`.
pub(crate) fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..READY_TRIES {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(READY_INTERVAL);
    }
    bail!("nobody listens at {address}")
}

impl Process {
    /// Starts `program` on `cores`; its output goes to `log`, or is kept for [`Self::end`] when `log` is none.
    pub(crate) fn start(
        cores: &str,
        program: &Path,
        arguments: &[String],
        log: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let name = program.display().to_string();
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).arg(program).args(arguments);
        match log {
            Some(path) => {
                let file = File::create(path)?;
                command.stdout(file.try_clone()?).stderr(file);
            }
            None => {
                command.stdout(Stdio::piped());
            }
        }
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {name} by taskset (util-linux)"))?;
        Ok(Self { child, name })
    }

    /// CPU time over the next `time`.
    pub(crate) fn cpu_during(&self, time: Duration) -> anyhow::Result<Cpu> {
        let mut total = Cpu::default();
        let mut before = self.threads()?;
        let looks = (time.as_secs_f64() / LOOK_INTERVAL.as_secs_f64()).round() as u32;
        for _ in 0..looks.max(1) {
            std::thread::sleep(time / looks.max(1));
            let now = self.threads()?;
            for (id, (name, time)) in &now {
                let earlier = before.get(id).map(|(_, time)| *time).unwrap_or_default();
                total.add(name, time.since(earlier));
            }
            before = now;
        }
        Ok(total)
    }

    pub(crate) fn resident(&self) -> anyhow::Result<Resident> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name| field_number(&status, name).map(|kib| kib * 1_024);
        Ok(Resident {
            anonymous_bytes: field("RssAnon:").context("no RssAnon")?,
            file_bytes: field("RssFile:").context("no RssFile")?,
        })
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the process to end (SIGTERM) and waits for it; gives its standard output where that was kept.
    pub(crate) fn end(mut self) -> anyhow::Result<(ExitStatus, String)> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let mut output = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut output)?;
        }
        Ok((self.child.wait()?, output))
    }

    /// Ends the process as a crash would (SIGKILL).
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn threads(&self) -> anyhow::Result<Threads> {
        let mut threads = Threads::new();
        let folder = format!("/proc/{}/task", self.child.id());
        for entry in fs::read_dir(&folder).with_context(|| format!("{} has ended", self.name))? {
            let path = entry?.path();
            // A thread may end while it is looked at.
            let Some((id, name, time)) = read_thread(&path) else {
                continue;
            };
            threads.insert(id, (name, time));
        }
        Ok(threads)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            let _gone = self.child.kill();
            let _status = self.child.wait();
        }
    }
}

impl Cpu {
    pub(crate) fn run_ns(&self) -> u64 {
        self.0.values().map(|time| time.run_ns).sum()
    }

    pub(crate) fn switches(&self) -> u64 {
        self.0.values().map(|time| time.switches).sum()
    }

    fn add(&mut self, name: &str, time: ThreadTime) {
        let sum = self.0.entry(name.to_owned()).or_default();
        sum.run_ns += time.run_ns;
        sum.switches += time.switches;
    }
}

impl ThreadTime {
    fn since(self, earlier: Self) -> Self {
        Self {
            run_ns: self.run_ns.saturating_sub(earlier.run_ns),
            switches: self.switches.saturating_sub(earlier.switches),
        }
    }
}

impl Resident {
    pub(crate) fn bytes(self) -> u64 {
        self.anonymous_bytes + self.file_bytes
    }
}

fn read_thread(path: &Path) -> Option<(u32, String, ThreadTime)> {
    let id = path.file_name()?.to_str()?.parse().ok()?;
    let name = fs::read_to_string(path.join("comm")).ok()?;
    let schedule = fs::read_to_string(path.join("schedstat")).ok()?;
    let status = fs::read_to_string(path.join("status")).ok()?;
    let switches = field_number(&status, "voluntary_ctxt_switches:")?
        + field_number(&status, "nonvoluntary_ctxt_switches:")?;
    let time = ThreadTime {
        run_ns: schedule.split_ascii_whitespace().next()?.parse().ok()?,
        switches,
    };
    Some((id, name.trim().to_owned(), time))
}

fn field_number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}
