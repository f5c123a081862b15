//! What a shard knows of one trace, for those who ask: undecided, decided lately, or only remembered.

use crossbeam_channel::Sender;

use super::Shard;
use super::views::StoredSpans;
use crate::batch::key::KeyHash;
use crate::buffer::decision_log::Decided;
use crate::clock::Moment;
use crate::otlp::ids::TraceId;
use crate::sampler::policy::Context;
use crate::sampler::policy_set::Setting;
use crate::sampler::precedence::Decision;
use crate::sampler::trace_view::TraceView;

/// A question about a trace.
#[derive(Debug, Clone)]
pub struct Inspect {
    /// Which.
    pub trace_id: TraceId,
    /// Where each thing known is sent; dropped when there is no more.
    pub answers: Sender<Known>,
}

/// One thing known of a trace. Where request metadata is part of traces' keys, there may be several traces of one ID.
#[derive(Debug)]
pub enum Known {
    /// It is held; what the policies would say now, limiters untouched.
    Undecided {
        /// As if it were decided now.
        rehearsal: Box<Decided>,
        /// Until its window closes.
        due_in_ns: u64,
    },
    /// It was decided lately.
    Decided(Box<Decided>),
    /// Late spans follow this decision; why it was made is not known any more.
    Remembered(Decision),
}

impl Shard {
    pub(super) fn inspect(&mut self, inspect: &Inspect, now: Moment) {
        let trace_id = inspect.trace_id;
        let hash = KeyHash::of(trace_id, None);
        let held = self.table.find(hash, trace_id, None);
        let held = held.or_else(|| {
            let may_be_there = self.has_metadata;
            may_be_there.then(|| self.table.all_of(trace_id).next())?
        });
        let mut answers: Vec<Known> = Vec::new();
        if let Some(trace) = held.and_then(|held| self.table.get(held)) {
            let spans = StoredSpans {
                spans: &trace.spans,
                envelopes: &self.envelopes,
            };
            let view = TraceView {
                trace_id,
                summary: &trace.summary,
                spans: &spans,
            };
            let context = Context {
                now,
                unix_ns: self.unix_ns,
                is_rehearsal: true,
                share: self.share(),
            };
            let setting = Setting {
                context,
                stopwatch: None,
            };
            let verdict = self.policies.set.decide(&view, &setting, &mut self.scratch);
            let rehearsal = Box::new(Decided {
                trace_id,
                verdict,
                trigger: super::Trigger::Wait,
                unix_ns: self.unix_ns,
                held_ns: now.since(trace.first_arrival).as_nanos() as u64,
                span_count: trace.summary.span_count,
                span_bytes: trace.summary.span_bytes,
                policies: std::sync::Arc::clone(&self.policies),
                records: self.scratch.records().to_vec(),
            });
            answers.push(Known::Undecided {
                rehearsal,
                due_in_ns: trace.deadline.since(now).as_nanos() as u64,
            });
        }
        let decided = self.log.about(trace_id).cloned();
        answers.extend(decided.map(|decided| Known::Decided(Box::new(decided))));
        if answers.is_empty()
            && let Some(remembered) = self.remembered.get(hash)
        {
            answers.push(Known::Remembered(remembered.decision));
        }
        for answer in answers {
            // Who asked may have gone.
            let _ = inspect.answers.try_send(answer);
        }
    }
}
