//! What a replica of the model has, says and does: plain data.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) const REPLICAS: usize = 4;
pub(crate) const SLOTS: usize = 2;
pub(crate) const TRACES: usize = 4;
pub(crate) const SPANS: usize = 10;
pub(crate) const HOPS_MAX: usize = 3;
/// Rounds of full delivery after which a run that is still not at rest counts as "never comes to rest".
pub(crate) const ROUNDS_MAX: usize = 150;

pub(crate) type Replica = usize;
pub(crate) type Slot = usize;
pub(crate) type Trace = usize;
pub(crate) type Span = usize;
pub(crate) type Id = u64;
/// (replica, incarnation, sequence); the stream is left out, one per pair is enough here.
pub(crate) type Name = (Replica, u32, u32);

pub(crate) fn trace_of(span: Span) -> Trace {
    span % TRACES
}
pub(crate) fn slot_of(trace: Trace) -> Slot {
    trace % SLOTS
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum State {
    Joining,
    Active,
    Leaving,
    Left,
}

/// What a replica gossips about itself. Versions only grow; older ones are ignored on arrival.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) version: u32,
    pub(crate) incarnation: u32,
    pub(crate) state: State,
    pub(crate) holds: [bool; SLOTS],
    pub(crate) target: [Option<Replica>; SLOTS],
    pub(crate) claims: [Option<u32>; SLOTS],
}

/// A record with the digest (newest version seen of everybody) that travels with it.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) record: Record,
    pub(crate) seen: [u32; REPLICAS],
    pub(crate) dead: [u32; REPLICAS],
}

#[derive(Clone, Default)]
pub(crate) struct Buffered {
    pub(crate) spans: BTreeSet<Span>,
    pub(crate) handed_to: Option<(Id, Replica)>,
}

#[derive(Clone)]
pub(crate) struct Move {
    pub(crate) id: Id,
    pub(crate) target: Replica,
    pub(crate) target_incarnation: u32,
    pub(crate) decisions_acked: Option<usize>,
}

#[derive(Clone)]
pub(crate) struct PendingRelease {
    pub(crate) id: Id,
    pub(crate) target: Replica,
    pub(crate) target_incarnation: u32,
    pub(crate) window: BTreeSet<(Name, Span)>,
}

#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) attempt: u32,
    pub(crate) promised_by: BTreeSet<(Replica, u32)>,
}

