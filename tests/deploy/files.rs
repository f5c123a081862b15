//! Files of the project, read as what they are.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use serde_json::Value;
use tailsieve::cli::Cli;
use tailsieve::config::policy_file::{self, PolicyFile};
use tailsieve::config::server::{self, ServerConfig};
use tempfile::NamedTempFile;

/// The root of the repository, from which all names here count.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn text(name: &str) -> String {
    let text = fs::read_to_string(path(name));
    text.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A YAML file as JSON: aliases and merge keys are resolved.
pub(crate) fn yaml(name: &str) -> Value {
    yaml_text(name, &text(name))
}

pub(crate) fn yaml_text(name: &str, text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a server file says, in an environment of these variables.
pub(crate) fn server_file(name: &str, text: &str, variables: &[(&str, &str)]) -> ServerConfig {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let checked =
        server::parse(name, text, &lookup).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    checked.config
}

pub(crate) fn policies(name: &str, text: &str) -> PolicyFile {
    let checked = policy_file::parse(name, text, &|_| None)
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    checked.config
}

/// A file with a secret: server files are only valid where theirs can be read.
pub(crate) fn secret_file() -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(b"as long as a secret has to be\n").unwrap();
    file
}

/// Fails unless these are arguments that `tailsieve` takes.
pub(crate) fn assert_command(arguments: &[String]) {
    let program = ["tailsieve".to_owned()];
    let parsed = Cli::try_parse_from(program.iter().chain(arguments));
    assert!(parsed.is_ok(), "{arguments:?}: {parsed:?}");
}
