//! What happens in a simulation, drawn from its seed: how many replicas, which faults may come, and when they do.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use crate::clock::Moment;

/// One in so many seeds has real gossip; its mix is [`Mix::Graceful`].
const REAL_GOSSIP_EVERY: u64 = 20;

/// Seeds that end with this digit have few slots, all of which have traces, and late spans, all the time; slots move in
/// them, and answers are lost again and again. Their mix is [`Mix::Graceful`] too.
const FEW_SLOTS_DIGIT: u64 = 2;
/// Lost answers of such a seed.
const ANSWERS_LOST: usize = 30;

/// Which kinds of events a seed may draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mix {
    /// Nothing goes wrong and nobody comes or goes.
    Calm,
    /// Replicas join, leave, are reloaded, stand still and are cut off for less than the dead time; connections lose
    /// answers, the backend is slow, memory is short, views are wrong.
    Graceful,
    /// And one stands still for longer than the dead time, and a group is cut off from the others for as long.
    Stalls,
    /// And crash.
    Crashes,
}

/// One event; who it strikes is drawn when it comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Event {
    /// Under a new ID, or one that has left.
    Join,
    /// With little time, undecided traces are handed over (rule 10).
    Leave { is_short: bool },
    /// Every answer between two replicas, one way, is held back, and the connections then break.
    LoseAnswers { lasting: Duration },
    /// The backend takes nothing.
    SlowBackend { lasting: Duration },
    /// The same policies in another order and under another hash, at all replicas or at some.
    Reload { is_everywhere: bool },
    /// Something else takes a replica's memory: all, or all that clients may have.
    Squeeze { lasting: Duration, is_total: bool },
    /// For less than the dead time.
    Pause { lasting: Duration },
    /// Between two, for less than the dead time.
    Cut { lasting: Duration },
    /// A pause in which others agree on the death.
    LongPause { lasting: Duration },
    /// One group cut off from the rest, until either counts the other as dead.
    Partition { lasting: Duration },
    /// Killed, or without power if `is_silent`; perhaps back under the same ID.
    Crash {
        is_silent: bool,
        back_after: Option<Duration>,
    },
}

/// What a seed stands for.
pub(super) struct Plan {
    pub(super) mix: Mix,
    pub(super) founders: usize,
    pub(super) decision_wait: Duration,
    pub(super) dead_after: Duration,
    /// Longest way of a connection.
    pub(super) delay_max: Duration,
    /// Longest way of what membership tells.
    pub(super) gossip_delay_max: Duration,
    pub(super) has_wrong_views: bool,
    /// Gossip itself, over datagrams, in place of the seeded twin. Such a seed does not come the same way twice.
    pub(super) has_real_gossip: bool,
    /// Whether the way to clients loses answers.
    pub(super) loses_clients_answers: bool,
    /// Whether all traces are of a few slots, and each has a late span.
    pub(super) has_few_slots: bool,
    pub(super) events: Vec<(Moment, Event)>,
}

impl Mix {
    /// Every seed has the same mix for ever.
    pub(super) fn of(seed: u64) -> Self {
        match seed % 10 {
            0 => Self::Calm,
            1..=3 => Self::Graceful,
            4..=6 => Self::Stalls,
            _ => Self::Crashes,
        }
    }
}

impl Event {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave { .. } => "leave",
            Self::LoseAnswers { .. } => "lost answers",
            Self::SlowBackend { .. } => "slow backend",
            Self::Reload { .. } => "reload",
            Self::Squeeze { .. } => "short memory",
            Self::Pause { .. } => "pause",
            Self::Cut { .. } => "cut",
            Self::LongPause { .. } => "long pause",
            Self::Partition { .. } => "partition",
            Self::Crash { .. } => "crash",
        }
    }
}

