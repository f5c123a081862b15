//! `tailsieve plugin new`: a project that builds and tests as it is.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use super::name::PluginName;
use super::template::Language;
use crate::cli::output;

/// Write the project of a new plugin
///
/// A folder with a tiny policy that works, its tests, a policy file, traces to try it on, and a README with the commands.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct NewArgs {
    /// Of the project: a letter, then lower-case letters, digits and single -, 64 at most
    #[arg(value_name = "NAME", value_parser = PluginName::parse)]
    name: PluginName,

    /// Language to write it in
    #[arg(long, value_enum)]
    lang: Language,

    /// Folder to write to, which is empty or not there [default: NAME]
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve plugin new slow-checkouts --lang rust
  tailsieve plugin new payment-rules --lang python --path plugins/payment-rules

Exit codes: 0 done, 1 failed: the folder is not empty, say; 2 wrong arguments";

impl NewArgs {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let default = || PathBuf::from(self.name.as_str());
        let folder = self.path.clone().unwrap_or_else(default);
        refuse_unless_empty(&folder)?;
        let project = self.lang.project(&self.name);
        for (path, text) in &project {
            write(&folder.join(path), text)?;
        }
        let steps = self.lang.first_steps();
        output::write(|out| {
            let (files, folder) = (project.len(), folder.display());
            writeln!(
                out,
                "{files} files in {folder}; its README.md says how to go on:"
            )?;
            writeln!(out, "  cd {folder}; {steps}")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn refuse_unless_empty(folder: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            bail!("{} is a file; name a folder with --path", folder.display())
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", folder.display()));
        }
    };
    let mut entries = entries;
    if entries.next().is_some() {
        bail!(
            "{} is not empty, and nothing in it is overwritten; name another folder with --path",
            folder.display()
        );
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    fs::write(path, text).with_context(failed)
}
