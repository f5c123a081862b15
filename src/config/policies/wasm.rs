//! `wasm`: a plugin. It is loaded here, so that whatever is wrong with it is found with the file that names it.

use std::path::PathBuf;
use std::sync::Arc;

use super::Settings;
use crate::clock::Clock;
use crate::config::decode::{Place, format_bytes};
use crate::config::modules::ModuleError;
use crate::sampler::config::{OnError, RuleConfig, WasmConfig};
use crate::sampler::wasm::{Limits, LoadError, Plugin};

const ON_ERROR: [(&str, OnError); 4] = [
    ("abstain", OnError::Abstain),
    ("sample", OnError::Sample),
    ("not_sample", OnError::NotSample),
    ("drop", OnError::Drop),
];

/// `limits.binary` unless written.
const BINARY_BYTES: u64 = 32 << 20;

struct Written {
    limits: Limits,
    binary_bytes_max: u64,
    on_error: OnError,
    stateful: bool,
    rebuild_after: u64,
    /// As JSON.
    config: String,
}

pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let module = settings.take("module");
    let sha256 = settings.take("sha256");
    let config = settings.take("config");
    let written = written(settings, config.as_ref());
    let wanted = sha256.as_ref().map(sha256_of);
    let Some(module) = module else {
        let place = settings.place();
        place.error("module is missing", "name the plugin's .wasm file");
        return None;
    };
    let path = PathBuf::from(module.non_empty_text()?);
    // Nothing is loaded that is not what was meant.
    let wanted = match wanted {
        Some(wanted) => Some(wanted?),
        None => None,
    };
    let read = module.modules().read(&path, written.binary_bytes_max);
    let (bytes, found) = match read {
        Ok(read) => read,
        Err(error) => {
            let advice = match &error {
                ModuleError::TooMany => String::new(),
                ModuleError::Io(..) => "paths are relative to the policy file".to_owned(),
                ModuleError::TooLarge(_) => {
                    format!("that is {}", format_bytes(written.binary_bytes_max))
                }
            };
            module.error(error.to_string(), advice);
            return None;
        }
    };
    if let (Some(wanted), Some(place)) = (wanted, &sha256)
        && wanted != found
    {
        let problem = format!("{} has another SHA-256: {found}", path.display());
        place.error(problem, "put the right file there, or its SHA-256 here");
        return None;
    }
    let clock = Clock::system();
    match Plugin::load(&bytes, written.config, written.limits, &|| clock.now()) {
        Ok(plugin) => Some(RuleConfig::Wasm(WasmConfig {
            module: path,
            plugin: Arc::new(plugin),
            on_error: written.on_error,
            stateful: written.stateful,
            rebuild_after: written.rebuild_after,
        })),
        Err(error) => {
            report(&error, &path, &module, config.as_ref());
            None
        }
    }
}

/// All settings but those that say which plugin it is.
fn written(settings: &mut Settings<'_>, config: Option<&Place<'_>>) -> Written {
    let mut written = Written {
        limits: Limits::default(),
        binary_bytes_max: BINARY_BYTES,
        on_error: OnError::default(),
        stateful: false,
        rebuild_after: 0,
        config: "null".to_owned(),
    };
    settings.set("on_error", &mut written.on_error, |place| {
        place.choice(&ON_ERROR)
    });
    settings.set("stateful", &mut written.stateful, Place::boolean);
    settings.set("rebuild_after", &mut written.rebuild_after, |place| {
        place.integer(0..=u64::MAX)
    });
    if let Some(config) = config {
        written.config = config.json_value().to_string();
    }
    if let Some(place) = settings.take("limits") {
        let mut limits = place.fields();
        limits.set("memory", &mut written.limits.memory_bytes, |memory| {
            memory.size_in_memory(Limits::MEMORY_BYTES_MIN..=Limits::MEMORY_BYTES_MAX)
        });
        limits.set("deadline", &mut written.limits.deadline_ms, deadline_ms);
        limits.set("binary", &mut written.binary_bytes_max, |binary| {
            binary.size(1..=Limits::BINARY_BYTES_MAX)
        });
        limits.finish();
    }
    written
}

fn deadline_ms(place: &Place<'_>) -> Option<u64> {
    let milliseconds = place.duration()?.as_nanos().div_ceil(1_000_000);
    if milliseconds > u128::from(Limits::DEADLINE_MS_MAX) {
        place.error(
            "is too long",
            "at most 1s: a shard does nothing else meanwhile",
        );
        return None;
    }
    u64::try_from(milliseconds).ok()
}

/// A SHA-256 in lower case; `None` when it is none, which is reported.
fn sha256_of(place: &Place<'_>) -> Option<String> {
    let text = place.identifier()?.to_ascii_lowercase();
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        place.error(
            "is no SHA-256",
            "64 hexadecimal digits, as sha256sum prints them",
        );
    }
    is_hash.then_some(text)
}

fn report(
    error: &LoadError,
    path: &std::path::Path,
    module: &Place<'_>,
    config: Option<&Place<'_>>,
) {
    let place = match (error, config) {
        (LoadError::Config(_), Some(config)) => config,
        _ => module,
    };
    let problem = format!("{} {error}", path.display());
    place.error(problem, error.advice());
}
