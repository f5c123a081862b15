//! The project's text files, and of Rust files the part that is no test.

use std::path::Path;

/// Folders and files at the top of the repository that are checked; everything else there is generated or not ours.
const TOP: [&str; 12] = [
    ".ci",
    "benches",
    "deploy",
    "docs",
    "fuzz/fuzz_targets",
    "policies",
    "src",
    "tests",
    "Cargo.toml",
    "README.md",
    "clippy.toml",
    "deny.toml",
];

/// A file of the repository.
pub(crate) struct File {
    /// Its path in the repository, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl File {
    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The module below `src` that it belongs to, `router` for `src/router/split.rs`; `None` elsewhere.
    pub(crate) fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?;
        let end = below.find(['/', '.'])?;
        Some(&below[..end])
    }

    /// How many modules deep it is: 2 for `src/router/split.rs`.
    pub(crate) fn depth(&self) -> usize {
        self.path.matches('/').count()
    }

    /// Whether all of it is compiled for tests alone.
    pub(crate) fn is_test(&self) -> bool {
        let in_tests = |part: &str| {
            matches!(
                part,
                "tests" | "tests.rs" | "test_backend.rs" | "against_prost.rs"
            )
        };
        !self.path.starts_with("src/") || self.path.split('/').any(in_tests)
    }

    /// Its lines that are neither comment nor test, with their numbers. Inline tests stand last in a file.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let text = if self.is_test() { "" } else { &self.text };
        let end = text.find("#[cfg(test)]\nmod tests {");
        let text = &text[..end.unwrap_or(text.len())];
        let lines = text.lines().enumerate().map(|(index, line)| {
            let code = line.split(" // ").next().unwrap_or_default();
            (index + 1, code)
        });
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// A finding in line `number`.
    pub(crate) fn at(&self, number: usize, what: &str) -> String {
        format!("{}:{number}: {what}", self.path)
    }

    /// Nothing if `is_fine`, else the file with `what`.
    pub(crate) fn complain_unless(&self, is_fine: bool, what: &str) -> Vec<String> {
        let finding = (!is_fine).then(|| self.at(1, what));
        finding.into_iter().collect()
    }
}

/// All text files that are ours, in order of their paths.
pub(crate) fn project_files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for top in TOP {
        read_below(root, top, &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn read_below(root: &Path, path: &str, files: &mut Vec<File>) {
    let full = root.join(path);
    if full.is_dir() {
        for entry in std::fs::read_dir(full).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            read_below(root, &format!("{path}/{name}"), files);
        }
        return;
    }
    // What is no text, a certificate's key or a compressed trace, has no style.
    if let Ok(text) = std::fs::read_to_string(full) {
        let path = path.to_owned();
        files.push(File { path, text });
    }
}
