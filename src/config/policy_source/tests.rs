//! A file, a folder, nothing: what is read, in which order, and what is refused.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::sampler::test_support::guest::evaluates;

const ONE: &str = "policies: [{name: one, type: always_sample}]\n";
const TWO: &str = "policies: [{name: two, type: always_sample}]\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn source(path: &Path) -> PolicySource {
    PolicySource(Some(path.to_owned()))
}

fn names(loaded: &Loaded) -> Vec<&str> {
    let policies = loaded.file.policies.iter();
    policies.map(|policy| policy.name.as_str()).collect()
}

fn error(path: &Path) -> String {
    let error = read(&source(path)).unwrap_err().to_string();
    error.replace(&path.display().to_string(), "PATH")
}

#[test]
fn a_folder_s_files_are_read_in_the_order_of_their_names_without_hidden_and_other_ones() {
    let folder = folder(&[
        ("20-b.yml", ONE),
        ("10-a.yaml", TWO),
        (".hidden.yaml", "}"),
        ("README.md", "}"),
        ("10-a.yaml~", "}"),
    ]);
    fs::create_dir(folder.path().join("15.yaml")).unwrap();
    let loaded = read(&source(folder.path())).unwrap();
    assert_eq!(names(&loaded), ["two", "one"]);
    let files = ["10-a.yaml", "20-b.yml"].map(|name| folder.path().join(name));
    assert_eq!(loaded.files, files);
}

#[test]
fn a_module_that_changes_changes_the_hash_and_the_same_one_again_does_not() {
    let folder = folder(&[(
        "a.yaml",
        "policies: [{name: a, type: wasm, module: p.wasm}]\n",
    )]);
    let file = source(&folder.path().join("a.yaml"));
    let module = folder.path().join("p.wasm");
    // What is missing is looked for as well.
    let rejected = read(&file).unwrap_err();
    let now = |known: &Known| Snapshot::of(&file, &[known]).hash;
    assert_eq!(now(&rejected.modules), rejected.hash);
    let good = evaluates("", 1);
    fs::write(&module, &good).unwrap();
    assert_ne!(now(&rejected.modules), rejected.hash);
    let loaded = read(&file).unwrap();
    assert_eq!(now(&loaded.modules), loaded.hash);
    fs::write(&module, b"other").unwrap();
    assert_ne!(now(&loaded.modules), loaded.hash);
    fs::write(&module, &good).unwrap();
    assert_eq!(now(&loaded.modules), loaded.hash);
    assert_eq!(loaded.modules.paths().collect::<Vec<_>>(), [module]);
}

#[test]
fn no_path_means_the_built_in_policies() {
    let loaded = read(&PolicySource(None)).unwrap();
    assert_eq!(names(&loaded), ["errors", "slow", "a-tenth"]);
    assert!(loaded.files.is_empty());
}

#[test]
fn the_hash_is_that_of_the_content_as_sha256sum_says_it() {
    // `printf hello > a.yaml; printf world > b.yaml; sha256sum a.yaml; sha256sum a.yaml b.yaml | sha256sum`
    let folder = folder(&[("a.yaml", "hello")]);
    let one = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(
        Snapshot::of(&source(&folder.path().join("a.yaml")), &[]).hash,
        one
    );
    fs::write(folder.path().join("b.yaml"), "world").unwrap();
    let both = "41a28c03094bb134a10896ba11de1c19ebf023e384af02facf88bee10508f976";
    assert_eq!(Snapshot::of(&source(folder.path()), &[]).hash, both);
    fs::rename(folder.path().join("b.yaml"), folder.path().join("0.yaml")).unwrap();
    assert_ne!(Snapshot::of(&source(folder.path()), &[]).hash, both);
}

#[test]
fn a_folder_without_policy_files_is_refused() {
    let folder = folder(&[("README.md", ONE)]);
    let advice = "add a file whose name ends in .yaml or .yml";
    assert_eq!(
        error(folder.path()),
        format!("PATH: holds no policy file; {advice}")
    );
}

#[test]
fn what_cannot_be_read_is_named_file_by_file() {
    let folder = folder(&[("a.yaml", ONE)]);
    symlink("nowhere", folder.path().join("b.yaml")).unwrap();
    fs::write(folder.path().join("c.yaml"), [0xff]).unwrap();
    let error = error(folder.path());
    assert!(error.contains("PATH/b.yaml: cannot be read"), "{error}");
    assert!(error.contains("PATH/c.yaml: not UTF-8"), "{error}");
    let gone = folder.path().join("gone");
    assert!(
        read(&source(&gone))
            .unwrap_err()
            .to_string()
            .contains("gone: cannot be read")
    );
}

#[test]
fn a_folder_s_files_together_are_no_longer_than_one_may_be() {
    let long = format!("#{}\n", "x".repeat(FILE_BYTES_MAX / 2));
    let folder = folder(&[("a.yaml", &long), ("b.yaml", &long)]);
    assert_eq!(
        error(folder.path()),
        "PATH: its policy files together are longer than 4MiB"
    );
}
