//! One datagram: sealed with a key that only replicas of the cluster have, and addressed to one life of one process.
//!
//! ```text
//!  0  "TS"                  28  session of the addressee; 0 when it is not known yet
//!  2  version of protocol   36  index of this part of its message
//!  3  kind                  37  parts of the message
//!  4  hash of the name      38  payload, 1,162 bytes at most
//! 12  session of the sender  .  HMAC-SHA256 of all before, 32 bytes
//! 20  counter
//! ```
//! All numbers are little-endian. A session is a random number that a process draws at start; the counter grows with
//! every datagram of it. Who is addressed by a session that is not its own answers with a [`Body::Hello`], from which
//! the sender learns the right one. So whatever is taken was made for this very process, and no clock is needed to
//! refuse what somebody recorded earlier.

use ring::{digest, hmac};

/// Version of the protocol: another is refused. Fields of records and digests come and go without touching it.
const VERSION: u8 = 1;
/// Most bytes of a datagram: with IPv6 headers it fits into 1,280, which every link carries in one piece.
pub(super) const DATAGRAM_BYTES_MAX: usize = 1_232;
const HEADER_BYTES: usize = 38;
const TAG_BYTES: usize = 32;
/// Most bytes of a message in one datagram.
pub(super) const PAYLOAD_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - HEADER_BYTES - TAG_BYTES;
const MAGIC: [u8; 2] = *b"TS";
const KIND_PART: u8 = 0;
const KIND_HELLO: u8 = 1;

/// Seals datagrams and opens them.
pub(super) struct Seal {
    key: hmac::Key,
    cluster: u64,
    session: u64,
    counter: u64,
}

/// What a datagram says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Session of the process that sent it.
    pub(super) session: u64,
    /// Its number in that session, from 1.
    pub(super) counter: u64,
    /// Session of the process that it is for; 0 when the sender does not know it.
    pub(super) addressee: u64,
}

/// What a datagram carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// A part of a message; the parts' counters are consecutive.
    Part {
        /// Which.
        index: u8,
        /// Of how many; never 0.
        count: u8,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// The answer to a datagram for another session: the sender's session is the right one.
    Hello {
        /// Counter of the datagram that is answered.
        answered: u64,
    },
}

/// Why a datagram is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Refused {
    /// It is none of ours, or cut off.
    Malformed,
    /// It is of another version of the protocol.
    Version,
    /// It is of a cluster of another name.
    Cluster,
    /// It was sealed under another secret, or changed on the way.
    Secret,
    /// It came before, or is older than what the window remembers.
    Replay,
    /// It is for an earlier process at this address.
    Addressee,
    /// It was sealed rightly, and its message makes no sense.
    Message,
}

