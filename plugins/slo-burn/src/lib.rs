//! Keeps the requests that use up the error budget of their route: those that failed, or took longer than its objective.
//!
//! A table of routes in one policy, where the built-in ones would need an `and` of a route and a latency for each. This
//! file reads traces; `objectives` has the rules.

mod objectives;

use std::sync::OnceLock;

use objectives::{Objective, Settings};
use tailsieve::policy::host::{Level, Spans, Status, log};

wit_bindgen::generate!({ path: "../wit", world: "sampling-policy" });

/// Set once: `configure` is called before anything else.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

struct SloBurn;

export!(SloBurn);

impl Guest for SloBurn {
    fn configure(config: String) -> Result<(), String> {
        let settings = Settings::parse(&config)?;
        SETTINGS
            .set(settings)
            .map_err(|_| "configured twice".to_owned())
    }

    fn evaluate(trace: &Trace) -> Verdict {
        match SETTINGS.get() {
            Some(settings) => judge(settings, trace),
            None => Verdict::Abstain,
        }
    }
}

fn judge(settings: &Settings, trace: &Trace) -> Verdict {
    // Whose request it is that comes without its root, nobody can say.
    let Some(name) = trace.root_name() else {
        return Verdict::Abstain;
    };
    let service = trace.root_service().unwrap_or_default();
    let route = trace.root_attribute(settings.route_attribute());
    let Some(objective) = settings.find(&service, route.as_deref().unwrap_or(&name)) else {
        return Verdict::Abstain;
    };
    // The request is over with its root; what goes on behind it makes the trace longer, not the request. No root is
    // longer than its trace, so most traces are seen to be in time without a look at their spans.
    let duration_ms = trace.duration_ms();
    let is_late = objective.is_exceeded_by(duration_ms)
        && objective.is_exceeded_by(root_duration_ms(trace).unwrap_or(duration_ms));
    if is_late {
        log(Level::Debug, &format!("took {duration_ms} ms, objective {objective}"));
    }
    if is_late || (objective.counts_errors() && root_has_failed(trace)) {
        return Verdict::Sample;
    }
    within(objective)
}

/// What becomes of a request that met its objective.
fn within(objective: &Objective) -> Verdict {
    match objective.share_within() {
        0.0 => Verdict::NotSample,
        share => Verdict::SampleWithProbability(share),
    }
}

fn root_duration_ms(trace: &Trace) -> Option<f64> {
    at_root(trace, Spans::duration_ms)
}

fn root_has_failed(trace: &Trace) -> bool {
    trace.has_error() && at_root(trace, Spans::status) == Some(Status::Error)
}

/// `read` of the root; of several, the one that starts first.
fn at_root<T>(trace: &Trace, read: impl Fn(&Spans) -> T) -> Option<T> {
    let spans = trace.spans();
    let mut first: Option<(u64, String, T)> = None;
    while spans.next() {
        if !spans.is_root() {
            continue;
        }
        let key = (spans.start_unix_ns(), spans.id());
        if first.as_ref().is_none_or(|(start, id, _)| key < (*start, id.clone())) {
            first = Some((key.0, key.1, read(&spans)));
        }
    }
    first.map(|(_, _, value)| value)
}
