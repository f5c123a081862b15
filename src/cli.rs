//! The command line: one file for each command, with its flags and what it prints.
//!
//! Every flag has an environment variable, named by one rule (`variables`): `TAILSIEVE_` and the flag for `run` and
//! for the flags of all commands, `TAILSIEVE_<COMMAND>_` and the flag for the others. Only this folder prints.

#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod run;

pub mod demo;
pub mod generate;
pub mod send;
pub mod sink;

pub mod replay;
pub mod schema;
pub mod test;
pub mod validate;

pub mod cluster;
pub mod explain;

pub mod plugin;

pub mod completions;

mod admin;
mod client;
mod logging;
mod output;
mod runtime;
mod values;
mod variables;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::server::LogConfig;

/// Exit code of a command that ran to its end but did not get everything across.
pub const INCOMPLETE: u8 = 3;

/// A tail-sampling engine for OpenTelemetry traces
///
/// Put it between collectors and trace backends: it holds each trace until it is complete, keeps what the policies say
/// (every error, every slow request, a fair share of the rest), and passes whole traces on.
#[derive(Debug, Parser)]
#[command(name = "tailsieve", version, propagate_version = true)]
#[command(disable_help_subcommand = true, after_long_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    logging: logging::LoggingArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Demo(demo::DemoArgs),
    Generate(generate::GenerateArgs),
    Send(send::SendArgs),
    Sink(sink::SinkArgs),
    Replay(replay::ReplayArgs),
    Test(test::TestArgs),
    Explain(explain::ExplainArgs),
    Cluster(cluster::ClusterArgs),
    Validate(validate::ValidateArgs),
    Plugin(plugin::PluginArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
}

const AFTER_HELP: &str = "\
Examples:
  tailsieve demo                                     everything at once, for twenty seconds
  tailsieve sink --grpc-endpoint 127.0.0.1:14317     a backend to look at what comes out
  tailsieve run --exporter-endpoint http://127.0.0.1:14317
  tailsieve generate --rate 5000 --duration 10s      load for it
  tailsieve validate --explain policies.yaml         what is wrong with a policy file, and what it keeps
  tailsieve replay --policies policies.yaml recorded.jsonl   what it would keep of recorded spans
  tailsieve plugin new my-policy --lang rust         a policy of your own

Environment:
  Every flag can be given as a variable: TAILSIEVE_<FLAG> for `run` and the flags of all commands
  (TAILSIEVE_LOG_FORMAT=json), TAILSIEVE_<COMMAND>_<FLAG> for the others (TAILSIEVE_GENERATE_RATE=5000).

Exit codes:
  0  done
  1  failed, as standard error says; a difference was found (demo), a file is not valid (validate), a test failed (test), a
     trace is not known (explain), a replica is not ready or slots are held by nobody (cluster status)
  2  wrong arguments; a test file is not valid (test)
  3  ran to the end, but something was left: spans not acknowledged (generate, send), or not exported (run)";

/// Runs the command that the process's arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match cli.command.execute(&cli.logging) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tailsieve: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The whole command line, with the variables of all flags.
#[must_use]
pub fn command() -> clap::Command {
    variables::named(Cli::command())
}

impl Command {
    fn execute(self, logging: &logging::LoggingArgs) -> anyhow::Result<ExitCode> {
        // A replica's configuration has a say in its logging.
        if !matches!(self, Self::Run(_)) {
            logging.start(&LogConfig::default());
        }
        match self {
            Self::Run(args) => args.execute(logging),
            Self::Demo(args) => args.execute(),
            Self::Generate(args) => args.execute(),
            Self::Send(args) => args.execute(),
            Self::Sink(args) => args.execute(),
            Self::Replay(args) => args.execute(),
            Self::Test(args) => args.execute(),
            Self::Explain(args) => args.execute(),
            Self::Cluster(args) => args.execute(),
            Self::Validate(args) => args.execute(),
            Self::Plugin(args) => args.execute(),
            Self::Schema(args) => args.execute(),
            Self::Completions(args) => args.execute(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_example() {
        for mut subcommand in command().get_subcommands().cloned() {
            let help = subcommand.render_long_help().to_string();
            assert!(help.contains("Example"), "{}", subcommand.get_name());
        }
    }

    #[test]
    fn unknown_flags_are_refused() {
        let error = command().try_get_matches_from(["tailsieve", "generate", "--rats", "5"]);
        assert!(error.unwrap_err().to_string().contains("--rate"));
    }
}
