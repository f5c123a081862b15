//! Both ends of the peer port over loopback.

mod holding;
mod support;

use std::time::Duration;

use support::{Replica, Script, Sender, life, part, spans_in};

use super::*;
use crate::batch::key::KeyHash;
use crate::batch::peer::answer::FrameAnswer;
use crate::batch::peer::frame::FrameKind;
use crate::batch::peer::hello::Secret;
use crate::otlp::ids::TraceId;

#[tokio::test]
async fn what_is_acked_has_arrived_exactly_as_it_was_sent() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::with(|config| config.frame_bytes = 2_000);
    sender.knows(&replica);
    let parts: Vec<_> = (0..50).map(|number| part(number * 20, 20)).collect();
    let pending: Vec<_> = parts
        .iter()
        .map(|part| sender.send(&replica, part))
        .collect();
    for pending in pending {
        assert_eq!(pending.settled().await, Outcome::Acked);
    }
    assert_eq!(replica.recorder.spans(), spans_in(&parts));
    let frames = replica.recorder.frames();
    let mut names: Vec<_> = frames
        .iter()
        .map(|frame| frame.header.name.clone())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), frames.len());
    for frame in &frames {
        assert!(frame.payload.len() <= 2_000);
        assert_eq!(frame.header.path, [life("a", 1)]);
        assert_eq!(frame.header.addressee, replica.life);
        assert!(frame.header.low_water <= frame.header.name.sequence);
    }
    assert!(sender.forwarder.is_idle());
    assert_eq!(sender.memory.used_bytes(), 0);
    let text = sender.registry.render();
    assert!(text.contains("tailsieve_cluster_spans_forwarded_total 1000"));
    drop(frames);
    assert_eq!(replica.budget.used_bytes(), 0);
}

#[tokio::test]
async fn a_new_life_greets_anew() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    sender.knows(&replica);
    let order = || sender.forwarder.order(&replica.life.replica, Bytes::new());
    while order().await.is_err() {
        tokio::task::yield_now().await;
    }
    sender.forwarder.set_life(life("a", 2));
    let is_of_new_life = || {
        let orders = replica.recorder.orders();
        orders.iter().any(|(from, _)| *from == life("a", 2))
    };
    while !is_of_new_life() {
        let _ = order().await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn parts_of_many_requests_share_a_frame_while_another_is_in_flight() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    let parts: Vec<_> = (0..100).map(|number| part(number, 1)).collect();
    sender.knows(&replica);
    // Nothing is connected yet: all of them gather.
    let pending: Vec<_> = parts
        .iter()
        .map(|part| sender.send(&replica, part))
        .collect();
    for pending in pending {
        assert_eq!(pending.settled().await, Outcome::Acked);
    }
    assert_eq!(replica.recorder.frames().len(), 1);
    assert_eq!(replica.recorder.spans(), spans_in(&parts));
}

#[tokio::test]
async fn what_waits_is_charged_about_as_it_is_over_many_frames() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::with(|config| config.frame_bytes = 2_000);
    sender.knows(&replica);
    let parts: Vec<_> = (0..200).map(|number| part(number * 20, 20)).collect();
    let pending: Vec<_> = parts
        .iter()
        .map(|part| sender.send(&replica, part))
        .collect();
    let encoded: usize = parts.iter().map(|part| part.request.body.len()).sum();
    let frames = 1 + encoded / 1_800;
    assert!(sender.memory.used_bytes() <= (encoded + frames * 512) as u64);
    for pending in pending {
        assert_eq!(pending.settled().await, Outcome::Acked);
    }
    assert_eq!(sender.memory.used_bytes(), 0);
}

