//! A child process of this executable: started without the parent's `TAILSIEVE_*` variables, in a process group of its
//! own (so that Ctrl-C reaches the demo alone, which ends its children in order), with its output in files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
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

/// How many free TCP ports are tried until one is free for UDP too.
const PORTS_TRIED: usize = 100;

/// How much of a failed child's log is shown.
const LOG_LINES_SHOWN: usize = 5;

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
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
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended before it was told to, or not well.
    #[error("the {name} ended with {status}\n{log}")]
    Ended {
        /// Which child.
        name: String,
        /// How.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// Its port did not open in time.
    #[error("the {name} did not open {address} within {READY_WITHIN:?}\n{log}")]
    NotReady {
        /// Which child.
        name: String,
        /// The port.
        address: SocketAddr,
        /// The last lines of its log.
        log: String,
    },
    /// It did not end in time and was killed.
    #[error("the {name} did not end within {END_WITHIN:?} of SIGTERM and was killed")]
    Stuck {
        /// Which child.
        name: String,
    },
}

impl Process {
    /// Starts this executable with `args`; its log is `<name>.log` in `folder`, which is its working folder too.
    ///
    /// # Errors
    /// [`ProcessError::Run`].
    pub fn start<S: AsRef<OsStr>>(
        name: &str,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Run {
            name: name.to_owned(),
            source,
        };
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
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
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
            name: self.name.clone(),
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

    /// Asks the child to end, without waiting for it.
    ///
    /// # Errors
    /// [`ProcessError::Run`].
    pub fn ask_to_end(&self) -> Result<(), ProcessError> {
        // A child that is gone already has no process ID; `finished` then tells how it ended.
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            return Ok(());
        };
        kill_process(pid, Signal::TERM).map_err(|error| self.cannot_run(error.into()))
    }

    /// Whether the child has ended, and well.
    ///
    /// # Errors
    /// [`ProcessError`] for any other end.
    pub fn has_finished(&mut self) -> Result<bool, ProcessError> {
        match self.child.try_wait() {
            Ok(None) => Ok(false),
            Ok(Some(status)) if status.success() => Ok(true),
            Ok(Some(status)) => Err(self.ended(Ok(status))),
            Err(error) => Err(self.cannot_run(error)),
        }
    }

    /// Kills the child, which gets no chance to do anything about it.
    ///
    /// # Errors
    /// [`ProcessError::Run`].
    pub async fn kill(&mut self) -> Result<(), ProcessError> {
        let killed = self.child.kill().await;
        killed.map_err(|source| self.cannot_run(source))
    }

    /// Asks the child to end and waits for it; kills it when it takes too long or when `impatient` is cancelled.
    ///
    /// # Errors
    /// [`ProcessError`] if it does not end well.
    pub async fn terminate(&mut self, impatient: &CancellationToken) -> Result<(), ProcessError> {
        self.ask_to_end()?;
        tokio::select! {
            ended = self.finished() => return ended,
            () = impatient.cancelled() => {}
            () = tokio::time::sleep(END_WITHIN) => {}
        }
        self.kill().await?;
        Err(ProcessError::Stuck {
            name: self.name.clone(),
        })
    }

    fn cannot_run(&self, source: io::Error) -> ProcessError {
        ProcessError::Run {
            name: self.name.clone(),
            source,
        }
    }

    fn ended(&self, ended: io::Result<ExitStatus>) -> ProcessError {
        match ended {
            Err(source) => self.cannot_run(source),
            Ok(status) => ProcessError::Ended {
                name: self.name.clone(),
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

/// Loopback addresses with ports that are free at this moment, for TCP and for UDP; all different.
///
/// # Errors
/// When the system has none to give.
pub fn free_addresses<const N: usize>() -> io::Result<[SocketAddr; N]> {
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    // Held together until all are known: a port given back could be given again.
    let mut held = Vec::with_capacity(N);
    for address in &mut addresses {
        let pair = free_pair()?;
        *address = pair.0.local_addr()?;
        held.push(pair);
    }
    Ok(addresses)
}

/// A port of both protocols.
fn free_pair() -> io::Result<(TcpListener, UdpSocket)> {
    for _ in 0..PORTS_TRIED {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        if let Ok(socket) = UdpSocket::bind(listener.local_addr()?) {
            return Ok((listener, socket));
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
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
