//! What became of one attempt to deliver a request, in the terms that retry and accounting need.
//!
//! The sinks translate their protocol's answers into these; nothing behind them knows gRPC, HTTP or files.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

use super::reason::Reason;

/// Longest part of a destination's message that is kept and logged, in characters.
const MESSAGE_CHARS_MAX: usize = 512;

/// The destination took the request, perhaps without some of its spans.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Spans that the destination refused for good (`partial_success.rejected_spans`).
    pub(super) rejected_spans: u64,
    /// What the destination has to say; empty if nothing.
    pub(super) message: String,
    /// Bytes of the request as it went out.
    pub(super) wire_bytes: u64,
}

/// The destination did not take the request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Why, as a label.
    pub(super) reason: Reason,
    /// Why, in words.
    pub(super) message: String,
    /// Whether the same request may succeed later.
    pub(super) retry: Retry,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// The answer is final.
    Never,
    /// Not before this long; zero when the destination did not ask for a wait.
    After(Duration),
}

impl Accepted {
    /// What an acknowledgement of a request of `spans` spans says; `None` stands for an answer that cannot be read,
    /// which acknowledges all the same, since the protocol's status does.
    ///
    /// A count outside `0..=spans` is the destination's mistake; it is brought into range so that accounting holds.
    pub(super) fn from_answer(
        answer: Option<ExportTraceServiceResponse>,
        spans: u64,
        wire_bytes: u64,
    ) -> Self {
        let Some(answer) = answer else {
            return Self {
                message: "acknowledged, but the answer's message cannot be read".to_owned(),
                wire_bytes,
                ..Self::default()
            };
        };
        let partial = answer.partial_success.unwrap_or_default();
        let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
        Self {
            rejected_spans: rejected.min(spans),
            message: clip(&partial.error_message),
            wire_bytes,
        }
    }
}

impl Failure {
    /// A failure that time does not heal.
    pub(super) fn permanent(reason: Reason, message: &str) -> Self {
        Self {
            reason,
            message: clip(message),
            retry: Retry::Never,
        }
    }

    /// A failure that may pass, with the wait that the destination asked for (zero if none).
    pub(super) fn passing(reason: Reason, message: &str, wait_min: Duration) -> Self {
        Self {
            reason,
            message: clip(message),
            retry: Retry::After(wait_min),
        }
    }

    /// The connection could not be made, or broke.
    pub(super) fn connection(error: &dyn std::error::Error) -> Self {
        Self::passing(Reason::Connection, &error_chain(error), Duration::ZERO)
    }

    /// No answer in time.
    pub(super) fn timeout(after: Duration) -> Self {
        let message = format!("no answer within {after:?}");
        Self::passing(Reason::Timeout, &message, Duration::ZERO)
    }
}

/// The error and its sources in one line: the outermost alone often only says "transport error".
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_line = cause.to_string();
        if !line.ends_with(&cause_line) {
            line.push_str(": ");
            line.push_str(&cause_line);
        }
        source = cause.source();
    }
    line
}

fn clip(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    use super::*;

    fn rejecting(rejected_spans: i64) -> ExportTraceServiceResponse {
        ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans,
                error_message: "too old".to_owned(),
            }),
        }
    }

    #[test]
    fn rejected_spans_never_exceed_those_that_were_sent() {
        for (said, counted) in [(3, 3), (11, 10), (-1, 0), (0, 0)] {
            let accepted = Accepted::from_answer(Some(rejecting(said)), 10, 0);
            assert_eq!(accepted.rejected_spans, counted);
            assert_eq!(accepted.message, "too old");
        }
    }

    #[test]
    fn a_destinations_message_is_kept_only_up_to_its_limit() {
        let failure = Failure::permanent(Reason::Encoding, &"ü".repeat(5_000));
        assert_eq!(failure.message.chars().count(), MESSAGE_CHARS_MAX);
    }
}
