//! The hub's state: who runs, what is under way, and what each replica has got of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

use super::SeededFaults;
use crate::batch::replica::ReplicaId;
use crate::clock::Moment;
use crate::router::member::{Digest, Known, Record, View};
use crate::router::membership::{Identity, Sight};

/// What a replica publishes.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Record(Arc<Record>),
    Digest(Arc<Digest>),
}

#[derive(Debug)]
pub(super) struct State {
    faults: SeededFaults,
    random: SmallRng,
    now: Moment,
    /// Of processes and of what they say.
    last_number: u64,
    replicas: BTreeMap<ReplicaId, Replica>,
    cuts: BTreeSet<(ReplicaId, ReplicaId)>,
    under_way: BTreeMap<(Moment, u64), Delivery>,
}

#[derive(Debug)]
struct Replica {
    process: u64,
    is_running: bool,
    /// What it said last, numbered.
    record: Option<(u64, Said)>,
    digest: Option<(u64, Said)>,
    got: BTreeMap<ReplicaId, Got>,
    sight: watch::Sender<Sight>,
}

/// What a replica has got of another.
#[derive(Debug, Default)]
struct Got {
    process: u64,
    record: Option<(u64, Arc<Record>)>,
    digest: Option<(u64, Arc<Digest>)>,
    heard: Moment,
    wrong_until: Moment,
}

#[derive(Debug)]
struct Delivery {
    from: ReplicaId,
    /// Who tells of it: another one, if the first has ended.
    by: ReplicaId,
    process: u64,
    to: ReplicaId,
    number: u64,
    said: Said,
}

impl State {
    pub(super) fn new(seed: u64, faults: SeededFaults) -> Self {
        Self {
            faults,
            random: SmallRng::seed_from_u64(seed),
            now: Moment::default(),
            last_number: 0,
            replicas: BTreeMap::new(),
            cuts: BTreeSet::new(),
            under_way: BTreeMap::new(),
        }
    }

    pub(super) fn join(&mut self, id: &ReplicaId) -> (u64, watch::Receiver<Sight>) {
        self.last_number += 1;
        let process = self.last_number;
        let (sight, receiver) = watch::channel(Sight::nobody(Identity::Own));
        let replica = Replica {
            process,
            is_running: true,
            record: None,
            digest: None,
            got: BTreeMap::new(),
            sight,
        };
        self.replicas.insert(id.clone(), replica);
        self.repeat();
        (process, receiver)
    }

    pub(super) fn set_running(&mut self, id: &ReplicaId, is_running: bool) {
        if let Some(replica) = self.replicas.get_mut(id) {
            replica.is_running = is_running;
        }
        self.repeat();
        if !is_running {
            let others: Vec<ReplicaId> = self.replicas.keys().cloned().collect();
            for by in others.iter().filter(|by| *by != id) {
                self.pass_on(by, id);
            }
        }
    }

    pub(super) fn set_cut(&mut self, one: &ReplicaId, other: &ReplicaId, is_cut: bool) {
        for pair in [(one, other), (other, one)] {
            let pair = (pair.0.clone(), pair.1.clone());
            if is_cut {
                self.cuts.insert(pair);
            } else {
                self.cuts.remove(&pair);
            }
        }
        self.repeat();
    }

    pub(super) fn miss(&mut self, by: &ReplicaId, whom: &ReplicaId, until: Moment) {
        let replica = self.replicas.get_mut(by);
        if let Some(got) = replica.and_then(|replica| replica.got.get_mut(whom)) {
            got.wrong_until = until;
        }
    }

    pub(super) fn record(&self, id: &ReplicaId) -> Option<Arc<Record>> {
        match &self.replicas.get(id)?.record {
            Some((_, Said::Record(record))) => Some(Arc::clone(record)),
            _ => None,
        }
    }

    /// What an ended process still says, nobody hears.
    pub(super) fn publish(&mut self, id: &ReplicaId, process: u64, said: Said) {
        self.last_number += 1;
        let numbered = (self.last_number, said);
        let Some(replica) = self.replicas.get_mut(id) else {
            return;
        };
        if replica.process != process {
            return;
        }
        match numbered.1 {
            Said::Record(_) => replica.record = Some(numbered.clone()),
            Said::Digest(_) => replica.digest = Some(numbered.clone()),
        }
        let others: Vec<ReplicaId> = self.replicas.keys().cloned().collect();
        for other in others.iter().filter(|other| *other != id) {
            self.send(id, other, numbered.clone());
        }
    }

    pub(super) fn advance(&mut self, now: Moment) {
        let elapsed = now.since(self.now);
        self.now = self.now.max(now);
        while let Some(first) = self.under_way.first_entry() {
            if first.key().0 > self.now {
                break;
            }
            let delivery = first.remove();
            self.deliver(delivery);
        }
        self.hear(elapsed);
        for replica in self.replicas.values().filter(|it| it.is_running) {
            let view = replica.view(self.now, self.faults.missed_after);
            replica.sight.send_if_modified(|sight| {
                let is_new = *sight.view != view;
                if is_new {
                    sight.view = Arc::new(view);
                }
                is_new
            });
        }
    }

    fn send(&mut self, from: &ReplicaId, to: &ReplicaId, numbered: (u64, Said)) {
        self.send_by(from, from, to, numbered);
    }

