//! What a shard of a clustered replica does besides taking spans: it gives slots away, and takes over what others give.

use std::collections::HashMap;
use std::sync::Arc;

use super::link::{Passed, RememberedTrace, Report};
use super::slots::{Course, SlotState};
use super::{Shard, Trigger};
use crate::batch::key::KeyHash;
use crate::batch::origin::{HandedOver, Origin};
use crate::batch::peer::frame::Mark;
use crate::batch::peer::names::AppliedBatch;
use crate::batch::replica::{Life, MoveId};
use crate::batch::slot_set::SlotSet;
use crate::batch::sub_batch::{SharedRequest, SubBatch, TraceSpans};
use crate::buffer::decision_cache::Remembered;
use crate::buffer::marks::MarkId;
use crate::buffer::release::encode_trace;
use crate::buffer::trace::Trace;
use crate::buffer::trace_table::TraceRef;
use crate::clock::Moment;
use crate::otlp::wire::{SpanHeader, walk_request};
use crate::planted::{Planted, is_planted};
use crate::sampler::policy::Share;
use crate::sampler::precedence::{Decision, Verdict};

/// What a shard is told of slots.
#[derive(Debug, Clone)]
pub enum SlotOrder {
    /// Do this with the spans of these slots from now on.
    Set(SlotSet, SlotState),
    /// Report the decisions remembered of these slots, for this parcel of a move.
    Collect(MoveId, u32, SlotSet),
    /// Remember these decisions, too; a trace of them that is still undecided here is decided so.
    Remember(Vec<RememberedTrace>),
    /// Take nothing of these slots any more, and report the names that go with them. Slots with an undecided trace, or a
    /// decision that was not collected, stay as they are.
    Freeze(Arc<Mark>, u32, SlotSet),
    /// The target has these names of these slots: forget them.
    Unname(Arc<[AppliedBatch]>, SlotSet),
    /// Know those of these names that concern the slots, too.
    Merge(Arc<[AppliedBatch]>, SlotSet),
    /// Hand the undecided traces of these slots over, to whom the slots are given.
    HandOver(SlotSet),
    /// Declared dead: hold nothing, and hand all undecided traces to their holders (rule 18).
    GiveBack,
    /// This life is over, and nothing of it or of those before it is under way: forget their names.
    Forget(Life),
}

/// Spans of the sub-batch at hand that go elsewhere, by mark.
#[derive(Default)]
pub(super) struct Passing(Vec<PassingTo>);

struct PassingTo {
    mark: Option<Arc<Mark>>,
    traces: Vec<TraceSpans>,
    spans: Vec<SpanHeader>,
}

impl Shard {
    /// The replica's part of limits of the whole cluster.
    pub(super) fn share(&self) -> Share {
        self.slots.link().map_or(Share::WHOLE, |link| link.share())
    }

    pub(super) fn hear_of_slots(&mut self, order: SlotOrder, now: Moment) {
        match order {
            SlotOrder::Set(slots, state) => self.slots.set(&slots, &state),
            SlotOrder::Collect(move_id, parcel, slots) => self.collect(move_id, parcel, &slots),
            SlotOrder::Remember(decisions) => self.remember(&decisions, now),
            SlotOrder::Freeze(mark, parcel, slots) => self.freeze(mark, parcel, &slots),
            SlotOrder::Unname(names, slots) => self.names.remove(&names, &slots),
            SlotOrder::Merge(names, slots) => self.names.merge(&names, &slots),
            SlotOrder::HandOver(slots) => {
                self.hand_over(|trace| slots.contains(trace.hash.slot()), now);
            }
            SlotOrder::GiveBack => {
                self.slots.set(&SlotSet::all(), &SlotState::Elsewhere);
                self.hand_over(|_| true, now);
            }
            SlotOrder::Forget(life) => self.names.forget_life(&life),
        }
    }

