//! One request until it is settled: sent, and sent again while the server asks for it and patience lasts.

use std::time::Duration;

use super::client::{Answer, Client};
use super::message::Message;
use crate::clock::{Clock, Moment};

/// How long and how often refused or unanswered requests are sent again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first attempt, no attempt begins later than this; zero means a single attempt.
    pub limit: Duration,
    /// Wait before the second attempt where the server names none; doubles with each attempt, or of several endpoints
    /// when all have had theirs.
    pub first_wait: Duration,
    /// Longest wait of that kind.
    pub wait_max: Duration,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The last answer.
    pub answer: Answer,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Reasons of the attempts that were followed by another.
    pub setbacks: Vec<String>,
    /// Some attempt before the last had no answer: the server may hold the request even if the last was refused.
    pub in_doubt: bool,
    /// When the last attempt began.
    pub last_sent: Moment,
    /// When its answer came.
    pub answered: Moment,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(30),
            first_wait: Duration::from_millis(100),
            wait_max: Duration::from_secs(5),
        }
    }
}

impl Patience {
    /// What to wait before the next attempt if the last answer was `answer` and all endpoints had been tried `rounds`
    /// times before; `None` if that was the end.
    fn wait(&self, answer: &Answer, rounds: u64, elapsed: Duration) -> Option<Duration> {
        let asked = match answer {
            Answer::Acknowledged { .. }
            | Answer::Refused {
                retryable: false, ..
            } => return None,
            Answer::Refused { delay, .. } => *delay,
            Answer::Unanswered { .. } => None,
        };
        let doublings = u32::try_from(rounds).unwrap_or(u32::MAX).min(16);
        let own = self.first_wait.saturating_mul(1 << doublings);
        let wait = asked.unwrap_or_else(|| own.min(self.wait_max));
        (elapsed.saturating_add(wait) < self.limit).then_some(wait)
    }
}

/// Sends `message` until it is acknowledged, refused for good, or `patience` ends.
pub async fn deliver(
    client: &Client,
    message: &Message,
    patience: Patience,
    clock: &Clock,
) -> Delivery {
    let begun = clock.now();
    let endpoints = client.endpoints().max(1) as u64;
    let mut turn = client.next_turn();
    let mut last_sent = begun;
    let mut setbacks = Vec::new();
    let mut retries = 0;
    let mut in_doubt = false;
    loop {
        let answer = client.send(message, turn).await;
        let answered = clock.now();
        let Some(wait) = patience.wait(&answer, retries / endpoints, answered.since(begun)) else {
            return Delivery {
                answer,
                retries,
                setbacks,
                in_doubt,
                last_sent,
                answered,
            };
        };
        in_doubt |= matches!(answer, Answer::Unanswered { .. });
        setbacks.push(reason(answer));
        tokio::time::sleep(wait).await;
        retries += 1;
        turn = turn.wrapping_add(1);
        last_sent = clock.now();
    }
}

fn reason(answer: Answer) -> String {
    match answer {
        Answer::Acknowledged { message, .. } => message,
        Answer::Refused { reason, .. } | Answer::Unanswered { reason } => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        limit: Duration::from_secs(10),
        first_wait: Duration::from_millis(100),
        wait_max: Duration::from_secs(1),
    };

    fn refused(retryable: bool, delay_ms: Option<u64>) -> Answer {
        Answer::Refused {
            retryable,
            delay: delay_ms.map(Duration::from_millis),
            reason: String::new(),
        }
    }

    fn wait_ms(answer: &Answer, retries: u64, elapsed_ms: u64) -> Option<u128> {
        PATIENCE
            .wait(answer, retries, Duration::from_millis(elapsed_ms))
            .map(|wait| wait.as_millis())
    }

    #[test]
    fn the_servers_delay_goes_before_our_own() {
        assert_eq!(wait_ms(&refused(true, Some(7)), 3, 0), Some(7));
        assert_eq!(wait_ms(&refused(true, Some(3_000)), 0, 0), Some(3_000));
    }

    #[test]
    fn our_own_wait_doubles_up_to_its_limit() {
        let waits = [0, 1, 2, 3, 4, 60].map(|retries| wait_ms(&refused(true, None), retries, 0));
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000].map(Some));
    }

    #[test]
    fn nothing_is_sent_after_the_limit_or_without_being_asked_for() {
        assert_eq!(wait_ms(&refused(true, Some(500)), 0, 9_500), None);
        assert_eq!(wait_ms(&refused(true, Some(499)), 0, 9_500), Some(499));
        assert_eq!(wait_ms(&refused(false, Some(1)), 0, 0), None);
    }
}
