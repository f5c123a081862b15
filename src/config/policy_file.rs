//! The policy file: which traces are kept. The collector's `tail_sampling` section is a valid one as it stands.
//!
//! What the collector's decoding takes is taken, with a warning where it can only be a mistake; keys that make no sense
//! here are named in warnings that say what replaces them. `docs/policies.md` is the reference.

mod body;
mod merge;
mod windows;

pub(super) use merge::parse_all;

use std::path::Path;
use std::rc::Rc;

use super::decode::{Fields, Place};
use super::environment::{self, Lookup};
use super::finding::{Checked, ConfigErrors, Findings};
use super::modules::Modules;
use super::{policies, yaml};
use crate::buffer::config::WindowConfig;
use crate::sampler::config::{Compat, EvaluationConfig, PolicyConfig, Strategy};

/// The policy file that is in force when none is named: errors, traces slower than a second, a tenth of the rest.
pub const DEFAULT_POLICIES: &str = include_str!("../../policies/default.yaml");

const STRATEGIES: [(&str, Strategy); 2] = [
    ("trace-complete", Strategy::TraceComplete),
    ("span-ingest", Strategy::SpanIngest),
];

const COMPATS: [(&str, Compat); 2] = [("latest", Compat::Latest), ("0.156", Compat::V0_156)];

/// A whole policy file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyFile {
    /// `decision_wait` and its like.
    pub windows: WindowConfig,
    /// How the policies are evaluated.
    pub evaluation: EvaluationConfig,
    /// `policies`, in the order of the file. May be empty: nothing is kept then.
    pub policies: Vec<PolicyConfig>,
}

/// Reads a policy file with the environment of this process.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read(path: &Path) -> Result<Checked<PolicyFile>, ConfigErrors> {
    let text = super::read_text(path)?;
    parse(&path.display().to_string(), &text, &environment::of_process)
}

/// Reads the text of a policy file; `file_name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(
    file_name: &str,
    text: &str,
    lookup: Lookup<'_>,
) -> Result<Checked<PolicyFile>, ConfigErrors> {
    let modules = Rc::new(Modules::of(file_name));
    parse_with(file_name, text, lookup, &modules)
}

/// The same; modules that it refers to are read by `modules`.
fn parse_with(
    file_name: &str,
    text: &str,
    lookup: Lookup<'_>,
    modules: &Rc<Modules>,
) -> Result<Checked<PolicyFile>, ConfigErrors> {
    let findings = Findings::reading(file_name, modules);
    let config = yaml::parse(text, &findings)
        .and_then(|root| body::find(root, &findings))
        .map(|(mut body, path)| {
            environment::expand(&mut body, &path, lookup, &findings);
            policy_file(&Place::new(&body, &path, &findings))
        });
    findings.conclude(config)
}

/// Settings within another file: all of them as a mapping, or `policies` alone as a list.
pub(super) fn inline(place: &Place<'_>) -> PolicyFile {
    if place.is_mapping() {
        return policy_file(place);
    }
    let evaluation = EvaluationConfig::default();
    PolicyFile {
        policies: policies::policies(place, evaluation.strategy),
        evaluation,
        ..PolicyFile::default()
    }
}

fn policy_file(body: &Place<'_>) -> PolicyFile {
    let mut fields = body.fields();
    let windows = windows::windows(&mut fields);
    let evaluation = evaluation(&mut fields);
    warn_of_keys_without_effect(&mut fields);
    if let Some(place) = fields.take("tail_storage") {
        place.error("is not supported", "remove it: traces are held in memory");
    }
    let policies = match fields.take("policies") {
        Some(place) if !place.lists_nothing() => policies::policies(&place, evaluation.strategy),
        _ => {
            let place = body.deepest(&["policies"]);
            place.warning("there are no policies, so nothing is kept", "");
            Vec::new()
        }
    };
    fields.finish();
    PolicyFile {
        windows,
        evaluation,
        policies,
    }
}

fn evaluation(fields: &mut Fields<'_>) -> EvaluationConfig {
    let mut config = EvaluationConfig::default();
    let first = &mut config.sample_on_first_match;
    fields.set("sample_on_first_match", first, Place::boolean);
    let drop = &mut config.drop_pending_traces_on_shutdown;
    fields.set("drop_pending_traces_on_shutdown", drop, Place::boolean);
    fields.set("sampling_strategy", &mut config.strategy, |place| {
        // The collector takes an empty one for the default.
        if place.text() == Some("") {
            return None;
        }
        place.choice(&STRATEGIES)
    });
    fields.set("strict", &mut config.strict, Place::boolean);
    fields.set("compat", &mut config.compat, |place| place.choice(&COMPATS));
    config
}

/// Keys that are read, because a wrong one is refused by the collector as well, and have no effect.
fn warn_of_keys_without_effect(fields: &mut Fields<'_>) {
    if let Some(place) = fields.take("expected_new_traces_per_sec") {
        place.collector_unsigned();
        place.warning("has no effect", "memory grows and shrinks by itself");
    }
    if let Some(place) = fields.take("num_shards") {
        place.collector_integer();
        let advice = "shards of the server file replaces it";
        place.warning("has no effect", advice);
    }
    if let Some(place) = fields.take("decision_cache") {
        let mut cache = place.fields();
        for key in ["sampled_cache_size", "non_sampled_cache_size"] {
            if let Some(size) = cache.take(key) {
                size.collector_integer();
            }
        }
        cache.finish();
        let advice = "decision_cache.limit of the server file, in bytes, replaces it";
        place.warning("has no effect", advice);
    }
}

#[cfg(test)]
mod tests;
