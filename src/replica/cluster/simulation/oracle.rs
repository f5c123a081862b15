//! What must hold at the end of a simulation.

use std::collections::BTreeMap;

use super::clients::SentSpan;
use super::sink::Taken;
use super::world::World;
use crate::batch::key::KeyHash;
use crate::otlp::ids::{SpanId, TraceId};
use crate::sampler::precedence::Decision;

/// Notes everything that is wrong in `world`, which is at rest.
pub(super) fn check(world: &mut World) {
    let mut wrong = Vec::new();
    let mut by_trace: BTreeMap<TraceId, Vec<Taken>> = BTreeMap::new();
    for taken in world.ground.decisions.since(0) {
        by_trace.entry(taken.trace_id).or_default().push(taken);
    }
    for (trace_id, spans) in &world.clients.traces {
        let slot = KeyHash::of(*trace_id, None).slot();
        if world.excused.contains(slot) {
            continue;
        }
        let taken = by_trace
            .get(trace_id)
            .map_or(&[] as &[Taken], Vec::as_slice);
        let found = trace(world, *trace_id, spans, taken);
        wrong.extend(
            found.map(|found| format!("trace {:02x?} in {slot:?}: {found}", &trace_id.0[12..])),
        );
    }
    books(world, &mut wrong);
    world.wrong.extend(wrong);
}

fn trace(
    world: &World,
    trace_id: TraceId,
    spans: &BTreeMap<SpanId, SentSpan>,
    taken: &[Taken],
) -> Option<String> {
    if spans.values().any(|span| !span.is_acked) {
        return Some("never taken".to_owned());
    }
    let is_wanted = spans.values().any(|span| span.is_error);
    let expected = if is_wanted {
        Decision::Sampled
    } else {
        Decision::NotSampled
    };
    let [decision] = taken else {
        return Some(format!("decided {} times: {taken:?}", taken.len()));
    };
    if decision.decision != expected {
        return Some(format!(
            "{:?} expected, with {} spans: {decision:?}",
            expected,
            spans.len()
        ));
    }
    for (span_id, span) in spans {
        let copies = world.ground.sink.copies(trace_id, *span_id);
        if copies == 0 && is_wanted {
            return Some(format!("span {span_id:?} is lost: {span:?}, {decision:?}"));
        }
        if copies > 0 && !is_wanted {
            return Some(format!("span {span_id:?} of a dropped trace is sent"));
        }
        // What a client sends again after the decision goes out again.
        if copies > span.sends {
            return Some(format!(
                "span {span_id:?} goes out {copies} times: {span:?}"
            ));
        }
    }
    None
}

fn books(world: &World, wrong: &mut Vec<String>) {
    let (mut forwarded, mut received) = (0, 0);
    let running = world.processes.iter();
    let running = running.map(|(number, it)| (*number, it.accounting.snapshot()));
    let gone = world.books_of_gone.iter();
    let gone = gone.map(|(number, it)| (*number, it.snapshot()));
    for (number, books) in running.chain(gone) {
        if books.unaccounted() != 0 {
            wrong.push(format!(
                "r{number}: {} spans unaccounted: {books:?}",
                books.unaccounted()
            ));
        }
        forwarded += books.forwarded;
        received += books.received_from_peers;
    }
    if forwarded != received && !world.has_crashed {
        wrong.push(format!(
            "forwarded {forwarded}, received from peers {received}"
        ));
    }
    for (number, process) in &world.processes {
        let bytes = process.budget.used_bytes();
        if bytes != 0 {
            wrong.push(format!("r{number} holds {bytes} bytes at rest"));
        }
    }
}
