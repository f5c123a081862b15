//! A file with certificates or a key in PEM.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::exporter::start_error::StartError;

/// The file's path, for messages, and text.
pub(super) struct Pem {
    path: PathBuf,
    text: Vec<u8>,
}

impl Pem {
    /// Reads the file. Blocks on the disk.
    pub(super) fn read(path: impl AsRef<Path>) -> Result<Self, StartError> {
        let path = path.as_ref().to_owned();
        match std::fs::read(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(source) => Err(StartError::TlsRead { path, source }),
        }
    }

    /// All certificates, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, StartError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.text).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(self.lacks("certificate")),
        }
    }

    /// The first private key.
    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, StartError> {
        PrivateKeyDer::from_pem_slice(&self.text).map_err(|_| self.lacks("private key"))
    }

    /// The error that it does not hold what is `wanted`.
    pub(super) fn lacks(&self, wanted: &'static str) -> StartError {
        StartError::TlsPem {
            path: self.path.clone(),
            wanted,
        }
    }

    /// As it is in the file.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}
