//! Who may import whom within the crate.
//!
//! Stages (`receiver`, `router`, `buffer`, `sampler`, `exporter`) never import each other; the buffer calls the sampler,
//! and that is the only exception. They meet in `replica`.

use super::files::File;

/// A module and those that it may import; what is not listed it may not. `*` is all of them; `stage::config` is that
/// part of a stage alone.
pub(crate) const TABLE: [(&str, &[&str]); 23] = [
    ("receiver", &["batch", "clock", "memory", "metrics", "otlp"]),
    (
        "router",
        &[
            "accounting",
            "batch",
            "clock",
            "keyed_hash",
            "memory",
            "metrics",
            "otlp",
        ],
    ),
    (
        "buffer",
        &[
            "accounting",
            "batch",
            "clock",
            "keyed_hash",
            "memory",
            "metrics",
            "otlp",
            "sampler",
        ],
    ),
    // Of the clock the moment that it is given, and a quota of log lines by such moments; plugins have deadlines besides.
    (
        "sampler",
        &[
            "clock::Moment",
            "clock::Ticker",
            "clock::log_limit::LogQuota",
            "clock::thread_cpu_ns",
            "otlp",
        ],
    ),
    (
        "exporter",
        &["batch", "clock", "memory", "metrics", "otlp::grpc_status"],
    ),
    ("accounting", &[]),
    ("batch", &["memory", "otlp"]),
    ("clock", &[]),
    // It knows files, not what is in them.
    ("file_watch", &[]),
    ("invariant", &["accounting", "memory", "metrics"]),
    ("keyed_hash", &[]),
    ("memory", &[]),
    ("metrics", &[]),
    ("otlp", &[]),
    ("planted", &[]),
    ("admin", &["metrics"]),
    (
        "config",
        &[
            // What an ID of a replica is.
            "batch::replica",
            "buffer::config",
            // How long a plugin takes to load.
            "clock::Clock",
            "exporter::config",
            "receiver::config",
            "router::config",
            "sampler::config",
            "sampler::ottl",
            "sampler::pattern",
            "sampler::wasm",
        ],
    ),
    (
        "replica",
        &[
            "accounting",
            "admin",
            "batch",
            "buffer",
            "clock",
            "config",
            "exporter",
            "file_watch",
            "invariant",
            "memory",
            "metrics",
            "otlp",
            "receiver",
            "router",
            "sampler",
        ],
    ),
    // A generator and a backend for trying things stand outside of a replica; the backend receives as a replica does.
    ("tools", &["clock", "memory", "metrics", "otlp", "receiver"]),
    // A replica's engine without a replica: it puts the stages together anew, as `replica` does.
    (
        "what_if",
        &[
            "accounting",
            "batch",
            "buffer",
            "clock",
            "config",
            "memory",
            "metrics",
            "otlp",
            "router",
            "sampler",
            "tools::replay::recording",
        ],
    ),
    ("cli", &["*"]),
    ("main", &[]),
    ("lib", &[]),
];

/// The imports of `file` that the table does not allow.
pub(crate) fn forbidden(file: &File) -> Vec<String> {
    let Some(module) = file.module() else {
        return Vec::new();
    };
    let Some((_, allowed)) = TABLE.iter().find(|(known, _)| *known == module) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, line) in file.code() {
        for path in crate_paths(line) {
            // Faults that tests plant may be planted anywhere.
            let is_own = path == module
                || path.starts_with(&format!("{module}::"))
                || path.starts_with("planted::");
            if !is_own && !is_allowed(&path, allowed) {
                found.push(file.at(number, &format!("{module} imports {path}")));
            }
        }
        if climbs(line) >= file.depth() {
            found.push(file.at(number, "climbs out of its module; write crate::"));
        }
    }
    found
}

/// `router::split` of `use crate::router::split;`, as far as it is written on this line; `{` if several follow.
fn crate_paths(line: &str) -> impl Iterator<Item = String> {
    let after = line.split("crate::").skip(1);
    after.map(|rest| {
        let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '{');
        rest.chars().take_while(|c| is_path(*c)).collect()
    })
}

fn is_allowed(path: &str, allowed: &[&str]) -> bool {
    allowed.iter().any(|allowed| {
        let rest = path.strip_prefix(allowed);
        *allowed == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

/// The longest chain of `super::` in `line`.
fn climbs(line: &str) -> usize {
    let mut longest = 0;
    let mut rest = line;
    while let Some(begin) = rest.find("super::") {
        let chain = &rest[begin..];
        let after = chain.trim_start_matches("super::");
        longest = longest.max((chain.len() - after.len()) / "super::".len());
        rest = after;
    }
    longest
}
