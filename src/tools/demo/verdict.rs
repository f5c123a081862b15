//! Compares what the generator sent with what the sink got, trace by trace.
//!
//! What should be kept is decided here anew, by the rules of `policies/default.yaml` as its comments state them: every
//! error, everything slow, and a tenth of the rest, by the collector's hash of the trace ID.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::otlp::ids::TraceId;
use crate::tools::generate::ledger::Entry as Sent;
use crate::tools::sink::ledger::Entry as Got;

/// The collector's salt where none is configured.
const DEFAULT_SALT: &[u8] = b"default-hash-seed";

/// A tenth of all hashes.
const HASH_MAX: u64 = u64::MAX / 10;

/// Counts of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Verdict {
    /// Sent and acknowledged, wholly or in part.
    pub sent: u64,
    /// Their acknowledged spans.
    pub sent_spans: u64,
    /// Of which all should have been kept: errors...
    pub expected_errors: u64,
    /// ...those slow without an error...
    pub expected_slow: u64,
    /// ...and those that the hash picks of the rest.
    pub expected_by_chance: u64,
    /// Kept as they should be, every span once.
    pub kept: u64,
    /// Wholly or in part lost with a killed replica, which had acknowledged and not yet passed them on.
    pub lost: u64,
    /// Of the acknowledged spans, those of traces that should have been kept, and came.
    pub kept_spans: u64,
    /// Those lost with a killed replica.
    pub lost_spans: u64,
    /// Those of traces that no policy wants.
    pub unwanted_spans: u64,
    /// Those that should have come and did not.
    pub missing_spans: u64,
    /// Should have been kept and were not.
    pub missing: u64,
    /// Were kept and should not have been, or were never sent.
    pub unexpected: u64,
    /// Kept with other than the acknowledged spans.
    pub incomplete: u64,
    /// With spans that came more than once.
    pub duplicated: u64,
    /// Not judged: some request was never answered, so it is unknown what was received.
    pub in_doubt: u64,
}

/// A ledger could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the ledger {}", path.display())]
pub struct LedgerError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Verdict {
    /// Compares two ledger files, as [`Verdict::of`] does.
    ///
    /// # Errors
    /// [`LedgerError`] for the one that can't be read.
    pub fn of_files(
        sent: &Path,
        got: &Path,
        may_be_lost: impl Fn(&Sent) -> bool,
    ) -> Result<Self, LedgerError> {
        Ok(Self::of(read(sent)?, read(got)?, may_be_lost))
    }

    /// Compares two ledgers. `may_be_lost` says of which traces a replica that was killed held the spans.
    #[must_use]
    pub fn of(sent: Vec<Sent>, got: Vec<Got>, may_be_lost: impl Fn(&Sent) -> bool) -> Self {
        let mut verdict = Self::default();
        let mut got: HashMap<String, Got> = got
            .into_iter()
            .map(|entry| (entry.trace_id.clone(), entry))
            .collect();
        for sent in sent {
            let got = got.remove(&sent.trace_id);
            verdict.judge(&sent, got.as_ref(), &may_be_lost);
        }
        verdict.unexpected += got.len() as u64;
        verdict
    }

    /// Whether everything that should be kept was kept whole and once, and nothing else.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.sent > 0 && self.missing + self.unexpected + self.incomplete + self.duplicated == 0
    }

    fn judge(&mut self, sent: &Sent, got: Option<&Got>, may_be_lost: impl Fn(&Sent) -> bool) {
        if got.is_some_and(|got| got.duplicates > 0) {
            self.duplicated += 1;
        }
        if sent.spans_in_doubt > 0 {
            self.in_doubt += 1;
            return;
        }
        if sent.spans_acknowledged == 0 {
            self.unexpected += u64::from(got.is_some());
            return;
        }
        self.sent += 1;
        self.sent_spans += sent.spans_acknowledged;
        if !self.expect(sent) {
            self.unwanted_spans += sent.spans_acknowledged;
            self.unexpected += u64::from(got.is_some());
            return;
        }
        let came = got.map_or(0, |got| got.spans);
        let did_not_come = sent.spans_acknowledged.saturating_sub(came);
        self.kept_spans += sent.spans_acknowledged - did_not_come;
        if did_not_come > 0 && may_be_lost(sent) {
            self.lost += 1;
            self.lost_spans += did_not_come;
            return;
        }
        self.missing_spans += did_not_come;
        match came {
            0 => self.missing += 1,
            came if came != sent.spans_acknowledged => self.incomplete += 1,
            _ => self.kept += 1,
        }
    }

    fn expect(&mut self, sent: &Sent) -> bool {
        let count = if sent.error {
            &mut self.expected_errors
        } else if sent.slow {
            &mut self.expected_slow
        } else if sent.trace_id.parse().is_ok_and(is_picked) {
            &mut self.expected_by_chance
        } else {
            return false;
        };
        *count += 1;
        true
    }
}

