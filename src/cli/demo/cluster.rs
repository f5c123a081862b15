//! The demo with several replicas: in mid-run one is stopped in order, one is added, one is killed.
//!
//! Each event waits until every replica sees all slots in the right hands again. What the killed one may take with it is
//! told beforehand: the traces of its slots, by the table of the members at that moment, that were under way then.

mod addresses;
mod cast;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};

use self::cast::{Cast, Goal};
use super::{DemoArgs, Signals};
use crate::batch::key::KeyHash;
use crate::batch::replica::ReplicaId;
use crate::batch::slot_set::SlotSet;
use crate::clock::Clock;
use crate::otlp::ids::TraceId;
use crate::router::ownership::Ownership;
use crate::tools::cluster::ClusterPage;
use crate::tools::generate::ledger::Entry as Sent;

/// `decision_wait` of the replicas, and how far a trace's requests are apart: traces are to be under way when something
/// happens.
const WAIT: Duration = Duration::from_secs(5);
const SPREAD: Duration = Duration::from_secs(3);

/// Between two events.
const CALM: Duration = Duration::from_secs(2);

/// From the end of the load until its last traces are decided and with the sink.
const TAIL: Duration = Duration::from_secs(8);

/// How long it may take until all is in the right hands again, or a replica has left.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// From a trace's start to when it is with the sink, at most: the longest trace, the wait, the export.
const UNDER_WAY: Duration = Duration::from_secs(11);

/// What may be lost with the replica that was killed.
pub(super) struct Loss {
    slots: SlotSet,
    /// When traces began that were under way, in nanoseconds since the Unix epoch.
    begun_unix_ns: std::ops::RangeInclusive<u64>,
}

/// Runs the demo with `args.replicas` replicas; `None` when it was interrupted before one was killed.
pub(super) async fn run(
    args: &DemoArgs,
    folder: &Path,
    signals: &Signals,
) -> anyhow::Result<Option<Loss>> {
    let clock = Clock::system();
    let mut cast = Cast::assemble(args, folder, &clock, signals)?;
    cast.start_all().await?;
    let loss = play(&mut cast, args, &clock).await;
    if loss.is_ok() {
        cast.end().await?;
    }
    loss
}

/// What happens; ends early when the user wants an end.
async fn play(cast: &mut Cast<'_>, args: &DemoArgs, clock: &Clock) -> anyhow::Result<Option<Loss>> {
    let end = clock.now().after(args.run_for().saturating_sub(TAIL));
    if !cast.pass_until(Goal::Balanced, SETTLED_WITHIN).await? {
        return Ok(None);
    }
    cast.start_load()?;
    let (stopped, added, killed) = (args.replicas, args.replicas + 1, args.replicas.min(2));
    if !cast.pass(CALM).await? {
        return Ok(None);
    }
    cast.stop(stopped)?;
    if !cast.pass_until(Goal::Gone(stopped), SETTLED_WITHIN).await? || !settle(cast).await? {
        return Ok(None);
    }
    cast.add(added).await?;
    if !settle(cast).await? {
        return Ok(None);
    }
    let loss = kill(cast, killed, clock).await?;
    if settle(cast).await? {
        cast.pass(end.since(clock.now())).await?;
    }
    cast.end_load()?;
    cast.pass_until(Goal::LoadEnded, SETTLED_WITHIN).await?;
    cast.pass(TAIL).await?;
    Ok(Some(loss))
}

/// Waits until everything is in the right hands, and a little longer.
async fn settle(cast: &mut Cast<'_>) -> anyhow::Result<bool> {
    Ok(cast.pass_until(Goal::Balanced, SETTLED_WITHIN).await? && cast.pass(CALM).await?)
}

async fn kill(cast: &mut Cast<'_>, number: u16, clock: &Clock) -> anyhow::Result<Loss> {
    let page = cast.page(number).context("the replica tells nothing")?;
    let slots = slots_of(&page)?;
    cast.kill(number).await?;
    let now_ns = clock.unix_ns();
    let under_way_ns = u64::try_from(UNDER_WAY.as_nanos()).unwrap_or(u64::MAX);
    Ok(Loss {
        slots,
        begun_unix_ns: now_ns.saturating_sub(under_way_ns)..=now_ns,
    })
}

/// The slots that the table gives to the replica that told `page`.
fn slots_of(page: &ClusterPage) -> anyhow::Result<SlotSet> {
    let mut members = Vec::new();
    for member in page.active() {
        members.push((replica_id(&member.id)?, member.weight));
    }
    let table = Ownership::new(members);
    ensure!(
        format!("{:016x}", table.hash()) == page.slots.table,
        "{} has another table than its members make",
        page.replica
    );
    Ok(table.owned_by(&replica_id(&page.replica)?))
}

fn replica_id(text: &str) -> anyhow::Result<ReplicaId> {
    ReplicaId::new(text).map_err(anyhow::Error::msg)
}

impl Loss {
    /// Whether the killed replica may have held this trace.
    pub(super) fn covers(&self, sent: &Sent) -> bool {
        let slot = |id: TraceId| KeyHash::of(id, None).slot();
        let was_its = sent
            .trace_id
            .parse()
            .is_ok_and(|id| self.slots.contains(slot(id)));
        was_its && self.begun_unix_ns.contains(&sent.start_unix_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::cluster::Member;

    fn page(table: &str) -> ClusterPage {
        let member = |id: &str| Member {
            id: id.to_owned(),
            state: "active".to_owned(),
            weight: 1,
            ..Member::default()
        };
        let mut page = ClusterPage {
            replica: "r2".to_owned(),
            members: vec![member("r1"), member("r2")],
            ..ClusterPage::default()
        };
        page.slots.table = table.to_owned();
        page
    }

    #[test]
    fn lost_may_be_what_was_under_way_in_the_killed_replicas_slots_and_nothing_else() {
        let members = ["r1", "r2"].map(|id| (replica_id(id).unwrap(), 1));
        let table = Ownership::new(members);
        let slots = slots_of(&page(&format!("{:016x}", table.hash()))).unwrap();
        let loss = Loss {
            slots,
            begun_unix_ns: 100..=200,
        };
        let sent = |id: TraceId, start_unix_ns| Sent {
            trace_id: id.to_string(),
            spans_sent: 1,
            spans_acknowledged: 1,
            spans_in_doubt: 0,
            error: false,
            slow: false,
            latency_ms: 0,
            start_unix_ns,
        };
        let r2 = replica_id("r2").unwrap();
        for number in 1..=100_u128 {
            let id = TraceId(number.to_be_bytes());
            let is_its = table.owner(KeyHash::of(id, None).slot()) == Some(&r2);
            assert_eq!(loss.covers(&sent(id, 150)), is_its);
            assert!(!loss.covers(&sent(id, 99)) && !loss.covers(&sent(id, 201)));
        }
    }

    #[test]
    fn a_table_of_other_members_is_an_error() {
        assert!(slots_of(&page("0000000000000000")).is_err());
    }
}
