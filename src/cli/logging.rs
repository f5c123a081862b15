//! Structured logs on standard error, as text for people or JSON for machines. Standard output is for results.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::config::{self, server::LogConfig};

/// How the process logs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(super) struct LoggingArgs {
    /// How log lines look [default: text, or what the server configuration says]
    #[arg(long, global = true, value_enum)]
    log_format: Option<LogFormat>,

    /// What is logged: error, warn, info, debug, trace or off; or by module, as in `warn,tailsieve::buffer=debug`
    /// [default: info, or what the server configuration says]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = filter)]
    log_level: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line of text for each event.
    #[default]
    Text,
    /// A JSON object for each event.
    Json,
}

impl LoggingArgs {
    /// Starts logging as the flags say, where they say nothing as `configured`; once for each process.
    pub(super) fn start(&self, configured: &LogConfig) {
        let level = self.log_level.as_ref().unwrap_or(&configured.level);
        let builder = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(level))
            .with_writer(std::io::stderr);
        let configured_format = match configured.format {
            config::server::LogFormat::Text => LogFormat::Text,
            config::server::LogFormat::Json => LogFormat::Json,
        };
        // A second start can only be a test's: the first stays in force.
        let _ = match self.log_format.unwrap_or(configured_format) {
            LogFormat::Text => builder
                .with_ansi(std::io::stderr().is_terminal())
                .try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
    }
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}
