//! Examples in the documentation, and the server file of a lone replica.

use super::files::{policies, server_file, text};

const DOCUMENTS: [&str; 3] = ["README.md", "docs/getting-between.md", "docs/deployment.md"];

/// The setting that is commented out by this line; prose has exactly one blank after its `#`.
fn setting(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('#')?;
    let is_prose = rest.is_empty() || (rest.starts_with(' ') && !rest.starts_with("  "));
    (!is_prose).then_some(rest)
}

#[test]
fn the_server_file_of_a_lone_replica_is_valid() {
    let config = server_file(
        "deploy/tailsieve.yaml",
        &text("deploy/tailsieve.yaml"),
        &[("BACKEND_ENDPOINT", "http://tempo:4317")],
    );
    assert_eq!(config.exporters.len(), 1);
    assert_eq!(config.cluster, None);
}

#[test]
fn settings_that_are_commented_out_are_the_defaults() {
    let text = text("deploy/tailsieve.yaml");
    let lines = text.lines();
    let uncommented: Vec<&str> = lines.map(|line| setting(line).unwrap_or(line)).collect();
    let all = server_file("deploy/tailsieve.yaml", &uncommented.join("\n"), &[]);
    let plain = server_file("deploy/tailsieve.yaml", &text, &[]);
    assert_ne!(uncommented.join("\n"), text.trim_end());
    assert_eq!(all, plain);
}

#[test]
fn examples_in_the_documentation_are_valid() {
    for name in DOCUMENTS {
        let mut found = 0;
        for block in text(name).split("```yaml\n").skip(1) {
            let (example, _) = block.split_once("```").unwrap();
            if example.starts_with("# tailsieve.yaml") {
                server_file(name, example, &[]);
                found += 1;
            } else if example.starts_with("# policies.yaml") {
                policies(name, example);
                found += 1;
            }
        }
        assert!(found >= 1, "{name}");
    }
}
