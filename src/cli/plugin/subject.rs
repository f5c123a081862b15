//! The plugin that a command is about: which file, with which config and limits.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use crate::cli::values;
use crate::clock::Clock;
use crate::config::plugin_config;
use crate::sampler::wasm::{Limits, LoadError, Plugin};
use crate::what_if::traces::Traces;

/// A component, and what a policy file would say about it.
#[derive(Debug, Args)]
pub(super) struct Subject {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(super) file: PathBuf,

    /// Its `config`, in YAML or JSON; @FILE for that file's content
    #[arg(long, value_name = "CONFIG")]
    config: Option<String>,

    /// Its `limits.memory`
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "16MiB")]
    memory: u64,

    /// Its `limits.deadline`, rounded up to whole milliseconds
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10ms")]
    deadline: Duration,
}

impl Subject {
    /// What messages call it.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.file.display()
    }

    pub(super) fn limits(&self) -> Limits {
        let deadline_ms = self.deadline.as_nanos().div_ceil(1_000_000);
        Limits {
            memory_bytes: usize::try_from(self.memory).unwrap_or(usize::MAX),
            deadline_ms: u64::try_from(deadline_ms)
                .unwrap_or(u64::MAX)
                .clamp(1, Limits::DEADLINE_MS_MAX),
        }
    }

    /// Loads it as a replica does.
    pub(super) fn load(&self, bytes: &[u8]) -> anyhow::Result<Plugin> {
        if self.memory < Limits::MEMORY_BYTES_MIN {
            let memory = self.memory;
            bail!("--memory {memory}: is too small; at least 64KiB, which is a page");
        }
        let config = self.config_json()?;
        let clock = Clock::system();
        Plugin::load(bytes, config, self.limits(), &|| clock.now()).map_err(|error| {
            let advice = match &error {
                LoadError::Config(_) if self.config.is_none() => {
                    "give it one with --config".to_owned()
                }
                error => in_flags(&error.advice()),
            };
            let separator = if advice.is_empty() { "" } else { "; " };
            anyhow::anyhow!("{} {error}{separator}{advice}", self.name())
        })
    }

    fn config_json(&self) -> anyhow::Result<String> {
        let Some(config) = &self.config else {
            return Ok("null".to_owned());
        };
        let Some(path) = config.strip_prefix('@') else {
            return Ok(plugin_config::to_json("--config", config)?);
        };
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        Ok(plugin_config::to_json(path, &text)?)
    }
}

/// The traces of files, of which there is one at least.
pub(super) fn traces(files: &[PathBuf]) -> anyhow::Result<Traces> {
    let traces = Traces::read(files)?;
    if traces.all().is_empty() {
        bail!("there are no traces in the files; give some that have spans");
    }
    Ok(traces)
}

/// The bytes of a component.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let failed = || format!("cannot read {name}");
    let bytes = fs::metadata(path).with_context(failed)?.len();
    let bytes_max = Limits::BINARY_BYTES_MAX;
    if bytes > bytes_max {
        bail!("{name} has {bytes} bytes; a component has at most {bytes_max}");
    }
    fs::read(path).with_context(failed)
}

/// Settings of a policy file are flags here.
fn in_flags(advice: &str) -> String {
    advice.replace("limits.memory", "--memory")
}

/// As `1.2 MB`, `57.4 kB`.
pub(super) fn size(bytes: usize) -> String {
    let bytes = bytes as f64;
    match bytes {
        1e6.. => format!("{:.1} MB", bytes / 1e6),
        1e3.. => format!("{:.1} kB", bytes / 1e3),
        _ => format!("{bytes} B"),
    }
}

/// As `1.2 s`, `3.4 ms`, `5.6 us`.
pub(super) fn time(ns: f64) -> String {
    match ns {
        1e9.. => format!("{:.2} s", ns / 1e9),
        1e6.. => format!("{:.2} ms", ns / 1e6),
        1e3.. => format!("{:.2} us", ns / 1e3),
        _ => format!("{ns:.0} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_unit_that_fits() {
        assert_eq!(
            (size(57_366), size(18_451_802)),
            ("57.4 kB".to_owned(), "18.5 MB".to_owned())
        );
        assert_eq!(
            (time(530.0), time(5_340.0)),
            ("530 ns".to_owned(), "5.34 us".to_owned())
        );
        assert_eq!(
            (size(0), time(2.5e9)),
            ("0 B".to_owned(), "2.50 s".to_owned())
        );
    }
}
