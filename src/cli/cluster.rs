//! `tailsieve cluster`: how a cluster stands, as one of its replicas sees it.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::admin::{AdminArgs, Format};
use super::{output, runtime};
use crate::tools::cluster;

/// Look at a cluster of replicas
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ClusterArgs {
    #[command(subcommand)]
    command: ClusterCommand,
}

#[derive(Debug, Subcommand)]
enum ClusterCommand {
    Status(StatusArgs),
}

/// Show members, slots, moves and traffic as a replica sees them
///
/// Each replica speaks for itself: where they may disagree, ask several. Policies are compared with those of the replica
/// that is asked; traffic is what it passes on to others.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct StatusArgs {
    #[command(flatten)]
    replica: AdminArgs,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve cluster status
  tailsieve cluster status --admin tailsieve-0:9464
      another replica's admin port
  tailsieve cluster status --format json | jq '.members[] | {id, state, slots_held}'
      for machines, as GET /api/v1/cluster gives it

Exit codes: 0 the replica is ready and all slots are held, 1 it is not so, or nobody answers, 2 wrong arguments";

impl ClusterArgs {
    /// Asks, prints.
    ///
    /// # Errors
    /// Nobody answers; the replica runs alone, or is not ready; slots are held by nobody.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            ClusterCommand::Status(status) => status.execute(),
        }
    }
}

impl StatusArgs {
    fn execute(self) -> anyhow::Result<ExitCode> {
        let answer = runtime::new(1)?.block_on(cluster::ask(&self.replica.admin))?;
        if let Some(error) = &answer.page.error {
            anyhow::bail!("{}: {error}", self.replica.admin);
        }
        output::write(|out| match self.replica.format {
            Format::Json => writeln!(out, "{}", answer.json.trim_end()),
            Format::Text => write!(out, "{}", answer.page),
        })?;
        match answer.page.trouble() {
            Some(trouble) => anyhow::bail!(trouble),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}
