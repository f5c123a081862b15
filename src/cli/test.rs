//! `tailsieve test`: unit tests of policies.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::output;
use crate::config::policy_test;
use crate::what_if::policy_test::junit::{self, Suite};
use crate::what_if::policy_test::{self as runner, TestResult};

/// Exit code when a file could not be read or run.
const BAD_FILE: u8 = 2;

/// Test policies: what must become of given traces
///
/// A test file names a policy file and traces, given inline in a short form, as OTLP/JSON lines or as downloaded from
/// Jaeger's UI, each with the decision expected of it. Time is simulated, so limits can be tested as well. No replica is
/// needed. docs/testing-policies.md has the format.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TestArgs {
    /// Test files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Write the results as JUnit XML, for CI systems
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve test policies/tests/*.yaml
  tailsieve test --junit results.xml policies/tests/*.yaml

A test file:
  policies: ../default.yaml          # relative to this file; or the policies themselves
  tests:
    - name: every error is kept
      traces:
        - spans:
            - {service: shop, name: GET /cart, kind: server, duration: 20ms}
            - {service: cart, name: load, duration: 10ms, status: error}
          decision: sampled          # or not_sampled, dropped
          policy: errors

Exit codes: 0 all tests succeeded, 1 a test failed, 2 a file is not valid, or wrong arguments";

impl TestArgs {
    /// Runs all files and tells what came of each.
    ///
    /// # Errors
    /// The file of results can't be written.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let suites = self.files.iter().map(|file| run(file));
        let suites: Vec<Suite> = suites.collect::<anyhow::Result<_>>()?;
        if let Some(path) = &self.junit {
            let failed = || format!("cannot write {}", path.display());
            let file = File::create(path).with_context(failed)?;
            junit::write(BufWriter::new(file), &suites).with_context(failed)?;
        }
        if suites.iter().any(|suite| suite.results.is_err()) {
            return Ok(ExitCode::from(BAD_FILE));
        }
        let mut results = suites.iter().flat_map(|suite| &suite.results).flatten();
        Ok(match results.all(|result| result.failures.is_empty()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

fn run(path: &Path) -> anyhow::Result<Suite> {
    let file = path.display().to_string();
    let results = read_and_run(path);
    output::write(|out| {
        writeln!(out, "Unit Testing:  {file}")?;
        match &results {
            Ok(results) => tell(out, results)?,
            // Places are told as compilers do, for editors to find them.
            Err(error) => {
                writeln!(out, "  FAILED:")?;
                let mut lines = error.lines();
                lines.try_for_each(|line| writeln!(out, "    {line}"))?;
            }
        }
        writeln!(out)
    })?;
    Ok(Suite { file, results })
}

fn read_and_run(path: &Path) -> Result<Vec<TestResult>, String> {
    let checked = policy_test::read(path).map_err(|errors| errors.to_string())?;
    for warning in &checked.warnings {
        tracing::warn!("{warning}");
    }
    runner::run(&checked.config).map_err(|error| {
        let (line, column) = (error.position.line, error.position.column);
        let file = path.display();
        format!("{file}:{line}:{column}: {:#}", anyhow::Error::new(error))
    })
}

fn tell(out: &mut impl Write, results: &[TestResult]) -> io::Result<()> {
    let failed = results.iter().filter(|result| !result.failures.is_empty());
    let failed: Vec<&TestResult> = failed.collect();
    if failed.is_empty() {
        return writeln!(out, "  SUCCESS");
    }
    writeln!(out, "  FAILED:")?;
    for result in failed {
        writeln!(out, "    name: {}", result.name)?;
        for failure in &result.failures {
            let text = failure.to_string();
            let mut lines = text.lines();
            lines.try_for_each(|line| writeln!(out, "      {line}"))?;
        }
    }
    Ok(())
}
