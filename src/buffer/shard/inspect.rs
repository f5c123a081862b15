//! What a shard knows of one trace, for those who ask: undecided, decided lately, or only remembered.
//!
//! Where request metadata is part of keys the ID alone does not lead to a trace: undecided ones are searched, some way
//! back, and what is only remembered is not found.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::Shard;
use super::decisions::NOT_SAMPLED;
use super::views::StoredSpans;
use crate::batch::key::KeyHash;
use crate::buffer::decision_log::Decided;
use crate::buffer::trace_table::TraceRef;
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

/// Undecided traces that are searched at most, the latest, where request metadata is part of keys and one cannot be
/// looked up by its ID: some milliseconds, in which the shard does nothing else.
const SEARCHED_MAX: usize = 1 << 16;
/// Undecided traces of one ID that are told at most.
const UNDECIDED_MAX: usize = 16;

impl Shard {
    pub(super) fn inspect(&mut self, inspect: &Inspect, now: Moment) {
        let trace_id = inspect.trace_id;
        let hash = KeyHash::of(trace_id, None);
        let mut held: Vec<TraceRef> = self.table.find(hash, trace_id, None).into_iter().collect();
        if self.has_metadata {
            let others = self.table.latest_of(trace_id, SEARCHED_MAX);
            let others = others.filter(|other| !held.contains(other));
            held.extend(others.take(UNDECIDED_MAX).collect::<Vec<_>>());
        }
        let mut answers: Vec<Known> = Vec::new();
        for trace in held {
            answers.extend(self.rehearse(trace, now));
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

    /// What [`Shard::decide`] would do with a trace now.
    fn rehearse(&mut self, trace: TraceRef, now: Moment) -> Option<Known> {
        let judged_by = self.table.get(trace)?.judged_by.clone();
        let is_judged = judged_by.is_some();
        let policies = judged_by.unwrap_or_else(|| Arc::clone(&self.policies));
        if policies.set.needs_sizes() {
            self.catch_up_on_size(trace);
        }
        let trace = self.table.get(trace)?;
        self.scratch.clear();
        let verdict = if is_judged {
            NOT_SAMPLED
        } else {
            let spans = StoredSpans {
                spans: &trace.spans,
                envelopes: &self.envelopes,
            };
            let view = TraceView {
                trace_id: trace.id,
                summary: &trace.summary,
                spans: &spans,
            };
            let setting = Setting {
                context: Context {
                    now,
                    unix_ns: self.unix_ns,
                    shard: self.number,
                    is_rehearsal: true,
                    share: self.share(),
                },
                stopwatch: None,
            };
            policies.set.decide(&view, &setting, &mut self.scratch)
        };
        let rehearsal = Box::new(Decided {
            trace_id: trace.id,
            verdict,
            trigger: super::Trigger::Wait,
            unix_ns: self.unix_ns,
            held_ns: now.since(trace.first_arrival).as_nanos() as u64,
            span_count: trace.summary.span_count,
            span_bytes: trace.summary.span_bytes,
            policies: Arc::clone(&policies.roster),
            records: self.scratch.records().to_vec(),
            notes: self.scratch.notes().to_vec(),
        });
        Some(Known::Undecided {
            rehearsal,
            due_in_ns: trace.deadline.since(now).as_nanos() as u64,
        })
    }
}
