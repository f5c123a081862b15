//! `tailsieve schema`: the JSON Schema of a kind of file.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::output;
use crate::config::schema;

/// Print the JSON Schema of policy files or of the server file
///
/// Editors complete and check files by it. It is generated from what this version reads.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct SchemaArgs {
    /// Of which file
    #[arg(value_enum, default_value_t = File::Policies)]
    file: File,
}

/// The kinds of files that have a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum File {
    /// Which traces are kept
    Policies,
    /// Everything else: `tailsieve run --config`
    Server,
}

const AFTER_HELP: &str = "\
Examples:
  tailsieve schema > policies.schema.json
  tailsieve schema server > tailsieve.schema.json

For an editor with the YAML language server, as the first line of a policy file:
  # yaml-language-server: $schema=policies.schema.json";

impl SchemaArgs {
    /// Prints the schema.
    ///
    /// # Errors
    /// None but a failure to print.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let schema = match self.file {
            File::Policies => schema::of_policy_file(),
            File::Server => schema::of_server_file(),
        };
        let text = serde_json::to_string_pretty(&schema)?;
        output::write(|out| writeln!(out, "{text}"))?;
        Ok(ExitCode::SUCCESS)
    }
}
