//! Instances of shards: kept, made anew, left alone; and what observers are told.

use std::sync::Arc;

use parking_lot::Mutex;

use super::guest::{SAMPLE, evaluates, guest};
use super::*;

const SECOND: u64 = 1_000_000_000;

/// Writes down what it is told.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn answered(&self, verdict: Verdict) {
        self.note(Verdict::LABELS[verdict.index()].to_owned());
    }

    fn failed(&self, reason: Reason) {
        self.note(reason.label().to_owned());
    }

    fn skipped(&self) {
        self.note("skipped".to_owned());
    }

    fn took_ns(&self, ns: u64) {
        self.note(format!("took {ns}"));
    }

    fn rebuilt(&self, why: Rebuild) {
        self.note(format!("rebuilt: {}", why.label()));
    }

    fn memory_changed(&self, by_bytes: i64) {
        self.note(format!("memory {by_bytes}"));
    }

    fn breaker_changed(&self, from: BreakerState, to: BreakerState) {
        self.note(format!("{} -> {}", from.label(), to.label()));
    }

    fn logged(&self, lines: u64, left_out: u64) {
        self.note(format!("logged {lines} {left_out}"));
    }
}

impl Notes {
    fn note(&self, what: String) {
        self.0.lock().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

fn seats(bytes: &[u8], rebuild_after: u64) -> (Seats, Arc<Notes>) {
    let seats = Seats::new(Arc::new(load(bytes).unwrap()), rebuild_after);
    let notes = Arc::new(Notes::default());
    seats.observe(notes.clone());
    (seats, notes)
}

fn ask(seats: &Seats, shard: usize, now_ns: u64, spans: usize) -> Asked {
    let times = vec![(1, 2); spans];
    let trace = TraceFixture::with_times(&times);
    seats.ask(shard, Moment(now_ns), &trace.view(), &mut Vec::new())
}

/// Says `sample` at its first call, `abstain` later; traps at traces of more than one span.
fn remembers() -> Vec<u8> {
    guest(
        "(global $calls (mut i32) (i32.const 0))
         (func (export \"evaluate\") (param $trace i32) (result i32)
           (if (i32.gt_u (call $trace.span-count (local.get $trace)) (i32.const 1)) (then unreachable))
           (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
           (call $answer (local.get $trace) (i32.eq (global.get $calls) (i32.const 1))))",
    )
}

#[test]
fn memory_is_a_shard_s_own_and_lives_until_a_failure() {
    let (seats, notes) = seats(&remembers(), 0);
    for (shard, spans) in [(0, 1), (0, 1), (1, 1), (0, 2), (0, 1)] {
        ask(&seats, shard, 0, spans);
    }
    let told = [
        "sample",
        "memory 65536",
        "abstain",
        "sample",
        "memory 65536",
        "rebuilt: failure",
        "trap",
        "memory -65536",
        "sample",
        "memory 65536",
    ];
    assert_eq!(notes.take(), told);
    drop(seats);
    let told = notes.take();
    assert_eq!(told.iter().filter(|it| *it == "memory -65536").count(), 2);
}

#[test]
fn an_instance_is_made_anew_after_so_many_calls() {
    let (seats, notes) = seats(&remembers(), 2);
    let verdicts: Vec<String> = (0..4)
        .map(|_| format!("{:?}", ask(&seats, 0, 0, 1)))
        .collect();
    assert_eq!(
        verdicts,
        ["Answered(Verdict::Sample)", "Answered(Verdict::Abstain)"].repeat(2)
    );
    let rebuilt = notes
        .take()
        .iter()
        .filter(|it| *it == "rebuilt: calls")
        .count();
    assert_eq!(rebuilt, 2);
}

#[test]
fn a_plugin_that_keeps_failing_is_left_alone_in_its_shard_alone() {
    let (seats, notes) = seats(&evaluates("unreachable", SAMPLE), 0);
    for _ in 0..7 {
        ask(&seats, 0, SECOND, 1);
    }
    let told = notes.take();
    assert_eq!(told.iter().filter(|it| *it == "trap").count(), 5);
    assert_eq!(told.iter().filter(|it| *it == "skipped").count(), 2);
    assert!(told.contains(&"closed -> open".to_owned()));
    assert!(matches!(ask(&seats, 1, SECOND, 1), Asked::Failed(_, None)));
    // Asked again after its pause.
    let Asked::Failed(_, pause) = ask(&seats, 0, 2 * SECOND, 1) else {
        panic!("it is asked");
    };
    assert_eq!(pause, Some(2 * SECOND));
    assert!(matches!(ask(&seats, 0, 2 * SECOND, 1), Asked::Skipped));
}

#[test]
fn a_rehearsal_changes_nothing() {
    let (seats, notes) = seats(&remembers(), 0);
    ask(&seats, 0, 0, 1);
    notes.take();
    let trace = TraceFixture::with_times(&[(1, 2)]);
    for _ in 0..2 {
        let asked = seats.rehearse(&trace.view(), &mut Vec::new());
        assert!(matches!(asked, Asked::Answered(Verdict::Sample)));
    }
    assert!(notes.take().is_empty());
    assert!(matches!(
        ask(&seats, 0, 0, 1),
        Asked::Answered(Verdict::Abstain)
    ));
}

#[test]
fn lines_come_with_the_call_that_logged_them() {
    let logs = "(i32.store (i32.const 64) (i32.const 0x6f6c6c41)) (call $log (i32.const 1) (i32.const 64) (i32.const 4))";
    let (seats, notes) = seats(&evaluates(logs, SAMPLE), 0);
    let trace = TraceFixture::with_times(&[(1, 2)]);
    for _ in 0..2 {
        let mut lines = Vec::new();
        seats.ask(0, Moment(0), &trace.view(), &mut lines);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].level, &*lines[0].text), ("info", "Allo"));
    }
    assert!(notes.take().contains(&"logged 1 0".to_owned()));
}

#[test]
fn shards_ask_at_the_same_time() {
    let (seats, _) = seats(&remembers(), 0);
    let seats = &seats;
    std::thread::scope(|scope| {
        for shard in 0..4 {
            scope.spawn(move || {
                let first = ask(seats, shard, 0, 1);
                assert!(matches!(first, Asked::Answered(Verdict::Sample)));
                for _ in 0..500 {
                    let later = ask(seats, shard, 0, 1);
                    assert!(matches!(later, Asked::Answered(Verdict::Abstain)));
                }
            });
        }
    });
}
