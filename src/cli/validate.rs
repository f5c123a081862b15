//! `tailsieve validate`: everything that is wrong or odd with policy files, and what they keep in words.
//!
//! Findings go to standard output, one a line, as `file:line:column: error: key: problem; advice`, so that editors and CI
//! systems find the place; or as one JSON object for each file.

mod explain;
mod report;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::output;
use crate::config::policy_source;
use crate::config::server::PolicySource;
use report::Report;

/// Check policy files without running them
///
/// Reads each file, or folder of files, as a replica would, and tells everything that is wrong or odd with it: where,
/// what, and what would be right.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct ValidateArgs {
    /// Policy files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Take warnings for errors
    #[arg(long)]
    strict: bool,

    /// Say in words what each file keeps
    #[arg(long)]
    explain: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How to print.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A finding a line, then a line for each file
    Text,
    /// A JSON object for each file, one a line
    Json,
}

const AFTER_HELP: &str = "\
Examples:
  tailsieve validate policies.yaml
  tailsieve validate --explain policies/default.yaml
  tailsieve validate --strict --format json policies.d/ | jq .errors

Exit codes:
  0  every file is valid
  1  a file is not, or cannot be read; with --strict also: a file has a warning
  2  wrong arguments";

impl ValidateArgs {
    /// Checks every file, whatever is wrong with those before it.
    ///
    /// # Errors
    /// None but a failure to print.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let mut all_valid = true;
        for path in &self.files {
            let source = PolicySource(Some(path.clone()));
            let outcome = policy_source::read(&source);
            let report = Report::new(path, outcome, self.strict, self.explain);
            all_valid &= report.valid;
            let text = match self.format {
                Format::Text => report.to_string(),
                Format::Json => serde_json::to_string(&report)? + "\n",
            };
            output::write(|out| out.write_all(text.as_bytes()))?;
        }
        Ok(if all_valid {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
