//! Frames being filled: parts of many requests that go the same way together.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::outgoing::{FRAME_BYTES, Name, Outgoing, Room, Waiters, count_failed};
use super::super::shared::Context;
use super::super::{ForwardFailure, Outcome, Pending, Route};
use super::Queue;
use crate::batch::metadata::RequestMetadata;
use crate::batch::peer::frame::{FrameKind, Payload};
use crate::batch::peer::payload::{PayloadWriter, SpansToWrite};
use crate::batch::sub_batch::SubBatch;
use crate::clock::Moment;

/// A frame under construction.
pub(super) struct Filling {
    pub(super) writer: PayloadWriter,
    pub(super) route: Route,
    pub(super) metadata: Option<Arc<RequestMetadata>>,
    pub(super) room: Room,
    pub(super) waiters: Vec<oneshot::Sender<Outcome>>,
    pub(super) born: Moment,
}

impl Queue {
    /// Copies the spans of `part` into frames.
    pub(in super::super) fn append(
        &mut self,
        part: &SubBatch,
        route: &Route,
        now: Moment,
        context: &Context,
    ) -> Pending {
        let mut spans = SpansToWrite::new(part);
        let bytes = spans.bytes_max() as u64 + FRAME_BYTES;
        let mut room = match self.make_room(bytes, route.received.is_some(), now, context) {
            Ok(room) => room,
            Err(failure) => {
                let spans = part.spans.len() as u64;
                count_failed(&context.metrics, failure, spans);
                route.book_begun(spans, &context.accounting);
                route.book_failed(spans, &context.accounting);
                return Pending::failed(failure);
            }
        };
        route.book_begun(part.spans.len() as u64, &context.accounting);
        let is_held = matches!(room, Room::Held(_));
        if is_held {
            context
                .metrics
                .spans_held
                .increment(part.spans.len() as u64);
        }
        let metadata = part.request.metadata.as_ref();
        let mut frames = Vec::new();
        // Names are kept per batch and trace: what has a name already must not be in two frames of that name.
        let is_whole = route.received.is_some() || !route.first_names.is_empty();
        let bytes_max = if is_whole {
            usize::MAX
        } else {
            context.config.frame_bytes
        };
        while !spans.is_done() {
            let index = if is_whole {
                None
            } else {
                self.filling_for(route, metadata, is_held)
            };
            let index = index.unwrap_or_else(|| {
                let capacity = self.typical_bytes.max(bytes as usize).min(bytes_max);
                self.begin(route, metadata, room.split_off(0), capacity, now)
            });
            let Some(filling) = self.filling.get_mut(index) else {
                break;
            };
            filling.writer.append(&mut spans, bytes_max);
            filling.room.absorb(&mut room);
            if !is_held {
                let (sender, receiver) = oneshot::channel();
                filling.waiters.push(sender);
                frames.push(receiver);
            }
            if !spans.is_done() || is_whole {
                let written = filling.writer.len() as u64 + FRAME_BYTES;
                room = filling.room.split_off_beyond(written);
                // What other parts were charged too much must not go from frame to frame.
                room.shrink_to(bytes);
                let full = self.filling.swap_remove(index);
                self.seal(full, context);
            }
        }
        Pending {
            begun: if is_held {
                Outcome::Held
            } else {
                Outcome::Acked
            },
            frames,
        }
    }

    /// Takes a frame that is whole already, for a caller that keeps what is in it.
    pub(in super::super) fn append_whole(
        &mut self,
        mut frame: Outgoing,
        now: Moment,
        context: &Context,
    ) -> Pending {
        let bytes = frame.payload.bytes.len() as u64 + FRAME_BYTES;
        match self.make_room(bytes, true, now, context) {
            Ok(room) => {
                let (sender, receiver) = oneshot::channel();
                frame.room = room;
                frame.waiters = Some(Waiters::new(vec![sender]));
                self.ready.push_back(frame);
                Pending {
                    begun: Outcome::Acked,
                    frames: vec![receiver],
                }
            }
            Err(failure) => {
                count_failed(&context.metrics, failure, frame.spans);
                Pending::failed(failure)
            }
        }
    }

