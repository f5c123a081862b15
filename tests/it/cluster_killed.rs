//! `kill -9` of one of three costs what it held and had acknowledged, and nothing else; its ID comes back to work.

use crate::support::cluster::load::{Books, SpreadLoad};
use crate::support::cluster::page::falls_into;
use crate::support::cluster::{Cluster, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_replica_takes_with_it_what_it_had_acknowledged_and_nothing_else() {
    let plan = Plan {
        more: "dead_after: 4s",
        ..Plan::default()
    };
    let mut cluster = Cluster::found(plan).await;
    let load = SpreadLoad::start(&cluster.directory);
    load.seconds(6).await;
    let page = &cluster.balanced(&[0, 1, 2]).await[0];
    let its_slots = page.slots_of("r1");
    cluster.kill(1).await;
    let after_kill = load.next_era();
    let pages = cluster.balanced(&[0, 2]).await;
    assert!(pages.iter().all(|page| page.slots.unheld == 0));
    cluster.start(1).await;
    let pages = cluster.balanced(&[0, 1, 2]).await;
    let member = pages[0].member("r1").expect("it is back");
    assert!(member.incarnation > page.member("r1").unwrap().incarnation);
    load.seconds(2).await;
    let books = load.stop().await;
    let backend = cluster.end().await;

    let found = books.compare(&backend.requests());
    assert_eq!(found.doubled.len(), 0, "{:?}", found.doubled);
    assert_eq!(found.unexpected.len(), 0, "{:?}", found.unexpected);
    eprintln!(
        "{} spans of {} went with it",
        found.lost.len(),
        books.0.len()
    );
    for (trace, number) in &found.lost {
        let what = format!("span {number} of trace {trace}");
        assert!(falls_into(&its_slots, *trace), "{what} was held elsewhere");
        // The error came last: what was sent after the kill is lost only with an error that was acknowledged before.
        let era = books.0[&(*trace, *number)].era;
        assert!(Books::is_failed(*trace) && era < after_kill, "{what}");
    }
}
