//! OTLP/HTTP: binary protobuf in POST requests. HTTP/1.1, so each request under way has a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode, Uri, header};
use prost::Message as _;
use reqwest::Response;
use rustls::{ClientConfig, RootCertStore};

use super::{Answer, ClientError, Target};
use crate::tools::message::Message;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(super) struct HttpClient {
    client: reqwest::Client,
    url: String,
}

impl HttpClient {
    pub(super) fn new(target: &Target, url: &Uri) -> Result<Self, ClientError> {
        let mut headers = target.headers.clone();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(url)?)
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|source| ClientError::Http {
                endpoint: url.clone(),
                source,
            })?;
        Ok(Self {
            client,
            url: traces_url(url),
        })
    }

    pub(super) async fn send(&self, message: &Message) -> Answer {
        let mut request = self.client.post(&self.url).body(message.body());
        if let Some(encoding) = message.encoding() {
            request = request.header(header::CONTENT_ENCODING, encoding);
        }
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => Answer::unanswered(&error),
        }
    }
}

/// For pages of `endpoint`, asked for once.
pub(in crate::tools) fn plain_http_client(
    endpoint: &Uri,
    timeout: Duration,
) -> Result<reqwest::Client, ClientError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(endpoint)?)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .map_err(|source| ClientError::Http {
            endpoint: endpoint.clone(),
            source,
        })
}

/// The signal's path is added only to a bare address, as SDKs do with `OTEL_EXPORTER_OTLP_ENDPOINT`.
fn traces_url(endpoint: &Uri) -> String {
    let url = endpoint.to_string();
    match endpoint.path() {
        "" | "/" => format!("{}/v1/traces", url.trim_end_matches('/')),
        _ => url,
    }
}

/// Trusts the system's roots, which are read only where TLS is asked for.
fn tls(endpoint: &Uri) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    if endpoint.scheme_str() == Some("https") {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

async fn answer(response: Response) -> Answer {
    let status = response.status();
    let delay = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Answer::unanswered(&error),
    };
    if status.is_success() {
        return Answer::success(&body);
    }
    let said = tonic_types::Status::decode(body).unwrap_or_default();
    Answer::Refused {
        retryable: is_retryable(status),
        delay,
        reason: format!("HTTP {}: {}", status.as_u16(), said.message),
    }
}

/// "Retryable Response Codes" of the OTLP specification, section OTLP/HTTP.
fn is_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signals_path_is_added_only_to_a_bare_address() {
        let url = |text: &str| traces_url(&text.parse().unwrap());
        assert_eq!(url("http://h:4318"), "http://h:4318/v1/traces");
        assert_eq!(url("http://h:4318/"), "http://h:4318/v1/traces");
        assert_eq!(url("http://h/otlp/v1/traces"), "http://h/otlp/v1/traces");
    }
}
