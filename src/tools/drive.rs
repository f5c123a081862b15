//! Sends what a source of requests yields, over several connections, with a bounded number of requests under way.
//!
//! Lanes (`connections x in_flight` tasks) take turns at the source: the lane whose turn it is waits for the next
//! request's moment, takes it, and passes the turn on before it sends. Requests therefore begin in the source's order
//! and on time as long as a lane is free; when none is, the wait shows in the latency from the intended moment.

use std::io;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, Client};
use super::deliver::{Delivery, Patience, deliver};
use super::message::{Compression, Message};
use super::tally::Tally;
use crate::clock::{Clock, Moment};

/// Yields requests one after another.
pub trait Source: Send + 'static {
    /// What the source wants back with the outcome of a request.
    type Receipt: Send;

    /// The next request, if it is time.
    fn next(&mut self, turn: Turn) -> Next<Self::Receipt>;

    /// Called once for each request when nothing more will be tried for it.
    fn settle(receipt: Self::Receipt, outcome: Outcome);
}

/// What a source is told when asked for its next request.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The present moment.
    pub now: Moment,
    /// The present time, in nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// The user wants an end: begin nothing new, finish what is begun.
    pub stopping: bool,
}

/// A source's answer.
#[derive(Debug)]
pub enum Next<R> {
    /// Send this now.
    Send(Outgoing<R>),
    /// Nothing is due before this moment.
    WaitUntil(Moment),
    /// There is nothing more.
    End,
}

/// A request that is due.
#[derive(Debug)]
pub struct Outgoing<R> {
    /// Its body, not yet compressed.
    pub message: Message,
    /// How many spans it carries.
    pub spans: u64,
    /// When it was meant to go out.
    pub intended: Moment,
    /// Handed back to [`Source::settle`].
    pub receipt: R,
}

/// What is known of a request's spans in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server has them all.
    Acknowledged,
    /// The server has none of them.
    Refused,
    /// The server may have some of them: no answer came, or it rejected an unnamed part.
    InDoubt,
}

/// How requests are sent.
#[derive(Debug)]
pub struct Drive {
    /// One client for each connection.
    pub clients: Vec<Client>,
    /// Requests under way at once on each.
    pub in_flight: usize,
    /// How bodies are compressed.
    pub compression: Compression,
    /// How long refused requests are tried again.
    pub patience: Patience,
    /// The clock of all moments.
    pub clock: Clock,
    /// Ends the run early and in order.
    pub stop: CancellationToken,
}

/// Sending broke down for a reason that is not the server's.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The compressor failed.
    #[error("cannot compress a request")]
    Compress(#[source] io::Error),
    /// A lane's task was killed.
    #[error("a sending task ended abruptly")]
    Lane(#[source] tokio::task::JoinError),
}

impl Drive {
    /// Sends everything `source` yields and counts in `tally`; returns when all of it is settled.
    ///
    /// # Errors
    /// [`DriveError`]; refusals are not errors but counted.
    pub async fn run<S: Source>(
        self: Arc<Self>,
        source: S,
        tally: Arc<Tally>,
    ) -> Result<(), DriveError> {
        let source = Arc::new(Mutex::new(source));
        let mut lanes = JoinSet::new();
        for _ in 0..self.in_flight.max(1) {
            for client in &self.clients {
                let (client, tally) = (client.clone(), Arc::clone(&tally));
                lanes.spawn(Arc::clone(&self).lane(client, Arc::clone(&source), tally));
            }
        }
        while let Some(ended) = lanes.join_next().await {
            ended.map_err(DriveError::Lane)??;
        }
        Ok(())
    }

    async fn lane<S: Source>(
        self: Arc<Self>,
        client: Client,
        source: Arc<Mutex<S>>,
        tally: Arc<Tally>,
    ) -> Result<(), DriveError> {
        while let Some(outgoing) = self.take(&source).await {
            let message = outgoing
                .message
                .compressed(self.compression)
                .map_err(DriveError::Compress)?;
            let delivery = deliver(&client, &message, self.patience, &self.clock).await;
            tally.record(&outgoing, message.body().len(), &delivery);
            S::settle(outgoing.receipt, Outcome::of(&delivery));
        }
        Ok(())
    }

    /// Waits for this lane's turn and for the next request's moment; `None` when there is nothing more.
    async fn take<S: Source>(&self, source: &Mutex<S>) -> Option<Outgoing<S::Receipt>> {
        let mut source = source.lock().await;
        loop {
            let turn = Turn {
                now: self.clock.now(),
                unix_ns: self.clock.unix_ns(),
                stopping: self.stop.is_cancelled(),
            };
            let until = match source.next(turn) {
                Next::Send(outgoing) => return Some(outgoing),
                Next::End => return None,
                Next::WaitUntil(until) => until,
            };
            let wait = tokio::time::sleep(until.since(turn.now));
            if turn.stopping {
                wait.await;
            } else {
                tokio::select! {
                    () = wait => {}
                    () = self.stop.cancelled() => {}
                }
            }
        }
    }
}

impl Outcome {
    fn of(delivery: &Delivery) -> Self {
        match &delivery.answer {
            Answer::Acknowledged {
                rejected_spans: 0, ..
            } => Self::Acknowledged,
            Answer::Refused { .. } if !delivery.in_doubt => Self::Refused,
            _ => Self::InDoubt,
        }
    }
}
