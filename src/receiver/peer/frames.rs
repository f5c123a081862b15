//! The stream of a connection's frames, and of the answers to them.
//!
//! One task reads, hands over and answers: the body of the answer is what drives it. Answers go out in the order in
//! which they are ready, all that are ready at once in one piece.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use http::{HeaderMap, Response};
use http_body::Frame as BodyFrame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::{PeerIngest, Shared};
use crate::batch::peer::answer::{FrameAnswer, TicketAnswer};
use crate::batch::peer::frame::{Received, TICKET_BYTES_MAX, read_ticket};
use crate::batch::peer::message::{MessageReader, Pieces, framed};
use crate::batch::peer::{MESSAGE_BYTES_MAX, Malformed};
use crate::memory::Charge;
use crate::receiver::answer::{AnswerBody, grpc_answer, success_trailers};
use crate::receiver::phase::Phase;
use crate::receiver::status::Failure;

/// Frames of a stream under way at once; later ones are left unread.
const FRAMES_UNDER_WAY_MAX: usize = 64;

/// A stream of frames and its answers.
struct FrameStream<I> {
    shared: Arc<Shared<I>>,
    body: Incoming,
    phase: watch::Receiver<Phase>,
    reader: MessageReader,
    room: Room,
    under_way: FuturesUnordered<BoxFuture<'static, TicketAnswer>>,
    state: State,
}

/// Whether there is room for the message that is being read.
enum Room {
    NotKnown,
    Taken(Charge),
    Lacking,
}

enum State {
    Reading,
    /// No more frames; what is under way is still answered, then these are the last words.
    Ending(HeaderMap),
    Ended,
}

/// What happened next on the stream.
enum Event {
    Answered(TicketAnswer),
    Arrived(Option<Result<BodyFrame<Bytes>, hyper::Error>>),
    Closing,
}

/// Answers a call of `Frames`.
pub(super) fn answer<I: PeerIngest>(
    shared: Arc<Shared<I>>,
    body: Incoming,
    phase: watch::Receiver<Phase>,
) -> Response<AnswerBody> {
    let frames = FrameStream {
        shared,
        body,
        phase,
        reader: MessageReader::new(MESSAGE_BYTES_MAX),
        room: Room::NotKnown,
        under_way: FuturesUnordered::new(),
        state: State::Reading,
    };
    let answers = stream::unfold(frames, |mut frames| async {
        let next = frames.next().await?;
        Some((Ok::<_, tonic::Status>(next), frames))
    });
    grpc_answer(AnswerBody::Streamed(tonic::body::Body::new(
        StreamBody::new(answers),
    )))
}

impl<I: PeerIngest> FrameStream<I> {
    /// What to send next; `None` when all is said.
    async fn next(&mut self) -> Option<BodyFrame<Bytes>> {
        loop {
            if self.under_way.is_empty() {
                match std::mem::replace(&mut self.state, State::Ended) {
                    State::Reading => self.state = State::Reading,
                    State::Ending(trailers) => return Some(BodyFrame::trailers(trailers)),
                    State::Ended => return None,
                }
            }
            match self.event().await {
                Event::Answered(first) => return Some(BodyFrame::data(self.ready_answers(&first))),
                Event::Arrived(arrived) => self.take(arrived),
                Event::Closing => self.end(success_trailers()),
            }
        }
    }

    async fn event(&mut self) -> Event {
        let is_reading = matches!(self.state, State::Reading);
        let has_room = self.under_way.len() < FRAMES_UNDER_WAY_MAX;
        tokio::select! {
            biased;
            Some(answer) = self.under_way.next() => Event::Answered(answer),
            arrived = self.body.frame(), if is_reading && has_room => Event::Arrived(arrived),
            _ = self.phase.wait_for(|now| *now >= Phase::Closing), if is_reading => Event::Closing,
            else => Event::Closing,
        }
    }

    /// `first` and whatever else is ready, framed.
    fn ready_answers(&mut self, first: &TicketAnswer) -> Bytes {
        let mut out = BytesMut::from(framed(&first.encode()));
        self.shared.count_answer(&first.answer);
        while let Some(Some(more)) = self.under_way.next().now_or_never() {
            self.shared.count_answer(&more.answer);
            out.extend_from_slice(&framed(&more.encode()));
        }
        out.freeze()
    }