#[tokio::test]
async fn a_frame_whose_answer_is_lost_is_sent_again_with_the_same_name_and_bytes() {
    let replica = Replica::start(life("b", 1)).await;
    replica.recorder.script([Script::Silence, Script::Silence]);
    let sender = Sender::with(|config| {
        config.answer_timeout = Duration::from_millis(50);
        config.is_compressed = true;
    });
    sender.knows(&replica);
    let sent = sender.send(&replica, &part(0, 3));
    assert_eq!(sent.settled().await, Outcome::Acked);
    let frames = replica.recorder.frames();
    let [first, second, third] = frames.as_slice() else {
        panic!("{} frames", frames.len());
    };
    assert_eq!(first, second);
    assert_eq!(first, third);
    // A copy may still be on its way: the name is not to be forgotten yet.
    let later = sender.send(&replica, &part(9, 1));
    assert_eq!(later.settled().await, Outcome::Acked);
    let last = replica.recorder.frames().pop().unwrap().header;
    assert_eq!((last.name.sequence, last.low_water), (2, 1));
}

#[tokio::test]
async fn an_overloaded_replica_gets_the_same_frame_again() {
    let replica = Replica::start(life("b", 1)).await;
    let retry_after = Duration::from_millis(5);
    replica
        .recorder
        .answer(FrameAnswer::Overloaded { retry_after });
    let sender = Sender::new();
    sender.knows(&replica);
    let sent = sender.send(&replica, &part(0, 3));
    assert_eq!(sent.settled().await, Outcome::Acked);
    let frames = replica.recorder.frames();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0], frames[1]);
}

#[tokio::test]
async fn what_nobody_takes_in_time_is_given_up() {
    let replica = Replica::start(life("b", 1)).await;
    let retry_after = Duration::from_secs(60);
    replica
        .recorder
        .answer(FrameAnswer::Overloaded { retry_after });
    let sender = Sender::with(|config| config.deadline = Duration::from_millis(100));
    sender.knows(&replica);
    let outcome = sender.send(&replica, &part(0, 3)).settled().await;
    assert_eq!(outcome, Outcome::Failed(ForwardFailure::TimedOut));
    assert_eq!(sender.memory.used_bytes(), 0);
    assert!(sender.forwarder.is_idle());
}

#[tokio::test]
async fn without_room_for_a_destination_its_callers_are_told_and_others_are_not() {
    let (slow, quick) = (
        Replica::start(life("b", 1)).await,
        Replica::start(life("c", 1)).await,
    );
    slow.recorder.script([Script::Silence, Script::Silence]);
    let sender = Sender::with(|config| config.destination_bytes_max = 4_000);
    sender.knows(&slow);
    sender.knows(&quick);
    let large = part(0, 50);
    let first = sender.send(&slow, &large);
    slow.recorder.arrived(1).await;
    let second = sender.send(&slow, &large).settled().await;
    assert_eq!(second, Outcome::Failed(ForwardFailure::Overloaded));
    let other = sender.send(&quick, &large).settled().await;
    assert_eq!(other, Outcome::Acked);
    drop(first);
}

#[tokio::test]
async fn slots_that_are_refused_go_where_the_present_table_says_under_the_same_name() {
    let (old, new) = (
        Replica::start(life("b", 1)).await,
        Replica::start(life("c", 1)).await,
    );
    let sender = Sender::new();
    sender.knows(&old);
    sender.knows(&new);
    sender.reroutes_to(Whither::There(new.life.replica.clone()));
    let refused = TraceId(2_u128.to_be_bytes());
    let slot = KeyHash::of(refused, None).slot();
    let slots = Box::new([slot].into_iter().collect());
    old.recorder.answer(FrameAnswer::PartlyRefused(slots));
    let sent = sender.send(&old, &part(0, 4));
    assert_eq!(sent.settled().await, Outcome::Acked);
    let moved = new.recorder.spans();
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].trace_id, refused.0);
    let (before, after) = (old.recorder.frames(), new.recorder.frames());
    assert_eq!(before[0].header.name, after[0].header.name);
    assert_eq!(sender.memory.used_bytes(), 0);
}

