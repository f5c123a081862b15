//! Asks a running replica how its cluster stands: `GET /api/v1/cluster` of its admin port.

mod text;

use std::collections::BTreeMap;

use http::Uri;
use serde::Deserialize;

use super::admin_port::{self, Answer, AskError};

/// The cluster as one replica sees it. Displayed as text for people.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ClusterPage {
    /// What it says instead, where there is no cluster.
    pub error: Option<String>,
    /// Who was asked.
    pub replica: String,
    /// Its incarnation.
    pub incarnation: u64,
    /// `joining`, `active`, `leaving` or `left`.
    pub state: String,
    /// Whether clients may be sent to it.
    pub is_ready: bool,
    /// Whether it was paused, and asks the others whether it still counts.
    pub is_unsure: bool,
    /// Whether more than half of the active members are in its reach.
    pub has_majority: bool,
    /// Who holds how much.
    pub slots: Slots,
    /// All that it knows, itself too.
    pub members: Vec<Member>,
    /// Slots that it is giving away, by target.
    pub moves: BTreeMap<String, usize>,
    /// Whom it counts as dead without the others' word.
    pub decided_dead_alone: Vec<String>,
    /// What it passes on, by destination.
    pub traffic: Vec<Traffic>,
}

/// Slots, all of them and those of the replica asked.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Slots {
    /// That there are.
    pub all: usize,
    /// By the replica.
    pub held: usize,
    /// By nobody.
    pub unheld: usize,
    /// That the table gives to the replica.
    pub owned: usize,
    /// That come to it by moves under way.
    pub awaited: usize,
    /// The table's hash; replicas that know the same members have the same.
    pub table: String,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Member {
    /// Its `replica_id`.
    pub id: String,
    /// `joining`, `active`, `leaving` or `left`.
    pub state: String,
    /// Tells its lives apart.
    pub incarnation: u64,
    /// Its share of the slots, relative to others'.
    pub weight: u32,
    /// Its software's version.
    pub version: String,
    /// Of the policies in force there.
    pub policy_hash: String,
    /// Slots that it holds.
    pub slots_held: usize,
    /// Slots that the table gives to it.
    pub slots_owned: usize,
    /// Whether the replica asked misses it.
    pub is_suspect: bool,
    /// Whether it counts as dead.
    pub is_dead: bool,
}

/// What goes from the replica asked to another.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// To whom; absent for spans whose slot nobody holds.
    pub to: Option<String>,
    /// Whether it answers.
    pub is_reachable: bool,
    /// Open ones.
    pub connections: usize,
    /// On their way.
    pub waiting_bytes: u64,
    /// Acknowledged to clients and held back until the other can be reached.
    pub held_bytes: u64,
    /// How long the oldest of them have waited.
    pub held_age_seconds: f64,
    /// Spans that the other has taken.
    pub spans_acknowledged: u64,
}

/// Asks the admin port at `admin`.
///
/// # Errors
/// [`AskError`] when nobody answers, or somebody else.
pub async fn ask(admin: &Uri) -> Result<Answer<ClusterPage>, AskError> {
    admin_port::ask(admin, "/api/v1/cluster").await
}

impl ClusterPage {
    /// Active members that count as alive, in order of their IDs.
    pub fn active(&self) -> impl Iterator<Item = &Member> {
        let members = self.members.iter();
        members.filter(|member| member.state == "active" && !member.is_dead)
    }

    /// Whether exactly these replicas are active, in order of their IDs, and hold what is theirs with nothing under way.
    #[must_use]
    pub fn is_balanced(&self, ids: &[String]) -> bool {
        let is_settled =
            |member: &Member| !member.is_suspect && member.slots_held == member.slots_owned;
        let held: usize = self.active().map(|member| member.slots_held).sum();
        self.is_ready
            && self.active().map(|member| &member.id).eq(ids)
            && self.active().all(is_settled)
            && held == self.slots.all
            && self.moves.is_empty()
            && self.slots.awaited == 0
    }

    /// The replica in a few words: state and slots.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut summary = format!("{}, {} slots", self.state, self.slots.held);
        let given: usize = self.moves.values().sum();
        for (slots, what) in [(given, "to give"), (self.slots.awaited, "to come")] {
            if slots > 0 {
                summary.push_str(&format!(", {slots} {what}"));
            }
        }
        summary
    }

    /// Why this is not how it should be: the replica has not its part yet, or slots are in nobody's hands.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        if !self.is_ready {
            return Some(format!("{} is {}, and not ready", self.replica, self.state));
        }
        let unheld = self.slots.unheld;
        (unheld > 0).then(|| format!("{unheld} of {} slots are held by nobody", self.slots.all))
    }
}
