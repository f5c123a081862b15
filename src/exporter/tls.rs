//! TLS of the exporters: the system's roots or `ca_file`, a client certificate, an overridden server name.
//!
//! The files are read once, at start; a renewed certificate needs a restart. tonic and reqwest each take their own
//! kind of configuration, made here from the same files, both with rustls and ring.

mod pem;
mod server_name;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{RootCertStore, crypto::ring};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use self::pem::Pem;
use self::server_name::FixedName;
use super::config::TlsConfig;
use super::start_error::StartError;

/// The files of a [`TlsConfig`], read and looked through.
pub(super) struct TlsMaterial {
    ca: Option<Pem>,
    client: Option<(Pem, Pem)>,
    server_name: Option<ServerName<'static>>,
}

impl TlsMaterial {
    /// Reads what `config` names. Blocks on the disk.
    pub(super) fn read(config: &TlsConfig) -> Result<Self, StartError> {
        let ca = config.ca_file.as_deref().map(Pem::read).transpose()?;
        if let Some(ca) = &ca {
            ca.certificates()?;
        }
        let client = match &config.client {
            None => None,
            Some((certificate, key)) => {
                let (certificate, key) = (Pem::read(certificate)?, Pem::read(key)?);
                certificate.certificates()?;
                key.private_key()?;
                Some((certificate, key))
            }
        };
        let server_name = match &config.server_name {
            None => None,
            Some(name) => Some(
                ServerName::try_from(name.clone())
                    .map_err(|_| StartError::TlsServerName { name: name.clone() })?,
            ),
        };
        Ok(Self {
            ca,
            client,
            server_name,
        })
    }

    /// For a tonic channel, which sets ALPN to `h2` itself.
    pub(super) fn for_grpc(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new();
        let config = match &self.ca {
            Some(ca) => config.ca_certificate(Certificate::from_pem(ca.text())),
            None => config.with_native_roots(),
        };
        let config = match &self.client {
            Some((certificate, key)) => {
                config.identity(Identity::from_pem(certificate.text(), key.text()))
            }
            None => config,
        };
        match &self.server_name {
            Some(name) => config.domain_name(name.to_str()),
            None => config,
        }
    }

    /// For an HTTP client, which may speak HTTP/2 or HTTP/1.1.
    ///
    /// An overridden server name is what the certificate must name. The name sent in the handshake (SNI) stays the
    /// endpoint's, since an HTTP client takes it from the URL.
    pub(super) fn for_http(&self) -> Result<ClientConfig, StartError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls_error)?;
        let builder = match &self.server_name {
            None => builder.with_webpki_verifier(verifier),
            Some(name) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(FixedName::new(verifier, name))),
        };
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificate.certificates()?, key.private_key()?)
                .map_err(tls_error)?,
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, StartError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(ca) => roots.add_parsable_certificates(ca.certificates()?),
            None => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        };
        if roots.is_empty() {
            return Err(self.no_roots());
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(tls_error)
    }

    fn no_roots(&self) -> StartError {
        match &self.ca {
            Some(ca) => ca.lacks("certificate"),
            None => StartError::TlsNoRoots,
        }
    }
}

/// A client configuration that trusts nobody, for endpoints without TLS: it spares them reading the system's roots.
pub(super) fn trusting_nobody() -> Result<ClientConfig, StartError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls_error)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

fn tls_error(error: impl std::error::Error + Send + Sync + 'static) -> StartError {
    StartError::Tls(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_absent_or_hold_something_else_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let config = TlsConfig {
            ca_file: Some(path.clone()),
            ..TlsConfig::default()
        };
        let error = |config| TlsMaterial::read(config).err().unwrap().to_string();
        assert_eq!(error(&config), format!("cannot read `{}`", path.display()));
        std::fs::write(&path, "not PEM").unwrap();
        let wanted = format!("`{}` holds no certificate in PEM", path.display());
        assert_eq!(error(&config), wanted);
    }

    #[test]
    fn a_server_name_that_is_none_is_an_error() {
        let config = TlsConfig {
            server_name: Some("a b".to_owned()),
            ..TlsConfig::default()
        };
        let error = TlsMaterial::read(&config).err().unwrap();
        assert!(matches!(error, StartError::TlsServerName { name } if name == "a b"));
    }
}