    fn send_by(
        &mut self,
        by: &ReplicaId,
        from: &ReplicaId,
        to: &ReplicaId,
        (number, said): (u64, Said),
    ) {
        let Some(replica) = self.replicas.get(from) else {
            return;
        };
        let delay_ns = u64::try_from(self.faults.delay_max.as_nanos()).unwrap_or(u64::MAX);
        let delay = Duration::from_nanos(self.random.random_range(0..=delay_ns));
        let delivery = Delivery {
            from: from.clone(),
            by: by.clone(),
            process: replica.process,
            to: to.clone(),
            number,
            said,
        };
        self.last_number += 1;
        let at = (self.now.after(delay), self.last_number);
        self.under_way.insert(at, delivery);
    }

    /// Sends everything once more that someone has not got: what was under way when a way was closed is lost.
    fn repeat(&mut self) {
        let mut missing = Vec::new();
        for (from, sender) in &self.replicas {
            for (to, receiver) in self.replicas.iter().filter(|(to, _)| *to != from) {
                let got = receiver.got.get(from);
                let record = got.and_then(|got| got.record.as_ref()).map(|it| it.0);
                let digest = got.and_then(|got| got.digest.as_ref()).map(|it| it.0);
                for (said, got) in [(&sender.record, record), (&sender.digest, digest)] {
                    let newer = said.iter().filter(|(number, _)| Some(*number) > got);
                    missing.extend(newer.map(|said| (from.clone(), to.clone(), said.clone())));
                }
            }
        }
        for (from, to, said) in missing {
            self.send(&from, &to, said);
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        if !self.within_reach(&delivery.by).contains(&delivery.to) {
            return;
        }
        let (from, to) = (delivery.from.clone(), delivery.to.clone());
        let Some(receiver) = self.replicas.get_mut(&delivery.to) else {
            return;
        };
        let got = receiver.got.entry(delivery.from).or_insert_with(|| Got {
            heard: self.now,
            ..Got::default()
        });
        got.process = got.process.max(delivery.process);
        match delivery.said {
            Said::Record(record) => take_newer(&mut got.record, delivery.number, record),
            Said::Digest(digest) => take_newer(&mut got.digest, delivery.number, digest),
        }
        if !self.replicas.get(&from).is_some_and(|it| it.is_running) {
            self.pass_on(&to, &from);
        }
    }

    /// The last words of who has ended go round without it.
    fn pass_on(&mut self, by: &ReplicaId, from: &ReplicaId) {
        let got = |it: &Replica| it.got.get(from).and_then(|got| got.record.clone());
        let Some((number, record)) = self.replicas.get(by).and_then(got) else {
            return;
        };
        let lacks = |it: &Replica| it.is_running && got(it).is_none_or(|it| it.0 < number);
        let others = self.replicas.iter();
        let others = others.filter(|(id, it)| *id != by && *id != from && lacks(it));
        let others: Vec<ReplicaId> = others.map(|(id, _)| id.clone()).collect();
        for to in others {
            self.send_by(by, from, &to, (number, Said::Record(Arc::clone(&record))));
        }
    }

    /// Heartbeats, which need no time here, and wrong opinions.
    fn hear(&mut self, elapsed: Duration) {
        let ids: Vec<ReplicaId> = self.replicas.keys().cloned().collect();
        for id in &ids {
            let within_reach = self.within_reach(id);
            let process = self.replicas.get(id).map(|replica| replica.process);
            for to in ids.iter().filter(|to| *to != id) {
                let is_wrong = self.draws_wrong(elapsed);
                let wrong_for = self.random.random::<f64>();
                let receiver = self.replicas.get_mut(to);
                let Some(got) = receiver.and_then(|receiver| receiver.got.get_mut(id)) else {
                    continue;
                };
                if within_reach.contains(to) && Some(got.process) == process {
                    got.heard = self.now;
                }
                if is_wrong {
                    let wrong_for = self.faults.wrong_for_max.mul_f64(wrong_for);
                    got.wrong_until = got.wrong_until.max(self.now.after(wrong_for));
                }
            }
        }
    }

    fn draws_wrong(&mut self, elapsed: Duration) -> bool {
        let drawn = self.random.random::<f64>();
        let Some(every) = self.faults.wrong_every else {
            return false;
        };
        drawn * every.as_secs_f64() < elapsed.as_secs_f64()
    }

    /// Who hears a replica, directly or by others.
    fn within_reach(&self, from: &ReplicaId) -> BTreeSet<ReplicaId> {
        let is_running = |id: &ReplicaId| self.replicas.get(id).is_some_and(|it| it.is_running);
        let mut reached = BTreeSet::new();
        let mut next = vec![from.clone()];
        while let Some(id) = next.pop() {
            if !is_running(&id) || !reached.insert(id.clone()) {
                continue;
            }
            let uncut = self.replicas.keys();
            let uncut = uncut.filter(|to| !self.cuts.contains(&(id.clone(), (*to).clone())));
            next.extend(uncut.cloned());
        }
        reached
    }
}

impl Replica {
    fn view(&self, now: Moment, missed_after: Duration) -> View {
        let others = self.got.iter().filter_map(|(id, got)| {
            let (_, record) = got.record.clone()?;
            let known = Known {
                record,
                digest: got.digest.clone().map(|(_, it)| it).unwrap_or_default(),
                is_suspect: now.since(got.heard) >= missed_after || got.wrong_until > now,
            };
            Some((id.clone(), known))
        });
        View {
            others: others.collect(),
        }
    }
}

fn take_newer<T>(slot: &mut Option<(u64, T)>, number: u64, value: T) {
    if slot.as_ref().is_none_or(|(got, _)| *got < number) {
        *slot = Some((number, value));
    }
}
