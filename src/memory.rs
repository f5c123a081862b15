//! The byte budget of the whole process (contract I4): what is charged is what is held.
//!
//! A [`Charge`] is a share of a [`Budget`] that returns when it is dropped. Clients' bytes are reserved, which fails
//! when the limit is reached; what is already accepted is charged, which never fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A limit in bytes and what of it is in use. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    limit_bytes: u64,
    used_bytes: Arc<AtomicU64>,
    /// What this is a share of: its bytes are in use there too.
    whole: Option<Arc<Budget>>,
}

/// Bytes in use of a budget, given back on drop.
#[derive(Debug)]
pub struct Charge {
    budget: Budget,
    bytes: u64,
}

/// The budget had no room for this many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for {wanted_bytes} bytes: {used_bytes} of {limit_bytes} are in use")]
pub struct Exhausted {
    /// What was asked for.
    pub wanted_bytes: u64,
    /// What was in use at that moment.
    pub used_bytes: u64,
    /// The budget's limit.
    pub limit_bytes: u64,
}

impl Budget {
    /// A budget of `limit_bytes`, none of it in use.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            used_bytes: Arc::default(),
            whole: None,
        }
    }

    /// The same budget with a lower limit: who takes of it by this leaves the rest to others.
    #[must_use]
    pub fn capped(&self, limit_bytes: u64) -> Self {
        Self {
            limit_bytes: limit_bytes.min(self.limit_bytes),
            ..self.clone()
        }
    }

    /// A budget of `limit_bytes` whose bytes are in use of this one too.
    #[must_use]
    pub fn share(&self, limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            used_bytes: Arc::default(),
            whole: Some(Arc::new(self.clone())),
        }
    }

    /// The limit.
    #[must_use]
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// What is in use; above the limit only by what was charged unconditionally.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Takes `bytes` if they fit below the limit.
    ///
    /// # Errors
    /// [`Exhausted`] when they do not; nothing is taken then.
    pub fn reserve(&self, bytes: u64) -> Result<Charge, Exhausted> {
        let mut charge = self.charge(0);
        charge.grow(bytes)?;
        Ok(charge)
    }

    /// Takes `bytes` whether or not they fit: for what has been accepted already.
    #[must_use]
    pub fn charge(&self, bytes: u64) -> Charge {
        self.add(bytes);
        Charge {
            budget: self.clone(),
            bytes,
        }
    }

    fn try_add(&self, bytes: u64) -> Result<(), Exhausted> {
        let limit_bytes = self.limit_bytes;
        self.used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= limit_bytes)
            })
            .map_err(|used_bytes| Exhausted {
                wanted_bytes: bytes,
                used_bytes,
                limit_bytes,
            })?;
        let Some(whole) = &self.whole else {
            return Ok(());
        };
        whole.try_add(bytes).inspect_err(|_| {
            self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        })
    }

    fn add(&self, bytes: u64) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.add(bytes);
        }
    }

    fn subtract(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.subtract(bytes);
        }
    }
}

impl Charge {
    /// What this charge holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The budget that this is a share of.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Takes over all that `other`, a share of the same budget, holds.
    pub fn absorb(&mut self, other: &mut Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Cuts a share of `bytes` off this one; what this one lacks is taken of the budget, whether or not it fits.
    #[must_use]
    pub fn split_off(&mut self, bytes: u64) -> Self {
        let own = bytes.min(self.bytes);
        self.bytes -= own;
        let mut part = Self {
            budget: self.budget.clone(),
            bytes: own,
        };
        part.set(bytes);
        part
    }

    /// Takes `bytes` more if they fit below the limit.
    ///
    /// # Errors
    /// [`Exhausted`] when they do not; the charge stays as it was.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.budget.try_add(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Takes `bytes` of the same budget, as a charge of their own, if they fit below the limit.
    ///
    /// # Errors
    /// [`Exhausted`] when they do not; nothing is taken then.
    pub fn reserve_beside(&self, bytes: u64) -> Result<Self, Exhausted> {
        self.budget.reserve(bytes)
    }

    /// Sets what this charge holds, up or down, whether or not it fits.
    pub fn set(&mut self, bytes: u64) {
        if bytes >= self.bytes {
            self.budget.add(bytes - self.bytes);
        } else {
            self.budget.subtract(self.bytes - bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_beyond_the_limit_takes_nothing() {
        let budget = Budget::new(10);
        let mut first = budget.reserve(8).unwrap();
        assert_eq!(budget.reserve(3).unwrap_err().used_bytes, 8);
        assert!(first.grow(3).is_err());
        assert!(first.grow(2).is_ok());
        assert_eq!(budget.used_bytes(), 10);
        drop(first);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn who_takes_by_a_lower_limit_leaves_the_rest_to_others() {
        let budget = Budget::new(10);
        let capped = budget.capped(7);
        let first = capped.reserve(7).unwrap();
        assert!(capped.reserve(1).is_err());
        let rest = budget.reserve(3).unwrap();
        assert_eq!((capped.used_bytes(), capped.limit_bytes()), (10, 7));
        drop((first, rest));
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn what_a_share_holds_is_in_use_of_the_whole() {
        let whole = Budget::new(10);
        let share = whole.share(6);
        let others = whole.reserve(5).unwrap();
        let mut held = share.reserve(5).unwrap();
        assert!(share.reserve(2).is_err() && share.reserve(1).is_err());
        assert_eq!((share.used_bytes(), whole.used_bytes()), (5, 10));
        held.set(1);
        drop(others);
        assert_eq!((share.used_bytes(), whole.used_bytes()), (1, 1));
        assert!(share.reserve(6).is_err() && share.reserve(5).is_ok());
        drop(held);
        assert_eq!((share.used_bytes(), whole.used_bytes()), (0, 0));
    }

    #[test]
    fn accepted_bytes_are_charged_even_beyond_the_limit() {
        let budget = Budget::new(10);
        let mut charge = budget.charge(25);
        assert!(budget.reserve(1).is_err());
        charge.set(5);
        assert_eq!(budget.used_bytes(), 5);
    }

    #[test]
    fn a_share_cut_off_takes_of_the_budget_only_what_is_missing() {
        let budget = Budget::new(10);
        let mut whole = budget.charge(5);
        let first = whole.split_off(3);
        assert_eq!((whole.bytes(), budget.used_bytes()), (2, 5));
        let second = whole.split_off(3);
        assert_eq!((whole.bytes(), budget.used_bytes()), (0, 6));
        drop((first, second));
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn a_charge_absorbed_is_given_back_once() {
        let budget = Budget::new(10);
        let mut first = budget.charge(3);
        let mut second = budget.charge(4);
        first.absorb(&mut second);
        drop(second);
        assert_eq!((first.bytes(), budget.used_bytes()), (7, 7));
        drop(first);
        assert_eq!(budget.used_bytes(), 0);
    }
}
