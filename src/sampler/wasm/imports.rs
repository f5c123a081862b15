//! Which imports a component may have, and how to get rid of the others.

use std::fmt;

use memchr::memmem;
use wasmtime::component::types::ComponentItem;

/// An import that a plugin may not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwanted {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub advice: String,
}

/// The interface that is offered, before its version.
const HOST: &str = "tailsieve:policy/host@";
/// The major version that is.
const MAJOR: &str = "1";

/// What a toolchain leaves in the binaries that it makes, and how it makes one without WASI.
const TOOLCHAINS: [(&[&str], &str); 4] = [
    (
        &["componentize-py"],
        "componentize-py: build with --stub-wasi",
    ),
    (
        &["componentize-js", "ComponentizeJS", "StarlingMonkey"],
        "componentize-js: build with --disable stdio random clocks http fetch-event (jco componentize: --disable all)",
    ),
    (
        &["TinyGo"],
        "TinyGo: build with -target=wasm-unknown, then wasm-tools component new",
    ),
    (
        &["rustc"],
        "Rust: build for wasm32-unknown-unknown with the linker wasm-component-ld",
    ),
];

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "imports {}: {}", self.name, self.problem)
    }
}

/// Whether a component of these bytes may import `name`.
pub(super) fn check(name: &str, item: &ComponentItem, bytes: &[u8]) -> Result<(), Unwanted> {
    if let Some(version) = name.strip_prefix(HOST) {
        return check_version(name, version);
    }
    // A type that the world uses from the host's interface, under its own name.
    let is_plain = !name.contains([':', '/']);
    if is_plain && matches!(item, ComponentItem::Type(_) | ComponentItem::Resource(_)) {
        return Ok(());
    }
    let problem = if name.starts_with("wasi:") {
        "plugins have no clock, files, network or randomness"
    } else {
        "plugins get tailsieve:policy/host and nothing else"
    };
    let advice = if name.starts_with("wasi:") {
        without_wasi(bytes)
    } else {
        String::new()
    };
    Err(Unwanted {
        name: name.to_owned(),
        problem: problem.to_owned(),
        advice,
    })
}

fn check_version(name: &str, version: &str) -> Result<(), Unwanted> {
    if version.split('.').next() == Some(MAJOR) {
        return Ok(());
    }
    Err(Unwanted {
        name: name.to_owned(),
        problem: "this version of the contract is not offered".to_owned(),
        advice: format!("build it against {}", super::CONTRACT),
    })
}

fn without_wasi(bytes: &[u8]) -> String {
    let is_by = |marks: &&[&str]| {
        let mut marks = marks.iter();
        marks.any(|mark| memmem::find(bytes, mark.as_bytes()).is_some())
    };
    let made_by = TOOLCHAINS.iter().find(|(marks, _)| is_by(marks));
    match made_by {
        Some((_, advice)) => (*advice).to_owned(),
        None => TOOLCHAINS.map(|(_, advice)| advice).join("; "),
    }
}
