//! Speed and memory of the real binary, over loopback, as the operating system counts them.
//!
//! `cargo bench --bench scenarios -- NAME...` runs the named scenarios, without names all of them, prints a table for
//! each and appends its rows to `target/scenarios.jsonl`. What is measured runs on core 0, load and backend on core 1,
//! unless a row says otherwise. `docs/performance.md` says what each figure means; `-- doc` refills its tables from the
//! latest rows.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its figures"
)]

mod bare;
mod books;
mod cluster;
mod decisions;
mod document;
mod giant;
mod growth;
mod lab;
mod load;
mod memory;
mod plugin;
mod process;
mod receiver;
mod replay;
mod replicas;
mod report;
mod rolling;
mod saturation;
mod scrape;
mod sink;
mod steady;
mod toll;
mod watch;

#[path = "../peers/collector.rs"]
mod collector;
#[path = "../peers/comparison.rs"]
mod comparison;
#[path = "../peers/pair.rs"]
mod pair;
#[path = "../peers/policies.rs"]
mod policies;
#[path = "../peers/rescale.rs"]
mod rescale;

use std::process::ExitCode;

use anyhow::Context as _;

use lab::Lab;

/// A scenario: its name and what runs it.
type Scenario = (&'static str, fn(&mut Lab) -> anyhow::Result<()>);

const SCENARIOS: [Scenario; 12] = [
    ("saturation", saturation::run),
    ("steady", steady::run),
    ("memory", memory::run),
    ("decisions", decisions::run),
    ("growth", growth::run),
    ("giant", giant::run),
    ("cluster", cluster::run),
    ("rolling", rolling::run),
    ("peers", comparison::run),
    ("policies", policies::run),
    ("plugin", plugin::run),
    ("rescale", rescale::run),
];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, rest @ ..] = arguments.as_slice() {
        match command.as_str() {
            bare::COMMAND => return bare::serve(rest).map(|()| ExitCode::SUCCESS),
            replay::COMMAND => return replay::send(rest).map(|()| ExitCode::SUCCESS),
            _ => {}
        }
    }
    // `cargo test --all-targets` runs this without --bench: nothing is measured then.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let known = |name: &&str| *name == "doc" || SCENARIOS.iter().any(|(known, _)| known == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all = SCENARIOS.map(|(name, _)| name).join(", ");
        eprintln!("no scenario {unknown}; there are: {all}, and doc");
        return Ok(ExitCode::from(2));
    }
    let mut lab = Lab::open()?;
    for (name, run) in SCENARIOS {
        if names.is_empty() || names.contains(&name) {
            run(&mut lab).with_context(|| format!("scenario {name}"))?;
        }
    }
    if names.contains(&"doc") {
        document::refill()?;
    }
    Ok(ExitCode::SUCCESS)
}
