//! The source of recorded requests: in order, as often as wanted, at a rate or at the pace of the recording.

use std::sync::Arc;
use std::time::Duration;

use super::recording::{Recorded, Recording};
use super::rewrite::Change;
use crate::clock::Moment;
use crate::tools::drive::{Next, Outcome, Outgoing, Source, Turn};
use crate::tools::message::Message;
use crate::tools::pace::Pace;

/// How a recording is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayConfig {
    /// How often; each time after the first with fresh trace IDs.
    pub repeat: u64,
    /// Spans per second; zero for as fast as they are acknowledged.
    pub spans_per_second: u64,
    /// Each request goes out when its last span ended, counted from the first request's. Goes before the rate.
    pub recorded_pace: bool,
    /// All times of a repetition are moved by as much as makes its latest span end at the present.
    pub shift_time: bool,
}

/// See the module's description.
#[derive(Debug)]
pub struct Replay {
    config: ReplayConfig,
    recording: Arc<Recording>,
    pace: Pace,
    /// What of the recorded times the moments depend on.
    first_end_ns: u64,
    last_end_ns: u64,
    repetition: u64,
    position: usize,
    spans_yielded: u64,
    /// Of the present repetition: when it began, and how its requests are rewritten.
    begun: Option<(Moment, Change)>,
    /// Requests go out in order, so none before this.
    not_before: Moment,
}

impl Replay {
    /// A replay of `recording` that begins at `start`.
    #[must_use]
    pub fn new(config: ReplayConfig, recording: Arc<Recording>, start: Moment) -> Self {
        let ends = || recording.requests.iter().map(|request| request.end_ns);
        Self {
            pace: Pace::new(start, config.spans_per_second),
            first_end_ns: ends().filter(|end| *end > 0).min().unwrap_or(0),
            last_end_ns: ends().max().unwrap_or(0),
            config,
            recording,
            repetition: 0,
            position: 0,
            spans_yielded: 0,
            begun: None,
            not_before: start,
        }
    }

    fn begin(&mut self, turn: Turn) -> (Moment, Change) {
        // At recorded pace the repetition's latest span ends when it is sent, that is at the repetition's end.
        let length_ns = match self.config.recorded_pace {
            true => self.last_end_ns - self.first_end_ns,
            false => 0,
        };
        let wanted = i128::from(turn.unix_ns) + i128::from(length_ns);
        let shift = wanted - i128::from(self.last_end_ns);
        let shift_ns = match self.config.shift_time {
            true => i64::try_from(shift).unwrap_or(i64::MAX),
            false => 0,
        };
        let change = Change::of_repetition(self.repetition, shift_ns);
        *self.begun.insert((turn.now, change))
    }

    fn due(&mut self, request: &Recorded, begun: Moment, now: Moment) -> Moment {
        if !self.config.recorded_pace {
            return self.pace.due(self.spans_yielded, now);
        }
        let since_first_ns = request.end_ns.saturating_sub(self.first_end_ns);
        let due = begun.after(Duration::from_nanos(since_first_ns));
        self.not_before = self.not_before.max(due);
        self.not_before
    }

    fn advance(&mut self) {
        self.position += 1;
        if self.position >= self.recording.requests.len() {
            self.position = 0;
            self.repetition += 1;
            self.begun = None;
        }
    }
}

impl Source for Replay {
    type Receipt = ();

    fn next(&mut self, turn: Turn) -> Next<()> {
        if turn.stopping || self.repetition >= self.config.repeat {
            return Next::End;
        }
        let recording = Arc::clone(&self.recording);
        let Some(request) = recording.requests.get(self.position) else {
            return Next::End;
        };
        let (begun, change) = match self.begun {
            Some(begun) => begun,
            None => self.begin(turn),
        };
        let intended = self.due(request, begun, turn.now);
        if intended > turn.now {
            return Next::WaitUntil(intended);
        }
        self.advance();
        self.spans_yielded += request.spans;
        let message = Message::build(request.body.len(), |out| {
            let head = out.len();
            out.extend_from_slice(&request.body);
            if let Some(body) = out.get_mut(head..) {
                change.apply(body, &request.patches);
            }
        });
        Next::Send(Outgoing {
            message,
            spans: request.spans,
            intended,
            receipt: (),
        })
    }

    fn settle((): (), _: Outcome) {}
}

