//! `/api/v1/policies` and the ways to make a replica read its policies again.

use serde::Deserialize;

use super::replica::Replica;
use super::{eventually, http};

/// The page.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Policies {
    pub(crate) active: Active,
    pub(crate) rejected: Option<Rejected>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Active {
    pub(crate) generation: u64,
    pub(crate) hash: String,
    pub(crate) since: String,
    pub(crate) files: Vec<String>,
    pub(crate) decision_wait_seconds: f64,
    pub(crate) policies: Vec<Policy>,
}

#[derive(Debug, Clone, Deserialize, PartialEq)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) r#type: String,
    #[serde(default)]
    pub(crate) policies: Vec<Policy>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rejected {
    pub(crate) hash: String,
    pub(crate) at: String,
    pub(crate) files: Vec<String>,
    pub(crate) errors: Vec<Finding>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Finding {
    pub(crate) file: String,
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<u64>,
    pub(crate) key: String,
    pub(crate) problem: String,
    pub(crate) advice: String,
}

/// A policy file with one policy, which keeps everything.
pub(crate) fn keep_all_named(name: &str) -> String {
    format!("policies: [{{name: {name}, type: always_sample}}]\n")
}

impl Active {
    /// The names of the policies.
    pub(crate) fn names(&self) -> Vec<&str> {
        let policies = self.policies.iter();
        policies.map(|policy| policy.name.as_str()).collect()
    }
}

impl Replica {
    /// `/api/v1/policies`.
    pub(crate) async fn policies(&self) -> Policies {
        let answer = http::get(self.admin, "/api/v1/policies").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Waits until the policies in force have these names.
    pub(crate) async fn policies_in_force(&self, names: &[&str]) -> Policies {
        let what = format!("{names:?} are in force");
        eventually(&what, || async {
            let policies = self.policies().await;
            (policies.active.names() == names).then_some(policies)
        })
        .await
    }

    /// Waits until policies were rejected.
    pub(crate) async fn policies_rejected(&self) -> (Active, Rejected) {
        eventually("policies are rejected", || async {
            let policies = self.policies().await;
            policies.rejected.map(|it| (policies.active, it))
        })
        .await
    }

    /// `POST /-/reload`: the status and the page.
    pub(crate) async fn reload(&self) -> (u16, Policies) {
        let answer = http::request(self.admin, "POST", "/-/reload", &[], &[]).await;
        let page = serde_json::from_slice(&answer.body);
        (answer.status, page.unwrap())
    }
}
