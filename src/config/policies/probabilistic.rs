//! `probabilistic`: a share of all traces, by their IDs.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> RuleConfig {
    let mut sampling_percentage = 0.0;
    let mut hash_salt = String::new();
    settings.set("sampling_percentage", &mut sampling_percentage, percentage);
    settings.set("hash_salt", &mut hash_salt, |salt| {
        salt.text().map(str::to_owned)
    });
    RuleConfig::Probabilistic {
        sampling_percentage,
        hash_salt,
    }
}

fn percentage(place: &Place<'_>) -> Option<f64> {
    let percentage = place.collector_float()?;
    if percentage > 100.0 {
        place.warning("is above 100, so every trace is kept", "");
    } else if percentage < 0.0 {
        place.warning("is negative, so no trace is kept", "");
    }
    Some(percentage)
}