impl Seal {
    /// For a process of the cluster called `name`; without a secret, under a key that everybody knows.
    pub(super) fn new(secret: Option<&[u8]>, name: &str, session: u64) -> Self {
        // A key of its own for each use of the secret.
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.unwrap_or_default());
        let derived = hmac::sign(&root, b"tailsieve gossip");
        let name = digest::digest(&digest::SHA256, name.as_bytes());
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
            cluster: u64_at(name.as_ref(), 0).unwrap_or_default(),
            session,
            counter: 0,
        }
    }

    pub(super) fn session(&self) -> u64 {
        self.session
    }

    /// A datagram with the next counter.
    pub(super) fn seal(&mut self, addressee: u64, body: &Body<'_>) -> Vec<u8> {
        self.counter += 1;
        let mut bytes = Vec::with_capacity(DATAGRAM_BYTES_MAX);
        bytes.extend(MAGIC);
        bytes.push(VERSION);
        let (kind, index, count) = match body {
            Body::Part { index, count, .. } => (KIND_PART, *index, *count),
            Body::Hello { .. } => (KIND_HELLO, 0, 1),
        };
        bytes.push(kind);
        for number in [self.cluster, self.session, self.counter, addressee] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([index, count]);
        match body {
            Body::Part { payload, .. } => bytes.extend_from_slice(payload),
            Body::Hello { answered } => bytes.extend(answered.to_le_bytes()),
        }
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        bytes
    }

    /// What is in a datagram that was sealed by a replica of this cluster.
    pub(super) fn open<'a>(&self, datagram: &'a [u8]) -> Result<(Head, Body<'a>), Refused> {
        let [magic @ .., version, kind] = datagram.first_chunk::<4>().ok_or(Refused::Malformed)?;
        if *magic != MAGIC {
            return Err(Refused::Malformed);
        }
        if *version != VERSION {
            return Err(Refused::Version);
        }
        let (sealed, tag) = datagram
            .split_last_chunk::<TAG_BYTES>()
            .ok_or(Refused::Malformed)?;
        let payload = sealed.get(HEADER_BYTES..).ok_or(Refused::Malformed)?;
        let number = |at| u64_at(sealed, at).ok_or(Refused::Malformed);
        if number(4)? != self.cluster {
            return Err(Refused::Cluster);
        }
        hmac::verify(&self.key, sealed, tag).map_err(|_| Refused::Secret)?;
        let head = Head {
            session: number(12)?,
            counter: number(20)?,
            addressee: number(28)?,
        };
        let place = sealed.get(36..).and_then(|rest| rest.first_chunk::<2>());
        let body = match (kind, place) {
            (&KIND_PART, Some([index, count])) if index < count => Body::Part {
                index: *index,
                count: *count,
                payload,
            },
            (&KIND_HELLO, Some(_)) => Body::Hello {
                answered: u64_at(payload, 0).ok_or(Refused::Message)?,
            },
            _ => return Err(Refused::Message),
        };
        Ok((head, body))
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*eight))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: Option<&[u8]> = Some(b"0123456789abcdef");

    fn part(payload: &[u8]) -> Body<'_> {
        Body::Part {
            index: 2,
            count: 5,
            payload,
        }
    }

    #[test]
    fn what_is_sealed_is_opened_by_a_replica_of_the_cluster() {
        let mut sender = Seal::new(SECRET, "blue", 7);
        let receiver = Seal::new(SECRET, "blue", 8);
        let datagram = sender.seal(8, &part(b"abc"));
        let head = Head {
            session: 7,
            counter: 1,
            addressee: 8,
        };
        assert_eq!(receiver.open(&datagram), Ok((head, part(b"abc"))));
        let hello = sender.seal(8, &Body::Hello { answered: 3 });
        let (head, body) = receiver.open(&hello).unwrap();
        assert_eq!((head.counter, body), (2, Body::Hello { answered: 3 }));
        let longest = sender.seal(8, &part(&[0; PAYLOAD_BYTES_MAX]));
        assert_eq!(longest.len(), DATAGRAM_BYTES_MAX);
    }

    #[test]
    fn what_others_sealed_is_refused_by_its_reason() {
        let datagram = Seal::new(SECRET, "blue", 7).seal(0, &part(b"abc"));
        let open = |secret, name| Seal::new(secret, name, 8).open(&datagram).err();
        assert_eq!(open(SECRET, "blue"), None);
        assert_eq!(
            open(Some(b"another secret."), "blue"),
            Some(Refused::Secret)
        );
        assert_eq!(open(None, "blue"), Some(Refused::Secret));
        assert_eq!(open(SECRET, "green"), Some(Refused::Cluster));
        let mut later = datagram.clone();
        later[2] = VERSION + 1;
        let receiver = Seal::new(SECRET, "blue", 8);
        assert_eq!(receiver.open(&later), Err(Refused::Version));
        assert_eq!(receiver.open(b"GET /metrics"), Err(Refused::Malformed));
        assert_eq!(receiver.open(&datagram[..60]), Err(Refused::Malformed));
    }

    proptest! {
        #[test]
        fn no_bit_can_be_changed(at in 0_usize..73, bit in 0_u32..8) {
            let mut datagram = Seal::new(SECRET, "blue", 7).seal(0, &part(b"abc"));
            prop_assert_eq!(datagram.len(), 73);
            datagram[at] ^= 1 << bit;
            prop_assert!(Seal::new(SECRET, "blue", 8).open(&datagram).is_err());
        }

        #[test]
        fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Seal::new(SECRET, "blue", 8).open(&bytes).is_err());
        }
    }
}
