//! No two listeners on one address: the second would fail to start, long after the file was read.

use std::net::SocketAddr;

use super::ServerConfig;
use crate::config::decode::Fields;

/// Reports an address that two listeners share. Port 0 is a fresh port for each.
pub(super) fn check_distinct(fields: &Fields<'_>, config: &ServerConfig) {
    let grpc = config.receivers.grpc.as_ref().map(|grpc| grpc.endpoint);
    let http = config.receivers.http.as_ref().map(|http| http.endpoint);
    let peer = config.cluster.as_ref().map(|cluster| cluster.peer.endpoint);
    // Gossip is UDP: it may share a port with any of these.
    let listeners: [(&[&str], _); 4] = [
        (
            &["receivers", "otlp", "protocols", "grpc", "endpoint"],
            grpc,
        ),
        (
            &["receivers", "otlp", "protocols", "http", "endpoint"],
            http,
        ),
        (&["admin", "endpoint"], Some(config.admin_endpoint)),
        (&["cluster", "peer", "endpoint"], peer),
    ];
    for (index, (path, address)) in listeners.iter().enumerate() {
        let earlier = listeners.iter().take(index);
        for (other, _) in earlier.filter(|(_, other)| collide(*other, *address)) {
            let (one, other) = (path.join("."), other.join("."));
            // One of the two may be a default that stands nowhere in the file.
            fields.place().deepest(path).error(
                format!("{other} and {one} are the same address"),
                "give each endpoint a port of its own",
            );
        }
    }
}

fn collide(one: Option<SocketAddr>, other: Option<SocketAddr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return false;
    };
    let same_interface =
        one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && same_interface
}
