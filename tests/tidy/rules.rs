//! Words that belong to one place, and words that belong nowhere.

use super::files::File;

/// Words, the places that may use them, the places where that matters, and why. Tests may use all of them.
struct Rule {
    words: &'static [&'static str],
    within: &'static [&'static str],
    but: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 10] = [
    Rule {
        words: &["Instant::now", "SystemTime::now", "disallowed_methods"],
        within: &["src/"],
        // The other method that is not allowed makes unbounded channels; there two are bounded by other means.
        but: &["src/clock.rs", "src/replica/cluster.rs"],
        why: "only clock.rs reads time",
    },
    Rule {
        words: &["\"tailsieve_"],
        within: &["src/"],
        but: &["src/metrics.rs", "src/metrics/"],
        why: "only metrics spells the names of metrics",
    },
    Rule {
        words: &[
            "tonic::Code",
            "Code::",
            "Status::new",
            "Status::with",
            "status_mut",
            "RETRY_AFTER",
        ],
        within: &["src/receiver"],
        // A preflight's 204 is no failure.
        but: &["src/receiver/status.rs", "src/receiver/http/cors.rs"],
        why: "only receiver/status.rs says what went wrong with a request",
    },
    Rule {
        words: &[
            "tokio",
            "std::time",
            "std::io",
            "std::fs",
            "std::net",
            "std::thread",
            "rand::",
        ],
        within: &["src/sampler"],
        but: &[],
        why: "the sampler does no I/O, reads no clock, and decides the same every time",
    },
    Rule {
        words: &[
            "tokio",
            "hyper",
            "tonic::{",
            "tonic::Status",
            "reqwest",
            "axum",
            "std::net",
            "std::fs",
        ],
        within: &[
            "src/buffer",
            "src/router",
            "src/otlp",
            "src/batch",
            "src/memory.rs",
            "src/accounting.rs",
        ],
        but: &[
            // Headers to a status, no network: the exporter and the client of the tools both read one.
            "src/otlp/grpc_status.rs",
            // Addresses of replicas, which are data; and gossip, which is network.
            "src/router/config.rs",
            "src/router/holders/interface.rs",
            "src/router/member.rs",
            "src/router/membership",
            "src/router/forward.rs",
            "src/router/forward/",
        ],
        why: "tokio does the network, and these do none",
    },
    Rule {
        words: &["std::thread", "std::sync::atomic", "parking_lot"],
        within: &["src/otlp", "src/router"],
        but: &[
            "src/router/forward.rs",
            "src/router/forward/",
            "src/router/membership",
        ],
        why: "pure functions of bytes",
    },
    Rule {
        words: &["anyhow"],
        within: &["src/"],
        but: &[
            "src/main.rs",
            "src/cli.rs",
            "src/cli/",
            "src/replica.rs",
            "src/replica/",
            // The interface of chitchat's Transport.
            "src/router/membership/gossip/transport.rs",
        ],
        why: "stages have errors of their own",
    },
    Rule {
        words: &["saphyr_parser"],
        within: &["src/"],
        but: &["src/config/yaml.rs", "src/config/yaml/"],
        why: "only config/yaml knows YAML",
    },
    Rule {
        words: &["wasmtime"],
        within: &["src/"],
        but: &["src/sampler/wasm.rs", "src/sampler/wasm/"],
        why: "only sampler/wasm knows wasmtime",
    },
    Rule {
        words: &["notify::"],
        within: &["src/"],
        but: &["src/file_watch.rs"],
        why: "only file_watch knows how the system tells of changes",
    },
];

/// What stands in `file` and belongs elsewhere.
pub(crate) fn misplaced(file: &File) -> Vec<String> {
    let is_below = |places: &[&str]| places.iter().any(|place| file.path.starts_with(place));
    let mut found = Vec::new();
    for rule in &RULES {
        if !is_below(rule.within) || is_below(rule.but) {
            continue;
        }
        for (number, line) in file.code() {
            let words = rule.words.iter().filter(|word| has_word(line, word));
            found.extend(words.map(|word| file.at(number, &format!("{word}: {}", rule.why))));
        }
    }
    found
}

/// Whether `word` begins a word in `line`: `Code::` is not in `StatusCode::`.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Work that is not done and tests that do not run.
pub(crate) fn unfinished(file: &File) -> Vec<String> {
    let words = [
        "TODO",
        "FIXME",
        "XXX",
        "todo!",
        "unimplemented!",
        "dbg!",
        "#[ignore",
        "#[cfg(any())]",
    ];
    lines_with(file, &words)
}

/// Paths that exist on one machine only, hidden characters, and dashes that no keyboard has.
pub(crate) fn foreign(file: &File) -> Vec<String> {
    let words = [
        "/home/", "/root/", "/Users/", "/work/", "\u{2014}", "\u{200b}", "\u{a0}", "\u{201c}",
        "\u{2019}",
    ];
    lines_with(file, &words)
}

fn lines_with(file: &File, words: &[&str]) -> Vec<String> {
    // The lists above are not findings.
    if file.path == "tests/tidy/rules.rs" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let words = words.iter().filter(|word| line.contains(**word));
        found.extend(words.map(|word| file.at(index + 1, word)));
    }
    found
}
