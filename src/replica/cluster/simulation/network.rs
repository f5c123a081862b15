//! A network in memory: connections with delays, which break, stall, are cut, and outlive who made them.
//!
//! A connection keeps the order of its bytes, as TCP does; several between the same two overtake each other. What a
//! partition or a stall holds back comes once that is over, unless the connection broke meanwhile; what is under way on a
//! connection that breaks is lost, and its writer does not know how much of it arrived.

mod pipe;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::datagrams::Datagram;
use crate::clock::Moment;
use crate::router::forward::{Dial, Dialling, Duplex};

/// Bytes under way one way before a writer has to wait.
const UNDER_WAY_MAX: usize = 1 << 20;

/// The network. Clones are the same.
#[derive(Clone)]
pub(super) struct Network(Arc<Mutex<State>>);

/// Dials from one address.
pub(super) struct SimulatedDial {
    pub(super) network: Network,
    pub(super) from: SocketAddr,
}

/// One end of a connection.
pub(super) struct Pipe {
    network: Network,
    connection: u64,
    side: usize,
}

struct State {
    seed: u64,
    now: Moment,
    delay_max: Duration,
    listeners: BTreeMap<SocketAddr, mpsc::Sender<Pipe>>,
    connections: BTreeMap<u64, Connection>,
    /// Of each pair, the connections ever made.
    made: BTreeMap<(SocketAddr, SocketAddr), u64>,
    cuts: BTreeSet<(SocketAddr, SocketAddr)>,
    /// Hosts without power.
    dark: BTreeSet<SocketAddr>,
    last: u64,
    mailboxes: BTreeMap<SocketAddr, mpsc::Sender<Datagram>>,
    /// Datagrams under way, by the time of their arrival.
    datagrams: BTreeMap<(Moment, u64), (SocketAddr, Datagram)>,
    datagrams_sent: u64,
}

struct Connection {
    /// Who dialled, and who was dialled.
    ends: [SocketAddr; 2],
    /// From either end to the other.
    lanes: [Lane; 2],
    is_dropped: [bool; 2],
    is_broken: bool,
    break_at: Option<Moment>,
}

