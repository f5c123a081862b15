//! Which datagrams came before: a window over the counters of each sender's session.
//!
//! Within the window datagrams may come in any order, as networks deliver them; below it everything counts as a
//! repetition. Only senders that have the secret get a window.

use std::collections::{HashMap, VecDeque};

/// Most sessions remembered; the oldest is forgotten. A replica's start makes one, so that this is thousands of restarts
/// within the life of this process.
const SESSIONS_MAX: usize = 4_096;
/// Counters that a window reaches back. A message has 64 parts at most.
const WINDOW: u64 = 128;

/// The windows of all senders.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    windows: HashMap<u64, Window>,
    by_age: VecDeque<u64>,
}

#[derive(Debug, Default)]
struct Window {
    highest: u64,
    /// Bit n: whether `highest - n` came.
    seen: u128,
}

impl Sessions {
    /// Whether the datagram of this number has not come before; from now on it has.
    pub(super) fn is_new(&mut self, session: u64, counter: u64) -> bool {
        if !self.windows.contains_key(&session) {
            if self.by_age.len() == SESSIONS_MAX
                && let Some(oldest) = self.by_age.pop_front()
            {
                self.windows.remove(&oldest);
            }
            self.by_age.push_back(session);
        }
        self.windows.entry(session).or_default().take(counter)
    }
}

impl Window {
    fn take(&mut self, counter: u64) -> bool {
        if counter > self.highest {
            let ahead = u32::try_from(counter - self.highest).ok();
            let kept = ahead.and_then(|ahead| self.seen.checked_shl(ahead));
            self.seen = kept.unwrap_or(0) | 1;
            self.highest = counter;
            return true;
        }
        let behind = self.highest - counter;
        if behind >= WINDOW || self.seen >> behind & 1 == 1 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_datagram_is_taken_once_and_within_the_window_in_any_order(
            counters in proptest::collection::vec(1_u64..300, 1..400),
        ) {
            let mut sessions = Sessions::default();
            let mut taken = BTreeSet::new();
            let mut highest = 0;
            for counter in counters {
                let is_in_window = counter + WINDOW > highest;
                let expected = is_in_window && !taken.contains(&counter);
                prop_assert_eq!(sessions.is_new(1, counter), expected, "{}", counter);
                if expected {
                    taken.insert(counter);
                    highest = highest.max(counter);
                }
            }
        }
    }

    #[test]
    fn the_oldest_of_too_many_sessions_is_forgotten() {
        let mut sessions = Sessions::default();
        for session in 0..SESSIONS_MAX as u64 {
            assert!(sessions.is_new(session, 5));
        }
        assert!(!sessions.is_new(0, 5));
        assert!(sessions.is_new(u64::MAX, 5));
        assert_eq!(sessions.windows.len(), SESSIONS_MAX);
        assert!(sessions.is_new(0, 5));
    }
}
