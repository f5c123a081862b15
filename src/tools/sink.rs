//! A backend for trying things: takes OTLP, counts it, keeps books by trace, and fails on request.
//!
//! It stands behind the replica's own receivers as an [`Ingest`] of its own, and judges what it gets with its own
//! reading of protobuf.

pub mod faults;
pub mod ledger;
pub mod report;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use self::faults::{Fault, Faults};
use self::ledger::Ledger;
use self::report::{SinkReport, TraceCounts};
use super::fields::{self, Malformed};
use crate::clock::{Clock, Moment};
use crate::otlp::json;
use crate::receiver::ingest::{Accepted, Ingest, ReceivedRequest, Refusal, Rejected};

/// The backend. Clones share it.
#[derive(Debug, Clone)]
pub struct Backend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    faults: Faults,
    clock: Clock,
    start: Moment,
    counts: Mutex<Counts>,
    /// Absent where only counts are wanted.
    ledger: Option<Mutex<Ledger>>,
    lines: Option<Mutex<BufWriter<File>>>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    spans: u64,
    bytes: u64,
    failed_requests: u64,
    failed_spans: u64,
    first_at: Option<Moment>,
    last_at: Option<Moment>,
    write_error: Option<io::Error>,
}

impl Backend {
    /// A backend that fails as `faults` say, keeps books in `ledger` and copies requests to `lines` where there are any.
    #[must_use]
    pub fn new(faults: Faults, clock: Clock, ledger: Option<Ledger>, lines: Option<File>) -> Self {
        Self(Arc::new(Inner {
            faults,
            start: clock.now(),
            clock,
            counts: Mutex::new(Counts::default()),
            ledger: ledger.map(Mutex::new),
            lines: lines.map(|file| Mutex::new(BufWriter::new(file))),
        }))
    }

    /// What was received so far.
    #[must_use]
    pub fn report(&self) -> SinkReport {
        let counts = self.0.counts.lock();
        let busy = match (counts.first_at, counts.last_at) {
            (Some(first), Some(last)) => last.since(first),
            _ => std::time::Duration::ZERO,
        };
        SinkReport {
            requests: counts.requests,
            spans: counts.spans,
            bytes: counts.bytes,
            failed_requests: counts.failed_requests,
            failed_spans: counts.failed_spans,
            busy_s: busy.as_secs_f64(),
            traces: self
                .0
                .ledger
                .as_ref()
                .map(|ledger| TraceCounts::of(&ledger.lock())),
        }
    }

    /// Brings everything to disk: the rest of the copied requests, and a line for each trace to `ledger_file`.
    ///
    /// # Errors
    /// The first failure to write, now or earlier.
    pub fn finish(&self, ledger_file: Option<File>) -> io::Result<()> {
        if let Some(error) = self.0.counts.lock().write_error.take() {
            return Err(error);
        }
        if let Some(lines) = &self.0.lines {
            lines.lock().flush()?;
        }
        if let (Some(file), Some(ledger)) = (ledger_file, &self.0.ledger) {
            ledger.lock().write(&mut BufWriter::new(file))?;
        }
        Ok(())
    }

    fn fail(&self, fault: Fault, body: &[u8]) -> Result<Accepted, Refusal> {
        let spans = fields::count_spans(body).unwrap_or(0);
        let mut counts = self.0.counts.lock();
        counts.failed_requests += 1;
        counts.failed_spans += spans;
        match fault {
            Fault::Unavailable => Err(Refusal::Overloaded("failing as told to".to_owned())),
            Fault::Refused => Err(Refusal::Refused("failing as told to".to_owned())),
            Fault::Partial => Ok(Accepted {
                rejected: Some(Rejected {
                    spans,
                    message: "failing as told to".to_owned(),
                }),
            }),
        }
    }

    fn take(&self, body: &[u8]) -> Result<Accepted, Refusal> {
        let inner = &self.0;
        let undecodable = |error: Malformed| Refusal::Undecodable(error.to_string());
        let spans = fields::count_spans(body).map_err(undecodable)?;
        if let Some(ledger) = &inner.ledger {
            ledger.lock().enter(body).map_err(undecodable)?;
        }
        let written = inner
            .lines
            .as_ref()
            .map_or(Ok(()), |lines| write_line(lines, body));
        let now = inner.clock.now();
        let mut counts = inner.counts.lock();
        counts.requests += 1;
        counts.spans += spans;
        counts.bytes += body.len() as u64;
        counts.first_at.get_or_insert(now);
        counts.last_at = Some(now);
        if let Err(error) = written {
            counts.write_error.get_or_insert(error);
        }
        Ok(Accepted::default())
    }
}

impl Ingest for Backend {
    async fn ingest(&self, request: ReceivedRequest) -> Result<Accepted, Refusal> {
        let faults = &self.0.faults;
        if !faults.delay.is_zero() {
            tokio::time::sleep(faults.delay).await;
        }
        let elapsed = self.0.clock.now().since(self.0.start);
        match faults.at(elapsed, rand::random()) {
            Some(fault) => self.fail(fault, &request.body),
            None => self.take(&request.body),
        }
    }
}

fn write_line(lines: &Mutex<BufWriter<File>>, body: &[u8]) -> io::Result<()> {
    let mut line = json::encode_request(body).map_err(io::Error::other)?;
    line.push(b'\n');
    lines.lock().write_all(&line)
}

#[cfg(test)]
mod tests;
