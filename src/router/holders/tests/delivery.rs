//! What arrives at a replica, and what its shards do with it.

use bytes::Bytes;

use super::shards::{Fate, Trace, Work, slot_of};
use super::world::{Body, Message, World, index};
use crate::batch::peer::order::{ChunkAck, Order, Traces, TracesAck};
use crate::batch::replica::{Incarnation, Life};
use crate::batch::slot_set::SlotSet;
use crate::router::holders::{Effect, Input};

const HOPS_MAX: usize = 3;

impl World {
    /// One piece of the inbox of a replica's shards.
    pub(super) fn work(&mut self, replica: usize) -> bool {
        if !self.runs(replica) || self.node(replica).holders.is_unsure() {
            return false;
        }
        match self.node_mut(replica).shards.inbox.pop_front() {
            None => return false,
            Some(Work::Span {
                trace,
                is_accepted,
                hops,
            }) => self.span(replica, trace, is_accepted, hops),
            Some(Work::Effect(effect)) => self.shard_effect(replica, effect),
        }
        true
    }

    fn shard_effect(&mut self, replica: usize, effect: Effect) {
        let shards = &mut self.node_mut(replica).shards;
        match effect {
            Effect::SetSlots { slots, state } => shards.set(&slots, &state),
            Effect::Routes(routes) => shards.routes = Some(routes),
            Effect::CollectDecisions { id, parcel, slots } => {
                let chunks = shards.collect(&id, parcel, &slots);
                self.input(replica, Input::Collected { id, parcel, chunks });
            }
            Effect::Freeze {
                id,
                target,
                parcel,
                slots,
            } => {
                let refused = shards.freeze(&id, &target, parcel, &slots);
                if !refused.is_empty() {
                    *self.events.entry("refused to freeze").or_insert(0) += 1;
                }
                let names = Bytes::from_static(b"names");
                self.input(
                    replica,
                    Input::Frozen {
                        id,
                        parcel,
                        names,
                        refused,
                    },
                );
            }
            Effect::TakeDecisions { from, decisions } => {
                let trace = usize::from(decisions.entries[0]);
                shards.decided.insert(trace);
                shards.undecided.remove(&trace);
                let (id, parcel, chunk) = (decisions.id, decisions.parcel, decisions.chunk);
                self.send(
                    replica,
                    &from,
                    Order::DecisionsAck(ChunkAck { id, parcel, chunk }),
                );
            }
            Effect::TakeTraces { from, traces } => {
                let trace = usize::from(traces.entries[0]);
                if shards.taken.insert((from.clone(), traces.number))
                    && !shards.decided.contains(&trace)
                {
                    shards.undecided.insert(trace);
                }
                let (id, number) = (traces.id, traces.number);
                self.send(replica, &from, Order::TracesAck(TracesAck { id, number }));
            }
            Effect::TracesTaken(ack) => {
                let taken = shards
                    .handed
                    .iter()
                    .find(|(_, it)| it.0 == ack.number)
                    .map(|it| *it.0);
                if let Some(trace) = taken {
                    shards.handed.remove(&trace);
                    shards.undecided.remove(&trace);
                }
            }
            Effect::HandOver { id, target, slots } => {
                let traces: Vec<Trace> = shards.undecided.iter().copied().collect();
                for trace in traces.into_iter().filter(|it| slots.contains(slot_of(*it))) {
                    shards.numbers += 1;
                    shards
                        .handed
                        .insert(trace, (shards.numbers, id.clone(), target.clone()));
                }
                self.send_handed(replica);
            }
            Effect::NewLife(_) => {
                shards.handed.clear();
                let undecided = std::mem::take(&mut shards.undecided);
                self.node_mut(replica).pending.extend(undecided);
            }
            Effect::MergeNames { .. } | Effect::ForgetNames { .. } => {}
            other => panic!("{other:?} is not for shards"),
        }
    }

    fn send(&mut self, replica: usize, to: &Life, order: Order) {
        self.network.push(Message {
            from: self.node(replica).holders.life().clone(),
            to: index(to.replica.as_str()),
            incarnation: to.incarnation,
            body: Body::Order(order),
        });
    }

    pub(super) fn send_handed(&mut self, replica: usize) {
        for (trace, (number, id, target)) in self.node(replica).shards.handed.clone() {
            let slots = [slot_of(trace)].into_iter().collect();
            let entries = Bytes::from(vec![trace as u8]);
            let traces = Traces {
                id,
                number,
                slots,
                entries,
            };
            self.send(replica, &target, Order::Traces(traces));
        }
    }

    fn span(&mut self, replica: usize, trace: Trace, is_accepted: bool, hops: usize) {
        match self.node_mut(replica).shards.span(trace, is_accepted) {
            Fate::Taken => {
                self.acked.insert(trace);
            }
            Fate::Pass { to, mark } if hops < HOPS_MAX => {
                let from = self.node(replica).holders.life().clone();
                let incarnation = mark.as_ref().map_or(Incarnation(0), |it| it.to);
                let body = Body::Span {
                    trace,
                    mark,
                    hops: hops + 1,
                    client: replica,
                };
                self.network.push(Message {
                    from,
                    to: index(&to),
                    incarnation,
                    body,
                });
            }
            Fate::Pass { .. } | Fate::Refused => self.node_mut(replica).pending.push(trace),
        }
    }

    pub(super) fn receive(&mut self, message: Message) {
        let (to, incarnation) = (message.to, message.incarnation);
        let is_reached = self.is_up(to) && self.reaches(index(message.from.replica.as_str()), to);
        match message.body {
            Body::Order(order) if is_reached => {
                let from = message.from;
                self.input(
                    to,
                    Input::Order {
                        from,
                        to: incarnation,
                        order,
                    },
                );
            }
            Body::Order(_) => {}
            Body::Span { trace, .. } if !is_reached || self.node(to).holders.is_unsure() => {
                self.back_to_client(&message, trace);
            }
            Body::Span {
                trace, mark, hops, ..
            } => {
                let slots: SlotSet = [slot_of(trace)].into_iter().collect();
                let mut is_accepted = false;
                if let Some(mark) = mark {
                    let now = self.now;
                    let holders = &mut self.node_mut(to).holders;
                    let (accepted, effects) = holders.heed_mark(&mark.id, mark.to, &slots, now);
                    is_accepted = !accepted.is_empty();
                    self.carry_out(to, effects);
                }
                let inbox = &mut self.node_mut(to).shards.inbox;
                inbox.push_back(Work::Span {
                    trace,
                    is_accepted,
                    hops,
                });
            }
        }
    }

    /// A span that nobody answers for is its sender's to send again.
    fn back_to_client(&mut self, message: &Message, trace: Trace) {
        let Body::Span { client, .. } = message.body else {
            return;
        };
        if self.is_up(client) {
            self.node_mut(client).pending.push(trace);
        }
    }
}
