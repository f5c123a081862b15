//! Two sockets on loopback: what passes, what is refused, and how a process is found again after a restart.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::metrics::Registry;
use crate::router::membership::gossip::UdpNetwork;

const SECRET: &[u8] = b"0123456789abcdef";
const SESSION_A: u64 = 1;
const SESSION_B: u64 = 2;

struct End {
    socket: SealedSocket,
    registry: Registry,
    address: SocketAddr,
}

async fn end(secret: &[u8], name: &str, session: u64) -> End {
    let network = UdpNetwork::bind("127.0.0.1:0".parse().unwrap()).await;
    let network: Arc<dyn Network> = Arc::new(network.unwrap());
    of(network, secret, name, session)
}

fn of(network: Arc<dyn Network>, secret: &[u8], name: &str, session: u64) -> End {
    let registry = Registry::new();
    let address = network.local_address();
    let seal = Seal::new(Some(secret), name, session);
    End {
        socket: SealedSocket::new(network, seal, registry.gossip()),
        registry,
        address,
    }
}

impl End {
    /// Receives until a message comes, or until a datagram has been dealt with that is none.
    async fn receive(&mut self) -> Option<ChitchatMessage> {
        let received = timeout(Duration::from_millis(300), self.socket.recv()).await;
        received.ok().map(|received| received.unwrap().1)
    }

    async fn say(&mut self, to: &End) {
        let message = ChitchatMessage::BadCluster;
        self.socket.send(to.address, message).await.unwrap();
    }

    fn refused(&self, reason: &str) -> bool {
        let series = format!("tailsieve_cluster_gossip_refused_total{{reason=\"{reason}\"}} 1");
        self.registry.render().contains(&series)
    }
}

/// Two that know each other.
async fn acquainted() -> (End, End) {
    let mut a = end(SECRET, "blue", SESSION_A).await;
    let mut b = end(SECRET, "blue", SESSION_B).await;
    a.say(&b).await;
    assert_eq!(b.receive().await, None, "not addressed to this life yet");
    assert_eq!(a.receive().await, None, "a hello is no message");
    a.say(&b).await;
    assert_eq!(b.receive().await, Some(ChitchatMessage::BadCluster));
    (a, b)
}

#[tokio::test]
async fn a_first_datagram_is_answered_by_a_hello_and_the_next_is_taken() {
    let (mut a, mut b) = acquainted().await;
    // Whoever was heard needs no hello.
    b.say(&a).await;
    assert_eq!(a.receive().await, Some(ChitchatMessage::BadCluster));
}

#[tokio::test]
async fn another_secret_and_another_name_are_refused_and_not_answered() {
    for (secret, name, reason) in [
        (b"fedcba9876543210".as_slice(), "blue", "secret"),
        (SECRET, "green", "cluster"),
    ] {
        let mut a = end(secret, name, SESSION_A).await;
        let mut b = end(SECRET, "blue", SESSION_B).await;
        a.say(&b).await;
        assert_eq!(b.receive().await, None);
        assert!(b.refused(reason), "{}", b.registry.render());
        assert!(b.socket.hello.is_none());
        assert!(b.socket.addressees.is_empty());
    }
}

#[tokio::test]
async fn a_recorded_datagram_is_refused_by_the_same_process_and_by_the_next() {
    let (a, mut b) = acquainted().await;
    let mut sealer = Seal::new(Some(SECRET), "blue", 77);
    let body = Body::Part {
        index: 0,
        count: 1,
        payload: &ChitchatMessage::BadCluster.serialize_to_vec(),
    };
    let recorded = sealer.seal(SESSION_B, &body);
    let network = a.socket.network.clone();
    network.send_to(&recorded, b.address).await.unwrap();
    assert_eq!(b.receive().await, Some(ChitchatMessage::BadCluster));
    network.send_to(&recorded, b.address).await.unwrap();
    assert_eq!(b.receive().await, None);
    assert!(b.refused("replay"), "{}", b.registry.render());
    let mut next = of(b.socket.network.clone(), SECRET, "blue", 3);
    network.send_to(&recorded, next.address).await.unwrap();
    assert_eq!(next.receive().await, None);
    assert!(next.refused("addressee"), "{}", next.registry.render());
}

#[tokio::test]
async fn a_process_started_anew_at_the_same_address_is_found() {
    let (mut a, b) = acquainted().await;
    let mut next = of(b.socket.network.clone(), SECRET, "blue", 3);
    a.say(&next).await;
    assert_eq!(next.receive().await, None);
    assert_eq!(a.receive().await, None);
    a.say(&next).await;
    assert_eq!(next.receive().await, Some(ChitchatMessage::BadCluster));
}

#[tokio::test]
async fn a_hello_that_answers_nothing_new_is_refused() {
    let (mut a, b) = acquainted().await;
    let mut earlier = Seal::new(Some(SECRET), "blue", 99);
    // The real hello answered the first datagram.
    let hello = earlier.seal(SESSION_A, &Body::Hello { answered: 1 });
    b.socket.network.send_to(&hello, a.address).await.unwrap();
    assert_eq!(a.receive().await, None);
    assert!(a.refused("replay"), "{}", a.registry.render());
    assert_eq!(a.socket.addressees[&b.address].session, SESSION_B);
}

#[tokio::test]
async fn a_message_to_oneself_is_passed_over() {
    let mut a = end(SECRET, "blue", SESSION_A).await;
    let message = ChitchatMessage::BadCluster;
    a.socket.send(a.address, message).await.unwrap();
    assert_eq!(a.receive().await, None);
    assert!(a.socket.addressees.is_empty());
}
