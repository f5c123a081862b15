//! Gives every flag its environment variable, so that none is forgotten and all follow one rule.

use clap::{Arg, Command};

const PREFIX: &str = "TAILSIEVE_";

/// `command` with a variable for each of its flags and of its subcommands' flags.
pub(super) fn named(command: Command) -> Command {
    with_prefix(command, PREFIX)
}

fn with_prefix(command: Command, prefix: &str) -> Command {
    let command = command.mut_args(|arg| with_variable(arg, prefix));
    let names: Vec<String> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        let prefix = match name.as_str() {
            // Those of a replica.
            "run" if prefix == PREFIX => prefix.to_owned(),
            _ => format!("{prefix}{}_", shouted(&name)),
        };
        command.mut_subcommand(name, |subcommand| with_prefix(subcommand, &prefix))
    })
}

/// Flags get a variable; positional arguments, help and version do not.
fn with_variable(arg: Arg, prefix: &str) -> Arg {
    match arg.get_long() {
        None | Some("help" | "version") => arg,
        Some(long) => {
            let variable = format!("{prefix}{}", shouted(long));
            arg.env(variable).hide_env_values(true)
        }
    }
}

fn shouted(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn every_flag_has_a_variable_of_its_own() {
        let command = super::super::command();
        let mut seen = HashSet::new();
        let mut parts = vec![&command];
        while let Some(part) = parts.pop() {
            parts.extend(part.get_subcommands());
            for arg in part.get_arguments() {
                if matches!(arg.get_long(), None | Some("help" | "version")) {
                    continue;
                }
                let variable = arg.get_env().unwrap().to_str().unwrap().to_owned();
                assert!(variable.starts_with("TAILSIEVE_"));
                assert!(seen.insert(variable), "{arg}");
            }
        }
        assert!(seen.contains("TAILSIEVE_GENERATE_SPANS_PER_TRACE"));
        assert!(seen.contains("TAILSIEVE_CONFIG"));
        assert!(seen.contains("TAILSIEVE_PLUGIN_RUN_CONFIG"));
        assert!(seen.contains("TAILSIEVE_CLUSTER_STATUS_ADMIN"));
    }
}
