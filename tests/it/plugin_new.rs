//! `tailsieve plugin new` writes a whole project, over nothing that is there.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::replica::BINARY;

fn new_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["plugin", "new"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn each_language_has_a_project_with_readme_policy_file_tests_and_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    for language in ["rust", "typescript", "python", "go"] {
        let name = format!("slow-{language}");
        let output = new_in(folder.path(), &[&name, "--lang", language]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let project = folder.path().join(&name);
        let read = |file: &str| fs::read_to_string(project.join(file)).unwrap();
        assert!(read("README.md").starts_with(&format!("# {name}\n")));
        assert!(read("policy.yaml").contains(&format!("name: {name}")));
        assert!(read("tests.yaml").contains(&format!("votes: {{{name}: sampled}}")));
        assert!(read(".gitignore").contains('/'));
        assert_eq!(
            read("wit/policy.wit"),
            include_str!("../../plugins/wit/policy.wit")
        );
        assert_eq!(read("traces.jsonl").lines().count(), 3);
    }
}

#[test]
fn a_folder_that_is_empty_is_taken_and_one_that_is_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    fs::create_dir(&there).unwrap();
    let arguments = ["mine", "--lang", "python", "--path", "there"];
    assert_eq!(new_in(folder.path(), &arguments).status.code(), Some(0));

    fs::write(there.join("policy.py"), "mine").unwrap();
    let output = new_in(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("there is not empty"),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_to_string(there.join("policy.py")).unwrap(), "mine");
}

#[test]
fn a_file_in_the_folders_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let output = new_in(folder.path(), &["mine", "--lang", "go"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("mine is a file"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_name_that_no_package_may_have_is_refused_and_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Mine", "my policy", "../mine", "fn", "", "1st"] {
        let output = new_in(folder.path(), &[name, "--lang", "rust"]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let text = stderr(&output);
        assert!(text.contains("such as slow-checkouts"), "{name}: {text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_a_language_the_four_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = new_in(folder.path(), &["mine", "--lang", "cobol"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("rust, typescript, python, go"), "{text}");
}
