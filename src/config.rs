//! Reading the server file and the policy file into the checked settings of the stages.
//!
//! text -> `yaml` (a tree with positions) -> [`environment`] (variables) -> `decode` (one kind of value each) ->
//! [`server`] or [`policy_file`] (what the keys mean). All mistakes of a file are found in one run, each with file,
//! line, column, key and what would be right. Nothing but these types leaves this module: no stage sees YAML.

pub mod environment;
pub mod finding;
pub mod plugin_config;
pub mod policy_file;
pub mod policy_source;
pub mod policy_test;
pub mod schema;
pub mod server;

mod decode;
mod modules;
mod policies;
mod yaml;

pub use finding::{Checked, ConfigError, ConfigErrors, Finding, FindingEntry, Position, Warning};
pub use modules::{MODULES_MAX, ModuleFile};
pub use policy_file::{DEFAULT_POLICIES, PolicyFile};
pub use server::{LogConfig, LogFormat, PolicySource, ServerConfig};
pub use yaml::{DEPTH_MAX, FILE_BYTES_MAX, NODES_MAX, TEXT_BYTES_MAX};

use std::fs::File;
use std::io::Read;
use std::path::Path;

use finding::Findings;

/// The text of a file of at most [`FILE_BYTES_MAX`]; what is wrong with it is the only error then.
fn read_text(path: &Path) -> Result<String, ConfigErrors> {
    let findings = Findings::new(&path.display().to_string());
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    let outcome = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    if let Err(error) = outcome {
        findings.error(None, "", format!("cannot be read: {error}"), "");
    } else if bytes.len() > FILE_BYTES_MAX {
        findings.error(None, "", too_long(), "");
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            findings.error(
                None,
                "",
                format!("not UTF-8: the byte at offset {offset} belongs to no character"),
                "",
            );
            None
        }
    };
    findings.conclude(text).map(|checked| checked.config)
}

fn too_long() -> String {
    let limit = decode::format_bytes(FILE_BYTES_MAX as u64);
    format!("is longer than {limit}")
}
