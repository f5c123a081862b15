//! What goes to one destination: frames being filled, ready, in flight, waiting for another attempt, or held.
//!
//! A synchronous state machine behind its destination's lock; time is given to it.

mod filling;
mod upkeep;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hyper::client::conn::http2::SendRequest;
use tokio_util::sync::CancellationToken;

use super::outgoing::{Name, Outgoing};
use super::shared::Context;
use super::stream::NameStream;
use super::{ForwardFailure, Outcome};
use crate::batch::peer::answer::{FrameAnswer, TicketAnswer};
use crate::batch::peer::frame::{Encoded, FrameHeader};
use crate::batch::replica::Life;
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::memory::Budget;

use filling::Filling;

/// How often all streams' low-water marks are told to a destination that frames are sent to.
const MARKS_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// The queue of one destination.
pub(super) struct Queue {
    /// Whom frames are addressed to; `None` for nobody.
    pub(super) life: Option<Life>,
    pub(super) is_suspect: bool,
    /// It died or left: everything is to be split anew.
    pub(super) is_gone: bool,
    /// Nothing is taken any more.
    pub(super) has_ended: bool,
    /// What is owed is to be split anew, if it cannot be sent.
    pub(super) is_table_changed: bool,
    /// When it was split anew last.
    split_anew: Moment,
    /// Somebody looks at it every few milliseconds.
    pub(super) is_looked_after: bool,
    pub(super) connections: BTreeMap<u32, Live>,
    pub(super) spans_acked: u64,
    connections_made: u32,
    /// Since when there is no connection, if there is none.
    cut_off_since: Moment,
    stream: Arc<NameStream>,
    limit: Budget,
    filling: Vec<Filling>,
    ready: VecDeque<Outgoing>,
    delayed: Vec<Delayed>,
    in_flight: BTreeMap<u64, InFlight>,
    tickets: u64,
    marks_told: Moment,
    typical_bytes: usize,
}

/// A connection that has greeted.
pub(super) struct Live {
    pub(super) sender: SendRequest<tonic::body::Body>,
    /// Ends it.
    pub(super) cancel: CancellationToken,
}

/// A frame to split anew.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) frame: Outgoing,
    /// The slots refused; `None`: all.
    pub(super) slots: Option<Box<SlotSet>>,
}

struct InFlight {
    connection: u32,
    sent: Moment,
    frame: Outgoing,
}

/// A frame that waits for its next attempt.
struct Delayed {
    until: Moment,
    then: Then,
}

enum Then {
    Send(Outgoing),
    Reroute(Returned),
}

impl Queue {
    pub(super) fn new(context: &Context) -> Self {
        let now = context.clock.now();
        Self {
            life: None,
            is_suspect: false,
            is_gone: false,
            has_ended: false,
            is_table_changed: false,
            split_anew: now,
            is_looked_after: false,
            connections: BTreeMap::new(),
            spans_acked: 0,
            connections_made: 0,
            cut_off_since: now,
            stream: context.new_stream(),
            limit: Budget::new(context.config.destination_bytes_max),
            filling: Vec::new(),
            ready: VecDeque::new(),
            delayed: Vec::new(),
            in_flight: BTreeMap::new(),
            tickets: 0,
            marks_told: now,
            typical_bytes: 0,
        }
    }

    /// Whether frames can be sent, or soon will be.
    pub(super) fn is_reachable(&self, now: Moment, context: &Context) -> bool {
        if self.is_suspect || self.is_gone || self.life.is_none() {
            return false;
        }
        !self.connections.is_empty()
            || now.since(self.cut_off_since) < context.config.unreachable_after
    }

    /// Whether a connection that asks for a frame now gets one.
    pub(super) fn has_next(&self, context: &Context) -> bool {
        let may_send = !self.is_suspect
            && !self.is_gone
            && self.in_flight.len() < context.config.frames_in_flight_max;
        may_send
            && (!self.ready.is_empty() || self.in_flight.is_empty() && !self.filling.is_empty())
    }

    /// Whether there is nothing to do for anyone.
    pub(super) fn is_empty(&self) -> bool {
        self.filling.is_empty()
            && self.ready.is_empty()
            && self.delayed.is_empty()
            && self.in_flight.is_empty()
    }

    /// The traces of all frames but those that are being filled.
    #[cfg(test)]
    pub(super) fn traces(&self) -> Vec<crate::otlp::ids::TraceId> {
        let spans = self.frames().flat_map(|frame| {
            let payload = frame.payload.inflated().unwrap();
            crate::otlp::wire::walk_request(&payload).unwrap().spans
        });
        spans.map(|span| span.trace_id).collect()
    }

    /// A number for a new connection; frames are given to it from now on.
    pub(super) fn connect(&mut self, live: Live) -> u32 {
        self.connections_made += 1;
        self.connections.insert(self.connections_made, live);
        self.connections_made
    }

