//! A shard of a clustered replica: what it takes of slots that change hands, and what it reports.

use super::marks::{marking, marks};
use super::*;
use crate::batch::key::KeyHash;
use crate::batch::origin::HandedOver;
use crate::batch::peer::frame::Mark;
use crate::batch::replica::{BatchName, Incarnation, Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::otlp::ids::TraceId;
use crate::sampler::policy::Share;
use crate::sampler::precedence::Decision;

/// The rest of the cluster: keeps what it is told.
#[derive(Clone, Default)]
pub(super) struct Neighbours(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    passed: Vec<Passed>,
    reports: Vec<Report>,
    share: Share,
    applied_before: u64,
}

impl ClusterLink for Neighbours {
    fn pass_on(&self, passed: Passed) {
        self.0.lock().passed.push(passed);
    }

    fn report(&self, report: Report) {
        self.0.lock().reports.push(report);
    }

    fn share(&self) -> Share {
        self.0.lock().share
    }

    fn applied_before(&self, spans: u64) {
        self.0.lock().applied_before += spans;
    }
}

impl Neighbours {
    /// Traces of what was passed on since the last time.
    fn passed(&self) -> Vec<Passed> {
        std::mem::take(&mut self.0.lock().passed)
    }

    fn reports(&self) -> Vec<Report> {
        std::mem::take(&mut self.0.lock().reports)
    }
}

fn life(replica: &str) -> Life {
    Life {
        replica: ReplicaId::new(replica).unwrap(),
        incarnation: Incarnation(1),
    }
}

fn a_move() -> MoveId {
    MoveId {
        giver: life("a"),
        number: 1,
    }
}

fn mark() -> Arc<Mark> {
    Arc::new(Mark {
        of: a_move(),
        target: life("b"),
    })
}

fn origin(sequence: u64) -> Origin {
    Origin {
        name: BatchName {
            sender: life("c"),
            stream: 1,
            sequence,
        },
        low_water: 1,
        marks: Vec::new(),
        first_names: Vec::new(),
        marked: None,
        handed_over: Vec::new(),
    }
}

fn hash(trace: u8) -> KeyHash {
    KeyHash::of(TraceId([trace; 16]), None)
}

fn slot_of(trace: u8) -> SlotSet {
    [hash(trace).slot()].into_iter().collect()
}

fn clustered(decision_wait_ms: u64) -> (World, Neighbours) {
    clustered_with(decision_wait_ms, BufferConfig::default())
}

fn clustered_with(decision_wait_ms: u64, config: BufferConfig) -> (World, Neighbours) {
    let neighbours = Neighbours::default();
    let link = Some(neighbours.clone());
    let windows = windows(decision_wait_ms);
    let mut world = World::with_link(1 << 30, windows, EvaluationConfig::default(), config, link);
    tell(&mut world, SlotOrder::Set(SlotSet::all(), SlotState::Here));
    (world, neighbours)
}

fn tell(world: &mut World, order: SlotOrder) {
    assert!(world.inbox.control(Control::Slots(Box::new(order))));
    world.pass(0);
}

fn traces_of(passed: &[Passed]) -> Vec<(u8, u64)> {
    let traces = passed.iter().flat_map(|passed| &passed.sub_batch.traces);
    traces
        .map(|trace| (trace.trace_id.0[0], u64::from(trace.span_count)))
        .collect()
}

#[test]
fn a_slot_that_is_given_keeps_its_traces_and_passes_new_ones_with_the_mark() {
    let (mut world, neighbours) = clustered(100);
    world.send(&[failed(span(1, 1, ROOT))]);
    world.pass(0);
    tell(
        &mut world,
        SlotOrder::Set(SlotSet::all(), SlotState::Giving(mark())),
    );
    world.send(&[span(1, 2, !ROOT), span(2, 3, ROOT), span(2, 4, !ROOT)]);
    world.pass(0);
    let passed = neighbours.passed();
    assert_eq!(traces_of(&passed), [(2, 2)]);
    assert_eq!(passed[0].mark, Some(mark()));
    assert_eq!(world.accounting.snapshot().held, 2);
    world.pass(150);
    // Decided traces keep their late spans until the slot is frozen.
    world.send(&[span(1, 5, !ROOT)]);
    world.pass(300);
    assert_eq!(
        world.backend.received(),
        BTreeMap::from([(1, vec![1, 2, 5])])
    );
    tell(&mut world, SlotOrder::Collect(a_move(), 1, SlotSet::all()));
    neighbours.reports();
    tell(&mut world, SlotOrder::Freeze(mark(), 1, SlotSet::all()));
    world.send(&[span(1, 6, !ROOT)]);
    world.pass(0);
    let passed = neighbours.passed();
    assert_eq!(traces_of(&passed), [(1, 1)]);
    assert_eq!(passed[0].mark, Some(mark()));
}

#[test]
fn a_given_slot_is_reported_when_its_last_undecided_trace_is_gone() {
    let (mut world, neighbours) = clustered(100);
    world.send(&[failed(span(1, 1, ROOT))]);
    world.pass(0);
    tell(
        &mut world,
        SlotOrder::Set(slot_of(1), SlotState::Giving(mark())),
    );
    tell(
        &mut world,
        SlotOrder::Set(slot_of(2), SlotState::Giving(mark())),
    );
    let reports = neighbours.reports();
    assert!(matches!(&reports[..], [Report::Drained(_, slots)] if *slots == slot_of(2)));
    world.pass(150);
    let reports = neighbours.reports();
    assert!(matches!(&reports[..], [Report::Drained(_, slots)] if *slots == slot_of(1)));
    tell(&mut world, SlotOrder::Collect(a_move(), 1, slot_of(1)));
    let reports = neighbours.reports();
    let [Report::Decisions(move_id, _, decisions)] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!((move_id, decisions.len()), (&a_move(), 1));
    assert_eq!(decisions[0].hash, hash(1));
    assert_eq!(decisions[0].decision, Decision::Sampled);
}

#[test]
fn a_batch_that_comes_again_doubles_nothing_and_its_name_goes_with_the_slot() {
    let (mut world, neighbours) = clustered(100);
    world.send_from(Some(origin(1)), &[failed(span(1, 1, ROOT))]);
    world.pass(200);
    world.send_from(
        Some(origin(1)),
        &[failed(span(1, 1, ROOT)), span(2, 2, ROOT)],
    );
    world.pass(300);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1])]));
    assert_eq!(world.accounting.snapshot().received_from_peers, 2);
    assert_eq!(neighbours.0.lock().applied_before, 1);
    tell(&mut world, SlotOrder::Collect(a_move(), 1, slot_of(1)));
    neighbours.reports();
    tell(&mut world, SlotOrder::Freeze(mark(), 1, slot_of(1)));
    let reports = neighbours.reports();
    let [Report::Frozen(_, 1, _, names)] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].name, origin(1).name);
    assert_eq!(names[0].traces, [hash(1)]);
    // It answers for the name until the target has it.
    world.send_from(Some(origin(1)), &[failed(span(1, 1, ROOT))]);
    world.pass(0);
    assert!(neighbours.passed().is_empty());
    let names = Arc::from(names.clone());
    tell(&mut world, SlotOrder::Unname(names, slot_of(1)));
    world.send_from(Some(origin(1)), &[failed(span(1, 1, ROOT))]);
    world.pass(0);
    let passed = neighbours.passed();
    assert_eq!(passed[0].first_names, [origin(1).name]);
}

