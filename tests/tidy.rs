//! The house rules, checked on the source tree: who may import whom, what only one place may do, what a file looks like.
//!
//! A rule that is broken names file and line. Where the rule is wrong, change it here, with the reason.

#![allow(
    clippy::unwrap_used,
    reason = "a tree that cannot be read fails the test"
)]

mod tidy {
    pub(crate) mod files;
    pub(crate) mod imports;
    pub(crate) mod rules;
}

use tidy::files::{File, project_files};
use tidy::{imports, rules};

/// Runs `check` over all files and shows everything that it finds at once.
fn assert_none(rule: &str, check: impl Fn(&File) -> Vec<String>) {
    let files = project_files();
    assert!(files.len() > 100, "the source tree was not found");
    let found: Vec<String> = files.iter().flat_map(check).collect();
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn modules_import_only_what_the_table_allows() {
    assert_none(
        "imports that the table in tests/tidy/imports.rs does not allow",
        imports::forbidden,
    );
}

#[test]
fn every_module_is_in_the_table_of_imports() {
    let files = project_files();
    let modules = files.iter().filter_map(File::module);
    let missing: Vec<&str> = modules
        .filter(|module| !imports::TABLE.iter().any(|(known, _)| known == module))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_map_of_the_source_names_every_module() {
    let map = include_str!("../docs/architecture.md");
    let files = project_files();
    let modules = files.iter().filter(|file| file.depth() == 1);
    let missing: Vec<&str> = modules
        .filter_map(File::module)
        .filter(|module| *module != "lib")
        .filter(|module| {
            let (file, folder) = (format!("`src/{module}.rs`"), format!("`src/{module}/`"));
            !map.contains(&file) && !map.contains(&folder)
        })
        .collect();
    assert!(missing.is_empty(), "docs/architecture.md: {missing:?}");
}

#[test]
fn what_one_place_does_no_other_does() {
    assert_none("words that belong to one place only", rules::misplaced);
}

#[test]
fn every_file_begins_with_what_it_is() {
    assert_none("files that do not open with //! and a sentence", |file| {
        let first = file.text.lines().next().unwrap_or_default();
        let is_said = first.strip_prefix("//! ").is_some_and(|it| it.len() > 10);
        let is_fine = !file.is_rust() || is_said;
        file.complain_unless(is_fine, first)
    });
}

#[test]
fn no_file_is_longer_than_400_lines_and_none_is_called_mod_rs() {
    assert_none("files too long, or called mod.rs", |file| {
        let lines = file.text.lines().count();
        let is_fine = !file.is_rust() || (lines <= 400 && !file.path.ends_with("/mod.rs"));
        file.complain_unless(is_fine, &format!("{lines} lines"))
    });
}

#[test]
fn nothing_is_unfinished_or_switched_off() {
    assert_none("unfinished work, tests switched off", rules::unfinished);
}

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    assert_none(
        "paths of a machine, or typography of a word processor",
        rules::foreign,
    );
}
