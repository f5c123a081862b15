//! Plugins that do not come to see a trace, and what is said about them.

use super::guest::{CONTRACT_INTERFACE, encoded, evaluates, guest, text};
use super::*;

const ACCEPTS: &str = "(func (export \"evaluate\") (param i32) (result i32) (call $answer (local.get 0) (i32.const 1)))";

/// The message, and the advice after it.
fn refused(bytes: &[u8]) -> String {
    refused_with(bytes, Limits::default())
}

fn refused_with(bytes: &[u8], limits: Limits) -> String {
    let error = load_with(bytes, "null", limits).unwrap_err();
    format!("{error}; {}", error.advice())
}

#[test]
fn what_is_no_component_is_told_apart() {
    assert!(refused(b"").starts_with("is no WebAssembly component"));
    assert!(refused(b"#!/bin/sh\n").starts_with("is no WebAssembly component"));
    let module = encoded("(module)");
    assert!(refused(&module).starts_with("is a core module, not a component; turn it into one"));
    let cut = guest(ACCEPTS);
    let cut = refused(&cut[..cut.len() / 2]);
    assert!(cut.starts_with("is damaged: "), "{cut}");
    assert!(cut.ends_with("; copy it again, or build it again"), "{cut}");
}

/// What `wit-component`, which is in all toolchains, makes of the WIT: every function imported, every export a trap.
fn as_toolchains_make_it() -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path("plugins/wit").unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let abi = wit_parser::ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync);
    let mut module = wit_component::dummy_module(&resolve, world, abi);
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    let encoder = wit_component::ComponentEncoder::default();
    encoder.module(&module).unwrap().encode().unwrap()
}

#[test]
fn what_toolchains_make_of_the_contract_fits_it() {
    // It comes as far as its first trap.
    let message = refused(&as_toolchains_make_it());
    assert!(message.starts_with("trapped: "), "{message}");
}

#[test]
fn another_world_is_told_by_what_is_missing() {
    let empty = refused(&encoded("(component)"));
    assert!(
        empty.starts_with("exports no function configure; build it against the world"),
        "{empty}"
    );
    let other_types = encoded(
        "(component
           (core module $M (func (export \"f\") (param i32)))
           (core instance $m (instantiate $M))
           (func (export \"configure\") (param \"config\" u32) (canon lift (core func $m \"f\")))
           (func (export \"evaluate\") (param \"trace\" u32) (canon lift (core func $m \"f\"))))",
    );
    let unfit = refused(&other_types);
    assert!(unfit.starts_with("does not fit the contract: "), "{unfit}");
}

#[test]
fn another_version_is_told_by_its_name() {
    let of = |interface: &str| load(&encoded(&text(interface, ACCEPTS)));
    assert!(of(CONTRACT_INTERFACE).is_ok());
    // Later ones of this major version have more; this one asks for nothing new.
    assert!(of("tailsieve:policy/host@1.7.0").is_ok());
    let error = of("tailsieve:policy/host@2.0.0").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("imports tailsieve:policy/host@2.0.0: ")
    );
    assert_eq!(error.advice(), "build it against tailsieve:policy@1.0.0");
}

#[test]
fn wasi_is_refused_by_name_with_the_flag_that_removes_it() {
    let clock =
        "(import \"wasi:clocks/wall-clock@0.2.0\" (instance (export \"now\" (func (result u64)))))";
    let by = |toolchain: &str| {
        let mark = format!("(@custom \"producers\" \"{toolchain}\")");
        refused(&encoded(&format!("(component {clock} {mark})")))
    };
    for (toolchain, flag) in [
        ("componentize-py", "--stub-wasi"),
        ("ComponentizeJS", "--disable all"),
        ("rustc 1.95", "wasm32-unknown-unknown"),
        ("TinyGo", "-target=wasm-unknown"),
    ] {
        let message = by(toolchain);
        assert!(
            message.starts_with("imports wasi:clocks/wall-clock@0.2.0: "),
            "{message}"
        );
        assert!(message.contains(flag), "{message}");
        assert_eq!(message.matches("build").count(), 1, "{message}");
    }
    assert!(by("somebody").matches("build").count() > 2);
    let other = encoded("(component (import \"evil\" (func)))");
    assert!(
        refused(&other)
            .starts_with("imports evil: plugins get tailsieve:policy/host and nothing else")
    );
}

#[test]
fn functions_that_the_host_does_not_have_are_named() {
    let asks_more = encoded(
        "(component
           (import \"tailsieve:policy/host@1.0.0\" (instance (export \"clock\" (func (result u64)))))
           (core module $M (func (export \"f\")))
           (core instance $m (instantiate $M))
           (func (export \"configure\") (canon lift (core func $m \"f\")))
           (func (export \"evaluate\") (canon lift (core func $m \"f\"))))",
    );
    let message = refused(&asks_more);
    assert!(message.contains("clock"), "{message}");
}

#[test]
fn what_goes_wrong_at_the_start_is_contained() {
    let starting = |start: &str| {
        refused(&guest(&format!(
            "{ACCEPTS} (func $start {start}) (start $start)"
        )))
    };
    let looping = starting("(loop $on (br $on))");
    assert!(
        looping.starts_with("ran past its deadline while it was started"),
        "{looping}"
    );
    let trapping = starting("unreachable");
    assert!(trapping.starts_with("trapped: "), "{trapping}");
    let configuring = |body: &str| {
        refused(&guest(&format!(
            "{ACCEPTS} (func (export \"configure\") (param i32 i32) (result i32) {body})"
        )))
    };
    assert!(configuring("unreachable").contains("trapped"));
    assert!(configuring("(loop $on (br $on)) unreachable").contains("deadline"));
}

#[test]
fn a_beginning_larger_than_the_limit_names_it() {
    let large = guest(&format!("{ACCEPTS} (memory $own 300)"));
    let message = refused(&large);
    assert!(message.ends_with("; raise limits.memory"), "{message}");
    let limits = Limits {
        memory_bytes: 32 << 20,
        ..Limits::default()
    };
    assert!(load_with(&large, "null", limits).is_ok());
}

#[test]
fn bytes_that_are_known_are_not_compiled_again() {
    let bytes = evaluates("nop nop nop", 1);
    let (one, other) = (
        load(&bytes).unwrap(),
        load_with(&bytes, "1", Limits::default()).unwrap(),
    );
    assert!(std::ptr::eq(one.compiled(), other.compiled()));
    assert_ne!(one, other);
    assert_eq!(one.sha256().len(), 64);
}
