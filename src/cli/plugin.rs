//! `tailsieve plugin`: from nothing to a policy of one's own that is known to work, without a replica.

mod bench;
mod check;
mod inspect;
mod name;
mod new;
mod run;
mod session;
mod subject;
mod template;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Write policies of your own, as components of WebAssembly
///
/// docs/plugins.md leads from `plugin new` to a plugin in a running cluster.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    New(new::NewArgs),
    Check(check::CheckArgs),
    Run(run::RunArgs),
    Bench(bench::BenchArgs),
    Inspect(inspect::InspectArgs),
}

const EXAMPLES: &str = "\
Examples:
  tailsieve plugin new my-policy --lang rust
      a project that builds and tests as it is
  tailsieve plugin check my-policy.wasm
      whether Tailsieve takes it
  tailsieve plugin run my-policy.wasm --config '{min_services: 4}' traces.jsonl
      what it says about recorded traces
  tailsieve plugin bench my-policy.wasm --config @config.yaml traces.jsonl
      what it costs
  tailsieve plugin inspect my-policy.wasm
      what it wants and has, and who made it

Exit codes: 0 done, 1 failed, as standard error says (run and bench: also where the plugin failed), 2 wrong arguments";

impl PluginArgs {
    /// Does what is asked for.
    ///
    /// # Errors
    /// Whatever keeps it from being done; a plugin that is not fit for use.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            PluginCommand::New(args) => args.execute(),
            PluginCommand::Check(args) => args.execute(),
            PluginCommand::Run(args) => args.execute(),
            PluginCommand::Bench(args) => args.execute(),
            PluginCommand::Inspect(args) => args.execute(),
        }
    }
}
