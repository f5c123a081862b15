//! What commands have in common that ask a running replica on its admin port.

use clap::{Args, ValueEnum};
use http::Uri;

use super::values;

/// Whom to ask, and how to print the answer.
#[derive(Debug, Args)]
pub(super) struct AdminArgs {
    /// The replica's admin port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464", value_parser = values::admin)]
    pub(super) admin: Uri,

    /// Text for people, or the replica's JSON as it is
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}