    /// Whether spans of this trace are taken, and if not, with which mark they go elsewhere.
    pub(super) fn course_of(
        &mut self,
        trace: &TraceSpans,
        sub_batch: &SubBatch,
    ) -> Result<(), Option<Arc<Mark>>> {
        let request = &sub_batch.request;
        let slot = trace.hash.slot();
        match self.slots.course(slot, request.origin.as_deref()) {
            Course::Take => Ok(()),
            Course::Pass(mark) => Err(mark.cloned()),
            Course::TakeKnown(mark) => {
                let (table, metadata) = (&self.table, request.metadata.as_ref());
                let is_held = table.find(trace.hash, trace.trace_id, metadata).is_some();
                if is_held || self.remembered.get(trace.hash).is_some() {
                    Ok(())
                } else {
                    Err(Some(Arc::clone(mark)))
                }
            }
        }
    }

    /// The traces of a batch whose spans were taken under its name before.
    pub(super) fn applied_before(&self, origin: &Origin) -> Vec<KeyHash> {
        let names = std::iter::once(&origin.name).chain(&origin.first_names);
        let known = names.flat_map(|name| self.names.traces_of(name));
        known.copied().collect()
    }

    /// Notes the names of a trace's spans that were taken elsewhere before.
    pub(super) fn apply_handed_over(&mut self, trace: KeyHash, handed_over: &HandedOver) {
        for name in &handed_over.names {
            self.names.add(name, &[trace]);
        }
    }

    /// Whether a batch is a stray copy: its sender has long been told that it was taken.
    pub(super) fn is_stray(&self, origin: &Origin) -> bool {
        self.names.is_below_low_water(&origin.name)
    }

    /// Notes the names of spans that were taken.
    pub(super) fn apply(&mut self, origin: &Origin, traces: &[KeyHash]) {
        self.names.add(&origin.name, traces);
        for name in &origin.first_names {
            self.names.add(name, traces);
        }
        let name = &origin.name;
        self.names
            .forget_below(&name.sender, name.stream, origin.low_water);
        for mark in &origin.marks {
            self.names
                .forget_below(&name.sender, mark.stream, mark.low_water);
        }
    }

    /// Hands on what a sub-batch had for others.
    pub(super) fn pass_on(&mut self, passing: Passing, request: &Arc<SharedRequest>) {
        let Some(link) = self.slots.link() else {
            return;
        };
        let first_names = request.origin.as_deref().map_or_else(Vec::new, |origin| {
            let names = std::iter::once(&origin.name).chain(&origin.first_names);
            names.cloned().collect()
        });
        for to in passing.0 {
            self.ledger.passed_on(to.spans.len() as u64);
            link.pass_on(Passed {
                sub_batch: SubBatch {
                    request: Arc::clone(request),
                    traces: to.traces,
                    spans: to.spans,
                    room: request.charge.budget().charge(0),
                },
                mark: to.mark,
                first_names: first_names.clone(),
                handed_over: None,
            });
        }
    }

    fn collect(&mut self, move_id: MoveId, parcel: u32, slots: &SlotSet) {
        self.slots.note_collected(slots);
        let Some(link) = self.slots.link() else {
            return;
        };
        let marks = self.release.marks();
        let policy_of = |number| marks.policy(MarkId::of_number(number)?).map(Arc::clone);
        let remembered = self.remembered.of_slots(slots);
        let decisions = remembered.map(|(hash, remembered)| RememberedTrace {
            hash,
            decision: remembered.decision,
            threshold: remembered.threshold,
            policy: policy_of(remembered.policy),
        });
        let decisions = decisions.collect();
        link.report(Report::Decisions(move_id, parcel, decisions));
    }

