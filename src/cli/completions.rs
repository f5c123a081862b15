//! `tailsieve completions`: shell completions.

use std::io;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

/// Print shell completions
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell they are for
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(tailsieve completions bash)
  tailsieve completions zsh > ~/.zfunc/_tailsieve
  tailsieve completions fish > ~/.config/fish/completions/tailsieve.fish";

impl CompletionsArgs {
    /// Prints the completions.
    ///
    /// # Errors
    /// None; like all commands by its signature.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "tailsieve", &mut script);
        io::Write::write_all(&mut io::stdout(), &script)?;
        Ok(ExitCode::SUCCESS)
    }
}
