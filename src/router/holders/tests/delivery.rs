//! What arrives at a replica, and what its shards do with it.

use bytes::Bytes;

use super::shards::{Fate, Trace, Work, slot_of};
use super::world::{Body, Message, World, index};
use crate::batch::peer::order::{ChunkAck, Order};
use crate::batch::replica::{Incarnation, Life, MoveId};
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
            Some(Work::Handed {
                trace,
                number,
                from,
            }) => {
                let shards = &mut self.node_mut(replica).shards;
                shards.take_handed(trace, number, &from);
                self.send(replica, &from, Body::HandedAck { number });
            }
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
                let ack = Order::DecisionsAck(ChunkAck { id, parcel, chunk });
                self.send(replica, &from, Body::Order(ack));
            }
            Effect::HandOver(slots) => {
                shards.hand_over(&slots);
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

    fn send(&mut self, replica: usize, to: &Life, body: Body) {
        self.network.push(Message {
            from: self.node(replica).holders.life().clone(),
            to: index(to.replica.as_str()),
            incarnation: to.incarnation,
            body,
        });
    }

    pub(super) fn send_handed(&mut self, replica: usize) {
        for (trace, (number, id, target)) in self.node(replica).shards.handed.clone() {
            self.send(replica, &target, Body::Handed { trace, number, id });
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
            Body::Handed { trace, number, id }
                if is_reached && !self.node(to).holders.is_unsure() =>
            {
                let slots: SlotSet = [slot_of(trace)].into_iter().collect();
                if self.accepts(to, &id, incarnation, &slots) {
                    let inbox = &mut self.node_mut(to).shards.inbox;
                    inbox.push_back(Work::Handed {
                        trace,
                        number,
                        from: message.from,
                    });
                }
            }
            Body::HandedAck { number }
                if is_reached && self.node(to).holders.life().incarnation == incarnation =>
            {
                self.node_mut(to).shards.handed_over(number);
            }
            Body::Order(_) | Body::Handed { .. } | Body::HandedAck { .. } => {}
            Body::Span { trace, .. } if !is_reached || self.node(to).holders.is_unsure() => {
                self.back_to_client(&message, trace);
            }
            Body::Span {
                trace, mark, hops, ..
            } => {
                let slots: SlotSet = [slot_of(trace)].into_iter().collect();
                let is_accepted =
                    mark.is_some_and(|mark| self.accepts(to, &mark.id, mark.to, &slots));
                let inbox = &mut self.node_mut(to).shards.inbox;
                inbox.push_back(Work::Span {
                    trace,
                    is_accepted,
                    hops,
                });
            }
        }
    }

    /// Whether `replica` takes what bears this mark (rule 2).
    fn accepts(
        &mut self,
        replica: usize,
        id: &MoveId,
        target: Incarnation,
        slots: &SlotSet,
    ) -> bool {
        let now = self.now;
        let holders = &mut self.node_mut(replica).holders;
        let (accepted, effects) = holders.heed_mark(id, target, slots, now);
        self.carry_out(replica, effects);
        !accepted.is_empty()
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
