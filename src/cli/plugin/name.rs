//! Names of plugins: what cargo, npm, Go and a policy file all take.

use std::fmt;

/// A name such as `my-policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PluginName(String);

/// Longest name: that of crates.io.
const BYTES_MAX: usize = 64;

/// Names that a toolchain keeps for itself: Rust's keywords and own crates, those that the templates use.
const RESERVED: [&str; 62] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "main",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "plugin",
    "policy",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde-json",
    "static",
    "std",
    "struct",
    "super",
    "tailsieve",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "wit-bindgen",
    "yield",
];

impl PluginName {
    /// Reads a name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: String| {
            Err(format!(
                "{why}; a name such as slow-checkouts would be right"
            ))
        };
        let Some(first) = text.chars().next() else {
            return wrong("is empty".to_owned());
        };
        if text.len() > BYTES_MAX {
            return wrong(format!("has more than {BYTES_MAX} characters"));
        }
        if !first.is_ascii_lowercase() {
            return wrong(format!(
                "begins with `{first}`, not with a lower-case letter"
            ));
        }
        let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if let Some(unknown) = text.chars().find(|c| !is_known(*c)) {
            return wrong(format!(
                "has `{unknown}`, and only lower-case letters, digits and `-` are taken everywhere"
            ));
        }
        if text.ends_with('-') || text.contains("--") {
            return wrong("has a `-` that joins nothing".to_owned());
        }
        if RESERVED.contains(&text) {
            return wrong(format!("`{text}` is taken by a toolchain or a template"));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a name in Rust: `my_policy`.
    pub(super) fn in_snake_case(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_every_toolchain_takes_are_taken() {
        for name in ["a", "slo-burn", "n-plus-one", "v2-checkout"] {
            assert_eq!(PluginName::parse(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(BYTES_MAX);
        assert!(PluginName::parse(&long).is_ok());
        assert!(PluginName::parse(&format!("{long}a")).is_err());
    }

    #[test]
    fn other_names_are_refused_with_what_is_wrong() {
        for (name, wrong) in [
            ("", "empty"),
            ("My-policy", "`M`"),
            ("1st", "`1`"),
            ("-x", "`-`"),
            ("my_policy", "`_`"),
            ("my policy", "` `"),
            ("../up", "`.`"),
            ("a/b", "`/`"),
            ("caf\u{e9}", "`\u{e9}`"),
            ("a-", "joins nothing"),
            ("a--b", "joins nothing"),
            ("fn", "taken"),
            ("serde-json", "taken"),
        ] {
            let error = PluginName::parse(name).unwrap_err();
            assert!(error.contains(wrong), "{name}: {error}");
        }
    }

    #[test]
    fn reserved_names_are_in_order() {
        assert!(RESERVED.is_sorted());
    }
}