/// A sub-batch that this replica sent for a client (or hands back) and that is not fully acknowledged.
#[derive(Clone)]
pub(crate) struct Outstanding {
    pub(crate) name: Name,
    pub(crate) slot: Slot,
    pub(crate) spans: BTreeSet<Span>,
    pub(crate) from_client: bool,
    pub(crate) first_names: BTreeSet<(Name, Span)>,
}

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) up: bool,
    pub(crate) paused: bool,
    pub(crate) returned: bool, // came back from a false death and has not heard from a live member yet
    pub(crate) unsure: bool, // came back from a pause and has not heard from half of the others yet
    pub(crate) heard: BTreeSet<Replica>,
    pub(crate) incarnation: u32,
    pub(crate) state: State,
    pub(crate) version: u32,
    pub(crate) view: Vec<Option<Record>>,
    pub(crate) seen_by: [[u32; REPLICAS]; REPLICAS], // seen_by[m][x]: the version of x that m had seen
    pub(crate) dead: [u32; REPLICAS],                // highest incarnation agreed dead
    pub(crate) holds: [bool; SLOTS],
    pub(crate) moves: Vec<Option<Move>>,
    pub(crate) target_of: [Option<(Replica, u32, Id)>; SLOTS],
    pub(crate) released_to: [Option<Replica>; SLOTS],
    pub(crate) releases: Vec<Option<PendingRelease>>,
    pub(crate) claim: Vec<Option<Claim>>,
    pub(crate) attempts: u32,
    pub(crate) promised: [Option<(Replica, u32, u32)>; SLOTS], // claimant, attempt, version of its record
    pub(crate) undecided: BTreeMap<Trace, Buffered>,
    pub(crate) decided: BTreeMap<Trace, Id>,
    pub(crate) window: BTreeSet<(Name, Span)>,
    pub(crate) applied_orders: BTreeSet<Id>,
    pub(crate) finished_moves: BTreeSet<Id>,
    pub(crate) outstanding: Vec<Outstanding>,
    pub(crate) sequence: u32,
}
impl Node {
    pub(crate) fn new() -> Self {
        Node {
            up: false,
            paused: false,
            returned: false,
            unsure: false,
            heard: BTreeSet::new(),
            incarnation: 0,
            state: State::Left,
            version: 0,
            view: vec![None; REPLICAS],
            seen_by: [[0; REPLICAS]; REPLICAS],
            dead: [0; REPLICAS],
            holds: [false; SLOTS],
            moves: vec![None; SLOTS],
            target_of: [None; SLOTS],
            released_to: [None; SLOTS],
            releases: vec![None; SLOTS],
            claim: vec![None; SLOTS],
            attempts: 0,
            promised: [None; SLOTS],
            undecided: BTreeMap::new(),
            decided: BTreeMap::new(),
            window: BTreeSet::new(),
            applied_orders: BTreeSet::new(),
            finished_moves: BTreeSet::new(),
            outstanding: vec![],
            sequence: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Batch {
        name: Name,
        slot: Slot,
        spans: BTreeSet<Span>,
        path: Vec<Replica>,
        given: Option<Id>,
        first_names: BTreeSet<(Name, Span)>,
    },
    Ack {
        name: Name,
        spans: BTreeSet<Span>,
        path: Vec<Replica>,
    },
    Decisions {
        slot: Slot,
        id: Id,
        decisions: BTreeMap<Trace, Id>,
    },
    DecisionsAck {
        slot: Slot,
        id: Id,
        count: usize,
    },
    Traces {
        slot: Slot,
        id: Id,
        move_id: Id,
        trace: Trace,
        spans: BTreeSet<Span>,
        names: BTreeSet<(Name, Span)>,
    },
    TracesAck {
        id: Id,
        trace: Trace,
    },
    Release {
        slot: Slot,
        id: Id,
        window: BTreeSet<(Name, Span)>,
        decisions: BTreeMap<Trace, Id>,
    },
    ReleaseAck {
        slot: Slot,
        id: Id,
    },
    AskPromise {
        slot: Slot,
        attempt: u32,
        version: u32,
        dead: [u32; REPLICAS],
        orphaned: bool,
    },
    Promise {
        slot: Slot,
        attempt: u32,
        given: bool,
        wait: bool,
    },
}
impl Body {
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Body::Batch { .. } => 0,
            Body::Ack { .. } => 1,
            Body::Decisions { .. } => 2,
            Body::DecisionsAck { .. } => 3,
            Body::Traces { .. } => 4,
            Body::TracesAck { .. } => 5,
            Body::Release { .. } => 6,
            Body::ReleaseAck { .. } => 7,
            Body::AskPromise { .. } => 8,
            Body::Promise { .. } => 9,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) key: (Replica, Replica, u8, u32),
    pub(crate) from_incarnation: u32,
    pub(crate) to_incarnation: u32,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    ClientSends(Vec<Span>, Replica),
    ClientGivesUp(Replica, usize),
    Gossip {
        from: Replica,
        to: Replica,
        versions_behind: u32,
    },
    LearnDeath(Replica, Replica),
    Deliver((Replica, Replica, u8, u32)),
    Lose((Replica, Replica, u8, u32)),
    Retry(Replica),
    Decide(Replica, Trace),
    StartMove(Replica, Slot),
    SendDecisions(Replica, Slot),
    HandOverTrace(Replica, Trace),
    Release(Replica, Slot),
    Claim(Replica, Slot),
    Join(Replica),
    Activate(Replica),
    Leave(Replica),
    Exit(Replica),
    Crash(Replica),
    Pause(Replica),
    DeclareDead(Replica),
    Resume(Replica),
    Restart(Replica),
}

pub(crate) fn r(replica: Replica) -> char {
    (b'A' + replica as u8) as char
}
