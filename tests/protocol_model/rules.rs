//! Every rule with a switch, and every planted bug with one.

/// One switch per corrected rule (true = README wording) and one per planted bug (true = bug present).
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) window_per_trace: bool, // applied names are kept per (name, trace), not per name
    pub(crate) window_moves: bool,     // release carries the slot's window of applied names
    pub(crate) given_mark: bool,       // what a holder passes to its target is marked with the move
    pub(crate) given_ends: bool,       // after the release of that move the mark means nothing
    pub(crate) refuse_at_limit: bool, // hop limit: refuse, the sender keeps and retries (else accept)
    pub(crate) claim_by_promise: bool, // an unheld slot needs the promise of every live member
    pub(crate) exit_when_unneeded: bool, // exit: also no target of anybody, nothing un-acked, no release un-acked
    pub(crate) join_seen_by_all: bool, // active only when every member has seen the joining record
    pub(crate) fence_dead: bool,       // orders of a dead incarnation are ignored
    pub(crate) confirm_after_pause: bool, // after a pause decide nothing before half of the others answered
    pub(crate) release_once: bool,        // release is named and applied once
    pub(crate) freeze_at_release: bool, // from sending the release on, the old holder takes nothing
    pub(crate) join_finds_active: bool, // a joiner goes active only when it knows an active member
    pub(crate) names_follow_trace: bool, // a handed-over trace brings the names under which its spans came
    pub(crate) target_claims_first: bool, // a dead giver's target comes before the table's owner
    pub(crate) orders_name_addressee: bool, // orders and given spans name the incarnation they are for
    pub(crate) wait_when_promised: bool, // a member bound by another promise makes a claimant wait, not withdraw
    pub(crate) unsure_takes_nothing: bool, // between a pause and the answers of the others only gossip is read
    pub(crate) giver_forgets_names: bool, // names leave the giver's window once the receiver has them
    pub(crate) promise_per_incarnation: bool, // a promise counts only for the incarnation that gave it
    pub(crate) return_hears_first: bool, // who comes back from a false death claims nothing before a live member answered
    pub(crate) return_forgets_dead: bool, // and forgets whom it held dead
    pub(crate) bug_timer_release: bool,
    pub(crate) bug_release_before_decisions: bool,
    pub(crate) bug_no_incarnation: bool,
    pub(crate) bug_decide_after_pause: bool,
    pub(crate) bug_drop_at_limit: bool,
}
impl Rules {
    pub(crate) fn correct() -> Self {
        Rules {
            window_per_trace: true,
            window_moves: true,
            given_mark: true,
            given_ends: true,
            refuse_at_limit: true,
            claim_by_promise: true,
            exit_when_unneeded: true,
            join_seen_by_all: true,
            fence_dead: true,
            confirm_after_pause: true,
            release_once: true,
            freeze_at_release: true,
            join_finds_active: true,
            names_follow_trace: true,
            target_claims_first: true,
            orders_name_addressee: true,
            wait_when_promised: true,
            unsure_takes_nothing: true,
            return_hears_first: true,
            return_forgets_dead: true,
            giver_forgets_names: true,
            promise_per_incarnation: true,
            bug_timer_release: false,
            bug_release_before_decisions: false,
            bug_no_incarnation: false,
            bug_decide_after_pause: false,
            bug_drop_at_limit: false,
        }
    }
    pub(crate) fn named(&mut self) -> Vec<(&'static str, &mut bool)> {
        vec![
            ("window_per_trace", &mut self.window_per_trace),
            ("window_moves", &mut self.window_moves),
            ("given_mark", &mut self.given_mark),
            ("given_ends", &mut self.given_ends),
            ("refuse_at_limit", &mut self.refuse_at_limit),
            ("claim_by_promise", &mut self.claim_by_promise),
            ("exit_when_unneeded", &mut self.exit_when_unneeded),
            ("join_seen_by_all", &mut self.join_seen_by_all),
            ("fence_dead", &mut self.fence_dead),
            ("confirm_after_pause", &mut self.confirm_after_pause),
            ("release_once", &mut self.release_once),
            ("freeze_at_release", &mut self.freeze_at_release),
            ("join_finds_active", &mut self.join_finds_active),
            ("names_follow_trace", &mut self.names_follow_trace),
            ("target_claims_first", &mut self.target_claims_first),
            ("orders_name_addressee", &mut self.orders_name_addressee),
            ("wait_when_promised", &mut self.wait_when_promised),
            ("unsure_takes_nothing", &mut self.unsure_takes_nothing),
            ("return_hears_first", &mut self.return_hears_first),
            ("return_forgets_dead", &mut self.return_forgets_dead),
            ("giver_forgets_names", &mut self.giver_forgets_names),
            ("promise_per_incarnation", &mut self.promise_per_incarnation),
            ("bug_timer_release", &mut self.bug_timer_release),
            (
                "bug_release_before_decisions",
                &mut self.bug_release_before_decisions,
            ),
            ("bug_no_incarnation", &mut self.bug_no_incarnation),
            ("bug_decide_after_pause", &mut self.bug_decide_after_pause),
            ("bug_drop_at_limit", &mut self.bug_drop_at_limit),
        ]
    }
    pub(crate) fn flip(&mut self, name: &str) {
        let mut found = false;
        for (n, flag) in self.named() {
            if n == name {
                *flag = !*flag;
                found = true;
            }
        }
        assert!(found, "no rule is called {name}");
    }
}
