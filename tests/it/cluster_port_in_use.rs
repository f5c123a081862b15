//! A replica whose peer or gossip port is taken ends with exit code 1 and names the key.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

use crate::support::replica::BINARY;

#[test]
fn a_port_in_use_ends_the_replica_with_a_message_that_names_the_key() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = [
        ("peer", tcp.local_addr().unwrap(), "gossip"),
        ("gossip", udp.local_addr().unwrap(), "peer"),
    ];
    for (key, address, other) in taken {
        let folder = tempfile::tempdir().unwrap();
        let file = format!(
            "cluster: {{{key}: {{endpoint: \"{address}\"}}, {other}: {{endpoint: \"127.0.0.1:0\"}}}}"
        );
        fs::write(folder.path().join("tailsieve.yaml"), file).unwrap();
        let output = Command::new(BINARY)
            .args(["run", "--config", "tailsieve.yaml"])
            .args(["--grpc-endpoint", "127.0.0.1:0"])
            .args(["--http-endpoint", "127.0.0.1:0"])
            .args(["--admin-endpoint", "127.0.0.1:0"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let line = said.lines().find(|line| line.starts_with("tailsieve: "));
        let line = line.unwrap_or_else(|| panic!("no message in {said}"));
        let names_it = line.contains(&format!("cluster.{key}.endpoint"));
        assert!(names_it && !line.contains("receivers"), "{line}");
        assert!(line.contains(&address.to_string()), "{line}");
    }
}
