//! What must become of a trace.

use crate::config::decode::{Fields, Place};

const DECISIONS: [(&str, Wanted); 3] = [
    ("sampled", Wanted::Sampled),
    ("not_sampled", Wanted::NotSampled),
    ("dropped", Wanted::Dropped),
];

const VOTES: [(&str, &str); 6] = [
    ("sampled", "sampled"),
    ("not_sampled", "not_sampled"),
    ("dropped", "dropped"),
    ("abstained", "abstained"),
    ("failed", "failed"),
    ("not_asked", "not_asked"),
];

/// What must become of a trace; what is `None` or not in `votes` may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// `decision`.
    pub decision: Option<Wanted>,
    /// `policy`: the top-level policy that decides.
    pub policy: Option<String>,
    /// `votes`: policies, nested ones as `outer/inner`, and `sampled`, `not_sampled`, `dropped`, `failed` or `not_asked`.
    pub votes: Vec<(String, &'static str)>,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// `sampled`.
    Sampled,
    /// `not_sampled`.
    NotSampled,
    /// `dropped`.
    Dropped,
}

impl Wanted {
    /// As files and metrics spell it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::NotSampled => "not_sampled",
            Self::Dropped => "dropped",
        }
    }
}

pub(super) fn expected(fields: &mut Fields<'_>) -> Expected {
    let mut expected = Expected::default();
    let decision = fields.take("decision");
    expected.decision = decision.as_ref().and_then(|place| place.choice(&DECISIONS));
    let policy = fields.take("policy");
    if let Some(place) = &policy {
        expected.policy = place.non_empty_text().map(str::to_owned);
        if expected.decision == Some(Wanted::NotSampled) {
            let problem = "no policy decides that a trace is not_sampled";
            place.error(
                problem,
                "leave it out, or expect a vote: votes: {NAME: not_sampled}",
            );
        }
    }
    let votes = fields.take("votes");
    if let Some(place) = &votes {
        let mut named = place.fields();
        let pairs = named.all().into_iter();
        expected.votes = pairs
            .filter_map(|(name, vote)| Some((name.to_owned(), vote.choice(&VOTES)?)))
            .collect();
    }
    if decision.is_none() && policy.is_none() && votes.is_none() {
        let place: &Place<'_> = fields.place();
        let advice = "add decision: sampled, not_sampled or dropped";
        place.error("nothing is expected of this trace", advice);
    }
    expected
}