/// The collector's probabilistic policy at 10 %: FNV-1a, 64 bit, of the salt and then the trace ID.
fn is_picked(trace_id: TraceId) -> bool {
    let bytes = DEFAULT_SALT.iter().chain(&trace_id.0);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash <= HASH_MAX
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, LedgerError> {
    let failed = |source| LedgerError {
        path: path.to_owned(),
        source,
    };
    let file = BufReader::new(File::open(path).map_err(failed)?);
    file.lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<io::Result<_>>()
        .map_err(failed)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.expected_errors + self.expected_slow + self.expected_by_chance;
        writeln!(f, "By trace, from the ledgers of generator and sink alone:")?;
        writeln!(
            f,
            "{:>10} traces sent and acknowledged, {} spans",
            self.sent, self.sent_spans
        )?;
        writeln!(
            f,
            "{expected:>10} should be kept: {} with an error, {} slow, {} of the rest by their ID",
            self.expected_errors, self.expected_slow, self.expected_by_chance
        )?;
        for (count, what) in [
            (self.kept, "kept, every span of them once"),
            (self.lost, "lost with the killed replica, wholly or in part"),
            (self.missing, "missing"),
            (self.unexpected, "unexpected"),
            (self.incomplete, "incomplete"),
            (self.duplicated, "with spans twice"),
        ] {
            writeln!(f, "{count:>10} {what}")?;
        }
        writeln!(
            f,
            "{:>10} spans = {} of kept traces + {} that no policy wants + {} lost with the killed replica + {} missing",
            self.sent_spans,
            self.kept_spans,
            self.unwanted_spans,
            self.lost_spans,
            self.missing_spans
        )?;
        if self.in_doubt > 0 {
            writeln!(
                f,
                "{:>10} not judged: a request had no answer",
                self.in_doubt
            )?;
        }
        f.write_str(if self.is_good() {
            "All as it should be."
        } else if self.sent == 0 {
            "NOTHING WAS SENT."
        } else {
            "THERE ARE DIFFERENCES."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Picked by the hash or not, as an independent implementation of FNV-1a says.
    const PICKED: &str = "21da8978206f5c6671e0c07e9e115e4b";
    const PASSED: &str = "9e30691c238642ea126a1e48cc11d357";

    fn sent(trace_id: &str) -> Sent {
        Sent {
            trace_id: trace_id.to_owned(),
            spans_sent: 25,
            spans_acknowledged: 25,
            spans_in_doubt: 0,
            error: false,
            slow: false,
            latency_ms: 100,
            start_unix_ns: 0,
        }
    }

    fn got(trace_id: &str, spans: u64, duplicates: u64) -> Got {
        Got {
            trace_id: trace_id.to_owned(),
            spans,
            duplicates,
            root: true,
            error: false,
            latency_ms: 100,
        }
    }

    fn judged(sent: Vec<Sent>, got: Vec<Got>) -> Verdict {
        Verdict::of(sent, got, |_| false)
    }

    #[test]
    fn what_a_killed_replica_held_is_counted_and_no_difference() {
        let traces = || vec![sent(PICKED), sent(PASSED)];
        for (came, lost_spans) in [(vec![], 25), (vec![got(PICKED, 20, 0)], 5)] {
            let verdict = Verdict::of(traces(), came, |sent| sent.trace_id == PICKED);
            assert!(verdict.is_good(), "{verdict:?}");
            assert_eq!((verdict.lost, verdict.lost_spans), (1, lost_spans));
            assert_eq!(
                (verdict.kept_spans, verdict.unwanted_spans),
                (25 - lost_spans, 25)
            );
        }
        let elsewhere = Verdict::of(traces(), vec![], |sent| sent.trace_id == PASSED);
        assert_eq!((elsewhere.missing, elsewhere.missing_spans), (1, 25));
        assert!(!elsewhere.is_good());
    }

    #[test]
    fn errors_and_slow_ones_are_kept_whatever_their_hash() {
        let error = Sent {
            error: true,
            ..sent(PASSED)
        };
        let slow = Sent {
            slow: true,
            ..sent(PASSED)
        };
        for entry in [error, slow, sent(PICKED)] {
            let id = entry.trace_id.clone();
            let good = judged(vec![entry.clone()], vec![got(&id, 25, 0)]);
            assert!(good.is_good() && good.kept == 1, "{good:?}");
            assert_eq!(judged(vec![entry], vec![]).missing, 1);
        }
    }

    #[test]
    fn the_rest_is_not_kept() {
        assert!(judged(vec![sent(PASSED)], vec![]).is_good());
        let kept = judged(vec![sent(PASSED)], vec![got(PASSED, 25, 0)]);
        assert_eq!((kept.unexpected, kept.is_good()), (1, false));
    }

    #[test]
    fn traces_nobody_sent_are_unexpected() {
        let verdict = judged(vec![], vec![got(PICKED, 1, 0)]);
        assert_eq!(verdict.unexpected, 1);
        let refused = Sent {
            spans_acknowledged: 0,
            ..sent(PICKED)
        };
        assert_eq!(
            judged(vec![refused], vec![got(PICKED, 25, 0)]).unexpected,
            1
        );
    }

    #[test]
    fn missing_spans_and_double_ones_are_differences() {
        let verdict = judged(vec![sent(PICKED)], vec![got(PICKED, 24, 0)]);
        assert_eq!((verdict.incomplete, verdict.is_good()), (1, false));
        let verdict = judged(vec![sent(PICKED)], vec![got(PICKED, 25, 1)]);
        assert_eq!((verdict.duplicated, verdict.is_good()), (1, false));
    }

    #[test]
    fn what_is_in_doubt_is_not_judged() {
        let doubtful = Sent {
            spans_in_doubt: 5,
            ..sent(PICKED)
        };
        let verdict = judged(vec![doubtful, sent(PASSED)], vec![got(PICKED, 20, 0)]);
        assert_eq!((verdict.in_doubt, verdict.is_good()), (1, true));
    }

    #[test]
    fn nothing_sent_is_no_success() {
        assert!(!judged(vec![], vec![]).is_good());
    }
}
