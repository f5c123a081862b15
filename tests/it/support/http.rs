//! HTTP/1.1 by hand, one request a connection: a test says and sees exactly what is on the wire.

use std::collections::HashMap;
use std::net::SocketAddr;

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic_types::pb;

use super::DEADLINE;

pub(crate) const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// A whole answer.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// By name in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl HttpAnswer {
    /// A header's value; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as a `google.rpc.Status` in protobuf.
    pub(crate) fn protobuf_status(&self) -> pb::Status {
        assert_eq!(self.header("content-type"), "application/x-protobuf");
        pb::Status::decode(self.body.as_slice()).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// GETs `path`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> HttpAnswer {
    request(address, "GET", path, &[], &[]).await
}

/// POSTs to `/v1/traces`.
pub(crate) async fn post(
    address: SocketAddr,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> HttpAnswer {
    request(address, "POST", "/v1/traces", headers, body.as_ref()).await
}

/// Sends one request and reads the answer to the end of the connection.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> HttpAnswer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(DEADLINE, exchange).await;
    parse(&answer.expect("an answer in time"))
}

fn parse(answer: &[u8]) -> HttpAnswer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("a whole head");
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: HashMap<String, String> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    assert!(!headers.contains_key("transfer-encoding"), "{head}");
    HttpAnswer {
        status: status.parse().unwrap(),
        headers,
        body: answer[end + 4..].to_vec(),
    }
}
