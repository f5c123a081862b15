//! Leaving in order: rules 10 and 16.

use super::super::member::{Known, MemberState};
use super::Holders;

impl Holders {
    /// Announces it; owns nothing from now on, and gives away what it holds.
    pub(super) fn leave(&mut self) {
        if self.state != MemberState::Left {
            self.state = MemberState::Leaving;
            self.refresh_table();
        }
    }

    /// Publishes that it left when nobody needs it any more.
    pub(super) fn exit_if_unneeded(&mut self) {
        if self.state == MemberState::Leaving && self.is_unneeded() {
            self.state = MemberState::Left;
            self.told.is_exiting = true;
        }
    }

    /// Rule 16. If nobody active is there to take what it holds, it is enough that nothing is buffered.
    fn is_unneeded(&self) -> bool {
        let mut live = self.members.live();
        let has_heir = live.any(|it| it.1.record.state == MemberState::Active);
        let holds_nothing = self.holds.is_empty() || !has_heir;
        let has_unanswered = !self.moves.releasing().is_empty() || !self.claims.slots().is_empty();
        let mut live = self.members.live();
        self.is_idle
            && holds_nothing
            && !has_unanswered
            && self.incoming.is_empty()
            && !self.is_named_as_target()
            && !self.published_is_stale()
            && live.all(|(_, known)| self.has_seen_me(known) && is_consistent(known))
    }
}

/// Whether the record is of the time of the digest or later: only then it tells whether a member still gave something
/// to this replica when it saw its record.
fn is_consistent(known: &Known) -> bool {
    let record = &known.record;
    let present = (record.life.incarnation, record.version);
    let seen_itself = known.digest.seen.get(&record.life.replica);
    seen_itself.is_some_and(|then| present >= *then)
}
