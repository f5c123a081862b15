//! Why an exporter could not start. All of these are the configuration's fault; a backend that is absent is not one.

use std::path::PathBuf;

/// Why an exporter could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `endpoint` is not a URL that can be called.
    #[error("endpoint `{endpoint}` is not a usable URL: {problem}")]
    Endpoint {
        /// As configured.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A name in `headers` is not a header's name.
    #[error("`{name}` cannot be the name of a header")]
    HeaderName {
        /// As configured.
        name: String,
    },
    /// A value in `headers` has a byte that a header cannot hold. The value, often a secret, is not shown.
    #[error("the value of header `{name}` has a byte that a header cannot hold")]
    HeaderValue {
        /// The header's name.
        name: String,
    },
    /// A name in `headers` is one that the protocol itself sets.
    #[error("header `{name}` is set by the protocol and cannot be configured")]
    HeaderReserved {
        /// As configured.
        name: String,
    },
    /// A file of `tls` could not be read.
    #[error("cannot read `{}`", path.display())]
    TlsRead {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of `tls` holds no PEM of the kind needed.
    #[error("`{}` holds no {wanted} in PEM", path.display())]
    TlsPem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// The system has no trusted roots and no `ca_file` is set.
    #[error("no trusted root certificates found on this system: set `ca_file`")]
    TlsNoRoots,
    /// `server_name_override` is neither a DNS name nor an address.
    #[error("`{name}` is not a server name")]
    TlsServerName {
        /// As configured.
        name: String,
    },
    /// Roots, certificate and key do not make a TLS client.
    #[error("the TLS client cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be set up")]
    HttpClient(#[source] reqwest::Error),
}
