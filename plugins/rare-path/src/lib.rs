//! Keeps traces whose call tree has a shape that was seldom seen: new code paths, retries, fallbacks, forgotten jobs.
//!
//! This file reads traces; `shape` says when two call trees are alike, `sketch` how often one was seen, `settings` what
//! may be asked for.

mod settings;
mod shape;
mod sketch;

use std::cell::RefCell;

use settings::Settings;
use shape::{Span, fingerprint};
use sketch::Sketch;
use tailsieve::policy::host::{Level, Status, log};

wit_bindgen::generate!({ path: "../wit", world: "sampling-policy" });

/// What an instance knows: lost when it is made anew, and every shape is new again.
struct State {
    settings: Settings,
    seen: Sketch,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

struct RarePath;

export!(RarePath);

impl Guest for RarePath {
    fn configure(config: String) -> Result<(), String> {
        let settings = Settings::parse(&config)?;
        let seen = Sketch::new(settings.forget_after_traces);
        STATE.set(Some(State { settings, seen }));
        Ok(())
    }

    fn evaluate(trace: &Trace) -> Verdict {
        STATE.with_borrow_mut(|state| match state {
            Some(state) => judge(state, trace),
            None => Verdict::Abstain,
        })
    }
}

fn judge(state: &mut State, trace: &Trace) -> Verdict {
    let settings = &state.settings;
    if trace.span_count() > settings.spans_max {
        return Verdict::Abstain;
    }
    let spans = read(settings, trace);
    let seen_before = state.seen.add(fingerprint(&spans));
    if seen_before < settings.keep_first {
        if seen_before == 0 {
            let root = trace.root_name().unwrap_or_default();
            log(Level::Info, &format!("a new shape of {root}, {} spans", spans.len()));
        }
        return Verdict::Sample;
    }
    match settings.share_of_known {
        0.0 => Verdict::NotSample,
        share => Verdict::SampleWithProbability(share),
    }
}

fn read(settings: &Settings, trace: &Trace) -> Vec<Span> {
    let cursor = trace.spans();
    let mut spans = Vec::with_capacity(trace.span_count() as usize);
    while cursor.next() {
        let has_failed = settings.errors && cursor.status() == Status::Error;
        spans.push(Span {
            parent: cursor.parent().map(|parent| parent as usize),
            name: shape::hash_of(&cursor.service(), &cursor.name(), has_failed),
        });
    }
    spans
}
