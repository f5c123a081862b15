//! A replica that runs alone: what it publishes nobody reads, and it sees nobody.

use tokio::sync::watch;

use super::{Identity, Membership, Sight};
use crate::router::member::{Digest, Record};

/// Membership of one.
#[derive(Debug)]
pub struct LoneMembership(watch::Sender<Sight>);

impl Default for LoneMembership {
    fn default() -> Self {
        let (sender, _) = watch::channel(Sight::nobody(Identity::Own));
        Self(sender)
    }
}

impl Membership for LoneMembership {
    fn publish_record(&self, _record: Record) {}

    fn publish_digest(&self, _digest: Digest) {}

    fn watch(&self) -> watch::Receiver<Sight> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_nobody_and_its_id_is_its_own() {
        let lone = LoneMembership::default();
        lone.publish_digest(Digest::default());
        let mut watch = lone.watch();
        assert_eq!(*watch.borrow_and_update(), Sight::nobody(Identity::Own));
        assert!(!watch.has_changed().unwrap());
    }
}
