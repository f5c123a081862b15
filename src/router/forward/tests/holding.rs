//! Destinations that are suspect, gone or unknown, and the hold queue.

use super::*;

#[tokio::test]
async fn what_a_suspect_is_owed_is_held_and_delivered_when_it_is_back() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    sender.suspects(&replica);
    let parts = [part(0, 5), part(5, 5)];
    for part in &parts {
        let outcome = sender.send(&replica, part).settled().await;
        assert_eq!(outcome, Outcome::Held);
    }
    assert!(sender.hold.used_bytes() > 0);
    assert!(!sender.forwarder.is_idle());
    assert_eq!(replica.recorder.frames(), []);
    sender.knows(&replica);
    replica.recorder.arrived(1).await;
    assert_eq!(replica.recorder.spans(), spans_in(&parts));
}

#[tokio::test]
async fn what_is_in_flight_to_one_who_becomes_suspect_is_held_and_owed() {
    let replica = Replica::start(life("b", 1)).await;
    replica.recorder.script([Script::Silence]);
    let sender = Sender::new();
    sender.knows(&replica);
    let sent = sender.send(&replica, &part(0, 5));
    replica.recorder.arrived(1).await;
    sender.suspects(&replica);
    assert_eq!(sent.settled().await, Outcome::Held);
    assert_eq!(sender.memory.used_bytes(), 0);
}

#[tokio::test]
async fn a_replica_that_cannot_be_connected_to_is_held_for_like_a_suspect() {
    let gone = Replica::start(life("b", 1)).await;
    assert!(gone.port.finished(Duration::from_secs(10)).await);
    let sender = Sender::with(|config| config.unreachable_after = Duration::from_millis(50));
    sender
        .forwarder
        .set_destination(&gone.life, gone.address, false);
    let replica = gone.life.replica.clone();
    let sent = sender
        .forwarder
        .forward(&replica, &part(0, 5), &sender.route);
    assert_eq!(sent.settled().await, Outcome::Held);
}

#[tokio::test]
async fn a_full_hold_queue_refuses_and_what_has_another_destination_goes_on() {
    let (lost, well) = (
        Replica::start(life("b", 1)).await,
        Replica::start(life("c", 1)).await,
    );
    let sender = Sender::with_hold(1_500, |_| {});
    sender.suspects(&lost);
    sender.knows(&well);
    let small = part(0, 10);
    let first = sender.send(&lost, &small).settled().await;
    assert_eq!(first, Outcome::Held);
    let second = sender.send(&lost, &small).settled().await;
    assert_eq!(second, Outcome::Failed(ForwardFailure::Overloaded));
    let other = sender.send(&well, &small).settled().await;
    assert_eq!(other, Outcome::Acked);
    let text = sender.registry.render();
    assert!(text.contains(r#"spans_forward_failed_total{reason="overloaded"} 10"#));
}

#[tokio::test]
async fn a_destination_that_dies_in_mid_stream_does_not_stall_another() {
    let (dying, well) = (
        Replica::start(life("b", 1)).await,
        Replica::start(life("c", 1)).await,
    );
    dying.recorder.script([Script::Silence]);
    let sender = Sender::with(|config| config.unreachable_after = Duration::from_millis(50));
    sender.knows(&dying);
    sender.knows(&well);
    let lost = sender.send(&dying, &part(0, 5));
    dying.recorder.arrived(1).await;
    let life = dying.life.clone();
    assert!(!dying.port.finished(Duration::ZERO).await);
    let parts: Vec<_> = (1..20).map(|number| part(number * 5, 5)).collect();
    for part in &parts {
        let outcome = sender.send(&well, part).settled().await;
        assert_eq!(outcome, Outcome::Acked);
    }
    assert_eq!(well.recorder.spans(), spans_in(&parts));
    assert_eq!(lost.settled().await, Outcome::Held);
    // Its death is agreed, and the other one is the owner now.
    sender.reroutes_to(Whither::There(well.life.replica.clone()));
    let frames = well.recorder.frames().len();
    well.recorder.arrived(u32::try_from(frames).unwrap()).await;
    sender.forwarder.remove_destination(&life.replica);
    well.recorder.arrived(1).await;
    let delivered = well.recorder.frames().pop().unwrap();
    // After those of nobody and of what is owed.
    assert_eq!(delivered.header.name.stream, 2);
    assert_eq!(delivered.header.low_water, 1);
    assert_eq!(well.recorder.spans().len(), 100);
}

#[tokio::test]
async fn spans_of_a_slot_without_a_holder_wait_for_the_table_to_change() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    sender.knows(&replica);
    sender.reroutes_to(Whither::Nobody);
    let held = part(0, 5);
    let outcome = sender.forwarder.hold(&held, &sender.route).settled().await;
    assert_eq!(outcome, Outcome::Held);
    sender.forwarder.table_changed();
    sender.reroutes_to(Whither::There(replica.life.replica.clone()));
    sender.forwarder.table_changed();
    replica.recorder.arrived(1).await;
    assert_eq!(replica.recorder.spans(), spans_in(&[held]));
}

#[tokio::test]
async fn spans_that_come_by_a_table_that_has_just_changed_do_not_wait_for_the_next_change() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    sender.knows(&replica);
    sender.reroutes_to(Whither::There(replica.life.replica.clone()));
    // By the table of a moment ago nobody holds their slot.
    let late = part(0, 5);
    let outcome = sender.forwarder.hold(&late, &sender.route).settled().await;
    assert_eq!(outcome, Outcome::Held);
    replica.recorder.arrived(1).await;
    assert_eq!(replica.recorder.spans(), spans_in(&[late]));
}

#[tokio::test]
async fn what_is_passed_on_for_another_is_never_held() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    sender.suspects(&replica);
    let received = ReceivedName {
        name: BatchName {
            sender: life("z", 1),
            stream: 0,
            sequence: 1,
        },
        low_water: 1,
    };
    let route = Route {
        received: Some(received),
        ..sender.route.clone()
    };
    let passed = sender
        .forwarder
        .forward(&replica.life.replica, &part(0, 5), &route);
    let outcome = passed.settled().await;
    assert_eq!(outcome, Outcome::Failed(ForwardFailure::Unreachable));
    assert_eq!(sender.hold.used_bytes(), 0);
}