    /// The next frame to send on `connection`, which is in flight from now on.
    pub(super) fn take_next(
        &mut self,
        connection: u32,
        now: Moment,
        context: &Context,
    ) -> Option<Encoded> {
        while self.connections.contains_key(&connection) && self.has_next(context) {
            let mut frame = self
                .ready
                .pop_front()
                .or_else(|| self.seal_first(context))?;
            let header = self.header(&mut frame, now, context)?;
            self.tickets += 1;
            let Ok(encoded) = header.encode(self.tickets, &frame.payload) else {
                frame.fail(ForwardFailure::Malformed, &context.accounting);
                continue;
            };
            let metrics = &context.metrics;
            metrics.frames_forwarded.increment(1);
            metrics
                .bytes_forwarded
                .increment(frame.payload.bytes.len() as u64);
            if frame.attempts > 0 {
                metrics.frames_retried.increment(1);
            }
            let in_flight = InFlight {
                connection,
                sent: now,
                frame,
            };
            self.in_flight.insert(self.tickets, in_flight);
            return Some(encoded);
        }
        None
    }

    /// Takes the answer to a frame; gives it back if it is to be split anew at once.
    pub(super) fn answered(
        &mut self,
        answer: TicketAnswer,
        now: Moment,
        context: &Context,
    ) -> Option<Returned> {
        let mut frame = self.in_flight.remove(&answer.ticket)?.frame;
        frame.attempts += 1;
        match answer.answer {
            FrameAnswer::Applied => {
                self.spans_acked += frame.spans;
                context.metrics.spans_forwarded.increment(frame.spans);
                frame.route.book_acked(frame.spans, &context.accounting);
                frame.settle(Outcome::Acked);
                None
            }
            FrameAnswer::PartlyRefused(slots) if frame.is_callers() => {
                frame.settle(Outcome::Refused(slots));
                None
            }
            FrameAnswer::NotMe if frame.is_callers() => {
                frame.fail(ForwardFailure::NotMe, &context.accounting);
                None
            }
            FrameAnswer::PartlyRefused(slots) => self.refused(frame, Some(slots), now, context),
            FrameAnswer::NotMe => self.refused(frame, None, now, context),
            FrameAnswer::Overloaded { retry_after } => {
                let wait = context.config.retry_wait(frame.attempts).max(retry_after);
                self.delay(now.after(wait), Then::Send(frame));
                None
            }
            FrameAnswer::Malformed { problem } => {
                tracing::error!(%problem, "another replica cannot read a frame of this one");
                context
                    .metrics
                    .spans_failed_malformed
                    .increment(frame.spans);
                frame.fail(ForwardFailure::Malformed, &context.accounting);
                None
            }
        }
    }

    /// The first refusal may be of an old table, and is acted on at once; later ones wait.
    fn refused(
        &mut self,
        frame: Outgoing,
        slots: Option<Box<SlotSet>>,
        now: Moment,
        context: &Context,
    ) -> Option<Returned> {
        let attempts = frame.attempts;
        let returned = Returned { frame, slots };
        if attempts <= 1 {
            return Some(returned);
        }
        let wait = context.config.retry_wait(attempts - 1);
        self.delay(now.after(wait), Then::Reroute(returned));
        None
    }

    /// Takes a frame that was split off another. Hands it back when this destination takes no more.
    pub(super) fn insert(
        &mut self,
        mut frame: Outgoing,
        until: Moment,
        now: Moment,
        context: &Context,
    ) -> Result<(), Box<Outgoing>> {
        if self.has_ended || self.is_gone {
            return Err(Box::new(frame));
        }
        if !self.is_reachable(now, context) {
            if frame.is_callers() {
                frame.fail(ForwardFailure::Unreachable, &context.accounting);
                return Ok(());
            }
            if !frame.hold(&context.hold) {
                frame.fail(ForwardFailure::Overloaded, &context.accounting);
                return Ok(());
            }
        }
        if until > now {
            self.delay(until, Then::Send(frame));
        } else {
            self.ready.push_back(frame);
        }
        Ok(())
    }

    /// Keeps a frame to be split again at `until`.
    pub(super) fn split_later(&mut self, frame: Outgoing, until: Moment) {
        let returned = Returned { frame, slots: None };
        self.delay(until, Then::Reroute(returned));
    }

    fn delay(&mut self, until: Moment, then: Then) {
        self.delayed.push(Delayed { until, then });
    }

    /// The header of a frame about to be sent, which gets its name now if it has none.
    fn header(
        &mut self,
        frame: &mut Outgoing,
        now: Moment,
        context: &Context,
    ) -> Option<FrameHeader> {
        if matches!(frame.name, Name::None) {
            frame.name = Name::Own(self.stream.draw(&context.life()));
        }
        let (name, low_water) = match &frame.name {
            Name::Own(own) => (own.name.clone(), own.low_water(now)),
            Name::Received { name, low_water } => (name.clone(), *low_water),
            Name::None => return None,
        };
        let mut marks = Vec::new();
        // Marks are taken for those of the name's sender: with the name of another replica they would be lies.
        let is_own = matches!(frame.name, Name::Own(_));
        if is_own && now.since(self.marks_told) >= MARKS_EVERY {
            self.marks_told = now;
            marks = context.marks(now);
        }
        Some(FrameHeader {
            name,
            low_water,
            marks,
            addressee: self.life.clone()?,
            path: frame.route.path.clone(),
            mark: frame.route.mark.clone(),
            first_names: frame.route.first_names.clone(),
            metadata: frame.metadata.clone(),
            kind: frame.kind.clone(),
        })
    }
}
