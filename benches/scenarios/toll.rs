//! What it cost: the load's books of what was acknowledged against the sink's books of what came.
//!
//! Counted are traces with an acknowledged error, which every policy set of these scenarios must keep whole; of all others
//! only whether what came of them is a part. Spans in doubt (their last attempt had no answer) are owed by nobody.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use tailsieve::tools::generate::ledger::Entry as Sent;
use tailsieve::tools::sink::ledger::Entry as Got;

/// Counts of traces, and of spans where the name says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Toll {
    /// Traces with an acknowledged error.
    pub(crate) errors: u64,
    /// Of which nothing came.
    pub(crate) lost: u64,
    /// Of which some acknowledged spans came and others did not.
    pub(crate) split: u64,
    /// Of which a span came more than once.
    pub(crate) doubled: u64,
    /// Their acknowledged spans that did not come.
    pub(crate) spans_lost: u64,
    /// Their spans that came again.
    pub(crate) spans_doubled: u64,
    /// Traces without an error of which some acknowledged spans came and others did not.
    pub(crate) others_split: u64,
}

impl Toll {
    pub(crate) fn of(sent: &Path, got: &Path) -> anyhow::Result<Self> {
        let got: Vec<Got> = read(got)?;
        let came: HashMap<&str, &Got> = got.iter().map(|it| (it.trace_id.as_str(), it)).collect();
        let mut toll = Self::default();
        for sent in read::<Sent>(sent)? {
            toll.add(&sent, came.get(sent.trace_id.as_str()).copied());
        }
        Ok(toll)
    }

    fn add(&mut self, sent: &Sent, got: Option<&Got>) {
        let came = got.map_or(0, |got| got.spans);
        let missing = sent.spans_acknowledged.saturating_sub(came);
        let is_split = came > 0 && missing > 0;
        if !sent.error {
            self.others_split += u64::from(is_split);
            return;
        }
        let doubled = got.map_or(0, |got| got.duplicates);
        self.errors += 1;
        self.lost += u64::from(came == 0);
        self.split += u64::from(is_split);
        self.doubled += u64::from(doubled > 0);
        self.spans_lost += missing;
        self.spans_doubled += doubled;
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    BufReader::new(file)
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect()
}
