//! Lives that are over: the names of their batches are remembered for a while longer, and then forgotten.
//!
//! A batch of a life that is over may still be on its way, passed on by others or owed by them: forgotten too soon, it would be
//! taken a second time. Ten minutes are far beyond every deadline of forwarding; a debt that waits longer in a hold queue than
//! that, for a destination out of reach, is the one that may be taken twice then.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::batch::replica::Life;
use crate::clock::Moment;

/// How long the names of a life are remembered after its end.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);

/// Lives that are over.
#[derive(Debug, Default)]
pub(super) struct Graves(BTreeMap<Life, Grave>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grave {
    Since(Moment),
    Forgotten,
}

impl Graves {
    /// Takes the lives that are known to be over at `now`; gives those whose names are to be forgotten, each once.
    pub(super) fn forgotten(&mut self, over: impl Iterator<Item = Life>, now: Moment) -> Vec<Life> {
        let mut before = std::mem::take(&mut self.0);
        for life in over {
            let grave = before.remove(&life).unwrap_or(Grave::Since(now));
            self.0.insert(life, grave);
        }
        // Membership may forget a life sooner than its names are.
        before.retain(|_, grave| *grave != Grave::Forgotten);
        self.0.append(&mut before);
        let is_due =
            |grave: Grave| matches!(grave, Grave::Since(end) if now.since(end) >= REMEMBERED_FOR);
        let due = self.0.iter_mut().filter(|(_, grave)| is_due(**grave));
        due.map(|(life, grave)| {
            *grave = Grave::Forgotten;
            life.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::replica::{Incarnation, ReplicaId};

    #[test]
    fn a_life_is_forgotten_once_ten_minutes_after_its_end_whether_membership_remembers_it_or_not() {
        let [long, short] = ["long", "short"].map(|replica| Life {
            replica: ReplicaId::new(replica).unwrap(),
            incarnation: Incarnation(1),
        });
        let both = || [long.clone(), short.clone()].into_iter();
        let one = || [long.clone()].into_iter();
        let minute = |number| Moment::default().after(Duration::from_mins(number));
        let mut graves = Graves::default();
        assert!(graves.forgotten(both(), minute(1)).is_empty());
        assert!(graves.forgotten(one(), minute(10)).is_empty());
        assert_eq!(graves.forgotten(one(), minute(11)), [long.clone(), short]);
        assert!(graves.forgotten(one(), minute(60)).is_empty());
        assert!(graves.forgotten(std::iter::empty(), minute(61)).is_empty());
        assert!(graves.0.is_empty());
        assert!(graves.forgotten(one(), minute(62)).is_empty());
        assert_eq!(graves.forgotten(one(), minute(72)), [long]);
    }
}
