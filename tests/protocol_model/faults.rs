//! Crashes, restarts, pauses and false deaths.

use super::state::*;
use super::world::World;

impl World {
    pub(crate) fn apply_fault(&mut self, action: &Action) -> bool {
        match action {
            Action::Crash(a) => {
                let others = (0..REPLICAS)
                    .filter(|m| {
                        m != a && self.nodes[*m].up && self.nodes[*m].state == State::Active
                    })
                    .count();
                if !self.nodes[*a].up || others == 0 {
                    return false;
                }
                let lost: Vec<Trace> = self.nodes[*a]
                    .undecided
                    .keys()
                    .chain(self.nodes[*a].decided.keys())
                    .copied()
                    .collect();
                self.excused.extend(lost);
                // A false death whose return was still under way: its traces wait in the outstanding list.
                let handing: Vec<Trace> = self.nodes[*a]
                    .outstanding
                    .iter()
                    .filter(|o| !o.from_client)
                    .flat_map(|o| o.spans.iter().map(|s| trace_of(*s)))
                    .collect();
                self.excused.extend(handing);
                self.truly_dead[*a] = self.nodes[*a].incarnation;
                self.nodes[*a].up = false;
                self.nodes[*a].paused = false;
                self.nodes[*a].outstanding.clear();
                self.count("crash");
                self.say(|| format!("{} crashes", r(*a)));
                true
            }
            Action::Restart(a) => {
                if self.nodes[*a].up
                    || self.nodes[*a].incarnation == 0
                    || self.nodes[*a].incarnation > 3
                {
                    return false;
                }
                let (incarnation, version, attempts) = (
                    self.nodes[*a].incarnation + 1,
                    self.nodes[*a].version,
                    self.nodes[*a].attempts,
                );
                self.nodes[*a] = Node {
                    up: true,
                    incarnation,
                    version,
                    attempts,
                    state: State::Joining,
                    ..Node::new()
                };
                self.publish(*a);
                self.say(|| {
                    format!(
                        "{} starts again as incarnation {} (joining)",
                        r(*a),
                        incarnation
                    )
                });
                true
            }
            Action::Pause(a) => {
                if !self.runs(*a) {
                    return false;
                }
                self.nodes[*a].paused = true;
                self.say(|| format!("{} is paused", r(*a)));
                true
            }
            Action::DeclareDead(a) => {
                let n = &self.nodes[*a];
                if !n.paused || n.state == State::Joining || self.truly_dead[*a] >= n.incarnation {
                    return false;
                }
                let others: Vec<Replica> = (0..REPLICAS)
                    .filter(|m| {
                        m != a && {
                            // Who is unsure of itself has no say in an agreement.
                            let voter = &self.nodes[*m];
                            self.runs(*m)
                                && voter.state == State::Active
                                && !voter.unsure
                                && !voter.returned
                                && self.live(*m, *a)
                        }
                    })
                    .collect();
                let active = (0..REPLICAS)
                    .filter(|m| {
                        m != a && self.nodes[*m].up && self.nodes[*m].state != State::Joining
                    })
                    .count();
                if others.is_empty() || (others.len() * 2 <= active + 1 && active > 1) {
                    return false;
                }
                let incarnation = n.incarnation;
                // What it had decided is as good as lost until it is back; its buffer is not.
                let decided: Vec<Trace> = n.decided.keys().copied().collect();
                self.excused.extend(decided);
                self.truly_dead[*a] = incarnation;
                let majority = active.div_ceil(2) + 1;
                for m in others.into_iter().take(majority) {
                    self.learn_death(m, *a, incarnation);
                }
                self.count("false death");
                self.say(|| format!("{} is declared dead by a majority while paused", r(*a)));
                true
            }
            Action::Resume(a) => {
                if !self.nodes[*a].up || !self.nodes[*a].paused {
                    return false;
                }
                self.nodes[*a].paused = false;
                self.nodes[*a].unsure = true;
                self.nodes[*a].heard.clear();
                self.clear_unsure(*a);
                self.say(|| format!("{} goes on", r(*a)));
                true
            }
            _ => false,
        }
    }
}
