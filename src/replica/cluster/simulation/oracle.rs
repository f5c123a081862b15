//! What must hold at the end of a simulation.

use std::collections::BTreeMap;

use super::clients::SentSpan;
use super::sink::Taken;
use super::world::World;
use crate::batch::key::KeyHash;
use crate::otlp::ids::{SpanId, TraceId};
use crate::sampler::precedence::Decision;

/// Notes everything that is wrong in `world`, which is at rest. What is wrong begins with the kind of it.
pub(super) fn check(world: &mut World) {
    let mut wrong = Vec::new();
    let mut by_trace: BTreeMap<TraceId, Vec<Taken>> = BTreeMap::new();
    for taken in world.ground.decisions.since(0) {
        by_trace.entry(taken.trace_id).or_default().push(taken);
    }
    for (trace_id, spans) in &world.clients.traces {
        let slot = KeyHash::of(*trace_id, None).slot();
        let taken = by_trace
            .get(trace_id)
            .map_or(&[] as &[Taken], Vec::as_slice);
        let found = trace(world, *trace_id, spans, taken);
        wrong.extend(found.map(|found| format!("{found}; {:02x?} in {slot:?}", &trace_id.0[12..])));
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
    if spans.values().any(|span| !span.is_acked()) {
        return Some("lost: never taken".to_owned());
    }
    let slot = KeyHash::of(trace_id, None).slot();
    let excuses = &world.excuses;
    if excuses.may_be_lost(slot, spans.values()) || excuses.may_be_split(trace_id, spans.values()) {
        return None;
    }
    let has_late = spans.values().any(|span| span.is_late);
    let is_forgotten = has_late && excuses.may_be_forgotten(slot);
    let is_wanted = spans.values().any(|span| span.is_error);
    let expected = if is_wanted {
        Decision::Sampled
    } else {
        Decision::NotSampled
    };
    let (decision, again) = match taken {
        [] => return Some("lost: not decided".to_owned()),
        [first, again @ ..] => (first, again),
    };
    if !again.is_empty() && !is_forgotten {
        return Some(format!("split: decided {} times: {taken:?}", taken.len()));
    }
    if decision.decision != expected {
        return Some(format!(
            "wrong: {expected:?} expected, with {} spans: {decision:?}",
            spans.len()
        ));
    }
    for (span_id, span) in spans {
        let copies = world.ground.sink.copies(trace_id, *span_id);
        let may_be_missed = span.is_late && is_forgotten;
        if copies == 0 && is_wanted && !may_be_missed {
            return Some(format!("lost: span {span_id:?}: {span:?}, {decision:?}"));
        }
        if copies > 0 && !is_wanted {
            return Some(format!(
                "wrong: span {span_id:?} of a dropped trace is sent"
            ));
        }
        // What a client sends again after the decision goes out again.
        if copies > span.sends {
            return Some(format!(
                "doubled: span {span_id:?} goes out {copies} times: {span:?}"
            ));
        }
    }
    None
}

fn books(world: &World, wrong: &mut Vec<String>) {
    let (mut forwarded, mut received, mut deduplicated) = (0, 0, 0);
    let running = world.processes.iter();
    let running = running.map(|(number, it)| (*number, it.accounting.snapshot()));
    let gone = world.books_of_gone.iter();
    let gone = gone.map(|(number, it)| (*number, it.snapshot()));
    for (number, books) in running.chain(gone) {
        if books.unaccounted() != 0 {
            wrong.push(format!(
                "books: r{number}: {} spans unaccounted: {books:?}",
                books.unaccounted()
            ));
        }
        forwarded += books.forwarded;
        received += books.received_from_peers;
        deduplicated += books.deduplicated;
    }
    let told = format!("forwarded {forwarded}, received from peers {received}");
    let excuses = &world.excuses;
    if forwarded > received && !excuses.has_losses() {
        wrong.push(format!("lost: {told}"));
    }
    // Who gives up what it does not know the fate of has its client send it again.
    let may_give_up = excuses.has_splits() || world.has_stalled || world.has_squeezed;
    // So does who has a span back in a slot that came back to it, before the trace with the span is handed over: the trace
    // then has it twice, and one goes.
    if forwarded + deduplicated < received && !excuses.has_losses() && !may_give_up {
        wrong.push(format!("doubled: {told}"));
    }
    for (number, process) in &world.processes {
        let bytes = process.budget.used_bytes();
        if bytes != 0 {
            wrong.push(format!("books: r{number} holds {bytes} bytes at rest"));
        }
        // A frame that has gone through more replicas than it may is one that cannot be read.
        let malformed = process.counter("cluster_frames_refused_total{reason=\"malformed\"}");
        // Nor can half a frame, whose sender was killed.
        if malformed != 0 && !excuses.has_losses() {
            wrong.push(format!("hops: r{number} could not read {malformed} frames"));
        }
    }
}