#[test]
fn a_target_takes_what_bears_its_move_and_passes_the_rest() {
    let (mut world, neighbours) = clustered(100);
    tell(
        &mut world,
        SlotOrder::Set(SlotSet::all(), SlotState::Awaiting),
    );
    let marked = Origin {
        marked: Some(Box::new(SlotSet::all())),
        ..origin(1)
    };
    world.send_from(Some(marked), &[failed(span(1, 1, ROOT))]);
    world.send_from(Some(origin(2)), &[failed(span(1, 2, !ROOT))]);
    world.pass(300);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1])]));
    assert_eq!(traces_of(&neighbours.passed()), [(1, 1)]);
}

#[test]
fn a_decision_made_elsewhere_decides_what_is_held_here() {
    let (mut world, _neighbours) = clustered(60_000);
    world.send(&[span(1, 1, ROOT), failed(span(2, 2, ROOT))]);
    world.pass(0);
    let remembered = |trace, decision| RememberedTrace {
        hash: hash(trace),
        decision,
        threshold: 0,
        policy: None,
    };
    let decisions = vec![
        remembered(1, Decision::Sampled),
        remembered(2, Decision::NotSampled),
    ];
    tell(&mut world, SlotOrder::Remember(decisions));
    world.send(&[span(1, 3, !ROOT)]);
    world.pass(300);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1, 3])]));
    assert_eq!(world.accounting.snapshot().not_sampled, 1);
}

