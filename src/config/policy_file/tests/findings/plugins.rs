//! What is wrong with plugins is found with the file that names them, at the place that names them.

use std::fs;
use std::path::Path;

use super::super::super::read;
use crate::config::PolicyFile;
use crate::sampler::config::{OnError, RuleConfig, WasmConfig};
use crate::sampler::test_support::guest::{encoded, evaluates, guest};

/// A folder with `plugins/good.wasm`, and others that are not.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(plugins.join(name), bytes).unwrap();
    write("good.wasm", &evaluates("", 1));
    write("text.wasm", b"hello");
    write("module.wasm", &encoded("(module)"));
    write(
        "wasi.wasm",
        &encoded(
            "(component (import \"wasi:random/random@0.2.0\" (instance)) (@custom \"producers\" \"componentize-py\"))",
        ),
    );
    // Says no, with its config as the reason.
    write(
        "picky.wasm",
        &guest(
            "(func (export \"configure\") (param $at i32) (param $length i32) (result i32)
               (i32.store8 (i32.const 32) (i32.const 1))
               (i32.store (i32.const 36) (local.get $at))
               (i32.store (i32.const 40) (local.get $length))
               (i32.const 32))
             (func (export \"evaluate\") (param i32) (result i32) (call $answer (local.get 0) (i32.const 1)))",
        ),
    );
    folder
}

fn write(folder: &Path, policy: &str) -> std::path::PathBuf {
    let file = folder.join("p.yaml");
    let text = format!("policies:\n  - name: a\n    type: wasm\n{policy}");
    fs::write(&file, text).unwrap();
    file
}

/// The messages about a policy of these lines.
fn errors(policy: &str) -> String {
    let folder = folder();
    let file = write(folder.path(), policy);
    let errors = read(&file).unwrap_err().to_string();
    let errors = errors.replace(&format!("{}:", file.display()), "");
    errors.replace(&folder.path().display().to_string(), "FOLDER")
}

fn only_policy(policy: &str) -> WasmConfig {
    let folder = folder();
    let file: PolicyFile = read(&write(folder.path(), policy)).unwrap().config;
    match &file.policies[0].rule {
        RuleConfig::Wasm(config) => config.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plugin_is_loaded_with_its_settings_from_beside_the_policy_file() {
    let plain = only_policy("    module: plugins/good.wasm\n");
    assert_eq!((plain.on_error, plain.rebuild_after), (OnError::Abstain, 0));
    assert_eq!(plain.plugin.limits(), Default::default());
    let sha256 = plain.plugin.sha256();
    let full = only_policy(&format!(
        "    wasm:\n      module: plugins/good.wasm\n      sha256: {sha256}\n      config: {{routes: [{{path: /a, ms: 1.5}}], on: true}}\n      limits: {{memory: 64MiB, deadline: 1500us, binary: 1MiB}}\n      on_error: not_sample\n      stateful: true\n      rebuild_after: 100\n"
    ));
    assert_eq!(
        (full.on_error, full.stateful, full.rebuild_after),
        (OnError::NotSample, true, 100)
    );
    let limits = full.plugin.limits();
    assert_eq!((limits.memory_bytes, limits.deadline_ms), (64 << 20, 2));
    assert_ne!(full.plugin, plain.plugin);
}

#[test]
fn a_plugin_that_cannot_be_used_is_told_with_what_to_do() {
    let cases = [
        (
            "",
            "2:5: policies[0]: module is missing; name the plugin's .wasm file",
        ),
        (
            "    module: plugins/none.wasm\n",
            "4:13: policies[0].module: FOLDER/plugins/none.wasm cannot be read: No such file or directory (os error 2); paths are relative to the policy file",
        ),
        (
            "    module: plugins/good.wasm\n    limits: {binary: 100B}\n",
            "4:13: policies[0].module: FOLDER/plugins/good.wasm is larger than limits.binary; that is 100B",
        ),
        (
            "    module: plugins/text.wasm\n",
            "4:13: policies[0].module: plugins/text.wasm is no WebAssembly component; build it as a component (.wasm)",
        ),
        (
            "    module: plugins/module.wasm\n",
            "4:13: policies[0].module: plugins/module.wasm is a core module, not a component; turn it into one: wasm-tools component new",
        ),
        (
            "    module: plugins/wasi.wasm\n",
            "4:13: policies[0].module: plugins/wasi.wasm imports wasi:random/random@0.2.0: plugins have no clock, files, network or randomness; componentize-py: build with --stub-wasi",
        ),
        (
            "    module: plugins/picky.wasm\n",
            "4:13: policies[0].module: plugins/picky.wasm refuses its config: null",
        ),
        (
            "    module: plugins/picky.wasm\n    config: {b: [1, ~], a: \"x\"}\n",
            "5:13: policies[0].config: plugins/picky.wasm refuses its config: {\"a\":\"x\",\"b\":[1,null]}",
        ),
        (
            "    module: plugins/good.wasm\n    sha256: abc\n",
            "5:13: policies[0].sha256: is no SHA-256; 64 hexadecimal digits, as sha256sum prints them",
        ),
        (
            "    module: plugins/good.wasm\n    limits: {memory: 1KiB}\n",
            "5:22: policies[0].limits.memory: 1KiB is too small; at least 64KiB",
        ),
        (
            "    module: plugins/good.wasm\n    limits: {deadline: 2s}\n",
            "5:24: policies[0].limits.deadline: is too long; at most 1s: a shard does nothing else meanwhile",
        ),
    ];
    for (policy, message) in cases {
        assert_eq!(errors(policy), message, "{policy}");
    }
}

#[test]
fn another_file_than_was_meant_is_told_by_its_hash() {
    let other = "0".repeat(64);
    let message = errors(&format!(
        "    module: plugins/good.wasm\n    sha256: \"{other}\"\n"
    ));
    let expected = "5:13: policies[0].sha256: plugins/good.wasm has another SHA-256: ";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_plugin_cannot_judge_parts_of_traces() {
    let folder = folder();
    let file = folder.path().join("p.yaml");
    let text = "sampling_strategy: span-ingest\npolicies: [{name: a, type: wasm, module: plugins/good.wasm}]\n";
    fs::write(&file, text).unwrap();
    let errors = read(&file).unwrap_err().to_string();
    assert!(
        errors.contains("a plugin needs the whole trace"),
        "{errors}"
    );
}
