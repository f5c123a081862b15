//! JSON Schema (draft 2020-12) of the server file and the policy file, for editors and for checks elsewhere.
//!
//! Generated from types that mirror what the readers take: their names, forms and defaults. Tests hold them to the
//! readers, in both directions. A schema says less than a reader: settings that contradict each other, names that stand
//! twice, expressions and conditions with a mistake within are for `tailsieve validate`.

#![expect(
    dead_code,
    reason = "the types of this folder have a shape, and never a value"
)]

mod cluster;
mod exporter;
mod policies;
mod policy_file;
mod policy_types;
mod receiver;
mod server;
mod values;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// The schema of the server file.
#[must_use]
pub fn of_server_file() -> Schema {
    generate::<server::ServerFile>()
}

/// The schema of the policy file.
#[must_use]
pub fn of_policy_file() -> Schema {
    generate::<policy_file::PolicyFile>()
}

fn generate<T: JsonSchema>() -> Schema {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests;
