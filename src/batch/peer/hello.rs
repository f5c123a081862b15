//! The greeting: both sides show that they are of one cluster and know its secret, before anything else is said.
//!
//! `Hello` carries who the caller is and a number of its own that is used once, and is answered in kind. `Prove` then
//! carries an HMAC-SHA-256 under the cluster's secret over both, and is answered by another, so that neither can be
//! replayed on a later connection nor sent back to whoever made it. What follows on the connection is neither encrypted
//! nor authenticated message by message: the network between replicas must keep strangers from writing into connections.

use bytes::Bytes;
use prost::Message as _;
use ring::hmac;

use super::super::replica::Life;
use super::wire::{HelloMessage, LifeMessage, ProofMessage, required};
use super::{Malformed, PROTOCOL_MAJOR, PROTOCOL_MINOR};

/// Most bytes of any message of the greeting.
pub const GREETING_BYTES_MAX: usize = 4_096;

/// A number used once, in bytes.
pub type Nonce = [u8; 32];

/// What `cluster.secret_file` holds; empty without one. Does not show itself.
#[derive(Clone)]
pub struct Secret(hmac::Key);

/// Who is there: the message of `Hello`, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// `cluster.name`.
    pub cluster: String,
    /// Version of the protocol; another one is refused.
    pub protocol_major: u32,
    /// Version of the protocol; told for the log.
    pub protocol_minor: u32,
    /// Whose connection this is.
    pub life: Life,
    /// Drawn for this connection.
    pub nonce: Nonce,
}

/// Whose proof it is: the two are computed differently, so that one side's cannot be sent back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who dialled.
    Caller,
    /// Who was dialled.
    Answerer,
}

/// Why two replicas do not talk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// The names of the clusters differ.
    #[error("cluster.name is {theirs:?} there and {ours:?} here")]
    OtherCluster {
        /// What they say.
        theirs: String,
        /// What we are.
        ours: String,
    },
    /// The protocols cannot understand each other.
    #[error(
        "protocol version {theirs} there and {PROTOCOL_MAJOR} here: upgrade one minor version at a time"
    )]
    OtherProtocol {
        /// Their major version.
        theirs: u32,
    },
    /// The proof is wrong: another secret, or none.
    #[error("the proof of the shared secret is wrong: cluster.secret_file differs")]
    WrongSecret,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Of the file's bytes.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// What `side` shows after `caller` and `answerer` have said hello.
    #[must_use]
    pub fn proof(&self, side: Side, caller: &Hello, answerer: &Hello) -> Bytes {
        let tag = hmac::sign(&self.0, &signed(side, caller, answerer));
        Bytes::copy_from_slice(tag.as_ref())
    }

    /// Compares `proof` with what `side` must show, in time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`Stranger::WrongSecret`].
    pub fn check(
        &self,
        proof: &[u8],
        side: Side,
        caller: &Hello,
        answerer: &Hello,
    ) -> Result<(), Stranger> {
        hmac::verify(&self.0, &signed(side, caller, answerer), proof)
            .map_err(|_| Stranger::WrongSecret)
    }
}

impl Hello {
    /// Of this version.
    #[must_use]
    pub fn new(cluster: &str, life: Life, nonce: Nonce) -> Self {
        Self {
            cluster: cluster.to_owned(),
            protocol_major: PROTOCOL_MAJOR,
            protocol_minor: PROTOCOL_MINOR,
            life,
            nonce,
        }
    }

    /// Whether whoever said this may go on with `ours`.
    ///
    /// # Errors
    /// [`Stranger`], but for the secret.
    pub fn check(&self, ours: &str) -> Result<(), Stranger> {
        if self.protocol_major != PROTOCOL_MAJOR {
            return Err(Stranger::OtherProtocol {
                theirs: self.protocol_major,
            });
        }
        if self.cluster != ours {
            let end = self.cluster.floor_char_boundary(100);
            return Err(Stranger::OtherCluster {
                theirs: self.cluster.get(..end).unwrap_or_default().to_owned(),
                ours: ours.to_owned(),
            });
        }
        Ok(())
    }

