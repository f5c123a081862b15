//! `deploy/Dockerfile`: what its instructions name exists, and fits Cargo.toml, the manifests and the command line.

use std::collections::BTreeSet;

use super::files;
use super::kubernetes::{container, pod};

const NAME: &str = "deploy/Dockerfile";
const KNOWN: [&str; 9] = [
    "FROM",
    "RUN",
    "WORKDIR",
    "COPY",
    "USER",
    "EXPOSE",
    "STOPSIGNAL",
    "ENTRYPOINT",
    "CMD",
];

/// An instruction: its keyword and the rest.
type Instruction = (String, String);

/// The instructions of a Dockerfile, lines that are continued joined.
///
/// # Errors
/// The first keyword that is not known.
fn parse(text: &str) -> Result<Vec<Instruction>, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let mut instructions = Vec::new();
    for line in joined.lines().filter(|line| !line.trim().is_empty()) {
        let (keyword, rest) = line.split_once(' ').ok_or_else(|| line.to_owned())?;
        if !KNOWN.contains(&keyword) {
            return Err(format!("{keyword} is not among those that ours uses"));
        }
        instructions.push((keyword.to_owned(), rest.trim().to_owned()));
    }
    Ok(instructions)
}

fn instructions() -> Vec<Instruction> {
    parse(&files::text(NAME)).unwrap_or_else(|error| panic!("{NAME}: {error}"))
}

fn all(keyword: &str) -> Vec<String> {
    let found = instructions().into_iter().filter(|(it, _)| it == keyword);
    found.map(|(_, rest)| rest).collect()
}

fn last(keyword: &str) -> String {
    all(keyword).pop().unwrap_or_else(|| panic!("no {keyword}"))
}

/// The exec form: no shell takes it apart.
fn words_of(keyword: &str) -> Vec<String> {
    serde_json::from_str(&last(keyword)).unwrap()
}

/// Where the image looks for its server file.
pub(super) fn server_file() -> String {
    words_of("CMD").pop().unwrap()
}

/// What is copied from the repository, not from a stage.
fn copied() -> Vec<String> {
    let copies = all("COPY")
        .into_iter()
        .filter(|it| !it.starts_with("--from="));
    let words = copies.map(|it| it.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    words
        .flat_map(|words| words[..words.len() - 1].to_vec())
        .collect()
}

#[test]
fn a_misspelt_instruction_is_found() {
    let text = files::text(NAME);
    for (keyword, rest) in instructions() {
        // Up to where the line is continued.
        let (rest, _) = rest.split_once("  ").unwrap_or((&rest, ""));
        let broken = text.replacen(
            &format!("{keyword} {rest}"),
            &format!("{keyword}X {rest}"),
            1,
        );
        assert_ne!(broken, text, "{keyword} {rest}");
        assert!(parse(&broken).is_err(), "{keyword} {rest}");
    }
}

#[test]
fn the_build_has_the_projects_compiler_and_makes_its_binary() {
    let stages = all("FROM");
    assert_eq!(stages.len(), 2);
    let (image, stage) = stages[0].split_once(" AS ").unwrap();
    let version = image.strip_prefix("rust:").unwrap();
    let version = version.strip_suffix("-alpine").unwrap();
    let toolchain = files::text("rust-toolchain.toml");
    assert!(toolchain.contains(&format!("channel = \"{version}\"")));

    let binary = env!("CARGO_PKG_NAME");
    let build = all("RUN").into_iter().find(|it| it.contains("cargo build"));
    let build = build.unwrap();
    let expected = format!("cargo build --locked --release --bin {binary} ");
    assert!(build.contains(&expected), "{build}");
    assert!(build.contains(&format!("target/release/{binary} /out/{binary}")));
    let program = &words_of("ENTRYPOINT")[0];
    let copies = all("COPY");
    let copy = format!("--from={stage} /out/{binary} {program}");
    assert!(copies.contains(&copy), "{copy}");
    let mut from_stages = copies.iter().filter_map(|it| it.strip_prefix("--from="));
    assert!(from_stages.all(|it| it.split_whitespace().next() == Some(stage)));
}

#[test]
fn the_build_sees_what_it_needs_and_no_more() {
    let copied = copied();
    for name in &copied {
        assert!(files::path(name).exists(), "{name}");
    }
    let ignored = files::text("deploy/Dockerfile.dockerignore");
    let rules: Vec<&str> = ignored.lines().filter(|it| !it.starts_with('#')).collect();
    assert_eq!(rules[0], "*");
    let seen: Option<BTreeSet<&str>> = rules[1..].iter().map(|it| it.strip_prefix('!')).collect();
    assert_eq!(seen.unwrap(), copied.iter().map(String::as_str).collect());
    // Cargo looks for every target that Cargo.toml names, whichever it builds.
    let manifest = files::text("Cargo.toml");
    assert!(!manifest.contains("[[bench]]") || seen_in(&copied, "benches"));
    // Texts that are compiled in.
    assert!(files::text("src/config/policy_file.rs").contains("\"../../policies/default.yaml\""));
    assert!(seen_in(&copied, "policies"));
}

fn seen_in(copied: &[String], folder: &str) -> bool {
    copied.iter().any(|it| it == folder)
}

#[test]
fn the_image_runs_as_the_pods_user_without_shell_or_health_check() {
    let base = last("FROM");
    assert!(base.contains("distroless/static-") && base.ends_with(":nonroot"));
    let security = pod().security_context.unwrap();
    let user = security.run_as_user.unwrap();
    let group = security.run_as_group.unwrap();
    assert_eq!(last("USER"), format!("{user}:{group}"));
    assert_eq!(last("STOPSIGNAL"), "SIGTERM");
}

#[test]
fn the_image_names_the_pods_ports() {
    let exposed: BTreeSet<String> = last("EXPOSE")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let pod = pod();
    let ports = container(&pod).ports.as_ref().unwrap().iter();
    let ports = ports.map(|port| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        format!("{}/{}", port.container_port, protocol.to_lowercase())
    });
    assert_eq!(exposed, ports.collect());
}

#[test]
fn the_image_and_the_pods_run_commands_that_there_are() {
    files::assert_command(&words_of("CMD"));
    let pod = pod();
    let container = container(&pod);
    files::assert_command(container.args.as_ref().unwrap());
    // The image's entry point is kept, and its tag is that of this version.
    assert_eq!(container.command, None);
    let base = super::kustomize::Kustomization::of(super::kustomize::BASE);
    assert_eq!(container.image.as_deref(), Some(&*base.images[0].name));
    assert_eq!(base.images[0].new_tag, env!("CARGO_PKG_VERSION"));
}