struct Lane {
    random: SmallRng,
    delay: Duration,
    under_way: VecDeque<(Moment, Bytes)>,
    under_way_bytes: usize,
    arrived: BytesMut,
    is_ended: bool,
    has_end_arrived: bool,
    is_stalled: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Network {
    pub(super) fn new(seed: u64, delay_max: Duration) -> Self {
        Self(Arc::new(Mutex::new(State {
            seed,
            now: Moment::default(),
            delay_max,
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            made: BTreeMap::new(),
            cuts: BTreeSet::new(),
            dark: BTreeSet::new(),
            last: 0,
            mailboxes: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            datagrams_sent: 0,
        })))
    }

    /// Listens at `address`, in place of who did so before.
    pub(super) fn listen(&self, address: SocketAddr) -> ReceiverStream<Pipe> {
        let (sender, receiver) = mpsc::channel(1_024);
        let mut state = self.0.lock();
        state.listeners.insert(address, sender);
        // A host that starts again knows nothing of the connections that it had.
        if state.dark.remove(&address) {
            for connection in state.connections.values_mut() {
                if connection.ends.contains(&address) {
                    connection.break_now();
                }
            }
        }
        ReceiverStream::new(receiver)
    }

    /// The power fails at `address`: nobody is told, and who dials it hears nothing.
    pub(super) fn darken(&self, address: SocketAddr) {
        let mut state = self.0.lock();
        state.dark.insert(address);
        for connection in state.connections.values_mut() {
            if connection.ends.contains(&address) {
                connection.stall(&[0, 1]);
            }
        }
    }

    pub(super) fn cut(&self, one: SocketAddr, other: SocketAddr) {
        self.0.lock().cuts.insert(ordered(one, other));
    }

    pub(super) fn heal(&self, one: SocketAddr, other: SocketAddr) {
        self.0.lock().cuts.remove(&ordered(one, other));
    }

    /// Of the connections that `from` dialled to `to`, the answers stall, and at `until` they break: what was sent has
    /// arrived, what was answered has not.
    pub(super) fn lose_answers(&self, from: SocketAddr, to: SocketAddr, until: Moment) {
        for connection in self.0.lock().connections.values_mut() {
            if connection.ends == [from, to] {
                connection.stall(&[1]);
                connection.break_at = Some(until);
            }
        }
    }

    /// Moves to `now`: delivers what has arrived by then.
    pub(super) fn advance(&self, now: Moment) {
        let mut state = self.0.lock();
        let state = &mut *state;
        state.now = now;
        for connection in state.connections.values_mut() {
            if connection.break_at.is_some_and(|at| at <= now) {
                connection.break_now();
            }
            let is_cut = state
                .cuts
                .contains(&ordered(connection.ends[0], connection.ends[1]));
            if !is_cut {
                connection.lanes.iter_mut().for_each(|it| it.advance(now));
            }
        }
        state.connections.retain(|_, it| it.is_dropped != [true; 2]);
        state.deliver_datagrams();
    }

    /// Datagrams to `address` go into this mailbox from now on.
    pub(super) fn bind(&self, address: SocketAddr, mailbox: mpsc::Sender<Datagram>) {
        self.0.lock().mailboxes.insert(address, mailbox);
    }

    /// Whoever was ever bound.
    pub(super) fn bound(&self) -> Vec<SocketAddr> {
        self.0.lock().mailboxes.keys().copied().collect()
    }

    /// Sends a datagram that takes this share of the longest way.
    pub(super) fn send(&self, from: SocketAddr, to: SocketAddr, datagram: &[u8], delay: f64) {
        let mut state = self.0.lock();
        state.datagrams_sent += 1;
        let at = (
            state.now.after(state.delay_max.mul_f64(delay)),
            state.datagrams_sent,
        );
        let datagram = (from, Bytes::copy_from_slice(datagram));
        state.datagrams.insert(at, (to, datagram));
    }

    fn connect(&self, from: SocketAddr, to: SocketAddr) -> Option<io::Result<Pipe>> {
        let mut state = self.0.lock();
        if state.cuts.contains(&ordered(from, to)) || state.dark.contains(&to) {
            return None;
        }
        let refused = || Some(Err(io::ErrorKind::ConnectionRefused.into()));
        let Some(listener) = state.listeners.get(&to).cloned() else {
            return refused();
        };
        state.last += 1;
        let number = state.last;
        let pipe = |side| Pipe {
            network: self.clone(),
            connection: number,
            side,
        };
        let made = state.made.entry((from, to)).or_default();
        *made += 1;
        let made = *made;
        // Of its own randomness, so that a draw more or less elsewhere does not change it.
        let seed = state.seed ^ u64::from(from.port()) << 48 ^ u64::from(to.port()) << 32 ^ made;
        let delay_max = state.delay_max;
        let connection = Connection {
            ends: [from, to],
            lanes: [0, 1].map(|side| Lane::new(seed << 1 | side, delay_max)),
            is_dropped: [false; 2],
            is_broken: false,
            break_at: None,
        };
        state.connections.insert(number, connection);
        drop(state);
        // The pipe that finds no listener is dropped, and locks for that.
        if listener.try_send(pipe(1)).is_err() {
            return refused();
        }
        Some(Ok(pipe(0)))
    }
}

impl State {
    fn deliver_datagrams(&mut self) {
        while let Some(first) = self.datagrams.first_entry() {
            if first.key().0 > self.now {
                return;
            }
            let (to, datagram) = first.remove();
            let is_out_of_reach = self.cuts.contains(&ordered(datagram.0, to))
                || self.dark.contains(&to)
                || self.dark.contains(&datagram.0);
            if let Some(mailbox) = self.mailboxes.get(&to).filter(|_| !is_out_of_reach) {
                // What finds no room is lost.
                let _ = mailbox.try_send(datagram);
            }
        }
    }
}

impl Dial for SimulatedDial {
    fn dial(&self, address: SocketAddr) -> Dialling {
        let (network, from) = (self.network.clone(), self.from);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            match network.connect(from, address) {
                Some(pipe) => pipe.map(|pipe| Box::new(pipe) as Box<dyn Duplex>),
                None => std::future::pending().await,
            }
        })
    }
}

impl Connection {
    fn break_now(&mut self) {
        self.is_broken = true;
        self.lanes.iter_mut().for_each(Lane::wake);
    }

    fn stall(&mut self, lanes: &[usize]) {
        for lane in lanes {
            self.lanes[*lane].is_stalled = true;
        }
    }
}

impl Lane {
    fn new(seed: u64, delay_max: Duration) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let delay = delay_max.mul_f64(random.random::<f64>().powi(3));
        Self {
            random,
            delay,
            under_way: VecDeque::new(),
            under_way_bytes: 0,
            arrived: BytesMut::new(),
            is_ended: false,
            has_end_arrived: false,
            is_stalled: false,
            reader: None,
            writer: None,
        }
    }

    fn push(&mut self, bytes: &[u8], now: Moment) {
        let jitter = self.random.random_range(0.5..1.5);
        let at = now.after(self.delay.mul_f64(jitter));
        let last = self.under_way.back().map_or(at, |last| last.0);
        self.under_way
            .push_back((at.max(last), Bytes::copy_from_slice(bytes)));
        self.under_way_bytes += bytes.len();
    }

    fn advance(&mut self, now: Moment) {
        if self.is_stalled {
            return;
        }
        while self.under_way.front().is_some_and(|first| first.0 <= now) {
            let Some((_, bytes)) = self.under_way.pop_front() else {
                return;
            };
            self.under_way_bytes -= bytes.len();
            self.arrived.extend_from_slice(&bytes);
            self.wake();
        }
        if self.is_ended && self.under_way.is_empty() && !self.has_end_arrived {
            self.has_end_arrived = true;
            self.wake();
        }
    }

    fn wake(&mut self) {
        let waiting = self.reader.take().into_iter().chain(self.writer.take());
        waiting.for_each(Waker::wake);
    }
}

fn ordered(one: SocketAddr, other: SocketAddr) -> (SocketAddr, SocketAddr) {
    (one.min(other), one.max(other))
}
