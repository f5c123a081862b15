//! What happens in a simulation, drawn from its seed: how many replicas, which faults may come, and when they do.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::SmallRng;

use crate::clock::Moment;

/// Which kinds of events a seed may draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mix {
    /// Nothing goes wrong and nobody comes or goes.
    Calm,
    /// Replicas join and leave; connections lose answers, the backend is slow, views are wrong.
    Graceful,
    /// And replicas stand still, or are cut off from each other, for less than the dead time.
    Stalls,
    /// And crash.
    Crashes,
}

/// A fault of the product, put in on purpose to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planted {
    /// Every life of an ID has the same incarnation: names, orders and deaths of one are taken for the other's.
    OneIncarnation,
}

/// One event; who it strikes is drawn when it comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Event {
    Join,
    /// With little time, undecided traces are handed over (rule 10).
    Leave {
        is_short: bool,
    },
    /// Every answer between two replicas, one way, is held back, and the connections then break.
    LoseAnswers {
        lasting: Duration,
    },
    /// The backend takes nothing.
    SlowBackend {
        lasting: Duration,
    },
    Pause {
        lasting: Duration,
    },
    Cut {
        lasting: Duration,
    },
    /// Killed, or without power if `is_silent`; perhaps back under the same ID.
    Crash {
        is_silent: bool,
        back_after: Option<Duration>,
    },
}

/// What a seed stands for.
pub(super) struct Plan {
    pub(super) founders: usize,
    pub(super) decision_wait: Duration,
    pub(super) dead_after: Duration,
    /// Longest way of a connection.
    pub(super) delay_max: Duration,
    /// Longest way of what membership tells.
    pub(super) gossip_delay_max: Duration,
    pub(super) has_wrong_views: bool,
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

impl Plan {
    /// Draws what happens between `begin` and `end`.
    pub(super) fn draw(mix: Mix, random: &mut SmallRng, begin: Moment, end: Moment) -> Self {
        let count = if mix == Mix::Calm {
            0
        } else {
            random.random_range(2..=7)
        };
        let mut events: Vec<_> = (0..count)
            .map(|_| {
                let at = begin.after(end.since(begin).mul_f64(random.random()));
                (at, event(mix, random))
            })
            .collect();
        events.sort_by_key(|(at, _)| *at);
        Self {
            founders: random.random_range(3..=5),
            decision_wait: Duration::from_secs(random.random_range(14..=18)),
            dead_after: Duration::from_secs(4),
            delay_max: Duration::from_millis([2, 20, 200][random.random_range(0..3)]),
            gossip_delay_max: Duration::from_millis([50, 300, 1_000][random.random_range(0..3)]),
            has_wrong_views: mix != Mix::Calm && random.random_bool(0.4),
            events,
        }
    }
}

fn event(mix: Mix, random: &mut SmallRng) -> Event {
    let kinds = match mix {
        Mix::Calm | Mix::Graceful => 7,
        Mix::Stalls => 11,
        Mix::Crashes => 14,
    };
    let ms = |random: &mut SmallRng, least: u64, most: u64| {
        Duration::from_millis(random.random_range(least..=most))
    };
    match random.random_range(0..kinds) {
        0 | 1 => Event::Join,
        2 | 3 => Event::Leave {
            is_short: random.random(),
        },
        4 | 5 => Event::LoseAnswers {
            lasting: ms(random, 20, 2_500),
        },
        6 => Event::SlowBackend {
            lasting: ms(random, 1_000, 8_000),
        },
        7 | 8 => Event::Pause {
            lasting: ms(random, 1_200, 2_800),
        },
        9 | 10 => Event::Cut {
            lasting: ms(random, 200, 2_800),
        },
        _ => Event::Crash {
            is_silent: random.random(),
            back_after: random.random_bool(0.6).then(|| ms(random, 100, 12_000)),
        },
    }
}