impl Plan {
    /// What happens between `begin` and `end` in this seed.
    pub(super) fn of(seed: u64, begin: Moment, end: Moment) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let random = &mut random;
        let mix = Mix::of(seed);
        let mut events = events(mix, random);
        let has_few_slots = seed % 10 == FEW_SLOTS_DIGIT;
        if has_few_slots {
            events.extend([Event::Join, Event::Leave { is_short: false }]);
            events.extend((0..ANSWERS_LOST).map(|_| Event::LoseAnswers {
                lasting: ms(random, 300, 2_500),
            }));
        }
        // Now and then all at once: tables are old then, and spans take long ways.
        let (begin, end) = if random.random_bool(0.4) {
            let burst = Duration::from_secs(8);
            let begin = begin.after(
                end.since(begin)
                    .saturating_sub(burst)
                    .mul_f64(random.random()),
            );
            (begin, begin.after(burst))
        } else {
            (begin, end)
        };
        let mut events: Vec<_> = events
            .drain(..)
            .map(|event| {
                (
                    begin.after(end.since(begin).mul_f64(random.random())),
                    event,
                )
            })
            .collect();
        events.sort_by_key(|(at, _)| *at);
        Self {
            mix,
            founders: random.random_range(3..=5),
            decision_wait: Duration::from_secs(random.random_range(16..=20)),
            dead_after: Duration::from_secs(4),
            delay_max: Duration::from_millis([2, 20, 200][random.random_range(0..3)]),
            gossip_delay_max: Duration::from_millis(
                [50, 300, 1_000, 3_500][random.random_range(0..4)],
            ),
            has_real_gossip: seed % REAL_GOSSIP_EVERY == 3,
            has_wrong_views: mix != Mix::Calm && random.random_bool(0.4),
            has_few_slots,
            loses_clients_answers: mix != Mix::Calm && random.random_bool(0.4),
            events,
        }
    }

    /// Everything of this seed that is told of in the table of shares.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.events.iter().map(|(_, event)| event.kind()).collect();
        let ms = |ms| Duration::from_millis(ms);
        let besides = [
            (self.delay_max >= ms(200), "slow connections"),
            (self.gossip_delay_max >= ms(1_000), "late gossip"),
            (self.gossip_delay_max >= ms(300), "reordered gossip"),
            (self.has_wrong_views, "wrong views"),
            (self.loses_clients_answers, "lost answers to clients"),
            (true, "clock skew"),
        ];
        kinds.extend(besides.iter().filter(|(is_so, _)| *is_so).map(|it| it.1));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

fn events(mix: Mix, random: &mut SmallRng) -> Vec<Event> {
    let count = random.random_range(3..=7);
    let mut events: Vec<Event> = (0..count).map(|_| event(random)).collect();
    match mix {
        Mix::Calm => events.clear(),
        Mix::Graceful => {}
        Mix::Stalls => {
            let long_pause = Event::LongPause {
                lasting: ms(random, 6_000, 11_000),
            };
            let partition = Event::Partition {
                lasting: ms(random, 3_000, 16_000),
            };
            // Each in most of the seeds, and each alone in some.
            match random.random_range(0..8) {
                0 => events.push(long_pause),
                1 => events.push(partition),
                _ => events.extend([long_pause, partition]),
            }
        }
        Mix::Crashes => {
            for _ in 0..random.random_range(1..=2) {
                events.push(Event::Crash {
                    is_silent: random.random(),
                    back_after: random.random_bool(0.6).then(|| ms(random, 100, 12_000)),
                });
            }
        }
    }
    events
}

fn event(random: &mut SmallRng) -> Event {
    match random.random_range(0..18) {
        0..=2 => Event::Join,
        3..=5 => Event::Leave {
            is_short: random.random(),
        },
        6 | 7 => Event::LoseAnswers {
            lasting: ms(random, 20, 2_500),
        },
        8 | 9 => Event::SlowBackend {
            lasting: ms(random, 1_000, 8_000),
        },
        10 | 11 => Event::Reload {
            is_everywhere: random.random(),
        },
        12 | 13 => Event::Squeeze {
            lasting: ms(random, 200, 4_000),
            is_total: random.random(),
        },
        14 | 15 => Event::Pause {
            lasting: ms(random, 1_200, 2_800),
        },
        _ => Event::Cut {
            lasting: ms(random, 200, 2_800),
        },
    }
}

fn ms(random: &mut SmallRng, least: u64, most: u64) -> Duration {
    Duration::from_millis(random.random_range(least..=most))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::world::{BEGIN, END};
    use super::*;

    #[test]
    fn each_kind_of_event_is_in_a_fifth_of_the_seeds() {
        const SEEDS: u64 = 50;
        let mut shares: BTreeMap<&str, u64> = BTreeMap::new();
        for seed in 0..SEEDS {
            for kind in Plan::of(seed, BEGIN, END).kinds() {
                *shares.entry(kind).or_default() += 1;
            }
        }
        assert_eq!(shares.len(), 17, "{shares:?}");
        assert!(
            shares.values().all(|share| share * 5 >= SEEDS),
            "{shares:?}"
        );
    }
}
