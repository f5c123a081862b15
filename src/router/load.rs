//! How much each replica decides, and from that its share of limits that hold over the whole cluster.
//!
//! Each publishes its load, and all go by the same rule, so that the shares add up to the whole but for what is late: a
//! replica counts with its load, which is brought within half and twice of what its slots would bring it if all slots were
//! alike. A replica that has just been given slots is therefore not starved while its load rises, and one that has given its
//! slots away keeps nothing back from the others.
//!
//! Pure: counts and time are given.

use crate::clock::Moment;

/// Of an exponential mean.
const MEAN_OVER_SECONDS: f64 = 10.0;
/// Of what its slots would bring, this much counts for a replica at least, and this much at most.
const LEAST_OF_SLOTS: f64 = 0.5;
const MOST_OF_SLOTS: f64 = 2.0;

/// Spans decided a second, as an exponential mean over 10 s, or over all the time since the first note while that is less.
#[derive(Debug, Clone, Default)]
pub struct LoadMeter {
    per_second: f64,
    /// What of a mean the notes have come to: rises from 0 to 1.
    weight: f64,
    last: Option<(u64, Moment)>,
}

/// What a replica is in the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Portion {
    /// As [`LoadMeter::load`] has it.
    pub load: u64,
    /// Slots held.
    pub slots: usize,
}

impl LoadMeter {
    /// Notes how many spans have been decided in all; to be called every second or so.
    pub fn note(&mut self, decided: u64, now: Moment) {
        let Some((before, at)) = self.last.replace((decided, now)) else {
            return;
        };
        let seconds = now.since(at).as_secs_f64();
        if seconds <= 0.0 {
            self.last = Some((before, at));
            return;
        }
        let rate = decided.saturating_sub(before) as f64 / seconds;
        let weight = 1.0 - (-seconds / MEAN_OVER_SECONDS).exp();
        self.per_second += (rate - self.per_second) * weight;
        self.weight += (1.0 - self.weight) * weight;
    }

    /// The load in spans per 1,000 seconds, so that a little is not nothing.
    #[must_use]
    pub fn load(&self) -> u64 {
        if self.weight == 0.0 {
            return 0;
        }
        (self.per_second / self.weight * 1_000.0).round() as u64
    }
}

/// The part of the whole that is `own`, between 0 and 1; `others` are the other replicas that decide. 1 without others.
#[must_use]
pub fn part_of(own: Portion, others: &[Portion]) -> f64 {
    let all = || others.iter().chain([&own]);
    let load: f64 = all().map(|it| it.load as f64).sum();
    let slots: f64 = all().map(|it| it.slots as f64).sum();
    if slots == 0.0 {
        return 1.0 / all().count() as f64;
    }
    // Where nothing is decided yet, slots are all there is to go by.
    let load_of_a_slot = load.max(1.0) / slots;
    let counted = |it: &Portion| {
        let expected = it.slots as f64 * load_of_a_slot;
        let (least, most) = (expected * LEAST_OF_SLOTS, expected * MOST_OF_SLOTS);
        (it.load as f64).clamp(least, most)
    };
    let sum: f64 = all().map(counted).sum();
    counted(&own) / sum
}

#[cfg(test)]
mod tests;
