//! How much each replica decides, and from that its share of limits that hold over the whole cluster.
//!
//! Each publishes its load, and all go by the same rule, so that the shares add up to the whole but for what is late: a
//! replica counts with its load, and with no less than half of what its slots would bring it if all slots were alike. A
//! replica that has just been given slots is therefore not starved while its load rises, and one that idles takes little.
//!
//! Pure: counts and time are given.

use crate::clock::Moment;

/// Of an exponential mean.
const MEAN_OVER_SECONDS: f64 = 10.0;
/// Of what its slots would bring, this much counts for a replica at least.
const LEAST_OF_SLOTS: f64 = 0.5;

/// Spans decided a second, as an exponential mean over 10 s.
#[derive(Debug, Clone, Default)]
pub struct LoadMeter {
    per_second: f64,
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
    }

    /// The load in spans per 1,000 seconds, so that a little is not nothing.
    #[must_use]
    pub fn load(&self) -> u64 {
        (self.per_second * 1_000.0).round() as u64
    }
}

/// The part of the whole that is `own`, between 0 and 1; `others` are the other replicas that decide. 1 without others.
#[must_use]
pub fn part_of(own: Portion, others: &[Portion]) -> f64 {
    let all = || others.iter().chain([&own]);
    let load: f64 = all().map(|it| it.load as f64).sum();
    let slots: f64 = all().map(|it| it.slots as f64).sum();
    if slots == 0.0 && load == 0.0 {
        return 1.0 / all().count() as f64;
    }
    // Where nothing is decided yet, slots are all there is to go by.
    let load_of_a_slot = load.max(1.0) / slots.max(1.0);
    let counted =
        |it: &Portion| (it.load as f64).max(it.slots as f64 * load_of_a_slot * LEAST_OF_SLOTS);
    let sum: f64 = all().map(counted).sum();
    counted(&own) / sum
}

#[cfg(test)]
mod tests;
