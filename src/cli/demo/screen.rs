//! What the demo shows while it runs: a table drawn over itself in a terminal, a line a second elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use crate::tools::demo::snapshot::Snapshot;

/// Turns snapshots into text.
pub(super) struct Screen {
    run_for: Duration,
    is_terminal: bool,
    lines_drawn: usize,
    last: (Duration, f64),
}

impl Screen {
    /// For a demo of `run_for`, on standard output.
    pub(super) fn new(run_for: Duration) -> Self {
        Self {
            run_for,
            is_terminal: std::io::stdout().is_terminal(),
            lines_drawn: 0,
            last: (Duration::ZERO, 0.0),
        }
    }

    /// What to print for `snapshot`, taken `elapsed` after the start, with a further row for each of `replicas`: name and
    /// state.
    pub(super) fn draw(
        &mut self,
        snapshot: &Snapshot,
        elapsed: Duration,
        replicas: &[(String, String)],
    ) -> String {
        let (before, spans_before) = self.last;
        self.last = (elapsed, snapshot.spans_received);
        let seconds = elapsed.saturating_sub(before).as_secs_f64().max(0.001);
        let rate = (snapshot.spans_received - spans_before) / seconds;
        if !self.is_terminal {
            return line(snapshot, rate, elapsed, replicas);
        }
        let mut table = self.table(snapshot, rate, elapsed);
        for (name, state) in replicas {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "  {name:<28}{state}");
        }
        let up = match self.lines_drawn {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        };
        self.lines_drawn = table.lines().count();
        up + &table
    }

    /// What to print for an event: a line that stays.
    pub(super) fn note(&mut self, event: &str, elapsed: Duration) -> String {
        let line = format!("{:>3} s  -- {event}\n", elapsed.as_secs());
        match std::mem::take(&mut self.lines_drawn) {
            0 => line,
            lines => format!("\x1b[{lines}A\x1b[J{line}"),
        }
    }

    fn table(&self, snapshot: &Snapshot, rate: f64, elapsed: Duration) -> String {
        let mut rows = vec![
            (
                "spans received".to_owned(),
                snapshot.spans_received,
                format!("{rate:.0} a second"),
            ),
            (
                "traces undecided".to_owned(),
                snapshot.traces_held,
                format!("{:.1} MB", snapshot.bytes_held / 1e6),
            ),
        ];
        for (policy, traces) in &snapshot.traces_kept {
            rows.push((format!("traces kept by {policy}"), *traces, String::new()));
        }
        rows.push((
            "traces not kept".to_owned(),
            snapshot.traces_not_kept,
            String::new(),
        ));
        let mut table = format!(
            "tailsieve demo, {} s of {} s\n",
            elapsed.as_secs(),
            self.run_for.as_secs()
        );
        for (name, value, more) in rows {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "  {name:<28}{value:>12}   {more}");
        }
        table
    }
}

fn line(
    snapshot: &Snapshot,
    rate: f64,
    elapsed: Duration,
    replicas: &[(String, String)],
) -> String {
    let mut line = format!(
        "{:>3} s  {rate:>8.0} spans/s  {:>6} traces undecided  kept:",
        elapsed.as_secs(),
        snapshot.traces_held
    );
    for (policy, traces) in &snapshot.traces_kept {
        let _ = write!(line, " {traces} by {policy},");
    }
    let _ = write!(line, " not kept: {}", snapshot.traces_not_kept);
    for (name, state) in replicas {
        let _ = write!(line, "  {name}: {state}");
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(spans_received: f64) -> Snapshot {
        Snapshot {
            spans_received,
            traces_held: 12.0,
            bytes_held: 2_500_000.0,
            traces_kept: [("errors".into(), 3.0)].into(),
            traces_not_kept: 40.0,
        }
    }

    fn screen(is_terminal: bool) -> Screen {
        Screen {
            run_for: Duration::from_secs(20),
            is_terminal,
            lines_drawn: 0,
            last: (Duration::ZERO, 0.0),
        }
    }

    #[test]
    fn elsewhere_than_in_a_terminal_a_snapshot_is_one_plain_line() {
        let mut screen = screen(false);
        screen.draw(&snapshot(1_000.0), Duration::from_secs(1), &[]);
        let line = screen.draw(&snapshot(6_000.0), Duration::from_secs(3), &[]);
        assert_eq!(line.lines().count(), 1);
        assert!(!line.contains('\x1b'));
        assert!(
            line.contains("2500 spans/s") && line.contains("3 by errors"),
            "{line}"
        );
    }

    #[test]
    fn replicas_have_rows_of_their_own_and_events_stay() {
        let replicas = [("r1".to_owned(), "active, 4096 slots".to_owned())];
        for is_terminal in [false, true] {
            let mut screen = screen(is_terminal);
            let first = screen.draw(&snapshot(1.0), Duration::from_secs(1), &replicas);
            assert!(
                first.contains("r1") && first.contains("4096 slots"),
                "{first}"
            );
            let note = screen.note("r1 is killed", Duration::from_secs(2));
            assert!(note.contains("r1 is killed"));
            let second = screen.draw(&snapshot(2.0), Duration::from_secs(3), &replicas);
            assert!(!second.contains('\x1b'), "it is drawn below the event");
        }
    }

    #[test]
    fn in_a_terminal_each_table_replaces_the_one_before() {
        let mut screen = screen(true);
        let first = screen.draw(&snapshot(1_000.0), Duration::from_secs(1), &[]);
        let second = screen.draw(&snapshot(2_000.0), Duration::from_secs(2), &[]);
        assert!(!first.contains('\x1b'));
        assert!(second.starts_with(&format!("\x1b[{}A\x1b[J", first.lines().count())));
    }
}
