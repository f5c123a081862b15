//! Guests that mean harm, or are badly broken: each is stopped, and told apart.

use super::guest::{SAMPLE, evaluates, guest};
use super::*;

const SPAN: &[(u64, u64)] = &[(1, 2)];

fn fails(bytes: &[u8]) -> Failure {
    says(bytes, &TraceFixture::with_times(SPAN)).unwrap_err()
}

#[test]
fn endless_loops_end_at_the_deadline() {
    let failure = fails(&evaluates("(loop $on (br $on))", SAMPLE));
    assert_eq!(failure.reason, Reason::Deadline);
}

#[test]
fn endless_calls_of_the_host_end_at_the_deadline() {
    let body = "(loop $on (drop (call $trace.span-count (local.get $trace))) (br $on))";
    assert_eq!(fails(&evaluates(body, SAMPLE)).reason, Reason::Deadline);
}

#[test]
fn endless_recursion_ends_with_the_stack() {
    let deep = guest(
        "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))
         (func (export \"evaluate\") (param i32) (result i32) (call $deep (local.get 0)))",
    );
    assert_eq!(fails(&deep).reason, Reason::Stack);
}

#[test]
fn memory_ends_at_its_limit() {
    // It insists: grows until it is refused, then traps.
    let bomb =
        "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    let failure = fails(&evaluates(bomb, SAMPLE));
    assert_eq!(failure.reason, Reason::Memory, "{failure}");
    // It gets along without: its verdict counts, and the next call has a new instance.
    let polite = "(drop (memory.grow (i32.const 10000)))";
    let plugin = load(&evaluates(polite, SAMPLE)).unwrap();
    let mut instance = plugin.instance().unwrap();
    let trace = TraceFixture::with_times(SPAN);
    assert!(matches!(
        instance.evaluate(&trace.view()),
        Ok(Verdict::Sample)
    ));
    assert_eq!(instance.spent(), Some(Rebuild::Memory));
    assert!(instance.memory_bytes() <= Limits::MEMORY_BYTES);
}

#[test]
fn tables_end_at_their_limit() {
    let bomb = guest(
        "(table $table 1 funcref)
         (func (export \"evaluate\") (param i32) (result i32)
           (loop $on (br_if $on (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
           unreachable)",
    );
    let failure = fails(&bomb);
    assert_eq!(failure.reason, Reason::Memory);
    assert!(failure.message.contains("tables"), "{failure}");
}

#[test]
fn arguments_beyond_the_memory_and_text_that_is_none_trap() {
    let has = |at: u32, bytes: u32| {
        evaluates(
            &format!(
                "(i32.store8 (i32.const 2048) (i32.const 255))
                 (drop (call $trace.has-attribute (local.get $trace) (i32.const 0) (i32.const {at}) (i32.const {bytes})))"
            ),
            SAMPLE,
        )
    };
    for (at, bytes) in [(u32::MAX, 1), (0, u32::MAX), (65_530, 100), (2_048, 1)] {
        assert_eq!(fails(&has(at, bytes)).reason, Reason::Trap, "{at} {bytes}");
    }
    let no_such_scope = "(drop (call $trace.has-attribute (local.get $trace) (i32.const 77) (i32.const 0) (i32.const 0)))";
    assert_eq!(
        fails(&evaluates(no_such_scope, SAMPLE)).reason,
        Reason::Trap
    );
}

#[test]
fn results_written_beyond_the_memory_and_handles_of_nothing_trap() {
    let bodies = [
        "(call $trace.root-name (local.get $trace) (i32.const -8))",
        "(call $trace.id (local.get $trace) (i32.const 3))",
        "(drop (call $trace.span-count (i32.const 0)))",
        "(drop (call $trace.span-count (i32.const 99)))",
        "(drop (call $spans.next (local.get $trace)))",
        "(call $drop-spans (local.get $trace))",
        "(call $drop-trace (local.get $trace)) (drop (call $trace.span-count (local.get $trace)))",
    ];
    for body in bodies {
        assert_eq!(
            fails(&evaluates(body, SAMPLE)).reason,
            Reason::Trap,
            "{body}"
        );
    }
}

#[test]
fn verdicts_that_are_none_and_a_trace_that_is_kept_trap() {
    assert_eq!(fails(&evaluates("", 9)).reason, Reason::Trap);
    let beyond = guest("(func (export \"evaluate\") (param i32) (result i32) (i32.const -4))");
    assert_eq!(fails(&beyond).reason, Reason::Trap);
    let kept = guest(
        "(func (export \"evaluate\") (param i32) (result i32) (i32.store8 (i32.const 16) (i32.const 1)) (i32.const 16))",
    );
    assert_eq!(fails(&kept).reason, Reason::Trap);
}

#[test]
fn huge_texts_are_taken_in_part_or_end_at_a_limit() {
    let log = "(drop (memory.grow (i32.const 200))) (memory.fill (i32.const 0) (i32.const 97) (i32.const 13000000))
               (call $log (i32.const 2) (i32.const 0) (i32.const 13000000))";
    let plugin = load_with(&evaluates(log, 0), "null", patient()).unwrap();
    let mut instance = plugin.instance().unwrap();
    let trace = TraceFixture::with_times(SPAN);
    assert!(instance.evaluate(&trace.view()).is_ok());
    let (lines, left_out) = instance.take_lines();
    assert_eq!((lines.len(), lines[0].text.len(), left_out), (1, 512, 0));
}

/// Time enough for what takes long in a test.
fn patient() -> Limits {
    Limits {
        deadline_ms: 60_000,
        ..Limits::default()
    }
}

#[test]
fn a_cursor_ends_with_its_call() {
    // The first call keeps a cursor, the second asks it.
    let keeper = |then: &str| {
        guest(&format!(
            "(global $kept (mut i32) (i32.const 0))
             (func (export \"evaluate\") (param $trace i32) (result i32)
               (if (i32.eqz (global.get $kept))
                 (then (global.set $kept (call $trace.spans (local.get $trace))))
                 (else {then}))
               (call $answer (local.get $trace) (i32.const 1)))"
        ))
    };
    let trace = TraceFixture::with_times(SPAN);
    let second_call = |then: &str| {
        let plugin = load(&keeper(then)).unwrap();
        let mut instance = plugin.instance().unwrap();
        instance.evaluate(&trace.view()).unwrap();
        instance.evaluate(&trace.view())
    };
    let asked = second_call("(drop (call $spans.next (global.get $kept)))");
    assert_eq!(asked.unwrap_err().reason, Reason::HostCall);
    let dropped = second_call("(call $drop-spans (global.get $kept))");
    assert!(dropped.is_ok());
}

#[test]
fn too_many_cursors_fail_the_call_and_kept_ones_cost_the_instance() {
    let many = |count: u32| {
        evaluates(
            &format!(
                "(local $left i32) (local.set $left (i32.const {count}))
                 (loop $on
                   (drop (call $trace.spans (local.get $trace)))
                   (br_if $on (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"
            ),
            SAMPLE,
        )
    };
    assert_eq!(fails(&many(1_001)).reason, Reason::HostCall);
    let plugin = load(&many(600)).unwrap();
    let mut instance = plugin.instance().unwrap();
    let trace = TraceFixture::with_times(SPAN);
    let spent = [(); 2].map(|()| {
        instance.evaluate(&trace.view()).unwrap();
        instance.spent()
    });
    assert_eq!(spent, [None, Some(Rebuild::Handles)]);
}

/// As many calls as `TAILSIEVE_LONG_TESTS` says; each has a cursor, kept or dropped, and text of the host.
#[test]
fn nothing_is_left_of_a_call() {
    let calls = std::env::var("TAILSIEVE_LONG_TESTS").ok();
    let calls: u64 = calls.and_then(|calls| calls.parse().ok()).unwrap_or(20_000);
    let body = "(local $spans i32)
        (local.set $spans (call $trace.spans (local.get $trace)))
        (drop (call $spans.next (local.get $spans)))
        (call $spans.name (local.get $spans) (i32.const 64))
        (call $drop-spans (local.get $spans))";
    let plugin = load(&evaluates(body, SAMPLE)).unwrap();
    let mut instance = plugin.instance().unwrap();
    let trace = TraceFixture::with_times(SPAN);
    let before = instance.memory_bytes();
    for _ in 0..calls {
        instance.evaluate(&trace.view()).unwrap();
    }
    assert_eq!(instance.spent(), None);
    assert_eq!(instance.cursors_alive(), 0);
    assert_eq!(instance.memory_bytes(), before);
}
