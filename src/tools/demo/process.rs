//! A child process of this executable: started without the parent's `TAILSIEVE_*` variables, in a process group of its
//! own (so that Ctrl-C reaches the demo alone, which ends its children in order), with its output in files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// How long a child may take to open its port, and how often that is tried.
const READY_WITHIN: Duration = Duration::from_secs(20);
const READY_POLL: Duration = Duration::from_millis(20);

/// How long a child may take to end after SIGTERM: a replica's grace period of 30 s and a little.
const END_WITHIN: Duration = Duration::from_secs(40);

/// How much of a failed child's log is shown.
const LOG_LINES_SHOWN: usize = 5;

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// A child did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started or waited for.
    #[error("cannot run the {name}")]
    Run {
        /// Which child.
        name: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended before it was told to, or not well.
    #[error("the {name} ended with {status}\n{log}")]
    Ended {
        /// Which child.
        name: &'static str,
        /// How.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// Its port did not open in time.
    #[error("the {name} did not open {address} within {READY_WITHIN:?}\n{log}")]
    NotReady {
        /// Which child.
        name: &'static str,
        /// The port.
        address: SocketAddr,
        /// The last lines of its log.
        log: String,
    },
    /// It did not end in time and was killed.
    #[error("the {name} did not end within {END_WITHIN:?} of SIGTERM and was killed")]
    Stuck {
        /// Which child.
        name: &'static str,
    },
}

impl Process {
    /// Starts this executable with `args`; its log is `<name>.log` in `folder`, which is its working folder too.
    ///
    /// # Errors
    /// [`ProcessError::Run`].
    pub fn start<S: AsRef<OsStr>>(
        name: &'static str,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Run { name, source };
        let log = folder.join(format!("{name}.log"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("TAILSIEVE_") {
                command.env_remove(variable);
            }
        }
        let child = command
            .args(args)
            .args(["--log-level", "warn"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join(format!("{name}.out"))).map_err(failed)?)
            .stderr(File::create(&log).map_err(failed)?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        Ok(Self { name, child, log })
    }

    /// Waits until the child listens on `address`.
    ///
    /// # Errors
    /// [`ProcessError`] if it ends before, or is not there in time.
    pub async fn ready(&mut self, address: SocketAddr) -> Result<(), ProcessError> {
        let connected = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(READY_POLL).await;
            }
        };
        tokio::select! {
            () = connected => return Ok(()),
            ended = self.child.wait() => return Err(self.ended(ended)),
            () = tokio::time::sleep(READY_WITHIN) => {}
        }
        Err(ProcessError::NotReady {
            name: self.name,
            address,
            log: self.last_lines(),
        })
    }

    /// Waits until the child ends by itself; ending well is the only good end.
    ///
    /// # Errors
    /// [`ProcessError`] for any other.
    pub async fn finished(&mut self) -> Result<(), ProcessError> {
        match self.child.wait().await {
            Ok(status) if status.success() => Ok(()),
            ended => Err(self.ended(ended)),
        }
    }

    /// Waits for an end that should not come.
    pub async fn failed(&mut self) -> ProcessError {
        let ended = self.child.wait().await;
        self.ended(ended)
    }

    /// Asks the child to end and waits for it; kills it when it takes too long or when `impatient` is cancelled.
    ///
    /// # Errors
    /// [`ProcessError`] if it does not end well.
    pub async fn terminate(&mut self, impatient: &CancellationToken) -> Result<(), ProcessError> {
        // A child that is gone already has no process ID; `finished` then tells how it ended.
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).map_err(|error| ProcessError::Run {
                name: self.name,
                source: error.into(),
            })?;
        }
        tokio::select! {
            ended = self.finished() => return ended,
            () = impatient.cancelled() => {}
            () = tokio::time::sleep(END_WITHIN) => {}
        }
        let name = self.name;
        let killed = self.child.kill().await;
        killed.map_err(|source| ProcessError::Run { name, source })?;
        Err(ProcessError::Stuck { name })
    }

    fn ended(&self, ended: io::Result<ExitStatus>) -> ProcessError {
        let name = self.name;
        match ended {
            Err(source) => ProcessError::Run { name, source },
            Ok(status) => ProcessError::Ended {
                name,
                status,
                log: self.last_lines(),
            },
        }
    }

    fn last_lines(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LOG_LINES_SHOWN);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

/// Loopback addresses with ports that are free at this moment; all different.
///
/// # Errors
/// When the system has none to give.
pub fn free_addresses<const N: usize>() -> io::Result<[SocketAddr; N]> {
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    // Held together until all are known: a port given back could be given again.
    let mut held = Vec::with_capacity(N);
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn free_addresses_are_different_and_free() {
        let addresses: [SocketAddr; 20] = free_addresses().unwrap();
        let different: HashSet<_> = addresses.iter().collect();
        assert_eq!(different.len(), 20);
        assert!(addresses.iter().all(|address| address.port() != 0));
    }
}
