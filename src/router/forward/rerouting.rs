//! Splits frames anew: what was refused, or owed to who is gone, goes where the present table says.

use std::sync::Arc;

use bytes::Bytes;

use super::destination::Destination;
use super::outgoing::{FRAME_BYTES, Name, Outgoing};
use super::queue::Returned;
use super::shared::Shared;
use super::{ForwardFailure, ReroutedPart, ReturnedFrame, Whither};
use crate::batch::peer::frame::{FrameKind, Payload};
use crate::batch::peer::payload::{PayloadWriter, SpansToWrite};
use crate::clock::Moment;

impl Shared {
    /// Splits `returned`, which `from` had.
    pub(super) fn split_anew(&self, returned: Returned, from: &Arc<Destination>) {
        let Returned { mut frame, slots } = returned;
        self.context.metrics.frames_rerouted.increment(1);
        let payload = frame.payload.inflated().map_err(|error| error.to_string());
        let parts = payload.and_then(|payload| {
            self.reroute.reroute(&ReturnedFrame {
                name: frame.name.get(),
                route: &frame.route,
                metadata: frame.metadata.as_ref(),
                payload: &payload,
                slots: slots.as_deref(),
            })
        });
        let parts = match parts {
            Ok(parts) => parts,
            Err(problem) => {
                tracing::error!(%problem, "a frame of this replica cannot be split anew");
                let malformed = &self.context.metrics.spans_failed_malformed;
                malformed.increment(frame.spans);
                return frame.fail(ForwardFailure::Malformed, &self.context.accounting);
            }
        };
        if let Some(waiters) = &frame.waiters {
            waiters.is_split_into(parts.len());
        }
        for part in parts {
            self.send_piece(&mut frame, part, from);
        }
    }

    fn send_piece(&self, whole: &mut Outgoing, part: ReroutedPart, from: &Arc<Destination>) {
        let now = self.context.clock.now();
        let to = match &part.to {
            Whither::There(replica) => self.destination(replica),
            Whither::Nobody => Arc::clone(self.nobody()),
            Whither::Later => return self.split_later(piece_of(whole, &part), from, now),
        };
        // The same destination again is what was tried just now.
        let until = if Arc::ptr_eq(&to, from) && whole.attempts > 0 {
            now.after(self.context.config.retry_wait(whole.attempts))
        } else {
            now
        };
        if let Err(piece) = to.insert(piece_of(whole, &part), until) {
            // It went away meanwhile.
            self.split_later(*piece, self.nobody(), now);
        }
    }

    fn split_later(&self, mut piece: Outgoing, at: &Arc<Destination>, now: Moment) {
        piece.attempts += 1;
        let wait = self.context.config.retry_wait(piece.attempts);
        let at = if at.has_ended() { self.nobody() } else { at };
        at.split_later(piece, now.after(wait));
    }
}

/// The spans of `part` as a frame of the name that `whole` has.
fn piece_of(whole: &mut Outgoing, part: &ReroutedPart) -> Outgoing {
    let mut spans = SpansToWrite::new(&part.part);
    let mut writer = PayloadWriter::with_capacity(spans.bytes_max());
    writer.append(&mut spans, usize::MAX);
    let spans = writer.spans();
    let payload = Payload::plain(Bytes::from(writer.finish()));
    let mut route = whole.route.clone();
    route.mark.clone_from(&part.mark);
    Outgoing {
        name: whole.name.clone(),
        route,
        metadata: whole.metadata.clone(),
        kind: FrameKind::Spans,
        spans,
        room: whole
            .room
            .split_off(payload.bytes.len() as u64 + FRAME_BYTES),
        payload,
        waiters: whole.waiters.clone(),
        born: whole.born,
        attempts: whole.attempts,
    }
}

impl Name {
    fn get(&self) -> Option<&crate::batch::replica::BatchName> {
        match self {
            Self::None => None,
            Self::Own(own) => Some(&own.name),
            Self::Received { name, .. } => Some(name),
        }
    }
}