#[cfg(test)]
mod tests {
    use super::super::rewrite;
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    const SECOND_NS: u64 = 1_000_000_000;

    fn request(trace: u8, end_ns: u64) -> Recorded {
        let span = Span {
            trace_id: vec![trace; 16],
            span_id: vec![1; 8],
            end_time_unix_nano: end_ns,
            ..Span::default()
        };
        let scope_spans = ScopeSpans {
            spans: vec![span],
            ..ScopeSpans::default()
        };
        let body = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![scope_spans],
                ..ResourceSpans::default()
            }],
        }
        .encode_to_vec();
        let found = rewrite::find(&body).unwrap();
        Recorded {
            body,
            patches: found.patches,
            spans: found.spans,
            end_ns,
        }
    }

    /// Runs a replay of requests ending at 100, 103 and 101 s on simulated time from 0: when each was sent, its span.
    fn run(config: ReplayConfig) -> Vec<(u64, Span)> {
        let mut recording = Recording::default();
        recording.requests = [(1, 100), (2, 103), (1, 101)]
            .map(|(trace, end_s)| request(trace, end_s * SECOND_NS))
            .into();
        let mut replay = Replay::new(config, Arc::new(recording), Moment(0));
        let mut now = Moment(0);
        let mut sent = Vec::new();
        loop {
            let turn = Turn {
                now,
                unix_ns: 500 * SECOND_NS + now.0,
                stopping: false,
            };
            match replay.next(turn) {
                Next::End => return sent,
                Next::WaitUntil(until) => now = until,
                Next::Send(outgoing) => {
                    let body = outgoing.message.body();
                    let request = ExportTraceServiceRequest::decode(body).unwrap();
                    let span = request.resource_spans[0].scope_spans[0].spans[0].clone();
                    sent.push((now.0 / SECOND_NS, span));
                }
            }
        }
    }

    const ONCE: ReplayConfig = ReplayConfig {
        repeat: 1,
        spans_per_second: 0,
        recorded_pace: false,
        shift_time: false,
    };

    #[test]
    fn requests_go_out_as_recorded_and_in_order() {
        let sent = run(ONCE);
        let ends: Vec<_> = sent
            .iter()
            .map(|(_, span)| span.end_time_unix_nano)
            .collect();
        assert_eq!(ends, [100, 103, 101].map(|end| end * SECOND_NS));
        assert_eq!(sent[0].1.trace_id, [1; 16]);
    }

    #[test]
    fn repetitions_have_traces_of_their_own_that_stay_together() {
        let sent = run(ReplayConfig { repeat: 3, ..ONCE });
        let ids: Vec<_> = sent.iter().map(|(_, span)| &span.trace_id).collect();
        for repetition in ids.chunks(3) {
            assert_eq!(repetition[0], repetition[2]);
            assert_ne!(repetition[0], repetition[1]);
        }
        assert_ne!(ids[0], ids[3]);
        assert_ne!(ids[3], ids[6]);
    }

    #[test]
    fn shifted_times_end_at_the_present() {
        let sent = run(ReplayConfig {
            shift_time: true,
            ..ONCE
        });
        let ends: Vec<_> = sent
            .iter()
            .map(|(_, span)| span.end_time_unix_nano)
            .collect();
        assert_eq!(ends, [497, 500, 498].map(|end| end * SECOND_NS));
    }

    #[test]
    fn at_recorded_pace_requests_go_out_when_their_last_span_ended_but_in_order() {
        let config = ReplayConfig {
            repeat: 2,
            recorded_pace: true,
            shift_time: true,
            ..ONCE
        };
        let sent = run(config);
        let moments: Vec<_> = sent.iter().map(|(moment, _)| *moment).collect();
        assert_eq!(moments, [0, 3, 3, 3, 6, 6]);
        for (moment, span) in &sent {
            assert!(span.end_time_unix_nano <= (500 + moment) * SECOND_NS);
        }
        assert_eq!(sent[4].1.end_time_unix_nano, 506 * SECOND_NS);
    }

    #[test]
    fn a_rate_counts_spans_over_all_repetitions() {
        let sent = run(ReplayConfig {
            repeat: 2,
            spans_per_second: 1,
            ..ONCE
        });
        let moments: Vec<_> = sent.iter().map(|(moment, _)| *moment).collect();
        assert_eq!(moments, [0, 1, 2, 3, 4, 5]);
    }
}
