//! Records, what is known of whom, who is dead: rules 3, 17 and 18.

use super::state::*;
use super::world::World;

impl World {
    pub(crate) fn record(&self, a: Replica) -> Record {
        let n = &self.nodes[a];
        let mut target = [None; SLOTS];
        let mut claims = [None; SLOTS];
        for s in 0..SLOTS {
            target[s] = n.moves[s].as_ref().map(|m| m.target);
            claims[s] = n.claim[s].as_ref().map(|c| c.attempt);
        }
        Record {
            version: n.version,
            incarnation: n.incarnation,
            state: n.state,
            holds: n.holds,
            target,
            claims,
        }
    }
    pub(crate) fn seen(&self, a: Replica) -> [u32; REPLICAS] {
        let mut seen = [0; REPLICAS];
        for x in 0..REPLICAS {
            seen[x] = self.nodes[a].view[x].as_ref().map_or(0, |v| v.version);
        }
        seen[a] = self.nodes[a].version;
        seen
    }
    pub(crate) fn publish(&mut self, a: Replica) {
        self.nodes[a].version += 1;
        let published = Published {
            record: self.record(a),
            seen: self.seen(a),
            dead: self.nodes[a].dead,
        };
        self.history[a].push(published);
    }
    /// `to` learns `from`'s newest record with its present digest, or an older one as it was when published.
    pub(crate) fn gossip(&mut self, from: Replica, to: Replica, behind: u32) -> bool {
        if from == to
            || !self.nodes[to].up
            || self.nodes[to].paused
            || self.history[from].is_empty()
        {
            return false;
        }
        let newest = self.history[from].len() - 1;
        let index = newest.saturating_sub(behind as usize);
        let mut p = self.history[from][index].clone();
        let alive = self.nodes[from].up && !self.nodes[from].paused;
        if index == newest && alive {
            p.seen = self.seen(from);
            p.dead = self.nodes[from].dead;
        }
        let known = self.nodes[to].view[from].as_ref().map_or(0, |v| v.version);
        if p.record.version < known {
            return false;
        }
        for x in 0..REPLICAS {
            self.nodes[to].seen_by[from][x] = self.nodes[to].seen_by[from][x].max(p.seen[x]);
        }
        // A higher incarnation is proof that the lower one has ended.
        let before = p.record.incarnation - 1;
        self.nodes[to].dead[from] = self.nodes[to].dead[from].max(before);
        self.nodes[to].view[from] = Some(p.record);
        // Only an answer given after the pause counts, not an old record that arrives late.
        // (nor one of a replica that is only joining: it had no part in an agreement).
        if alive && index == newest && self.state_seen(to, from) != State::Joining {
            self.nodes[to].heard.insert(from);
        }
        if alive && self.live(to, from) {
            self.nodes[to].returned = false;
        }
        for x in 0..REPLICAS {
            if p.dead[x] > 0 {
                self.learn_death(to, x, p.dead[x]);
            }
        }
        self.clear_unsure(to);
        true
    }
    pub(crate) fn learn_death(&mut self, a: Replica, who: Replica, incarnation: u32) {
        if self.nodes[a].dead[who] < incarnation {
            self.nodes[a].dead[who] = incarnation;
        }
        if who == a && incarnation >= self.nodes[a].incarnation {
            self.come_back_from_false_death(a);
        }
    }
    pub(crate) fn live(&self, a: Replica, m: Replica) -> bool {
        if a == m {
            return true;
        }
        match &self.nodes[a].view[m] {
            Some(v) => v.state != State::Left && v.incarnation > self.nodes[a].dead[m],
            None => false,
        }
    }
    pub(crate) fn live_members(&self, a: Replica) -> Vec<Replica> {
        (0..REPLICAS)
            .filter(|m| *m != a && self.live(a, *m))
            .collect()
    }
    pub(crate) fn is_dead(&self, a: Replica, who: Replica, incarnation: u32) -> bool {
        self.nodes[a].dead[who] >= incarnation
    }
    /// Gone for good: agreed dead, or it left.
    pub(crate) fn is_gone(&self, a: Replica, who: Replica, incarnation: u32) -> bool {
        self.is_dead(a, who, incarnation)
            || self.nodes[a].view[who]
                .as_ref()
                .is_some_and(|v| v.incarnation == incarnation && v.state == State::Left)
    }
    pub(crate) fn state_seen(&self, a: Replica, m: Replica) -> State {
        if a == m {
            self.nodes[a].state
        } else {
            self.nodes[a].view[m]
                .as_ref()
                .map_or(State::Left, |v| v.state)
        }
    }
    /// The table: a pure function of the active members in the view of the replica that computes it.
    pub(crate) fn table_owner(&self, a: Replica, s: Slot) -> Option<Replica> {
        self.preference[s]
            .iter()
            .copied()
            .find(|m| self.live(a, *m) && self.state_seen(a, *m) == State::Active)
    }
    /// The published holder in a's view; when stale records name two, the one that another gives to, else the table's.
    pub(crate) fn published_holder(&self, a: Replica, s: Slot) -> Option<Replica> {
        let all: Vec<Replica> = self
            .live_members(a)
            .into_iter()
            .filter(|m| self.nodes[a].view[*m].as_ref().unwrap().holds[s])
            .collect();
        if all.len() < 2 {
            return all.first().copied();
        }
        let given_to = |m: &&Replica| {
            all.iter()
                .any(|o| o != *m && self.nodes[a].view[*o].as_ref().unwrap().target[s] == Some(**m))
        };
        if let Some(m) = all.iter().find(given_to) {
            return Some(*m);
        }
        if let Some(owner) = self.table_owner(a, s)
            && all.contains(&owner)
        {
            return Some(owner);
        }
        all.first().copied()
    }
    pub(crate) fn clear_unsure(&mut self, a: Replica) {
        if !self.nodes[a].unsure {
            return;
        }
        // Who is only joining had no part in an agreement about me.
        let others: Vec<Replica> = self
            .live_members(a)
            .into_iter()
            .filter(|m| self.state_seen(a, *m) != State::Joining)
            .collect();
        // Alone by its own view: whoever it ever knew may have come back and agreed on its death, so wait for one of them.
        let ever_known = (0..REPLICAS).any(|m| {
            m != a
                && self.nodes[a].view[m]
                    .as_ref()
                    .is_some_and(|v| v.state != State::Left)
        });
        if others.is_empty() && ever_known && self.nodes[a].heard.is_empty() {
            return;
        }
        let heard = others
            .iter()
            .filter(|m| self.nodes[a].heard.contains(m))
            .count();
        if heard * 2 >= others.len() {
            self.nodes[a].unsure = false;
        }
    }
    /// Declared dead while alive: new incarnation, hold nothing, hand the undecided traces to the holders.
    pub(crate) fn come_back_from_false_death(&mut self, a: Replica) {
        self.count("return from false death");
        self.say(|| {
            format!(
                "{} finds itself declared dead: new incarnation, hands its undecided traces over",
                r(a)
            )
        });
        let n = &mut self.nodes[a];
        n.incarnation += 1;
        n.unsure = false;
        n.returned = self.rules.return_hears_first;
        n.holds = [false; SLOTS];
        n.moves = vec![None; SLOTS];
        n.releases = vec![None; SLOTS];
        n.claim = vec![None; SLOTS];
        n.target_of = [None; SLOTS];
        n.promised = [None; SLOTS];
        n.released_to = [None; SLOTS];
        if self.rules.return_forgets_dead {
            // Who was wrong about itself may be wrong about others; whose death stands it is told again.
            let own = n.dead[a];
            n.dead = [0; REPLICAS];
            n.dead[a] = own;
        }
        let undecided = std::mem::take(&mut n.undecided);
        for (trace, buffered) in undecided {
            let name = self.new_name(a);
            let first_names = self.names_of(a, trace);
            self.forget_names(a, |entry| trace_of(entry.1) == trace);
            self.nodes[a].outstanding.push(Outstanding {
                name,
                slot: slot_of(trace),
                spans: buffered.spans,
                from_client: false,
                first_names,
            });
        }
        self.publish(a);
    }
    pub(crate) fn new_name(&mut self, a: Replica) -> Name {
        self.nodes[a].sequence += 1;
        let incarnation = if self.rules.bug_no_incarnation {
            0
        } else {
            self.nodes[a].incarnation
        };
        (a, incarnation, self.nodes[a].sequence)
    }
}
