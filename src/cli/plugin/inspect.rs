//! `tailsieve plugin inspect`: what a component wants and has, and who made it. Nothing of it is run.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::subject::{self, size};
use crate::cli::output;
use crate::sampler::wasm::Anatomy;

/// Show what a plugin wants and has, and who made it
///
/// Reads its sections; nothing of it is run. Works on what Tailsieve would not take, too: `check` says whether it does.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct InspectArgs {
    /// A component, or a core module
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve plugin inspect my-policy.wasm

Exit codes: 0 done, 1 not to be read or no WebAssembly, 2 wrong arguments";

impl InspectArgs {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let bytes = subject::read(&self.file)?;
        let name = self.file.display();
        let anatomy = Anatomy::read(&bytes).map_err(|error| anyhow::anyhow!("{name} {error}"))?;
        output::write(|out| {
            let kind = match anatomy.is_component {
                true => "component",
                false => "core module, no component",
            };
            writeln!(out, "{name}: {kind}, {}", size(bytes.len()))?;
            writeln!(out, "  sha256    {}", anatomy.sha256)?;
            if let Some(version) = &anatomy.version {
                writeln!(out, "  version   {version}")?;
            }
            for (name, kind) in &anatomy.imports {
                writeln!(out, "  import    {name} ({kind})")?;
            }
            for (name, kind) in &anatomy.exports {
                writeln!(out, "  export    {name} ({kind})")?;
            }
            writeln!(out, "  modules   {}", anatomy.modules)?;
            for (field, producer, version) in &anatomy.producers {
                let line = format!("  {field:<9} {producer} {version}");
                writeln!(out, "{}", line.trim_end())?;
            }
            Ok(())
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
