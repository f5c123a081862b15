//! What time and trouble do to a queue: retries, deadlines, broken connections, a destination that cannot be reached.

use std::time::Duration;

use super::super::outgoing::{Outgoing, count_failed};
use super::super::shared::Context;
use super::super::{ForwardFailure, ForwardStatus};
use super::{Queue, Returned, Then};
use crate::clock::Moment;

/// How often it is asked anew whose spans are that nobody holds, with the table unchanged.
const SPLIT_ANEW_EVERY: Duration = Duration::from_secs(1);

impl Queue {
    /// Forgets a connection; what was in flight on it is sent again, under the same names.
    pub(in super::super) fn disconnected(&mut self, connection: u32, now: Moment) {
        if self.connections.remove(&connection).is_some() && self.connections.is_empty() {
            self.cut_off_since = now;
        }
        let lost = self
            .in_flight
            .extract_if(.., |_, in_flight| in_flight.connection == connection);
        let mut lost: Vec<_> = lost.collect();
        // The last in front first, so that they are sent in the order that they had.
        lost.reverse();
        for (_, mut in_flight) in lost {
            in_flight.frame.may_be_stray();
            in_flight.frame.attempts += 1;
            self.ready.push_front(in_flight.frame);
        }
    }

    /// Does what is due; gives frames to split anew.
    pub(in super::super) fn upkeep(&mut self, now: Moment, context: &Context) -> Vec<Returned> {
        let mut returned = self.take_due(now);
        self.cancel_silent_connections(now, context);
        if self.is_gone {
            self.return_all(&mut returned, context);
        } else if !self.is_reachable(now, context) {
            self.hold_all(context);
            // What is for nobody may have come by a table that was changed a moment before it came.
            let is_due = self.life.is_none() && now.since(self.split_anew) >= SPLIT_ANEW_EVERY;
            if std::mem::take(&mut self.is_table_changed) || is_due {
                self.split_anew = now;
                self.return_waiting(&mut returned, context);
            }
        } else {
            self.is_table_changed = false;
        }
        self.give_up_late(now, context);
        self.has_ended = self.is_gone && self.is_empty();
        returned
    }

