//! `tailsieve plugin check`, `run`, `bench` and `inspect` tell what a plugin is, says and costs, and what is wrong with it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::guest::{evaluates, guest};
use crate::support::replica::BINARY;

const TRACES: &str = include_str!("../../plugins/templates/shared/traces.jsonl");
const SAMPLE: u32 = 1;

/// A folder with `mine.wasm` and `traces.jsonl`.
fn folder(module: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.wasm"), module).unwrap();
    fs::write(folder.path().join("traces.jsonl"), TRACES).unwrap();
    folder
}

fn plugin(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output: Output = Command::new(BINARY)
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn run_shows_the_verdict_on_each_trace_and_the_totals() {
    let folder = folder(&evaluates("", SAMPLE));
    let (code, out, err) = plugin(folder.path(), &["run", "mine.wasm", "traces.jsonl"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.starts_with("5b8efff798038103d269b633813fc60c  sample         4 spans\n"),
        "{out}"
    );
    assert!(out.ends_with("\n3 traces: 3 sample\n"), "{out}");
}

#[test]
fn run_gives_json_and_tells_what_failed() {
    let folder = folder(&evaluates("unreachable", SAMPLE));
    let arguments = ["run", "mine.wasm", "--format", "json", "traces.jsonl"];
    let (code, out, _) = plugin(folder.path(), &arguments);
    assert_eq!(code, Some(1));
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["verdict"], Value::Null);
    assert!(lines[0]["failure"].as_str().unwrap().starts_with("trapped"));
}

#[test]
fn run_tells_a_bad_recording_by_file_and_line() {
    let folder = folder(&evaluates("", SAMPLE));
    fs::write(
        folder.path().join("bad.jsonl"),
        format!("{TRACES}no json\n"),
    )
    .unwrap();
    let (code, _, err) = plugin(folder.path(), &["run", "mine.wasm", "bad.jsonl"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("bad.jsonl:4 is no OTLP/JSON"), "{err}");
}

#[test]
fn check_tells_contract_size_and_a_dry_run() {
    let folder = folder(&evaluates("", SAMPLE));
    let (code, out, err) = plugin(folder.path(), &["check", "mine.wasm"]);
    assert_eq!(code, Some(0), "{err}");
    for told in [
        "mine.wasm: taken",
        "tailsieve:policy@1.0.0",
        "sha256",
        "loaded in",
        "4 traces",
        "sample, sample",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
}

#[test]
fn check_says_what_is_wrong_and_what_would_be_right() {
    let refuses = guest(
        r#"(data (i32.const 64) "no min_services")
           (func (export "configure") (param i32 i32) (result i32)
             (i32.store8 (i32.const 32) (i32.const 1))
             (i32.store (i32.const 36) (i32.const 64))
             (i32.store (i32.const 40) (i32.const 15))
             (i32.const 32))
           (func (export "evaluate") (param i32) (result i32) (call $answer (local.get 0) (i32.const 1)))"#,
    );
    let wasi = wat::parse_str(r#"(component (import "wasi:cli/exit@0.2.0" (instance)))"#).unwrap();
    let cases: [(&[u8], &str, &str); 5] = [
        (&refuses, "refuses its config: no min_services", "--config"),
        (&wasi, "imports wasi:cli/exit@0.2.0", "--stub-wasi"),
        (
            b"\0asm\x01\0\0\0",
            "core module",
            "wasm-tools component new",
        ),
        (b"plain text", "no WebAssembly", "component"),
        (
            &evaluates("unreachable", SAMPLE),
            "failed on trace 5b8e",
            "trapped",
        ),
    ];
    for (module, wrong, right) in cases {
        let folder = folder(module);
        let (code, out, err) = plugin(folder.path(), &["check", "mine.wasm"]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{wrong}");
        assert!(err.starts_with("tailsieve: mine.wasm "), "{err}");
        assert!(err.contains(wrong) && err.contains(right), "{err}");
    }
}

#[test]
fn a_config_comes_from_the_command_line_or_a_file() {
    let folder = folder(&evaluates("", SAMPLE));
    fs::write(folder.path().join("c.yaml"), "a: 1\n").unwrap();
    for config in ["{a: 1}", "@c.yaml"] {
        let (code, _, err) = plugin(folder.path(), &["check", "mine.wasm", "--config", config]);
        assert_eq!(code, Some(0), "{err}");
    }
    let cases = [("{a: ", "--config:"), ("@d.yaml", "cannot read d.yaml")];
    for (config, wrong) in cases {
        let (code, _, err) = plugin(folder.path(), &["check", "mine.wasm", "--config", config]);
        assert_eq!(code, Some(1));
        assert!(err.contains(wrong), "{err}");
    }
}

#[test]
fn bench_has_figures_of_the_plugin_and_of_a_native_policy() {
    let folder = folder(&evaluates("", SAMPLE));
    let arguments = ["bench", "mine.wasm", "traces.jsonl", "--duration", "1ms"];
    let (code, out, err) = plugin(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{err}");
    for told in [
        "3, of 2.3 spans each",
        "a call ",
        "native no-op ",
        "new instance ",
        "memory ",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
}

#[test]
fn bench_without_traces_is_refused() {
    let folder = folder(&evaluates("", SAMPLE));
    fs::write(folder.path().join("empty.jsonl"), "").unwrap();
    let (code, _, err) = plugin(folder.path(), &["bench", "mine.wasm", "empty.jsonl"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("no traces"), "{err}");
}

#[test]
fn inspect_tells_of_what_is_refused_too() {
    let module = r#"(module (import "wasi" "exit" (func)) (@producers (language "Rust" "1.95")))"#;
    let folder = folder(&wat::parse_str(module).unwrap());
    let (code, out, _) = plugin(folder.path(), &["inspect", "mine.wasm"]);
    assert_eq!(code, Some(0));
    for told in [
        "core module",
        "import    wasi exit (function)",
        "language  Rust 1.95",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (code, _, err) = plugin(folder.path(), &["inspect", "absent.wasm"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("cannot read absent.wasm"), "{err}");
}