    /// The encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        HelloMessage {
            cluster: self.cluster.clone(),
            protocol_major: self.protocol_major,
            protocol_minor: self.protocol_minor,
            life: Some(LifeMessage::from(&self.life)),
            nonce: self.nonce.to_vec(),
        }
        .encode_to_vec()
    }

    /// The inverse of [`Hello::encode`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(encoded: Bytes) -> Result<Self, Malformed> {
        let message =
            HelloMessage::decode(encoded).map_err(|error| Malformed(format!("hello: {error}")))?;
        let nonce = message.nonce.as_slice().try_into();
        Ok(Self {
            nonce: nonce.map_err(|_| Malformed::new("hello: the nonce must have 32 bytes"))?,
            cluster: message.cluster,
            protocol_major: message.protocol_major,
            protocol_minor: message.protocol_minor,
            life: required(message.life, "hello.life")?.read("hello.life")?,
        })
    }
}

/// The message of `Prove`, and its answer.
#[must_use]
pub fn encode_proof(proof: &[u8]) -> Vec<u8> {
    let proof = proof.to_vec();
    ProofMessage { proof }.encode_to_vec()
}

/// The inverse of [`encode_proof`].
///
/// # Errors
/// [`Malformed`].
pub fn decode_proof(encoded: Bytes) -> Result<Vec<u8>, Malformed> {
    let message =
        ProofMessage::decode(encoded).map_err(|error| Malformed(format!("proof: {error}")))?;
    Ok(message.proof)
}

/// What a proof is computed over: each part with its length, so that no two different greetings look alike.
fn signed(side: Side, caller: &Hello, answerer: &Hello) -> Vec<u8> {
    let side: &[u8] = match side {
        Side::Caller => b"tailsieve peer v1 caller",
        Side::Answerer => b"tailsieve peer v1 answerer",
    };
    let mut signed = Vec::with_capacity(512);
    for part in [side, &caller.encode(), &answerer.encode()] {
        signed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        signed.extend_from_slice(part);
    }
    signed
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::batch::replica::{Incarnation, ReplicaId};

    fn hello(replica: &str, nonce: u8) -> Hello {
        let life = Life {
            replica: ReplicaId::new(replica).unwrap(),
            incarnation: Incarnation(3),
        };
        Hello::new("shop", life, [nonce; 32])
    }

    #[test]
    fn a_proof_holds_for_its_side_its_greeting_and_its_secret_alone() {
        let (caller, answerer) = (hello("a", 1), hello("b", 2));
        let secret = Secret::new(b"one");
        let proof = secret.proof(Side::Caller, &caller, &answerer);
        let check = |secret: &Secret, side, answerer| secret.check(&proof, side, &caller, answerer);
        assert_eq!(check(&secret, Side::Caller, &answerer), Ok(()));
        let wrong = Err(Stranger::WrongSecret);
        assert_eq!(check(&secret, Side::Answerer, &answerer), wrong);
        let again = hello("b", 3);
        assert_eq!(check(&secret, Side::Caller, &again), wrong);
        assert_eq!(check(&Secret::new(b"two"), Side::Caller, &answerer), wrong);
    }

    #[test]
    fn another_cluster_and_another_major_version_are_strangers_a_minor_one_is_not() {
        let mut other = hello("a", 1);
        other.protocol_minor += 1;
        assert_eq!(other.check("shop"), Ok(()));
        assert!(matches!(
            other.check("bank"),
            Err(Stranger::OtherCluster { .. })
        ));
        other.protocol_major += 1;
        assert_eq!(
            other.check("shop"),
            Err(Stranger::OtherProtocol { theirs: 2 })
        );
    }

    proptest! {
        #[test]
        fn a_greeting_is_read_as_it_was_written(cluster in ".{0,30}", nonce in any::<u8>()) {
            let mut sent = hello("a", nonce);
            sent.cluster = cluster;
            prop_assert_eq!(Hello::decode(sent.encode().into()).unwrap(), sent);
        }

        #[test]
        fn arbitrary_bytes_are_a_greeting_or_an_error(bytes in vec(any::<u8>(), 0..100)) {
            let _either = Hello::decode(bytes.clone().into());
            let _either = decode_proof(bytes.into());
        }
    }
}
