//! The projects that `plugin new` writes: the files below `plugins/templates`, with the name put in.
//!
//! They are real projects named `my-policy`; what is the same in all languages is in `shared`. Files whose names mean
//! something to a tool where they lie (cargo takes a folder with a Cargo.toml for a package) have another name there.

use clap::ValueEnum;

use super::name::PluginName;

/// A language that there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// The smallest and fastest
    Rust,
    /// Brings an engine of JavaScript along
    Typescript,
    /// Brings Python along
    Python,
    /// Brings Go's runtime along
    Go,
}

/// A path in the project, and what is there.
pub(super) type TemplateFile = (&'static str, &'static str);

/// What the templates are called.
const NAME: &str = "my-policy";
const NAME_IN_SNAKE_CASE: &str = "my_policy";

macro_rules! template {
    ($language:literal: $($path:literal <- $file:literal),+ $(,)?) => {
        &[$((
            $path,
            include_str!(concat!("../../../plugins/templates/", $language, "/", $file)),
        )),+]
    };
}

const SHARED: [TemplateFile; 3] = [
    (
        "wit/policy.wit",
        include_str!("../../../plugins/wit/policy.wit"),
    ),
    (
        "traces.jsonl",
        include_str!("../../../plugins/templates/shared/traces.jsonl"),
    ),
    (
        "tests.yaml",
        include_str!("../../../plugins/templates/shared/tests.yaml"),
    ),
];

const RUST: &[TemplateFile] = template!("rust":
    "Cargo.toml" <- "Cargo.toml.in",
    ".cargo/config.toml" <- ".cargo/config.toml",
    ".gitignore" <- "gitignore",
    "README.md" <- "README.md",
    "policy.yaml" <- "policy.yaml",
    "src/lib.rs" <- "src/lib.rs",
    "src/policy.rs" <- "src/policy.rs",
);

const TYPESCRIPT: &[TemplateFile] = template!("typescript":
    ".gitignore" <- "gitignore",
    "README.md" <- "README.md",
    "package.json" <- "package.json",
    "policy.yaml" <- "policy.yaml",
    "src/plugin.ts" <- "src/plugin.ts",
    "src/policy.ts" <- "src/policy.ts",
    "test/policy.test.ts" <- "test/policy.test.ts",
    "tsconfig.json" <- "tsconfig.json",
    "types/policy.d.ts" <- "types/policy.d.ts",
);

const PYTHON: &[TemplateFile] = template!("python":
    ".gitignore" <- "gitignore",
    "README.md" <- "README.md",
    "plugin.py" <- "plugin.py",
    "policy.py" <- "policy.py",
    "policy.yaml" <- "policy.yaml",
    "requirements.txt" <- "requirements.txt",
    "test_policy.py" <- "test_policy.py",
);

const GO: &[TemplateFile] = template!("go":
    ".gitignore" <- "gitignore",
    "README.md" <- "README.md",
    "build.sh" <- "build.sh",
    "go.mod" <- "go.mod",
    "main.go" <- "main.go",
    "policy.yaml" <- "policy.yaml",
    "policy/policy.go" <- "policy/policy.go",
    "policy/policy_test.go" <- "policy/policy_test.go",
    "tailsieve/abi.go" <- "tailsieve/abi.go",
    "tailsieve/host.go" <- "tailsieve/host.go",
    "tailsieve/imports.go" <- "tailsieve/imports.go",
    "tailsieve/plugin.go" <- "tailsieve/plugin.go",
    "tailsieve/spans.go" <- "tailsieve/spans.go",
    "wasi.wat" <- "wasi.wat",
);

impl Language {
    /// The project's files: paths, with `/`, and contents.
    pub(super) fn project(self, name: &PluginName) -> Vec<(&'static str, String)> {
        let (snake_case, own) = (name.in_snake_case(), self.own_files());
        let named = |(path, text): &TemplateFile| {
            let text = text.replace(NAME, name.as_str());
            (*path, text.replace(NAME_IN_SNAKE_CASE, &snake_case))
        };
        own.iter().chain(&SHARED).map(named).collect()
    }

    /// What its README says to do first.
    pub(super) fn first_steps(self) -> &'static str {
        match self {
            Self::Rust => "rustup target add wasm32-unknown-unknown, then cargo test",
            Self::Typescript => "npm install, then npm test",
            Self::Python => "python3 -m unittest",
            Self::Go => "go test ./...",
        }
    }

    fn own_files(self) -> &'static [TemplateFile] {
        match self {
            Self::Rust => RUST,
            Self::Typescript => TYPESCRIPT,
            Self::Python => PYTHON,
            Self::Go => GO,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        };
        paths.flat_map(below).collect()
    }

    #[test]
    fn every_file_of_a_template_is_in_the_project() {
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/templates");
        for language in Language::value_variants() {
            let name = language.to_possible_value().unwrap();
            let files = files_below(&templates.join(name.get_name()));
            let there: BTreeSet<String> = files
                .iter()
                .map(|path| std::fs::read_to_string(path).unwrap())
                .collect();
            let project = language.own_files().iter();
            let written: BTreeSet<String> = project.map(|(_, text)| (*text).to_owned()).collect();
            assert!(there == written, "{language:?}");
        }
    }

    #[test]
    fn nothing_is_left_of_the_templates_name() {
        let name = PluginName::parse("slo-burn-2").unwrap();
        for language in Language::value_variants() {
            let project = language.project(&name);
            let paths: BTreeSet<&str> = project.iter().map(|(path, _)| *path).collect();
            assert_eq!(paths.len(), project.len());
            for wanted in ["README.md", "policy.yaml", "wit/policy.wit", "traces.jsonl"] {
                assert!(paths.contains(wanted), "{language:?}: {wanted}");
            }
            for (path, text) in &project {
                assert!(!text.contains("my-policy"), "{language:?}: {path}");
                assert!(!text.contains("my_policy"), "{language:?}: {path}");
            }
        }
    }
}
