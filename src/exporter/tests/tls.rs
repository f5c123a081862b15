//! TLS with a certificate authority of our own, over both protocols.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::exporter::config::TlsConfig;
use crate::exporter::test_backend::Backend;

type Kind = fn(OtlpConfig) -> Destination;

const KINDS: [Kind; 2] = [Destination::OtlpGrpc, Destination::OtlpHttp];

/// A folder with `ca.pem`, `client.pem`, `client.key`, and a backend whose certificate names `server_name` and that
/// asks for a client's.
struct Setting {
    folder: tempfile::TempDir,
    backend: Backend,
}

impl Setting {
    async fn new(server_name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        for (role, name) in [("server", server_name), ("client", "tailsieve")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            let path = folder.path().join(role);
            std::fs::write(path.with_extension("pem"), certificate.pem()).unwrap();
            std::fs::write(path.with_extension("key"), key.serialize_pem()).unwrap();
        }
        let acceptor = acceptor(folder.path());
        let backend = Backend::start_at("127.0.0.1:0".parse().unwrap(), Some(acceptor)).await;
        Self { folder, backend }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tls(&self) -> TlsConfig {
        TlsConfig {
            ca_file: Some(self.path("ca.pem")),
            client: Some((self.path("client.pem"), self.path("client.key"))),
            server_name: None,
        }
    }

    /// Sends one request without retry; the error, if it failed.
    async fn send(&self, kind: Kind, tls: TlsConfig) -> Result<(), String> {
        let rig = Rig::new();
        let config = OtlpConfig {
            endpoint: format!("https://127.0.0.1:{}", self.backend.address.port()),
            tls,
            retry: RetryConfig {
                enabled: false,
                ..RetryConfig::default()
            },
            ..OtlpConfig::default()
        };
        let exporter = rig.start(kind(config), queue(1));
        exporter.offer(rig.batch(1, "a")).unwrap();
        assert_eq!(exporter.drain(MINUTE).await, 0);
        match exporter.status().last_error {
            None => Ok(()),
            Some(error) => {
                assert_eq!(rig.failed("connection"), Some(1));
                Err(error)
            }
        }
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let certificate = |name| CertificateDer::from_pem_file(folder.join(name)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.pem")).unwrap();
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![certificate("server.pem")],
            PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_backend_with_our_own_authority_is_reached_with_a_client_certificate() {
    let setting = Setting::new("127.0.0.1").await;
    for kind in KINDS {
        assert_eq!(setting.send(kind, setting.tls()).await, Ok(()));
        assert_eq!(setting.backend.take_seen().len(), 1);
    }
}

#[tokio::test]
async fn a_backend_is_not_reached_without_the_client_certificate_that_it_asks_for() {
    let setting = Setting::new("127.0.0.1").await;
    let tls = TlsConfig {
        client: None,
        ..setting.tls()
    };
    for kind in KINDS {
        setting.send(kind, tls.clone()).await.unwrap_err();
        assert!(setting.backend.take_seen().is_empty());
    }
}

#[tokio::test]
async fn a_backend_of_another_authority_is_not_trusted() {
    let setting = Setting::new("127.0.0.1").await;
    let stranger = Setting::new("127.0.0.1").await;
    let tls = TlsConfig {
        ca_file: Some(stranger.path("ca.pem")),
        ..setting.tls()
    };
    for kind in KINDS {
        let error = setting.send(kind, tls.clone()).await.unwrap_err();
        assert!(error.contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_must_name_the_host_or_the_overriding_name() {
    let setting = Setting::new("tempo.example").await;
    let overridden = TlsConfig {
        server_name: Some("tempo.example".to_owned()),
        ..setting.tls()
    };
    for kind in KINDS {
        let error = setting.send(kind, setting.tls()).await.unwrap_err();
        assert!(error.contains("certificate"), "{error}");
        assert_eq!(setting.send(kind, overridden.clone()).await, Ok(()));
    }
}