    fn take(&mut self, arrived: Option<Result<BodyFrame<Bytes>, hyper::Error>>) {
        let Some(arrived) = arrived else {
            return self.end(success_trailers());
        };
        let result = match arrived.map(BodyFrame::into_data) {
            Ok(Ok(piece)) => {
                self.reader.push(piece);
                self.take_messages()
            }
            Ok(Err(_trailers)) => Ok(()),
            Err(_) => Err(Failure::Disconnected),
        };
        if let Err(failure) = result {
            self.shared.count(&failure);
            self.end(failure.to_trailers(self.shared.config.retry_after));
        }
    }

    fn end(&mut self, trailers: HeaderMap) {
        if matches!(self.state, State::Reading) {
            self.state = State::Ending(trailers);
        }
    }

    /// Hands over every message that is complete, and makes room for the next one.
    fn take_messages(&mut self) -> Result<(), Failure> {
        loop {
            let room = std::mem::replace(&mut self.room, Room::NotKnown);
            match self.with_room(room)? {
                Room::NotKnown => return Ok(()),
                Room::Taken(charge) => {
                    let Some(message) = self.reader.take()? else {
                        self.room = Room::Taken(charge);
                        return Ok(());
                    };
                    self.hand_over(message, charge)?;
                }
                Room::Lacking => {
                    let Some(mut begin) = self.reader.take_begin(TICKET_BYTES_MAX)? else {
                        self.room = Room::Lacking;
                        return Ok(());
                    };
                    let ticket = read_ticket(&mut begin)?;
                    self.shared.metrics.frames_received.increment(1);
                    let retry_after = self.shared.config.retry_after;
                    self.answer_now(ticket, FrameAnswer::Overloaded { retry_after });
                }
            }
        }
    }

    fn with_room(&mut self, room: Room) -> Result<Room, Failure> {
        if !matches!(room, Room::NotKnown) {
            return Ok(room);
        }
        let Some(declared) = self.reader.declared()? else {
            return Ok(Room::NotKnown);
        };
        Ok(match self.shared.budget.reserve(declared as u64) {
            Ok(charge) => Room::Taken(charge),
            Err(_) => Room::Lacking,
        })
    }

    fn hand_over(&mut self, mut message: Pieces, charge: Charge) -> Result<(), Failure> {
        let metrics = &self.shared.metrics;
        metrics.frames_received.increment(1);
        metrics.bytes_received.increment(message.len() as u64);
        let ticket = read_ticket(&mut message)?;
        let received = match Received::decode(message) {
            Ok(received) => received,
            Err(Malformed(problem)) => {
                self.answer_now(ticket, FrameAnswer::Malformed { problem });
                return Ok(());
            }
        };
        if received.header().addressee != self.shared.ingest.life() {
            self.answer_now(ticket, FrameAnswer::NotMe);
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let answer = async move {
            let answer = shared.ingest_frame(received, charge).await;
            TicketAnswer { ticket, answer }
        };
        self.under_way.push(answer.boxed());
        Ok(())
    }

    fn answer_now(&mut self, ticket: u64, answer: FrameAnswer) {
        let answer = TicketAnswer { ticket, answer };
        self.under_way.push(std::future::ready(answer).boxed());
    }
}

impl<I: PeerIngest> Shared<I> {
    async fn ingest_frame(&self, received: Received, mut charge: Charge) -> FrameAnswer {
        if charge.grow(received.inflated_bytes() as u64).is_err() {
            let retry_after = self.config.retry_after;
            return FrameAnswer::Overloaded { retry_after };
        }
        match received.inflate() {
            Ok(frame) => {
                charge.set(frame.payload.len() as u64);
                self.ingest.frame(frame, charge).await
            }
            Err(Malformed(problem)) => FrameAnswer::Malformed { problem },
        }
    }

    fn count_answer(&self, answer: &FrameAnswer) {
        let refused = &self.metrics.refused;
        match answer {
            FrameAnswer::Applied => {}
            FrameAnswer::PartlyRefused(_) => refused.partly.increment(1),
            FrameAnswer::Overloaded { .. } => refused.overloaded.increment(1),
            FrameAnswer::NotMe => refused.not_me.increment(1),
            FrameAnswer::Malformed { problem } => {
                tracing::warn!(%problem, "a replica's frame was refused");
                refused.malformed.increment(1);
            }
        }
    }
}