#[tokio::test]
async fn a_frame_for_another_life_is_not_handed_over_and_is_split_anew() {
    let (old, new) = (
        Replica::start(life("b", 2)).await,
        Replica::start(life("c", 1)).await,
    );
    let sender = Sender::new();
    sender
        .forwarder
        .set_destination(&life("b", 1), old.address, false);
    sender.knows(&new);
    sender.reroutes_to(Whither::There(new.life.replica.clone()));
    let sent = sender.send(&old, &part(0, 4));
    assert_eq!(sent.settled().await, Outcome::Acked);
    assert_eq!(old.recorder.frames(), []);
    assert_eq!(new.recorder.spans().len(), 4);
    let text = old.registry.render();
    assert!(text.contains(r#"frames_refused_total{reason="not_me"} 1"#));
}

#[tokio::test]
async fn a_part_that_is_passed_on_keeps_its_name_and_its_refusal_goes_back() {
    let replica = Replica::start(life("c", 1)).await;
    let sender = Sender::new();
    sender.knows(&replica);
    let name = BatchName {
        sender: life("z", 7),
        stream: 3,
        sequence: 41,
    };
    let route = Route {
        path: vec![life("z", 7), life("a", 1)],
        received: Some(ReceivedName {
            name: name.clone(),
            low_water: 39,
        }),
        ..sender.route.clone()
    };
    let slots = Box::new(SlotSet::all());
    replica
        .recorder
        .answer(FrameAnswer::PartlyRefused(slots.clone()));
    let passed = sender
        .forwarder
        .forward(&replica.life.replica, &part(0, 4), &route);
    assert_eq!(passed.settled().await, Outcome::Refused(slots));
    let header = replica.recorder.frames().pop().unwrap().header;
    assert_eq!((header.name, header.low_water), (name, 39));
    assert_eq!(header.path, route.path);
}

#[tokio::test]
async fn traces_handed_over_arrive_with_their_ages_and_names() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    sender.knows(&replica);
    let spans = part(0, 1);
    let traces = vec![HandedOverTrace {
        trace_id: spans.traces[0].trace_id,
        age_ms: 1_200,
        remaining_ms: 800,
        names: vec![],
    }];
    let pending = sender.forwarder.hand_over(
        &replica.life.replica,
        traces.clone(),
        None,
        spans.request.body.clone(),
        1,
        sender.route.clone(),
    );
    assert_eq!(pending.settled().await, Outcome::Acked);
    let frame = replica.recorder.frames().pop().unwrap();
    assert_eq!(frame.header.kind, FrameKind::HandedOver(traces));
    assert_eq!(frame.payload, spans.request.body);
}

#[tokio::test]
async fn orders_and_questions_are_answered_and_orders_say_whose_they_are() {
    let replica = Replica::start(life("b", 1)).await;
    let sender = Sender::new();
    let order = || {
        let order = Bytes::from_static(b"release");
        sender.forwarder.order(&replica.life.replica, order)
    };
    assert!(matches!(order().await, Err(OrderError::NotConnected(_))));
    sender.knows(&replica);
    // Once spans get through there is a connection.
    let sent = sender.send(&replica, &part(0, 1));
    assert_eq!(sent.settled().await, Outcome::Acked);
    assert_eq!(order().await.unwrap(), "done: release");
    let orders = replica.recorder.orders();
    assert_eq!(orders, [(life("a", 1), Bytes::from_static(b"release"))]);
    let trace_id = TraceId([7; 16]);
    let about = sender.forwarder.about(&replica.life.replica, trace_id);
    assert_eq!(about.await.unwrap(), format!("about {trace_id}"));
}

#[tokio::test]
async fn replicas_with_different_secrets_do_not_talk() {
    let replica =
        Replica::start_with(life("b", 1), Secret::new(b"other"), Budget::new(1 << 20)).await;
    let sender = Sender::with(|config| config.unreachable_after = Duration::from_millis(100));
    sender.knows(&replica);
    let outcome = sender.send(&replica, &part(0, 1)).settled().await;
    assert_eq!(outcome, Outcome::Held);
    assert_eq!(replica.recorder.frames(), []);
    let text = replica.registry.render();
    let refused = r#"tailsieve_cluster_frames_refused_total{reason="wrong_secret"} "#;
    let count = text.lines().find_map(|line| line.strip_prefix(refused));
    assert!(count.unwrap().parse::<u64>().unwrap() > 0);
}
