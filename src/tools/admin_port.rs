//! Asks a replica's admin port for a page of JSON.
//!
//! Pages are read as clients read them, unknown keys passed over, so that other versions of a replica can be asked.

use std::fmt::Write as _;
use std::time::Duration;

use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;

use super::client::{ClientError, plain_http_client};

/// A replica answers within seconds, or it is stuck.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer taken: a hundred decisions of a thousand policies are a tenth of it.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// An answer, as it came and as it is understood.
#[derive(Debug)]
pub struct Answer<T> {
    /// The JSON.
    pub json: String,
    /// What it says.
    pub page: T,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There can be no client.
    #[error("cannot ask {admin}")]
    Client {
        /// The admin port.
        admin: Uri,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// Nobody answers.
    #[error("cannot ask {admin}; is a replica running, and is this its admin.endpoint?")]
    Unreachable {
        /// The admin port.
        admin: Uri,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Something else answers than a replica's admin port.
    #[error("{url} answered {status}, and not as a replica's admin port does: {beginning}")]
    Strange {
        /// What was asked.
        url: String,
        /// Its status.
        status: StatusCode,
        /// The beginning of the answer.
        beginning: String,
    },
}

/// GETs the page at `path`, which begins with a slash, of the admin port at `admin`. 200 and 404 are answers; a page of
/// the latter is read like any other.
///
/// # Errors
/// [`AskError`] when nobody answers, or somebody else.
pub async fn ask<T: DeserializeOwned>(admin: &Uri, path: &str) -> Result<Answer<T>, AskError> {
    let failed = |source| AskError::Client {
        admin: admin.clone(),
        source,
    };
    let unreachable = |source| AskError::Unreachable {
        admin: admin.clone(),
        source,
    };
    let client = plain_http_client(admin, TIMEOUT).map_err(failed)?;
    let url = format!("{}{path}", admin.to_string().trim_end_matches('/'));
    let mut response = client.get(&url).send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let json = String::from_utf8_lossy(&body).into_owned();
    match serde_json::from_str(&json) {
        Ok(page) if matches!(status, StatusCode::OK | StatusCode::NOT_FOUND) => {
            Ok(Answer { json, page })
        }
        _ => Err(AskError::Strange {
            url,
            status,
            beginning: beginning(&json),
        }),
    }
}

/// The first line of a text, on one line of a terminal.
fn beginning(text: &str) -> String {
    let mut shown = String::new();
    for c in text.trim().chars().take_while(|c| *c != '\n').take(100) {
        let _ = write!(shown, "{}", c.escape_debug());
    }
    if shown.is_empty() {
        shown.push_str("(nothing)");
    }
    shown
}