    /// What waits, for those who ask.
    pub(in super::super) fn status(&self, now: Moment, context: &Context) -> ForwardStatus {
        let frames = self.frames().filter(|frame| frame.is_owed());
        let (mut held_bytes, mut oldest) = (0, now);
        for frame in frames {
            held_bytes += frame.payload.bytes.len() as u64;
            oldest = oldest.min(frame.born);
        }
        for filling in self.filling.iter().filter(|filling| filling.room.is_held()) {
            held_bytes += filling.writer.len() as u64;
            oldest = oldest.min(filling.born);
        }
        ForwardStatus {
            replica: self.life.as_ref().map(|life| life.replica.clone()),
            is_reachable: self.is_reachable(now, context),
            connections: self.connections.len(),
            waiting_bytes: self.limit.used_bytes(),
            held_bytes,
            held_age: now.since(oldest),
            spans_acked: self.spans_acked,
        }
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &Outgoing> {
        let delayed = self.delayed.iter().map(|delayed| delayed.then.frame());
        let in_flight = self.in_flight.values().map(|in_flight| &in_flight.frame);
        self.ready.iter().chain(delayed).chain(in_flight)
    }

    fn take_due(&mut self, now: Moment) -> Vec<Returned> {
        let mut returned = Vec::new();
        let due = self.delayed.extract_if(.., |delayed| delayed.until <= now);
        for delayed in due {
            match delayed.then {
                Then::Send(frame) => self.ready.push_back(frame),
                Then::Reroute(frame) => returned.push(frame),
            }
        }
        returned
    }

    /// A connection that has said nothing of a frame for long is of no use.
    fn cancel_silent_connections(&self, now: Moment, context: &Context) {
        for in_flight in self.in_flight.values() {
            if now.since(in_flight.sent) >= context.config.answer_timeout
                && let Some(live) = self.connections.get(&in_flight.connection)
            {
                live.cancel.cancel();
            }
        }
    }

    /// Takes everything that callers wait for into the hold queue, and what that has no room for out.
    fn hold_all(&mut self, context: &Context) {
        self.seal_all(context);
        let hold_or_fail = |mut frame: Outgoing| {
            if frame.is_owed() {
                return Some(frame);
            }
            let failure = if frame.is_callers() {
                ForwardFailure::Unreachable
            } else if frame.hold(&context.hold) {
                context.metrics.spans_held.increment(frame.spans);
                return Some(frame);
            } else {
                ForwardFailure::Overloaded
            };
            frame.give_up(failure, context);
            None
        };
        let ready = std::mem::take(&mut self.ready);
        self.ready = ready.into_iter().filter_map(hold_or_fail).collect();
        let delayed = std::mem::take(&mut self.delayed);
        for mut delayed in delayed {
            if let Some(then) = delayed.then.map_frame(hold_or_fail) {
                delayed.then = then;
                self.delayed.push(delayed);
            }
        }
        let in_flight = std::mem::take(&mut self.in_flight);
        for (ticket, mut sent) in in_flight {
            sent.frame.may_be_stray();
            if let Some(frame) = hold_or_fail(sent.frame) {
                sent.frame = frame;
                self.in_flight.insert(ticket, sent);
            }
        }
    }

    /// Gives back everything, for good.
    fn return_all(&mut self, returned: &mut Vec<Returned>, context: &Context) {
        for (_, in_flight) in std::mem::take(&mut self.in_flight) {
            in_flight.frame.may_be_stray();
            self.ready.push_back(in_flight.frame);
        }
        self.return_waiting(returned, context);
    }

    /// Gives back everything that is not in flight.
    fn return_waiting(&mut self, returned: &mut Vec<Returned>, context: &Context) {
        self.seal_all(context);
        let delayed = std::mem::take(&mut self.delayed);
        let delayed = delayed.into_iter().map(|delayed| match delayed.then {
            Then::Send(frame) => Returned { frame, slots: None },
            Then::Reroute(returned) => returned,
        });
        let ready = std::mem::take(&mut self.ready);
        let ready = ready
            .into_iter()
            .map(|frame| Returned { frame, slots: None });
        for waiting in ready.chain(delayed) {
            if waiting.frame.is_callers() {
                let frame = waiting.frame;
                frame.give_up(ForwardFailure::Unreachable, context);
            } else {
                returned.push(waiting);
            }
        }
    }

    /// Gives up what callers have waited for too long.
    fn give_up_late(&mut self, now: Moment, context: &Context) {
        let deadline = context.config.deadline;
        let mut filling = self.filling.iter();
        if filling.any(|filling| now.since(filling.born) >= deadline) {
            self.seal_all(context);
        }
        let is_late = |frame: &Outgoing| !frame.is_owed() && now.since(frame.born) >= deadline;
        let ready = &mut self.ready;
        for _ in 0..ready.len() {
            let Some(frame) = ready.pop_front() else {
                break;
            };
            if is_late(&frame) {
                frame.give_up(ForwardFailure::TimedOut, context);
            } else {
                ready.push_back(frame);
            }
        }
        let delayed = &mut self.delayed;
        for late in delayed.extract_if(.., |delayed| is_late(delayed.then.frame())) {
            let frame = late.then.into_frame();
            frame.give_up(ForwardFailure::TimedOut, context);
        }
        let late = self
            .in_flight
            .extract_if(.., |_, in_flight| is_late(&in_flight.frame));
        for (_, late) in late {
            late.frame.may_be_stray();
            late.frame.give_up(ForwardFailure::TimedOut, context);
        }
    }
}

impl Outgoing {
    fn give_up(self, failure: ForwardFailure, context: &Context) {
        count_failed(&context.metrics, failure, self.spans);
        self.fail(failure, &context.accounting);
    }
}

impl Then {
    fn frame(&self) -> &Outgoing {
        match self {
            Self::Send(frame) => frame,
            Self::Reroute(returned) => &returned.frame,
        }
    }

    fn into_frame(self) -> Outgoing {
        match self {
            Self::Send(frame) => frame,
            Self::Reroute(returned) => returned.frame,
        }
    }

    fn map_frame(self, map: impl Fn(Outgoing) -> Option<Outgoing>) -> Option<Self> {
        Some(match self {
            Self::Send(frame) => Self::Send(map(frame)?),
            Self::Reroute(returned) => Self::Reroute(Returned {
                frame: map(returned.frame)?,
                slots: returned.slots,
            }),
        })
    }
}