    /// The frame that has been filling for longest, ready to be sent.
    pub(super) fn seal_first(&mut self, context: &Context) -> Option<Outgoing> {
        let oldest = self.filling.iter().enumerate();
        let (index, _) = oldest.min_by_key(|(_, filling)| filling.born)?;
        let filling = self.filling.swap_remove(index);
        self.seal(filling, context);
        self.ready.pop_back()
    }

    /// Moves every frame that is filling to those that are ready.
    pub(super) fn seal_all(&mut self, context: &Context) {
        for filling in std::mem::take(&mut self.filling) {
            self.seal(filling, context);
        }
    }

    fn seal(&mut self, filling: Filling, context: &Context) {
        let spans = filling.writer.spans();
        let payload = Bytes::from(filling.writer.finish());
        self.typical_bytes = (self.typical_bytes + payload.len()) / 2;
        let payload = if context.config.is_compressed {
            Payload::compressed(payload)
        } else {
            Payload::plain(payload)
        };
        let mut room = filling.room;
        room.set(payload.bytes.len() as u64 + FRAME_BYTES);
        self.ready.push_back(Outgoing {
            name: filling.route.received.clone().into(),
            route: filling.route,
            metadata: filling.metadata,
            kind: FrameKind::Spans,
            payload,
            spans,
            room,
            waiters: (!filling.waiters.is_empty()).then(|| Waiters::new(filling.waiters)),
            born: filling.born,
            attempts: 0,
        });
    }

    fn filling_for(
        &self,
        route: &Route,
        metadata: Option<&Arc<RequestMetadata>>,
        is_held: bool,
    ) -> Option<usize> {
        self.filling.iter().position(|filling| {
            matches!(filling.room, Room::Held(_)) == is_held
                && filling.route == *route
                && filling.metadata.as_ref() == metadata
        })
    }

    fn begin(
        &mut self,
        route: &Route,
        metadata: Option<&Arc<RequestMetadata>>,
        room: Room,
        capacity: usize,
        now: Moment,
    ) -> usize {
        self.filling.push(Filling {
            writer: PayloadWriter::with_capacity(capacity),
            route: route.clone(),
            metadata: metadata.cloned(),
            room,
            waiters: Vec::new(),
            born: now,
        });
        self.filling.len() - 1
    }

    /// Charges `bytes` to whom they are due.
    fn make_room(
        &self,
        bytes: u64,
        is_callers: bool,
        now: Moment,
        context: &Context,
    ) -> Result<Room, ForwardFailure> {
        if self.has_ended {
            return Err(ForwardFailure::Unreachable);
        }
        if self.is_reachable(now, context) {
            // What is larger than all of it gets in when nothing else is there.
            let limited = bytes.min(self.limit.limit_bytes());
            let of_destination = self.limit.reserve(limited);
            let memory = context.memory.reserve(bytes);
            return match (of_destination, memory) {
                (Ok(of_destination), Ok(memory)) => Ok(Room::InFlight {
                    of_destination,
                    memory,
                }),
                _ => Err(ForwardFailure::Overloaded),
            };
        }
        if is_callers {
            return Err(ForwardFailure::Unreachable);
        }
        let held = context.hold.reserve(bytes);
        held.map(Room::Held).map_err(|_| ForwardFailure::Overloaded)
    }
}

impl Pending {
    pub(in super::super) fn failed(failure: ForwardFailure) -> Self {
        Self {
            begun: Outcome::Failed(failure),
            frames: Vec::new(),
        }
    }
}

impl From<Option<super::super::ReceivedName>> for Name {
    fn from(received: Option<super::super::ReceivedName>) -> Self {
        match received {
            None => Self::None,
            Some(received) => Self::Received {
                name: received.name,
                low_water: received.low_water,
            },
        }
    }
}
