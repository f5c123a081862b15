//! Telling all shards of a new policy set.

use std::sync::Arc;
use std::time::Duration;

use crate::buffer::inbox::Inbox;
use crate::buffer::shard::{ActivePolicies, Control, Fence, Fenced};

/// A shard hears within a turn, some milliseconds. One that takes so long is in trouble of its own, and will still hear.
const HEARD_AFTER_MAX: Duration = Duration::from_secs(10);

/// The shards of a replica, as far as policies go.
#[derive(Debug, Clone)]
pub(in crate::replica) struct Shards(pub(in crate::replica) Arc<[Inbox]>);

impl Shards {
    /// Puts `policies` in force in all shards and waits until each has heard: what is decided later is decided by them,
    /// and traces first seen later fall under their windows. Blocks; a full inbox makes it wait, not give up.
    pub(super) fn swap(&self, policies: &Arc<ActivePolicies>) {
        if !self.tell(policies).wait(HEARD_AFTER_MAX) {
            let generation = policies.generation;
            tracing::warn!(generation, "a shard has not yet heard of the new policies");
        }
    }

    /// Does not wait.
    pub(super) fn tell(&self, policies: &Arc<ActivePolicies>) -> Fenced {
        let (fence, fenced) = Fence::new();
        // All are told before any is waited for.
        for inbox in self.0.iter() {
            inbox.control(Control::Policies(Arc::clone(policies)));
            inbox.control(Control::Fence(fence.clone()));
        }
        fenced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::inbox::{InboxReceiver, inbox};
    use crate::metrics::Registry;
    use crate::replica::reload::compile;

    fn generations(inbox: &InboxReceiver) -> Vec<u64> {
        let messages = std::iter::from_fn(|| inbox.take_control());
        let generations = messages.filter_map(|message| match message {
            Control::Policies(policies) => Some(policies.generation),
            _ => None,
        });
        generations.collect()
    }

    #[test]
    fn a_swap_is_over_when_every_shard_has_heard_and_a_full_inbox_delays_but_loses_nothing() {
        let (ends, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| inbox(1)).unzip();
        let shards = Shards(ends.into());
        let (over, is_over) = crossbeam_channel::bounded(1);
        let registry = Registry::new();
        let swapping = std::thread::spawn(move || {
            let mut last = compile(&Default::default(), None, &registry);
            // More than an inbox has room for.
            for _ in 0..50 {
                shards.swap(&last);
                last = compile(&Default::default(), Some(&last), &registry);
            }
            over.send(()).unwrap();
        });
        let mut heard = vec![Vec::new(); 3];
        while is_over.is_empty() {
            for (receiver, heard) in receivers.iter().zip(&mut heard) {
                heard.extend(generations(receiver));
            }
            assert!(
                heard
                    .iter()
                    .all(|it| it.len().abs_diff(heard[0].len()) <= 1)
            );
        }
        swapping.join().unwrap();
        let all: Vec<u64> = (1..=50).collect();
        assert_eq!(heard, vec![all.clone(), all.clone(), all]);
    }

    #[test]
    fn a_shard_that_has_ended_is_not_waited_for() {
        let (inbox, receiver) = inbox(1);
        drop(receiver);
        let shards = Shards(Arc::from([inbox]));
        shards.swap(&compile(&Default::default(), None, &Registry::new()));
    }
}
