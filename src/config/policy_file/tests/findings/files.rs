//! Files that are wrong as a whole: too large, too deep, no text, no YAML, not there.

use std::fs;
use std::path::Path;

use super::super::super::read;
use super::{check_errors, errors};

/// The message about a file of these bytes, without its name.
fn error_of(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    fs::write(&path, bytes).unwrap();
    without_name(&path)
}

fn without_name(path: &Path) -> String {
    let error = read(path).unwrap_err().to_string();
    let name = path.display().to_string();
    error.strip_prefix(&name).unwrap().to_owned()
}

#[test]
fn a_file_that_is_not_text_is_one_error() {
    assert_eq!(
        error_of(b"policies: \xfe\xff"),
        ": not UTF-8: the byte at offset 10 belongs to no character"
    );
}

#[test]
fn ten_megabytes_are_not_read() {
    let mut text = b"policies:\n".to_vec();
    while text.len() < 10 << 20 {
        text.extend_from_slice(b"  - {name: a, type: always_sample}\n");
    }
    assert_eq!(error_of(&text), ": is longer than 4MiB");
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("p.yaml");
    assert_eq!(
        without_name(&nowhere),
        ": cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        without_name(folder.path()),
        ": cannot be read: Is a directory (os error 21)"
    );
}

#[test]
fn an_alias_bomb_is_told_where_it_grows_too_large() {
    let mut text = "policies: []\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(
        errors(&text),
        "p.yaml:6:5: too large with its aliases expanded: more than 200000 values or 16777216 bytes of text"
    );
}

#[test]
fn a_bomb_within_sub_policies_is_refused_as_well() {
    let mut text = "p0: &p0 {type: always_sample}\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*p{}", level - 1); 10].join(", ");
        text.push_str(&format!(
            "p{level}: &p{level} {{type: and, and_sub_policy: [{aliases}]}}\n"
        ));
    }
    text.push_str("policies: [*p8]\n");
    assert_eq!(
        errors(&text),
        "p.yaml:6:68: too large with its aliases expanded: more than 200000 values or 16777216 bytes of text"
    );
}

#[test]
fn what_is_no_yaml_is_told_where_it_ends_to_be() {
    check_errors(&[
        (
            "policies: [",
            "2:1: not valid YAML: while parsing a node, did not find expected node content",
        ),
        (
            "policies:\n  - name: a\n   type: latency\n",
            "3:4: not valid YAML: while parsing a block collection, did not find expected '-' indicator",
        ),
        (
            "policies:\n\t- name: a\n",
            "2:2: not valid YAML: tabs disallowed within this context (block indentation)",
        ),
        (
            "policies: [{name: a, type: latency]\n",
            "1:35: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'",
        ),
        (
            "policies: *all",
            "1:11: not valid YAML: while parsing node, found unknown anchor",
        ),
    ]);
}
