//! Rows of figures: a table on standard output, a JSON line each in a file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value};
use tailsieve::clock::Clock;

use super::process::Cpu;

/// Takes rows.
pub(crate) struct Report {
    lines: File,
    clock: Clock,
}

/// Figures of one case. Names end in their unit.
pub(crate) struct Row {
    case: String,
    figures: Vec<(&'static str, f64)>,
    threads: Option<Cpu>,
    spans: u64,
}

impl Row {
    pub(crate) fn new(case: impl Into<String>) -> Self {
        Self {
            case: case.into(),
            figures: Vec::new(),
            threads: None,
            spans: 0,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: f64) -> Self {
        self.figures.push((name, value));
        self
    }

    /// Adds CPU time per span, by thread.
    pub(crate) fn with_threads(mut self, cpu: &Cpu, spans: u64) -> Self {
        self.threads = Some(cpu.clone());
        self.spans = spans;
        self
    }
}

impl Report {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            lines: OpenOptions::new().create(true).append(true).open(path)?,
            clock: Clock::system(),
        })
    }

    /// Prints what is about to run.
    pub(crate) fn title(&self, scenario: &str, what: &str) {
        println!("\n{scenario}: {what}");
    }

    pub(crate) fn add(&mut self, scenario: &str, row: &Row) -> anyhow::Result<()> {
        let mut line = Map::new();
        line.insert("scenario".into(), scenario.into());
        line.insert("case".into(), row.case.clone().into());
        line.insert(
            "unix_s".into(),
            (self.clock.unix_ns() / 1_000_000_000).into(),
        );
        // An object's keys have no order, a table's columns do.
        let names = row.figures.iter().map(|(name, _)| Value::from(*name));
        line.insert("figures".into(), names.collect());
        let mut text = format!("  {:<34}", row.case);
        for (name, value) in &row.figures {
            let rounded = rounded(*value);
            line.insert((*name).into(), Value::from(rounded));
            text.push_str(&format!(" {name} {rounded:<9}"));
        }
        println!("{text}");
        if let Some(cpu) = &row.threads {
            let spans = row.spans.max(1) as f64;
            let mut threads = Map::new();
            for (name, time) in &cpu.0 {
                let ns = rounded(time.run_ns as f64 / spans);
                let switches = rounded(time.switches as f64 / spans * 100.0);
                println!("      {name:<18} {ns:>8} ns/span  {switches:>8} switches/100 spans");
                threads.insert(name.clone(), ns.into());
            }
            line.insert("threads_ns_per_span".into(), threads.into());
        }
        writeln!(self.lines, "{}", Value::Object(line))?;
        Ok(())
    }
}

/// To four digits: more would claim what a shared machine can't show.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}
