//! `log`: how much this process tells, and in which form.

use crate::config::decode::{Fields, Place, nearest};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// `log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `level`: `off`, `error`, `warn`, `info`, `debug`, `trace`, or several with the module each is for
    /// (`info,tailsieve::exporter=debug`). Default `info`.
    pub level: String,
    /// `format`. Default text.
    pub format: LogFormat,
}

/// `log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `text`: for people.
    #[default]
    Text,
    /// `json`: one object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::default(),
        }
    }
}

pub(super) fn log(fields: &mut Fields<'_>) -> LogConfig {
    let mut config = LogConfig::default();
    let Some(mut section) = fields.section("log") else {
        return config;
    };
    section.set("level", &mut config.level, level);
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    section.set("format", &mut config.format, |format| {
        format.choice(&formats)
    });
    section.finish();
    config
}

/// Stricter than the filter's own parser, which takes a misspelt level for the name of a module.
fn level(place: &Place<'_>) -> Option<String> {
    let text = place.non_empty_text()?;
    for directive in text.split(',') {
        let level = directive.rsplit('=').next().unwrap_or_default().trim();
        if LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            continue;
        }
        let advice = match nearest(level, &LEVELS) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("one of: {}", LEVELS.join(", ")),
        };
        place.error(format!("unknown level {level:?}"), advice);
        return None;
    }
    if let Err(error) = text.parse::<tracing_subscriber::EnvFilter>() {
        place.error(format!("not a log filter: {error}"), "");
        return None;
    }
    Some(text.to_owned())
}
