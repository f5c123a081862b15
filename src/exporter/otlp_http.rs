//! OTLP over HTTP: `POST` of the request's bytes as `application/x-protobuf`.
//!
//! Redirects are not followed: the specification knows none, and a POST that silently goes elsewhere is worse than a
//! counted failure. A proxy named in the environment is used, except towards this machine. The client's own retries
//! are off, so that every attempt is counted.

mod retry_after;

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::{Client, Response, Url, redirect};

use self::retry_after::parse_retry_after;
use super::compress::compress;
use super::config::{Compression, OtlpConfig};
use super::deliver::{Attempt, Sink};
use super::headers::{RequestHeaders, USER_AGENT};
use super::outcome::{Accepted, Failure};
use super::reason::Reason;
use super::start_error::StartError;
use super::tls::{TlsMaterial, trusting_nobody};
use crate::batch::export::ExportBatch;
use crate::clock::Clock;

/// Longest answer that is read, in bytes; the rest is left unread and the connection closed.
const RESPONSE_BYTES_MAX: usize = 64 << 10;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence on an HTTP/2 connection with requests under way after which it is pinged, and how long the answer may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Sends to one HTTP endpoint.
pub(super) struct HttpSink {
    client: Client,
    url: Url,
    headers: RequestHeaders,
    compression: Compression,
    timeout: Duration,
    clock: Clock,
}

impl HttpSink {
    /// A sink that will connect to `config.endpoint`.
    pub(super) fn new(config: &OtlpConfig, clock: Clock) -> Result<Self, StartError> {
        let url = traces_url(&config.endpoint)?;
        Ok(Self {
            client: client(config, &url)?,
            url,
            headers: RequestHeaders::parse(&config.headers)?,
            compression: config.compression,
            timeout: config.timeout,
            clock,
        })
    }

    async fn send(&self, batch: &ExportBatch) -> Result<Accepted, Failure> {
        let mut headers = self.headers.with(batch.metadata.as_deref())?;
        headers.insert(header::CONTENT_TYPE, PROTOBUF);
        if let Some(name) = self.compression.encoding_name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        let body = compress(&batch.body, self.compression).await?;
        let wire_bytes = body.len() as u64;
        let request = self.client.post(self.url.clone());
        let exchange = async {
            let response = request
                .headers(headers)
                .body(body)
                .send()
                .await
                .map_err(|error| Failure::connection(&error.without_url()))?;
            self.read_answer(response).await
        };
        let answer = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| Failure::timeout(self.timeout))??;
        Ok(Accepted::from_answer(answer, batch.spans, wire_bytes))
    }

    /// A success gives its message, or `None` if that cannot be read.
    async fn read_answer(
        &self,
        response: Response,
    ) -> Result<Option<ExportTraceServiceResponse>, Failure> {
        let status = response.status();
        let wait_min = self.wait_min(response.headers());
        let is_protobuf = response.headers().get(header::CONTENT_TYPE) == Some(&PROTOBUF);
        let body = read_body(response).await;
        if status.is_success() {
            // Backends that answer in another form, or not at all, have nothing to add in ours.
            return Ok(match body {
                Some(body) if is_protobuf => ExportTraceServiceResponse::decode(&*body).ok(),
                Some(_) => Some(ExportTraceServiceResponse::default()),
                None => None,
            });
        }
        let said = said(&body.unwrap_or_default(), is_protobuf);
        let message = format!("HTTP {status} {said}");
        let message = message.trim_end();
        if is_retryable(status) {
            return Err(Failure::passing(Reason::Http(status), message, wait_min));
        }
        Err(Failure::permanent(Reason::Http(status), message))
    }

    fn wait_min(&self, headers: &HeaderMap) -> Duration {
        headers
            .get(header::RETRY_AFTER)
            .and_then(|value| parse_retry_after(value, self.clock.unix_ns()))
            .unwrap_or(Duration::ZERO)
    }
}

impl Sink for HttpSink {
    fn attempt<'a>(&'a self, batch: &'a ExportBatch) -> Attempt<'a> {
        Box::pin(self.send(batch))
    }
}

/// The codes that the OTLP specification lists ("OTLP/HTTP Response", "Retryable Response Codes").
fn is_retryable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The message of an error's body: of a `google.rpc.Status`, or the text that proxies send.
fn said(body: &[u8], is_protobuf: bool) -> String {
    if is_protobuf {
        let status = tonic_types::Status::decode(body).unwrap_or_default();
        return status.message;
    }
    String::from_utf8_lossy(body).into_owned()
}

/// `None` for a body that breaks off or is too long.
async fn read_body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

fn traces_url(endpoint: &str) -> Result<Url, StartError> {
    let wrong = |problem: &str| StartError::Endpoint {
        endpoint: endpoint.to_owned(),
        problem: problem.to_owned(),
    };
    let mut url = Url::parse(endpoint).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with http:// or https://"));
    }
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    Ok(url)
}

fn client(config: &OtlpConfig, url: &Url) -> Result<Client, StartError> {
    let tls = match url.scheme() {
        "https" => TlsMaterial::read(&config.tls)?.for_http()?,
        _ => trusting_nobody()?,
    };
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE);
    let builder = if is_this_machine(url) {
        builder.no_proxy()
    } else {
        builder
    };
    builder.build().map_err(StartError::HttpClient)
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
