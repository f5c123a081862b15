//! The templates and examples of plugins build, pass their own tests, and do in Tailsieve what their READMEs say.
//!
//! `TAILSIEVE_PLUGIN_TOOLCHAINS` names the languages whose toolchains are there and may download packages: `rust`,
//! `typescript`, `python`, `go`, with commas. Without it only those own tests run that need neither packages nor network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::replica::BINARY;

/// Names of what builds leave behind.
const BUILT: [&str; 6] = [
    "target",
    "node_modules",
    "build",
    ".venv",
    "__pycache__",
    "Cargo.lock",
];

const VARIABLE: &str = "TAILSIEVE_PLUGIN_TOOLCHAINS";

/// A copy of `plugins`, and in it a new project of each language, as `new/<language>`.
fn workspace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins"),
        folder.path(),
    );
    for language in ["rust", "typescript", "python", "go"] {
        let path = folder.path().join("new").join(language);
        let arguments = ["plugin", "new", "my-own", "--lang", language, "--path"];
        let mut command = Command::new(BINARY);
        assert!(
            command
                .args(arguments)
                .arg(path)
                .status()
                .unwrap()
                .success()
        );
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let is_built = |name: &str| BUILT.contains(&name) || name.ends_with(".wasm");
        if is_built(name.to_str().unwrap()) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(name));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

/// Whether `tool` can be called; says so where it cannot.
fn has(tool: &str) -> bool {
    let version = if tool == "go" { "version" } else { "--version" };
    let is_there = Command::new(tool).arg(version).output().is_ok();
    if !is_there {
        eprintln!("SKIPPED: {tool} is not there");
    }
    is_there
}

/// Whether components of `language` are to be built; says so where they are not.
fn is_asked_for(language: &str) -> bool {
    let languages = std::env::var(VARIABLE).unwrap_or_default();
    let is_asked_for = languages.split(',').any(|asked| asked.trim() == language);
    if !is_asked_for {
        eprintln!("SKIPPED: {VARIABLE} does not name {language}");
    }
    is_asked_for
}

/// Runs a line of a README in `folder`.
fn sh(folder: &Path, line: &str) {
    let mut command = Command::new("sh");
    // Between projects, what they have in common is compiled once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    command.args(["-ec", line]).current_dir(folder);
    command.env("CARGO_TARGET_DIR", &target);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{line} in {}\n{}\n{}",
        folder.display(),
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// The component in `folder` does what its `tests.yaml` expects.
fn assert_decides_as_its_tests_say(folder: &Path) {
    sh(folder, &format!("'{BINARY}' test tests.yaml"));
}

fn projects(workspace: &TempDir, names: &[&str]) -> Vec<PathBuf> {
    names
        .iter()
        .map(|name| workspace.path().join(name))
        .collect()
}

#[test]
fn plugins_in_rust_build_and_decide_as_their_tests_say() {
    if !is_asked_for("rust") {
        return;
    }
    let workspace = workspace();
    for folder in projects(&workspace, &["new/rust", "slo-burn", "rare-path"]) {
        sh(&folder, "cargo test --quiet");
        sh(
            &folder,
            "cargo build --quiet --release --target wasm32-unknown-unknown",
        );
        let own = "target/wasm32-unknown-unknown/release";
        sh(
            &folder,
            &format!(
                "mkdir -p {own}; cp \"$CARGO_TARGET_DIR\"/wasm32-unknown-unknown/release/*.wasm {own}"
            ),
        );
        assert_decides_as_its_tests_say(&folder);
    }
}

#[test]
fn plugins_in_typescript_build_and_decide_as_their_tests_say() {
    if !is_asked_for("typescript") {
        return;
    }
    let workspace = workspace();
    for folder in projects(&workspace, &["new/typescript", "n-plus-one"]) {
        sh(
            &folder,
            "npm install --no-package-lock; npm test; npm run build",
        );
        assert_decides_as_its_tests_say(&folder);
    }
}

#[test]
fn rules_in_python_pass_their_own_tests() {
    if !has("python3") {
        return;
    }
    let workspace = workspace();
    for folder in projects(&workspace, &["new/python", "payment-watch"]) {
        sh(&folder, "python3 -m unittest");
    }
}

#[test]
fn plugins_in_python_build_and_decide_as_their_tests_say() {
    if !is_asked_for("python") {
        return;
    }
    let workspace = workspace();
    for (folder, wit, wasm) in [
        ("new/python", "wit", "my-own.wasm"),
        ("payment-watch", "../wit", "payment-watch.wasm"),
    ] {
        let folder = workspace.path().join(folder);
        sh(
            &folder,
            "python3 -m venv .venv; .venv/bin/pip install -q -r requirements.txt",
        );
        let build = "-w sampling-policy componentize plugin --stub-wasi";
        sh(
            &folder,
            &format!(".venv/bin/componentize-py -d {wit} {build} -o {wasm}"),
        );
        assert_decides_as_its_tests_say(&folder);
    }
}

#[test]
fn rules_in_go_pass_their_own_tests() {
    if !has("go") {
        return;
    }
    let workspace = workspace();
    for folder in projects(&workspace, &["new/go", "broken-context"]) {
        sh(
            &folder,
            "GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off go test ./...",
        );
    }
}

#[test]
fn plugins_in_go_build_and_decide_as_their_tests_say() {
    if !is_asked_for("go") || !has("wasm-tools") {
        return;
    }
    let workspace = workspace();
    for folder in projects(&workspace, &["new/go", "broken-context"]) {
        sh(&folder, "sh build.sh");
        assert_decides_as_its_tests_say(&folder);
    }
}
