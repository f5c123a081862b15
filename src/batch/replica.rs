//! Who a replica is, and which of its lives is meant.

use std::fmt;
use std::sync::Arc;

/// `cluster.replica_id`: 1 to 63 bytes, the letters of a host name. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaId(Arc<str>);

/// Counts the lives of one replica ID; every start and every return from a false death takes a greater one. A greater
/// one proves that the lower ones have ended (rule 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Incarnation(pub u64);

/// One life of one replica: what orders, names and marks are addressed by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Life {
    /// Whose.
    pub replica: ReplicaId,
    /// Which.
    pub incarnation: Incarnation,
}

/// Names a batch between replicas: a retry bears the name of the first attempt (rule 5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchName {
    /// Who made it.
    pub sender: Life,
    /// One of the sender's streams, each with a sequence of its own.
    pub stream: u32,
    /// Its place in the stream, from 1.
    pub sequence: u64,
}

/// Names a move of a slot: whoever gives it, and a number that the giver uses once in a life.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MoveId {
    /// The holder that gives.
    pub giver: Life,
    /// Of the giver's moves, from 1.
    pub number: u64,
}

impl ReplicaId {
    /// Most bytes of an ID.
    pub const BYTES_MAX: usize = 63;

    /// Checks and takes an ID.
    ///
    /// # Errors
    /// A sentence that says what is wrong: empty, too long, or other letters than `a-z A-Z 0-9 . _ -`.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(format!(
                "a replica ID has 1 to {} letters, not {}",
                Self::BYTES_MAX,
                text.len()
            ));
        }
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        match text.chars().find(|letter| !is_allowed(*letter)) {
            Some(letter) => Err(format!(
                "{letter:?} cannot stand in a replica ID; letters, digits, '.', '_' and '-' can"
            )),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.replica, self.incarnation)
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.sender, self.stream, self.sequence)
    }
}

impl fmt::Display for MoveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.giver, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_what_a_host_may_be_called() {
        assert_eq!(
            ReplicaId::new("tailsieve-0").unwrap().as_str(),
            "tailsieve-0"
        );
        assert!(ReplicaId::new("").unwrap_err().contains("1 to 63"));
        assert!(ReplicaId::new(&"a".repeat(64)).unwrap_err().contains("64"));
        assert!(ReplicaId::new("a b").unwrap_err().contains("' '"));
    }
}