    /// The first decision stands; who knows it does not make another.
    fn remember(&mut self, decisions: &[RememberedTrace], now: Moment) {
        let mut told: HashMap<KeyHash, Decision> = HashMap::new();
        for trace in decisions {
            if self.remembered.get(trace.hash).is_some() {
                continue;
            }
            let marks = self.release.marks();
            let policy = trace.policy.as_deref();
            let mark = policy.and_then(|policy| marks.of_policy(policy));
            let remembered = Remembered {
                decision: trace.decision,
                policy: MarkId::number(mark),
                threshold: trace.threshold,
            };
            self.remembered.insert(trace.hash, remembered);
            self.slots.note_remembered(trace.hash.slot());
            told.insert(trace.hash, trace.decision);
        }
        let slots: SlotSet = told.keys().map(|hash| hash.slot()).collect();
        if !self.slots.have_undecided(&slots) {
            return;
        }
        let undecided = self.table.iter().filter_map(|(place, trace)| {
            let decision = told.get(&trace.hash)?;
            Some((place, *decision))
        });
        for (place, decision) in undecided.collect::<Vec<_>>() {
            self.scratch.clear();
            let verdict = Verdict {
                decision,
                policy_index: None,
            };
            self.conclude(place, verdict, Trigger::Elsewhere, now);
        }
    }

    fn freeze(&mut self, mark: Arc<Mark>, parcel: u32, slots: &SlotSet) {
        let slots = self.slots.that_can_freeze(slots);
        let mut names = self.names.of_slots(&slots);
        names.retain(|_| !is_planted(Planted::NamesLeftBehind));
        let move_id = mark.of.clone();
        self.slots.set(&slots, &SlotState::Frozen(mark));
        if let Some(link) = self.slots.link() {
            link.report(Report::Frozen(move_id, parcel, slots, names));
        }
    }

    /// Hands over undecided traces, with their names and ages; this shard holds them no more (rule 10).
    fn hand_over(&mut self, is_wanted: impl Fn(&Trace) -> bool, now: Moment) {
        let wanted = self.table.iter().filter(|(_, trace)| is_wanted(trace));
        let wanted: Vec<TraceRef> = wanted.map(|(place, _)| place).collect();
        for place in wanted {
            let Some(trace) = self.remove(place) else {
                continue;
            };
            let mark = match self.slots.course(trace.hash.slot(), None) {
                Course::TakeKnown(mark) => Some(Arc::clone(mark)),
                Course::Take | Course::Pass(_) => None,
            };
            let handed_over = HandedOver {
                trace_id: trace.id,
                age: now.since(trace.first_arrival),
                due_in: trace.deadline.since(now),
                names: self.names.take_trace(trace.hash),
            };
            self.ledger.handed_over(&trace.summary);
            let body = encode_trace(&trace.spans, &self.envelopes);
            let sub_batch = self.sub_batch_of(*trace, body);
            if let (Some(sub_batch), Some(link)) = (sub_batch, self.slots.link()) {
                link.pass_on(Passed {
                    sub_batch,
                    mark,
                    first_names: Vec::new(),
                    handed_over: Some(handed_over),
                });
            }
        }
    }

    /// A removed trace's spans as they would arrive.
    fn sub_batch_of(&mut self, trace: Trace, body: bytes::Bytes) -> Option<SubBatch> {
        let charge = self.pressure.budget().charge(body.len() as u64);
        for envelope in &trace.envelopes {
            self.envelopes.release(*envelope);
        }
        trace.spans.recycle(&mut self.blocks);
        let walked = walk_request(&body).ok()?;
        let traces = vec![TraceSpans {
            trace_id: trace.id,
            hash: trace.hash,
            span_count: walked.spans.len() as u32,
            span_bytes: trace.summary.span_bytes,
        }];
        Some(SubBatch {
            room: charge.budget().charge(0),
            request: Arc::new(SharedRequest {
                body,
                scopes: walked.scopes,
                metadata: trace.metadata,
                origin: None,
                charge,
            }),
            traces,
            spans: walked.spans,
        })
    }
}

impl Passing {
    pub(super) fn push(
        &mut self,
        mark: Option<Arc<Mark>>,
        trace: &TraceSpans,
        spans: &[SpanHeader],
    ) {
        let index = self.0.iter().position(|to| to.mark == mark);
        let index = index.unwrap_or_else(|| {
            self.0.push(PassingTo {
                mark,
                traces: Vec::new(),
                spans: Vec::new(),
            });
            self.0.len() - 1
        });
        if let Some(to) = self.0.get_mut(index) {
            to.traces.push(*trace);
            to.spans.extend_from_slice(spans);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
