//! Messages in several datagrams: cut to fit, and put together again whatever the order of arrival.
//!
//! A part that is lost loses its message, as a lost datagram does; gossip says it again half a second later.

use std::collections::VecDeque;

use super::datagram::PAYLOAD_BYTES_MAX;

/// Most parts of a message: 74 KB, more than the library puts into one.
const PARTS_MAX: usize = 64;
/// Most messages of which a part is missing; the oldest is given up. At most 4.8 MB, of senders that have the secret.
const PARTIAL_MAX: usize = 64;

/// Messages of which a part is missing.
#[derive(Debug, Default)]
pub(super) struct Assembly(VecDeque<Partial>);

#[derive(Debug)]
struct Partial {
    session: u64,
    first_counter: u64,
    parts: Vec<Option<Vec<u8>>>,
}

/// The parts of a message; `None` if it is too long.
pub(super) fn cut(message: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> = message.chunks(PAYLOAD_BYTES_MAX).collect();
    (parts.len() <= PARTS_MAX).then_some(parts)
}

impl Assembly {
    /// Takes part `index` of `count` of the message whose first part has `first_counter` in its sender's session. The
    /// message, when that was the last one.
    pub(super) fn add(
        &mut self,
        (session, first_counter): (u64, u64),
        (index, count): (u8, u8),
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        let (index, count) = (usize::from(index), usize::from(count));
        if count == 1 {
            return Some(payload.to_vec());
        }
        if count > PARTS_MAX {
            return None;
        }
        let is_this = |partial: &Partial| {
            (partial.session, partial.first_counter) == (session, first_counter)
        };
        let at = match self.0.iter().position(is_this) {
            Some(at) => at,
            None => self.begin(session, first_counter, count),
        };
        let partial = self.0.get_mut(at)?;
        *partial.parts.get_mut(index)? = Some(payload.to_vec());
        if partial.parts.iter().any(Option::is_none) {
            return None;
        }
        let complete = self.0.remove(at)?;
        Some(complete.parts.into_iter().flatten().flatten().collect())
    }

    /// The place of a new message.
    fn begin(&mut self, session: u64, first_counter: u64, count: usize) -> usize {
        if self.0.len() == PARTIAL_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Partial {
            session,
            first_counter,
            parts: vec![None; count],
        });
        self.0.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn add(assembly: &mut Assembly, first: u64, index: usize, parts: &[&[u8]]) -> Option<Vec<u8>> {
        let place = (index as u8, parts.len() as u8);
        assembly.add((1, first), place, parts[index])
    }

    proptest! {
        #[test]
        fn a_message_comes_together_in_any_order(
            length in 1_usize..10_000,
            order in Just((0..64).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let message: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let parts = cut(&message).unwrap();
            let mut assembly = Assembly::default();
            let order = order.into_iter().filter(|index| *index < parts.len());
            let whole: Vec<_> = order.filter_map(|index| add(&mut assembly, 9, index, &parts)).collect();
            prop_assert_eq!(whole, vec![message]);
            prop_assert!(assembly.0.is_empty());
        }
    }

    #[test]
    fn a_message_too_long_is_not_cut_and_none_is_awaited() {
        assert!(cut(&vec![0; 65_507]).is_some());
        assert!(cut(&vec![0; PARTS_MAX * PAYLOAD_BYTES_MAX + 1]).is_none());
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add((1, 1), (0, 65), b"a"), None);
        assert!(assembly.0.is_empty());
    }

    #[test]
    fn the_oldest_of_too_many_messages_is_given_up() {
        let mut assembly = Assembly::default();
        for first in 0..=PARTIAL_MAX as u64 {
            assert_eq!(add(&mut assembly, first, 0, &[b"a", b"b"]), None);
        }
        assert_eq!(assembly.0.len(), PARTIAL_MAX);
        assert_eq!(add(&mut assembly, 0, 1, &[b"a", b"b"]), None);
        let whole = add(&mut assembly, 2, 1, &[b"a", b"b"]);
        assert_eq!(whole.unwrap(), b"ab");
    }
}