#[test]
fn late_spans_have_the_mark_of_the_policy_that_kept_their_trace_after_its_slot_changed_hands() {
    let (mut giver, neighbours) = clustered_with(100, marking());
    giver.send(&[failed(span(1, 1, ROOT))]);
    giver.pass(500);
    tell(&mut giver, SlotOrder::Collect(a_move(), 0, SlotSet::all()));
    let Some(Report::Decisions(_, _, decisions)) = neighbours.reports().pop() else {
        panic!("no decisions");
    };
    let (mut target, _neighbours) = clustered_with(60_000, marking());
    target.send(&[span(1, 2, !ROOT)]);
    target.pass(0);
    tell(&mut target, SlotOrder::Remember(decisions));
    target.send(&[span(1, 3, !ROOT)]);
    target.pass(300);
    let errors = |number| ((1, number), "errors".to_owned());
    assert_eq!(marks(&target), BTreeMap::from([errors(2), errors(3)]));
}

#[test]
fn an_undecided_trace_moves_with_its_age_and_its_names() {
    let (mut giver, neighbours) = clustered(1_000);
    giver.send_from(Some(origin(1)), &[failed(span(1, 1, ROOT))]);
    giver.pass(600);
    tell(
        &mut giver,
        SlotOrder::Set(slot_of(1), SlotState::Giving(mark())),
    );
    tell(&mut giver, SlotOrder::HandOver(slot_of(1)));
    assert_eq!(giver.accounting.snapshot().held, 1);
    let passed = neighbours.passed().remove(0);
    let ages = HandedOver {
        trace_id: TraceId([1; 16]),
        age: Duration::from_millis(600),
        due_in: Duration::from_millis(400),
        names: vec![origin(1).name],
    };
    assert_eq!(passed.handed_over.as_ref(), Some(&ages));
    assert_eq!(passed.mark, Some(mark()));
    drop(passed);
    // The ring of deadlines forgets at the end of the window.
    giver.pass(500);
    assert_eq!(giver.budget.used_bytes(), 0);
    let (mut target, _neighbours) = clustered(1_000);
    let handed = Origin {
        handed_over: vec![ages],
        ..origin(9)
    };
    target.send_from(None, &[span(1, 2, !ROOT)]);
    target.pass(0);
    target.send_from(Some(handed), &[failed(span(1, 1, ROOT))]);
    target.send_from(Some(origin(1)), &[failed(span(1, 1, ROOT))]);
    target.pass(390);
    assert_eq!(target.accounting.snapshot().buffered, 2);
    target.pass(300);
    assert_eq!(target.backend.received(), BTreeMap::from([(1, vec![2, 1])]));
}

#[test]
fn who_was_declared_dead_hands_everything_back() {
    let (mut world, neighbours) = clustered(1_000);
    world.send(&[span(1, 1, ROOT), span(2, 2, ROOT)]);
    world.pass(0);
    tell(&mut world, SlotOrder::GiveBack);
    world.send(&[span(3, 3, ROOT)]);
    world.pass(0);
    let mut traces = traces_of(&neighbours.passed());
    traces.sort_unstable();
    assert_eq!(traces, [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(world.accounting.snapshot().held, 3);
}
